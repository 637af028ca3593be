package call

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/internal/testkit/speech"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/tts/ssml"
)

// promptRoom is how soft a prompt never gets, in dBov: each of its frames is heard to be
// there.
const promptRoom = -60

// onset in dBov is where speech at -26 dBov begins, as media/vad labels it.
const onset = -54

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
			m.prompts = append(m.prompts, speech.WithNoise(v.Say(t, media.SampleRate), promptRoom, 1))
		}
		for _, name := range []string{"en-us", "en-gb+f3", "en-us+m3", "en-gb-scotland+f4", "en-us+f1"} {
			for _, text := range []string{"Billing, please.", "My bill.", "I have a question.", "Speak to an agent.", "Yes, help.", "Technical support."} {
				m.callers = append(m.callers, speech.FromOnset(speech.Voice{Name: name, Text: text}.Say(t, media.SampleRate), onset))
			}
		}
	})
	return m
}

// sayings are prompts by what is said.
type sayings struct{ long []int16 }

func (s *sayings) File(_, name string) (*media.Prompt, error) {
	if name != "long" {
		return tones{}.File("", name)
	}
	return media.NewPrompt(name, s.long), nil
}

func (*sayings) Say(context.Context, string, ssml.Speech) ([]*media.Prompt, error) {
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

// trials are few in make test; make soak has those of the figures.
func trials() int {
	if os.Getenv("IVRD_SOAK") != "" {
		return 200
	}
	return 80
}

// barging is a caller in the middle of a prompt, on a line with noise 65 dB below full
// scale, all in memory and virtual time.
func barging(t *testing.T, trials int, echo func(i int) time.Duration, trial func(p *party, i int, rng *rand.Rand)) {
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
			if echo != nil {
				p.phone.Reflect(echo(i), math.Pow(10, -15.0/20))
			}
			after(100 * time.Millisecond)
			p.says(nil)
			trial(p, i, rng)
			p.End(leg.CallerHangup)
			s.record()
		}
	})
}

// TestBargeInBySpeech: from the first packet with speech to the last one of the prompt.
func TestBargeInBySpeech(t *testing.T) {
	m := speakers(t)
	var all []time.Duration
	by := map[float64][]time.Duration{}
	levels := []float64{-12, -6, 0, 6}
	barging(t, trials(), nil, func(p *party, i int, rng *rand.Rand) {
		after(time.Second + time.Duration(rng.IntN(3000))*time.Millisecond)
		level := levels[i%len(levels)]
		p.says(speech.Louder(m.callers[i/len(levels)%len(m.callers)], level))
		after(800 * time.Millisecond)
		began := p.phone.SentAt()
		took := p.phone.LastSound(began, began+700*time.Millisecond) - began
		all, by[level] = append(all, took), append(by[level], took)
	})
	for _, level := range levels {
		spread(t, fmt.Sprintf("speech %+.0f dB against the prompt", level), by[level])
	}
	if _, p95 := spread(t, "speech", all); p95 > 150*time.Millisecond {
		t.Error("want at most 150 ms")
	}
}

func TestBargeInByKey(t *testing.T) {
	var all []time.Duration
	barging(t, trials()/2, nil, func(p *party, _ int, rng *rand.Rand) {
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
	trials := trials()
	delay := func(i int) time.Duration {
		return time.Duration(i) * 300 * time.Millisecond / time.Duration(trials-1)
	}
	paused := 0
	barging(t, trials, delay, func(p *party, i int, _ *rand.Rand) {
		after(5 * time.Second)
		gaps := 0
		for frame := range slices.Chunk(p.phone.Between(-4900*time.Millisecond, 0), media.FrameSamples) {
			if !slices.ContainsFunc(frame, func(s int16) bool { return s != 0 }) {
				gaps++
			}
		}
		if gaps > 0 {
			paused++
			t.Logf("an echo after %v: %d frames of the prompt are missing", delay(i), gaps)
		}
	})
	t.Logf("of %d echoes %d stopped or paused the prompt", trials, paused)
	if paused > 0 {
		t.Error("want none")
	}
}
