package transcript

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Units: what stands before them is a quantity.
const (
	unitsEN  = " dollar dollars buck bucks yuan kuai rmb renminbi cny usd hkd eur gbp jpy euro euros pound pounds quid yen cent cents pence percent per am pm oclock o'clock hour hours minute minutes second seconds day days week weeks month months year years people persons times items pieces pages kilos kilo kg miles km thousand million billion grand k st nd rd th "
	unitsZH  = "元 圆 块 毛 角 分钟 分 年 月 日 号 点 时 岁 个 人 天 次 张 件 秒 度 楼 层 路 米 公里 公斤 千克 斤 页 章 折 倍 周 小时 版 台 室 频道 塊 個 張 歲 點 樓 號 美元 美金 港币 欧元 英镑 位 十 百 千 万 亿 刻 % ％"
	monthsEN = " january february march april may june july august september october november december jan feb mar apr jun jul aug sept sep oct nov dec "
	beforeEN = " rmb usd cny eur gbp extension ext room floor half quarter past chapter page pages form row seat channel gate office "
	beforeZH = "人民币 分机 内线 房间 ¥ ￥ $ ＄ £ € #"
)

// mostOfQuantity is the number of digits from which on a unit makes no quantity.
const mostOfQuantity = 7

// quantities keeps quantities, dates and times apart from what is beside them.
func quantities(text string, atoms []atom, tail *gap) {
	after := func(i int) *gap { // the gap behind atom i
		if i+1 < len(atoms) {
			return &atoms[i+1].gap
		}
		return tail
	}
	for i := range atoms {
		a := &atoms[i]
		switch joint := between(text, atoms, i); {
		case (joint == ":" || joint == "：") && len(a.Text) <= 2 && len(atoms[i-1].Text) <= 2: // 14:30
			atoms[i-1].gap.stop, a.gap.stop, after(i).stop = true, true, true
			isQuantity(atoms[i-1 : i+1])
		case i > 1 && isDateAt(text, atoms[i-2:i+1]):
			atoms[i-2].gap.stop, after(i).stop = true, true
			isQuantity(atoms[i-2 : i+1])
		case i > 2 && (isAddressAt(text, atoms[i-3:i+1]) || isPlaceAt(text, atoms[i-3:i+1])):
			atoms[i-3].gap.stop, after(i).stop = true, true
			isQuantity(atoms[i-3 : i+1])
		}
		if (i == 0 || a.Start > atoms[i-1].End+1) && glued(text, a.Digits) && identifier(text, *a) {
			if a.named == unknown {
				a.named = somethingElse // an identifier
			}
			a.gap.stop = true
			after(i).stop = true
		}
		if isYearAt(text, *a) {
			a.gap.stop, after(i).stop = true, true
			isQuantity(atoms[i : i+1])
		}
		if measured(text, a.Start) {
			a.gap.stop = true
			if last, n := quantityFrom(text, atoms, i); n < mostOfQuantity || currency(text, a.Start) {
				after(last).stop = true
				isQuantity(atoms[i : last+1])
			}
		}
		if !isUnit(text[a.End:]) {
			continue
		}
		first, n := i, 0
		for j := i; j >= quantity(text, atoms, i); j-- {
			first, n = j, n+len(atoms[j].Text)
		}
		if after(i).stop = true; n < mostOfQuantity {
			atoms[first].gap.stop = true
			isQuantity(atoms[first : i+1])
		}
	}
}

// smallOnes keeps numbers of one or two digits apart that stand between other words: I
// bought 22 tickets.
func smallOnes(atoms []atom, tail *gap) {
	const small = 2
	for i := 0; i < len(atoms); {
		to, n := i+1, len(atoms[i].Text)
		for to < len(atoms) && atoms[to].gap.joins() {
			n += len(atoms[to].Text)
			to++
		}
		after := tail
		if to < len(atoms) {
			after = &atoms[to].gap
		}
		if n <= small && atoms[i].gap.content > 0 && after.content > 0 && !inSeries(atoms, i) {
			atoms[i].gap.stop, after.stop = true, true
			isQuantity(atoms[i:to])
		}
		i = to
	}
}

// inSeries reports whether digits that stand between words are among others of which no
// more is known: at least four of them, with a word between at most.
func inSeries(atoms []atom, i int) bool {
	const most, fewest = 2, 4 // content, digits
	near := func(a atom) bool { return a.gap.content <= most && !a.gap.stop && !a.quantity }
	from, to := i, i+1
	for from > 0 && i-from < fewest && near(atoms[from]) {
		from--
	}
	for to < len(atoms) && to-i < fewest && near(atoms[to]) {
		to++
	}
	return to-from >= fewest
}

func isQuantity(atoms []atom) {
	for i := range atoms {
		atoms[i].quantity = true
	}
}

// between is the text between atom i and the one before it.
func between(text string, atoms []atom, i int) string {
	if i == 0 {
		return ""
	}
	return text[atoms[i-1].End:min(atoms[i].Start, len(text))]
}

// quantity is the first atom of the quantity that ends with atom i: 1,200.50, two
// hundred and fifty.
func quantity(text string, atoms []atom, i int) int {
	for n := 0; i > 0 && n < mostOfQuantity && inQuantity(text, atoms, i); n++ {
		i--
	}
	return i
}

