package intent

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ivrd/ivrd/internal/secret"
	"github.com/ivrd/ivrd/transcript"
)

// fewest digits of a number that is personal; shorter ones are extensions and
// codes.
const fewest = 7

// atom is a piece of a number: written digits, one Chinese digit, a number word.
type atom struct {
	start, end int // bytes
	digits     string
	spoken     bool // digit by digit
	pause      bool // a comma or more before it
	plus       bool // a plus sign before it
	check      int  // end of an X after it, 0 for none
}

// runs finds sequences of atoms with nothing between them but what people write
// or say inside a number.
func runs(text string) [][]atom {
	var all [][]atom
	var run []atom
	for i := 0; i < len(text); {
		a, ok := atomAt(text, i)
		if !ok {
			_, size := utf8.DecodeRuneInString(text[i:])
			i += size
			continue
		}
		if len(run) > 0 {
			joined, pause := between(text[run[len(run)-1].end:a.start])
			if !joined {
				all = append(all, run)
				run = nil
			}
			a.pause = pause
		}
		a.plus, a.start = plusBefore(text, a.start)
		a.check = checkAfter(text, a.end)
		run = append(run, a)
		i = a.end
	}
	if len(run) > 0 {
		all = append(all, run)
	}
	return all
}

// atomAt reads an atom that begins at byte i.
func atomAt(text string, i int) (atom, bool) {
	end := i
	var digits []byte
	for end < len(text) {
		r, size := utf8.DecodeRuneInString(text[end:])
		d, ok := writtenDigit(r)
		if !ok {
			break
		}
		digits = append(digits, d)
		end += size
	}
	if end > i {
		return atom{start: i, end: end, digits: string(digits)}, true
	}
	r, size := utf8.DecodeRuneInString(text[i:])
	if d, ok := chineseDigit(r); ok {
		return atom{start: i, end: i + size, digits: string(rune('0' + d)), spoken: true}, true
	}
	if letter(r) && !letterBefore(text, i) {
		return wordAt(text, i)
	}
	return atom{}, false
}

// writtenDigit gives a digit its ASCII form.
func writtenDigit(r rune) (byte, bool) {
	switch {
	case r >= '0' && r <= '9':
		return byte(r), true
	case r >= '０' && r <= '９':
		return byte(r-'０') + '0', true
	case r >= '٠' && r <= '٩':
		return byte(r-'٠') + '0', true
	}
	return 0, false
}

func letter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

func letterBefore(text string, i int) bool {
	r, _ := utf8.DecodeLastRuneInString(text[:i])
	return letter(r) || r == '_'
}

// wordAt reads a number word: seven, oh, nineteen, thirty-eight, double five,
// triple oh, eight hundred.
func wordAt(text string, i int) (atom, bool) {
	word, end := nextWord(text, i)
	times := map[string]int{"double": 2, "triple": 3, "treble": 3}[word]
	if times > 0 {
		next, after := nextWord(text, skipSpace(text, end))
		v, ok := englishUnits(next)
		if !ok || v > 9 {
			return atom{}, false
		}
		return atom{start: i, end: after, digits: strings.Repeat(string(rune('0'+v)), times), spoken: true}, true
	}
	v, ok := englishUnits(word)
	if !ok {
		return atom{}, false
	}
	a := atom{start: i, end: end, digits: decimalOf(v), spoken: true}
	next, after := nextWord(text, skipSpace(text, end))
	if u, ok := englishUnits(next); ok && v >= 20 && u > 0 && u < 10 {
		a.digits, a.end = decimalOf(v+u), after
	} else if next == "hundred" && v > 0 && v < 10 {
		a.digits, a.end = a.digits+"00", after
	}
	return a, true
}

func decimalOf(v int64) string {
	if v < 10 {
		return string(rune('0' + v))
	}
	return string([]rune{rune('0' + v/10), rune('0' + v%10)})
}

// nextWord is the lower-case word at i, and where it ends.
func nextWord(text string, i int) (string, int) {
	end := i
	for end < len(text) && letter(rune(text[end])) {
		end++
	}
	return strings.ToLower(text[i:end]), end
}

func skipSpace(text string, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '-') {
		i++
	}
	return i
}

// between says whether a number goes on across what stands between two atoms,
// and whether it is a pause.
func between(s string) (joined, pause bool) {
	for _, filler := range []string{"uh", "um", "er", "嗯", "呃", "啊", "那个", "然后"} {
		s = strings.ReplaceAll(s, filler, "")
	}
	if utf8.RuneCountInString(s) > 5 {
		return false, false
	}
	for _, r := range s {
		switch {
		case unicode.IsSpace(r), strings.ContainsRune("-–‑－()（）", r):
		case strings.ContainsRune(",，、。.…;；", r):
			pause = true
		default:
			return false, false
		}
	}
	return true, pause
}

