package emotion

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/media"
)

// vowels are formants in Hz.
var vowels = [][]float64{
	{730, 1090, 2440}, {270, 2290, 3010}, {440, 1020, 2240}, {530, 1840, 2480}, {590, 920, 2710}, {390, 1990, 2550},
}

// voice is a synthetic voice whose pitch is known: pulses of a glottis that closes
// within some samples, a little uneven, through the formants of vowels.
type voice struct {
	rate   int
	pitch  func(sec float64) float64 // Hz
	level  float64                   // dBov
	jitter float64                   // of a period, relative
	breath float64                   // noise of the glottis, relative to the pulses
	tilt   float64                   // pole of the glottis: nearer to 1 is softer
	beat   float64                   // vowels a second
}

// say makes sound, in syllables: each is a vowel with a rise and a fall.
func (v voice) say(rng *rand.Rand, sec float64) []float64 {
	n := int(sec * float64(v.rate))
	src := make([]float64, n)
	for at := 0.0; int(at) < n-1; {
		i := int(at)
		frac := at - float64(i)
		src[i] += 1 - frac
		src[i+1] += frac
		period := float64(v.rate) / v.pitch(at/float64(v.rate))
		at += period * (1 + v.jitter*rng.NormFloat64())
	}
	var g1, g2, last float64
	for i, s := range src {
		s += v.breath * rng.NormFloat64() / 20
		g1 = v.tilt*g1 + s
		g2 = v.tilt*g2 + g1
		src[i], last = g2-last, g2 // radiation
	}
	out := make([]float64, n)
	for i, s := range src {
		out[i] = s * v.envelope(float64(i)/float64(v.rate))
	}
	v.shape(out)
	scale(out, v.level-levelOf(out))
	return out
}

func (v voice) envelope(sec float64) float64 {
	phase := sec * v.beat
	return 0.15 + 0.85*math.Pow(math.Sin(math.Pi*(phase-math.Floor(phase))), 2)
}

// shape runs the formants, which move from vowel to vowel.
func (v voice) shape(x []float64) {
	for f := range 3 {
		var a, b float64
		bandwidth := 60 + 40*float64(f)
		r := math.Exp(-math.Pi * bandwidth / float64(v.rate))
		for i, s := range x {
			phase := float64(i) / float64(v.rate) * v.beat
			k := int(phase)
			from, to := vowels[k%len(vowels)][f], vowels[(k+1)%len(vowels)][f]
			mix := min(1, max(0, (phase-float64(k)-0.7)/0.3))
			hz := from + mix*(to-from)
			c := 2 * r * math.Cos(2*math.Pi*hz/float64(v.rate))
			y := s*(1-c+r*r) + c*a - r*r*b
			b, a = a, y
			x[i] = y
		}
	}
}

// to8k is the sound at the telephone's rate.
func to8k(x []float64, rate int) []float64 {
	pcm := make([]int16, len(x))
	for i, s := range x {
		pcm[i] = int16(math.Round(min(max(s, math.MinInt16), math.MaxInt16)))
	}
	out := make([]float64, 0, len(x)*media.SampleRate/rate)
	for _, s := range media.Resample(pcm, rate, media.SampleRate) {
		out = append(out, float64(s))
	}
	return out
}

// telephone takes away what is below 300 Hz, as analogue lines do: 18 dB an octave.
func telephone(x []float64) []float64 {
	out := append([]float64(nil), x...)
	for range 3 {
		a := 1 / (1 + 2*math.Pi*250/media.SampleRate)
		var y, last float64
		for i, s := range out {
			y = a * (y + s - last)
			last, out[i] = s, y
		}
	}
	return out
}

const fullScale = 32768 * 32768

// levelOf is in dBov.
func levelOf(x []float64) float64 {
	sum := 1e-3
	for _, v := range x {
		sum += v * v
	}
	return 10 * math.Log10(sum/float64(max(len(x), 1))/fullScale)
}

func scale(x []float64, db float64) []float64 {
	g := math.Pow(10, db/20)
	for i := range x {
		x[i] *= g
	}
	return x
}

func silence(sec float64) []float64 { return make([]float64, int(sec*media.SampleRate)) }

// noisy adds noise at a level in dBov.
func noisy(rng *rand.Rand, x []float64, dBov float64) []float64 {
	sigma := math.Sqrt(fullScale * math.Pow(10, dBov/10))
	out := make([]float64, len(x))
	for i, s := range x {
		out[i] = s + sigma*rng.NormFloat64()
	}
	return out
}

// frames are sound as it comes by µ-law; the last part of a frame is left out.
func frames(x []float64) [][]int16 {
	var out [][]int16
	wire := make([]byte, media.FrameSamples)
	for at := 0; at+media.FrameSamples <= len(x); at += media.FrameSamples {
		pcm := make([]int16, media.FrameSamples)
		for i, v := range x[at : at+media.FrameSamples] {
			pcm[i] = int16(math.Round(min(max(v, math.MinInt16), math.MaxInt16)))
		}
		media.PCMU.Encode(wire, pcm)
		media.PCMU.Decode(pcm, wire)
		out = append(out, pcm)
	}
	return out
}

// lossy takes a part of the frames away.
func lossy(rng *rand.Rand, pcm [][]int16, part float64) [][]int16 {
	out := append([][]int16(nil), pcm...)
	for i := range out {
		if rng.Float64() < part {
			out[i] = nil
		}
	}
	return out
}

// speaker is a voice of espeak-ng; zero values are its own.
type speaker struct {
	voice        string
	pitch, speed int
	flat         bool
}

// says is speech at the rate of espeak-ng.
func (s speaker) says(t testing.TB, text string) ([]float64, int) {
	t.Helper()
	if s.flat {
		text = `<speak><prosody range="0">` + text + `</prosody></speak>`
	}
	cmd := exec.CommandContext(t.Context(), "espeak-ng", "-m", "--stdin", "--stdout", "-b", "1", "-v", s.voice, "-s", strconv.Itoa(s.speed), "-p", strconv.Itoa(s.pitch))
	cmd.Stdin = strings.NewReader(text)
	wav, err := cmd.Output()
	if err != nil {
		t.Fatalf("speak with espeak-ng: %v", err)
	}
	pcm, rate, err := media.ReadWAV(bytes.NewReader(wav))
	if err != nil {
		t.Fatal(err)
	}
	out := make([]float64, len(pcm))
	for i, p := range pcm {
		out[i] = float64(p)
	}
	return out, rate
}
