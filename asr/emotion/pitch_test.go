package emotion

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ivrd/ivrd/internal/testkit"
)

// tally is how far pitches were off.
type tally struct {
	off             []float64 // relative
	octaves, voices int       // more than 20 % off; frames that have a pitch
}

func (r *tally) add(got, want float64) {
	off := math.Abs(got/want - 1)
	if off > 0.2 {
		r.octaves++
	}
	r.off = append(r.off, off)
}

func (r *tally) median() float64 {
	x := slices.Sorted(slices.Values(r.off))
	return x[len(x)/2]
}

func (r *tally) wrong() float64 { return float64(r.octaves) / float64(len(r.off)) }
func (r *tally) found() float64 { return float64(len(r.off)) / float64(r.voices) }

func (r *tally) String() string {
	return fmt.Sprintf("median error %.2f %%, more than 20 %% off %.2f %% of %d, pitch in %.0f %% of %d frames",
		100*r.median(), 100*r.wrong(), len(r.off), 100*r.found(), r.voices)
}

// check the limits: a median of 2 %, and the part that may be an octave off.
func (r *tally) check(t *testing.T, what string, octaves float64) {
	t.Helper()
	t.Logf("%s: %v", what, r)
	if r.median() > 0.02 || r.wrong() > octaves || r.found() < 0.6 {
		t.Errorf("%s: want a median error of 2 %%, octave errors of %.0f %%, pitch in 60 %%", what, 100*octaves)
	}
}

// track compares the pitch of frames with the truth in Hz, 0 where there is none.
func (r *tally) track(pcm [][]int16, truth func(sec float64) float64) {
	e := ear{tables: shared()}
	for i, p := range pcm {
		f := e.hear(p)
		want := truth(float64(i) * 0.02) // the middle of the 40 ms
		if want == 0 {
			continue
		}
		r.voices++
		if f.kind == voiced {
			r.add(float64(f.hz()), want)
		}
	}
}

// lines are ways that sound may take before it is heard.
var lines = []struct {
	name  string
	limit float64 // of octave errors
	run   func(*rand.Rand, []float64) []float64
}{
	{"clean", 0.01, func(_ *rand.Rand, x []float64) []float64 { return x }},
	{"300 Hz high-pass", 0.01, func(_ *rand.Rand, x []float64) []float64 { return telephone(x) }},
	{"white noise 20 dB below", 0.01, func(rng *rand.Rand, x []float64) []float64 { return noisy(rng, x, levelOf(x)-20) }},
	{"white noise 10 dB below", 0.02, func(rng *rand.Rand, x []float64) []float64 { return noisy(rng, x, levelOf(x)-10) }},
}

func TestPitchOfSyntheticVoices(t *testing.T) {
	for li, line := range lines {
		var all tally
		for i := range 24 {
			rng := rand.New(rand.NewPCG(uint64(i)+1000, uint64(li)))
			base := 80 * math.Pow(350.0/80, float64(i)/23)
			pitch := func(sec float64) float64 { // glides of an octave, within the range
				f := base * math.Pow(2, 0.5*math.Sin(2*math.Pi*0.4*sec))
				return min(max(f, 80), 350)
			}
			if i%2 == 0 {
				pitch = func(float64) float64 { return base }
			}
			v := voice{rate: 32000, pitch: pitch, level: -24, jitter: 0.005, breath: 0.1, tilt: 0.95 + 0.03*rng.Float64(), beat: 3 + 3*rng.Float64()}
			x := to8k(v.say(rng, 6), v.rate)
			x = line.run(rng, x)
			all.track(lossy(rng, frames(x), 0.03), pitch)
		}
		all.check(t, line.name, line.limit)
	}
}

// reference is the pitch of clean sound by another method than the one under test:
// normalised cross-correlation at the sound's own rate, the shortest period that is nearly as
// good as the best. It is 0 where it is in doubt.
func reference(x []float64, rate int, sec float64) float64 {
	n, mid := rate/30, int(sec*float64(rate))
	first, last := rate/450, rate/60
	from := mid - (n+last)/2
	if from < 0 || from+n+last >= len(x) {
		return 0
	}
	a := x[from : from+n]
	score := make([]float64, last+1)
	best := 0.0
	for lag := first; lag <= last; lag++ {
		b := x[from+lag : from+lag+n]
		var ab, aa, bb float64
		for i := range a {
			ab += a[i] * b[i]
			aa += a[i] * a[i]
			bb += b[i] * b[i]
		}
		if aa+bb > 1e6 {
			score[lag] = ab / math.Sqrt(aa*bb+1)
		}
		best = max(best, score[lag])
	}
	if best < 0.9 {
		return 0
	}
	for lag := first + 1; lag < last; lag++ {
		if p, q, r := score[lag-1], score[lag], score[lag+1]; q >= p && q >= r && q > best-0.05 {
			return float64(rate) / (float64(lag) + 0.5*(p-r)/(p-2*q+r))
		}
	}
	return 0
}

func TestPitchOfSpeech(t *testing.T) {
	testkit.Need(t, "espeak-ng")
	speakers := []speaker{
		{voice: "en-us", pitch: 50},
		{voice: "en-gb-scotland", pitch: 65},
		{voice: "en-us+m1", pitch: 80},
		{voice: "en-us+m4", pitch: 55},
		{voice: "en-gb+m6", pitch: 75},
		{voice: "en-us+f2", pitch: 40},
		{voice: "en-us+f3", pitch: 70},
		{voice: "en-us+f5", pitch: 95},
		{voice: "cmn", pitch: 65},
		{voice: "cmn+f3", pitch: 75},
	}
	for _, flat := range []bool{true, false} {
		all := make([]tally, 3)
		for i, s := range speakers {
			s.speed, s.flat = 160, flat
			text := "No, that is not what I meant. Our train to the airport leaves every twenty minutes, and nobody told us about the other platform."
			if s.voice[0] == 'c' {
				text = "一三八，零零一二，三四五六。请帮我转人工，我们已经等了很久。"
			}
			clean, rate := s.says(t, text)
			scale(clean, -24-levelOf(clean))
			truth := references(clean, rate)
			if flat {
				level(t, s, truth)
			}
			for li := range all {
				rng := rand.New(rand.NewPCG(uint64(i)+1000, uint64(li)))
				x := lines[li].run(rng, to8k(clean, rate))
				all[li].track(lossy(rng, frames(x), 0.03), func(sec float64) float64 { return truth[int(sec*50+0.5)] })
			}
		}
		for li := range all {
			all[li].check(t, fmt.Sprintf("espeak-ng, flat %v, %s", flat, lines[li].name), lines[li].limit)
		}
	}
}

// references by frames of 20 ms.
func references(x []float64, rate int) (out []float64) {
	for sec := 0.0; sec < float64(len(x))/float64(rate)+0.02; sec += 0.02 {
		out = append(out, reference(x, rate, sec))
	}
	return out
}

// level makes one pitch of those of a flat voice.
func level(t *testing.T, s speaker, truth []float64) {
	t.Helper()
	all := slices.DeleteFunc(slices.Sorted(slices.Values(truth)), func(f float64) bool { return f == 0 })
	low, mid, high := all[len(all)/10], all[len(all)/2], all[len(all)*9/10]
	if mid < 80 || mid > 350 || high > 1.1*low {
		t.Errorf("%s at %d is not flat or not in range: %.1f Hz, from %.1f to %.1f", s.voice, s.pitch, mid, low, high)
	}
	for i := range truth {
		if truth[i] > 0 {
			truth[i] = mid
		}
	}
}
