package sphinx

import (
	"math"
	"strings"
)

// part is a piece of what an engine has heard: a word, a phone or silence.
type part struct {
	name     string
	from, to int // frames of 10 ms; to is its last
	score    int // how well its sound fits the model: log-likelihood, 10 a nat or so
}

// speech reports whether it is a word or phone: silence and noises are in brackets
// and plus signs.
func (p part) speech() bool { return p.name != "SIL" && !strings.ContainsAny(p.name[:1], "<([+") }

// A phrase is accepted when its likeness is at least this, or the other where it is asked
// back whether something was meant. The others were fitted, by
// logistic regression, to what was right and what was none of the menu's in the half
// that recognition is tuned on, with five more voices (docs/speech.md).
const (
	leastLikeness  = -0.5
	strictLikeness = 0.5
	perFit         = 0.125
	perWorst       = 0.0267
	perFrame       = -0.0111
	atLeast        = 7.06
)

// likeness tells by how much the words of a hypothesis fit what was heard worse than
// phones in any order do, which fit whatever is said: all of them, and the one that fits
// worst. A long phrase must fit better than a short one. It is about the logarithm of the
// odds that the words were said when half of all callers say something else; minus
// infinity without words.
func likeness(words, phones []part) float64 {
	frames, score, worst := 0, 0, math.Inf(1)
	for _, w := range words {
		score += w.score
		if w.speech() {
			length := w.to - w.from + 1
			frames += length
			worst = min(worst, (float64(w.score)-during(phones, w.from, w.to))/float64(length))
		}
	}
	if frames == 0 {
		return math.Inf(-1)
	}
	fit := (float64(score) - during(phones, 0, words[len(words)-1].to)) / float64(frames)
	return atLeast + perFit*fit + perWorst*worst + perFrame*float64(frames)
}

// during is how well phones fit from one frame to another.
func during(phones []part, from, to int) (score float64) {
	for _, p := range phones {
		if heard := min(p.to, to) - max(p.from, from) + 1; heard > 0 {
			score += float64(p.score) * float64(heard) / float64(p.to-p.from+1)
		}
	}
	return score
}
