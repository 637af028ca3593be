package transcript

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestEmotionInJSON(t *testing.T) {
	e := Emotion{Label: Anger, Confidence: 0.4, Method: MethodRules, Scores: Scores{Unknown: 0.25, Anger: 0.75}, Arousal: Measure{0.8, 1}}
	b, err := json.Marshal(e)
	if err != nil || !strings.Contains(string(b), `"label":"anger"`) || !strings.Contains(string(b), `"anger":0.75`) {
		t.Errorf("%s, %v", b, err)
	}
	var back Emotion
	if err := json.Unmarshal(b, &back); err != nil || back != e {
		t.Errorf("%+v, %v", back, err)
	}
	for _, bad := range []string{`{"label":"rage"}`, `{"scores":{"rage":1}}`, `{"label":7}`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestBest(t *testing.T) {
	for _, c := range []struct {
		s     Scores
		want  Feeling
		share float64
	}{
		{Scores{}, Unknown, 0},
		{Scores{Neutral: 0.5, Anger: 0.5}, Neutral, 0.5},
		{Scores{Unknown: 0.3, Surprise: 0.7}, Surprise, 0.7},
	} {
		if f, share := c.s.Best(); f != c.want || share != c.share {
			t.Errorf("%v: %v, %v", c.s, f, share)
		}
	}
}
