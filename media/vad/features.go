package vad

import (
	"math"

	"github.com/ivrd/ivrd/media"
)

const (
	// numBands are 0–250, 250–500, 500–1000, 1000–2000 and 2000–4000 Hz.
	numBands = 5
	// taps of the half-band filter beyond the first.
	taps = 6

	// Periods that are looked for, in samples at 2 kHz: 60 to 400 Hz.
	shortest, longest = 5, 33
	slowFrame         = media.FrameSamples / 4 // at 2 kHz

	fullScale = 32768 * 32768 // mean square of 0 dBov
)

// features of a frame that are cheap.
type features struct {
	level  float32           // dBov
	bands  [numBands]float32 // dBov
	step   float32           // how far the level has moved since the last frame, dB
	colour float32           // the same of a band in the mean
}

// analyser takes sound apart. Thousands of them do not fit into a processor's caches:
// they keep only what the next frame needs.
type analyser struct {
	tails [4][taps]float32
	slope [slowFrame]float32
	last  features
}

// work is for one frame: the sound at falling rates, each behind the end of the frame
// before.
type work struct {
	at8k  [taps + media.FrameSamples]float32
	at4k  [taps + media.FrameSamples/2]float32
	at2k  [taps + media.FrameSamples/4]float32
	at1k  [taps + media.FrameSamples/8]float32
	low   [media.FrameSamples / 16]float32
	slope [2 * slowFrame]float32 // differences at 2 kHz, which weaken hum and cars
}

// take hears a frame and finds what is cheap: half a microsecond.
func (a *analyser) take(pcm []int16, w *work) (f features) {
	for i, b := range [...][]float32{w.at8k[:], w.at4k[:], w.at2k[:], w.at1k[:]} {
		copy(b, a.tails[i][:])
	}
	f.level = decibels(w.load(pcm) / (media.FrameSamples * fullScale))
	f.bands[4] = split(w.at8k[:], w.at4k[taps:])
	f.bands[3] = split(w.at4k[:], w.at2k[taps:])
	f.bands[2] = split(w.at2k[:], w.at1k[taps:])
	f.bands[1] = split(w.at1k[:], w.low[:])
	f.bands[0] = decibels(energy(w.low[:]) / (float32(len(w.low)) * fullScale))
	f.step = abs(f.level - a.last.level)
	for b, l := range f.bands {
		f.colour += abs(l-a.last.bands[b]) / numBands
	}
	copy(w.slope[:], a.slope[:])
	w.differ()
	a.keep(w, f)
	return f
}

// differ takes the differences of the frame at 2 kHz.
func (w *work) differ() {
	at := w.at2k[taps-1:]
	for i := range slowFrame {
		w.slope[slowFrame+i] = at[i+1] - at[i]
	}
}

// keep what the next frame begins with.
func (a *analyser) keep(w *work, f features) {
	for i, b := range [...][]float32{w.at8k[:], w.at4k[:], w.at2k[:], w.at1k[:]} {
		copy(a.tails[i][:], b[len(b)-taps:])
	}
	copy(a.slope[:], w.slope[slowFrame:])
	a.last = f
}

// load takes the samples and returns the sum of their squares.
func (w *work) load(pcm []int16) (sum float32) {
	x := w.at8k[taps:]
	for i, s := range pcm[:len(x)] {
		v := float32(s)
		x[i] = v
		sum += v * v
	}
	return sum
}

func abs(x float32) float32 { return max(x, -x) }

// split halves the rate of a signal and returns the level of the upper half of its
// band. The two filters are a half-band filter and its mirror, which share their
// work.
func split(in, low []float32) float32 {
	var sum float32
	for i := range low {
		x := in[2*i : 2*i+7 : 2*i+7]
		centre := 0.5 * x[3]
		sides := 9.0/32*(x[2]+x[4]) - 1.0/32*(x[0]+x[6])
		low[i] = centre + sides
		high := centre - sides
		sum += high * high
	}
	return decibels(sum / (float32(len(low)) * fullScale))
}

func energy(x []float32) (sum float32) {
	for _, v := range x {
		sum += v * v
	}
	return sum
}

// periodicity is the best correlation of the newest frame below 1 kHz with what
// was a period before.
func (w *work) periodicity() float32 {
	now := w.slope[slowFrame:]
	e0 := energy(now)
	if e0 == 0 {
		return 0
	}
	before := energy(w.slope[slowFrame-shortest+1 : 2*slowFrame-shortest+1])
	var best float32
	for lag := shortest; lag <= longest; lag++ {
		in, out := w.slope[slowFrame-lag], w.slope[2*slowFrame-lag]
		before += in*in - out*out
		c := product(now, w.slope[slowFrame-lag:])
		// Behind silence what is left of before is the error of the sum, of either sign.
		if c > 0 && before > 0 && c*c > best*before {
			best = c * c / before
		}
	}
	return min(float32(math.Sqrt(float64(best/e0))), 1)
}

// product of the newest frame with an earlier stretch.
func product(x, y []float32) float32 {
	y = y[:len(x)]
	var a, b, c, d float32
	for i := 0; i+4 <= len(x); i += 4 {
		x4, y4 := x[i:i+4:i+4], y[i:i+4:i+4]
		a += x4[0] * y4[0]
		b += x4[1] * y4[1]
		c += x4[2] * y4[2]
		d += x4[3] * y4[3]
	}
	return a + b + c + d
}

// sines is the share of the power that is left when each sample is foretold by
// one or two sines: they obey x[n]+x[n-8] = a(x[n-2]+x[n-6]) + b·x[n-4], whatever
// their phases and levels. It is about noise by signal for telephone tones, and
// rarely below 1 % for a voice.
func (w *work) sines() float32 {
	x := w.at8k[taps:]
	var uu, uv, uw, vv, vw, ww float32
	for i := 0; i+8 < len(x); i += 2 {
		p := x[i : i+9 : i+9]
		u, v, w := p[0]+p[8], p[2]+p[6], p[4]
		uu += u * u
		uv += u * v
		uw += u * w
		vv += v * v
		vw += v * w
		ww += w * w
	}
	const ridge = 1.0001 // one sine has no answer of its own
	vv, ww = vv*ridge, ww*ridge
	det := vv*ww - vw*vw
	if det <= 0 || ww == 0 {
		return 1
	}
	p, q := (uv*ww-uw*vw)/det, (uw*vv-uv*vw)/det
	rest := uu - p*uv - q*uw
	return max(rest, 0) / ((2 + 2*p*p + q*q) * ww)
}

// decibels of a power by that of 0 dBov; right to 0.02 dB.
func decibels(power float32) float32 {
	if power < 1e-10 {
		return Nothing
	}
	bits := math.Float32bits(power)
	e := float32(int(bits>>23) - 127)
	m := math.Float32frombits(bits&0x7FFFFF | 0x3F800000) // 1 to 2
	log2 := e - 2.1536207 + m*(3.0478842+m*(-1.051875+m*0.1582487))
	return log2 * 3.0102999566
}
