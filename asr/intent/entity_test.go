package intent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/transcript"
)

// wednesday is 2026-11-04 in Shanghai.
func wednesday() time.Time {
	return time.Date(2026, 11, 4, 10, 0, 0, 0, time.FixedZone("CST", 8*3600))
}

// TestEntities: text, then what is found in it as kind=value@piece of text.
func TestEntities(t *testing.T) {
	f, err := NewFinder("")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text string
		want []string
	}{
		// Amounts.
		{"I paid $1,200.50 for it", []string{"amount=1200.50 USD@$1,200.50"}},
		{"two hundred and fifty dollars", []string{"amount=250.00 USD@two hundred and fifty dollars"}},
		{"five dollars and twenty cents", []string{"amount=5.20 USD@five dollars and twenty cents"}},
		{"a thousand euros", []string{"amount=1000.00 EUR@a thousand euros"}},
		{"1.5 million yuan", []string{"amount=1500000.00 CNY@1.5 million yuan"}},
		{"it was twelve point five pounds", []string{"amount=12.50 GBP@twelve point five pounds"}},
		{"¥99", []string{"amount=99.00 CNY@¥99"}},
		{"一千二百元五角", []string{"amount=1200.50 CNY@一千二百元五角"}},
		{"转了一万两千三百四十五块六毛七分给他", []string{"amount=12345.67 CNY@一万两千三百四十五块六毛七分"}},
		{"三块五", []string{"amount=3.50 CNY@三块五"}},
		{"五毛钱", []string{"amount=0.50 CNY@五毛钱"}},
		{"一千二块钱", []string{"amount=1200.00 CNY@一千二块钱"}},
		{"3万5千元", []string{"amount=35000.00 CNY@3万5千元"}},
		{"１２００元", []string{"amount=1200.00 CNY@１２００元"}},
		{"人民币五千元", []string{"amount=5000.00 CNY@五千元"}},
		{"两百美元", []string{"amount=200.00 USD@两百美元"}},
		{"一百零五元零五分", []string{"amount=105.05 CNY@一百零五元零五分"}},
		{"十二块八毛", []string{"amount=12.80 CNY@十二块八毛"}},
		{"我们一块儿去", nil},
		{"元旦营业吗", nil},
		// Dates.
		{"yesterday", []string{"date=2026-11-03@yesterday"}},
		{"the day before yesterday", []string{"date=2026-11-02@the day before yesterday"}},
		{"on 2026-10-31", []string{"date=2026-10-31@2026-10-31"}},
		{"on November 5th, 2025", []string{"date=2025-11-05@November 5th, 2025"}},
		{"the fifth of November", []string{"date=2026-11-05@fifth of November"}},
		{"on January 3", []string{"date=2027-01-03@January 3"}},
		{"last Monday", []string{"date=2026-11-02@last Monday"}},
		{"last wednesday", []string{"date=2026-10-28@last wednesday"}},
		{"next friday", []string{"date=2026-11-06@next friday"}},
		{"three days ago", []string{"date=2026-11-01@three days ago"}},
		{"2 weeks ago", []string{"date=2026-10-21@2 weeks ago"}},
		{"last month", []string{"date=2026-10@last month"}},
		{"上周三没到", []string{"date=2026-10-28@上周三"}},
		{"上星期天", []string{"date=2026-11-01@上星期天"}},
		{"下周一", []string{"date=2026-11-09@下周一"}},
		{"前天", []string{"date=2026-11-02@前天"}},
		{"大前天", []string{"date=2026-11-01@大前天"}},
		{"二零二五年十月三十一号", []string{"date=2025-10-31@二零二五年十月三十一号"}},
		{"去年12月3日", []string{"date=2025-12-03@去年12月3日"}},
		{"11月5号", []string{"date=2026-11-05@11月5号"}},
		{"三天前", []string{"date=2026-11-01@三天前"}},
		{"两个星期以前", []string{"date=2026-10-21@两个星期以前"}},
		{"上个月", []string{"date=2026-10@上个月"}},
		{"上周", []string{"date=2026-W44@上周"}},
		{"February 30", nil},
		// Times.
		{"at 3:30 pm", []string{"time=15:30@3:30 pm"}},
		{"at 9 a.m.", []string{"time=09:00@9 a.m."}},
		{"seven o'clock in the evening", []string{"time=19:00@seven o'clock in the evening"}},
		{"half past ten", []string{"time=10:30@half past ten"}},
		{"quarter to five", []string{"time=04:45@quarter to five"}},
		{"下午三点半", []string{"time=15:30@下午三点半"}},
		{"晚上8点", []string{"time=20:00@晚上8点"}},
		{"三点一刻", []string{"time=03:15@三点一刻"}},
		{"十点二十五分", []string{"time=10:25@十点二十五分"}},
		{"昨晚十一点", []string{"date=2026-11-03@昨晚", "time=23:00@十一点"}},
		{"请慢一点", nil},
		// Telephone numbers.
		{"my number is 13800138000", []string{"phone=+86•••••••8000@13800138000"}},
		{"幺三八零零幺三八零零零", []string{"phone=+86•••••••8000@幺三八零零幺三八零零零"}},
		{"one three eight double oh one three eight triple zero", []string{"phone=+86•••••••8000@one three eight double oh one three eight triple zero"}},
		{"138 0013 8000", []string{"phone=+86•••••••8000@138 0013 8000"}},
		{"幺三八，零零幺三，八零零零", []string{"phone=+86•••••••8000@幺三八，零零幺三，八零零零"}},
		{"call +44 20 7946 0958", []string{"phone=+44••••••0958@+44 20 7946 0958"}},
		{"plus four four two oh seven nine four six oh nine five eight", []string{"phone=+44••••••0958@plus four four two oh seven nine four six oh nine five eight"}},
		// Cards and identity numbers.
		{"4111 1111 1111 1111", []string{"card=411111••••••1111@4111 1111 1111 1111"}},
		{"4111 1111 1111 1112", []string{"number=••••••••••••1112@4111 1111 1111 1112"}},
		{"卡号六二零零零零零零零零零零零零零五", []string{"card=620000••••••0005@六二零零零零零零零零零零零零零五"}},
		{"11010519491231002X", []string{"id=110•••••••••••002X@11010519491231002X"}},
		{"一一零一零五一九四九一二三一零零二X", []string{"id=110•••••••••••002X@一一零一零五一九四九一二三一零零二X"}},
		{"110105194912310021", []string{"number=••••••••••••••0021@110105194912310021"}},
		{"account 1234567", []string{"number=••••567@1234567"}},
		// Orders.
		{"where is TB20331845", []string{"order=TB20331845@TB20331845"}},
		{"order number 88213", []string{"order=88213@88213"}},
		{"订单88213没到", []string{"order=88213@88213"}},
		// Together, and nothing.
		{"上周三我转了一千二百元五角到13900139000", []string{"date=2026-10-28@上周三", "amount=1200.50 CNY@一千二百元五角", "phone=+86•••••••9000@13900139000"}},
		{"extension 204", nil},
		{"", nil},
	} {
		var got []string
		for _, e := range f.Find(c.text, wednesday()) {
			v := e.Value
			if e.Currency != "" {
				v += " " + e.Currency
			}
			got = append(got, fmt.Sprintf("%s=%s@%s", e.Kind, v, c.text[e.Start:e.End]))
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.text, got, c.want)
		}
	}
}

