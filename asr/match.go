package asr

import "github.com/ivrd/ivrd/internal/spelling"

// Match finds the phrase that was said: the longest whose words are in text, one after
// the other. What was said before and after does not matter. "" when it is none.
func Match(phrases []string, text string) string {
	said := spelling.Words(text)
	best, longest := "", 0
	for _, p := range phrases {
		if w := spelling.Words(p); len(w) > longest && spelling.Within(said, w) {
			best, longest = p, len(w)
		}
	}
	return best
}
