package ivr

import "github.com/ivrd/ivrd/internal/spelling"

// beside is how many words may be said beside a phrase that is meant: "the main menu,
// please". Whoever says more is understood by the whole of it.
const beside = 3

// said is the longest of the phrases that is in free words; "" for none.
func (all options) said(text, language string) string {
	best, longest, words := "", 0, spelling.Words(text)
	for _, phrase := range all.phrases(language) {
		w := spelling.Words(phrase)
		if len(w) > longest && len(words)-len(w) <= beside && spelling.Within(words, w) {
			best, longest = phrase, len(w)
		}
	}
	return best
}
