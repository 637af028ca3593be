package vad

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/speech"
	"github.com/ivrd/ivrd/media"
)

// texts have words of all kinds: numbers, vowels, whispers, single words.
var texts = []string{
	"Yes.",
	"Billing, please.",
	"My number is three four seven, nine zero two, double five.",
	"I would like to speak with somebody about my last invoice, which seems much too high.",
	"No, that is not what I meant. I was asking about the other contract.",
	"Six.",
	"Hello? Is anybody there?",
	"The train to the airport leaves every twenty minutes from platform nine.",
}

var chinese = []string{"您好，我要查询余额。", "不是，我想办理另外一个套餐。", "一三八，零零一二，三四五六。", "转人工。"}

// talkers are men and women, low and high, slow and fast.
var talkers = []string{
	"en-us", "en-gb+f3", "cmn", "en-us+m3", "en-gb-scotland+f4", "cmn+f2", "en-us+f1", "en-gb+m7",
	"en-us+f5", "cmn+m4", "en-gb+m1", "en-us+f2",
}

// spoken is one utterance at 8 kHz, without silence around it.
func spoken(t testing.TB, voice, text string, speed, pitch int) []int16 {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "espeak-ng", "--stdin", "--stdout", "-b", "1", "-v", voice, "-s", strconv.Itoa(speed), "-p", strconv.Itoa(pitch))
	cmd.Stdin = strings.NewReader(text)
	wav, err := cmd.Output()
	if err != nil {
		t.Fatalf("speak with espeak-ng: %v", err)
	}
	pcm, from, err := media.ReadWAV(bytes.NewReader(wav))
	if err != nil {
		t.Fatal(err)
	}
	return media.Resample(pcm, from, media.SampleRate)
}

// talk is what one talker says, as floats, and which frames hold speech.
type talk struct {
	voice string
	pcm   []float64
	label []bool
}

// level in dBov of the frames that hold speech.
const talkLevel = -26

// depth is how far below the level of the talk a frame may be that still belongs to
// it, in dB.
const depth = 28

var corpus = struct {
	once  sync.Once
	talks []talk
}{}

// talks of all talkers, each of some 40 s with pauses of 0.9 to 2.5 s.
func talks(t testing.TB) []talk {
	testkit.Need(t, "espeak-ng")
	corpus.once.Do(func() {
		for i, voice := range talkers {
			rng := rand.New(rand.NewPCG(uint64(i), 7))
			said := texts
			if strings.HasPrefix(voice, "cmn") {
				said = chinese
			}
			speed := 140 + rng.IntN(60)
			var parts [][]int16
			for _, text := range said {
				parts = append(parts, spoken(t, voice, text, speed, 20+rng.IntN(60)))
			}
			corpus.talks = append(corpus.talks, compose(voice, rng, parts))
		}
	})
	return corpus.talks
}

// compose puts utterances in a row, and labels them by their own energy.
func compose(voice string, rng *rand.Rand, parts [][]int16) talk {
	pause := func() []float64 {
		return make([]float64, int((0.9+1.6*rng.Float64())*media.SampleRate)/media.FrameSamples*media.FrameSamples+rng.IntN(media.FrameSamples))
	}
	pcm := make([]float64, 2*media.SampleRate)
	for _, p := range parts {
		for _, s := range p {
			pcm = append(pcm, float64(s))
		}
		pcm = append(pcm, pause()...)
	}
	pcm = pcm[:len(pcm)/media.FrameSamples*media.FrameSamples]
	scale(pcm, talkLevel-active(pcm))
	k := talk{voice: voice, pcm: pcm}
	for at := 0; at < len(pcm); at += media.FrameSamples {
		k.label = append(k.label, power(pcm[at:at+media.FrameSamples]) > talkLevel-depth)
	}
	return k
}

// power in dBov.
func power(x []float64) float64 {
	sum := 1e-3
	for _, v := range x {
		sum += v * v
	}
	return 10 * math.Log10(sum/float64(len(x))/fullScale)
}

// active is the level of the frames above a tenth of the mean power.
func active(x []float64) float64 {
	limit := power(x) - 10
	sum, n := 0.0, 0
	for at := 0; at+media.FrameSamples <= len(x); at += media.FrameSamples {
		if p := power(x[at : at+media.FrameSamples]); p > limit {
			sum += math.Pow(10, p/10)
			n++
		}
	}
	return 10 * math.Log10(sum/float64(max(n, 1)))
}

func scale(x []float64, db float64) {
	g := math.Pow(10, db/20)
	for i := range x {
		x[i] *= g
	}
}

type noise struct {
	name string
	make func(testing.TB, *rand.Rand, int) []float64
}

// noises of a level of 0 dBov, to be scaled.
var noises = []noise{
	{"white", white}, {"pink", pink}, {"car", car}, {"hum", hum}, {"babble", babble},
}

func unit(x []float64) []float64 {
	scale(x, -power(x))
	return x
}

func white(_ testing.TB, rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return unit(x)
}

func pink(_ testing.TB, rng *rand.Rand, n int) []float64 { return unit(speech.Pink(rng, n)) }

// car is noise below some 150 Hz, 12 dB an octave, with wind 25 dB below.
func car(_ testing.TB, rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	var a, b float64
	for i := range x {
		a += 0.1 * (rng.NormFloat64() - a)
		b += 0.1 * (a - b)
		x[i] = b + 0.01*rng.NormFloat64()
	}
	return unit(x)
}

// hum is the mains' and its harmonics.
func hum(_ testing.TB, rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for k, amp := range []float64{1, 0.8, 0.5, 0.4, 0.15, 0.2, 0.05, 0.1, 0.02, 0.05} {
		phase := 2 * math.Pi * rng.Float64()
		for i := range x {
			x[i] += amp * math.Sin(phase+2*math.Pi*50*float64(k+1)*float64(i)/media.SampleRate)
		}
	}
	for i := range x {
		x[i] += 0.01 * rng.NormFloat64()
	}
	return unit(x)
}

// babble is all talkers at once, each several times.
func babble(t testing.TB, rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for _, k := range talks(t) {
		for range 3 {
			at := rng.IntN(len(k.pcm))
			for i := range x {
				x[i] += k.pcm[(at+i)%len(k.pcm)]
			}
		}
	}
	return unit(x)
}

// frames are sound as it comes by G.711.
func frames(x []float64) [][]int16 {
	var out [][]int16
	wire := make([]byte, media.FrameSamples)
	for at := 0; at+media.FrameSamples <= len(x); at += media.FrameSamples {
		pcm := make([]int16, media.FrameSamples)
		for i, v := range x[at : at+media.FrameSamples] {
			pcm[i] = int16(math.Round(min(max(v, math.MinInt16), math.MaxInt16)))
		}
		media.PCMA.Encode(wire, pcm)
		media.PCMA.Decode(pcm, wire)
		out = append(out, pcm)
	}
	return out
}

// in puts a talk, turned by gain dB, in noise that is snr dB below it.
func (k talk) in(behind []float64, gain, snr float64) []float64 {
	x := make([]float64, len(k.pcm))
	g, h := math.Pow(10, gain/20), math.Pow(10, (talkLevel+gain-snr)/20)
	for i, v := range k.pcm {
		x[i] = g*v + h*behind[i]
	}
	return x
}
