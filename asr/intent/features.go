package intent

import "slices"

const (
	widest   = 4 // characters of the longest n-gram
	fnvBasis = 14695981039346656037
	fnvPrime = 1099511628211
)

// scratch is memory that one reading of a text needs.
type scratch struct {
	runes  []rune
	hashes []uint64
	found  []uint8
}

// features are the hashes of a text's n-grams, sorted, each once: of characters,
// 1 to 4, within and across words, and of words, 1 and 2. A Chinese word is a
// character here; its n-grams are words enough.
func (s *scratch) features(text string, known concepts) []uint64 {
	s.runes = fold(s.runes, text)
	s.hashes = s.hashes[:0]
	for i := range s.runes {
		h := uint64(fnvBasis)
		for n := 0; n < widest && i+n < len(s.runes); n++ {
			h = mix(h, s.runes[i+n])
			if n > 0 || s.runes[i] != ' ' {
				s.hashes = append(s.hashes, h)
			}
		}
	}
	s.words()
	for i := range s.hashes {
		s.hashes[i] &^= conceptBit
	}
	s.concepts(known)
	slices.Sort(s.hashes)
	s.hashes = slices.Compact(s.hashes)
	return s.hashes
}

// words adds the n-grams of words.
func (s *scratch) words() {
	const seed = fnvBasis ^ 0x5bd1e995 // apart from characters
	var before uint64
	word := uint64(seed)
	for i, r := range s.runes {
		if r != ' ' {
			word = mix(word, r)
			continue
		}
		if i == 0 {
			continue
		}
		s.hashes = append(s.hashes, word)
		if before != 0 {
			s.hashes = append(s.hashes, (before*fnvPrime)^word)
		}
		before, word = word, seed
	}
}

// mix is a step of FNV-1a over a rune.
func mix(h uint64, r rune) uint64 {
	h ^= uint64(uint32(r))
	return h * fnvPrime
}
