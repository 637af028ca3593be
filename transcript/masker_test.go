package transcript

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// said is one segment, and what is to be shown of it at first and in the end.
type said struct {
	who         Speaker
	text        string
	first, last string // "" for the text as it is
}

func TestMasker(t *testing.T) {
	for name, lines := range map[string][]said{
		"a mobile number in words": {
			{Caller, "it's one three eight double oh one three eight triple zero", "it's • • • •• • • • •••", "it's 138••••8000"},
		},
		"over two segments, with the agent between": {
			{Caller, "my number is 138 0013", "my number is ••• ••••", "my number is 138••••"},
			{Agent, "mm-hm", "", ""},
			{Caller, "8000 please", "•••• please", "8000 please"},
		},
		"over four segments in Chinese": {
			{Caller, "我的手机幺三八", "我的手机•••", "我的手机幺三八"},
			{Agent, "嗯", "", ""},
			{Caller, "零零幺三，", "••••，", "••••，"},
			{Caller, "呃", "", ""},
			{Caller, "后四位是八零零零", "后四位是••••", "后四位是八零零零"},
		},
		"a card of which each is a group": {
			{Caller, "4111", "••••", ""},
			{Agent, "yes", "", ""},
			{Caller, "one one one one", "• • • •", "11••"},
			{Caller, "1111", "••••", "••••"},
			{Caller, "then 1111", "then ••••", ""},
		},
		"an identity number, its X alone": {
			{Caller, "身份证一一零一零五一九四九一二三一零零二", "身份证•••••••••••••••••", "身份证110•••••••••••002"},
			{Caller, "叉", "•", "叉"},
		},
		"an order number comes back": {
			{Caller, "my order number is 88213", "my order number is •••••", ""},
			{Agent, "when did you place it", "", ""},
			{Caller, "last week, I think it was on Monday or so", "", ""},
		},
		"so does the end of a call": {
			{Caller, "I paid 1380", "I paid ••••", ""},
		},
		"quantities are shown at once": {
			{Caller, "I paid 1380 yuan on 2026-11-05 at 14:30", "", ""},
			{Caller, "两百块，十一月五号下午三点，我要那一个", "", ""},
			{Caller, "that one please, extension 204", "", ""},
		},
		"words between the halves": {
			{Caller, "1380013", "•••••••", "138••••"},
			{Caller, "sorry let me look", "", ""},
			{Caller, "eight thousand", "••••", "eight thousand"},
			{Caller, "that is all that I have for you today", "", ""},
		},
		"the house says all at once": {
			{IVR, "For billing press 1, for support press 2", "", ""},
			{IVR, "we call you at 13800138000", "we call you at 138••••8000", "we call you at 138••••8000"},
		},
		"the agent repeats the hidden part": {
			{Caller, "13800138000, and I would like to know where my parcel is now", "138••••8000, and I would like to know where my parcel is now", "138••••8000, and I would like to know where my parcel is now"},
			{Agent, "was that 0013, or did I get that wrong, could you say it once more", "was that ••••, or did I get that wrong, could you say it once more", "was that ••••, or did I get that wrong, could you say it once more"},
			{Agent, "it ends in 8000, doesn't it, so I can find you in our books", "", ""},
		},
		"misheard, and so without a form": {
			{Caller, "one three eight zero zero one three eight zero zero", "• • • • • • • • • •", "••••••••••"},
		},
		"of a person by name": {
			{Agent, "what is your account number", "", ""},
			{Caller, "2033184", "•••••••", "••••184"},
		},
		"one digit corrected": {
			{Caller, "one three eight zero zero one three six no sorry five eight zero zero", "• • • • • • • • no sorry • • • •", "••••••••••••"},
			{Caller, "an order came on Monday", "", ""},
		},
		"begun by one and ended by the other": {
			{Agent, "is it still 138 0013", "is it still ••• ••••", "is it still ••• ••••"},
			{Caller, "8000, yes it is, as it has always been", "••••, yes it is, as it has always been", "••••, yes it is, as it has always been"},
		},
		"repeated in small pieces": {
			{Agent, "your mobile please", "", ""},
			{Caller, "0 7", "• •", "••"},
			{Agent, "0 7, yes", "• •, yes", "• •, yes"},
			{Caller, "7 0 0", "• • •", "•••"},
			{Caller, "9 0 0 1 2 3", "• • • • • •", "••••••"},
		},
		"an address, coordinates and a year": {
			{Caller, "my router at 192.168.1.20 is at 31.23, 121.47 since 2008, is that of any help to you", "", ""},
		},
		"one number after another": {
			{Caller, "138 0013 8000, 139 0013 9000 and that is really all I have to say to you", "138••••8000, 139••••9000 and that is really all I have to say to you", "138••••8000, 139••••9000 and that is really all I have to say to you"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var m Masker
			shown := map[int]string{}
			for i, l := range lines {
				all := m.Add(i+1, l.who, l.text)
				if want := or(l.first, l.text); all[0].Seq != i+1 || all[0].Text != want {
					t.Errorf("Add(%q) = %v, want %q", l.text, all[0], want)
				}
				collect(t, shown, all)
			}
			collect(t, shown, m.Flush())
			for i, l := range lines {
				if want := or(l.last, l.text); shown[i+1] != want {
					t.Errorf("%q is %q in the end, want %q", l.text, shown[i+1], want)
				}
			}
			if again := m.Flush(); again != nil {
				t.Errorf("a second Flush changed %v", again)
			}
		})
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// collect keeps the latest version of each segment.
func collect(t *testing.T, shown map[int]string, all []Masked) {
	for i, v := range all {
		if i > 0 && shown[v.Seq] == v.Text {
			t.Errorf("segment %d came again, the same: %q", v.Seq, v.Text)
		}
		shown[v.Seq] = v.Text
	}
}

// TestMaskerReplaced: a segment that comes again takes the place of what it was.
func TestMaskerReplaced(t *testing.T) {
	var m Masker
	m.Add(1, Caller, "")
	m.Add(2, Caller, "138 0013")
	if got := m.Add(1, Caller, "my number")[0]; got.Text != "my number" || got.Hidden {
		t.Errorf("got %v", got)
	}
	got := m.Add(2, Caller, "I want 138 apples, and nothing else at all, thank you very much")
	if len(got) != 1 || got[0].Hidden {
		t.Errorf("got %v", got)
	}
}

// TestMaskerInterim: no digit is shown of words that may still change.
func TestMaskerInterim(t *testing.T) {
	var m Masker
	for text, want := range map[string]string{
		"I paid 1380 yuan":     "I paid •••• yuan",
		"one three eight and":  "• • • and",
		"幺三八，零":                "•••，•",
		"sip:13800138000@host": "sip:•••••••••••@host",
	} {
		if got := m.Interim(Caller, text); got != want {
			t.Errorf("Interim(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestMaskerIsBounded: a long call takes no more memory than a short one, and what is
// forgotten before its end is known stays hidden.
func TestMaskerIsBounded(t *testing.T) {
	var m Masker
	shown := map[int]string{}
	for i := range 5000 {
		collect(t, shown, m.Add(i+1, Caller, "7"))
		if len(m.recent) > recentSegments || len(m.known) > mostKnown {
			t.Fatalf("%d segments and %d numbers are kept", len(m.recent), len(m.known))
		}
	}
	collect(t, shown, m.Flush())
	for seq, text := range shown {
		if text != hidden {
			t.Fatalf("segment %d of one long number shows %q", seq, text)
		}
	}
}

// FuzzMasker plants a number, said in any notation and split anywhere, between other
// words: all that was given out does not hold it.
func FuzzMasker(f *testing.F) {
	for i, s := range []string{"", "我的号码是", "I paid 200 yuan", "order number 88213", "第", "oh", "+86 ", "•", "X", "double", "两个", "1,2", "\xff\xfe"} {
		f.Add(s, s, uint64(i))
	}
	sets := slices.Concat(tunedWords(), laterWords())
	f.Fuzz(func(t *testing.T, before, after string, seed uint64) {
		const longest = 400
		if len(before)+len(after) > longest {
			t.Skip("longer than a sentence")
		}
		r := rand.New(rand.NewPCG(seed, 3))
		w := pick1(r, sets)
		p := &planted{kind: pick1(r, []string{"phone", "card", "id"})}
		var groups []string
		p.digits, groups = personalNumber(r, p.kind)
		lines := say(r, w, p, groups, Caller, "%s")
		lines = slices.Concat([]line{{speaker: Caller, text: before + "；"}}, lines, []line{{speaker: Caller, text: "；" + after}})
		checkLines(t, lines)
	})
}

// checkLines runs a masker and looks for hidden digits of a number in all that it gave
// out.
func checkLines(t *testing.T, lines []line) {
	var m Masker
	seen := map[int]bool{}
	var all []Masked
	for i, l := range lines {
		all = append(all, m.Add(i+1, l.speaker, l.text)...)
	}
	all = append(all, m.Flush()...)
	var p *planted
	for _, v := range all {
		l := lines[v.Seq-1]
		if l.number == nil {
			continue
		}
		p = l.number
		for _, at := range l.seen(v.Text) {
			seen[at] = true
		}
	}
	if !p.within(seen) {
		t.Errorf("digits of %s are seen in %v, of %+v", p.digits, all, lines)
	}
}

// FuzzMaskerText masks anything in segments: what comes out has no digits that did not go
// in, is masked, and stays as it is when it goes in again alone.
func FuzzMaskerText(f *testing.F) {
	for _, c := range maskCases {
		f.Add(c.text, "then "+c.text, c.want)
	}
	for _, s := range []string{"one three eight", "第一百二十三", "三个零", "oh dear", "1,234.50", "2026-11-05", "X", "plus 86", "\xff1\xfe"} {
		f.Add(s, s, s)
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		var m Masker
		shown := map[int]string{}
		texts := []string{a, b, c, a + b, b + " " + c}
		for i, text := range texts {
			who := []Speaker{Caller, Agent, Caller}[i%3]
			if got := figuresIn(m.Interim(who, text)); got > figuresIn(text) {
				t.Errorf("Interim(%q) shows %d figures", text, got)
			}
			collect(t, shown, m.Add(i+1, who, text))
		}
		collect(t, shown, m.Flush())
		for i, text := range texts {
			got := shown[i+1]
			if figuresIn(got) > digitsIn(text) {
				t.Errorf("%q shows more digits than %q", got, text)
			}
			if again := Mask(got); again != got {
				t.Errorf("%q masks to %q", got, again)
			}
			once := alone(text)
			if again := alone(once); again != once {
				t.Errorf("%q is shown as %q, and that as %q", text, once, again)
			}
		}
	})
}

// alone masks a text that is all that is said.
func alone(text string) string {
	var m Masker
	m.Add(1, Caller, text)
	m.Flush()
	return m.recent[0].shown
}

// figuresIn counts digits that are written.
func figuresIn(text string) int {
	n := 0
	for _, r := range text {
		if _, ok := digitOf(r); ok {
			n++
		}
	}
	return n
}

// digitsIn counts digits in any notation.
func digitsIn(text string) int {
	n := figuresIn(text)
	atoms, _ := scan(text)
	for _, a := range atoms {
		n += len(a.Text)
	}
	return n
}

func BenchmarkMasker(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	var lines []line
	for range 20 {
		lines = append(lines, dialogue(r, tunedWords()[0])...)
	}
	b.Run("a segment of a dialogue", func(b *testing.B) {
		b.ReportAllocs()
		var m Masker
		for i := range b.N {
			l := lines[i%len(lines)]
			m.Add(i+1, l.speaker, l.text)
		}
	})
	for name, text := range map[string]string{"digits": "1 ", "words": "one ", "Chinese": "一", "numerals": "一百", "oh": "oh "} {
		for _, size := range []int{1 << 10, 1 << 14} {
			b.Run(fmt.Sprintf("hostile %s %d kB", name, size>>10), func(b *testing.B) {
				text := strings.Repeat(text, size/len(text))
				for i := range b.N {
					var m Masker
					m.Add(i, Caller, text)
				}
			})
		}
	}
}
