package intent

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	enMonth   = `(january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec)\.?`
	enWeekday = `(monday|tuesday|wednesday|thursday|friday|saturday|sunday)`
	enDay     = `(\d{1,2})(?:st|nd|rd|th)?`
	enOrdinal = `(first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|twenty[ -]first|twenty[ -]second|twenty[ -]third|twenty[ -]fourth|twenty[ -]fifth|twenty[ -]sixth|twenty[ -]seventh|twenty[ -]eighth|twenty[ -]ninth|thirtieth|thirty[ -]first)`
	zhSmall   = `([0-9０-９]{1,2}|[一二三四五六七八九十]{1,3})`
	zhWeek    = `(?:周|星期|礼拜)`
)

var (
	isoDate    = compiled(`\b((?:19|20)\d\d)([-/.])(\d{1,2})([-/.])(\d{1,2})\b`)
	bareDate   = compiled(`\b((?:19|20)\d{6})\b`)
	zhDate     = compiled(`(?:(去年|今年|明年|[0-9０-９]{4}|[零〇一二三四五六七八九]{4})年?的?)?` + zhSmall + `月(?:份)?` + zhSmall + `[日号]`)
	monthDay   = compiled(`(?i)\b` + enMonth + `\s+(?:the\s+)?(?:` + enDay + `|` + enOrdinal + `)\b(?:,?\s*((?:19|20)\d\d)\b)?`)
	dayMonth   = compiled(`(?i)\b(?:` + enDay + `|` + enOrdinal + `)\s+(?:of\s+)?` + enMonth + `\b(?:,?\s*((?:19|20)\d\d)\b)?`)
	enRelative = compiled(`(?i)\b(the day before yesterday|the day after tomorrow|yesterday|last night|today|tonight|tomorrow|this (?:morning|afternoon|evening))\b`)
	enAgo      = compiled(`(?i)(\b\d{1,3}|\b(?:an?|` + enWord + `)(?:[\s-]` + enWord + `)?)\s+(days?|weeks?|months?)\s+ago\b|\bin\s+(\d{1,3}|an?|` + enWord + `)\s+(days?|weeks?)\b`)
	enThatDay  = compiled(`(?i)\b(?:(last|this|next)\s+)?` + enWeekday + `\b`)
	enThat     = compiled(`(?i)\b(last|this|next)\s+(week|month)\b`)
	zhRelative = compiled(`大前天|前天|昨天|昨日|昨晚|今天|今日|今晚|今早|明天|明日|明早|明晚|大后天|后天`)
	zhAgo      = compiled(`(` + zhNumber + `)\s*(天|个?星期|个?礼拜|周|个月)(以?前|之前|以?后|之后)`)
	zhThatDay  = compiled(`(上上|下下|上个?|下个?|这个?|本)?` + zhWeek + `([一二三四五六日天末])`)
	zhThat     = compiled(`(上上|下下|上|下|这|本)个?(周|星期|礼拜|月)`)
)

