package emotion

import (
	"math"
	"math/bits"
	"sync"

	"github.com/ivrd/ivrd/media"
)

const (
	size   = 512                    // points of a spectrum: 15.6 Hz a bin
	window = 2 * media.FrameSamples // samples that are looked at: 40 ms
	half   = size / 2
)

// tables are the same for all legs.
type tables struct {
	hann     [window]float32
	twiddle  [half]complex64 // of size points: exp(-2πik/size)
	reversed [half]uint8
	low      [half + 1]float32 // weights of the bins in which periods are looked for
	self     [longest + 2]float32
}

// shared builds the tables once.
var shared = sync.OnceValue(func() *tables {
	t := new(tables)
	for i := range t.hann {
		t.hann[i] = float32(0.5 - 0.5*math.Cos(2*math.Pi*(float64(i)+0.5)/window))
	}
	for i := range t.twiddle {
		s, c := math.Sincos(-2 * math.Pi * float64(i) / size)
		t.twiddle[i] = complex(float32(c), float32(s))
		t.reversed[i] = bits.Reverse8(uint8(i))
	}
	for k := range t.low {
		hz := float64(k) * media.SampleRate / size
		switch {
		case hz < lowFrom || hz > lowTo:
		case hz <= lowFull:
			t.low[k] = 1
		default:
			t.low[k] = float32(0.5 + 0.5*math.Cos(math.Pi*(hz-lowFull)/(lowTo-lowFull)))
		}
	}
	t.self = t.selfSimilarity()
	return t
})

// spectrum is work for the transforms: half of the points, since the input is real.
type spectrum [half]complex64

// transform replaces the packed samples (even ones real, odd ones imaginary) by the
// first half of their spectrum; the real and imaginary part of bin 0 are bins 0
// and half. Radix 2, in place.
func (t *tables) transform(z *spectrum) {
	for i, r := range t.reversed {
		if int(r) > i {
			z[i], z[r] = z[r], z[i]
		}
	}
	for i := 0; i < half; i += 2 {
		z[i], z[i+1] = z[i]+z[i+1], z[i]-z[i+1]
	}
	for n := 2; n < half; n *= 2 { // joins two of n points
		stride := size / (2 * n)
		for at := 0; at < half; at += 2 * n {
			lo, hi := z[at:at+n:at+n], z[at+n:at+2*n:at+2*n]
			for k := range lo {
				w, b := t.twiddle[k*stride], hi[k]
				re := real(w)*real(b) - imag(w)*imag(b)
				im := real(w)*imag(b) + imag(w)*real(b)
				a := lo[k]
				lo[k] = complex(real(a)+re, imag(a)+im)
				hi[k] = complex(real(a)-re, imag(a)-im)
			}
		}
	}
	t.unpack(z)
}

// unpack makes of the spectrum of the packed samples that of the samples.
func (t *tables) unpack(z *spectrum) {
	a := z[0]
	z[0] = complex(real(a)+imag(a), real(a)-imag(a))
	for k := 1; k <= half/2; k++ {
		p, q := z[k], z[half-k]
		q = complex(real(q), -imag(q))
		even, odd := (p+q)/2, (p-q)/2
		w := t.twiddle[k]
		// odd/i·w
		re := real(odd)*imag(w) + imag(odd)*real(w)
		im := imag(odd)*imag(w) - real(odd)*real(w)
		z[k] = complex(real(even)+re, imag(even)+im)
		z[half-k] = complex(real(even)-re, im-imag(even))
	}
}
