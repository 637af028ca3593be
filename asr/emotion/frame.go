package emotion

import (
	"math"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/vad"
)

// kind is what is known of a frame.
type kind uint8

const (
	missing   kind = iota // lost on the line, or not heard of
	quiet                 // or noise, or a tone
	spoken                // part of speech without a pitch
	unpitched             // voiced speech whose pitch is not known: its window reaches into a loss
	voiced
)

// frame is what is kept of 20 ms; small, since some 30 s of them are kept per leg.
type frame struct {
	pitch   uint16   // of a voiced frame, Hz / pitchUnit
	level   centi    // dBov
	halves  [2]centi // the levels of its 10 ms, dBov
	slope   centi    // dB per kHz
	hammarb centi    // dB
	clarity uint8    // parts of 255
	kind    kind
}

const pitchUnit = 1.0 / 100

func (f *frame) hz() float32 { return float32(f.pitch) * pitchUnit }

// centi is a hundredth of a unit.
type centi int16

func toCenti(x float32) centi { return centi(max(min(x, 320), -320) * 100) }

func (c centi) float() float64 { return float64(c) / 100 }

// ear makes frames of sound.
type ear struct {
	vad     vad.Detector
	tracker tracker
	tables  *tables
	before  [media.FrameSamples]int16
	whole   bool // before is what was heard just before
}

// hear takes 20 ms of sound, or nil for what was lost.
func (e *ear) hear(pcm []int16) frame {
	if len(pcm) < media.FrameSamples {
		e.whole = false
		e.vad.Frame(nil)
		return frame{}
	}
	pcm = pcm[:media.FrameSamples]
	v := e.vad.Frame(pcm)
	f := frame{kind: quiet, level: toCenti(v.Level)}
	for i := range f.halves {
		f.halves[i] = toCenti(vad.Level(pcm[i*len(pcm)/2 : (i+1)*len(pcm)/2]))
	}
	if v.Speech && (v.Loud || v.Kind == vad.Voice) {
		e.listen(&f, pcm, v)
	}
	copy(e.before[:], pcm)
	e.whole = true
	return f
}

// listen to speech.
func (e *ear) listen(f *frame, pcm []int16, v vad.Verdict) {
	f.kind = spoken
	if !e.whole {
		if v.Kind == vad.Voice {
			f.kind = unpitched
		}
		return
	}
	var z spectrum
	var m [half + 1]float32
	e.load(&z, pcm)
	e.tables.transform(&z)
	colour := measure(&z, &m)
	hz, clarity := e.tracker.find(e.tables, &z, &m)
	if hz == 0 {
		return
	}
	f.kind, f.pitch = voiced, uint16(hz/pitchUnit+0.5)
	f.clarity = uint8(clarity * math.MaxUint8)
	f.slope, f.hammarb = toCenti(colour.slope), toCenti(colour.hammarberg)
}

// load the last 40 ms under a window.
func (e *ear) load(z *spectrum, pcm []int16) {
	const m = media.FrameSamples
	hann := &e.tables.hann
	for i := 0; i < m; i += 2 {
		z[i/2] = complex(hann[i]*float32(e.before[i]), hann[i+1]*float32(e.before[i+1]))
		z[(m+i)/2] = complex(hann[m+i]*float32(pcm[i]), hann[m+i+1]*float32(pcm[i+1]))
	}
}

// colour of a voice.
type colour struct{ slope, hammarberg float32 }

// The bands of the slope, in bins: 300 to 3400 Hz in eight parts of 390 Hz.
const (
	slopeFrom, slopeBin, slopeBands = 19, 25, 8
	slopeStep                       = slopeBin * media.SampleRate / size / 1000.0 // kHz
)

// The ranges whose peaks the Hammarberg index compares (Hammarberg and others 1980), as
// far as a telephone has them: up to 2 kHz, and 2 to 3.4 kHz.
const hammarFrom, hammarBin, hammarTo = 6, 128, 218

// measure fills in the power of a spectrum.
func measure(z *spectrum, m *[half + 1]float32) (c colour) {
	m[0], m[half] = 0, 0
	var low, high float32
	for k := 1; k < half; k++ {
		m[k] = power(z[k])
	}
	for _, p := range m[hammarFrom:hammarBin] {
		low = max(low, p)
	}
	for _, p := range m[hammarBin:hammarTo] {
		high = max(high, p)
	}
	c.hammarberg = decibels(low) - decibels(high)
	c.slope = slopeOf(m)
	return c
}

// slopeOf is the line through the bands' levels by least squares, in dB per kHz.
func slopeOf(power *[half + 1]float32) float32 {
	const middle = float32(slopeBands-1) / 2
	var sum, norm float32
	for b := range slopeBands {
		var p float32
		at := slopeFrom + b*slopeBin
		for _, v := range power[at : at+slopeBin] {
			p += v
		}
		x := float32(b) - middle
		sum += x * decibels(p)
		norm += x * x
	}
	return sum / (norm * slopeStep)
}

// decibels of a power, of at least one.
func decibels(p float32) float32 { return 10 * float32(math.Log10(float64(max(p, 1)))) }
