package tts

import (
	"strings"
	"testing"
	"time"
)

func TestNormalize(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "",
		" ,. ":                      "",
		"Twenty-One!":               "twenty one",
		"You have  1,200 yuan.":     "you have 1 200 yuan",
		"It's 9 a.m. now.":          "it's 9 a.m now",
		"您的余额是，100元。":               "您 的 余 额 是 100 元",
		"按1 then Café":              "按 1 then café",
		"three point five (approx)": "three point five approx",
	} {
		if got := Normalize(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestMarksBecomePauses(t *testing.T) {
	got := words("One, two. Three-four 五，六。")
	want := []word{{"one", commaPause}, {"two", stopPause}, {"three", 0}, {"four", 0}, {"五", commaPause}, {"六", stopPause}}
	if len(got) != len(want) {
		t.Fatalf("got %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("word %d: got %v, want %v", i, got[i], want[i])
		}
	}
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{"", "a.m.", "twenty-one", "您的余额是1200.5元。", "don’t 'x'", "\xff\x00a\u0301", "...a..b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		normal := Normalize(text)
		if again := Normalize(normal); again != normal {
			t.Errorf("normal form %q has the normal form %q", normal, again)
		}
		for _, w := range words(text) {
			if w.text == "" || strings.ContainsAny(w.text, " ,!?") || w.pause < 0 || w.pause > time.Second {
				t.Errorf("word %+v", w)
			}
		}
	})
}
