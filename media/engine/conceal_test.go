package engine

import (
	"slices"
	"testing"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/plc"
	"github.com/ivrd/ivrd/media/rtpio"
)

// In a mix at the speaker's own rate a lost frame goes over into what has come
// after it; else, and for a stall, only what came before is known.
func TestConcealerKnowsWhatFollows(t *testing.T) {
	pcm := media.Tone(300, -10, 2*media.FrameDuration)
	frame, next := pcm[:media.FrameSamples], make([]byte, media.FrameSamples)
	media.PCMA.Encode(next, pcm[media.FrameSamples:])
	for _, c := range []struct {
		codec   media.Codec
		samples int
		kind    rtpio.FrameKind
		bridged bool
	}{
		{media.PCMA, media.FrameSamples, rtpio.Lost, true},
		{media.PCMA, media.MaxFrameSamples, rtpio.Lost, false},
		{media.PCMA, media.FrameSamples, rtpio.NoFrame, false},
		{media.G722, media.MaxFrameSamples, rtpio.Lost, false},
	} {
		st := &stream{remote: media.Remote{Codec: c.codec}}
		st.intake.Kind, st.intake.Next = c.kind, next
		got, want := make([]int16, c.samples), make([]int16, c.samples)
		heard, hear := speaker{st}.Concealer(c.samples), plc.New(c.samples*media.FramesPerSecond)
		heard.Good(frame)
		hear.Good(frame)
		heard.Lost(got)
		if c.bridged {
			media.PCMA.Decode(pcm, next)
			hear.Between(want, 0, pcm[:len(next)])
		} else {
			hear.Lost(want)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v: concealed in another way", c)
		}
	}
}
