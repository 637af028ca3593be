package engine_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/engine"
)

// hiss is noise at about -20 dBov: each of its frames is like no other.
func hiss(d time.Duration, seed uint64) []int16 {
	rng := rand.New(rand.NewPCG(seed, 1))
	pcm := media.Silence(d)
	for i := range pcm {
		pcm[i] = int16(3277 * rng.NormFloat64())
	}
	return pcm
}

// listening is a stream that plays a long prompt to a phone that sends what it is told.
func (l *lab) listening(prompt []int16, wait time.Duration) *leg {
	l.Helper()
	a := l.connect(l.session(), media.StreamOptions{Activity: true}, media.PCMU, 0)
	l.pass(200 * time.Millisecond)
	a.Play(media.Play{Prompts: []*media.Prompt{media.NewPrompt("long", prompt)}, PauseOnSpeech: wait})
	l.pass(900 * time.Millisecond)
	return a
}

func (g *leg) says(pcm ...int16) {
	g.phone.SendPCM(g.Local(), media.PCMU, append(pcm, media.Silence(time.Minute)...))
}

// whole checks that a phone has heard all of a prompt, in order, but for pauses, and
// returns how many frames those took. The frame that a pause began in was heard twice:
// as it died away, and as it came back.
func (l *lab) whole(g *leg, prompt []int16) (pauses []int) {
	l.Helper()
	synctest.Wait()
	wire := make([]byte, len(prompt))
	media.PCMU.Encode(wire, prompt)
	want := slices.Collect(slices.Chunk(tone.Decode(media.PCMU, wire), media.FrameSamples))
	next, quiet := 0, 0
	pcm := g.phone.Heard()
	for heard := range slices.Chunk(pcm[len(pcm)%media.FrameSamples:], media.FrameSamples) {
		const half = media.FrameSamples / 2
		switch {
		case next == len(want):
		case slices.Equal(heard[half:], want[next][half:]): // the first half may fade in
			if next++; quiet > 0 && next > 1 {
				pauses = append(pauses, quiet)
			}
			quiet = 0
		default:
			quiet++
		}
	}
	if next != len(want) {
		l.Errorf("of %d frames %d were heard", len(want), next)
	}
	return pauses
}

func TestPromptGoesOnAfterACough(t *testing.T) {
	prompt := hiss(3*time.Second, 1)
	inMemory(t, engine.Config{}, func(l *lab) {
		a := l.listening(prompt, 2*time.Second)
		a.says(hiss(160*time.Millisecond, 2)...)
		l.pass(4 * time.Second)
		// It is noticed after 100 ms and over 200 ms after its end.
		if p := l.whole(a, prompt); len(p) != 1 || p[0] < 10 || p[0] > 18 {
			l.Errorf("pauses of %v frames", p)
		}
		if ev := a.events(media.EventPlayed); len(ev) != 1 || !ev[0].Completed {
			l.Errorf("the end of the prompt: %+v", ev)
		}
		if ev := a.events(media.EventSpeechBegan); len(ev) != 0 {
			l.Errorf("a cough is speech: %+v", ev)
		}
	})
}

// TestPromptWaitsForSpeech: as long as it was told to, or until it is told to go on.
func TestPromptWaitsForSpeech(t *testing.T) {
	prompt := hiss(3*time.Second, 1)
	said := sentence(t)[media.SampleRate : 4*media.SampleRate]
	for name, c := range map[string]struct {
		then     func(media.Pauser)
		low, top int // frames of the pause
	}{
		"for its time": {func(media.Pauser) {}, 50, 62},
		"held":         {func(p media.Pauser) { p.Pause(); time.Sleep(3 * time.Second); p.Resume() }, 155, 175},
		"goes on":      {func(p media.Pauser) { time.Sleep(100 * time.Millisecond); p.Resume(); p.Resume() }, 7, 23},
	} {
		inMemory(t, engine.Config{}, func(l *lab) {
			a := l.listening(prompt, time.Second)
			a.says(said...)
			l.pass(300 * time.Millisecond)
			c.then(a.Stream.(media.Pauser))
			l.pass(6 * time.Second)
			if p := l.whole(a, prompt); len(p) != 1 || p[0] < c.low || p[0] > c.top {
				l.Errorf("%s: pauses of %v frames", name, p)
			}
		})
	}
}

// TestStopInAPause: nothing more is heard, and it is said how it ended; what is played
// next is not paused.
func TestStopInAPause(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		a := l.listening(hiss(3*time.Second, 1), time.Second)
		a.Stream.(media.Pauser).Pause()
		l.pass(200 * time.Millisecond)
		before := len(a.phone.Heard())
		a.Stop()
		l.pass(time.Second)
		for _, s := range a.phone.Heard()[before:] {
			if s != 0 {
				l.Fatal("something was heard")
			}
		}
		if ev := a.events(media.EventPlayed); len(ev) != 1 || ev[0].Completed {
			l.Errorf("the end of the prompt: %+v", ev)
		}
		next := hiss(time.Second, 3)
		a.Play(media.Play{Prompts: []*media.Prompt{media.NewPrompt("next", next)}})
		l.pass(1500 * time.Millisecond)
		if p := l.whole(a, next); len(p) != 0 {
			l.Errorf("pauses of %v frames", p)
		}
	})
}
