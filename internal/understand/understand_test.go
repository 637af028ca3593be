package understand_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/asr/intent"
	"github.com/ivrd/ivrd/asr/intent/remote"
	"github.com/ivrd/ivrd/internal/understand"
	"github.com/ivrd/ivrd/ivr"
)

func set() intent.Set {
	e := func(texts ...string) (out []intent.Example) {
		for _, t := range texts {
			out = append(out, intent.Example{Text: t})
		}
		return out
	}
	return intent.Set{Languages: []string{"en"}, Intents: []intent.Intent{
		{Name: "balance", Difficulty: 10, Examples: map[string][]intent.Example{"en": e("my balance", "how much money do I have", "what is left in my account", "check my balance", "balance please")}},
		{Name: "card", Difficulty: 60, Confirm: true, Examples: map[string][]intent.Example{"en": e("I lost my card", "block my card", "my card was stolen", "my card is gone", "lock the card")}},
	}}
}

func at(s string) time.Time {
	t, _ := time.Parse(time.DateOnly, s)
	return t
}

// TestInterpret: words become an intent, what was named, and a difficulty with what
// went before; what is personal is masked, and kept for the flow only.
func TestInterpret(t *testing.T) {
	var engines []string
	u, err := understand.New(set(), understand.Options{Answered: func(e string) { engines = append(engines, e) }})
	if err != nil {
		t.Fatal(err)
	}
	u.Learn()
	got, err := u.Interpret(t.Context(), ivr.Utterance{
		Text: "I lost my card 4111 1111 1111 1111 yesterday, my phone is 13800138000", Now: at("2026-11-20"), Before: []string{"card", "balance"}, Tries: 1, Failures: 2,
	})
	if err != nil || got.Intent != "card" || !got.Confirm || got.P < 0.4 || got.P > 1 {
		t.Errorf("understood %+v, %v", got, err)
	}
	if strings.Contains(got.Text, "1111 1111") || strings.Contains(got.Text, "13800138000") || !strings.Contains(got.Text, "I lost my card") {
		t.Errorf("text %q", got.Text)
	}
	var kinds []string
	for _, e := range got.Entities {
		kinds = append(kinds, e.Kind)
		personal := e.Kind == "card" || e.Kind == "phone"
		if personal != (e.Private.Len() > 0) || personal && strings.Contains(e.Value, string(e.Private.Reveal())) {
			t.Errorf("%s is %q, private %d", e.Kind, e.Value, e.Private.Len())
		}
	}
	if !slices.Equal(kinds, []string{"card", "date", "phone"}) {
		t.Errorf("named %v", kinds)
	}
	sum := 0
	points := map[string]int{}
	for _, term := range got.Terms {
		sum += term.Points
		points[term.Name] = term.Points
	}
	if sum != got.Difficulty || points["intent"] != 60 || points["repeated"] != 16 || points["failures"] != 16 {
		t.Errorf("difficulty %d of %+v", got.Difficulty, got.Terms)
	}

	chosen, err := u.Interpret(t.Context(), ivr.Utterance{Chosen: "balance"})
	if err != nil || chosen.Intent != "balance" || chosen.P != 1 || chosen.Difficulty != 10 || chosen.Text != "" {
		t.Errorf("chosen %+v, %v", chosen, err)
	}
	none, err := u.Interpret(t.Context(), ivr.Utterance{Text: "what a lovely day it is"})
	if err != nil || none.Intent != "" || none.Difficulty != 25 {
		t.Errorf("idle talk %+v, %v", none, err)
	}
	if !slices.Equal(engines, []string{"embedded", "embedded"}) {
		t.Errorf("answered by %v", engines)
	}
	if got := u.Examples("card", "en"); len(got) != 5 || got[0] != "I lost my card" || u.Examples("card", "zh") != nil || u.Examples("nobody", "en") != nil {
		t.Errorf("examples %q", got)
	}
}

// TestOutside: another engine is asked, without personal numbers, and the embedded one
// answers where it does not.
func TestOutside(t *testing.T) {
	up := true
	var asked string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		asked = string(b)
		if !up {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, `{"intent":{"name":"balance","confidence":0.9}}`)
	}))
	defer srv.Close()
	var engines []string
	u, err := understand.New(set(), understand.Options{
		Outside:  &remote.Config{Protocol: remote.Rasa, URL: srv.URL, Timeout: 5 * time.Second},
		Answered: func(e string) { engines = append(engines, e) },
	})
	if err != nil {
		t.Fatal(err)
	}
	said := ivr.Utterance{Text: "I lost my card 4111 1111 1111 1111"}
	first, err := u.Interpret(t.Context(), said)
	if err != nil || first.Intent != "balance" || first.P != 0.9 || strings.Contains(asked, "1111 1111") {
		t.Errorf("understood %+v of %s, %v", first, asked, err)
	}
	up = false
	second, err := u.Interpret(t.Context(), said)
	if err != nil || second.Intent != "card" || !slices.Equal(engines, []string{"rasa", "embedded"}) {
		t.Errorf("understood %+v by %v, %v", second, engines, err)
	}
	if _, err := understand.New(set(), understand.Options{Outside: &remote.Config{Protocol: "other", URL: srv.URL}}); err == nil {
		t.Error("an unknown protocol is taken")
	}
	bad := set()
	bad.Order = "("
	if _, err := understand.New(bad, understand.Options{}); err == nil {
		t.Error("a bad pattern is taken")
	}
}
