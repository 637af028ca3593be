// Package tone measures what is heard: which of the parties' tones, how loud,
// and where nothing is. Its Phone is a party of a test.
package tone

import (
	"math"
	"time"

	"github.com/ivrd/ivrd/media"
)

// silent is the level of digital silence, in dBov.
const silent = -120

// audible is the level from which on a tone counts as heard, in dBov. Tests
// send at -20, G.711 adds noise about 38 dB below the loudest tone.
const audible = -45

// Level of one frequency in dBov, by a Goertzel filter under a Hann window:
// neighbours are told apart from 4 periods of the window on (40 Hz in 100 ms).
func Level(pcm []int16, freqHz float64) float64 {
	var s1, s2, norm float64
	k := 2 * math.Cos(2*math.Pi*freqHz/media.SampleRate)
	for i, s := range pcm {
		w := 1 - math.Cos(2*math.Pi*(float64(i)+0.5)/float64(len(pcm)))
		norm += w
		s1, s2 = w*float64(s)+k*s1-s2, s1
	}
	return decibels(2 * (s1*s1 + s2*s2 - k*s1*s2) / (norm * norm))
}

// Power of everything in pcm, in dBov.
func Power(pcm []int16) float64 {
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return decibels(sum / float64(len(pcm)))
}

// decibels of a mean square relative to a full-scale square wave.
func decibels(square float64) float64 {
	if !(square > 0) {
		return silent
	}
	return max(10*math.Log10(square/(-math.MinInt16*-math.MinInt16)), silent)
}

// Dominant is the loudest frequency between 100 and 3900 Hz, to 10 Hz, and
// its level.
func Dominant(pcm []int16) (freqHz, level float64) {
	level = silent
	for f := 100.0; f <= 3900; f += 10 {
		if l := Level(pcm, f); l > level {
			freqHz, level = f, l
		}
	}
	return freqHz, level
}

// Heard returns those of the tones that are in pcm, in the order given: the
// audible ones that are not more than isolation dB below the loudest.
func Heard(pcm []int16, isolation float64, tones ...float64) []float64 {
	loudest := float64(silent)
	for _, f := range tones {
		loudest = max(loudest, Level(pcm, f))
	}
	var out []float64
	for _, f := range tones {
		if l := Level(pcm, f); l > audible && l > loudest-isolation {
			out = append(out, f)
		}
	}
	return out
}

// Gap is a stretch without sound.
type Gap struct{ From, To time.Duration }

// Gaps are the stretches of at least the given length whose 5 ms blocks are
// all below a level in dBov.
func Gaps(pcm []int16, below float64, atLeast time.Duration) []Gap {
	const block = media.SampleRate / 200
	var out []Gap
	start := -1
	for i := 0; i <= len(pcm); i += block {
		quiet := i+block <= len(pcm) && Power(pcm[i:i+block]) < below
		switch {
		case quiet && start < 0:
			start = i
		case !quiet && start >= 0:
			g := Gap{From: media.Time(start).Duration(), To: media.Time(i).Duration()}
			if g.To-g.From >= atLeast {
				out = append(out, g)
			}
			start = -1
		}
	}
	return out
}

// Decode makes PCM at media.SampleRate of sound from its beginning.
func Decode(c media.Codec, payload []byte) []int16 {
	var d media.Decoder
	if d.Reset(c, media.SampleRate) != nil {
		return nil
	}
	pcm := make([]int16, d.Samples(len(payload)))
	return pcm[:d.Decode(pcm, payload)]
}
