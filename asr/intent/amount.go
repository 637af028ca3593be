package intent

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Pieces of the patterns below.
const (
	written   = `[0-9０-９][0-9０-９,，]*(?:[.．][0-9０-９]+)?`
	zhDigits  = `[零〇一幺壹二两贰三叁四肆五伍六陆七柒八捌九玖]`
	zhNumeral = `[零〇一壹二两贰三叁四肆五伍六陆七柒八捌九玖十拾百佰千仟万萬亿]+(?:点` + zhDigits + `+)?`
	zhNumber  = `(?:` + written + `\s*[百千万亿]?[0-9]?[百千万]?|` + zhNumeral + `)`
	enWord    = `(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion)`
	enNumeral = `(?:\b(?:an?\s+)?` + enWord + `(?:(?:[\s-]+(?:and\s+)?|\s+point\s+)(?:` + enWord + `|oh)\b)*)`
	enNumber  = `(?:` + written + `\s*(?:thousand|million|billion|grand|k)?\b|` + enNumeral + `)`
)

var (
	symbolAmount  = compiled(`(?i)(US\$|HK\$|[$＄¥￥€£]|\b(?:USD|CNY|RMB|HKD|EUR|GBP|JPY)\b|人民币)\s*(` + written + `\s*(?:thousand\b|million\b|k\b|[万亿千百])?|` + zhNumeral + `)`)
	englishAmount = compiled(`(?i)(` + enNumber + `)\s*(us dollars?|hong kong dollars?|dollars?|bucks?|yuan|kuai|rmb|renminbi|cny|usd|hkd|eur|gbp|jpy|euros?|pounds?|quid|yen)\b(?:\s+(?:and\s+)?(` + enNumber + `)\s*(?:cents?|pence|fen)\b)?`)
	centAmount    = compiled(`(?i)(` + enNumber + `)\s*(cents?|pence)\b`)
	chineseAmount = compiled(`(` + zhNumber + `)\s*(美元|美金|港元|港币|欧元|英镑|日元|人民币|元|圆|块钱|块)(?:\s*(?:(` + zhNumber + `)([角毛])(?:(` + zhNumber + `)分?)?|零?(` + zhNumber + `)(分)|(` + zhDigits + `|[0-9])(钱)?))?`)
	jiaoAmount    = compiled(`(` + zhNumber + `)([角毛])钱?(?:(` + zhNumber + `)分)?`)
)

// amounts finds amounts of money.
func amounts(text string) []Entity {
	var out []Entity
	for _, m := range symbolAmount().FindAllStringSubmatchIndex(text, -1) {
		if !followed(text, m[1]) {
			out = appendAmount(out, text, m[0], m[1], text[m[2]:m[3]], group(text, m, 2), 0)
		}
	}
	for _, m := range englishAmount().FindAllStringSubmatchIndex(text, -1) {
		cents, ok := int64(0), true
		if m[6] >= 0 {
			cents, ok = hundredths(group(text, m, 3))
			cents /= 100
		}
		if ok && cents < 100 {
			out = appendAmount(out, text, m[0], m[1], group(text, m, 2), group(text, m, 1), cents)
		}
	}
	for _, m := range centAmount().FindAllStringSubmatchIndex(text, -1) {
		if v, ok := whole(group(text, m, 1)); ok && v < 1000 {
			out = append(out, amount(m[0], m[1], "", int64(v)))
		}
	}
	return append(out, chineseAmounts(text)...)
}

func chineseAmounts(text string) []Entity {
	var out []Entity
	for _, m := range chineseAmount().FindAllStringSubmatchIndex(text, -1) {
		end, parts, ok := chineseParts(text, m)
		if ok && !together(text, m) {
			out = appendAmount(out, text, m[0], end, group(text, m, 2), group(text, m, 1), parts)
		}
	}
	for _, m := range jiaoAmount().FindAllStringSubmatchIndex(text, -1) {
		jiao, ok := whole(group(text, m, 1))
		fen, ok2 := 0, true
		if m[6] >= 0 {
			fen, ok2 = whole(group(text, m, 3))
		}
		if ok && ok2 && jiao < 10 && fen < 10 {
			out = append(out, amount(m[0], m[1], "CNY", int64(jiao*10+fen)))
		}
	}
	return out
}

