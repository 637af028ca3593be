package transcript

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// numeralDigits are the digits of a Chinese numeral of one to four places that is the
// group of a number: 八千, 四百四十二. Of another they are empty.
func numeralDigits(numeral string) string {
	places := map[rune]int{'千': 3, '仟': 3, '百': 2, '佰': 2, '十': 1, '拾': 1}
	var b []byte
	place, digit := 4, byte(0)
	for _, r := range numeral {
		if d, ok := ChineseDigit(r); ok {
			if digit != 0 {
				return ""
			}
			digit = byte('0' + d)
			continue
		}
		p, ok := places[r]
		if !ok || p >= place || digit == 0 {
			return ""
		}
		if b == nil {
			b = []byte("0000")[:p+1]
		}
		b[len(b)-1-p] = digit
		place, digit = p, 0
	}
	switch {
	case digit == 0:
	case place == 1:
		b[len(b)-1] = digit
	default:
		return "" // 三千二 is 3200
	}
	return string(b)
}

// readOut reports whether a Chinese numeral is a group of a number that is read out: it
// stands beside digits, or alone, and has no unit.
func readOut(text string, i, end int) bool {
	if len(numeralDigits(text[i:end])) < 3 || isUnit(text[end:]) {
		return false
	}
	return lettered(text, i) || digitBeside(text, atom{Digits: Digits{Start: i, End: end}}) || edge(text[:i]) && edge(text[end:])
}

// roundZH reads what rounds the end of digits that are read out: the 四百 of 四幺三四百.
func roundZH(text string, a atom) (zeros string, end int) {
	before, _ := utf8.DecodeLastRuneInString(strings.TrimRight(text[:a.Start], " "))
	unit, size := utf8.DecodeRuneInString(text[a.End:])
	next, _ := utf8.DecodeRuneInString(text[a.End+size:])
	if _, digit := digitOf(before); !digit || chineseNumeral(next) || isUnit(text[a.End+size:]) {
		return "", a.End
	}
	switch unit {
	case '百':
		return "00", a.End + size
	case '千':
		return "000", a.End + size
	}
	return "", a.End
}

// edge reports whether a text has no words.
func edge(text string) bool { return strings.IndexFunc(text, unicode.IsLetter) < 0 }

// radioDigit knows the digits of soldiers and railwaymen, which are words too: hole, turn,
// hook.
func radioDigit(r rune) (int, bool) {
	switch r {
	case '要': // it is heard for 幺
		return 1, false
	case '洞':
		return 0, true
	case '拐':
		return 7, true
	case '勾':
		return 9, true
	}
	return 0, false
}

// misheardZH reports whether a 要 is a 幺: it stands between digits, or begins the text
// before two.
func misheardZH(text string, a atom) bool {
	const between = " ,，、"
	digits := func(s string) bool {
		r, _ := utf8.DecodeRuneInString(s)
		_, ok := digitOf(r)
		return ok || r == '要'
	}
	before, _ := utf8.DecodeLastRuneInString(strings.TrimRight(text[:a.Start], between))
	after := strings.TrimLeft(text[a.End:], between)
	if digits(string(before)) {
		return edge(after) || digits(after)
	}
	_, size := utf8.DecodeRuneInString(after)
	return edge(text[:a.Start]) && digits(after) && digits(after[size:])
}

// digitBeside reports whether digits stand right before or after an atom, with no word
// between.
func digitBeside(text string, a atom) bool {
	const between = " ,，、"
	is := func(r rune) bool {
		_, digit := digitOf(r)
		_, radio := radioDigit(r)
		return digit || radio || r == '•'
	}
	before, _ := utf8.DecodeLastRuneInString(strings.TrimRight(text[:a.Start], between))
	after, _ := utf8.DecodeRuneInString(strings.TrimLeft(text[a.End:], between))
	return is(before) || is(after)
}
