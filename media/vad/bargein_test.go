package vad

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
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
	// jumps: after so many frames the echo comes 20 ms later, after as many again
	// earlier, of which the detector is told or not.
	jumps   int
	follows bool
}

type tap struct {
	delay int // samples
	gain  float64
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

// play the whole of what the caller says, and return the frames at which the prompt was
// paused. It is said again and again.
func (u *duet) play(d *Detector, e *Endpointer) (paused []int) {
	sent := make([]float64, 0, len(u.caller))
	at, held := 0, 0
	for i := range len(u.caller) / media.FrameSamples {
		u.jump(d, i)
		from := i * media.FrameSamples
		ev, _ := e.Frame(media.Time(from), d.Frame(coded(u.near(from, sent))))
		switch ev.Kind {
		case Suspected, Began:
			if held == 0 {
				paused = append(paused, i)
			}
			held = u.hold
		case Denied:
			held = 0
			d.Doubt()
		case Ended, Paused:
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
	return paused
}

func (u *duet) jump(d *Detector, frame int) {
	if u.jumps == 0 || frame == 0 || frame%u.jumps != 0 {
		return
	}
	by := media.FrameSamples
	if frame/u.jumps%2 == 0 {
		by = -by
	}
	for i := range u.echo {
		u.echo[i].delay += by
	}
	if u.follows {
		d.Shift(by)
	}
}

// near is a frame of what comes from the caller's end.
func (u *duet) near(from int, sent []float64) []float64 {
	x := slices.Clone(u.caller[from : from+media.FrameSamples])
	for j := range x {
		for _, t := range u.echo {
			if k := from + j - t.delay; k >= 0 && k < len(sent) {
				x[j] += t.gain * sent[k]
			}
		}
	}
	return x
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

// heardOn counts what a line makes of many who speak while a prompt is played.
type heardOn struct {
	missed int
	delays []float64 // ms from the beginning of the first frame of speech
}

// interrupt lets people speak, each once, at a level against the prompt's.
func (l line) interrupt(t testing.TB, level float64, people int) (h heardOn) {
	all := talks(t)
	for i := range people {
		rng := rand.New(rand.NewPCG(uint64(i), 78))
		k := all[(i+5)%len(all)]
		us := k.utterances()
		s := us[i/len(all)%len(us)]
		begin := 75 + rng.IntN(100)
		n := (begin + s.to - s.from + 60) * media.FrameSamples
		x := l.behind(t, rng, n)
		for j, v := range k.pcm[s.from*media.FrameSamples : s.to*media.FrameSamples] {
			x[begin*media.FrameSamples+j] += gainOf(level) * v
		}
		u := duet{prompt: promptOf(all[i%len(all)], n), caller: x, echo: l.taps(rng), hold: 100}
		told := u.play(new(Detector), new(Endpointer))
		at := slices.IndexFunc(told, func(frame int) bool { return frame >= begin })
		if at < 0 || told[at] > begin+s.to-s.from {
			h.missed++
			continue
		}
		h.delays = append(h.delays, float64(told[at]-begin+1)*20)
	}
	return h
}

// alone is how often a prompt is paused though nobody speaks.
func (l line) alone(t testing.TB, prompts int) (paused int) {
	all := talks(t)
	for i := range prompts {
		rng := rand.New(rand.NewPCG(uint64(i), 77))
		n := seconds(30)
		u := duet{prompt: promptOf(all[i%len(all)], n), caller: l.behind(t, rng, n), echo: l.taps(rng), hold: 50}
		paused += len(u.play(new(Detector), new(Endpointer)))
	}
	return paused
}

// TestBargeIn: how soon a prompt pauses for somebody who speaks, by how loud they are
// against it, and how often for nobody. docs/media.md has its table.
func TestBargeIn(t *testing.T) {
	const people, prompts = 60, 20
	for _, c := range []struct {
		line
		paused, missed int     // at most: in ten minutes, and of 60
		p95            float64 // ms, of who is as loud as the prompt
	}{
		{line{name: "clean"}, 0, 0, 120},
		{line{name: "echo 30 dB below", loss: 30}, 0, 0, 120},
		{line{name: "echo 15 dB below", loss: 15}, 0, 6, 180},
		{line{name: "echo 15 dB below, six of them in 50 ms", loss: 15, many: true}, 10, 6, 180},
		{line{name: "pink noise 20 dB below", noise: "pink", level: -46}, 0, 2, 160},
		{line{name: "babble 20 dB below", noise: "babble", level: -46}, 20, 3, 180},
	} {
		n := c.alone(t, prompts)
		row := fmt.Sprintf("%s: %d pauses in %d min", c.name, n, prompts/2)
		if n > c.paused {
			t.Errorf("%s: %d pauses for nobody, want at most %d", c.name, n, c.paused)
		}
		for _, level := range []float64{-12, -6, 0, 6} {
			h := c.interrupt(t, level, people)
			row += fmt.Sprintf("; %+.0f dB p50 %.0f, p95 %.0f ms, %d missed", level, percentile(h.delays, 0.5), percentile(h.delays, 0.95), h.missed)
			if h.missed > c.missed || level == 0 && percentile(h.delays, 0.95) > c.p95 {
				t.Errorf("%s, %+.0f dB: %d are missed, want at most %d; p95 %.0f ms, want %.0f", c.name, level, h.missed, c.missed, percentile(h.delays, 0.95), c.p95)
			}
		}
		t.Log(row)
	}
}

// TestEchoIsFollowed: when the jitter buffer's delay changes, what was learnt of the
// echo goes with it.
func TestEchoIsFollowed(t *testing.T) {
	all := talks(t)
	for _, follows := range []bool{true, false} {
		paused := 0
		for i := range 12 {
			n := seconds(20)
			rng := rand.New(rand.NewPCG(uint64(i), 79))
			u := duet{prompt: promptOf(all[i], n), caller: line{}.behind(t, rng, n), echo: []tap{{800, gainOf(-15)}}, hold: 50, follows: follows, jumps: 100}
			paused += len(u.play(new(Detector), new(Endpointer)))
		}
		if (paused == 0) != follows {
			t.Errorf("followed %v: %d pauses", follows, paused)
		}
	}
}
