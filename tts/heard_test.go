package tts

import (
	"context"
	"errors"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/memnet"
	party "github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/engine"
	"github.com/ivrd/ivrd/tts/ssml"
)

// slow is an engine that says 100 ms of a tone each 100 ms, as long as it has to. It may
// fall silent, or fail, on the way.
type slow struct {
	chunks  int
	stallAt int // where nothing comes for 500 ms
	failAt  int
}

var errBroken = errors.New("broken")

func (*slow) Name() string { return "slow 1" }

func (s *slow) Speak(_ context.Context, _ Utterance, hear Hear) error {
	sound := media.Tone(400, -26, 100*time.Millisecond)
	for i := range s.chunks {
		time.Sleep(100 * time.Millisecond)
		switch {
		case s.stallAt > 0 && i == s.stallAt:
			time.Sleep(500 * time.Millisecond)
		case s.failAt > 0 && i == s.failAt:
			return errBroken
		}
		if err := hear(sound, media.SampleRate); err != nil {
			return err
		}
	}
	return nil
}

// caller is somebody on the telephone, in virtual time, who is played what a cache says.
type caller struct {
	*testing.T

	cache  *Cache
	stream media.Stream
	phone  *party.Phone
}

func call(t *testing.T, c CacheConfig, test func(*caller)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New(1)
		host := network.Host("10.0.0.1")
		e, err := engine.New(engine.Config{Network: host.Polled(), Address: host.Addr(), Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Start(); err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		phone, err := party.NewPhone(network.Host("10.0.0.2"), netip.MustParseAddr("10.0.0.2"))
		if err != nil {
			t.Fatal(err)
		}
		defer phone.Close()
		s, err := e.NewSession("test")
		if err != nil {
			t.Fatal(err)
		}
		st, err := s.Open(media.StreamOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Connect(media.Remote{Addr: phone.Addr(), Signalling: phone.Addr().Addr(), Codec: media.PCMU}); err != nil {
			t.Fatal(err)
		}
		cache, err := NewCache(c)
		if err != nil {
			t.Fatal(err)
		}
		test(&caller{t, cache, st, phone})
	})
}

// hears says a text and tells what the caller hears from then on: how long until the
// first sound, and the sound from there to the last.
func (c *caller) hears(text ssml.Speech, all time.Duration) (first time.Duration, sound []int16) {
	c.Helper()
	began := time.Now()
	p, err := c.cache.Say(c.Context(), "en", text)
	if err != nil {
		c.Fatal(err)
	}
	c.stream.Play(media.Play{Prompts: []*media.Prompt{p}})
	time.Sleep(all)
	pcm := c.phone.Between(-time.Since(began), 0)
	from := slices.IndexFunc(pcm, loud)
	if from < 0 {
		c.Fatal("nothing was heard")
	}
	to := len(pcm)
	for !loud(pcm[to-1]) {
		to--
	}
	return media.Time(from).Duration(), pcm[from:to]
}

func loud(v int16) bool { return v > 300 || v < -300 }

// silences are those of 15 ms and more.
func silences(pcm []int16) (out []time.Duration) {
	quiet := 0
	for _, v := range append(slices.Clone(pcm), math.MaxInt16) {
		if !loud(v) {
			quiet++
			continue
		}
		if d := media.Time(quiet).Duration(); d >= 15*time.Millisecond {
			out = append(out, d)
		}
		quiet = 0
	}
	return out
}

// A caller hears the first of what an engine takes 3 s for within 300 ms, and the rest
// without a gap. From then on it is there.
func TestSlowSpeechIsHeardAtOnce(t *testing.T) {
	call(t, CacheConfig{Engine: &slow{chunks: 30}}, func(c *caller) {
		first, sound := c.hears(ssml.Plain("a long story"), 4*time.Second)
		c.Logf("first sound after %v, %v of it", first, media.Time(len(sound)).Duration())
		if first > 300*time.Millisecond {
			c.Errorf("the first sound came after %v", first)
		}
		if gaps := silences(sound); len(gaps) != 0 {
			c.Errorf("gaps of %v", gaps)
		}
		if d := media.Time(len(sound)).Duration(); d < 2960*time.Millisecond || d > 3020*time.Millisecond {
			c.Errorf("3 s were heard as %v", d)
		}
		// The next caller need not wait, and hears it at the house's level.
		first, sound = c.hears(ssml.Plain("a long story"), 4*time.Second)
		if s := c.cache.Stats(); first > 100*time.Millisecond || s.Hits != 1 || s.Syntheses != 1 || s.Starved != 0 {
			c.Errorf("again: after %v, counts %+v", first, s)
		}
		if l := dBov(activeLevel(sound)); math.Abs(l-targetLevel) > 0.5 {
			c.Errorf("again: %.1f dBov", l)
		}
		if gaps := silences(sound); len(gaps) != 0 {
			c.Errorf("again: gaps of %v", gaps)
		}
		// Another text of the same voice is at that level from its beginning.
		if _, sound = c.hears(ssml.Plain("another story"), 4*time.Second); math.Abs(dBov(activeLevel(sound))-targetLevel) > 0.5 {
			c.Errorf("another text: %.1f dBov", dBov(activeLevel(sound)))
		}
	})
}

// Where nothing comes for a while, one silence is heard and counted.
func TestStallOfAnEngineIsHeardOnce(t *testing.T) {
	call(t, CacheConfig{Engine: &slow{chunks: 20, stallAt: 10}}, func(c *caller) {
		_, sound := c.hears(ssml.Plain("a story"), 4*time.Second)
		gaps := silences(sound)
		if len(gaps) != 1 || gaps[0] < 350*time.Millisecond || gaps[0] > 600*time.Millisecond || c.cache.Stats().Starved != 1 {
			c.Errorf("gaps %v, counts %+v", gaps, c.cache.Stats())
		}
	})
}

// An engine that fails in the middle of a sentence is followed by the fall-back, which
// says the sentence again. That is not kept.
func TestFallbackGoesOnInTheMiddle(t *testing.T) {
	second := &fakeEngine{}
	call(t, CacheConfig{Engine: &slow{chunks: 20, failAt: 10}, Fallback: second}, func(c *caller) {
		text := ssml.Plain("One.").Wait(200*time.Millisecond).Say("Two.", ssml.Prosody{})
		_, sound := c.hears(text, 5*time.Second)
		if d := media.Time(len(sound)).Duration(); d < 3100*time.Millisecond || d > 3800*time.Millisecond || second.calls.Load() != 2 {
			c.Errorf("heard %v, the fall-back said %d utterances", d, second.calls.Load())
		}
		if s := c.cache.Stats(); s.Failures != 1 || s.Fallbacks != 1 {
			c.Errorf("counts %+v", s)
		}
		c.hears(text, 5*time.Second)
		if s := c.cache.Stats(); s.Hits != 0 || s.Failures != 2 {
			c.Errorf("again: counts %+v", s)
		}
	})
}

// A pause is as long as it was written, as a whole and while it comes.
func TestPausesAreAsLongAsWritten(t *testing.T) {
	for _, want := range []time.Duration{100 * time.Millisecond, 500 * time.Millisecond, 1500 * time.Millisecond} {
		text := ssml.Plain("One.").Wait(want).Say("Two.", ssml.Prosody{})
		for _, e := range []Engine{&fakeEngine{}, &slow{chunks: 10}} {
			call(t, CacheConfig{Engine: e}, func(c *caller) {
				_, sound := c.hears(text, want+4*time.Second)
				whole, err := c.cache.Say(c.Context(), "en", text)
				if err != nil {
					c.Fatal(err)
				}
				// A live engine of the speed of speech starves while it begins anew.
				late := 0 * time.Millisecond
				if _, live := e.(*slow); live {
					late = 100 * time.Millisecond
				}
				gaps := silences(sound)
				if len(gaps) != 1 || gaps[0] < want-20*time.Millisecond || gaps[0] > want+20*time.Millisecond+late {
					c.Errorf("%s: a pause of %v is heard as %v", e.Name(), want, gaps)
				}
				if d := whole.Duration() - 2*time.Second - want; d < -20*time.Millisecond || d > 20*time.Millisecond {
					c.Errorf("%s: %v and a pause of %v are kept as %v", e.Name(), 2*time.Second, want, whole.Duration())
				}
			})
		}
	}
}

// espeak-ng's own words, by itself and as a command of the operator's.
func TestRealVoices(t *testing.T) {
	e := espeak(t)
	command, err := NewCommand(CommandConfig{
		Argv: []string{"espeak-ng", "--stdin", "--stdout", "-b", "1", "-v", "{voice}"}, Voices: map[string]string{"en": "en-us", "zh": "cmn"}, Format: Format{Name: "wav"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []Engine{e, command} {
		for language, words := range map[string][2]string{"en": {"Good morning", "everybody"}, "zh": {"您好", "谢谢"}} {
			text := ssml.Plain(words[0]).Wait(500*time.Millisecond).Say(words[1], ssml.Prosody{})
			pcm, err := Render(t.Context(), e, language, text)
			if err != nil {
				t.Fatal(err)
			}
			longest := slices.Max(quietRuns(pcm))
			l, p := dBov(activeLevel(pcm)), dBov(peak(pcm))
			t.Logf("%s, %s: %v, %.1f dBov, peak %.1f dB, pause %v", strings.Fields(e.Name())[0], language, media.Time(len(pcm)).Duration(), l, p, longest)
			if longest < 480*time.Millisecond || longest > 520*time.Millisecond || l < targetLevel-3 || l > targetLevel+1 || p > -1 {
				t.Errorf("%s: pause %v, level %.1f, peak %.1f", language, longest, l, p)
			}
		}
	}
}

// quietRuns are the times between frames of 10 ms that hold speech, by trim's measure.
func quietRuns(pcm []int16) (out []time.Duration) {
	threshold := loudest(pcm, quietFrame) * math.Pow(10, -activeRange/20)
	run := 0
	for at := 0; at+quietFrame <= len(pcm); at += quietFrame {
		if rms(pcm[at:at+quietFrame]) < threshold {
			run++
			continue
		}
		out = append(out, time.Duration(run)*10*time.Millisecond)
		run = 0
	}
	return out
}

// Rate, pitch and volume are heard.
func TestManner(t *testing.T) {
	e := espeak(t)
	render := func(p ssml.Prosody) []int16 {
		pcm, err := Render(t.Context(), e, "en", ssml.Speech{{Text: "This is how it sounds.", Prosody: p}})
		if err != nil {
			t.Fatal(err)
		}
		return pcm
	}
	usual := render(ssml.Prosody{})
	if fast, slow := render(ssml.Prosody{Rate: 0.5}), render(ssml.Prosody{Rate: -0.4}); len(fast)*5 > len(usual)*4 || len(slow)*4 < len(usual)*5 {
		t.Errorf("fast %d, usual %d, slow %d samples", len(fast), len(usual), len(slow))
	}
	if soft := dBov(activeLevel(render(ssml.Prosody{Volume: -12}))) - dBov(activeLevel(usual)); math.Abs(soft+12) > 1 {
		t.Errorf("12 dB softer is %.1f dB", soft)
	}
	if slices.Equal(render(ssml.Prosody{Pitch: 6}), usual) {
		t.Error("the pitch is the same")
	}
}
