package emotion

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/transcript"
)

func TestFromScores(t *testing.T) {
	e, err := FromScores("m", transcript.Scores{transcript.Anger: 3, transcript.Neutral: 1})
	if err != nil || e.Label != transcript.Anger || e.Confidence != 0.75 || e.Scores[transcript.Neutral] != 0.25 || e.Method != "model" || e.Model != "m" {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err := FromScores("m", transcript.Scores{1, 1, 1, 1, 1, 1, 1, 1}); err != nil || e.Label != transcript.Unknown || e.Confidence != 0 {
		t.Errorf("all alike: %+v, %v", e, err)
	}
	for _, bad := range []transcript.Scores{{}, {-1, 2}, {math.NaN()}, {math.Inf(1)}} {
		if e, err := FromScores("m", bad); err == nil {
			t.Errorf("%v gives %+v", bad, e)
		}
	}
}

type fakeModel struct {
	e   transcript.Emotion
	err error
}

func (f fakeModel) Judge(context.Context, []int16) (transcript.Emotion, error) { return f.e, f.err }

func TestRulesAreTheFallBack(t *testing.T) {
	rules := transcript.Emotion{Label: transcript.Neutral, Confidence: 0.5, Method: transcript.MethodRules, Valence: transcript.Measure{Value: -0.2, Confidence: 0.3}}
	down := errors.New("down")
	if e, err := Ask(t.Context(), fakeModel{err: down}, nil, rules); !errors.Is(err, down) || e != rules {
		t.Errorf("%+v, %v", e, err)
	}
	said, _ := FromScores("m", transcript.Scores{transcript.Fear: 1})
	said.Arousal = transcript.Measure{Value: 0.9, Confidence: 1}
	e, err := Ask(t.Context(), fakeModel{e: said}, nil, rules)
	if err != nil || e.Label != transcript.Fear || e.Method != "model" || e.Arousal != said.Arousal || e.Valence != rules.Valence {
		t.Errorf("%+v, %v", e, err)
	}
}

// A model of arousal and valence alone takes nothing away from a label by words.
func TestDimensionsAlone(t *testing.T) {
	said, _ := FromScores("m", transcript.Scores{transcript.Unknown: 1})
	said.Arousal = transcript.Measure{Value: 0.9, Confidence: 1}
	rules := transcript.Emotion{Label: transcript.Anger, Confidence: 0.5, Method: transcript.MethodRules, Scores: transcript.Scores{transcript.Anger: 1}}
	e, err := Ask(t.Context(), fakeModel{e: said}, nil, rules)
	if err != nil || e.Label != transcript.Anger || e.Confidence != 0.5 || e.Method != transcript.MethodRules || e.Scores != rules.Scores || e.Arousal != said.Arousal || e.Model != "m" {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err := Ask(t.Context(), fakeModel{e: said}, nil, transcript.Emotion{}); err != nil || e != said {
		t.Errorf("without rules: %+v, %v", e, err)
	}
}

func TestSound(t *testing.T) {
	s := NewSound(100 * time.Millisecond) // five frames
	frame := func(v int16) []int16 {
		p := make([]int16, media.FrameSamples)
		for i := range p {
			p[i] = v
		}
		return p
	}
	says := func(want ...int16) {
		t.Helper()
		got := s.Append(nil, 0, math.MaxInt64)
		for i, v := range want {
			if len(got) != len(want)*media.FrameSamples || got[i*media.FrameSamples] != v || got[(i+1)*media.FrameSamples-1] != v {
				t.Fatalf("%d samples, want frames of %v", len(got), want)
			}
		}
	}
	at := func(n int) media.Time { return media.Time(n * media.FrameSamples) }
	says()
	s.Frame(at(0), frame(1), false)
	s.Frame(at(1), frame(2), true)
	s.Frame(at(1), frame(9), false) // again
	s.Frame(at(3), frame(4), false)
	says(1, 0, 0, 4)
	for i := 4; i < 8; i++ {
		s.Frame(at(i), frame(int16(i+1)), false)
	}
	says(4, 5, 6, 7, 8)
	if got := s.Append(nil, at(5), at(6)); len(got) != media.FrameSamples || got[0] != 6 {
		t.Errorf("%d samples of one frame, %v", len(got), got[0])
	}
	s.Frame(at(1000), frame(7), false)
	says(0, 0, 0, 0, 7)
}
