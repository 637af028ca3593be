package spelling

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

// Within reports whether part is in all, one word after the other.
func Within(all, part []string) bool {
	for i := 0; i+len(part) <= len(all); i++ {
		if slices.Equal(all[i:i+len(part)], part) {
			return true
		}
	}
	return false
}
