package engine_test

import (
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/memnet"
	"github.com/ivrd/ivrd/internal/testkit/speech"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/engine"
)

// sentence takes 3 s, after a second of silence, before two. It is spoken outside of
// the bubble.
func sentence(t *testing.T) (pcm []int16) {
	t.Helper()
	said := speech.Voices()[0].Say(t, media.SampleRate)
	return append(append(media.Silence(time.Second), said[:3*media.SampleRate]...), media.Silence(2*time.Second)...)
}

// spurts are the events of speech, in time since the first packet.
func (g *leg) spurts() (began, ended []time.Duration) {
	first := g.Stats().FirstMedia
	for _, ev := range g.events(media.EventSpeechBegan) {
		began = append(began, (ev.At - first).Duration())
	}
	for _, ev := range g.events(media.EventSpeechEnded) {
		ended = append(ended, (ev.At - first).Duration())
	}
	return began, ended
}

func near(d, want, by time.Duration) bool { return (d - want).Abs() <= by }

func TestSpeechIsTold(t *testing.T) {
	said := sentence(t)
	for _, c := range media.Codecs() {
		for _, loss := range []float64{0, 0.1} {
			inMemory(t, engine.Config{}, func(l *lab) {
				s := l.session()
				a := l.open(s, media.StreamOptions{Activity: true})
				b := l.connect(s, media.StreamOptions{Activity: true}, c, 700)
				deaf := l.connect(s, media.StreamOptions{}, c, 0)
				if err := a.Connect(remote(a.phone, c)); err != nil {
					l.Fatal(err)
				}
				l.net.Impair(a.phone.Addr().Addr(), a.Local().Addr(), memnet.Line{Delay: 20 * time.Millisecond, Loss: loss, Burst: 2})
				a.phone.SendPCM(a.Local(), c, said)
				deaf.phone.SendPCM(deaf.Local(), c, said)
				l.pass(5800 * time.Millisecond)
				began, ended := a.spurts()
				if len(began) != 1 || !near(began[0], time.Second, 150*time.Millisecond) || len(ended) != 1 || !near(ended[0], 4*time.Second, 400*time.Millisecond) {
					l.Errorf("%v, loss %v: from %v to %v", c, loss, began, ended)
				}
				if talk := a.Stats().Talk; talk < 2300*time.Millisecond || talk > 3200*time.Millisecond {
					l.Errorf("%v, loss %v: a sentence of 3 s took %v", c, loss, talk)
				}
				for _, g := range []*leg{b, deaf} { // a tone, and who is not listened to
					if began, _ := g.spurts(); len(began) != 0 || g.Stats().Talk != 0 {
						l.Errorf("%v: speech began at %v", c, began)
					}
				}
			})
		}
	}
}

// TestSpeechEndsWithTheStream: and what has begun is never left open.
func TestSpeechEndsWithTheStream(t *testing.T) {
	said := sentence(t)
	inMemory(t, engine.Config{}, func(l *lab) {
		a := l.connect(l.session(), media.StreamOptions{Activity: true}, media.PCMU, 0)
		a.phone.SendPCM(a.Local(), media.PCMU, said)
		l.pass(2500 * time.Millisecond)
		if began, ended := a.spurts(); len(began) != 1 || len(ended) != 0 {
			l.Fatalf("in the sentence: from %v to %v", began, ended)
		}
		if err := a.Close(); err != nil {
			l.Fatal(err)
		}
		l.pass(100 * time.Millisecond)
		if began, ended := a.spurts(); len(began) != 1 || len(ended) != 1 || ended[0] > 2500*time.Millisecond {
			l.Errorf("at the end: from %v to %v", began, ended)
		}
	})
}

// TestEchoOfAPromptIsNotTold: the phone sends back what it is played, 15 dB weaker.
func TestEchoOfAPromptIsNotTold(t *testing.T) {
	said := sentence(t)
	quiet := make([]int16, len(said))
	for i, v := range said {
		quiet[i] = int16(float64(v) * 0.178)
	}
	for _, played := range []bool{true, false} {
		inMemory(t, engine.Config{}, func(l *lab) {
			a := l.connect(l.session(), media.StreamOptions{Activity: true}, media.PCMA, 0)
			l.pass(100 * time.Millisecond)
			if played {
				a.Play(media.Play{Prompts: []*media.Prompt{media.NewPrompt("welcome", said)}})
			}
			l.pass(60 * time.Millisecond)
			a.phone.SendPCM(a.Local(), media.PCMA, quiet)
			l.pass(5500 * time.Millisecond)
			if began, _ := a.spurts(); (len(began) == 0) != played {
				l.Errorf("played %v: speech began at %v", played, began)
			}
		})
	}
}
