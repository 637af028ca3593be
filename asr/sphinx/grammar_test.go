package sphinx

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func dictionary(t testing.TB) Dictionary {
	t.Helper()
	d, err := ReadDictionary(strings.NewReader(";;; words\nbilling B IH L IH NG\nbalance B AE L AH N S\nbalance(2) B AE L AH N S\nlost L AO S T\ncard K AA R D\nplease P L IY Z\ni'd AY D\nlike L AY K\n"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestGrammar(t *testing.T) {
	got, err := Grammar(dictionary(t), []string{"Billing", "lost card", "LOST  card!"})
	want := "#JSGF V1.0;\ngrammar menu;\npublic <said> = <before> <phrase> <after>;\n" +
		"<before> = /1/ <NULL> | /0.000001/ (please | i'd like);\n<after> = /1/ <NULL> | /0.000001/ (please);\n<phrase> = billing | lost card;\n"
	if err != nil || got != want {
		t.Errorf("%v, %s", err, got)
	}
	for _, bad := range [][]string{nil, {"!?"}, {strings.Repeat("card ", 13)}, slices.Repeat([]string{"card"}, 501)} {
		if _, err := Grammar(nil, bad); err == nil {
			t.Errorf("%.40q is taken", bad)
		}
	}
	_, err = Grammar(dictionary(t), []string{"lost cart"})
	if u, ok := errors.AsType[*Unknown](err); !ok || u.Word != "cart" || u.Nearest != "card" {
		t.Errorf("an unknown word: %v", err)
	}
}

func TestDictionary(t *testing.T) {
	d := dictionary(t)
	if !d.Has("balance") || d.Has("balance(2)") || len(d) != 7 {
		t.Errorf("words: %v", d)
	}
	for word, want := range map[string]string{"bilings": "billing", "ballance": "balance", "xyzzy": ""} {
		if got := d.Nearest(word); got != want {
			t.Errorf("nearest to %q is %q, want %q", word, got, want)
		}
	}
	if _, err := ReadDictionary(strings.NewReader("")); err == nil {
		t.Error("an empty dictionary is taken")
	}
}

// FuzzGrammar: what passes has no word that could end a rule.
func FuzzGrammar(f *testing.F) {
	f.Add("lost card")
	f.Add("<x>; public <y> = z")
	f.Fuzz(func(t *testing.T, phrase string) {
		g, err := Grammar(nil, []string{phrase})
		if err != nil {
			return
		}
		_, rule, _ := strings.Cut(g, "<phrase> = ")
		if rule = strings.TrimSuffix(rule, ";\n"); strings.ContainsAny(rule, "<>;|[]()*+{}/\\\"\n=") {
			t.Errorf("%q gives %q", phrase, rule)
		}
	})
}