// TestNumbersDoNotPrint: an entity shows its number in no way.
func TestNumbersDoNotPrint(t *testing.T) {
	f, _ := NewFinder("")
	es := f.Find("one three eight oh oh one three eight oh oh oh", wednesday())
	if len(es) != 1 || es[0].Private.Reveal() != "+8613800138000" {
		t.Fatalf("found %v", es)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "e", es[0])
	b, _ := json.Marshal(es)
	for _, s := range []string{log.String(), string(b), fmt.Sprintf("%v %+v %#v %s", es, es, es, es[0].Private)} {
		if strings.Contains(s, "13800138000") {
			t.Errorf("printed: %s", s)
		}
	}
}

func TestMask(t *testing.T) {
	f, _ := NewFinder("")
	for text, want := range map[string]string{
		"it's one three eight oh oh one three eight oh oh oh, please": "it's +86•••••••8000, please",
		"I paid 1200 yuan on 2026-11-02 for order TB20331845":         "I paid 1200 yuan on 2026-11-02 for order TB20331845",
		"four one five five five five oh one two three":               "••••••0123",
		"call (415) 555-0123": "call (••••••0123",
	} {
		if got := f.Mask(text); got != want {
			t.Errorf("Mask(%q) = %q, want %q", text, got, want)
		}
	}
}

