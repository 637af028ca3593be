package dtmf_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/dtmf"
)

// press is one key as somebody else's telephone may send it.
type press struct {
	key        byte
	level      float64 // of the weaker tone in dBm0
	twist      float64 // high tone over low tone in dB
	low, high  float64 // frequency offsets, such as 0.015
	millis     float64
	pause      float64 // silence after it, in ms
	gap, gapAt float64 // an interruption of so many ms, so many ms after the beginning
}

// pad is the keypad with the frequencies of ITU-T Q.23.
func pad(key byte) (low, high float64) {
	rows := [...]string{"123A", "456B", "789C", "*0#D"}
	for r, row := range rows {
		for c := range row {
			if row[c] == key {
				return []float64{697, 770, 852, 941}[r], []float64{1209, 1336, 1477, 1633}[c]
			}
		}
	}
	panic("no key")
}

// peak is that of a sine of a level in dBm0: 3.17 dBm0 are full scale.
func peak(dBm0 float64) float64 { return 32767 * math.Pow(10, (dBm0-3.17)/20) }

func samplesOf(millis float64) int { return int(math.Round(millis * media.SampleRate / 1000)) }

// render appends a press to a line; the phases of its tones are random.
func (p press) render(rng *rand.Rand, line []float64) []float64 {
	low, high := pad(p.key)
	low *= 1 + p.low
	high *= 1 + p.high
	lowPeak, highPeak := peak(p.level+max(0, -p.twist)), peak(p.level+max(0, p.twist))
	a, b := rng.Float64()*2*math.Pi, rng.Float64()*2*math.Pi
	for i := range samplesOf(p.millis) {
		t := float64(i) / media.SampleRate
		v := lowPeak*math.Sin(2*math.Pi*low*t+a) + highPeak*math.Sin(2*math.Pi*high*t+b)
		if ms := t * 1000; ms >= p.gapAt && ms < p.gapAt+p.gap {
			v = 0
		}
		line = append(line, v)
	}
	return append(line, make([]float64, samplesOf(p.pause))...)
}

// line is how sound comes to us.
type line struct {
	rng    *rand.Rand
	codec  media.Codec // none: as it is
	noise  float64     // root mean square of white noise
	lose   float64     // share of frames that are lost
	hidden bool        // what was lost comes as silence, and is not told
}

// pcm is a sound with noise, through the codec, beginning anywhere in a frame.
func (l line) pcm(sound []float64) []int16 {
	lead := l.rng.IntN(media.FrameSamples)
	out := make([]int16, lead+len(sound)+4*media.FrameSamples)
	out = out[:len(out)/media.FrameSamples*media.FrameSamples]
	for i := range out {
		v := l.noise * l.rng.NormFloat64()
		if j := i - lead; j >= 0 && j < len(sound) {
			v += sound[j]
		}
		out[i] = int16(math.Round(min(max(v, math.MinInt16), math.MaxInt16)))
	}
	if l.codec.Valid() {
		wire := make([]byte, len(out))
		l.codec.Encode(wire, out)
		l.codec.Decode(out, wire)
	}
	return out
}

// hear gives a sound to a Detector and returns the keys that it found.
func (l line) hear(sound []float64) string {
	var d dtmf.Detector
	var got []byte
	silence := make([]int16, media.FrameSamples)
	pcm := l.pcm(sound)
	for ; len(pcm) >= media.FrameSamples; pcm = pcm[media.FrameSamples:] {
		frame := pcm[:media.FrameSamples]
		if l.rng.Float64() < l.lose {
			if frame = nil; l.hidden {
				frame = silence
			}
		}
		if key, ok := d.Frame(frame); ok {
			got = append(got, key)
		}
	}
	return string(got)
}

// noiseFor is white noise that is so many dB below the power of both tones.
func (p press) noiseFor(snr float64) float64 {
	low, high := peak(p.level+max(0, -p.twist)), peak(p.level+max(0, p.twist))
	return math.Sqrt((low*low + high*high) / 2 * math.Pow(10, -snr/10))
}

func newLine(seed uint64, codec media.Codec) line {
	return line{rng: rand.New(rand.NewPCG(seed, 7)), codec: codec}
}

func TestSoundOfTheTestIsRight(t *testing.T) {
	p := press{key: '5', level: -20, millis: 1000}
	sum := 0.0
	for _, v := range p.render(rand.New(rand.NewPCG(1, 1)), nil) {
		sum += v * v
	}
	// Two tones of -20 dBm0 have -16.99 dBm0; full scale is 3.17 dBm0.
	got := 10*math.Log10(sum/8000/(32767.0*32767/2)) + 3.17
	if math.Abs(got+16.99) > 0.02 {
		t.Errorf("two tones of -20 dBm0 have %.2f dBm0", got)
	}
}
