package asr

import (
	"slices"
	"strings"
	"unicode"
)

// Words splits what is said or written: lower case, without punctuation but the
// apostrophe. Chinese is not written in words: each character is one.
func Words(s string) []string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Han, r):
			b.WriteRune(' ')
			b.WriteRune(r)
			b.WriteRune(' ')
		case unicode.IsLetter(r), unicode.IsMark(r), unicode.IsDigit(r), r == '\'':
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteRune(' ')
		}
	}
	return strings.Fields(b.String())
}

// Match finds the phrase that was said: the longest whose words are in text, one after
// the other. What was said before and after does not matter. "" when it is none.
func Match(phrases []string, text string) string {
	said := Words(text)
	best, longest := "", 0
	for _, p := range phrases {
		if w := Words(p); len(w) > longest && contains(said, w) {
			best, longest = p, len(w)
		}
	}
	return best
}

func contains(all, part []string) bool {
	for i := 0; i+len(part) <= len(all); i++ {
		if slices.Equal(all[i:i+len(part)], part) {
			return true
		}
	}
	return false
}
