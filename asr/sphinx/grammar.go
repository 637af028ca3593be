// Package sphinx recognises what a menu offers with PocketSphinx: a grammar of
// phrases, English only. It cannot take dictation, and takes some of what is none of
// the phrases for one: whoever acts on its results asks back before anything that
// cannot be undone.
//
// The decoder is C and built with the tag pocketsphinx only, into the helper process
// ivrd-asr; the rest is plain Go, so that phrases can be checked anywhere.
package sphinx

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ivrd/ivrd/internal/spelling"
)

// maxPhrases and maxWords bound a grammar: what a menu offers is a small part of it.
const (
	maxPhrases = 500
	maxWords   = 12
)

// What may be said before and after what is meant, once each. It is made unlikely: in
// nearly all that was taken for a phrase of a menu and was none, half was taken for
// these.
//
//nolint:gochecknoglobals // constants
var (
	openings = []string{"uh", "um", "please", "hi", "hello", "yes", "i want", "i would like", "i'd like", "can i have", "give me"}
	closings = []string{"please"}
)

// unlikely is the probability of one of them.
const unlikely = "0.000001"

// Unknown is a word that the dictionary has not got.
type Unknown struct {
	Word, Phrase string
	// Nearest is how a known word is spelt, or "".
	Nearest string
}

// Error implements error.
func (u *Unknown) Error() string {
	if u.Nearest == "" {
		return fmt.Sprintf("the word %q of %q is not in the dictionary", u.Word, u.Phrase)
	}
	return fmt.Sprintf("the word %q of %q is not in the dictionary (hint: %q is)", u.Word, u.Phrase, u.Nearest)
}

// Check reports the words of phrases that the dictionary has not got, each once.
func Check(d Dictionary, phrases []string) []*Unknown {
	var out []*Unknown
	seen := map[string]bool{}
	for _, p := range phrases {
		for _, w := range spelling.Words(p) {
			if !d.Has(w) && !seen[w] {
				seen[w] = true
				out = append(out, &Unknown{Word: w, Phrase: p, Nearest: d.Nearest(w)})
			}
		}
	}
	return out
}

// Grammar makes a grammar (JSGF) of phrases: one of them, with an opening before and a
// closing after it at will. All words must be in the dictionary; without it (nil) that is not
// checked.
func Grammar(d Dictionary, phrases []string) (string, error) {
	if len(phrases) > maxPhrases {
		return "", fmt.Errorf("make grammar: %d phrases, at most %d", len(phrases), maxPhrases)
	}
	var rules []string
	for _, p := range phrases {
		words := spelling.Words(p)
		if len(words) == 0 || len(words) > maxWords {
			return "", fmt.Errorf("make grammar: %q has %d words, not 1 to %d", p, len(words), maxWords)
		}
		if rule := strings.Join(words, " "); !slices.Contains(rules, rule) {
			rules = append(rules, rule)
		}
	}
	if len(rules) == 0 {
		return "", errors.New("make grammar: no phrases")
	}
	if d != nil {
		if bad := Check(d, phrases); len(bad) > 0 {
			return "", fmt.Errorf("make grammar: %w", bad[0])
		}
	}
	var b strings.Builder
	b.WriteString("#JSGF V1.0;\ngrammar menu;\npublic <said> = <before> <phrase> <after>;\n")
	maybe(&b, "before", known(d, openings))
	maybe(&b, "after", known(d, closings))
	fmt.Fprintf(&b, "<phrase> = %s;\n", strings.Join(rules, " | "))
	return b.String(), nil
}

// maybe is a rule of something that may be left out, and mostly is.
func maybe(b *strings.Builder, rule string, said []string) {
	fmt.Fprintf(b, "<%s> = /1/ <NULL>", rule)
	if len(said) > 0 {
		fmt.Fprintf(b, " | /%s/ (%s)", unlikely, strings.Join(said, " | "))
	}
	b.WriteString(";\n")
}

// known are the phrases whose words the dictionary has.
func known(d Dictionary, phrases []string) []string {
	if d == nil {
		return phrases
	}
	return slices.DeleteFunc(slices.Clone(phrases), func(p string) bool { return len(Check(d, []string{p})) > 0 })
}