// chineseParts reads what follows the yuan: 五角三分, 五毛, 五分, and 三块五. A
// digit that belongs to something else is left alone.
func chineseParts(text string, m []int) (end int, parts int64, ok bool) {
	digit := func(i int) int64 {
		if m[2*i] < 0 {
			return 0
		}
		v, good := whole(group(text, m, i))
		if !good || v > 9 && i != 6 || v > 99 {
			ok = false
		}
		return int64(v)
	}
	ok = true
	switch {
	case m[6] >= 0:
		return m[1], digit(3)*10 + digit(5), ok
	case m[12] >= 0:
		return m[1], digit(6), ok
	case m[16] >= 0:
		unit := group(text, m, 2)
		if strings.HasPrefix(unit, "块") && !goesOn(text[m[17]:]) {
			return m[1], digit(8) * 10, ok
		}
		return m[5], 0, true
	}
	return m[1], 0, true
}

// goesOn reports whether a number continues.
func goesOn(rest string) bool {
	r, _ := utf8.DecodeRuneInString(rest)
	_, isDigit := chineseDigit(r)
	return isDigit || chineseUnit(r) > 0 || strings.ContainsRune("个天次张月年号点遍笔元块", r)
}

// together knows 一块儿 and 一块去, which are no money, and 元旦.
func together(text string, m []int) bool {
	next, _ := utf8.DecodeRuneInString(text[m[5]:])
	switch group(text, m, 2) {
	case "块":
		return group(text, m, 1) == "一" && strings.ContainsRune("儿去来吃走玩", next)
	case "元":
		return strings.ContainsRune("旦月", next)
	}
	return false
}

// followed reports whether a number with a currency before it has one behind it,
// too: ¥1200元 is found whole by the other patterns.
func followed(text string, end int) bool {
	rest := strings.TrimSpace(text[end:])
	for _, unit := range []string{"元", "块", "yuan", "dollar", "角", "毛"} {
		if strings.HasPrefix(strings.ToLower(rest), unit) {
			return true
		}
	}
	return false
}

func group(text string, m []int, n int) string {
	if m[2*n] < 0 {
		return ""
	}
	return text[m[2*n]:m[2*n+1]]
}

func appendAmount(out []Entity, text string, start, end int, unit, number string, cents int64) []Entity {
	v, ok := hundredths(strings.ReplaceAll(number, "，", ","))
	if !ok {
		return out
	}
	code := currency(unit)
	trimmed := strings.TrimRight(text[start:end], " ,，")
	return append(out, amount(start, start+len(trimmed), code, v+cents))
}

func amount(start, end int, code string, v int64) Entity {
	return Entity{Kind: Amount, Start: start, End: end, Value: fmt.Sprintf("%d.%02d", v/100, v%100), Currency: code}
}

// currency is the ISO 4217 code of a unit; "" where it could be several.
func currency(unit string) string {
	unit = strings.ToLower(strings.TrimSpace(unit))
	for _, c := range [...]struct{ code, units string }{
		{"CNY", " ¥ ￥ cny rmb renminbi yuan kuai 人民币 元 圆 块 块钱 "},
		{"USD", " $ ＄ us$ usd dollar dollars us_dollar us_dollars buck bucks 美元 美金 "},
		{"HKD", " hk$ hkd hong_kong_dollar hong_kong_dollars 港元 港币 "},
		{"EUR", " € eur euro euros 欧元 "},
		{"GBP", " £ gbp pound pounds quid 英镑 "},
		{"JPY", " jpy yen 日元 "},
	} {
		if strings.Contains(c.units, " "+strings.ReplaceAll(unit, " ", "_")+" ") {
			return c.code
		}
	}
	return ""
}
