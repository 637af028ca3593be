package ivr

import (
	"math"
	"testing"
	"time"
)

func TestSpeak(t *testing.T) {
	day := time.Date(2026, 11, 20, 9, 5, 0, 0, time.UTC)
	for _, c := range []struct {
		value  any
		format string
		en, zh string
	}{
		{0, "number", "zero", "零"},
		{2, "number", "two", "二"},
		{10, "number", "ten", "十"},
		{15, "number", "fifteen", "十五"},
		{20, "number", "twenty", "二十"},
		{21, "number", "twenty-one", "二十一"},
		{100, "number", "one hundred", "一百"},
		{101, "number", "one hundred one", "一百零一"},
		{110, "number", "one hundred ten", "一百一十"},
		{115, "number", "one hundred fifteen", "一百一十五"},
		{200, "number", "two hundred", "二百"},
		{1001, "number", "one thousand one", "一千零一"},
		{1010, "number", "one thousand ten", "一千零一十"},
		{1200, "number", "one thousand two hundred", "一千二百"},
		{2000, "number", "two thousand", "两千"},
		{2222, "number", "two thousand two hundred twenty-two", "两千二百二十二"},
		{10000, "number", "ten thousand", "一万"},
		{10001, "number", "ten thousand one", "一万零一"},
		{12000, "number", "twelve thousand", "一万二千"},
		{22000, "number", "twenty-two thousand", "两万二千"},
		{100000, "number", "one hundred thousand", "十万"},
		{100010, "number", "one hundred thousand ten", "十万零一十"},
		{110000, "number", "one hundred ten thousand", "十一万"},
		{1010000, "number", "one million ten thousand", "一百零一万"},
		{20000000, "number", "twenty million", "两千万"},
		{100000000, "number", "one hundred million", "一亿"},
		{100000001, "number", "one hundred million one", "一亿零一"},
		{200010000, "number", "two hundred million ten thousand", "两亿零一万"},
		{1234567890, "number", "one billion two hundred thirty-four million five hundred sixty-seven thousand eight hundred ninety", "十二亿三千四百五十六万七千八百九十"},
		{1e12, "number", "one trillion", "一万亿"},
		{-15, "number", "minus fifteen", "负十五"},
		{3.14, "number", "three point one four", "三点一四"},
		{0.05, "number", "zero point zero five", "零点零五"},
		{"1.50", "number", "one point five", "一点五"},
		{-0.0000001, "number", "zero", "零"},
		{"1234567890123456", "number", "one two three four five six seven eight nine zero one two three four five six", "一二三四五六七八九零一二三四五六"},
		{2, "count", "two", "两"},
		{12, "count", "twelve", "十二"},
		{2.5, "count", "three", "三"},
		{0, "money:CNY", "zero yuan", "零元"},
		{1, "money:CNY", "one yuan", "一元"},
		{2, "money:CNY", "two yuan", "两元"},
		{1200.5, "money:CNY", "one thousand two hundred yuan and fifty fen", "一千二百元五角"},
		{1200.05, "money:CNY", "one thousand two hundred yuan and five fen", "一千二百元零五分"},
		{1200.55, "money:CNY", "one thousand two hundred yuan and fifty-five fen", "一千二百元五角五分"},
		{.05, "money:CNY", "five fen", "五分"},
		{.50, "money:CNY", "fifty fen", "五角"},
		{.004, "money:CNY", "zero yuan", "零元"},
		{-.004, "money:CNY", "zero yuan", "零元"},
		{1.005, "money:CNY", "one yuan and one fen", "一元零一分"},
		{0.995, "money:CNY", "one yuan", "一元"},
		{999.999, "money:CNY", "one thousand yuan", "一千元"},
		{-12.3, "money:CNY", "minus twelve yuan and thirty fen", "负十二元三角"},
		{1.01, "money:USD", "one dollar and one cent", "一美元一美分"},
		{2.1, "money:USD", "two dollars and ten cents", "两美元十美分"},
		{3, "money:EUR", "three euros", "三欧元"},
		{1.5, "money:GBP", "one pound and fifty pence", "一英镑五十便士"},
		{1234.5, "money:JPY", "one thousand two hundred thirty-five yen", "一千二百三十五日元"},
		{10000, "money:HKD", "ten thousand Hong Kong dollars", "一万港元"},
		{1234.5, "money:CNY", "one thousand two hundred thirty-four yuan and fifty fen", "一千二百三十四元五角"},
		{"1,234.50", "money:CNY", "one thousand two hundred thirty-four yuan and fifty fen", "一千二百三十四元五角"},
		{"-1,234,567.89", "number", "minus one million two hundred thirty-four thousand five hundred sixty-seven point eight nine", "负一百二十三万四千五百六十七点八九"},
		{-0.5, "money:CNY", "minus fifty fen", "负五角"},
		{200, "money:CNY", "two hundred yuan", "二百元"},
		{20002, "money:CNY", "twenty thousand two yuan", "两万零二元"},
		{10.1, "money:CNY", "ten yuan and ten fen", "十元一角"},
		{100000000.01, "money:CNY", "one hundred million yuan and one fen", "一亿元零一分"},
		{"999999999999999.99", "money:USD", "nine hundred ninety-nine trillion nine hundred ninety-nine billion nine hundred ninety-nine million nine hundred ninety-nine thousand nine hundred ninety-nine dollars and ninety-nine cents", "九百九十九万九千九百九十九亿九千九百九十九万九千九百九十九美元九十九美分"},
		{105000000, "number", "one hundred five million", "一亿零五百万"},
		{1000000000000, "number", "one trillion", "一万亿"},
		{"6221", "digits", "six two two one", "六二二幺"},
		{"+86 138-00", "digits", "plus eight six one three eight zero zero", "加八六幺三八零零"},
		{"A1*#", "digits", "A one star hash", "A幺星井"},
		{1024, "digits", "one zero two four", "幺零二四"},
		{"2026-11-20", "date", "November twentieth, twenty twenty-six", "二零二六年十一月二十日"},
		{"2005-01-02", "date", "January second, two thousand five", "二零零五年一月二日"},
		{"1905-03-31", "date", "March thirty-first, nineteen oh five", "一九零五年三月三十一日"},
		{day, "time", "five oh five p.m.", "下午五点零五分"},
		{"2026-11-20T01:30:00Z", "time", "nine thirty a.m.", "上午九点三十分"},
		{"00:00", "time", "midnight", "零点"},
		{"12:00", "time", "noon", "中午十二点"},
		{"14:00", "time", "two p.m.", "下午两点"},
		{"18:15", "time", "six fifteen p.m.", "晚上六点十五分"},
		{"00:05", "time", "twelve oh five a.m.", "零点零五分"},
		{1200.5, "", "1200.5", "1200.5"},
		{1e21, "", "1000000000000000000000", "1000000000000000000000"},
	} {
		f, ok := parseFormat(c.format)
		if !ok {
			t.Fatalf("format %q is not known", c.format)
		}
		shanghai := time.FixedZone("CST", 8*3600)
		for language, want := range map[string]string{"en": c.en, "zh": c.zh} {
			got, err := speak(c.value, f, language, shanghai)
			if err != nil || got != want {
				t.Errorf("%v|%s in %s: got %q, %v; want %q", c.value, c.format, language, got, err, want)
			}
		}
	}
}

