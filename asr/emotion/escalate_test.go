package emotion

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/transcript"
)

func feels(f transcript.Feeling, confidence, arousal float64) transcript.Emotion {
	e := transcript.Emotion{Label: f, Confidence: confidence, Arousal: transcript.Measure{Value: arousal, Confidence: 1}}
	e.Scores[f] = confidence
	return e
}

func seconds(s float64) media.Time { return media.Time(s * media.SampleRate) }

// The call's clock is the only time there is: an hour takes none.
func TestEscalation(t *testing.T) {
	var e Escalation
	angry := feels(transcript.Anger, 0.6, 0.9)
	if s := e.Add(seconds(10), angry); s.Raised || s.Level < 0.3 {
		t.Errorf("one angry utterance: %+v", s)
	}
	s := e.Add(seconds(20), angry)
	if !s.Raised || s.Terms.Anger < s.Terms.Arousal || s.Terms.Fear != 0 || math.Abs(s.Terms.sum()-s.Level) > 1e-9 {
		t.Errorf("two angry utterances: %+v", s)
	}
	high := s.Level
	if s := e.At(seconds(40)); !s.Raised || s.Level >= high {
		t.Errorf("20 s later: %+v, want still raised, and lower", s)
	}
	if s := e.Add(seconds(70), feels(transcript.Neutral, 0.6, 0.5)); !s.Raised {
		t.Errorf("one calm utterance lowers it: %+v", s)
	}
	if s := e.At(seconds(140)); s.Raised || s.Level > DefaultLower || s.Level == 0 {
		t.Errorf("two minutes later: %+v", s)
	}
	if s := e.At(seconds(3)); s.Level > DefaultLower {
		t.Errorf("time goes back: %+v", s)
	}
	if s := e.At(seconds(3600)); s.Level > 1e-9 {
		t.Errorf("an hour later: %+v", s)
	}
}

func TestWhatEscalates(t *testing.T) {
	for _, c := range []struct {
		name   string
		e      transcript.Emotion
		times  int
		raised bool
	}{
		{"anger", feels(transcript.Anger, 0.6, 0.5), 3, true},
		{"fear", feels(transcript.Fear, 0.6, 0.5), 3, true},
		{"one certain anger, shouted", feels(transcript.Anger, 1, 1), 1, false},
		{"anger by tags", feels(transcript.Anger, tagTrust, 0.5), 3, true},
		{"anger that is hardly believed", feels(transcript.Anger, 0.05, 0.5), 50, false},
		{"happiness, loudly", feels(transcript.Happiness, 0.6, 1), 50, false},
		{"sadness", feels(transcript.Sadness, 0.6, 0.3), 50, false},
		{"excitement, once", feels(transcript.Unknown, 0, 0.9), 1, false},
		{"excitement, again and again", feels(transcript.Unknown, 0, 0.9), 6, true},
		{"calm", feels(transcript.Neutral, 0.6, 0.5), 50, false},
	} {
		var e Escalation
		var s Signal
		for i := range c.times {
			s = e.Add(seconds(float64(8*i)), c.e)
		}
		if s.Raised != c.raised {
			t.Errorf("%s, %d times: %+v", c.name, c.times, s)
		}
	}
}

// Whatever a model says, the level is from 0 to 1, and one utterance goes at most mostStep.
func TestEscalationIsBounded(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	strange := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e9, -3, 0, 0.5, 1}
	e := Escalation{EscalationConfig: EscalationConfig{HalfLife: time.Second, Raise: 0.8, Lower: 0.2}}
	last := 0.0
	for range 10000 {
		odd := func() float64 { return strange[rng.IntN(len(strange))] }
		em := transcript.Emotion{
			Label: transcript.Feeling(rng.IntN(int(transcript.NumFeelings))), Confidence: odd(),
			Arousal: transcript.Measure{Value: odd(), Confidence: odd()},
		}
		for f := range em.Scores {
			em.Scores[f] = odd()
		}
		s := e.Add(media.Time(rng.Int64N(1e9)), em)
		if !(s.Level >= 0 && s.Level <= 1) || s.Level > last+mostStep+1e-9 {
			t.Fatalf("%+v after %.2f", s, last)
		}
		last = s.Level
	}
}
