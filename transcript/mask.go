// Package transcript holds what was said in a call, and the masking of
// personal numbers in it. It imports nothing of ivrd.
//
// Mask is for texts that are written, a Masker for what is said in a call, where a number
// may come in words and in several segments.
//
// Masking knows telephone numbers, payment cards and Chinese identity numbers,
// in ASCII, full-width and Chinese digits, whole or grouped. It is a filter for
// screens and logs, built to err on the side of hiding, and leaves alone what a
// server writes all day: times, durations, addresses, ports, hashes, call IDs.
package transcript

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// hidden stands for one digit that is not shown.
const hidden = "•"

// fewestDigits is the length of the shortest number that is personal: shorter
// ones are extensions and service numbers.
const fewestDigits = 7

// Mask returns text with every personal number in it masked: telephone numbers
// as by MaskNumber, cards to their first six and last four digits (PCI DSS
// 3.4.1), identity numbers to the first three and the last four.
// Masking twice gives the same as masking once.
func Mask(text string) string {
	if !suspicious(text) {
		return text
	}
	gs := groups(text)
	var b strings.Builder
	b.Grow(len(text))
	done := 0
	for i := 0; i < len(gs); {
		k, n := longest(gs[i:])
		if k == plain {
			i++
			continue
		}
		w := window(gs[i : i+n])
		b.WriteString(text[done:w.start()])
		b.WriteString(w.masked(k))
		done = w.end(k)
		i += n
	}
	b.WriteString(text[done:])
	return b.String()
}

// MaskNumber masks a field that is known to hold a caller's or a called number:
// "+8613800138000" becomes "138••••8000". Names and numbers of fewer than seven
// digits (extensions) come back as they are.
func MaskNumber(number string) string {
	digits, pure := digitsOf(number)
	if len(digits) < fewestDigits {
		return number
	}
	if pure {
		return maskPhone(digits, strings.HasPrefix(strings.TrimSpace(number), "+"))
	}
	return maskRuns(Mask(number))
}

// suspicious is the cheap test that nearly all texts fail: are there enough
// digits for a number at all?
func suspicious(text string) bool {
	n := 0
	for _, r := range text {
		if _, ok := digitOf(r); ok {
			if n++; n >= fewestDigits {
				return true
			}
		}
	}
	return false
}

// digitsOf returns the digits of a number, and whether there is nothing else
// in it than a plus sign and the separators that people write.
func digitsOf(number string) (digits []byte, pure bool) {
	pure = true
	for _, r := range number {
		if d, ok := digitOf(r); ok {
			digits = append(digits, d)
		} else if !strings.ContainsRune("+-. ()/\u00a0", r) {
			pure = false
		}
	}
	return digits, pure
}

// maskRuns masks each run of digits that is long enough for a number, whatever
// it looks like.
func maskRuns(text string) string {
	var b strings.Builder
	done := 0
	for _, g := range groups(text) {
		if len(g.digits) < fewestDigits {
			continue
		}
		b.WriteString(text[done:g.start])
		b.WriteString(maskPhone(g.digits, false))
		done = g.end
	}
	b.WriteString(text[done:])
	return b.String()
}

// maskPhone shows at most the first three and the last four digits of a number
// without its Chinese country code, and hides at least four.
func maskPhone(digits []byte, plus bool) string {
	d := string(digits)
	if code := countryCode(d); code != "" {
		d, plus = d[len(code):], false
	}
	head, tail := phone.shown(len(d))
	sign := ""
	if plus {
		sign = "+"
	}
	return sign + maskMiddle(d, head, tail)
}

// countryCode is that of a Chinese mobile number, which is not shown.
func countryCode(d string) string {
	for _, prefix := range []string{"0086", "86"} {
		if rest, ok := strings.CutPrefix(d, prefix); ok && isMobile([]byte(rest)) {
			return prefix
		}
	}
	return ""
}

// maskMiddle hides all but the first head and the last tail digits.
func maskMiddle(d string, head, tail int) string {
	return d[:head] + strings.Repeat(hidden, len(d)-head-tail) + d[len(d)-tail:]
}