// dates finds dates, absolute and relative to now. Bare weekdays are of this
// week, which begins on Monday; "last Monday" is the latest before today, "next
// Monday" the first after today, 上周三 the Wednesday of last week. A date without
// a year is the one nearest to now.
func dates(text string, now time.Time) []Entity {
	var out []Entity
	add := func(start, end int, value string) {
		if value != "" {
			out = append(out, Entity{Kind: Date, Start: start, End: end, Value: value})
		}
	}
	each := func(p func() *regexp.Regexp, value func(m []int) string) {
		for _, m := range p().FindAllStringSubmatchIndex(text, -1) {
			add(m[0], m[1], value(m))
		}
	}
	get := func(m []int, n int) string { return strings.ToLower(group(text, m, n)) }
	each(isoDate, func(m []int) string {
		if get(m, 2) != get(m, 4) {
			return ""
		}
		return ymd(number(get(m, 1)), number(get(m, 3)), number(get(m, 5)))
	})
	each(bareDate, func(m []int) string {
		v, _ := day(get(m, 1))
		return v
	})
	each(zhDate, func(m []int) string {
		return nearest(yearOf(get(m, 1), now), number(get(m, 2)), number(get(m, 3)), now)
	})
	each(monthDay, func(m []int) string {
		return nearest(number(get(m, 4)), month(get(m, 1)), number(get(m, 2))+ordinal(get(m, 3)), now)
	})
	each(dayMonth, func(m []int) string {
		return nearest(number(get(m, 4)), month(get(m, 3)), number(get(m, 1))+ordinal(get(m, 2)), now)
	})
	each(enRelative, func(m []int) string { return inDays(now, relative(get(m, 1))) })
	each(zhRelative, func(m []int) string { return inDays(now, relative(get(m, 0))) })
	each(enAgo, func(m []int) string {
		if n := get(m, 3); n != "" {
			return ago(now, n, get(m, 4), 1)
		}
		return ago(now, get(m, 1), get(m, 2), -1)
	})
	each(zhAgo, func(m []int) string {
		if strings.Contains(get(m, 3), "后") {
			return ago(now, get(m, 1), get(m, 2), 1)
		}
		return ago(now, get(m, 1), get(m, 2), -1)
	})
	each(enThatDay, func(m []int) string { return englishWeekday(now, get(m, 1), get(m, 2)) })
	each(zhThatDay, func(m []int) string { return chineseWeekday(now, get(m, 1), get(m, 2)) })
	each(enThat, func(m []int) string { return that(now, get(m, 1), get(m, 2)) })
	each(zhThat, func(m []int) string { return that(now, get(m, 1), get(m, 2)) })
	return out
}

// number reads a small number; 0 for none.
func number(text string) int {
	n, ok := whole(text)
	if !ok {
		return 0
	}
	return n
}

// ymd is the normal form of a date, "" when there is none such.
func ymd(year, month, day int) string {
	d := time.Date(year, time.Month(month), day, 12, 0, 0, 0, time.UTC)
	if year < 1900 || year > 2099 || int(d.Month()) != month || d.Day() != day {
		return ""
	}
	return d.Format(time.DateOnly)
}

// day reads YYYYMMDD.
func day(digits string) (string, bool) {
	d := ymd(number(digits[:4]), number(digits[4:6]), number(digits[6:]))
	return d, d != ""
}

// nearest is a date in a year, or without one (0) in that which is nearest.
func nearest(year, month, day int, now time.Time) string {
	if year != 0 {
		return ymd(year, month, day)
	}
	best, distance := "", time.Duration(1<<63-1)
	for y := now.Year() - 1; y <= now.Year()+1; y++ {
		d := time.Date(y, time.Month(month), day, 12, 0, 0, 0, now.Location())
		if v := ymd(y, month, day); v != "" && d.Sub(now).Abs() < distance {
			best, distance = v, d.Sub(now).Abs()
		}
	}
	return best
}

func yearOf(text string, now time.Time) int {
	switch text {
	case "":
		return 0
	case "去年":
		return now.Year() - 1
	case "今年":
		return now.Year()
	case "明年":
		return now.Year() + 1
	}
	return number(text)
}

func month(name string) int {
	months := "janfebmaraprmayjunjulaugsepoctnovdec"
	return strings.Index(months, name[:3])/3 + 1
}

// ordinal reads first … thirty-first; 0 for none.
func ordinal(word string) int {
	words := strings.Fields("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth")
	tens := 0
	word = strings.ReplaceAll(word, "-", " ")
	if rest, ok := strings.CutPrefix(word, "twenty "); ok {
		word, tens = rest, 20
	} else if rest, ok := strings.CutPrefix(word, "thirty "); ok {
		word, tens = rest, 30
	}
	if word == "thirtieth" {
		return 30
	}
	for i, w := range words {
		if w == word {
			return tens + i + 1
		}
	}
	return 0
}

