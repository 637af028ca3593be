package speech

import (
	"math"
	"math/bits"
	"math/cmplx"
)

const (
	segment = 160 // 20 ms at 8 kHz
	window  = 256 // 32 ms
	hop     = 128
	// active is the mean square of a segment in which somebody speaks: -50 dBov.
	active = 32768 * 32768 * 1e-5
	target = 32768 * 32768 * 0.0025 // -26 dBov
	// floor keeps the logarithm of nothing near that of the noise of G.711.
	floor = 1e3
)

// level brings speech to the target.
func level(pcm []int16) []int16 {
	sum, n := 0.0, 0
	for at := 0; at+segment <= len(pcm); at += segment {
		if p := power(pcm[at : at+segment]); p > active {
			sum += p
			n++
		}
	}
	gain := math.Sqrt(target / (sum / float64(max(n, 1))))
	for i, s := range pcm {
		pcm[i] = int16(min(max(float64(s)*gain, math.MinInt16), math.MaxInt16))
	}
	return pcm
}

func power(pcm []int16) float64 {
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return sum / float64(len(pcm))
}

// SegmentalSNR is the mean of the signal-to-noise ratios of the segments of
// 160 samples in which want is not silent, each held within -10 to 35 dB. Both
// must be aligned in time.
func SegmentalSNR(want, got []int16) float64 {
	sum, n := 0.0, 0
	for at := 0; at+segment <= min(len(want), len(got)); at += segment {
		p := power(want[at : at+segment])
		if p < active {
			continue
		}
		noise := 0.0
		for i := at; i < at+segment; i++ {
			d := float64(want[i]) - float64(got[i])
			noise += d * d
		}
		sum += min(max(10*math.Log10(p/(noise/segment+1e-9)), -10), 35)
		n++
	}
	return sum / float64(max(n, 1))
}

// LogSpectralDistance is the mean over windows of 256 samples, in which want is
// not silent, of the root mean square difference of the two power spectra, in
// dB. Both must be aligned in time.
func LogSpectralDistance(want, got []int16) float64 {
	d := newTransform()
	sum, n := 0.0, 0
	for at := 0; at+window <= min(len(want), len(got)); at += hop {
		if power(want[at:at+window]) < active {
			continue
		}
		a, b := d.spectrum(want[at:at+window]), d.spectrum(got[at:at+window])
		square := 0.0
		for i := range a {
			square += (a[i] - b[i]) * (a[i] - b[i])
		}
		sum += math.Sqrt(square / float64(len(a)))
		n++
	}
	return sum / float64(max(n, 1))
}

// transform is a discrete Fourier transform of one window under Hann's.
type transform struct {
	hann  [window]float64
	turns [window / 2]complex128
}

func newTransform() *transform {
	t := new(transform)
	for i := range t.hann {
		t.hann[i] = (1 - math.Cos(2*math.Pi*float64(i)/window)) / 2
	}
	for i := range t.turns {
		t.turns[i] = cmplx.Rect(1, -2*math.Pi*float64(i)/window)
	}
	return t
}

// spectrum is the power in dB of each frequency above zero.
func (t *transform) spectrum(pcm []int16) (db [window/2 - 1]float64) {
	var x [window]complex128
	for i, s := range pcm {
		x[bits.Reverse8(uint8(i))] = complex(float64(s)*t.hann[i], 0)
	}
	for half := 1; half < window; half *= 2 {
		for start := 0; start < window; start += 2 * half {
			for i := start; i < start+half; i++ {
				odd := x[i+half] * t.turns[(i-start)*window/(2*half)]
				x[i], x[i+half] = x[i]+odd, x[i]-odd
			}
		}
	}
	for k := range db {
		re, im := real(x[k+1]), imag(x[k+1])
		db[k] = 10 * math.Log10((re*re+im*im)/window+floor)
	}
	return db
}
