package media

import "time"

// Delay is how much later a sound leaves than it came.
func (r *Resampler) Delay() time.Duration {
	samples := float64(r.taps) / 2
	switch r.rates {
	case same:
		samples = 0
	case doubling:
		samples = float64(halfBandTaps-1) / 4
	case halving:
		samples = halfBandTaps / 2
	}
	return time.Duration(samples / float64(r.from) * float64(time.Second))
}
