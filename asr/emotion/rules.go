package emotion

import (
	"math"

	"github.com/ivrd/ivrd/transcript"
)

// evidence is what the rules weigh.
type evidence struct {
	arousal transcript.Measure
	words   words
}

// The weights of rules-v1, a choice and not a fit: nobody's emotions were measured.
const (
	// mostSure bounds the confidence of a label by rules: on natural speech the best
	// models find four in ten (docs/emotion.md), and rules are no such models.
	mostSure = 0.6
	// A label other than neutral needs such a share, and such a lead over the next.
	leastShare, leastLead = 0.4, 0.08

	calmWeight   = 0.9 // of a voice as usual, for neutral
	plainWeight  = 0.3 // of words that are of no emotion, for neutral
	doubtWeight  = 0.5 // of not knowing the voice, for unknown
	riddleWeight = 0.8 // of an excited or flat voice without words that explain it, for unknown
	wordWeight   = 1.0 // of a word that speaks clearly
	voiceBonus   = 0.6 // by which a voice that fits strengthens words
	hintWeight   = 0.3 // of voice and unpleasant or pleasant words together
)

// judge gives an Emotion by rules-v1. The voice tells how excited somebody is and hardly
// what about: it is the words that name a feeling, and the voice that makes it likelier. A voice
// that nothing explains is unknown, not angry.
func (e *evidence) judge(enough bool) transcript.Emotion {
	out := transcript.Emotion{Method: transcript.MethodRules, Arousal: e.arousal, Valence: e.words.valence()}
	if !enough {
		out.Scores[transcript.Unknown] = 1
		return out
	}
	out.Scores = e.scores(out.Valence)
	out.Label, out.Confidence = choose(out.Scores)
	out.Confidence = min(out.Confidence, mostSure)
	return out
}

func (e *evidence) scores(valence transcript.Measure) (s transcript.Scores) {
	away := 2*e.arousal.Value - 1
	up, down := max(away, 0)*e.arousal.Confidence, max(-away, 0)*e.arousal.Confidence
	bad := max(-valence.Value, 0) * valence.Confidence
	good := max(valence.Value, 0) * valence.Confidence

	said := 0.0
	for f, n := range e.words.feelings {
		w := wordWeight * (1 - math.Exp(-n))
		fits := up
		if transcript.Feeling(f) == transcript.Sadness || transcript.Feeling(f) == transcript.Disgust {
			fits = down
		}
		s[f] = w * (1 + voiceBonus*fits)
		said = max(said, w)
	}
	s[transcript.Anger] += hintWeight * up * bad
	s[transcript.Fear] += hintWeight / 3 * up * bad
	s[transcript.Sadness] += hintWeight * down * bad
	s[transcript.Happiness] += hintWeight * up * good

	known := e.arousal.Confidence
	s[transcript.Neutral] = (1 - said) * calmWeight * known * (1 - math.Abs(away))
	if e.words.count > 0 {
		s[transcript.Neutral] += (1 - said) * plainWeight
	}
	s[transcript.Unknown] = doubtWeight*(1-known)*(1-said/2) + riddleWeight*(up+down)*(1-said)

	var sum float64
	for _, v := range s {
		sum += v
	}
	for f := range s {
		s[f] /= sum
	}
	return s
}

// choose a label, and how sure it is: unknown unless one stands out.
func choose(s transcript.Scores) (transcript.Feeling, float64) {
	best, share := s.Best()
	if best == transcript.Unknown {
		return transcript.Unknown, 0
	}
	next := 0.0
	for f, v := range s {
		if transcript.Feeling(f) != best {
			next = max(next, v)
		}
	}
	if share < leastShare || share-next < leastLead {
		return transcript.Unknown, 0
	}
	return best, share
}
