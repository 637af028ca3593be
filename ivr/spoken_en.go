package ivr

import (
	"strings"
	"time"
)

// english spells as American English does: no "and" inside a number, which
// leaves it free to stand between yuan and fen.
type english struct{}

func englishBelowTwenty(n int64) string {
	words := [...]string{
		"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
		"eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
	}
	return words[n]
}

func englishTens(n int64) string {
	words := [...]string{"twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"}
	return words[n-2]
}

func englishWhole(n int64) string {
	for _, scale := range []struct {
		value int64
		word  string
	}{{1e12, "trillion"}, {1e9, "billion"}, {1e6, "million"}, {1e3, "thousand"}, {100, "hundred"}} {
		if n < scale.value {
			continue
		}
		text := englishWhole(n/scale.value) + " " + scale.word
		if rest := n % scale.value; rest > 0 {
			text += " " + englishWhole(rest)
		}
		return text
	}
	switch {
	case n < 20:
		return englishBelowTwenty(n)
	case n%10 == 0:
		return englishTens(n / 10)
	default:
		return englishTens(n/10) + "-" + englishBelowTwenty(n%10)
	}
}

func (e english) whole(d decimal) string {
	if n, ok := d.small(); ok {
		return englishWhole(n)
	}
	return e.each(d.whole)
}

func (e english) each(digits string) string {
	var words []string
	for _, r := range digits {
		words = append(words, e.digit(r))
	}
	return e.join(words)
}

func (english) sign(d decimal) string {
	if d.negative {
		return "minus "
	}
	return ""
}

func (e english) number(d decimal) string {
	text := e.sign(d) + e.whole(d)
	if d.fraction != "" {
		text += " point " + e.each(d.fraction)
	}
	return text
}

func (e english) count(d decimal) string { return e.sign(d) + e.whole(d) }

func (e english) money(d decimal, c currency) string {
	var parts []string
	part := int64(d.hundredths())
	if d.whole != "0" || part == 0 {
		parts = append(parts, e.whole(d)+" "+plural(d.whole == "1", c.english[0], c.english[1]))
	}
	if part > 0 {
		parts = append(parts, englishWhole(part)+" "+plural(part == 1, c.english[2], c.english[3]))
	}
	return e.sign(d) + strings.Join(parts, " and ")
}

func plural(one bool, single, many string) string {
	if one {
		return single
	}
	return many
}

func (english) digit(r rune) string {
	switch {
	case r >= '0' && r <= '9':
		return englishBelowTwenty(int64(r - '0'))
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z':
		return strings.ToUpper(string(r))
	case r == '*':
		return "star"
	case r == '#':
		return "hash"
	case r == '+':
		return "plus"
	case r == '.':
		return "point"
	}
	return ""
}

func (english) mark(r rune) string {
	return map[rune]string{'-': "dash", '_': "underscore", '/': "slash", '@': "at", '&': "and", ':': "colon"}[r]
}

func (english) comma() string { return ", " }

func (english) join(words []string) string { return strings.Join(words, " ") }

func (english) date(t time.Time) string {
	return t.Month().String() + " " + englishOrdinal(t.Day()) + ", " + englishYear(t.Year())
}

func englishOrdinal(day int) string {
	words := [...]string{
		"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
		"eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
	}
	switch {
	case day < 20:
		return words[day-1]
	case day == 20:
		return "twentieth"
	case day == 30:
		return "thirtieth"
	default:
		return englishTens(int64(day/10)) + "-" + words[day%10-1]
	}
}

// englishYear says 1999 as nineteen ninety-nine, 2005 as two thousand five.
func englishYear(year int) string {
	high, low := int64(year/100), int64(year%100)
	switch {
	case year < 1000 || year > 9999 || (year >= 2000 && year < 2010):
		return englishWhole(int64(max(year, 0)))
	case low == 0:
		return englishWhole(high) + " hundred"
	case low < 10:
		return englishWhole(high) + " oh " + englishWhole(low)
	default:
		return englishWhole(high) + " " + englishWhole(low)
	}
}

func (english) clock(hour, minute int) string {
	half := " a.m."
	if hour >= 12 {
		half = " p.m."
	}
	switch {
	case minute == 0 && hour == 0:
		return "midnight"
	case minute == 0 && hour == 12:
		return "noon"
	}
	text := englishWhole(int64((hour+11)%12 + 1))
	switch {
	case minute == 0:
	case minute < 10:
		text += " oh " + englishWhole(int64(minute))
	default:
		text += " " + englishWhole(int64(minute))
	}
	return text + half
}
