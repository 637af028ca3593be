package ivr

import (
	"context"
	"time"
)

// Understander says what callers mean. Its methods may be called by many runs at once.
type Understander interface {
	// Interpret says what an utterance means, within the end of ctx. It keeps no
	// reference to the text. That it was not understood is no error.
	Interpret(ctx context.Context, u Utterance) (Understanding, error)
	// Examples are sentences of an intent in a language, for engines that hear given
	// phrases only.
	Examples(intent, language string) []string
}

// Utterance is something that a caller said, and what went before.
type Utterance struct {
	// Text as it was heard, with the numbers in it.
	Text     string
	Language string // "" while unknown
	// Chosen is the intent where it is known already, by a key (then Text is empty) or
	// by a phrase of the flow.
	Chosen string
	// Now is what "yesterday" is reckoned from, in the flow's time zone.
	Now time.Time
	// Before are the intents of earlier asks of the call, Tries how often this one was not
	// understood, Failures the steps of the call that failed.
	Before   []string
	Tries    int
	Failures int
}

// Understanding is what an utterance means.
type Understanding struct {
	// Text with personal numbers masked.
	Text string
	// Intent is empty when it is none that is known; P is its probability, 0–1.
	Intent string
	P      float64
	// Confirm: the caller is to be asked before anything is done.
	Confirm bool
	// Entities in the order of the text.
	Entities []Entity
	// Difficulty of the problem, 0–100, and the terms that it is the sum of.
	Difficulty int
	Terms      []Term
}

// Entity is something that the caller named.
type Entity struct {
	Kind string // amount, date, time, order; phone, card, id, number
	// Value in normal form; masked where it is personal.
	Value string
	// Private is the normal form of what is personal, else empty.
	Private Secret
}

// Term is one part of a difficulty.
type Term struct {
	Name   string
	Points int
	Why    string // never more of what the caller said than words of our own lists
}

// asked is what a run knows of what its caller wants. The zero value is nothing.
type asked struct {
	last     *Understanding // nil before the first ask
	before   []string       // intents, one for each ask that was answered
	failures int            // nodes that have failed
}

// left notes how a node was left.
func (a *asked) left(outcome string) {
	if outcome == "nomatch" || outcome == "error" {
		a.failures++
	}
}

// difficulty of the caller's problem; neutral while nothing is known of it.
func (a *asked) difficulty() int {
	if a.last == nil {
		return neutral
	}
	return a.last.Difficulty
}

func (a *asked) terms() []Term {
	if a.last == nil {
		return nil
	}
	return a.last.Terms
}

// deny notes that the caller did not want what was understood.
func (a *asked) deny() {
	if a.last != nil {
		a.last.Intent = ""
	}
}

// value is what expressions see.
func (a *asked) value() map[string]any {
	v := map[string]any{"intent": "", "text": "", "difficulty": a.difficulty()}
	if a.last != nil {
		v["intent"], v["text"] = a.last.Intent, a.last.Text
	}
	return v
}
