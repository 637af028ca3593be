package speech

import "math"

// The filter of TelephoneBand: a sinc of so many taps on each side under Hamming's
// window, at 8 kHz.
const (
	bandTaps = 160
	bandLow  = 300.0 / 8000
	bandHigh = 3400.0 / 8000
)

// TelephoneBand leaves of sound at 8 kHz what lies from 300 to 3,400 Hz, with edges of
// some 80 Hz, in time with what came.
func TelephoneBand(x []float64) []float64 {
	var h [2*bandTaps + 1]float64
	for i := range h {
		n := float64(i - bandTaps)
		h[i] = (lowPass(n, bandHigh) - lowPass(n, bandLow)) * (0.54 + 0.46*math.Cos(math.Pi*n/bandTaps))
	}
	out := make([]float64, len(x))
	for i := range out {
		for k := max(0, i-bandTaps); k <= min(len(x)-1, i+bandTaps); k++ {
			out[i] += x[k] * h[k-i+bandTaps]
		}
	}
	return out
}

func lowPass(n, cutoff float64) float64 {
	if n == 0 {
		return 2 * cutoff
	}
	return math.Sin(2*math.Pi*cutoff*n) / (math.Pi * n)
}
