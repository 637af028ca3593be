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

// A phrase is accepted when its likeness is at least this. The three were fitted, by
// logistic regression, to what was right and what was none of the menu's in the half
// that recognition is tuned on (docs/speech.md).
const (
	leastLikeness = -0.5
	perFit        = 0.212
	perFrame      = -0.018
	atLeast       = 9.37
)

// likeness tells by how much the words of a hypothesis fit what was heard worse than
// phones in any order do, which fit whatever is said. A long phrase must fit better
// than a short one. It is about the logarithm of the odds that the words were said
// when half of all callers say something else; minus infinity without words.
func likeness(words, phones []part) float64 {
	frames, score := 0, 0
	for _, w := range words {
		score += w.score
		if w.speech() {
			frames += w.to - w.from + 1
		}
	}
	if frames == 0 {
		return math.Inf(-1)
	}
	end := words[len(words)-1].to
	free := 0.0
	for _, p := range phones {
		if heard := min(p.to, end) - p.from + 1; heard > 0 {
			free += float64(p.score) * float64(heard) / float64(p.to-p.from+1)
		}
	}
	return atLeast + perFit*(float64(score)-free)/float64(frames) + perFrame*float64(frames)
}
