package transcript

import "strings"

// kind is what a window of digit groups turned out to be.
type kind uint8

const (
	plain kind = iota
	phone
	card
	identity  // 18 characters, GB 11643-1999
	identityX // the same with the check digit X
	long      // too long for anything, so it may hold anything
	blank     // numbers that overlap: all is hidden
)

const (
	widest     = 19 // groups: a card spoken digit by digit
	mostDigits = 19 // ISO/IEC 7812 card numbers
)

// longest finds the longest window at the head of gs that is a number, and
// returns how many groups it takes.
func longest(gs []group) (kind, int) {
	last, total := 1, len(gs[0].digits)
	for last < len(gs) && last < widest && joined(gs[last]) {
		total += len(gs[last].digits)
		if total > mostDigits {
			break
		}
		last++
	}
	for n := last; n > 0; n-- {
		whole := n == len(gs) || !joined(gs[n])
		if k := window(gs[:n]).classify(whole); k != plain {
			return k, n
		}
	}
	return plain, 1
}

func joined(g group) bool { return g.sep != 0 && !g.plus }

// window is a sequence of groups, joined by separators, that may be a number.
type window []group

func (w window) start() int { return w[0].start }

func (w window) end(k kind) int {
	last := w[len(w)-1]
	if k == identityX {
		return last.end + last.x
	}
	return last.end
}

func (w window) digits() []byte {
	if len(w) == 1 {
		return w[0].digits
	}
	var d []byte
	for _, g := range w {
		d = append(d, g.digits...)
	}
	return d
}

func (w window) masked(k kind) string {
	d := w.digits()
	if k == phone {
		return maskPhone(d, w[0].plus)
	}
	text := string(d)
	if k == identityX {
		text += "X"
	}
	head, tail := k.shown(len(text))
	return maskMiddle(text, head, tail)
}

// shown is how many digits at the head and at the tail of a number are shown.
func (k kind) shown(digits int) (head, tail int) {
	switch k {
	case card:
		return 6, 4
	case identity, identityX:
		return 3, 4
	case long:
		return 0, 4
	case blank:
		return 0, 0
	default:
		shown := min(7, digits-4)
		tail = min(4, shown)
		return shown - tail, tail
	}
}

// classify says what the window is; whole tells that no further group is
// joined to its end.
func (w window) classify(whole bool) kind {
	first, last := w[0], w[len(w)-1]
	if first.callID {
		return plain
	}
	d := w.digits()
	switch {
	case len(d) < fewestDigits:
		return plain
	case len(d) > mostDigits:
		return long
	case w.dotted():
		return pick(phone, !first.fraction && isAmerican(d) && w.shaped(3, 3, 4))
	case len(d) == 17 && last.x > 0 && isIdentity(append(d[:17:17], 'X')):
		return identityX
	case isIdentity(d), len(w) == 1 && isOldIdentity(d) && !first.glued:
		return identity
	case first.fraction || last.unit:
		return plain
	case isCard(d) && w.cardShaped(whole):
		return card
	}
	return pick(phone, w.isPhone(d, whole))
}

func pick(k kind, yes bool) kind {
	if yes {
		return k
	}
	return plain
}

// isPhone knows +E.164, Chinese mobile and fixed numbers, American numbers and
// bare international ones. What could as well be something else must not be
// glued to letters.
func (w window) isPhone(d []byte, whole bool) bool {
	if w[0].plus {
		return w.isInternational(d, whole)
	}
	if isMobile(trimChina(d)) && (w.atLeast(3, d) || w.singles(whole)) {
		return true
	}
	if w.glued() {
		return false
	}
	single := len(w) == 1
	switch {
	case isAmerican(d):
		return single || w.shaped(3, 3, 4) || w.shaped(1, 3, 3, 4) || w.shaped(3, 7)
	case d[0] == '0' && d[1] == '0':
		return single && len(d) >= 11
	case d[0] == '0':
		return w.isNational(d)
	default:
		return single && len(d) >= 11 && len(d) <= 13 && d[0] != '1' && !isDate(d)
	}
}

// isInternational accepts +E.164 (7 to 15 digits), and takes no group into a
// number that is complete without it.
func (w window) isInternational(d []byte, whole bool) bool {
	if d[0] == '0' || len(d) > 15 {
		return false
	}
	before := len(d) - len(w[len(w)-1].digits)
	switch {
	case len(w) == 1:
		return true
	case d[0] == '1':
		return len(d) == 11
	case before >= 13 || len(w[0].digits) >= 9:
		return false
	case isMobile(trimChina(d)):
		return true
	case strings.HasPrefix(string(d), "86"):
		return len(d) >= 11 && len(d) <= 13 && (len(w) > 3 || whole)
	}
	return true
}

// isNational accepts 0 and an area or mobile code as they are dialled inside
// many countries: 010-12345678, 0755 1234 5678, 07700 900123.
func (w window) isNational(d []byte) bool {
	if len(d) < 10 || len(d) > 12 {
		return false
	}
	if len(w) == 1 {
		return true
	}
	if n := len(w[0].digits); n < 2 || n > 5 {
		return false
	}
	for _, g := range w[1:] {
		if len(g.digits) < 3 {
			return false
		}
	}
	return true
}

// dotted reports whether a full stop joins any of the groups; only American
// numbers are written so, addresses and fractions far more often.
func (w window) dotted() bool {
	for _, g := range w[1:] {
		if g.sep == '.' {
			return true
		}
	}
	return false
}