func TestSpeakRefuses(t *testing.T) {
	for _, c := range []struct {
		value  any
		format string
	}{
		{nil, "number"},
		{nil, ""},
		{true, "number"},
		{"", "number"},
		{"1.2.3", "number"},
		{"twelve", "money:CNY"},
		{"--1", "count"},
		{math.NaN(), "number"},
		{math.Inf(1), "money:CNY"},
		{12, "date"},
		{"soon", "time"},
		{"1,23", "number"},
		{"12,345,6", "number"},
		{[]any{1}, "digits"},
		{map[string]any{}, ""},
	} {
		f, _ := parseFormat(c.format)
		if got, err := speak(c.value, f, "en", time.UTC); err == nil {
			t.Errorf("%v|%s: got %q, want an error", c.value, c.format, got)
		}
	}
	if _, err := speak(1, format{name: "number"}, "fr", time.UTC); err == nil {
		t.Error("a language without a speaker was spoken")
	}
}

// FuzzSpeakMoney: any number is spoken in both languages, and a zero is the
// only amount that is said as one.
func FuzzSpeakMoney(f *testing.F) {
	for _, v := range []float64{0, .05, .5, 1200.5, -3, 1e15, 1e300, 5e-324, 99999999.995} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v float64) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Skip()
		}
		for _, language := range []string{"en", "zh"} {
			got, err := speak(v, format{name: "money", currency: "CNY"}, language, time.UTC)
			if err != nil {
				// Longer than any amount, refused rather than read for minutes.
				if math.Abs(v) < 1e300 && math.Abs(v) > 1e-300 {
					t.Fatalf("%v in %s: %v", v, language, err)
				}
				continue
			}
			if zero := got == "zero yuan" || got == "零元"; zero != (math.Abs(v) < .005) && math.Abs(math.Abs(v)-.005) > 1e-9 {
				t.Fatalf("%v in %s: %q", v, language, got)
			}
		}
	})
}
