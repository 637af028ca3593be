package ivr_test

import (
	"slices"
	"testing"

	"github.com/ivrd/ivrd/ivr"
)

func TestTextsAreThoseInFixedWords(t *testing.T) {
	flows, faults := ivr.Load(map[string][]byte{"f.yaml": []byte(`
flow: f
languages: [en, zh]
start: a
nodes:
  a: {say: {en: Hello., zh: 您好。}, next: b}
  b: {say: {en: "You call from {caller.from|digits}.", zh: 您好。}, next: end}
`)})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	want := []ivr.Text{{Language: "en", Text: "Hello."}, {Language: "zh", Text: "您好。"}}
	if got := flows.Texts(); !slices.Equal(got, want) {
		t.Errorf("Texts = %v", got)
	}
}
