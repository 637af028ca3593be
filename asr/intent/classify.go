package intent

import (
	"cmp"
	"context"
	_ "embed"
	"math"
	"slices"
	"strings"
	"sync"
)

// DefaultThreshold is the probability below which an utterance is taken for
// none of the intents.
const DefaultThreshold = 0.4

// alternatives in a Result at most.
const alternatives = 3

// Embedded is the name of the classifier in Results.
const Embedded = "embedded"

//go:embed background.en.txt
var backgroundEnglish string

//go:embed background.zh.txt
var backgroundChinese string

// Classifier is the embedded Engine. It does not change after Train.
type Classifier struct {
	set         Set
	index       map[uint64]int32
	concepts    concepts
	weights     *weights
	calibration calibration
	threshold   float64
	memory      sync.Pool // of *reading
}

// reading is memory for one text.
type reading struct {
	scratch
	known  []int32
	scores []float64
}

// Train makes a classifier of a set's examples. The same set gives the same
// classifier. A set without examples gives one that understands nothing.
func Train(set Set) *Classifier {
	c := newCorpus(set)
	k := &Classifier{set: set, index: c.index, concepts: c.concepts, threshold: set.Least(), calibration: c.calibrate(c.crossValidate())}
	k.weights = c.fit(func(int) bool { return false })
	k.memory.New = func() any { return &reading{scores: make([]float64, c.classes)} }
	return k
}

// newCorpus reads a set and the general phrases: class 0 is none of the intents,
// the others are as in the set.
func newCorpus(set Set) *corpus {
	c := &corpus{index: map[uint64]int32{}, concepts: readConcepts(conceptList), classes: 1 + len(set.Intents)}
	class := map[string]int{"": background}
	for i, in := range set.Intents {
		class[in.Name] = i + 1
	}
	var s scratch
	for _, e := range set.examples() {
		c.add(&s, e.Text, class[e.intent])
	}
	for _, text := range []string{backgroundEnglish, backgroundChinese} {
		for phrase := range strings.Lines(text) {
			c.add(&s, phrase, background)
		}
	}
	return c
}

// Classify says what a text means. The language does not matter: examples of
// all languages are in one classifier, and callers mix them.
func (k *Classifier) Classify(text string) Result {
	r := k.memory.Get().(*reading)
	defer k.memory.Put(r)
	r.known = r.known[:0]
	unknown := 0
	for _, h := range r.features(text, k.concepts) {
		if f, ok := k.index[h]; ok {
			r.known = append(r.known, f)
		} else {
			unknown++
		}
	}
	k.weights.scores(r.known, unknown, r.scores)
	k.calibration.probabilities(r.scores)
	return k.result(r.scores)
}

// Understand implements Engine.
func (k *Classifier) Understand(_ context.Context, text, _ string) (Result, error) {
	return k.Classify(text), nil
}

// result names what the probabilities of the classes say.
func (k *Classifier) result(p []float64) Result {
	out := Result{Engine: Embedded, Alternatives: k.best(p)}
	if len(out.Alternatives) == 0 {
		return out
	}
	top := out.Alternatives[0]
	out.P = top.P
	if top.P >= k.threshold && top.P > p[background] {
		return k.set.Resolve(out, top.Intent)
	}
	return out
}

// Resolve completes a Result with what the set says of an intent; a name that
// is not in the set gives none.
func (s Set) Resolve(r Result, name string) Result {
	for _, i := range s.Intents {
		if i.Name == name {
			r.Intent, r.Confirm, r.Difficulty = name, i.Confirm, i.Difficulty
		}
	}
	return r
}

// best are the likeliest intents, the best first.
func (k *Classifier) best(p []float64) []Candidate {
	out := make([]Candidate, 0, alternatives+1)
	for i, in := range k.set.Intents {
		c := Candidate{in.Name, p[i+1]}
		if math.IsNaN(c.P) {
			continue
		}
		at, _ := slices.BinarySearchFunc(out, c, func(a, b Candidate) int { return cmp.Compare(b.P, a.P) })
		if at < alternatives {
			out = slices.Insert(out, at, c)
			out = out[:min(len(out), alternatives)]
		}
	}
	return out
}
