package sphinx

import (
	"slices"

	"github.com/ivrd/ivrd/internal/spelling"
)

// Hearable are those of the phrases that a grammar can have: their words are in the
// dictionary, and not too many. They are maxPhrases at most.
func Hearable(d Dictionary, phrases []string) []string {
	var out []string
	for _, p := range phrases {
		words := spelling.Words(p)
		strange := slices.ContainsFunc(words, func(w string) bool { return d != nil && !d.Has(w) })
		if len(words) > 0 && len(words) <= maxWords && !strange && len(out) < maxPhrases {
			out = append(out, p)
		}
	}
	return out
}
