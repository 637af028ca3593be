package call

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/internal/testkit/speech"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// promptRoom is how soft a prompt never gets, in dBov: each of its frames is heard to be
// there.
const promptRoom = -60

// voicesOf are prompts of ten seconds, and what callers say.
var voicesOf = sync.OnceValue(func() *material { return new(material) })

type material struct {
	once    sync.Once
	prompts [][]int16
	callers [][]int16
}

func speakers(t *testing.T) *material {
	m := voicesOf()
	m.once.Do(func() {
		for _, v := range speech.Voices() {
			m.prompts = append(m.prompts, withNoise(v.Say(t, media.SampleRate), promptRoom, 1))
		}
		for _, name := range []string{"en-us", "en-gb+f3", "en-us+m3", "en-gb-scotland+f4", "en-us+f1"} {
			for _, text := range []string{"Billing, please.", "My bill.", "I have a question.", "Speak to an agent.", "Yes, help.", "Technical support."} {
				m.callers = append(m.callers, trimmed(speech.Voice{Name: name, Text: text}.Say(t, media.SampleRate)))
			}
		}
	})
	return m
}

func withNoise(pcm []int16, dBov float64, seed uint64) []int16 {
	rng := rand.New(rand.NewPCG(seed, 3))
	out := slices.Clone(pcm)
	for i := range out {
		out[i] += int16(math.Round(rng.NormFloat64() * 32768 * math.Pow(10, dBov/20)))
	}
	return out
}

// trimmed begins with the first frame above -54 dBov: 28 dB below speech, as media/vad
// labels it.
func trimmed(pcm []int16) []int16 {
	for len(pcm) > media.FrameSamples {
		sum := 0.0
		for _, s := range pcm[:media.FrameSamples] {
			sum += float64(s) * float64(s)
		}
		if 10*math.Log10(sum/media.FrameSamples/(1<<30)) > -54 {
			break
		}
		pcm = pcm[media.FrameSamples:]
	}
	return pcm
}

func louder(pcm []int16, db float64) []int16 {
	out := slices.Clone(pcm)
	for i, s := range out {
		out[i] = int16(min(max(math.Round(float64(s)*math.Pow(10, db/20)), -32768), 32767))
	}
	return out
}

// sayings are prompts by what is said.
type sayings struct{ long []int16 }

func (s *sayings) File(_, name string) (*media.Prompt, error) {
	if name != "long" {
		return tones{}.File("", name)
	}
	return media.NewPrompt(name, s.long), nil
}

func (*sayings) Say(context.Context, string, string) ([]*media.Prompt, error) {
	return nil, errSpeechless
}

const longMenu = head + `
  start:
    menu: {play: long, timeout: 20s, options: {bill: {digit: 1, phrases: {en: [my bill]}}}}
    on: {bill: end, noinput: end, nomatch: end}
`

// spread of times.
func spread(t *testing.T, what string, all []time.Duration) (p50, p95 time.Duration) {
	slices.Sort(all)
	at := func(p float64) time.Duration { return all[int(p*float64(len(all)-1)+0.5)] }
	t.Logf("%s: p50 %v, p95 %v, longest %v of %d", what, at(0.5).Round(time.Millisecond), at(0.95).Round(time.Millisecond), at(1).Round(time.Millisecond), len(all))
	return at(0.5), at(0.95)
}

// barging is a caller in the middle of a prompt, on a line with noise 65 dB below full
// scale, all in memory and virtual time.
func barging(t *testing.T, trials int, trial func(s *stage, p *party, i int, rng *rand.Rand)) {
	t.Helper()
	m := speakers(t)
	play(t, longMenu, func(s *stage) {
		said := &sayings{}
		s.script.Speaker = said
		s.con.deps.Recognizer = &listening{says: make([]string, 2*trials+10), traits: asr.Traits{Grammar: true}}
		for i := range trials {
			rng := rand.New(rand.NewPCG(uint64(i), 9))
			said.long = m.prompts[i%len(m.prompts)]
			p := s.call("1000", 300)
			after(100 * time.Millisecond)
			p.says(withNoise(nil, -65, 1))
			trial(s, p, i, rng)
			p.End(leg.CallerHangup)
			s.record()
		}
	})
}

func TestBargeInBySpeech(t *testing.T) {
	m := speakers(t)
	var all []time.Duration
	by := map[float64][]time.Duration{}
	levels := []float64{-12, -6, 0, 6}
	barging(t, 200, func(_ *stage, p *party, i int, rng *rand.Rand) {
		after(time.Second + time.Duration(rng.IntN(3000))*time.Millisecond)
		level := levels[i%len(levels)]
		p.says(louder(m.callers[i/len(levels)%len(m.callers)], level))
		after(800 * time.Millisecond)
		began := p.phone.SentAt()
		took := p.phone.LastSound(began, began+700*time.Millisecond) - began
		all, by[level] = append(all, took), append(by[level], took)
	})
	for _, level := range levels {
		spread(t, "speech", by[level])
	}
	if _, p95 := spread(t, "speech", all); p95 > 150*time.Millisecond {
		t.Error("want at most 150 ms")
	}
}

func TestBargeInByKey(t *testing.T) {
	var all []time.Duration
	barging(t, 100, func(_ *stage, p *party, _ int, rng *rand.Rand) {
		after(time.Second + time.Duration(rng.IntN(3000))*time.Millisecond)
		began := p.phone.Now()
		p.press("5")
		after(500 * time.Millisecond)
		all = append(all, p.phone.LastSound(began, began+400*time.Millisecond)-began)
	})
	if _, p95 := spread(t, "a key", all); p95 > 60*time.Millisecond {
		t.Error("want at most 60 ms")
	}
}

// TestEchoDoesNotBargeIn: a telephone sends back what it plays, 15 dB weaker and up to
// 300 ms later. The prompt is heard to its end, without a pause.
func TestEchoDoesNotBargeIn(t *testing.T) {
	stopped, paused := 0, 0
	barging(t, 200, func(s *stage, p *party, i int, _ *rand.Rand) {
		p.phone.Reflect(time.Duration(i)*300*time.Millisecond/199, math.Pow(10, -15.0/20))
		m := speakers(t).prompts[i%4]
		d := media.Time(len(m)).Duration()
		after(d + 300*time.Millisecond)
		heard, gaps := p.phone.Heard(), 0
		first := slices.IndexFunc(heard, func(s int16) bool { return s != 0 })
		last := len(heard) - 1
		for heard[last] == 0 {
			last--
		}
		for at := first; at+media.FrameSamples <= last; at += media.FrameSamples {
			if !slices.ContainsFunc(heard[at:at+media.FrameSamples], func(s int16) bool { return s != 0 }) {
				gaps++
			}
		}
		if gaps > 0 {
			paused++
			for at := first; at+media.FrameSamples <= last; at += media.FrameSamples {
				if !slices.ContainsFunc(heard[at:at+media.FrameSamples], func(s int16) bool { return s != 0 }) {
					t.Logf("trial %d delay %d ms prompt %d at %v", i, i*300/199, i%4, media.Time(at-first).Duration())
					break
				}
			}
		}
		if media.Time(last-first).Duration() < d-200*time.Millisecond {
			stopped++
		}
	})
	r := 200
	t.Logf("of %d echoes %d stopped the prompt and %d paused it", r, stopped, paused)
	if stopped > 0 || paused > 0 {
		t.Error("want none")
	}
}