func inDays(now time.Time, n int) string {
	d := now.AddDate(0, 0, n)
	return ymd(d.Year(), int(d.Month()), d.Day())
}

// relative are the words for days, as days from today.
func relative(word string) int {
	switch word {
	case "大前天":
		return -3
	case "the day before yesterday", "前天":
		return -2
	case "yesterday", "last night", "昨天", "昨日", "昨晚":
		return -1
	case "tomorrow", "明天", "明日", "明早", "明晚":
		return 1
	case "the day after tomorrow", "后天":
		return 2
	case "大后天":
		return 3
	}
	return 0
}

// ago is n units of time from now, back (-1) or forth (1).
func ago(now time.Time, n, unit string, sign int) string {
	count := 1
	if n != "a" && n != "an" {
		count = number(n)
	}
	if count == 0 || count > 999 {
		return ""
	}
	switch {
	case strings.HasPrefix(unit, "day"), unit == "天":
		return inDays(now, sign*count)
	case strings.HasPrefix(unit, "month"), strings.HasSuffix(unit, "月"):
		return now.AddDate(0, sign*count, 0).Format("2006-01")
	}
	return inDays(now, 7*sign*count)
}

// weekday counts from Monday, 0.
func weekday(t time.Time) int { return (int(t.Weekday()) + 6) % 7 }

