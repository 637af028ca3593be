package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/ivrd/ivrd/asr/emotion"
	"github.com/ivrd/ivrd/transcript"
)

// Answer of a model. The dimensions are optional.
type Answer struct {
	Model   string             `json:"model"`
	Scores  map[string]float64 `json:"scores"`
	Arousal *float64           `json:"arousal,omitempty"` // 0 to 1
	Valence *float64           `json:"valence,omitempty"` // -1 to 1
}

// longestModel bounds the name that is stored beside every utterance.
const longestModel = 80

// names by which models know the feelings.
var names = map[string]transcript.Feeling{
	"angry": transcript.Anger, "ang": transcript.Anger, "disgusted": transcript.Disgust, "fearful": transcript.Fear,
	"happy": transcript.Happiness, "hap": transcript.Happiness, "joy": transcript.Happiness, "sad": transcript.Sadness,
	"surprised": transcript.Surprise, "neu": transcript.Neutral, "calm": transcript.Neutral,
}

// parse an answer. Scores of names that are no feeling of ours count as unknown.
func parse(body []byte) (transcript.Emotion, error) {
	var a Answer
	if err := json.Unmarshal(body, &a); err != nil {
		return transcript.Emotion{}, errors.New("read emotion model's answer: it is not the JSON that was asked for") // err may quote it
	}
	var s transcript.Scores
	for name, v := range a.Scores {
		if !(v >= 0) {
			return transcript.Emotion{}, errors.New("read emotion model's answer: a score is negative")
		}
		s[feeling(strings.ToLower(name))] += v
	}
	model := a.Model
	if len(model) > longestModel {
		model = strings.ToValidUTF8(model[:longestModel], "")
	}
	e, err := emotion.FromScores(model, s)
	if err != nil {
		return transcript.Emotion{}, fmt.Errorf("read emotion model's answer: %w", err)
	}
	if a.Arousal != nil {
		e.Arousal = transcript.Measure{Value: max(0, min(*a.Arousal, 1)), Confidence: 1}
	}
	if a.Valence != nil {
		e.Valence = transcript.Measure{Value: max(-1, min(*a.Valence, 1)), Confidence: 1}
	}
	return e, nil
}

func feeling(name string) transcript.Feeling {
	var f transcript.Feeling
	if f.UnmarshalText([]byte(name)) == nil {
		return f
	}
	return names[name]
}
