package engine

import (
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/rtpio"
)

// TestGoesBackToForwarding: what began through the encoder goes undecoded from the
// next pause on, or after two seconds: it costs the encoder's time until then.
func TestGoesBackToForwarding(t *testing.T) {
	for name, pause := range map[string]int{"in a pause": 60, "at last": 0} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rtpio.System(), [2]media.Codec{media.G722, media.G722})
			loud := new(media.Encoder)
			if err := loud.Reset(media.G722, media.WidebandRate); err != nil {
				t.Fatal(err)
			}
			r.session.tap = nullTap{}
			for i := range 10 {
				loud.Encode(r.packet[0].Payload, wave(i*media.MaxFrameSamples))
				r.frame()
			}
			r.legs[0].speakers, r.legs[1].speakers = []*stream{r.legs[1]}, []*stream{r.legs[0]}
			through := 0
			for i := range 150 {
				loud.Encode(r.packet[0].Payload, wave(i*media.MaxFrameSamples))
				if i == pause && pause > 0 {
					for k := range r.packet[0].Payload {
						r.packet[0].Payload[k] = media.G722.Silence()
					}
				}
				r.frame()
				if !r.legs[1].wide.out.apart {
					through++
				}
			}
			want := longest + 1
			if pause > 0 {
				want = pause + 2 // the jitter buffer's
			}
			if through < want-2 || through > want+2 {
				t.Errorf("%d frames of 150 were encoded, want %d", through, want)
			}
		})
	}
}

// TestPromptGoesBackToItsFrames is the same of what is played.
func TestPromptGoesBackToItsFrames(t *testing.T) {
	r := newRig(t, rtpio.System(), [2]media.Codec{media.G722, media.G722})
	st := r.legs[0]
	p := media.NewPrompt("tone", media.Tone(400, -20, time.Second))
	st.player = player{Play: media.Play{Loop: true, Prompts: []*media.Prompt{p}}, active: true}
	through := 0
	for range 150 {
		r.frame()
		if !st.wide.out.apart {
			through++
		}
	}
	if through < longest || through > longest+2 {
		t.Errorf("%d frames of 150 were encoded, want %d", through, longest+1)
	}
}
