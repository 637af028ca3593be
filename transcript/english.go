package transcript

import (
	"slices"
	"strings"
)

// EnglishNumber is the value of a number word below one hundred, in lower case; "oh"
// and "o" are zero, and so are "nought" and "nil".
func EnglishNumber(word string) (int, bool) {
	units := [...]string{
		"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
		"thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
	}
	for i, u := range units {
		if word == u {
			return i, true
		}
	}
	tens := [...]string{"twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"}
	for i, t := range tens {
		if word == t {
			return (i + 2) * 10, true
		}
	}
	// As pilots say them.
	if i := slices.Index([]string{"wun", "fife", "niner"}, word); i >= 0 {
		return 1 + 4*i, true
	}
	return 0, word == "oh" || word == "o" || word == "nought" || word == "naught" || word == "nil"
}

// spokenWord reads a number word: seven, oh, nineteen, thirty-eight, double five, eight
// hundred.
func spokenWord(text string, i int) (digits string, end int, vague bool) {
	word, end := nextWord(text, i)
	if times := map[string]int{"double": 2, "triple": 3, "treble": 3, "quadruple": 4}[word]; times > 0 {
		digits, end = repeated(text, end, times)
		return digits, end, false
	}
	v, ok := EnglishNumber(word)
	if !ok {
		return "", 0, false
	}
	from := skipSpace(text, end)
	next, after := nextWord(text, from)
	u, ok := EnglishNumber(next)
	switch {
	case ok && v >= 20 && u > 0 && u < 10:
		return decimal(v + u), after, !strings.Contains(text[end:from], "-")
	case v == 0 || v >= 10:
	case next == "hundred":
		return hundreds(text, after, decimal(v))
	case next == "thousand":
		return thousands(text, after, decimal(v))
	case v >= 2 && v <= 6 && digitInPlural(next) != "":
		return strings.Repeat(digitInPlural(next), v), after, false
	}
	return decimal(v), end, false
}

// soundsLike reads a word that is heard for a digit: one for three. It stands
// between digits, or between one and the end of the text.
func soundsLike(text string, i int) (digits string, end int) {
	word, end := nextWord(text, i)
	v, ok := homophones(word)
	if !ok {
		return "", 0
	}
	head := strings.TrimRight(text[:i], " ,")
	before := lastWord(head, len(head))
	after, _ := nextWord(strings.TrimLeft(text[end:], " ,-"), 0)
	switch {
	case oneDigit(before) && oneDigit(after):
	case oneDigit(before) && strings.TrimSpace(text[end:]) == "":
	case (strings.TrimSpace(text[:i]) == "" || in(joinersEN, before)) && oneDigit(after):
	case strings.TrimSpace(text) == text[i:end]:
	default:
		return "", 0
	}
	return decimal(v), end
}

// oneDigit knows a word that is, or sounds like, one digit.
func oneDigit(word string) bool {
	v, ok := EnglishNumber(word)
	if !ok {
		v, ok = homophones(word)
	}
	return ok && v < 10
}

func homophones(word string) (int, bool) {
	switch word {
	case "won":
		return 1, true
	case "to", "too":
		return 2, true
	case "tree":
		return 3, true
	case "for", "fore":
		return 4, true
	case "ate":
		return 8, true
	}
	return 0, false
}

// digitInPlural is the digit of nines or sixes.
func digitInPlural(word string) string {
	one, ok := strings.CutSuffix(word, "s")
	if !ok {
		return ""
	}
	v, ok := EnglishNumber(one)
	if !ok {
		v, ok = EnglishNumber(strings.TrimSuffix(one, "e"))
	}
	if !ok || v > 9 {
		return ""
	}
	return decimal(v)
}

// thousands reads what follows one thousand: three hundred and eighty.
func thousands(text string, i int, before string) (digits string, end int, vague bool) {
	word, at := nextWord(text, skipSpace(text, i))
	v, ok := EnglishNumber(word)
	if next, after := nextWord(text, skipSpace(text, at)); ok && v > 0 && v < 10 && next == "hundred" {
		return hundreds(text, after, before+decimal(v))
	}
	return before + "000", i, false
}

// hundreds reads what follows one hundred: and thirty-eight. Without the and, or the
// hyphen, nobody knows whether it is 138 or 100 38.
func hundreds(text string, i int, before string) (digits string, end int, vague bool) {
	word, at := nextWord(text, skipSpace(text, i))
	and := word == "and"
	if and {
		word, at = nextWord(text, skipSpace(text, at))
	}
	v, ok := EnglishNumber(word)
	if !ok || v == 0 || !and && v < 10 {
		return before + "00", i, false
	}
	from := skipSpace(text, at)
	if unit, after := nextWord(text, from); v >= 20 {
		more, _ := nextWord(text, skipSpace(text, after))
		if u, ok := EnglishNumber(unit); ok && u > 0 && u < 10 && more != "hundred" && more != "thousand" {
			vague = !strings.Contains(text[at:from], "-")
			v, at = v+u, after
		}
	}
	return before + string([]byte{byte('0' + v/10), byte('0' + v%10)}), at, vague || !and
}

// repeated reads the digit that is doubled or tripled: five, oh, 5.
func repeated(text string, i, times int) (string, int) {
	i = skipSpace(text, i)
	next, after := nextWord(text, i)
	v, ok := EnglishNumber(next)
	if ok && v < 10 {
		return strings.Repeat(decimal(v), times), after
	}
	if d, after := figures(text, i); len(d) == 1 {
		return strings.Repeat(d, times), after
	}
	return "", 0
}

// timesEN is where it ends that a digit before i comes several times: zero twice.
func timesEN(text string, i int) (times, end int) {
	word, at := nextWord(text, skipSpace(text, i))
	next, after := nextWord(text, skipSpace(text, at))
	switch {
	case word == "twice":
		return 2, at
	case word == "three" && next == "times":
		return 3, after
	}
	return 1, i
}
