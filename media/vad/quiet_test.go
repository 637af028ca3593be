package vad

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
)

// wantNone fails when speech is said to have begun.
func wantNone(t *testing.T, what string, x []float64) {
	t.Helper()
	if b := hear(frames(x)).begins(); len(b) != 0 {
		t.Errorf("%s: speech began %d times, first at %v", what, len(b), b[0].Duration())
	}
}

func seconds(n float64) int { return int(n * media.SampleRate) }

// at brings a sound to a level and puts a second of silence before it, so that it
// begins at once.
func at(x []float64, dBov float64) []float64 {
	x = append(make([]float64, seconds(1)), x...)
	scale(x, dBov-power(x[seconds(1):]))
	return x
}

// buzz is the hum of a rectifier: 100 Hz and its harmonics.
func buzz(_ testing.TB, rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for k := range 12 {
		for i := range x {
			x[i] += math.Sin(2*math.Pi*100*float64((k+1)*i)/media.SampleRate) / float64(k+1)
		}
	}
	for i := range x {
		x[i] += 0.02 * rng.NormFloat64()
	}
	return unit(x)
}

// comfort is what a far end plays that is sent comfort noise: its colour and level
// change by a little every 5 s.
func comfort(_ testing.TB, rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	var pole, gain, one, two float64
	for i := range x {
		if i%seconds(5) == 0 {
			pole, gain = 0.3+0.4*rng.Float64(), math.Pow(10, 0.25*rng.Float64())
		}
		x[i] = gain*rng.NormFloat64() + pole*one - 0.2*two
		one, two = x[i], one
	}
	return unit(x)
}

func TestSteadyNoiseIsNoSpeech(t *testing.T) {
	for _, n := range append(noises[:4:4], []noise{{"buzz", buzz}, {"comfort noise", comfort}}...) {
		for _, dBov := range []float64{-25, -35, -50} {
			for seed := range uint64(3) {
				rng := rand.New(rand.NewPCG(seed, 11))
				wantNone(t, n.name, at(n.make(t, rng, seconds(60)), dBov))
			}
		}
	}
}

// After a step of 20 dB the noise is known in half a second: what begins then is
// found, and before nothing is.
func TestNoiseIsLearnt(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	x := white(t, rng, seconds(4))
	scale(x, -50)
	scale(x[seconds(2):], 20)
	var d Detector
	for i, pcm := range frames(x) {
		v := d.Frame(pcm)
		if after := float64(i)/50 - 2; v.Loud && (after < 0 && i > 25 || after > 0.5) {
			t.Errorf("loud %.2f s after the step", after)
		}
	}
}

// signals of exchanges: frequencies, and how long they are on and off.
var signals = []struct {
	name    string
	hz      []float64
	on, off float64
}{
	{"ring-back, Europe and China", []float64{425}, 1, 4},
	{"ring-back, North America", []float64{440, 480}, 2, 4},
	{"ring-back, Britain", []float64{400, 450}, 0.4, 0.2},
	{"busy, Europe", []float64{425}, 0.48, 0.48},
	{"busy, China", []float64{450}, 0.35, 0.35},
	{"busy, North America", []float64{480, 620}, 0.5, 0.5},
	{"congestion", []float64{480, 620}, 0.25, 0.25},
	{"dial tone", []float64{350, 440}, 10, 0},
	{"fax calling", []float64{1100}, 0.5, 3},
	{"fax answering", []float64{2100}, 3, 1},
	{"no such number", []float64{950}, 0.33, 0.03},
	{"beep", []float64{1000}, 0.2, 1},
}

func TestTonesAreNoSpeech(t *testing.T) {
	for _, s := range signals {
		for _, dBov := range []float64{-12, -20, -32} {
			x := make([]float64, seconds(12))
			for i := range x {
				if sec := float64(i) / media.SampleRate; math.Mod(sec, s.on+s.off) < s.on {
					for _, hz := range s.hz {
						x[i] += math.Sin(2 * math.Pi * hz * sec)
					}
				}
			}
			x = at(x, dBov)
			h := hear(frames(x))
			if b := h.begins(); len(b) != 0 {
				t.Errorf("%s at %.0f dBov: speech began %d times", s.name, dBov, len(b))
			}
			tones := 0
			for _, k := range h.kinds {
				if k == Tone {
					tones++
				}
			}
			if want := 12 * 50 * s.on / (s.on + s.off) * 0.6; float64(tones) < want {
				t.Errorf("%s at %.0f dBov: %d frames are tones, want %.0f", s.name, dBov, tones, want)
			}
		}
	}
}

// TestKeysAreNoSpeech: as short as they may be (ITU-T Q.24), wherever they meet the
// frames, and with noise 33 dB behind
// them, or less.
func TestKeysAreNoSpeech(t *testing.T) {
	low, high := []float64{697, 770, 852, 941}, []float64{1209, 1336, 1477, 1633}
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 2))
		x := white(t, rng, seconds(10))
		scale(x, -70+20*rng.Float64())
		length, gap := seconds(0.04+0.08*rng.Float64()), seconds(0.04+0.08*rng.Float64())
		for start := seconds(1); start < len(x); start += length + gap {
			f, g := low[rng.IntN(4)], high[rng.IntN(4)]
			for i := range min(length, len(x)-start) {
				sec := float64(i) / media.SampleRate
				x[start+i] += 4000 * (math.Sin(2*math.Pi*f*sec) + 1.2*math.Sin(2*math.Pi*g*sec))
			}
		}
		wantNone(t, fmt.Sprintf("keys of %d and %d samples", length, gap), x)
	}
}