func englishWeekday(now time.Time, which, name string) string {
	days := map[string]int{"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}
	ahead := days[name[:3]] - weekday(now)
	switch {
	case which == "last" && ahead >= 0:
		ahead -= 7
	case which == "next" && ahead <= 0:
		ahead += 7
	}
	return inDays(now, ahead)
}

func chineseWeekday(now time.Time, which, name string) string {
	days := map[string]int{"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "末": 5, "日": 6, "天": 6}
	return inDays(now, days[name]-weekday(now)+7*weeks(which))
}

// weeks are the weeks from this one.
func weeks(which string) int {
	switch strings.TrimSuffix(which, "个") {
	case "上上":
		return -2
	case "上", "last":
		return -1
	case "下", "next":
		return 1
	case "下下":
		return 2
	}
	return 0
}

// that is a week (ISO 8601, 2026-W45) or a month (2026-11).
func that(now time.Time, which, unit string) string {
	n := weeks(which)
	if unit == "month" || unit == "月" {
		first := time.Date(now.Year(), now.Month()+time.Month(n), 1, 12, 0, 0, 0, now.Location())
		return first.Format("2006-01")
	}
	year, week := now.AddDate(0, 0, 7*n).ISOWeek()
	return fmt.Sprintf("%d-W%02d", year, week)
}

var (
	clockTime  = compiled(`(?i)\b(\d{1,2})[:：](\d{2})\s*(a\.?m\b\.?|p\.?m\b\.?)?`)
	hourTime   = compiled(`(?i)\b(\d{1,2}|` + enWord + `)\s*(a\.?m\b\.?|p\.?m\b\.?|o'?clock\b(?:\s+in\s+the\s+(morning|afternoon|evening))?)`)
	halfTime   = compiled(`(?i)\b(half past|quarter past|quarter to)\s+(\d{1,2}|` + enWord + `)\b`)
	noon       = compiled(`(?i)\b(?:at\s+)(noon|midnight)\b`)
	zhClock    = compiled(`(凌晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|今晚|昨晚|明晚|明早|今早|半夜)?` + zhSmall + `(?:点钟?|时)(?:(半)|([一三])刻|` + zhSmall + `分?|零([0-9０-９一二三四五六七八九])分?)?(多)?`)
	zhDecimals = compiled(`^[0-9零〇一二三四五六七八九]$`)
)

// times finds times of day. Where no part of the day is said, the hour is as it
// was said.
func times(text string) []Entity {
	var out []Entity
	add := func(m []int, hour, minute int) {
		if hour >= 0 && hour < 24 && minute >= 0 && minute < 60 {
			out = append(out, Entity{Kind: Time, Start: m[0], End: m[0] + len(strings.TrimRight(text[m[0]:m[1]], " ")), Value: fmt.Sprintf("%02d:%02d", hour, minute)})
		}
	}
	for _, m := range clockTime().FindAllStringSubmatchIndex(text, -1) {
		add(m, half(number(group(text, m, 1)), group(text, m, 3)), number(group(text, m, 2)))
	}
	for _, m := range hourTime().FindAllStringSubmatchIndex(text, -1) {
		part := group(text, m, 2)
		if m[6] >= 0 {
			part = group(text, m, 3)
		}
		if h := number(group(text, m, 1)); h > 0 && h <= 24 {
			add(m, half(h, part), 0)
		}
	}
	for _, m := range halfTime().FindAllStringSubmatchIndex(text, -1) {
		h := number(group(text, m, 2))
		switch strings.ToLower(group(text, m, 1)) {
		case "half past":
			add(m, h, 30)
		case "quarter past":
			add(m, h, 15)
		default:
			add(m, h-1, 45)
		}
	}
	for _, m := range noon().FindAllStringSubmatchIndex(text, -1) {
		if strings.EqualFold(group(text, m, 1), "noon") {
			add([]int{m[2], m[3]}, 12, 0)
		} else {
			add([]int{m[2], m[3]}, 0, 0)
		}
	}
	for _, m := range zhClock().FindAllStringSubmatchIndex(text, -1) {
		if hour, minute, ok := chineseClock(text, m); ok {
			if m[2] >= 0 && zhRelative().MatchString(text[m[2]:m[3]]) {
				m[0] = m[4] // 昨晚十一点 is a date, then a time
			}
			add(m, hour, minute)
		}
	}
	return out
}

// half reads a.m. and p.m. and parts of the day.
func half(hour int, part string) int {
	part = strings.ReplaceAll(strings.ToLower(part), ".", "")
	switch {
	case part == "am" || part == "morning":
		return hour % 12
	case (part == "pm" || part == "afternoon" || part == "evening") && hour <= 12:
		return hour%12 + 12
	}
	return hour
}

// chineseClock reads 下午三点半. 一点 is "a little", and 三点五 a number, unless more
// says that they are times.
func chineseClock(text string, m []int) (hour, minute int, ok bool) {
	part, h := group(text, m, 1), group(text, m, 2)
	minutes := group(text, m, 5)
	explicit := part != "" || m[6] >= 0 || m[8] >= 0 || strings.HasSuffix(text[m[0]:m[1]], "钟") || strings.HasSuffix(text[m[0]:m[1]], "分")
	switch {
	case !explicit && h == "一" && minutes == "":
		return 0, 0, false
	case !explicit && utf8.RuneCountInString(minutes) == 1 && zhDecimals().MatchString(minutes):
		return 0, 0, false
	case strings.Contains(text[m[0]:m[1]], "时") && part == "" && !explicit:
		return 0, 0, false
	}
	hour = number(h)
	switch {
	case m[6] >= 0:
		minute = 30
	case m[8] >= 0:
		minute = 15 * number(group(text, m, 4))
	case minutes != "":
		minute = number(minutes)
	case m[12] >= 0:
		minute = number(group(text, m, 6))
	}
	switch part {
	case "下午", "傍晚", "晚上", "夜里", "今晚", "昨晚", "明晚":
		if hour <= 12 && hour >= 1 {
			hour = hour%12 + 12
		}
		if hour == 12 && part != "下午" && part != "傍晚" { // 晚上十二点
			hour = 0
		}
	case "中午":
		if hour >= 1 && hour <= 3 {
			hour += 12
		}
	case "凌晨", "半夜":
		hour %= 12
	}
	return hour, minute, true
}
