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

// ChineseDigit is the value of a digit as it is written, spoken (幺, 两) or written on
// cheques (壹).
func ChineseDigit(r rune) (int, bool) {
	if d, ok := chineseDigit(r); ok {
		return int(d - '0'), true
	}
	const cheque = "零壹贰叁肆伍陆柒捌玖零壹貳參肆伍陸柒捌玖"
	if i := strings.IndexRune(cheque, r); i >= 0 {
		return i / len("零") % 10, true
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

// severalZH reads 双八 and 仨零: two or three of one digit.
func severalZH(text string, i int) (string, int) {
	r, size := utf8.DecodeRuneInString(text[i:])
	times := map[rune]int{'双': 2, '俩': 2, '孖': 2, '仨': 3}[r]
	digit, width := utf8.DecodeRuneInString(text[i+size:])
	v, ok := digitOf(digit)
	if next, _ := utf8.DecodeRuneInString(text[i+size+width:]); times == 0 || !ok || numeralUnit(next) {
		return "", 0
	}
	return strings.Repeat(string(rune(v)), times), i + size + width
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
