// Package intent understands what a caller has said: what they want (a small
// classifier, trained when it is loaded from examples that the operator wrote),
// what they named (amounts, dates, numbers), and how difficult that is.
//
// It is pure: no network, no files, the same answer for the same examples.
// asr/intent/remote asks engines elsewhere.
package intent

import (
	"context"
	"maps"
	"slices"
)

// Set is what callers may want, as it is written in the configuration.
type Set struct {
	// Languages that callers speak: each intent should have examples in all.
	Languages []string
	// Threshold is the probability below which an utterance is none of the
	// intents; 0 means DefaultThreshold.
	Threshold float64
	Intents   []Intent
	// None are phrases by language that mean none of the intents, beside the
	// general ones that the package knows.
	None map[string][]Example
	// Order is a regular expression for order numbers; empty means DefaultOrder.
	Order string
}

// Intent is one thing that a caller may want.
type Intent struct {
	Name string
	// Difficulty of such a problem, 0–100.
	Difficulty int
	// Confirm says that the caller is to be asked before anything is done.
	Confirm  bool
	Examples map[string][]Example // by language
}

// Example is one way to say something.
type Example struct {
	Text string
	Line int // in the file, 0 when there is none
}

// Least is the probability that an intent needs.
func (s Set) Least() float64 {
	if s.Threshold > 0 {
		return s.Threshold
	}
	return DefaultThreshold
}

// labelled is an example with what it means; an empty intent means none.
type labelled struct {
	Example
	intent, language string
}

// examples lists everything that is written in the set, in a fixed order.
func (s Set) examples() []labelled {
	var out []labelled
	add := func(intent string, by map[string][]Example) {
		for _, language := range slices.Sorted(maps.Keys(by)) {
			for _, e := range by[language] {
				out = append(out, labelled{e, intent, language})
			}
		}
	}
	for _, i := range s.Intents {
		add(i.Name, i.Examples)
	}
	add("", s.None)
	return out
}

// Candidate is an intent with its probability.
type Candidate struct {
	Intent string  `json:"intent"`
	P      float64 `json:"p"`
}

// Result says what an utterance was understood to mean.
type Result struct {
	// Intent is empty when the utterance is none of the intents.
	Intent string `json:"intent,omitempty"`
	// P is the probability of Intent (or, without one, of the nearest intent), 0–1,
	// calibrated for the embedded engine; an outside engine's own claim for others.
	P float64 `json:"p"`
	// Alternatives are the likeliest intents, the best first, Intent included.
	Alternatives []Candidate `json:"alternatives,omitempty"`
	// Confirm: ask the caller before anything is done.
	Confirm bool `json:"confirm,omitempty"`
	// Difficulty is that of the intent, 0–100: one term of Rate.
	Difficulty int `json:"difficulty"`
	// Engine that understood.
	Engine string `json:"engine"`
}

// Engine understands utterances. It may be used by many calls at once, returns
// within ctx, and keeps no reference to the text.
type Engine interface {
	// Understand says what text means, spoken in a language ("" when unknown).
	Understand(ctx context.Context, text, language string) (Result, error)
}
