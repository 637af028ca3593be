package media

import (
	"math"
	"time"
)

// Tone is a sine wave of d at SampleRate. Its level is the power in dBov,
// where 0 dBov is the power of a full-scale square wave (RFC 6465 §3): a
// full-scale sine has -3.01 dBov, and more is clipped.
func Tone(freqHz, levelDBov float64, d time.Duration) []int16 {
	pcm := make([]int16, TimeOf(d))
	peak := math.Sqrt2 * fullScale * math.Pow(10, levelDBov/20)
	for i := range pcm {
		phase := math.Mod(freqHz*float64(i)/SampleRate, 1)
		pcm[i] = clip(peak * math.Sin(2*math.Pi*phase))
	}
	return pcm
}

// Silence is digital silence of d at SampleRate.
func Silence(d time.Duration) []int16 { return make([]int16, TimeOf(d)) }

// fullScale is the amplitude of 0 dBov.
const fullScale = -math.MinInt16

func clip(v float64) int16 {
	return int16(math.Round(min(max(v, math.MinInt16), math.MaxInt16)))
}
