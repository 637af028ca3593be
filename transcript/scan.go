package transcript

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// atom is a piece of digits, or an X, with what stands before it in the text.
type atom struct {
	Digits

	gap gap
	// lone ones are digits only as part of a number that has begun: oh, X.
	lone bool
	// named is what the words before it say that it is.
	named about
	// quantity is that what it is of has a unit, or is a day or an extension.
	quantity bool
}

func (a atom) isX() bool { return a.Text == "X" }

// scan finds the digits of a text, and says what follows the last one. Number words
// that count or point (that one, the last four, 一下, 周一) and Chinese numerals (三千二)
// are no digits.
func scan(text string) (atoms []atom, tail gap) {
	from := 0 // end of the atom before
	stop := false
	for i := 0; i < len(text); {
		if end := numeralZH(text, i); end > i {
			stop = true
			i = end
			continue
		}
		a, ok := atomAt(text, i, len(atoms) > 0 && strings.TrimLeft(text[from:i], " ") == "")
		if !ok {
			i = a.End
			continue
		}
		a.gap = gapOf(text[from:a.Start])
		a.gap.stop = a.gap.stop || stop
		if a.isX() && !(a.gap.joins() || len(atoms) == 0 && a.gap.content == 0) {
			i = a.End
			continue
		}
		if n := len(atoms); n > 0 && a.gap.joins() {
			a.named = atoms[n-1].named
		} else {
			a.named = aboutNext(text[:a.Start])
		}
		a.Plus, a.Start = plusBefore(text, a.Start)
		atoms = append(atoms, a)
		i, from, stop = a.End, a.End, false
	}
	tail = gapOf(text[from:])
	tail.stop = tail.stop || stop
	quantities(text, atoms, &tail)
	return atoms, tail
}

// atomAt reads the atom that begins at byte i; without one its End is where to look on.
// follows says that digits end there.
func atomAt(text string, i int, follows bool) (atom, bool) {
	r, size := utf8.DecodeRuneInString(text[i:])
	a := atom{Digits: Digits{Start: i, End: i + size}}
	if digits, end := figures(text, i); end > i {
		a.Text, a.End = digits, end
		return a, !dotted(text, a) && !counts(text, a)
	}
	if digits, end := countedDigits(text, i); end > i {
		a.Text, a.End, a.Spoken = digits, end, true
		return a, true
	}
	if d, ok := ChineseDigit(r); ok {
		a.Text, a.Spoken = decimal(d), true
		return a, follows || !wordZH(text, a)
	}
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	if isWord(before) && letter(r) {
		return a, false
	}
	if end := checkDigit(text, i); end > i {
		a.Text, a.End, a.lone = "X", end, true
		return a, true
	}
	if !letter(r) {
		return a, false
	}
	digits, end, vague := spokenWord(text, i)
	if end == 0 {
		_, a.End = nextWord(text, i)
		return a, false
	}
	a.Text, a.End, a.Spoken, a.vague = digits, end, true, vague
	return a, !wordEN(text, &a) && !counts(text, a)
}

// dotted reports whether digits are what a mask has left.
func dotted(text string, a atom) bool {
	return strings.HasPrefix(text[a.End:], hidden) || strings.HasSuffix(text[:a.Start], hidden)
}

// counts knows the last four, the first 3 digits, 后4位.
func counts(text string, a atom) bool {
	if len(a.Text) > 2 {
		return false
	}
	next, _ := nextWord(text, skipSpace(text, a.End))
	if in(" digit digits number numbers figure figures ", next) || strings.HasPrefix(text[a.End:], "位") {
		return true
	}
	return in(" first last next middle final other ", lastWord(text, a.Start)) && !digitNext(text, a.End)
}

// digitNext reports whether digits follow at once.
func digitNext(text string, i int) bool {
	i = skipSpace(text, i)
	_, written := figures(text, i)
	_, end, _ := spokenWord(text, i)
	return written > i || end > 0
}

// wordEN knows that one, another one, and oh as a cry.
func wordEN(text string, a *atom) bool {
	word := strings.ToLower(text[a.Start:a.End])
	if word == "oh" || word == "o" {
		a.lone = !digitNext(text, a.End) && !in(" zero one two three four five six seven eight nine oh o double triple hundred ", lastWord(text, a.Start))
	}
	if word != "one" || digitNext(text, a.End) {
		return false
	}
	return in(" that this the which another other new old no any every each some right wrong good only ", lastWord(text, a.Start))
}

// wordZH knows a Chinese digit that stands alone in a word: 一下, 唯一, 周三, 后四位.
func wordZH(text string, a atom) bool {
	rest := text[a.End:]
	next, _ := utf8.DecodeRuneInString(rest)
	if _, digit := ChineseDigit(next); digit {
		return false
	}
	before, _ := utf8.DecodeLastRuneInString(text[:a.Start])
	switch {
	case strings.ContainsRune("第周期拜唯统之单万初", before), next == '位', next == '个':
		return true
	case letter(next), !unicode.IsLetter(next), next == '叉':
		return false
	}
	return joinerZH(rest, joinersZH) == 0
}

// numeralZH is the end of a Chinese numeral with a unit in it (一千二, 二十六), which is
// a quantity; i where there is none.
func numeralZH(text string, i int) int {
	if r, _ := utf8.DecodeLastRuneInString(text[:i]); chineseNumeral(r) {
		return i
	}
	unit, plain, longest := false, 0, 0
	end := i
	for end < len(text) {
		r, size := utf8.DecodeRuneInString(text[end:])
		if !chineseNumeral(r) {
			break
		}
		if plain++; numeralUnit(r) {
			unit, plain = true, 0
		}
		longest = max(longest, plain)
		end += size
	}
	const most = 3 // more digits beside each other are read out
	if !unit || longest > most {
		return i
	}
	return end
}

func chineseNumeral(r rune) bool {
	_, digit := ChineseDigit(r)
	return digit || numeralUnit(r)
}

func numeralUnit(r rune) bool { return strings.ContainsRune("十拾百佰千仟万萬亿", r) }
