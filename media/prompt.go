package media

import (
	"slices"
	"sync"
	"time"
)

// Prompt is a sound to play: immutable, encoded at most once for each codec,
// and shared by every call that plays it.
type Prompt struct {
	name    string
	pcm     []int16
	encoded [numCodecs]func() []byte
}

// NewPrompt makes a prompt of pcm, which is copied. The name is for logs: the
// name of a file or of a phrase, never what is spoken to one caller.
func NewPrompt(name string, pcm []int16) *Prompt {
	p := &Prompt{name: name, pcm: slices.Clone(pcm)}
	for _, c := range Codecs() {
		p.encoded[c] = sync.OnceValue(func() []byte { return p.encode(c) })
	}
	return p
}

// encode pads the last frame with silence.
func (p *Prompt) encode(c Codec) []byte {
	b := make([]byte, p.Frames(c)*c.FrameBytes())
	n := c.Encode(b, p.pcm)
	for i := range b[n:] {
		b[n+i] = c.Silence()
	}
	return b
}

// Name identifies the prompt in logs.
func (p *Prompt) Name() string { return p.name }

// Duration is the length of the sound, without the last frame's padding.
func (p *Prompt) Duration() time.Duration { return Time(len(p.pcm)).Duration() }

// Frames is the number of frames in codec c.
func (p *Prompt) Frames(c Codec) int {
	return (len(p.pcm) + c.FrameBytes() - 1) / c.FrameBytes()
}

// Frame is frame i of the prompt in codec c; it must not be written to. The
// first call for a codec encodes the prompt and takes its time: Prepare does
// so ahead.
func (p *Prompt) Frame(c Codec, i int) []byte {
	n := c.FrameBytes()
	return p.encoded[c]()[i*n : (i+1)*n : (i+1)*n]
}

// Prepare encodes the prompt for codec c, if that has not been done, so that
// Frame is quick.
func (p *Prompt) Prepare(c Codec) { p.encoded[c]() }
