package asr

import "strings"

// tongue is how t calls a language that was asked for, and whether it has it. Of a
// list of languages the first counts that is the same, or is the same but for what
// one of the two leaves open: en for en-GB, en-US for en.
func (t Traits) tongue(asked string) (string, bool) {
	if asked == "" || len(t.Languages) == 0 {
		return asked, true
	}
	for _, l := range t.Languages {
		if within(l, asked) || within(asked, l) {
			return l, true
		}
	}
	return "", false
}

// Understands reports whether the engine understands a language, as Open would find.
func (t Traits) Understands(language string) bool {
	_, ok := t.tongue(language)
	return ok
}

// within reports whether tag is wider or one of wider's own, as en-GB is of en
// (RFC 4647 §3.3.1).
func within(wider, tag string) bool {
	return len(tag) >= len(wider) && strings.EqualFold(tag[:len(wider)], wider) &&
		(len(tag) == len(wider) || tag[len(wider)] == '-')
}
