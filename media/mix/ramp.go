package mix

import "math"

const (
	// unity is a gain of one as a fixed-point number. With it no gain that the
	// package knows overflows 32 bits on any sample.
	unity     = 1 << unityBits
	unityBits = 14
	// rampSteps is the resolution of the table: a fade at 16 kHz.
	rampSteps = 160
	// fadePart is the part of a frame that a fade takes: 10 ms.
	fadePart = 2
)

// rise is a raised cosine from zero to unity, written once and only read.
var rise = func() (t [rampSteps]int32) {
	for i := range t {
		t[i] = int32(math.Round(unity * (1 - math.Cos(math.Pi*(float64(i)+0.5)/rampSteps)) / 2))
	}
	return t
}()

func fixed(gain float32) int32 { return int32(gain*unity + 0.5) }

// add adds pcm to total. Its gain goes from one to the other by a raised cosine
// in the first half of the frame.
func add(total []int32, pcm []int16, from, to int32) {
	if len(pcm) != len(total) {
		return
	}
	fade := 0
	if from != to {
		fade = len(pcm) / fadePart
		for i, v := range pcm[:fade] {
			total[i] += scale(v, from+(to-from)*rise[i*rampSteps/fade]>>unityBits)
		}
	}
	total, pcm = total[fade:], pcm[fade:]
	switch to {
	case 0:
	case unity:
		for i, v := range pcm {
			total[i] += int32(v)
		}
	default:
		for i, v := range pcm {
			total[i] += scale(v, to)
		}
	}
}

func scale(v int16, gain int32) int32 { return (int32(v)*gain + unity/2) >> unityBits }
