package dtmf

import (
	"math"
	"math/cmplx"

	"github.com/ivrd/ivrd/media"
)

// The frequencies of keys in Hz (ITU-T Q.23): a key is one low and one high
// tone. The tables of this file are written once, before main, and only read.
var (
	lowTones  = [4]float64{697, 770, 852, 941}
	highTones = [4]float64{1209, 1336, 1477, 1633}

	windowHann  = [windowSamples]float64(hann(windowSamples))
	phaseHann   = [phaseSamples]float64(hann(phaseSamples))
	minPower    = powerOf(minLevel)
	lowFactors  = factors(lowTones)
	highFactors = factors(highTones)
)

// layout is the keypad: a row for each low tone, a column for each high one.
const layout = "123A456B789C*0#D"

func keyOf(low, high int) byte { return layout[4*low+high] }

// fullScale is the level of the largest sine, in dBm0 (ITU-T G.711, table 5:
// 3.17 for µ-law, 3.14 for A-law).
const fullScale = 3.17

// powerOf is the mean square of a sine of a level in dBm0, in 16-bit PCM.
func powerOf(level float64) float64 {
	return math.MaxInt16 * math.MaxInt16 / 2 * math.Pow(10, (level-fullScale)/10)
}

func radians(freq float64) float64 { return 2 * math.Pi * freq / media.SampleRate }

func factors(freqs [4]float64) (c [4]float64) {
	for i, f := range freqs {
		c[i] = 2 * math.Cos(radians(f))
	}
	return c
}

func hann(n int) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(n))
	}
	return w
}

// hannSquare is the mean square of a Hann window, whose mean is a half.
const hannSquare = 3.0 / 8

func weigh(dst []float64, pcm []int16, window []float64) {
	for i := range dst {
		dst[i] = float64(pcm[i]) * window[i]
	}
}

func energy(pcm []int16) float64 {
	var sum int64
	for _, v := range pcm {
		sum += int64(v) * int64(v)
	}
	return float64(sum) / float64(len(pcm))
}

func mean(v []float64) float64 {
	var sum float64
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// power is the mean square of weighed samples without their constant part.
func power(y []float64) float64 {
	var sum, square float64
	for _, v := range y {
		sum += v
		square += v * v
	}
	n := float64(len(y))
	constant := 2 * sum / n
	return square/n/hannSquare - constant*constant
}

// goertzel is the spectrum of y at a frequency, with the phase that a tone of
// that frequency has at the last sample.
func goertzel(y []float64, freq float64) complex128 {
	w := radians(freq)
	c := 2 * math.Cos(w)
	var s1, s2 float64
	for _, v := range y {
		s1, s2 = c*s1+(v-s2), s1
	}
	return complex(s1, 0) - cmplx.Rect(s2, -w)
}

// toneAt is the power (mean square) of a tone in samples weighed by Hann.
func toneAt(y []float64, freq float64) float64 {
	x := goertzel(y, freq)
	return toneOf(real(x)*real(x)+imag(x)*imag(x), len(y))
}

// toneOf is the power of a tone by the square of its spectrum: Hann has taken a
// half of the amplitude, the mirrored tone another.
func toneOf(square float64, n int) float64 { return 16 * square / float64(n*n) / 2 }

// bank is the power at each of four tones in a window weighed by Hann. It is
// goertzel for all at once: their sums do not wait for each other, and stay in
// registers as long as each has a name.
func bank(y *[windowSamples]float64, c *[4]float64) [4]float64 {
	c0, c1, c2, c3 := c[0], c[1], c[2], c[3]
	var a0, a1, a2, a3, b0, b1, b2, b3 float64
	for _, v := range y {
		a0, b0 = c0*a0+(v-b0), a0
		a1, b1 = c1*a1+(v-b1), a1
		a2, b2 = c2*a2+(v-b2), a2
		a3, b3 = c3*a3+(v-b3), a3
	}
	return [4]float64{
		toneOf(a0*a0+b0*b0-c0*a0*b0, len(y)), toneOf(a1*a1+b1*b1-c1*a1*b1, len(y)),
		toneOf(a2*a2+b2*b2-c2*a2*b2, len(y)), toneOf(a3*a3+b3*b3-c3*a3*b3, len(y)),
	}
}

// strongest is where the most power is.
func strongest(p [4]float64) (best int) {
	for i, v := range p {
		if v > p[best] {
			best = i
		}
	}
	return best
}
