package engine_test

import (
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/engine"
)

// gaps are the silences of 20 ms and more within what was heard: where, and how long.
func gaps(pcm []int16) (first time.Duration, within []time.Duration) {
	const step = media.SampleRate / 200
	loud := func(at int) bool {
		sum := 0.0
		for _, v := range pcm[at:min(at+step, len(pcm))] {
			sum += math.Abs(float64(v))
		}
		return sum/step > 100
	}
	last := -1
	for at := 0; at < len(pcm); at += step {
		if !loud(at) {
			continue
		}
		if last < 0 {
			first = media.Time(at).Duration()
		} else if gap := media.Time(at - last - step).Duration(); gap >= 20*time.Millisecond {
			within = append(within, gap)
		}
		last = at
	}
	return first, within
}

// A sound that comes as fast as it is heard is heard without a gap, in every codec,
// and its end is known.
func TestGrowingSoundIsPlayedAsItComes(t *testing.T) {
	for _, codec := range append(media.Codecs(), media.L16) {
		inMemory(t, engine.Config{}, func(l *lab) {
			var starved atomic.Int64
			g := media.NewGrowing("voice", time.Minute, &starved)
			s := l.session()
			a := l.connect(s, media.StreamOptions{}, codec, 0)
			l.pass(100 * time.Millisecond)
			chunk := media.Tone(400, -20, 100*time.Millisecond)
			g.Append(chunk)
			g.Append(chunk)
			id := a.Play(media.Play{Prompts: []*media.Prompt{g.Prompt(), media.NewPrompt("next", media.Tone(400, -20, 100*time.Millisecond))}})
			for range 18 {
				l.pass(100 * time.Millisecond)
				g.Append(chunk)
			}
			if len(a.events(media.EventPlayed)) != 0 {
				l.Error("the playback ended before the sound")
			}
			g.End()
			l.pass(500 * time.Millisecond)
			if _, within := gaps(a.phone.Heard()); len(within) != 0 || starved.Load() != 0 {
				l.Errorf("%v: gaps %v, %d times without sound", codec, within, starved.Load())
			}
			played := a.events(media.EventPlayed)
			if len(played) != 1 || played[0].Play != id || !played[0].Completed {
				l.Errorf("%v: ends of playback: %+v", codec, played)
			}
		})
	}
}

// When no sound comes for a while, one silence is heard, it is counted once, and the
// rest is heard whole. A caller whose codec changes meanwhile hears it, too.
func TestStarvedPlayerWaitsOnce(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		var starved atomic.Int64
		g := media.NewGrowing("voice", time.Minute, &starved)
		s := l.session()
		a := l.connect(s, media.StreamOptions{}, media.PCMU, 0)
		l.pass(100 * time.Millisecond)
		g.Append(media.Tone(400, -20, 200*time.Millisecond))
		a.Play(media.Play{Prompts: []*media.Prompt{g.Prompt()}})
		l.pass(500 * time.Millisecond)
		for range 4 { // too little to go on with, until there are 100 ms
			g.Append(media.Tone(400, -20, 20*time.Millisecond))
			l.pass(20 * time.Millisecond)
		}
		if err := a.Connect(remote(a.phone, media.PCMA)); err != nil {
			l.Fatal(err)
		}
		g.Append(media.Tone(400, -20, 420*time.Millisecond))
		l.pass(time.Second)
		if n := len(a.events(media.EventPlayed)); n != 0 || starved.Load() != 2 {
			l.Errorf("%d ends, %d times without sound", n, starved.Load())
		}
		g.End()
		l.pass(100 * time.Millisecond)
		_, within := gaps(a.phone.Heard())
		if len(within) != 1 || within[0] < 360*time.Millisecond || within[0] > 400*time.Millisecond {
			l.Errorf("silences of %v, want one of 380 ms", within)
		}
		if n := len(a.events(media.EventPlayed)); n != 1 {
			l.Errorf("%d ends of playback", n)
		}
	})
}

// A key ends it at once, also while nothing is there to be played.
func TestKeyEndsAStarvedPlayback(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		g := media.NewGrowing("voice", time.Minute, nil)
		a := l.connect(l.session(), media.StreamOptions{}, media.PCMU, 0)
		g.Append(media.Tone(400, -20, 100*time.Millisecond))
		a.Play(media.Play{Prompts: []*media.Prompt{g.Prompt()}, StopOnDigit: true})
		l.pass(300 * time.Millisecond)
		if err := a.phone.Press("5", 1); err != nil {
			l.Fatal(err)
		}
		l.pass(200 * time.Millisecond)
		g.Append(media.Tone(700, -20, time.Second))
		l.pass(300 * time.Millisecond)
		l.hears(a)
		if played := a.events(media.EventPlayed); len(played) != 1 || played[0].Completed {
			l.Errorf("ends of playback: %+v", played)
		}
	})
}
