package vad

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ivrd/ivrd/media"
)

// duet is a prompt with a caller on a line, frame by frame in both directions, coded
// by G.711: what is sent echoes, and stops while speech is suspected.
type duet struct {
	prompt []float64
	caller []float64 // with noise
	echo   []tap
	hold   int // frames that a prompt is held for; then it goes on
}

type tap struct {
	delay int // samples
	gain  float64
}

// outcome of a duet: frames at which things were told.
type outcome struct {
	suspected, denied, began []int
}

func coded(x []float64) []int16 {
	pcm, wire := make([]int16, len(x)), make([]byte, len(x))
	for i, v := range x {
		pcm[i] = int16(math.Round(min(max(v, math.MinInt16), math.MaxInt16)))
	}
	media.PCMU.Encode(wire, pcm)
	media.PCMU.Decode(pcm, wire)
	return pcm
}

// play the whole of what the caller says. The prompt is said again and again.
func (u *duet) play(d *Detector, e *Endpointer) (o outcome) {
	sent := make([]float64, 0, len(u.caller))
	at, held := 0, 0
	for i := range len(u.caller) / media.FrameSamples {
		from := i * media.FrameSamples
		near := append([]float64(nil), u.caller[from:from+media.FrameSamples]...)
		for j := range near {
			for _, t := range u.echo {
				if k := from + j - t.delay; k >= 0 && k < len(sent) {
					near[j] += t.gain * sent[k]
				}
			}
		}
		ev, ok := e.Frame(media.Time(from), d.Frame(coded(near)))
		switch {
		case ok && ev.Kind == Suspected:
			o.suspected, held = append(o.suspected, i), u.hold
		case ok && ev.Kind == Denied:
			o.denied, held = append(o.denied, i), 0
			d.Doubt()
		case ok && ev.Kind == Began:
			o.began, held = append(o.began, i), u.hold
		}
		if held > 0 {
			held--
			d.Sent(nil)
			sent = append(sent, make([]float64, media.FrameSamples)...)
			continue
		}
		pcm := coded(u.prompt[at : at+media.FrameSamples])
		at = (at + media.FrameSamples) % (len(u.prompt) / media.FrameSamples * media.FrameSamples)
		d.Sent(pcm)
		for _, s := range pcm {
			sent = append(sent, float64(s))
		}
	}
	return o
}

// promptOf is a talk without long pauses.
func promptOf(k talk, n int) (x []float64) {
	for i, on := range k.label {
		near := on
		for j := max(0, i-10); j < min(len(k.label), i+10) && !near; j++ {
			near = k.label[j]
		}
		if near {
			x = append(x, k.pcm[i*media.FrameSamples:(i+1)*media.FrameSamples]...)
		}
	}
	return x[:min(len(x), n)]
}

// utterances of a talk, by their first and last frames.
func (k talk) utterances() []span {
	var out []span
	for _, u := range spans(k.label, 35) {
		if u.to-u.from >= 5 {
			out = append(out, u)
		}
	}
	return out
}

func gainOf(db float64) float64 { return math.Pow(10, db/20) }

// line says what is between.
type line struct {
	name  string
	loss  float64 // of the echo, dB; 0 for none
	many  bool    // of several lags
	noise string
	level float64 // of the noise, dBov
}

func (l line) taps(rng *rand.Rand) []tap {
	if l.loss == 0 {
		return nil
	}
	d := rng.IntN(seconds(0.3))
	if !l.many {
		return []tap{{d, gainOf(-l.loss)}}
	}
	var all []tap
	sum := 0.0
	for range 6 {
		g := rng.NormFloat64()
		sum += g * g
		all = append(all, tap{d + rng.IntN(seconds(0.05)), g})
	}
	for i := range all {
		all[i].gain *= gainOf(-l.loss) / math.Sqrt(sum)
	}
	return all
}

func (l line) behind(t testing.TB, rng *rand.Rand, n int) []float64 {
	for _, c := range noises {
		if c.name == l.noise {
			x := c.make(t, rng, n)
			scale(x, l.level)
			return x
		}
	}
	x := white(t, rng, n)
	scale(x, -65)
	return x
}

func TestTryBargeIn(t *testing.T) {
	all := talks(t)
	for _, l := range []line{
		//{name: "clean"},
		{name: "echo 12", loss: 12}, {name: "echo 15", loss: 15},
		{name: "echo 15, several", loss: 15, many: true},
		//{name: "echo 30", loss: 30},
		//{name: "pink -46", noise: "pink", level: -46},
		//{name: "pink -41", noise: "pink", level: -41},
		//{name: "babble -46", noise: "babble", level: -46},
	} {
		// nobody speaks
		suspected, began, secs := 0, 0, 0
		for i := range 40 {
			rng := rand.New(rand.NewPCG(uint64(i), 77))
			n := seconds(30)
			u := duet{prompt: promptOf(all[i%len(all)], n), caller: l.behind(t, rng, n), echo: l.taps(rng), hold: 50}
			o := u.play(new(Detector), new(Endpointer))
			suspected += len(o.suspected)
			began += len(o.began)
			secs += 30
		}
		t.Logf("%s: %d suspected, %d began in %d s", l.name, suspected, began, secs)
		for _, level := range []float64{-12, -6, 0, 6} {
			var first, sure []float64
			misses, early, tries := 0, 0, 0
			for i := range 100 {
				rng := rand.New(rand.NewPCG(uint64(i), 78))
				k := all[(i+5)%len(all)]
				us := k.utterances()
				s := us[i/len(all)%len(us)]
				said := k.pcm[s.from*media.FrameSamples : s.to*media.FrameSamples]
				begin := 75 + rng.IntN(100) // frames
				n := (begin + s.to - s.from + 60) * media.FrameSamples
				x := l.behind(t, rng, n)
				for j, v := range said {
					x[begin*media.FrameSamples+j] += gainOf(level) * v
				}
				u := duet{prompt: promptOf(all[i%len(all)], n), caller: x, echo: l.taps(rng), hold: 100}
				o := u.play(new(Detector), new(Endpointer))
				tries++
				at, bg := -1, -1
				for _, f := range o.suspected {
					if f < begin {
						early++
					} else if at < 0 {
						at = f
					}
				}
				for _, f := range o.began {
					if f >= begin && bg < 0 {
						bg = f
					}
				}
				if at < 0 || bg >= 0 && bg < at {
					at = bg
				}
				if at < 0 || at > begin+s.to-s.from {
					misses++
					continue
				}
				first = append(first, float64(at-begin+1)*20)
				if bg >= 0 {
					sure = append(sure, float64(bg-begin+1)*20)
				}
			}
			t.Logf("  %+.0f dB: %d misses of %d, %d early; first p50 %.0f p90 %.0f p95 %.0f max %.0f; sure p50 %.0f p95 %.0f n=%d", level, misses, tries, early,
				percentile(first, 0.5), percentile(first, 0.9), percentile(first, 0.95), percentile(first, 1), percentile(sure, 0.5), percentile(sure, 0.95), len(sure))
		}
	}
	_ = fmt.Sprint
}