// digitOf gives the ASCII digit that a rune stands for.
func digitOf(r rune) (byte, bool) {
	switch {
	case r >= '0' && r <= '9':
		return byte(r), true
	case r < 0x80:
		return 0, false
	case r >= '０' && r <= '９':
		return byte(r-'０') + '0', true
	case r >= '٠' && r <= '٩':
		return byte(r-'٠') + '0', true
	}
	return chineseDigit(r)
}

// chineseDigit knows the digits as they are spoken, with 幺 for one and 两 for
// two.
func chineseDigit(r rune) (byte, bool) {
	switch r {
	case '零', '〇':
		return '0', true
	case '一', '幺':
		return '1', true
	case '二', '两', '兩':
		return '2', true
	case '三':
		return '3', true
	case '四':
		return '4', true
	case '五':
		return '5', true
	case '六':
		return '6', true
	case '七':
		return '7', true
	case '八':
		return '8', true
	case '九':
		return '9', true
	}
	return 0, false
}

// group is a run of digits without anything between them.
type group struct {
	start, end int // byte offsets in the text; start includes a plus sign
	digits     []byte
	plus       bool
	sep        rune // what joins it to the group before; 0 when nothing does
	x          int  // byte length of a check digit X that follows
	glued      bool // part of a word, hash or identifier
	fraction   bool // digits after a decimal point
	unit       bool // followed by a unit of time or size
	callID     bool // one of our own call IDs
}

// groups finds the runs of digits of a text.
func groups(text string) []group {
	var gs []group
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if _, ok := digitOf(r); !ok {
			i += size
			continue
		}
		g := group{start: i}
		for i < len(text) {
			r, size = utf8.DecodeRuneInString(text[i:])
			d, ok := digitOf(r)
			if !ok {
				break
			}
			g.digits = append(g.digits, d)
			i += size
		}
		g.end = i
		from := 0
		if len(gs) > 0 {
			from = gs[len(gs)-1].end
		}
		g.lookBack(text[:g.start], text[from:g.start], gs)
		g.lookAhead(text[g.end:])
		gs = append(gs, g)
	}
	return gs
}

// lookBack reads what stands before the group; between is what separates it
// from the group before.
func (g *group) lookBack(before, between string, gs []group) {
	last, size := utf8.DecodeLastRuneInString(before)
	if last == '+' || last == '＋' {
		g.plus = true
		g.start -= size
		return
	}
	g.glued = isWord(last) || last == '•'
	g.callID = len(g.digits) == 18 && hasChannel(before)
	if len(gs) == 0 {
		return
	}
	g.sep = separator(between)
	g.fraction = g.sep == '.'
	if prev := gs[len(gs)-1]; g.sep == '-' && prev.glued {
		g.glued = true
	}
}

// lookAhead reads what follows the group.
func (g *group) lookAhead(after string) {
	next, size := utf8.DecodeRuneInString(after)
	if next == 'X' || next == 'x' || next == 'Ｘ' {
		if r, _ := utf8.DecodeRuneInString(after[size:]); !isWord(r) {
			g.x = size
			return
		}
	}
	if next == '•' || isWord(next) {
		g.glued = true
	}
	const longestUnit = 4 // bytes, with what ends it
	word := after[:min(len(after), longestUnit)]
	if i := strings.IndexFunc(word, func(r rune) bool { return !unicode.IsLetter(r) }); i >= 0 {
		word = word[:i]
	}
	switch word {
	case "ns", "us", "µs", "μs", "ms", "s", "m", "h", "B", "kB", "KiB", "MB", "MiB", "Hz":
		g.unit = true
	}
}

// isWord reports whether a rune next to digits makes them part of a word.
// Chinese writing has no spaces, so only ASCII counts.
func isWord(r rune) bool {
	return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// hasChannel reports whether a text ends in the channel letters of a call ID.
func hasChannel(before string) bool {
	for _, channel := range []string{"PS", "WB", "AP"} {
		if strings.HasSuffix(before, channel) {
			return true
		}
	}
	return false
}

// separator names what people write between the groups of one number; 0 means
// that the groups have nothing to do with each other.
func separator(between string) rune {
	switch between {
	case " ", "\u00a0", "　", "-", ".":
		r, _ := utf8.DecodeRuneInString(between)
		return r
	case "–", "‑", "－", ") -", " - ", ")-":
		return '-'
	case ")", ") ", " (", "(", "（", "）", "） ":
		return ' '
	}
	return 0
}