// cough is a burst of noise through the throat: a closed start, a rough middle, at the
// end for a moment voiced.
func cough(rng *rand.Rand, seconds float64) []float64 {
	n := int(seconds * media.SampleRate)
	x := make([]float64, n)
	r, f := 0.9, 700+900*rng.Float64()
	c := 2 * r * math.Cos(2*math.Pi*f/media.SampleRate)
	var a, b float64
	for i := range x {
		p := float64(i) / float64(n)
		drive := rng.NormFloat64() * math.Exp(-3*p) * min(1, 20*p)
		if i > n-voicedEnd && i%72 == 0 {
			drive += 3 * math.Exp(-3*p)
		}
		x[i] = drive + c*a - r*r*b
		a, b = x[i], a
	}
	return x
}

const voicedEnd = media.SampleRate * 40 / 1000

func TestClicksAndCoughsAreNoSpeech(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 4))
		x := white(t, rng, seconds(6))
		scale(x, -58)
		for _, start := range []float64{1.5, 3, 3.3, 4.5} {
			var s []float64
			switch seed % 3 {
			case 0: // of a switch
				s = []float64{1, -1, 0.5, -0.25}
			case 1: // of a plug: some ms
				s = make([]float64, 40)
				for i := range s {
					s[i] = rng.NormFloat64() * math.Exp(-float64(i)/10)
				}
			default:
				s = cough(rng, 0.06+0.14*rng.Float64())
			}
			scale(s, -10-10*rng.Float64()-power(s))
			for i, v := range s {
				x[seconds(start)+i] += v
			}
		}
		wantNone(t, []string{"clicks", "plugs", "coughs"}[seed%3], x)
	}
}

// TestEchoIsNoSpeech: our own prompt comes back up to 300 ms later, 15 dB weaker. Who
// speaks meanwhile is heard.
func TestEchoIsNoSpeech(t *testing.T) {
	all := talks(t)
	fired, unheard, bare := 0, 0, 0
	for i := range 200 {
		rng := rand.New(rand.NewPCG(uint64(i), 6))
		k := all[i%len(all)]
		k.pcm = k.pcm[:seconds(8)]
		x := white(t, rng, len(k.pcm))
		scale(x, -60)
		delay := 15 * i / 199 * media.FrameSamples
		if i%2 == 1 {
			delay += rng.IntN(media.FrameSamples)
		}
		delay = min(delay, seconds(0.3))
		for j := delay; j < len(x); j++ {
			x[j] += k.pcm[j-delay] * math.Pow(10, -15.0/20)
		}
		far := frames(k.pcm)
		fired += len(against(far, frames(x)))
		if i < 10 { // nobody has told what was sent
			bare += len(hear(frames(x)).begins())
		}
		other := all[(i+5)%len(all)]
		for j := range x {
			x[j] += other.pcm[j%len(other.pcm)]
		}
		if len(against(far, frames(x))) == 0 {
			unheard++
		}
	}
	t.Logf("%d of 200 echoes fired; of 200 talkers beside them %d were not heard", fired, unheard)
	if fired != 0 || unheard != 0 || bare < 10 {
		t.Error("want none, none")
	}
}

// against hears near while far is sent.
func against(far, near [][]int16) (begins []Event) {
	var d Detector
	var e Endpointer
	for i, pcm := range near {
		d.Sent(far[i])
		if ev, ok := e.Frame(media.Time(i*media.FrameSamples), d.Frame(pcm)); ok && ev.Kind == Began {
			begins = append(begins, ev)
		}
	}
	return begins
}

// TestLoss: what was lost neither begins nor ends speech, however long it takes.
func TestLoss(t *testing.T) {
	k := talks(t)[0]
	rng := rand.New(rand.NewPCG(1, 9))
	pcm := frames(k.in(white(t, rng, len(k.pcm)), 0, 30))
	whole := hear(pcm)
	lossy := make([][]int16, len(pcm))
	for i := range pcm { // in bursts of three, one in five
		if i%15 >= 3 {
			lossy[i] = pcm[i]
		}
	}
	broken := hear(lossy)
	if len(broken.events) != len(whole.events) {
		t.Fatalf("%d events, with a fifth lost %d", len(whole.events), len(broken.events))
	}
	for i, ev := range broken.events {
		if d := (ev.At - whole.events[i].At).Duration().Abs(); d > 200*time.Millisecond {
			t.Errorf("event %d is %v away", i, d)
		}
	}
	middle := int(whole.events[0].At+whole.events[1].At) / 2 / media.FrameSamples
	if h := hear(append(pcm[:middle:middle], make([][]int16, 500)...)); len(h.events) != 1 {
		t.Errorf("after a loss of 10 s: %+v", h.events)
	}
	if h := hear(make([][]int16, 500)); len(h.events) != 0 {
		t.Errorf("nothing but loss: %+v", h.events)
	}
}
