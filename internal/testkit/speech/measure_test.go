package speech

import (
	"math"
	"math/rand/v2"
	"testing"
)

func tone(n int, hz, amplitude float64) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*hz*float64(i)/8000)))
	}
	return pcm
}

// The measures against what can be told beforehand: noise of a known power,
// and a gain of 6 dB, which is 6 dB in each frequency that is above the floor.
func TestMeasures(t *testing.T) {
	want := tone(80000, 1000, 8000)
	if s, d := SegmentalSNR(want, want), LogSpectralDistance(want, want); s != 35 || d != 0 {
		t.Errorf("the same sound is %.1f dB and %.2f dB away from itself", s, d)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	noisy := make([]int16, len(want))
	for i, s := range want {
		noisy[i] = s + int16(math.Round(rng.NormFloat64()*8000/math.Sqrt2/10))
	}
	if s := SegmentalSNR(want, noisy); math.Abs(s-20) > 0.5 {
		t.Errorf("noise 20 dB below is said to be %.1f dB below", s)
	}
	loud, soft := make([]int16, 80000), make([]int16, 80000)
	for i := range loud {
		s := rng.NormFloat64() * 2000
		soft[i], loud[i] = int16(s), int16(2*s)
	}
	if d := LogSpectralDistance(soft, loud); math.Abs(d-6.02) > 0.1 {
		t.Errorf("twice the amplitude is %.2f dB away, want 6.02", d)
	}
}
