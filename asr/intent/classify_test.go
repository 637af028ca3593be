package intent

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

func small() Set {
	ex := func(texts ...string) []Example {
		var out []Example
		for i, t := range texts {
			out = append(out, Example{t, i + 1})
		}
		return out
	}
	return Set{
		Languages: []string{"en", "zh"},
		Intents: []Intent{
			{Name: "balance", Difficulty: 10, Examples: map[string][]Example{
				"en": ex("what is my balance", "how much money do I have", "check my account balance", "tell me what is left on my account", "is there money on my card"),
				"zh": ex("查一下余额", "我卡里还有多少钱", "账户余额是多少", "还剩多少钱", "看看我的存款"),
			}},
			{Name: "lost", Difficulty: 60, Confirm: true, Examples: map[string][]Example{
				"en": ex("I lost my card", "please block my card", "my card was stolen", "freeze the card", "I need a replacement card"),
				"zh": ex("我的卡丢了", "帮我挂失", "银行卡找不到了", "冻结我的卡", "补办一张卡"),
			}},
		},
	}
}

func TestClassify(t *testing.T) {
	k := Train(small())
	for text, want := range map[string]string{
		"what's my BALANCE?!": "balance",
		"ｗｈａｔ　ｉｓ　ｍｙ　ｂａｌａｎｃｅ": "balance",
		"余额多少钱啊":                       "balance",
		"我把卡弄丢了":                       "lost",
		"oh no I've lost my bank card": "lost",
		"我的 card 丢了":                   "lost",
		"the weather is nice today":    "",
		"今天天气很好":                       "",
		"":                             "",
		"...":                          "",
		"привет как дела":              "",
		"xqzw vvkj qqq":                "",
	} {
		r := k.Classify(text)
		if r.Intent != want {
			t.Errorf("%q is %q (%.2f), want %q", text, r.Intent, r.P, want)
		}
		if r.Confirm != (want == "lost") || want == "lost" && r.Difficulty != 60 {
			t.Errorf("%q: %+v", text, r)
		}
		if len(r.Alternatives) != 2 || r.Alternatives[0].P < r.Alternatives[1].P || r.Alternatives[0].P != r.P {
			t.Errorf("%q: alternatives %+v", text, r.Alternatives)
		}
	}
}

// TestTrainingIsRepeatable: the same examples give the same probabilities to
// the last bit, also when folds run beside each other.
func TestTrainingIsRepeatable(t *testing.T) {
	a, b := Train(small()), Train(small())
	for _, text := range []string{"my card", "balance please", "多少钱"} {
		if x, y := a.Classify(text).P, b.Classify(text).P; math.Float64bits(x) != math.Float64bits(y) {
			t.Errorf("%q: %v and %v", text, x, y)
		}
	}
}

func TestTrainOnNothing(t *testing.T) {
	for _, s := range []Set{{}, {Intents: []Intent{{Name: "a"}}}, {Intents: []Intent{{Name: "a", Examples: map[string][]Example{"en": {{Text: "one"}}}}, {Name: "b"}}}} {
		k := Train(s)
		if r := k.Classify("good morning"); r.Intent != "" {
			t.Errorf("%+v of %+v", r, s)
		}
		if out := CrossValidate(s); len(out.Intents) != len(s.Intents) {
			t.Errorf("%+v", out)
		}
	}
}

func TestClassifyTogether(t *testing.T) {
	k := Train(small())
	want := k.Classify("please check my balance").P
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if p := k.Classify("please check my balance").P; p != want {
					t.Errorf("%v, want %v", p, want)
				}
			}
		})
	}
	wg.Wait()
}

func TestFold(t *testing.T) {
	for text, want := range map[string]string{
		"":                  " ",
		"I'd  LIKE 25,000!": " id like 0 0 ",
		"ＡＢＣ１２３":            " abc0 ",
		"我的card丢了":          " 我的 card 丢了 ",
		"Ünïcode e\u0301":   " ünïcode e ",
		"\xff\xfe":          " ",
		"1 2 3 一二三":         " 0 0 0 一二三 ",
	} {
		if got := string(fold(nil, text)); got != want {
			t.Errorf("fold(%q) = %q, want %q", text, got, want)
		}
	}
	if n := len(fold(nil, strings.Repeat("ab ", 1000))); n > longest+1 {
		t.Errorf("%d runes were read", n)
	}
}

