package asr_test

import (
	"testing"

	"github.com/ivrd/ivrd/asr"
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
