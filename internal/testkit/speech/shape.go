package speech

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/ivrd/ivrd/media"
)

// WithNoise adds white noise of a level to a sound, so that none of its frames is pure
// silence.
func WithNoise(pcm []int16, dBov float64, seed uint64) []int16 {
	rng := rand.New(rand.NewPCG(seed, 3))
	out := slices.Clone(pcm)
	for i := range out {
		out[i] += int16(math.Round(rng.NormFloat64() * 32768 * math.Pow(10, dBov/20)))
	}
	return out
}

// Pink is noise of 3 dB less an octave, by Kellet's filter.
func Pink(rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	var a, b, c float64
	for i := range x {
		w := rng.NormFloat64()
		a = 0.99765*a + w*0.0990460
		b = 0.96300*b + w*0.2965164
		c = 0.57000*c + w*1.0526913
		x[i] = a + b + c + w*0.1848
	}
	return x
}

// FromOnset leaves out the frames of 8 kHz sound before the first above a level.
func FromOnset(pcm []int16, dBov float64) []int16 {
	for len(pcm) > media.FrameSamples && 10*math.Log10(power(pcm[:media.FrameSamples])/(1<<30)) < dBov {
		pcm = pcm[media.FrameSamples:]
	}
	return pcm
}

// Louder is a sound turned up by dB, or down.
func Louder(pcm []int16, db float64) []int16 {
	out := slices.Clone(pcm)
	for i, s := range out {
		out[i] = int16(min(max(math.Round(float64(s)*math.Pow(10, db/20)), -32768), 32767))
	}
	return out
}
