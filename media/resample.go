package media

import (
	"math"
	"sync"
)

// The resampler's filter: sinc under a Kaiser window for a stop-band of 80 dB
// (J. O. Smith, "Digital Audio Resampling"). The stop-band begins at half the
// lower of the two rates, the pass-band ends at 90 % of that.
const (
	kaiserBeta    = 7.857 // 0.1102 (80 - 8.7)
	zeroCrossings = 48    // on each side: (80 - 7.95) / (14.36 · 0.1), halved, at the centre of the transition
	kernelSteps   = 512   // table entries between zero crossings: interpolated error below -110 dB
	cutoffRatio   = 0.95  // of half the lower rate
)

// Resample converts pcm from one rate to another, both in Hz, for prompts: it
// is offline, exact in length (rounded up) and adds no delay. What would alias
// is attenuated by 80 dB.
func Resample(pcm []int16, from, to int) []int16 {
	if from == to || from <= 0 || to <= 0 {
		return append([]int16(nil), pcm...)
	}
	kernel := sincKernel()
	out := make([]int16, (len(pcm)*to+from-1)/from)
	// step is how many zero crossings of the kernel lie between two samples.
	step := cutoffRatio * float64(min(from, to)) / float64(from)
	reach := zeroCrossings / step
	for n := range out {
		pos := float64(n) * float64(from) / float64(to)
		first := max(int(math.Ceil(pos-reach)), 0)
		last := min(int(pos+reach), len(pcm)-1)
		sum := 0.0
		for i := first; i <= last; i++ {
			x := math.Abs(float64(i)-pos) * step * kernelSteps
			k := int(x)
			w := kernel[k] + (x-float64(k))*(kernel[k+1]-kernel[k])
			sum += w * float64(pcm[i])
		}
		out[n] = clip(sum * step)
	}
	return out
}

// sincKernel is the right half of the windowed sinc. It takes 2 ms, a third of
// what a second of sound takes: it is made for the first sound that needs it,
// and kept.
var sincKernel = sync.OnceValue(func() []float64 {
	k := make([]float64, zeroCrossings*kernelSteps+2) // one beyond the end, for interpolation
	for i := range k {
		k[i] = windowedSinc(float64(i)/kernelSteps, zeroCrossings, kaiserBeta)
	}
	return k
})

// windowedSinc is a sinc under a Kaiser window, x zero crossings from its middle;
// it has so many crossings on each side.
func windowedSinc(x, crossings, beta float64) float64 {
	r := x / crossings
	switch {
	case x == 0:
		return 1
	case math.Abs(r) >= 1:
		return 0
	}
	return math.Sin(math.Pi*x) / (math.Pi * x) * bessel0(beta*math.Sqrt(1-r*r)) / bessel0(beta)
}

// bessel0 is the modified Bessel function of the first kind, order zero.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-12; k++ {
		term *= (x / (2 * k)) * (x / (2 * k))
		sum += term
	}
	return sum
}
