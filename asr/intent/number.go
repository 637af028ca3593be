package intent

import (
	"strconv"
	"strings"

	"github.com/ivrd/ivrd/transcript"
)

// most that a number is read as; what is larger is no amount.
const most = int64(1e13)

// hundredths reads a number as it is written or spoken in English or Chinese:
// 1,200.50, one thousand two hundred, 一千二, 1.5万, 3万5. Two digits after the
// point at most.
func hundredths(text string) (int64, bool) {
	text = strings.ToLower(strings.TrimSpace(halfWidth(text)))
	if text == "" {
		return 0, false
	}
	if v, ok := arabic(text); ok {
		return v, true
	}
	if text[0] >= 'a' && text[0] <= 'z' {
		return english(text)
	}
	return chinese([]rune(text))
}

// whole reads a number without a fraction.
func whole(text string) (int, bool) {
	v, ok := hundredths(text)
	return int(v / 100), ok && v%100 == 0
}

// halfWidth gives full-width digits and signs their ASCII form.
func halfWidth(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			return r - '！' + '!'
		}
		return r
	}, text)
}

// arabic reads 1,200.50, also followed by k, thousand, million or 百, 千, 万, 亿.
func arabic(text string) (int64, bool) {
	end := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != ',' && r != '.' })
	if end < 0 {
		end = len(text)
	}
	v, ok := point(text[:end])
	if !ok {
		return 0, false
	}
	rest := strings.TrimSpace(text[end:])
	if rest == "" {
		return v, true
	}
	for _, scale := range scales() {
		if tail, found := strings.CutPrefix(rest, scale.word); found {
			if v > most*100/scale.value {
				return 0, false
			}
			v *= scale.value
			if tail == "" {
				return v, true
			}
			n, ok := whole(tail) // 3万5, 3万5千
			if ok && len(tail) == 1 {
				n *= int(scale.value / 10)
			}
			return v + int64(n)*100, ok && int64(n) < scale.value
		}
	}
	return 0, false
}

type scale struct {
	word  string
	value int64
}

func scales() []scale {
	return []scale{
		{"thousand", 1000},
		{"million", 1e6},
		{"billion", 1e9},
		{"k", 1000},
		{"grand", 1000},
		{"百", 100},
		{"千", 1000},
		{"万", 1e4},
		{"亿", 1e8},
	}
}

// point reads ASCII digits with commas of thousands and a decimal point.
func point(text string) (int64, bool) {
	w, fraction, _ := strings.Cut(text, ".")
	if len(fraction) > 2 || strings.ContainsAny(fraction, ".,") {
		return 0, false
	}
	if parts := strings.Split(w, ","); len(parts) > 1 {
		for _, p := range parts[1:] {
			if len(p) != 3 {
				return 0, false
			}
		}
		w = strings.Join(parts, "")
	}
	v, err := strconv.ParseInt(w, 10, 64)
	if err != nil || v > most {
		return 0, false
	}
	f, _ := strconv.ParseInt((fraction + "00")[:2], 10, 64)
	return v*100 + f, true
}

// english reads number words: "twelve hundred and fifty point two five", "a
// thousand".
func english(text string) (int64, bool) {
	var total, section int64
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '-' || r == ',' })
	for i, w := range words {
		switch v, ok := englishUnits(w); {
		case ok && section%100 != 0 && (section%10 != 0 || v >= 10 || section%100 < 20):
			return 0, false // two numbers beside each other: digits
		case ok:
			section += v
		case (w == "a" || w == "an") && i == 0 && len(words) > 1:
			section = 1
		case w == "and" && i > 0 && i < len(words)-1:
		case w == "hundred":
			section = max(section, 1) * 100
		case w == "point":
			f, ok := fraction(words[i+1:])
			return (total+section)*100 + f, ok
		default:
			n := int64(0)
			for _, s := range scales() {
				if s.word == w {
					n = s.value
				}
			}
			if n == 0 || section > most/n {
				return 0, false
			}
			total += max(section, 1) * n
			section = 0
		}
		if total > most || section > most {
			return 0, false
		}
	}
	return (total + section) * 100, len(words) > 0
}

// fraction reads the words after a point.
func fraction(words []string) (int64, bool) {
	if len(words) == 0 || len(words) > 2 {
		return 0, false
	}
	v, ok := englishUnits(words[0])
	if len(words) == 1 {
		if v < 10 {
			v *= 10
		}
		return v, ok
	}
	u, ok2 := englishUnits(words[1])
	if v < 10 {
		v *= 10
	}
	return v + u, ok && ok2 && u < 10
}

// chinese reads Chinese numerals: 一千二百零五, 一千二 (1200), 两万五, 三点五, 二零二六.
func chinese(runes []rune) (int64, bool) {
	for i, r := range runes {
		if r == '点' {
			w, ok := chineseWhole(runes[:i])
			f, ok2 := chineseDigits(runes[i+1:])
			switch len(runes) - i - 1 {
			case 1:
				f *= 10
			case 2:
			default:
				return 0, false
			}
			return w*100 + f, ok && ok2
		}
	}
	v, ok := chineseWhole(runes)
	return v * 100, ok
}

func chineseWhole(runes []rune) (int64, bool) {
	if v, ok := chineseDigits(runes); ok {
		return v, true
	}
	var total, section, digit int64
	last := int64(0) // the unit before
	zero := false
	for i, r := range runes {
		d, isDigit := chineseDigit(r)
		unit := chineseUnit(r)
		switch {
		case isDigit && i > 0 && digit != 0:
			return 0, false
		case isDigit:
			digit = d
			zero = zero || d == 0
			continue
		case unit == 0:
			return 0, false
		case unit >= 1e4:
			total = (total + section + digit) * unit
			section = 0
		default:
			if digit == 0 && i == 0 {
				digit = 1 // 十二
			}
			section += digit * unit
		}
		digit, last, zero = 0, unit, false
		if total > most {
			return 0, false
		}
	}
	if digit > 0 && last >= 100 && !zero {
		digit *= last / 10 // 一千二
	}
	return total + section + digit, len(runes) > 0
}

// chineseDigits reads digits that stand beside each other.
func chineseDigits(runes []rune) (int64, bool) {
	if len(runes) > 13 {
		return 0, false
	}
	var v int64
	for _, r := range runes {
		d, ok := chineseDigit(r)
		if !ok {
			return 0, false
		}
		v = v*10 + d
	}
	return v, len(runes) > 0
}

func chineseUnit(r rune) int64 {
	switch r {
	case '十', '拾':
		return 10
	case '百', '佰':
		return 100
	case '千', '仟':
		return 1000
	case '万', '萬':
		return 1e4
	case '亿':
		return 1e8
	}
	return 0
}

// englishUnits are the number words below one hundred.
func englishUnits(word string) (int64, bool) {
	v, ok := transcript.EnglishNumber(word)
	return int64(v), ok
}

// chineseDigit knows digits as they are written, spoken and written on cheques.
func chineseDigit(r rune) (int64, bool) {
	if r >= '0' && r <= '9' {
		return int64(r - '0'), true
	}
	v, ok := transcript.ChineseDigit(r)
	return int64(v), ok
}