// FuzzEntities: entities lie inside the text, in order; what is masked does not
// hold the number, planted in written or spoken digits.
func FuzzEntities(f *testing.F) {
	finder, err := NewFinder("")
	if err != nil {
		f.Fatal(err)
	}
	for i, s := range []string{"", "我的号码是", "a thousand dollars and ", "上周三下午三点半，", "+86 ", "1", "一", "\xff\xfe", "double ", "order "} {
		f.Add(s, s, uint64(i))
	}
	f.Fuzz(func(t *testing.T, before, after string, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 7))
		planted := plant(r)
		text := before + "；" + spell(r, planted) + "；" + after
		end := 0
		for _, e := range finder.Find(text, wednesday()) {
			if e.Start < end || e.End <= e.Start || e.End > len(text) {
				t.Fatalf("%q: entity at %d-%d after %d", text, e.Start, e.End, end)
			}
			end = e.End
			if e.Personal() && (strings.Contains(e.Value, e.Private.Reveal()) || !strings.Contains(e.Value, "•")) {
				t.Errorf("%s shows its number", e.Kind)
			}
		}
		masked := finder.Mask(text)
		if strings.Contains(digitsOnly(before), planted) || strings.Contains(digitsOnly(after), planted) || len(text) > longestText {
			return
		}
		if strings.Contains(digitsOnly(masked), planted) {
			t.Errorf("%q is in %q, of %q", planted, masked, text)
		}
	})
}

// plant makes a personal number.
func plant(r *rand.Rand) string {
	if r.IntN(2) == 0 {
		return fmt.Sprintf("1%d%09d", 3+r.IntN(7), r.IntN(1_000_000_000))
	}
	d := fmt.Sprintf("6222%014d", r.IntN(100_000_000_000_000))
	for c := '0'; ; c++ {
		if card(d + string(c)) {
			return d + string(c)
		}
	}
}

// spell writes a number in figures, in Chinese or in English words.
func spell(r *rand.Rand, digits string) string {
	zh := []rune("零一二三四五六七八九")
	en := strings.Fields("zero one two three four five six seven eight nine")
	how := r.IntN(3)
	var b strings.Builder
	for _, d := range digits {
		switch how {
		case 0:
			b.WriteRune(d)
		case 1:
			b.WriteRune(zh[d-'0'])
		default:
			b.WriteString(en[d-'0'] + " ")
		}
	}
	return b.String()
}

// digitsOnly gives the digits of a text, however they are written.
func digitsOnly(text string) string {
	var b strings.Builder
	for _, run := range transcript.DigitRuns(text) {
		for _, a := range run {
			b.WriteString(a.Text)
		}
		b.WriteByte(' ')
	}
	return b.String()
}

// BenchmarkFindWorst reads the longest texts of what the rules look for.
func BenchmarkFindWorst(b *testing.B) {
	f := mustFinder(b)
	for name, piece := range map[string]string{"zh": "一二三", "words": "one hundred and ", "digits": "1 ", "weeks": "上周三", "mixed": "上周三 $1,200 一千二百元 "} {
		text := strings.Repeat(piece, longestText/len(piece))
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f.Find(text, wednesday())
			}
		})
	}
}

// TestFindInLongTexts: what is cut off leaves offsets and the last rune whole.
func TestFindInLongTexts(t *testing.T) {
	f := mustFinder(t)
	text := "\xff一千元 " + strings.Repeat("好", longestText) + " 13800138000"
	es := f.Find(text, wednesday())
	if len(es) != 1 || text[es[0].Start:es[0].End] != "一千元" {
		t.Errorf("found %v", es)
	}
	if got := f.Mask(text); strings.Contains(got, "13800138000") || len(got) > longestText {
		t.Errorf("%d bytes, ending in %q", len(got), got[len(got)-20:])
	}
}
