//go:build pocketsphinx

package sphinx

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ivrd/ivrd/internal/testkit/speech"
	"github.com/ivrd/ivrd/media"
)

// talker is a voice of a synthesizer.
type talker struct {
	flite bool
	name  string
	speed int // words a minute, of espeak-ng
}

func espeak(name string, speed int) talker { return talker{name: name, speed: speed} }
func flite(name string) talker             { return talker{flite: true, name: name} }

func (k talker) say(t testing.TB, text string) []int16 {
	t.Helper()
	if k.flite {
		return speech.Flite(t, k.name, text, media.SampleRate)
	}
	return speech.Voice{Name: k.name, Text: text, Speed: k.speed}.Say(t, media.SampleRate)
}

// before and after are the silence around what is said, as a call's listener lets it
// be heard: 200 ms before speech begins, and the 700 ms by which its end is noticed.
const before, after = 200 * media.SampleRate / 1000, 700 * media.SampleRate / 1000

// byTelephone is speech from 300 to 3,400 Hz and µ-law, with pink noise so many dB
// below it, or none. The same text has the same noise.
func byTelephone(pcm []int16, noise float64, text string) []int16 {
	x := make([]float64, before+len(pcm)+after)
	for i, s := range pcm {
		x[before+i] = float64(s)
	}
	if !math.IsInf(noise, 1) {
		h := fnv.New64a()
		_, _ = h.Write([]byte(text))
		p := speech.Pink(rand.New(rand.NewPCG(h.Sum64(), 1)), len(x))
		scale := math.Sqrt(power(loud(pcm))/power(p)) * math.Pow(10, -noise/20)
		for i := range x {
			x[i] += scale * p[i]
		}
	}
	out := make([]int16, len(x))
	for i, s := range speech.TelephoneBand(x) {
		out[i] = int16(min(max(math.Round(s), math.MinInt16), math.MaxInt16))
	}
	coded := make([]byte, len(out))
	media.PCMU.Encode(coded, out)
	media.PCMU.Decode(out, coded)
	return out
}

// loud is speech without its pauses.
func loud(pcm []int16) []float64 {
	var frames [][]float64
	for f := range slices.Chunk(pcm, media.FrameSamples) {
		x := make([]float64, len(f))
		for i, s := range f {
			x[i] = float64(s)
		}
		frames = append(frames, x)
	}
	top := 0.0
	for _, f := range frames {
		top = max(top, power(f))
	}
	return slices.Concat(slices.DeleteFunc(frames, func(f []float64) bool { return power(f) < top/1000 })...)
}

func power(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return sum / float64(max(len(x), 1))
}
