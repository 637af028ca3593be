package intent

import (
	"strings"

	"github.com/ivrd/ivrd/internal/secret"
	"github.com/ivrd/ivrd/transcript"
)

// fewest digits of a number that is personal; shorter ones are extensions and
// codes.
const fewest = 7

// personal finds cards, identity and telephone numbers.
func personal(text string) []Entity {
	var out []Entity
	for _, run := range transcript.DigitRuns(text) {
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
func longestNumber(run []transcript.Digits, i int) (Entity, int) {
	const longestPersonal = 19
	var best Entity
	taken := 0
	if !border(run, i) {
		return best, 0
	}
	var digits []byte
	for n := i; n < len(run); n++ {
		digits = append(digits, run[n].Text...)
		if len(digits) > longestPersonal {
			break
		}
		if len(digits) < fewest {
			continue
		}
		if n+1 < len(run) && !border(run, n+1) && run[n].Check == 0 {
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
func border(run []transcript.Digits, i int) bool {
	return i == 0 || run[i].Pause || run[i].Plus || !run[i].Spoken || !run[i-1].Spoken
}

// classify says what the digits of a window are.
func classify(digits string, first, last transcript.Digits) (Entity, bool) {
	e := Entity{Start: first.Start, End: last.End}
	switch {
	case len(digits) == 17 && last.Check > 0 && identity(digits+"X"):
		e.Kind, e.End = ID, last.Check
		digits += "X"
	case identity(digits):
		e.Kind = ID
	case first.Plus && len(digits) >= 8 && len(digits) <= 15 && digits[0] != '0':
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
	for _, run := range transcript.DigitRuns(text) {
		for from := 0; from < len(run); {
			to, digits := from, ""
			for to < len(run) && (to == from || !run[to].Pause) {
				digits += run[to].Text
				to++
			}
			if len(digits) >= fewest {
				out = append(out, Entity{Kind: Number, Start: run[from].Start, End: run[to-1].End}.sealed(digits))
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