// plusBefore finds a plus sign before a number: +86, ＋86, plus 86, 加86.
func plusBefore(text string, start int) (bool, int) {
	before := strings.TrimRight(text[:start], " ")
	for _, p := range []string{"+", "＋", "plus", "加"} {
		if len(before) >= len(p) && strings.EqualFold(before[len(before)-len(p):], p) {
			return true, len(before) - len(p)
		}
	}
	return false, start
}

// checkAfter finds the check digit X of an identity number and returns its end.
func checkAfter(text string, end int) int {
	rest := strings.TrimLeft(text[end:], " ")
	at := len(text) - len(rest)
	for _, x := range []string{"X", "x", "Ｘ", "叉"} {
		if tail, ok := strings.CutPrefix(rest, x); ok {
			if r, _ := utf8.DecodeRuneInString(tail); !letter(r) {
				return at + len(x)
			}
		}
	}
	return 0
}

// personal finds cards, identity and telephone numbers.
func personal(text string) []Entity {
	var out []Entity
	for _, run := range runs(text) {
		for i := 0; i < len(run); {
			e, n := longestNumber(run, i)
			if n == 0 {
				i++
				continue
			}
			out = append(out, e)
			i += n
		}
	}
	return out
}

// longestNumber finds the longest personal number that begins with atom i of a
// run, and how many atoms it takes.
func longestNumber(run []atom, i int) (Entity, int) {
	const longestPersonal = 19
	var best Entity
	taken := 0
	if !border(run, i) {
		return best, 0
	}
	var digits []byte
	for n := i; n < len(run); n++ {
		digits = append(digits, run[n].digits...)
		if len(digits) > longestPersonal {
			break
		}
		if len(digits) < fewest {
			continue
		}
		if n+1 < len(run) && !border(run, n+1) && run[n].check == 0 {
			continue
		}
		if e, ok := classify(string(digits), run[i], run[n]); ok {
			best, taken = e, n+1-i
		}
	}
	return best, taken
}

// border reports whether a number can begin at atom i: not in the middle of
// digits that are spoken one after another.
func border(run []atom, i int) bool {
	return i == 0 || run[i].pause || run[i].plus || !run[i].spoken || !run[i-1].spoken
}

// classify says what the digits of a window are.
func classify(digits string, first, last atom) (Entity, bool) {
	e := Entity{Start: first.start, End: last.end}
	switch {
	case len(digits) == 17 && last.check > 0 && identity(digits+"X"):
		e.Kind, e.End = ID, last.check
		digits += "X"
	case identity(digits):
		e.Kind = ID
	case first.plus && len(digits) >= 8 && len(digits) <= 15 && digits[0] != '0':
		e.Kind = Phone
		digits = "+" + digits
	case mobile(digits) != "":
		e.Kind = Phone
		digits = mobile(digits)
	case card(digits):
		e.Kind = Card
	default:
		return e, false
	}
	return e.sealed(digits), true
}

// sealed gives an entity its number: masked to see, whole where it does not
// print.
func (e Entity) sealed(number string) Entity {
	e.Private = secret.New(number)
	head, tail := 3, 4
	switch e.Kind {
	case Card:
		head = 6 // PCI DSS 3.4.1
	case Number:
		head = 0
	}
	if hidden := len(number) - head - tail; hidden < 4 {
		head, tail = 0, 3
	}
	e.Value = number[:head] + strings.Repeat("•", len(number)-head-tail) + number[len(number)-tail:]
	return e
}

// numbers finds what else is as long as a personal number.
func numbers(text string) []Entity {
	var out []Entity
	for _, run := range runs(text) {
		for from := 0; from < len(run); {
			to, digits := from, ""
			for to < len(run) && (to == from || !run[to].pause) {
				digits += run[to].digits
				to++
			}
			if len(digits) >= fewest {
				out = append(out, Entity{Kind: Number, Start: run[from].start, End: run[to-1].end}.sealed(digits))
			}
			from = to
		}
	}
	return out
}

// mobile is the E.164 form of a Chinese mobile number, "" when it is none.
func mobile(digits string) string {
	for _, prefix := range []string{"0086", "86", ""} {
		if n, ok := strings.CutPrefix(digits, prefix); ok && len(n) == 11 && n[0] == '1' && n[1] >= '3' {
			return "+86" + n
		}
	}
	return ""
}

// card reports whether digits are a payment card's: an issuer's first digit and
// Luhn's check digit.
func card(digits string) bool {
	return len(digits) >= 13 && strings.ContainsRune("2345689", rune(digits[0])) && transcript.Luhn([]byte(digits))
}

// identity reports whether digits are a Chinese identity number: a date of birth
// and the check digit (GB 11643-1999).
func identity(digits string) bool {
	if len(digits) != 18 {
		return false
	}
	_, ok := day(digits[6:14])
	return ok && transcript.Mod11([]byte(digits))
}
