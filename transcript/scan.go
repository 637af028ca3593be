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

// begun reports whether a number has begun before a lone atom, or may have: it is the
// first of its segment, and no cry such as oh dear.
func (a atom) begun(text string, after bool) bool {
	if after || a.gap.content > 0 {
		return a.gap.joins()
	}
	next, _ := nextWord(text, skipSpace(text, a.End))
	return next == "" || in(joinersEN, next)
}

// scan finds the digits of a text, and says what follows the last one. Number words
// that count or point (that one, the last four, 一下, 周一) and Chinese numerals (三千二)
// are no digits.
func scan(text string) (atoms []atom, tail gap) {
	from := 0 // end of the atom before
	stop := false
	for i := 0; i < len(text); {
		if end := numeralZH(text, i); end > i && !readOut(text, i, end) {
			stop = true
			i = end
			continue
		}
		a, ok := atomAt(text, i, func() bool { return gapOf(text[from:i]).joins() })
		if !ok {
			i = a.End
			continue
		}
		a.gap = gapOf(text[from:a.Start])
		a.gap.stop = a.gap.stop || stop
		if a.lone && !a.begun(text, len(atoms) > 0) {
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
	for i := range atoms {
		if a := &atoms[i]; a.lone && !a.isX() && goesOn(atoms[i+1:], tail) {
			a.lone = false
		}
	}
	quantities(text, atoms, &tail)
	smallOnes(atoms, &tail)
	return atoms, tail
}

// goesOn reports whether digits follow an oh: two, or one that nothing follows, as oh, one
// moment is not said in a number.
func goesOn(after []atom, tail gap) bool {
	if len(after) == 0 || !after[0].gap.joins() {
		return false
	}
	return len(after) == 1 && tail.joins() || len(after) > 1 && after[1].gap.joins()
}

// atomAt reads the atom that begins at byte i; without one its End is where to look on.
// inside says whether digits are before it, or nothing.
func atomAt(text string, i int, inside func() bool) (atom, bool) {
	r, size := utf8.DecodeRuneInString(text[i:])
	a := atom{Digits: Digits{Start: i, End: i + size}}
	if several(text, &a) {
		return a, true
	}
	if digits, end := figures(text, i); end > i {
		a.Text, a.End = digits, end
		if zeros, end := roundZH(text, a); len(digits) == 1 && zeros != "" {
			a.Text, a.End = digits+zeros, end
		}
		return a, !dotted(text, a) && !counts(text, a)
	}
	if d, ok := radioDigit(r); ok || r == '要' && misheardZH(text, a) {
		a.Text, a.Spoken = decimal(d), true
		a.lone = !digitBeside(text, a)
		return a, true
	}
	if d, ok := ChineseDigit(r); ok {
		zeros, end := roundZH(text, a)
		a.Text, a.End, a.Spoken = decimal(d)+zeros, end, true
		return a, zeros != "" || !wordZH(text, a, inside)
	}
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	if isWord(before) && letter(r) {
		return a, false
	}
	if end := checkDigit(text, i); end > i {
		a.Text, a.End, a.Spoken, a.lone = "X", end, true, true
		return a, true
	}
	if !letter(r) {
		return a, false
	}
	return a, wordAt(text, &a, inside)
}

// several reads what has more digits than its words: 三个零, 双八, 四百四十二, 0 twice.
func several(text string, a *atom) bool {
	i := a.Start
	digits, end := countedDigits(text, i)
	if end <= i {
		digits, end = severalZH(text, i)
	}
	if end <= i {
		if end = numeralZH(text, i); end > i {
			digits = numeralDigits(text[i:end])
		}
	}
	if one, after := figures(text, i); end <= i && len(one) == 1 {
		if times, after := timesEN(text, after); times > 1 {
			digits, end = strings.Repeat(one, times), after
		}
	}
	if end <= i {
		return false
	}
	a.Text, a.End, a.Spoken = digits, end, true
	return true
}

// wordAt reads an English word that is a digit or several.
func wordAt(text string, a *atom, inside func() bool) bool {
	i := a.Start
	digits, end, vague := spokenWord(text, i)
	sound := end == 0
	if sound {
		digits, end = soundsLike(text, i)
	}
	if end == 0 || sound && !inside() {
		_, a.End = nextWord(text, i)
		return false
	}
	times, after := timesEN(text, end)
	if times > 1 && len(digits) == 1 {
		digits, end = strings.Repeat(digits, times), after
	}
	a.Text, a.End, a.Spoken, a.vague = digits, end, true, vague
	if sound && strings.TrimSpace(text) == text[i:end] {
		a.lone = true
		return true
	}
	return !wordEN(text, a) && !counts(text, *a)
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
	if in(" digit digits number numbers figure figures ", next) || strings.HasPrefix(text[a.End:], "位") || strings.HasSuffix(text[:a.Start], "第") {
		return true
	}
	return in(" first last next middle final other ", lastWord(text, a.Start)) && !digitNext(text, a.End)
}

// digitNext reports whether digits follow at once.
func digitNext(text string, i int) bool {
	i = skipSpace(text, i)
	if strings.HasPrefix(text[i:], ", ") {
		i += len(", ")
	}
	_, written := figures(text, i)
	_, end, _ := spokenWord(text, i)
	return written > i || end > 0
}

// wordEN knows that one, another one, and that oh may be a cry.
func wordEN(text string, a *atom) bool {
	word := strings.ToLower(text[a.Start:a.End])
	a.lone = (word == "oh" || word == "o") && !digitNext(text, a.End)
	if word != "one" || digitNext(text, a.End) {
		return false
	}
	return in(" that this the which another other new old no any every each some right wrong good only ", lastWord(text, a.Start))
}

// measuresZH are what a digit makes a word with, where it may as well be one of a number.
const measuresZH = "下个些样直起点会共般定切次回家边面旦律致句位张种份天年月周路声遍部块半方件人口楼层号维手"

// wordZH knows a Chinese digit that stands alone in a word: 一下, 唯一, 周三, 后四位.
func wordZH(text string, a atom, inside func() bool) bool {
	rest := text[a.End:]
	next, _ := utf8.DecodeRuneInString(rest)
	if _, digit := ChineseDigit(next); digit {
		return false
	}
	if _, radio := radioDigit(next); radio || next == '要' {
		return false
	}
	if _, several := severalZH(text, a.End); several > 0 {
		return false
	}
	before, _ := utf8.DecodeLastRuneInString(text[:a.Start])
	switch {
	case strings.ContainsRune("第周期拜唯统之单万初", before), next == '位', next == '个':
		return true
	case letter(next), !unicode.IsLetter(next), next == '叉', joinerZH(rest, joinersZH) > 0:
		return false
	}
	if _, digit := digitOf(before); digit {
		return false
	}
	return strings.ContainsRune(measuresZH, next) || !inside()
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
