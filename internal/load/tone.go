package load

import (
	"math"
	"time"

	"github.com/ivrd/ivrd/media"
)

const (
	tones     = 16 // for each side
	firstTone = 500.0
	toneStep  = 50.0 // Hz: one period more in each 20 ms, so that frames repeat
	toneLevel = -18  // dBov
	// soundLevel is the mean magnitude of a frame that is not silence: about
	// -50 dBov.
	soundLevel = 100
	// soundStride: every third sample tells silence from sound well enough, and is
	// no part of a period of our tones.
	soundStride = 3
)

// toneOf is which of the 2*tones tones an end sends: neighbours in a series of
// calls, and the two ends of one, differ.
func toneOf(id uint32) int { return int(id>>1)%tones + int(id&1)*tones }

func frequency(tone int) float64 { return firstTone + toneStep*float64(tone) }

// sound holds the frames that are sent, and tables to judge those that come.
type sound struct {
	frames [2][2 * tones][media.FrameSamples]byte
	levels [2][256]int32 // magnitude of each code
	pcm    [media.FrameSamples]int16
	turns  [2 * tones]float64 // 2cos of Goertzel's filter
}

func newSound() *sound {
	s := &sound{}
	for tone := range 2 * tones {
		pcm := media.Tone(frequency(tone), toneLevel, 20*time.Millisecond)
		for _, c := range codecs() {
			c.Encode(s.frames[index(c)][tone][:], pcm)
		}
		s.turns[tone] = 2 * math.Cos(2*math.Pi*frequency(tone)/media.SampleRate)
	}
	for _, c := range codecs() {
		for code := range 256 {
			var v [1]int16
			c.Decode(v[:], []byte{byte(code)})
			s.levels[index(c)][code] = max(int32(v[0]), -int32(v[0]))
		}
	}
	return s
}

// codecs are those that the ends speak: of which each byte has a level and marks
// survive. What is under load forwards others in the same way.
func codecs() []media.Codec { return []media.Codec{media.PCMU, media.PCMA} }

func index(c media.Codec) int {
	if c == media.PCMA {
		return 1
	}
	return 0
}

// loud reports whether a payload is more than silence.
func (s *sound) loud(c media.Codec, payload []byte) bool {
	levels := &s.levels[index(c)]
	sum, n := int32(0), int32(0)
	for i := 0; i < len(payload); i += soundStride {
		sum += levels[payload[i]]
		n++
	}
	return n > 0 && sum > soundLevel*n
}

// loudest is the tone that has most of a frame's power.
func (s *sound) loudest(c media.Codec, payload []byte) int {
	n := c.Decode(s.pcm[:], payload[:min(len(payload), len(s.pcm))])
	best, power := -1, 0.0
	for tone, turn := range s.turns {
		var a, b float64
		for _, x := range s.pcm[:n] {
			a, b = float64(x)+turn*a-b, a
		}
		if p := a*a + b*b - turn*a*b; p > power {
			best, power = tone, p
		}
	}
	return best
}
