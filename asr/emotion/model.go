package emotion

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/transcript"
)

// Model judges by the sound of an utterance: a network on another machine, or in another
// process.
type Model interface {
	// Judge takes mono PCM at 8 kHz, which it does not keep, and returns an Emotion whose
	// Method is transcript.MethodModel. What the model does not tell has the confidence 0.
	// It returns by the end of ctx, and may be called by several goroutines at once. An
	// error says nothing of the caller.
	Judge(ctx context.Context, pcm []int16) (transcript.Emotion, error)
}

// Ask a model, with what the rules say as the fall-back: on an error those are returned, with
// the error to be counted. What the model does not tell is taken from the rules, too; where
// that is any label, the method stays theirs, as it is the label's.
func Ask(ctx context.Context, m Model, pcm []int16, rules transcript.Emotion) (transcript.Emotion, error) {
	e, err := m.Judge(ctx, pcm)
	if err != nil {
		return rules, err
	}
	if e.Arousal.Confidence == 0 {
		e.Arousal = rules.Arousal
	}
	if e.Valence.Confidence == 0 {
		e.Valence = rules.Valence
	}
	if e.Scores[transcript.Unknown] == 1 && rules.Method != "" {
		e.Label, e.Confidence, e.Scores, e.Method = rules.Label, rules.Confidence, rules.Scores, rules.Method
	}
	return e, nil
}

// FromScores makes an Emotion of a model's scores, which are brought to a sum of 1. The
// label is unknown unless one feeling stands out; its confidence is its share. Scores
// that are no numbers, negative or all 0 are an error.
func FromScores(model string, s transcript.Scores) (transcript.Emotion, error) {
	var sum float64
	for _, v := range s {
		if !(v >= 0) {
			return transcript.Emotion{}, errors.New("read scores: one is negative or no number")
		}
		sum += v
	}
	if sum == 0 || math.IsInf(sum, 0) {
		return transcript.Emotion{}, errors.New("read scores: their sum is 0 or infinite")
	}
	for f := range s {
		s[f] /= sum
	}
	e := transcript.Emotion{Method: transcript.MethodModel, Model: model, Scores: s, Arousal: transcript.Measure{Value: 0.5}}
	e.Label, e.Confidence = choose(s)
	return e, nil
}

// Sound keeps the last seconds of one talker for a Model. It is made only where there is
// one: 16 kB a second. It is not for use by several goroutines at once.
type Sound struct {
	ring []int16
	next media.Time // end of the last frame
}

// NewSound keeps so much.
func NewSound(length time.Duration) *Sound {
	n := max(int(media.TimeOf(length)), media.FrameSamples)
	return &Sound{ring: make([]int16, n/media.FrameSamples*media.FrameSamples)}
}

// Frame takes 20 ms as Analyser.Frame does; what was lost, or never came, is silent. It does
// not allocate.
func (s *Sound) Frame(at media.Time, pcm []int16, lost bool) {
	at = at / media.FrameSamples * media.FrameSamples
	if at < s.next {
		return
	}
	size := media.Time(len(s.ring))
	for t := max(s.next, at-size); t < at; t += media.FrameSamples {
		clear(s.slot(t))
	}
	s.next = at + media.FrameSamples
	if lost {
		pcm = nil
	}
	slot := s.slot(at)
	clear(slot[copy(slot, pcm):])
}

func (s *Sound) slot(at media.Time) []int16 {
	i := at % media.Time(len(s.ring))
	return s.ring[i : i+media.FrameSamples]
}

// Append to dst the sound from one time to another, as far as it is kept, in whole frames.
func (s *Sound) Append(dst []int16, from, to media.Time) []int16 {
	from = max(from, s.next-media.Time(len(s.ring)), 0) / media.FrameSamples * media.FrameSamples
	for t := from; t < min(to, s.next); t += media.FrameSamples {
		dst = append(dst, s.slot(t)...)
	}
	return dst
}