// TestConceptsAreSound: each word of the list is found again, and none is lost to
// the limit on length.
func TestConceptsAreSound(t *testing.T) {
	known := readConcepts(conceptList)
	var s scratch
	for line := range strings.Lines(conceptList) {
		name, words, ok := strings.Cut(line, ": ")
		if !ok || line[0] == '#' {
			continue
		}
		for word := range strings.FieldsSeq(strings.ReplaceAll(words, `"`, " ")) {
			if r := []rune(word); len(r) >= longestEntry {
				t.Errorf("%s: %s is too long", name, word)
			}
		}
	}
	s.features("standing order", known)
	orders, payments := conceptOf(t, known, "order"), conceptOf(t, known, "pay")
	for _, c := range s.found {
		if c == orders {
			t.Error("a standing order is an order")
		}
	}
	if len(s.found) == 0 || payments == orders {
		t.Error("a standing order is nothing")
	}
}

func conceptOf(t *testing.T, known concepts, word string) uint8 {
	t.Helper()
	var s scratch
	s.features(word, known)
	if len(s.found) == 0 {
		t.Fatalf("%s is no concept", word)
	}
	return s.found[0]
}

func TestInterval(t *testing.T) {
	low, high := Interval(0.9, 100) // by hand: 0.826 to 0.945
	if math.Abs(low-0.8256) > 5e-4 || math.Abs(high-0.9448) > 5e-4 {
		t.Errorf("%.4f to %.4f", low, high)
	}
	if low, high := Interval(0, 0); low != 0 || high != 1 {
		t.Error("nothing is known of nothing")
	}
}

