package emotion

import (
	"math"

	"github.com/ivrd/ivrd/media"
)

const (
	// Periods that are looked for, in samples: 62 to 420 Hz.
	shortest, longest = 19, 129

	// Periods are looked for in this band, in Hz, of full weight up to lowFull: above,
	// there is more noise than voice, and peaks would be too narrow for a parabola.
	lowFrom, lowFull, lowTo = 50, 900, 1500

	// A voice repeats itself at least so well.
	voicedFrom = 0.55

	// What a doubling of the period costs, and what an octave off the usual pitch of
	// the last voiced frames costs, at most as much, in units of correlation; and how fast
	// the usual follows. Fewest errors on voices of espeak-ng and synthetic ones.
	perOctave, perLeap = 0.09, 0.15
	usualFollows       = 0.1
	// After so many frames without a voice any pitch may begin.
	remembered = 3 * 50
)

// tracker finds the pitch of one voice, frame by frame.
//
// It takes the autocorrelation of 40 ms by their spectrum, divided by that of the window
// (Boersma 1993): a perfectly periodic sound has 1 at its period and at all multiples
// of it. Of those the shortest is preferred, and what is near to the usual of the last
// half second; nearness to the last frame alone would make errors persist.
type tracker struct {
	usual float32 // octaves above 1 Hz, 0 for none
	age   int     // frames since the last voiced one
}

// selfSimilarity is the correlation that the window leaves to a sine, by lag.
func (t *tables) selfSimilarity() (out [longest + 2]float32) {
	var z spectrum
	for i := 0; i < window; i += 2 {
		z[i/2] = complex(t.hann[i], t.hann[i+1])
	}
	t.transform(&z)
	var m [half + 1]float32
	for k := 1; k < half; k++ {
		m[k] = power(z[k])
	}
	m[0] = real(z[0]) * real(z[0])
	t.correlate(&z, &m)
	for lag := range out {
		out[lag] = real(z[lag]) / real(z[0])
	}
	return out
}

func power(c complex64) float32 { return real(c)*real(c) + imag(c)*imag(c) }

// correlate fills z with the transform of an even spectrum: its correlation by lag.
func (t *tables) correlate(z *spectrum, m *[half + 1]float32) {
	for i := range z {
		z[i] = complex(m[mirror(2*i)], m[mirror(2*i+1)])
	}
	t.transform(z)
}

func mirror(k int) int {
	if k > half {
		return size - k
	}
	return k
}

// find returns the fundamental frequency in Hz and how well the sound repeats itself,
// 0 to 1; the frequency is 0 when it does not. m is the power of the
// spectrum; both it and z are overwritten.
func (p *tracker) find(t *tables, z *spectrum, m *[half + 1]float32) (hz, clarity float32) {
	for k, w := range t.low {
		m[k] *= w
	}
	t.correlate(z, m)
	p.age++
	norm := real(z[0])
	if norm <= 0 {
		return 0, 0
	}
	hz, clarity = p.choose(t, z, norm)
	if clarity < voicedFrom {
		return 0, clarity
	}
	p.follow(log2(hz))
	return hz, clarity
}

func (p *tracker) follow(octaves float32) {
	if !p.knows() {
		p.usual = octaves
	}
	p.usual += usualFollows * (octaves - p.usual)
	p.age = 0
}

func (p *tracker) knows() bool { return p.usual != 0 && p.age <= remembered }

// choose among the peaks of the correlation.
func (p *tracker) choose(t *tables, z *spectrum, norm float32) (hz, clarity float32) {
	best := float32(math.Inf(-1))
	at := func(lag int) float32 { return real(z[lag]) / (norm * t.self[lag]) }
	a, b := at(shortest-1), at(shortest)
	for lag := shortest; lag <= longest; lag++ {
		c := at(lag + 1)
		if b > a && b >= c && b > voicedFrom/2 {
			shift := 0.5 * (a - c) / (a - 2*b + c)
			height := min(b-0.25*(a-c)*shift, 1)
			f := media.SampleRate / (float32(lag) + shift)
			if s := height + p.favour(f); s > best {
				best, hz, clarity = s, f, height
			}
		}
		a, b = b, c
	}
	return hz, clarity
}

// favour high and usual frequencies.
func (p *tracker) favour(hz float32) float32 {
	octaves := log2(hz)
	s := perOctave * octaves
	if p.knows() {
		s -= perLeap * min(abs(octaves-p.usual), 1)
	}
	return s
}

func log2(x float32) float32 { return float32(math.Log2(float64(x))) }

func abs(x float32) float32 { return max(x, -x) }
