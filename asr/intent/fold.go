package intent

import "unicode"

// longest text that is looked at, in runes: an utterance, not an essay.
const longest = 600

// fold writes a text in the one form that the classifier sees: lower case, half
// width, one space for whatever is no letter, runs of digits as one 0, no
// apostrophes (recognizers leave them out), a space where Chinese meets Latin
// letters. It appends to dst, beginning and ending with a space.
func fold(dst []rune, text string) []rune {
	dst = append(dst[:0], ' ')
	for _, r := range text {
		if len(dst) >= longest {
			break
		}
		r = plain(r)
		last := dst[len(dst)-1]
		switch {
		case r == 0:
			continue
		case r == ' ' || r == '0':
			if last == r {
				continue
			}
		case last != ' ' && han(r) != han(last):
			dst = append(dst, ' ')
		}
		dst = append(dst, r)
	}
	if dst[len(dst)-1] != ' ' {
		dst = append(dst, ' ')
	}
	return dst
}

// plain is the form of one rune; 0 means that it is left out.
func plain(r rune) rune {
	if r >= '！' && r <= '～' {
		r -= '！' - '!' // full width
	}
	switch {
	case r >= 'a' && r <= 'z':
		return r
	case r >= 'A' && r <= 'Z':
		return r + 'a' - 'A'
	case r == '\'' || r == '’' || unicode.Is(unicode.Mn, r):
		return 0
	case unicode.IsDigit(r):
		return '0'
	case unicode.IsLetter(r):
		return unicode.ToLower(r)
	}
	return ' '
}

// han reports whether a rune is written without spaces between words.
func han(r rune) bool {
	return r >= 0x2E80 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
}
