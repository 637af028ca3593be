package engine

import (
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/mix"
	"github.com/ivrd/ivrd/media/plc"
	"github.com/ivrd/ivrd/media/rtpio"
)

// listen tells the mixer whom this leg hears in this tick. Whoever was heard
// until now and is not any more fades out in it.
func (st *stream) listen() {
	n := st.samples
	st.ear.Begin()
	if st.played != nil {
		st.ear.Hear(st.prompt(n))
		return
	}
	for _, o := range st.speakers {
		st.ear.Hear(o.voiceOf(said, n))
	}
	for _, o := range st.overheard {
		if o.played != nil {
			st.ear.Hear(o.prompt(n))
		}
	}
}

// prompt is the voice of what this leg is being played.
func (st *stream) prompt(samples int) *mix.Voice {
	return st.voiceOf(played+source(st.player.turn()), samples)
}

// sum is what several others say at once, or one who comes or goes. Who is not
// heard for a moment does not make the rest be lost.
func (st *stream) sum(at media.Time) []byte {
	var room [media.MaxFrameSamples]int16
	pcm := room[:st.samples]
	st.ear.Mix(at, pcm)
	return st.encode(pcm)
}

// breakOff keeps the end of what the peer has said, for those who still hear it,
// to fade out in.
func (st *stream) breakOff() {
	if !st.connected {
		return
	}
	last := st.session.next - media.FrameSamples
	if w := st.wide; w != nil && w.voices[said] != nil {
		w.voices[said].Frame(last, media.MaxFrameSamples)
	}
	if st.remote.Codec.Stateless() || st.wide.decoders[said][0] != nil {
		st.voice.Frame(last, media.FrameSamples)
	}
}

// speaker is what a stream's peer says, as the mixer takes it.
type speaker struct{ *stream }

func (s speaker) Frame(dst []int16) mix.Kind {
	switch {
	case s.closed || !s.connected:
		return mix.Silent
	case s.intake.Kind == rtpio.Sound:
		s.decode(said, dst, s.intake.Payload)
		return mix.Sound
	case s.missing():
		return mix.Lost
	default:
		return mix.Silent
	}
}

// Concealer implements mix.Concealing.
func (s speaker) Concealer(samples int) mix.Concealer {
	return &concealer{Concealer: plc.New(samples * media.FramesPerSecond), stream: s.stream, samples: samples}
}

// concealer makes up what was lost on the line of a stream, also from what
// follows it, where a single frame can be decoded ahead.
type concealer struct {
	*plc.Concealer

	stream  *stream
	samples int
}

func (c *concealer) Lost(dst []int16) {
	in, codec := &c.stream.intake, c.stream.remote.Codec
	if in.Kind != rtpio.Lost || !codec.Stateless() || codec.FrameSamples() != c.samples {
		c.Concealer.Lost(dst)
		return
	}
	var room [media.FrameSamples]int16
	c.Between(dst, in.After, room[:codec.Decode(room[:], in.Next)])
}

// shown is what a stream is being played in one of its turns, as the mixer takes
// it.
type shown struct {
	*stream

	turn source
}

func (s shown) Frame(dst []int16) mix.Kind {
	payload := s.played
	if turn := int(s.turn - played); payload == nil || s.player.turn() != turn {
		cut := s.rests[turn]
		if payload = cut.payload; payload == nil || cut.at != s.session.Now() {
			return mix.Silent
		}
	}
	s.decode(s.turn, dst, payload)
	return mix.Sound
}
