package dtmf

import (
	"math"
	"strings"

	"github.com/ivrd/ivrd/media"
)

// The levels at which telephones send keys, in dBm0: the high tone is sent
// louder, because lines weaken it more.
const (
	lowLevel  = -9.0
	highLevel = -7.0
)

const (
	keyMillis  = 100 // of a key, and of the silence after it
	edgeMillis = 4   // of its beginning and end, which are smooth
)

// Tones turns keys into sound, for a peer that takes no telephone-events: the
// counterpart of Sender. A key is 100 ms of its two tones and 100 ms of
// silence. The zero Tones is ready; only Queue allocates.
type Tones struct {
	// Rate of the sound in Hz; 0 means 8000.
	Rate int

	waiting

	at        int // samples of the first key that have been made
	low, high oscillator
}

// Next fills a frame of any length and reports whether there was a key, or the
// silence after one, to fill it with; otherwise pcm is left alone.
func (s *Tones) Next(pcm []int16) bool {
	if !s.Active() {
		return false
	}
	length := s.rate() * keyMillis / 1000
	for i := range pcm {
		pcm[i] = s.sample(length)
	}
	return true
}

func (s *Tones) sample(length int) int16 {
	if !s.Active() {
		return 0
	}
	if s.at == 0 {
		s.begin(s.first())
	}
	var v float64
	if s.at < length {
		v = (s.low.next() + s.high.next()) * s.edge(length)
	}
	if s.at++; s.at == 2*length {
		s.at = 0
		s.done()
	}
	return int16(math.Round(v))
}

// begin sets the tones of a key to their first sample.
func (s *Tones) begin(key byte) {
	i := strings.IndexByte(layout, key)
	s.low = newOscillator(lowTones[i/4], s.rate(), lowLevel)
	s.high = newOscillator(highTones[i%4], s.rate(), highLevel)
}

// edge is how loud the sample is: a key that begins or ends at once clicks.
func (s *Tones) edge(length int) float64 {
	edge := s.rate() * edgeMillis / 1000
	near := min(s.at, length-1-s.at)
	if near >= edge {
		return 1
	}
	return 0.5 - 0.5*math.Cos(math.Pi*(float64(near)+0.5)/float64(edge))
}

func (s *Tones) rate() int {
	if s.Rate == 0 {
		return media.SampleRate
	}
	return s.Rate
}

// oscillator makes a sine with one multiplication for each sample; over the
// 4800 samples of a key at 48 kHz it does not drift.
type oscillator struct{ now, before, factor float64 }

func newOscillator(freq float64, rate int, level float64) oscillator {
	w := 2 * math.Pi * freq / float64(rate)
	peak := math.Sqrt(2 * powerOf(level))
	return oscillator{now: 0, before: -peak * math.Sin(w), factor: 2 * math.Cos(w)}
}

func (o *oscillator) next() float64 {
	v := o.now
	o.now, o.before = o.factor*o.now-o.before, o.now
	return v
}
