package ivr

import (
	"strconv"
	"strings"
	"time"
)

// chinese spells as Mandarin does on the telephone. 两 stands for a leading
// 二 before 千, 万 and 亿 and for a lone two of something (两元, 两点); one is 幺
// where digits are read out one by one (accounts, telephone numbers).
type chinese struct{}

func chineseDigit(n int64) string {
	return string([]rune("零一二三四五六七八九")[n])
}

// chineseWhole spells n ≥ 0. Inside a larger number ten is 一十.
func chineseWhole(n int64) string {
	text := chineseInner(n)
	if rest, ok := strings.CutPrefix(text, "一十"); ok {
		text = "十" + rest
	}
	for _, lead := range []string{"千", "万", "亿"} {
		if strings.HasPrefix(text, "二"+lead) {
			return "两" + strings.TrimPrefix(text, "二")
		}
	}
	return text
}

func chineseInner(n int64) string {
	for _, scale := range []struct {
		value int64
		word  string
	}{{1e8, "亿"}, {1e4, "万"}, {1000, "千"}, {100, "百"}, {10, "十"}} {
		if n < scale.value {
			continue
		}
		text := chineseInner(n/scale.value) + scale.word
		rest := n % scale.value
		if rest == 0 {
			return text
		}
		if rest < scale.value/10 {
			text += "零"
		}
		return text + chineseInner(rest)
	}
	return chineseDigit(n)
}

func (c chinese) whole(d decimal) string {
	if n, ok := d.small(); ok {
		return chineseWhole(n)
	}
	return c.each(d.whole)
}

// each reads digits of a number, where one stays 一.
func (chinese) each(digits string) string {
	var text strings.Builder
	for _, r := range digits {
		text.WriteString(chineseDigit(int64(r - '0')))
	}
	return text.String()
}

func (chinese) sign(d decimal) string {
	if d.negative {
		return "负"
	}
	return ""
}

func (c chinese) number(d decimal) string {
	text := c.sign(d) + c.whole(d)
	if d.fraction != "" {
		text += "点" + c.each(d.fraction)
	}
	return text
}

func (c chinese) count(d decimal) string {
	if d.whole == "2" {
		return c.sign(d) + "两"
	}
	return c.sign(d) + c.whole(d)
}

func (c chinese) money(d decimal, cur currency) string {
	text := c.sign(d)
	part := int64(d.hundredths())
	if d.whole != "0" || part == 0 {
		text += c.count(decimal{whole: d.whole}) + cur.chinese[0]
	}
	if part == 0 {
		return text
	}
	if cur.chinese[1] != "" {
		return text + chineseWhole(part) + cur.chinese[1]
	}
	return text + jiaoAndFen(part, d.whole != "0")
}

// jiaoAndFen spells hundredths as 角 and 分; a missing 角 after a whole is 零.
func jiaoAndFen(part int64, afterWhole bool) string {
	text := ""
	switch jiao := part / 10; {
	case jiao > 0:
		text = chineseDigit(jiao) + "角"
	case afterWhole:
		text = "零"
	}
	if fen := part % 10; fen > 0 {
		text += chineseDigit(fen) + "分"
	}
	return text
}

func (chinese) digit(r rune) string {
	switch {
	case r == '1':
		return "幺"
	case r >= '0' && r <= '9':
		return chineseDigit(int64(r - '0'))
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z':
		return strings.ToUpper(string(r))
	case r == '*':
		return "星"
	case r == '#':
		return "井"
	case r == '+':
		return "加"
	case r == '.':
		return "点"
	}
	return ""
}

func (chinese) mark(r rune) string {
	return map[rune]string{'-': "杠", '_': "下划线", '/': "斜杠", '@': "艾特", '&': "和", ':': "冒号"}[r]
}

func (chinese) comma() string { return "，" }

func (chinese) join(words []string) string { return strings.Join(words, "") }

func (c chinese) date(t time.Time) string {
	return c.each(t.Format("2006")) + "年" + chineseWhole(int64(t.Month())) + "月" + chineseWhole(int64(t.Day())) + "日"
}

func (c chinese) clock(hour, minute int) string {
	text := chinesePartOfDay(hour) + c.count(decimal{whole: strconv.Itoa((hour+11)%12 + 1)}) + "点"
	if hour == 0 {
		text = "零点"
	}
	switch {
	case minute == 0:
		return text
	case minute < 10:
		text += "零"
	}
	return text + chineseWhole(int64(minute)) + "分"
}

func chinesePartOfDay(hour int) string {
	switch {
	case hour < 6:
		return "凌晨"
	case hour < 12:
		return "上午"
	case hour < 13:
		return "中午"
	case hour < 18:
		return "下午"
	default:
		return "晚上"
	}
}
