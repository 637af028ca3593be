package media

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Prompt is a sound to play: encoded at most once for each codec, and shared by
// every call that plays it. It does not change, unless it is one of a Growing:
// then frames are added at its end until it is Complete.
type Prompt struct {
	name    string
	pcm     []int16
	rate    int       // of pcm, in Hz
	levels  []float32 // dBov, of frames
	encoded [numCodecs]func() []byte

	growing *Growing // nil: the sound is complete, and what follows means nothing
	ways    [numCodecs]atomic.Pointer[way]
}

// NewPrompt makes a prompt of pcm at SampleRate, which is copied. The name is
// for logs: the name of a file or of a phrase, never what is spoken to one caller.
func NewPrompt(name string, pcm []int16) *Prompt { return NewPromptAt(name, SampleRate, pcm) }

// NewPromptAt is NewPrompt of pcm at any (positive) rate, such as WidebandRate:
// for each codec it is converted to that codec's rate.
func NewPromptAt(name string, rateHz int, pcm []int16) *Prompt {
	p := &Prompt{name: name, pcm: slices.Clone(pcm), rate: rateHz}
	for frame := range slices.Chunk(p.pcm, max(rateHz/FramesPerSecond, 1)) {
		p.levels = append(p.levels, levelOf(frame))
	}
	for c := PCMU; c.Valid(); c++ {
		p.encoded[c] = sync.OnceValue(func() []byte { return p.encode(c) })
	}
	return p
}

// encode pads the last frame with silence. A codec with state runs through the
// whole prompt from its beginning; a listener's decoder that comes from another
// sound agrees with it within 100 ms.
func (p *Prompt) encode(c Codec) []byte {
	pcm := make([]int16, p.Frames()*c.FrameSamples())
	copy(pcm, p.at(c.AudioRate()))
	b := make([]byte, p.Frames()*c.FrameBytes())
	var e Encoder
	_ = e.Reset(c, c.AudioRate()) // both are valid
	e.Encode(b, pcm)
	return b
}

// at is the sound at another rate. Telephone sound becomes wideband by the
// filter for streams: Resample takes 6 ms for each second of it, and the first
// caller in G.722 waits for that.
func (p *Prompt) at(rateHz int) []int16 {
	if p.rate != SampleRate || rateHz != WidebandRate {
		return Resample(p.pcm, p.rate, rateHz)
	}
	const late = (halfBandTaps - 1) / 2 // samples that it delays
	r := resampler(p.rate, rateHz)
	out := make([]int16, 2*len(p.pcm)+late+1)
	n := r.Resample(out, p.pcm)
	r.Resample(out[n:], make([]int16, (late+1)/2))
	return out[late : n+late]
}

// Name identifies the prompt in logs.
func (p *Prompt) Name() string { return p.name }

// Duration is the length of the sound, without the last frame's padding.
func (p *Prompt) Duration() time.Duration {
	if p.growing != nil {
		return time.Duration(p.Frames()) * FrameDuration
	}
	return time.Duration(len(p.pcm)) * time.Second / time.Duration(p.rate)
}

// Frames is the number of frames that are there, the same in every codec.
func (p *Prompt) Frames() int {
	if p.growing != nil {
		return int(p.growing.heard.Load())
	}
	return (len(p.pcm)*FramesPerSecond + p.rate - 1) / p.rate
}

// Complete reports whether no more frames will come. Who finds it true and then asks
// for Frames knows all of them.
func (p *Prompt) Complete() bool { return p.growing == nil || p.growing.ended.Load() }

// Starved tells the prompt that a player has come to the end of what is there.
func (p *Prompt) Starved() {
	if p.growing != nil && p.growing.starved != nil {
		p.growing.starved.Add(1)
	}
}

// Level is the power of frame i in dBov; -100 is silence, or no frame.
func (p *Prompt) Level(i int) float32 {
	if p.growing != nil {
		return p.growing.level(i)
	}
	if i < 0 || i >= len(p.levels) {
		return noLevel
	}
	return p.levels[i]
}

const noLevel = -100 // dBov

func levelOf(pcm []int16) float32 {
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return float32(max(10*math.Log10(sum/float64(len(pcm))/(fullScale*fullScale)), noLevel))
}

// Frame is frame i of the prompt in codec c; it must not be written to. The
// first call for a codec encodes the prompt and takes its time: Prepare does
// so ahead.
func (p *Prompt) Frame(c Codec, i int) []byte {
	if p.growing != nil {
		return p.way(c).frame(i)
	}
	n := c.FrameBytes()
	return p.encoded[c]()[i*n : (i+1)*n : (i+1)*n]
}

// Prepare encodes the prompt for codec c, if that has not been done, so that
// Frame is quick.
func (p *Prompt) Prepare(c Codec) {
	if p.growing != nil {
		p.way(c)
		return
	}
	p.encoded[c]()
}

// way is how a growing prompt sounds in codec c.
func (p *Prompt) way(c Codec) *way {
	if w := p.ways[c].Load(); w != nil {
		return w
	}
	return p.growing.in(c)
}
