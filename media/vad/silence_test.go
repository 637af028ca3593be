package vad_test

import (
	"slices"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/speech"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/vad"
)

// TestSpeechAfterSilence: who speaks out of digital silence is heard, and every score is
// a number from 0 to 1.
func TestSpeechAfterSilence(t *testing.T) {
	for _, voice := range []string{"en-us", "en-us+f3", "en-gb", "en-us+m3"} {
		for _, text := range []string{"please block my card", "lock my card", "yes", "no", "my balance", "english"} {
			pcm := slices.Concat(media.Silence(time.Second), speech.Voice{Name: voice, Text: text}.Say(t, media.SampleRate), media.Silence(time.Second))
			var d vad.Detector
			var e vad.Endpointer
			began := false
			for at := 0; at+media.FrameSamples <= len(pcm); at += media.FrameSamples {
				v := d.Frame(pcm[at : at+media.FrameSamples])
				if !(v.Score >= 0 && v.Score <= 1) {
					t.Errorf("%s says %q: score %v", voice, text, v.Score)
				}
				ev, ok := e.Frame(media.Time(at), v)
				began = began || ok && ev.Kind == vad.Began
			}
			if !began {
				t.Errorf("%s says %q: not heard", voice, text)
			}
		}
	}
}