// quantityFrom is the last atom of the quantity that begins with atom i, and how many
// digits it has.
func quantityFrom(text string, atoms []atom, i int) (last, digits int) {
	digits = len(atoms[i].Text)
	most := mostOfQuantity
	if currency(text, atoms[i].Start) {
		most = mostDigits
	}
	for i+1 < len(atoms) && digits < most && inQuantity(text, atoms, i+1) {
		i++
		digits += len(atoms[i].Text)
	}
	return i, digits
}

// inQuantity reports whether atom i goes on with the quantity before it.
func inQuantity(text string, atoms []atom, i int) bool {
	joint := between(text, atoms, i)
	if joint == "." || joint == "," && len(atoms[i].Text) == 3 {
		return true
	}
	joint = strings.Trim(joint, " -")
	return joint == "" || joint == "and"
}

// currency reports whether a sign of money stands right before a number.
func currency(text string, start int) bool {
	r, _ := utf8.DecodeLastRuneInString(text[:start])
	return unicode.Is(unicode.Sc, r)
}

// isUnit reports whether a text begins with a unit.
func isUnit(after string) bool {
	word, end := nextWord(after, skipSpace(after, 0))
	if word == "a" || word == "p" {
		return strings.HasPrefix(strings.ToLower(after[end:min(len(after), end+2)]), ".m")
	}
	if word != "" {
		return in(unitsEN, word) || in(monthsEN, word)
	}
	if n := joinerZH(strings.TrimLeft(after, " "), unitsZH); n > 0 {
		return !strings.HasPrefix(strings.TrimLeft(after, " "), "号码") && !strings.HasPrefix(strings.TrimLeft(after, " "), "號碼")
	}
	return false
}

// measured reports whether what stands before a number makes it a quantity, a day or an
// extension.
func measured(text string, start int) bool {
	before := strings.TrimRight(text[max(0, start-longestBefore):start], " ")
	for w := range strings.FieldsSeq(beforeZH) {
		if strings.HasSuffix(before, w) {
			return true
		}
	}
	word := lastWord(text, start)
	if word == "the" { // March the third
		start = len(strings.TrimRight(text[:start], " ")) - len(word)
		return in(monthsEN, lastWord(text, start))
	}
	return in(beforeEN, word) || in(monthsEN, word)
}

// glued reports whether figures are part of an identifier: TB20331845.
func glued(text string, d Digits) bool {
	r, _ := utf8.DecodeLastRuneInString(text[:d.Start])
	return !d.Spoken && (isWord(r) || r == '-' && isWord(letterBeforeDash(text, d.Start)))
}

// identifier reports whether figures that are glued to letters are no part of an identity
// number: of that only the first group has a letter, unless it is written whole.
func identifier(text string, a atom) bool {
	const group = 5
	return a.named == somethingElse || !lettered(text, a.Start) ||
		a.named != somebodys && len(a.Text) > group && len(a.Text) < fewestDigits
}

// lettered reports whether one letter stands before digits, as in identity numbers.
func lettered(text string, start int) bool {
	n := start - len(strings.TrimRightFunc(text[:start], letter))
	return n == 1
}

func letterBeforeDash(text string, start int) rune {
	r, _ := utf8.DecodeLastRuneInString(text[:start-1])
	return r
}

// isDateAt knows 2026-11-05, 2026/11/5, 05.11.2026 and nothing longer.
func isDateAt(text string, w []atom) bool {
	y, m, d := w[0], w[1], w[2]
	if len(d.Text) == 4 {
		y, d = d, y
	}
	if len(y.Text) != 4 || y.Text[:2] != "19" && y.Text[:2] != "20" || len(m.Text) > 2 || len(d.Text) > 2 {
		return false
	}
	joint := text[w[0].End:w[1].Start]
	return (joint == "-" || joint == "." || joint == "/") && alike(text, w, joint)
}

// isAddressAt knows 192.168.1.20. What has as many digits as a mobile number is none.
func isAddressAt(text string, w []atom) bool {
	n := 0
	for _, a := range w {
		n += len(a.Text)
		if len(a.Text) > 3 || len(a.Text) == 3 && a.Text > "255" || len(a.Text) > 1 && a.Text[0] == '0' {
			return false
		}
	}
	return n != 11 && alike(text, w, ".")
}

// isPlaceAt knows coordinates: 31.23, 121.47.
func isPlaceAt(text string, w []atom) bool {
	comma := strings.TrimSpace(text[w[1].End:max(w[1].End, w[2].Start)])
	return len(w[0].Text) <= 3 && len(w[2].Text) <= 3 && (comma == "," || comma == "，") && alike(text, w[:2], ".") && alike(text, w[2:], ".")
}

// isYearAt knows in 1987 and since 2008.
func isYearAt(text string, a atom) bool {
	if a.Spoken || len(a.Text) != 4 || a.Text < "1900" || a.Text > "2099" {
		return false
	}
	before := strings.TrimRight(text[:a.Start], " ")
	word := lastWord(text, a.Start)
	return in(" in since year until ", word) && !in(" ending ends starting ", lastWord(before, len(before)-len(word)))
}

// alike reports whether a joint stands between atoms, and neither before nor after them.
func alike(text string, w []atom, joint string) bool {
	for i := 1; i < len(w); i++ {
		if text[w[i-1].End:max(w[i-1].End, w[i].Start)] != joint {
			return false
		}
	}
	before, after := text[:w[0].Start], text[w[len(w)-1].End:]
	end, _ := utf8.DecodeRuneInString(strings.TrimPrefix(after, joint))
	_, digit := digitOf(end)
	return !strings.HasSuffix(before, joint) && (!digit || !strings.HasPrefix(after, joint))
}