func (w window) glued() bool {
	for _, g := range w {
		if g.glued {
			return true
		}
	}
	return false
}

// shaped reports whether the groups have these lengths.
func (w window) shaped(lengths ...int) bool {
	if len(w) != len(lengths) {
		return false
	}
	for i, n := range lengths {
		if len(w[i].digits) != n {
			return false
		}
	}
	return true
}

// atLeast reports whether each group has n digits or more, not counting a
// country code that stands first.
func (w window) atLeast(n int, d []byte) bool {
	for i, g := range w {
		if i == 0 && len(w) > 1 && (string(g.digits) == "86" || string(g.digits) == "0") {
			continue
		}
		if len(g.digits) < n && len(g.digits) < len(d) {
			return false
		}
	}
	return true
}

// singles reports whether a number was spelt digit by digit, or in pairs, with
// nothing after it.
func (w window) singles(whole bool) bool {
	if !whole {
		return false
	}
	for _, g := range w {
		if len(g.digits) > 2 {
			return false
		}
	}
	return true
}

// cardShaped accepts the groups that are printed on cards: fours, 4-6-5 and
// 4-6-4, six and the rest; or no groups, or a number spelt out.
func (w window) cardShaped(whole bool) bool {
	last := len(w) - 1
	if last == 0 || w.singles(whole) || w.shaped(4, 6, 5) || w.shaped(4, 6, 4) {
		return true
	}
	if last == 1 {
		return len(w[0].digits) == 6
	}
	for _, g := range w[:last] {
		if len(g.digits) != 4 {
			return false
		}
	}
	return len(w[last].digits) <= 4
}

// trimChina takes away the country code or the trunk prefix of China.
func trimChina(d []byte) []byte {
	for _, prefix := range []string{"0086", "86", "0"} {
		if rest, ok := strings.CutPrefix(string(d), prefix); ok && len(rest) == 11 {
			return []byte(rest)
		}
	}
	return d
}

// isMobile knows Chinese mobile numbers: 11 digits from 13 to 19.
func isMobile(d []byte) bool {
	return len(d) == 11 && d[0] == '1' && d[1] >= '3'
}

// isAmerican knows numbers of the North American plan, with or without the 1:
// neither area nor exchange begins with 0 or 1.
func isAmerican(d []byte) bool {
	if len(d) == 11 && d[0] == '1' {
		d = d[1:]
	}
	return len(d) == 10 && d[0] >= '2' && d[3] >= '2'
}

// isCard knows payment cards: a length that their issuer uses and the check
// digit of Luhn (ISO/IEC 7812-1 annex B).
func isCard(d []byte) bool {
	return isIssuer(d) && Luhn(d)
}

func isIssuer(d []byte) bool {
	n := len(d)
	switch d[0] {
	case '2': // Mastercard 2221-2720, Mir 2200-2204
		return n == 16 && string(d[:4]) >= "2200" && string(d[:4]) <= "2720"
	case '3': // American Express, Diners Club, JCB
		return n == 15 && (d[1] == '4' || d[1] == '7') ||
			n == 14 && (d[1] == '0' || d[1] == '6' || d[1] == '8') ||
			n >= 16 && d[1] == '5'
	case '4': // Visa
		return n == 13 || n == 16 || n == 19
	case '5', '6', '9': // Mastercard, Maestro, UnionPay, older Chinese bank cards
		return n >= 16
	case '8': // UnionPay 81
		return n >= 16 && d[1] == '1'
	}
	return false
}

// Luhn reports whether the last of some digits checks the others (ISO/IEC 7812-1
// annex B).
func Luhn(d []byte) bool {
	sum := 0
	for i := range d {
		v := int(d[len(d)-1-i] - '0')
		if i%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}

// isIdentity knows Chinese identity numbers (GB 11643-1999): province, date of
// birth and the check digit of ISO 7064 MOD 11-2.
func isIdentity(d []byte) bool {
	return len(d) == 18 && isProvince(d) && isDate(d[6:14]) && Mod11(d)
}

// Mod11 reports whether the last of some digits, which may be an X, checks the 17
// before it (ISO 7064 MOD 11-2).
func Mod11(d []byte) bool {
	sum, weight := 0, 1
	for i := 16; i >= 0; i-- {
		weight = weight * 2 % 11
		sum += int(d[i]-'0') * weight
	}
	return d[17] == "10X98765432"[sum%11]
}

// isOldIdentity knows those of 15 digits, issued until 1999: no check digit, a
// year of two digits.
func isOldIdentity(d []byte) bool {
	return len(d) == 15 && isProvince(d) && isDate([]byte("19"+string(d[6:12])))
}

// isProvince knows the first two digits of GB/T 2260.
func isProvince(d []byte) bool {
	switch p := (d[0]-'0')*10 + d[1] - '0'; {
	case p >= 11 && p <= 15, p >= 21 && p <= 23, p >= 31 && p <= 37, p >= 41 && p <= 46,
		p >= 50 && p <= 54, p >= 61 && p <= 65, p == 71, p == 81, p == 82, p == 83:
		return true
	}
	return false
}

// isDate reports whether d begins with a date YYYYMMDD of these two centuries.
func isDate(d []byte) bool {
	century, month, day := string(d[:2]), string(d[4:6]), string(d[6:8])
	return (century == "19" || century == "20") &&
		month >= "01" && month <= "12" && day >= "01" && day <= "31"
}
