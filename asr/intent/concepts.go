package intent

import (
	_ "embed"
	"strings"
)

//go:embed concepts.txt
var conceptList string

// longestEntry of the list of concepts, in runes.
const longestEntry = 20

// conceptBit marks the hashes of concepts among those of n-grams; the second of
// a pair is in pairBits.
const (
	conceptBit = 1 << 63
	pairBits   = 0xff << 8
)

// concepts are words of one meaning, by the hash of their folded form.
type concepts map[uint64]conceptWord

type conceptWord struct {
	concepts []uint8
	open     bool // any ending
}

// readConcepts reads the list: "name: word word* "two words" 中文".
func readConcepts(list string) concepts {
	out := concepts{}
	number := uint8(0)
	for line := range strings.Lines(list) {
		_, words, ok := strings.Cut(line, ": ")
		if !ok || line[0] == '#' {
			continue
		}
		number++
		for i, part := range strings.Split(strings.TrimSpace(words), `"`) {
			if i%2 == 1 {
				out.add(part, number)
				continue
			}
			for word := range strings.FieldsSeq(part) {
				out.add(word, number)
			}
		}
	}
	return out
}

func (c concepts) add(word string, concept uint8) {
	word, open := strings.CutSuffix(word, "*")
	runes := fold(nil, word)
	runes = runes[1 : len(runes)-1]
	h := uint64(fnvBasis)
	for _, r := range runes {
		h = mix(h, r)
	}
	w := c[h]
	w.concepts = append(w.concepts, concept)
	w.open = w.open || open || han(runes[0])
	c[h] = w
}

// concepts adds what a folded text speaks of: each concept, and each two.
func (s *scratch) concepts(known concepts) {
	var seen [256]bool
	s.found = s.found[:0]
	for i := 1; i < len(s.runes); {
		if s.runes[i-1] != ' ' && !han(s.runes[i]) {
			i++
			continue
		}
		words, length := s.longestWord(known, i)
		for _, w := range words {
			if !seen[w] {
				seen[w] = true
				s.found = append(s.found, w)
			}
		}
		i += length
	}
	for i, a := range s.found {
		s.hashes = append(s.hashes, conceptBit|uint64(a))
		for _, b := range s.found[:i] {
			s.hashes = append(s.hashes, conceptBit|uint64(min(a, b))<<8|uint64(max(a, b)))
		}
	}
}

// longestWord finds the longest entry at i: "standing order" is not an order.
func (s *scratch) longestWord(known concepts, i int) (words []uint8, length int) {
	length = 1
	h := uint64(fnvBasis)
	for n := i; n < len(s.runes) && n < i+longestEntry; n++ {
		h = mix(h, s.runes[n])
		w, ok := known[h]
		if ok && (w.open || n+1 == len(s.runes) || s.runes[n+1] == ' ') {
			words, length = w.concepts, n+1-i
		}
	}
	return words, length
}