func TestConfusion(t *testing.T) {
	k := Train(small())
	c := k.Judge(Set{
		Intents: []Intent{{Name: "balance", Examples: map[string][]Example{"en": {{"my balance", 3}, {"I lost my card", 4}}}}},
		None:    map[string][]Example{"en": {{"tell me a joke", 5}, {"block my card", 6}}},
	})
	if got, n := c.Accuracy(); got != 0.5 || n != 2 || c.Misled() != 0.5 || c.Likeliest() != 0.5 {
		t.Errorf("accuracy %v of %d, misled %v, likeliest %v", got, n, c.Misled(), c.Likeliest())
	}
	if got, n := c.Accepted(); got != 0.5 || n != 2 {
		t.Errorf("accepted %v of %d", got, n)
	}
	var b strings.Builder
	if err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	if err := c.WriteMistakes(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"understood: 50.0 % of 2", "lost, not balance", "(line 4)", "lost, not (none)"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
}

// TestCalibrationError: of answers at 0.8 that are right in half of all cases,
// the error is 0.3.
func TestCalibrationError(t *testing.T) {
	c := newConfusion(Set{Intents: []Intent{{Name: "a"}, {Name: "b"}}})
	for i := range 10 {
		meant := []string{"a", "b"}[i%2]
		c.add(labelled{intent: meant}, Result{Intent: "a", P: 0.8, Alternatives: []Candidate{{"a", 0.8}}})
	}
	if got := c.CalibrationError(); math.Abs(got-0.3) > 1e-9 {
		t.Errorf("%v", got)
	}
}

func TestCheck(t *testing.T) {
	if w := small().Check(); len(w) != 0 {
		t.Errorf("a sound set: %v", w)
	}
	s := small()
	s.Languages = append(s.Languages, "fr")
	s.Intents[0].Examples["en"] = s.Intents[0].Examples["en"][:4]
	s.Intents[1].Examples["zh"] = append(s.Intents[1].Examples["zh"], Example{"查一下余额！", 40}, Example{"帮我挂失", 41}, Example{"？！", 42})
	s.None = map[string][]Example{"en": {{"Freeze the card.", 50}}}
	text := fmt.Sprint(s.Check())
	for _, want := range []string{
		"balance has no example in fr", "lost has no example in fr", "balance has 4 examples in en",
		`line 40: "查一下余额！" means lost here and balance on line 1`, `line 41: "帮我挂失" is on line 2, too`,
		`line 42: "？！" has no letter`, `line 50: "Freeze the card." means (none) here and lost on line 4`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

func TestDifficulty(t *testing.T) {
	r, f := NewRater(), mustFinder(t)
	rate := func(text string, v Visit) Difficulty {
		return r.Rate(text, Result{Intent: "fraud", Difficulty: 40}, f.Find(text, wednesday()), v)
	}
	for _, c := range []struct {
		text  string
		visit Visit
		want  string
	}{
		{"who is it", Visit{}, "40 [{intent 40 fraud}]"},
		{"I will call the police", Visit{}, "70 [{intent 40 fraud} {risk: police 30 police}]"},
		{"我要报警，找律师", Visit{}, "90 [{intent 40 fraud} {risk: police 30 报警} {risk: law 20 律师}]"},
		{"policeman", Visit{}, "40 [{intent 40 fraud}]"},
		{"the lawyers", Visit{}, "65 [{intent 40 fraud} {risk: law 25 lawyer}]"},
		{"one, two, but three, four", Visit{}, "46 [{intent 40 fraud} {clauses 6 4}]"},
		{"yesterday I sent 50 dollars at 3 pm", Visit{}, "46 [{intent 40 fraud} {entities 6 3}]"},
		{"who is it", Visit{Repeated: 1, Failures: 9}, "72 [{intent 40 fraud} {repeated 8 1} {failures 24 9}]"},
		{"police, lawyer", Visit{Repeated: 9, Failures: 9}, "100 [{intent 40 fraud} {risk: police 30 police} {risk: law 20 lawyer} {repeated 24 9} {failures 24 9} {limit -38 100 at most}]"},
	} {
		d := rate(c.text, c.visit)
		if got := fmt.Sprint(d.Total, d.Terms); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.text, got, c.want)
		}
		sum := 0
		for _, term := range d.Terms {
			sum += term.Points
		}
		if sum != d.Total {
			t.Errorf("%q: terms add up to %d, not %d", c.text, sum, d.Total)
		}
	}
	if d := r.Rate("mumble", Result{}, nil, Visit{}); d.Total != unclear {
		t.Errorf("none of the intents: %+v", d)
	}
}

// TestRiskListIsRead: every line of the list is in use.
func TestRiskListIsRead(t *testing.T) {
	lines := 0
	for line := range strings.Lines(riskList) {
		if line[0] != '#' {
			lines++
		}
	}
	r := NewRater()
	if len(r.risks) != lines || lines < 5 {
		t.Errorf("%d of %d lines", len(r.risks), lines)
	}
	for _, k := range r.risks {
		for _, w := range k.words {
			if len(strings.TrimSpace(w)) < 3 || strings.Contains(w, "0") {
				t.Errorf("%s: %q would be found everywhere", k.name, w)
			}
		}
	}
}

func mustFinder(t testing.TB) *Finder {
	t.Helper()
	f, err := NewFinder("")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// FuzzClassify: no text upsets classifier or rater; probabilities are such.
func FuzzClassify(f *testing.F) {
	k, r, find := Train(small()), NewRater(), mustFinder(f)
	for _, s := range []string{"", "我的卡丢了", "I lost my card", "\xff\x00", strings.Repeat("卡", longest/2), "１２３ 一千二百元", "🙂"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		result := k.Classify(text)
		for _, c := range result.Alternatives {
			if !(c.P >= 0 && c.P <= 1) {
				t.Fatalf("probability %v", c.P)
			}
		}
		d := r.Rate(text, result, find.Find(text, wednesday()), Visit{})
		if d.Total < 0 || d.Total > 100 {
			t.Fatalf("difficulty %d", d.Total)
		}
	})
}

// made is a set as large as one should be: 20 intents × 50 examples × 2
// languages, of random words.
func made() Set {
	r := rand.New(rand.NewPCG(3, 4))
	s := Set{Languages: []string{"en", "zh"}}
	word := func(of int) string {
		n := r.IntN(of)
		return string([]rune{rune('a' + n%26), rune('a' + n/26%26), 'e', rune('a' + n%7)})
	}
	for i := range 20 {
		in := Intent{Name: fmt.Sprint("i", i), Examples: map[string][]Example{}}
		for range 50 {
			var en, zh strings.Builder
			for range 7 {
				en.WriteString(word(600) + " ")
			}
			for range 12 {
				zh.WriteRune(rune('一' + r.IntN(1500)))
			}
			in.Examples["en"] = append(in.Examples["en"], Example{Text: en.String() + in.Name})
			in.Examples["zh"] = append(in.Examples["zh"], Example{Text: zh.String()})
		}
		s.Intents = append(s.Intents, in)
	}
	return s
}

func BenchmarkTrain(b *testing.B) {
	s := made()
	for b.Loop() {
		Train(s)
	}
}

func BenchmarkClassify(b *testing.B) {
	k := Train(made())
	for name, text := range map[string]string{"short": "how much money do I have", "long": strings.Repeat("I lost my card yesterday and then 我的钱也不见了 ", 6)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				k.Classify(text)
			}
		})
	}
}

func BenchmarkEntities(b *testing.B) {
	f, r := mustFinder(b), NewRater()
	const text = "上周三下午三点我转了一千二百元五角到13900139000，还没到账，我要报警"
	for b.Loop() {
		r.Rate(text, Result{}, f.Find(text, wednesday()), Visit{})
	}
}
