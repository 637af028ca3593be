package asr_test

import (
	"testing"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/internal/spelling"
)

func TestMatch(t *testing.T) {
	phrases := []string{"card", "lost card", "Billing", "我的账单", "人工"}
	for said, want := range map[string]string{
		"i want lost card please": "lost card", "card": "card", "uh billing": "Billing", "": "", "lost": "",
		"Yes: billing, please.": "Billing", "lost my card": "card", "discard": "",
		"我要查我的账单": "我的账单", "我 的 账 单": "我的账单", "账单": "", "转人工服务。": "人工",
	} {
		if got := asr.Match(phrases, said); got != want {
			t.Errorf("%q is %q, want %q", said, got, want)
		}
	}
}

// What is found is a phrase, whose words were said.
func FuzzMatch(f *testing.F) {
	f.Add("card", "lost card", "I lost my card.")
	f.Add("账单", "人工", "查账单")
	f.Add("", "'", "ı̇ İ")
	f.Fuzz(func(t *testing.T, a, b, said string) {
		got := asr.Match([]string{a, b}, said)
		if got != "" && got != a && got != b {
			t.Fatalf("%q in %q is %q", []string{a, b}, said, got)
		}
		if len(spelling.Words(a)) > 0 && asr.Match([]string{a}, said+" "+a+" "+said) != a {
			t.Errorf("%q is not in %q", a, said+" "+a+" "+said)
		}
		if got != "" && len(spelling.Words(got)) > len(spelling.Words(said)) {
			t.Errorf("%q is more than %q", got, said)
		}
	})
}
