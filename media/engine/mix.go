package engine

import (
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/mix"
	"github.com/ivrd/ivrd/media/rtpio"
)

// listen tells the mixer whom this leg hears in this tick. Whoever was heard
// until now and is not any more fades out in it.
func (st *stream) listen() {
	st.ear.Begin()
	if st.played != nil {
		st.ear.Hear(st.prompt())
		return
	}
	for _, o := range st.speakers {
		st.ear.Hear(&o.voice)
	}
	for _, o := range st.overheard {
		if o.played != nil {
			st.ear.Hear(o.prompt())
		}
	}
}

// prompt is the voice of what this leg is being played.
func (st *stream) prompt() *mix.Voice { return &st.prompts[st.player.turn()] }

// sum is what several others say at once, or one who comes or goes. Who is not
// heard for a moment does not make the rest be lost.
func (st *stream) sum(at media.Time) []byte {
	var pcm [media.FrameSamples]int16
	st.ear.Mix(at, pcm[:])
	st.remote.Codec.Encode(st.recoded[:], pcm[:])
	return st.recoded[:]
}

// breakOff keeps the end of what the peer has said, for those who still hear it,
// to fade out in.
func (st *stream) breakOff() {
	st.voice.Frame(st.session.next-media.FrameSamples, media.FrameSamples)
}

// said is what a stream's peer says, as the mixer takes it.
type said struct{ *stream }

func (s said) Frame(dst []int16) mix.Kind {
	if s.closed || !s.connected {
		return mix.Silent
	}
	switch in := &s.intake; in.Kind {
	case rtpio.Sound:
		s.remote.Codec.Decode(dst, in.Payload)
		return mix.Sound
	case rtpio.Lost:
		return mix.Lost
	default:
		return mix.Silent
	}
}

// shown is what a stream is being played in one of its turns, as the mixer takes
// it.
type shown struct {
	*stream

	turn int
}

func (s shown) Frame(dst []int16) mix.Kind {
	payload := s.played
	if payload == nil || s.player.turn() != s.turn {
		cut := s.rests[s.turn]
		if payload = cut.payload; payload == nil || cut.at != s.session.Now() {
			return mix.Silent
		}
	}
	s.remote.Codec.Decode(dst, payload)
	return mix.Sound
}
