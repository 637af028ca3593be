package transcript

import (
	"strings"
	"unicode/utf8"
)

// Digits are a piece of a number as people write or say it: figures with nothing between
// them, a Chinese digit, number words such as seven, oh, thirty-eight, double five,
// 三个零.
type Digits struct {
	// Start and End are byte offsets in the text; Start includes a plus sign.
	Start, End int
	// Text is the digits in ASCII.
	Text string
	// Spoken digits come one or two at a time; figures are a group.
	Spoken bool
	// Pause says that a comma or more stands before it.
	Pause bool
	// Plus says that a plus sign stands before it.
	Plus bool
	// vague ones may be other digits: thirty two is 32 or 302.
	vague bool
	// Check is where an X after it ends, 0 for none: a check digit (GB 11643).
	Check int
}

// DigitRuns finds the sequences of digits in a text with nothing between them but what
// people write or say inside a number.
func DigitRuns(text string) [][]Digits {
	var all [][]Digits
	var run []Digits
	atoms, _ := scan(text)
	for _, a := range atoms {
		if a.isX() {
			if n := len(run) - 1; n >= 0 && strings.TrimSpace(text[run[n].End:a.Start]) == "" {
				run[n].Check = a.End
			}
			continue
		}
		if len(run) > 0 && !a.gap.joins() {
			all, run = append(all, run), nil
		}
		a.Pause = len(run) > 0 && a.gap.pause
		run = append(run, a.Digits)
	}
	if len(run) > 0 {
		all = append(all, run)
	}
	return all
}

// EnglishNumber is the value of a number word below one hundred, in lower case; "oh"
// and "o" are zero.
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
	return 0, word == "oh" || word == "o" || word == "nought" || word == "naught"
}

// ChineseDigit is the value of a digit as it is written, spoken (幺, 两) or written on
// cheques (壹).
func ChineseDigit(r rune) (int, bool) {
	if d, ok := chineseDigit(r); ok {
		return int(d - '0'), true
	}
	const cheque = "零壹贰叁肆伍陆柒捌玖"
	if i := strings.IndexRune(cheque, r); i >= 0 {
		return i / len("零"), true
	}
	return 0, false
}

// figures reads digits that are written beside each other.
func figures(text string, i int) (string, int) {
	var digits []byte
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		d, ok := digitOf(r)
		if _, chinese := chineseDigit(r); !ok || chinese {
			break
		}
		if _, many := countedDigits(text, i); many > i && len(digits) > 0 {
			break // 63个2
		}
		digits = append(digits, d)
		i += size
	}
	return string(digits), i
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
	before, after := lastWord(strings.TrimRight(text[:i], " ,"), len(strings.TrimRight(text[:i], " ,"))), ""
	if next := skipSpace(text, end); next < len(text) {
		after, _ = nextWord(text, next)
	}
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

// countedDigits reads 三个零, 两个8 and 3个0: so many of one digit.
func countedDigits(text string, i int) (string, int) {
	r, size := utf8.DecodeRuneInString(text[i:])
	d, ok := digitOf(r)
	rest, one := cutAny(text[i+size:], "个", "個")
	if times := int(d - '0'); !ok || !one || times < 2 || times > 6 {
		return "", 0
	}
	digit, width := utf8.DecodeRuneInString(rest)
	v, ok := digitOf(digit)
	next, _ := utf8.DecodeRuneInString(rest[width:])
	if !ok || numeralUnit(next) || next == '个' || next == '個' {
		return "", 0
	}
	return strings.Repeat(string(rune(v)), int(d-'0')), len(text) - len(rest) + width
}

// cutAny cuts off the prefix that a text has.
func cutAny(text string, prefixes ...string) (rest string, ok bool) {
	for _, p := range prefixes {
		if rest, ok = strings.CutPrefix(text, p); ok {
			return rest, true
		}
	}
	return text, false
}

// decimal writes a number below one hundred.
func decimal(v int) string {
	if v < 10 {
		return string(rune('0' + v))
	}
	return string([]rune{rune('0' + v/10), rune('0' + v%10)})
}

func letter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// nextWord is the lower-case word at i, and where it ends.
func nextWord(text string, i int) (string, int) {
	end := i
	for end < len(text) && letter(rune(text[end])) {
		end++
	}
	const longestNumberWord = 16
	if end-i > longestNumberWord {
		return "", end
	}
	return strings.ToLower(text[i:end]), end
}

// lastWord is the lower-case word before i, without what separates them.
func lastWord(text string, i int) string {
	text = text[max(0, i-longestBefore):i]
	text = strings.TrimRight(text, " -")
	start := len(text)
	for start > 0 && letter(rune(text[start-1])) {
		start--
	}
	return strings.ToLower(text[start:])
}

// longestBefore is how many bytes before a number are looked at for a word.
const longestBefore = 24

func skipSpace(text string, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '-') {
		i++
	}
	return i
}

// plusBefore finds a plus sign before a number: +86, ＋86, plus 86, 加86.
func plusBefore(text string, start int) (bool, int) {
	before := strings.TrimRight(text[max(0, start-longestBefore):start], " ")
	at := max(0, start-longestBefore) + len(before)
	for _, p := range []string{"+", "＋", "plus", "加"} {
		if len(before) >= len(p) && strings.EqualFold(before[len(before)-len(p):], p) {
			return true, at - len(p)
		}
	}
	return false, start
}

// checkDigit reads an X that stands alone.
func checkDigit(text string, i int) int {
	for _, x := range []string{"X", "x", "Ｘ", "叉", "艾克斯", "ex", "Ex", "eks"} {
		if tail, ok := strings.CutPrefix(text[i:], x); ok {
			if r, _ := utf8.DecodeRuneInString(tail); !isWord(r) {
				return i + len(x)
			}
		}
	}
	return 0
}
