package transcript

import (
	"encoding/json"
	"fmt"
	"math"
)

// Feeling is what an utterance may express: the six basic emotions of Ekman, none, or
// what nobody can tell.
type Feeling uint8

// The feelings. The zero value is Unknown.
const (
	Unknown Feeling = iota
	Neutral
	Anger
	Disgust
	Fear
	Happiness
	Sadness
	Surprise
	// NumFeelings is how many there are.
	NumFeelings
)

var feelings = [NumFeelings]string{"unknown", "neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise"}

func (f Feeling) String() string {
	if f < NumFeelings {
		return feelings[f]
	}
	return fmt.Sprintf("Feeling(%d)", uint8(f))
}

// MarshalText gives the name.
func (f Feeling) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText takes a name as String gives it; another is an error.
func (f *Feeling) UnmarshalText(b []byte) error {
	for i, name := range feelings {
		if string(b) == name {
			*f = Feeling(i)
			return nil
		}
	}
	return fmt.Errorf("read feeling: %q is none", b)
}

// Scores is a share, 0 to 1, for each Feeling; together they are 1, or all 0. In JSON an
// object by name, to three digits.
type Scores [NumFeelings]float64

// MarshalJSON gives an object by name.
func (s Scores) MarshalJSON() ([]byte, error) {
	by := make(map[Feeling]float64, NumFeelings)
	for f, v := range s {
		by[Feeling(f)] = math.Round(v*1000) / 1000
	}
	return json.Marshal(by)
}

// UnmarshalJSON takes an object by name; what is not there is 0.
func (s *Scores) UnmarshalJSON(b []byte) error {
	by := map[Feeling]float64{}
	if err := json.Unmarshal(b, &by); err != nil {
		return err
	}
	*s = Scores{}
	for f, v := range by {
		s[f] = v
	}
	return nil
}

// Best is the feeling with the greatest share, and that share. Of equals it is the
// one that claims least: Unknown before Neutral before the others.
func (s Scores) Best() (Feeling, float64) {
	best := Unknown
	for f := range s {
		if s[f] > s[best] {
			best = Feeling(f)
		}
	}
	return best, s[best]
}

// Measure is a value, and from 0 to 1 how far it is to be believed; 0 says that nothing
// is known.
type Measure struct {
	Value      float64 `json:"value"`
	Confidence float64 `json:"confidence"`
}

// The methods by which an Emotion was found.
const (
	MethodRules  = "rules-v1" // of asr/emotion: prosody and words
	MethodASRTag = "asr-tag"  // a tag in the text of a recognition engine
	MethodModel  = "model"    // Emotion.Model names it
)

// Emotion is what one utterance seems to express. A label is a guess: it says by what
// method, and it may be Unknown.
type Emotion struct {
	Label Feeling `json:"label"`
	// Confidence in Label, 0 to 1. It is no probability of being right: nothing was
	// calibrated on people. 0 for Unknown.
	Confidence float64 `json:"confidence"`
	Method     string  `json:"method"`
	// Model names the model that was asked, as it calls itself. With another Method the
	// label is not its own: it told arousal or valence only.
	Model  string `json:"model,omitempty"`
	Scores Scores `json:"scores"`
	// Arousal is from 0, calm, to 1, excited; 0.5 is how the same person usually speaks.
	Arousal Measure `json:"arousal"`
	// Valence is from -1, unpleasant, to 1, pleasant.
	Valence Measure `json:"valence"`
}
