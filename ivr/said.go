package ivr

import (
	"slices"
	"strings"
	"unicode"
)

// beside is how many words may be said beside a phrase that is meant: "the main menu,
// please". Whoever says more is understood by the whole of it.
const beside = 3

// said is the longest of the phrases that is in free words; "" for none.
func (all options) said(text, language string) string {
	best, longest, words := "", 0, spokenWords(text)
	for _, phrase := range all.phrases(language) {
		w := spokenWords(phrase)
		if len(w) > longest && len(words)-len(w) <= beside && within(words, w) {
			best, longest = phrase, len(w)
		}
	}
	return best
}

// spokenWords are the words of a text in lower case; a Chinese character is one.
func spokenWords(text string) []string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case unicode.Is(unicode.Han, r):
			b.WriteString(" " + string(r) + " ")
		case unicode.IsLetter(r), unicode.IsMark(r), unicode.IsDigit(r), r == '\'':
			b.WriteRune(r)
		default:
			b.WriteByte(' ')
		}
	}
	return strings.Fields(b.String())
}

// within reports whether words are in all, one after the other.
func within(all, words []string) bool {
	for i := 0; i+len(words) <= len(all); i++ {
		if slices.Equal(all[i:i+len(words)], words) {
			return len(words) > 0
		}
	}
	return false
}
