package ivr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/internal/spelling"
)

const askFlow = `
flow: main
languages: [en, zh]
start: lang
defaults: {retries: 1}
nodes:
  lang:
    menu: {say: {en: Language, zh: 语言？}, options: {en: {digit: 1, phrases: {en: [english]}, set: {language: en}}, zh: {digit: 2, phrases: {zh: [中文]}, set: {language: zh}}}}
    on: {en: top, zh: top, noinput: end, nomatch: end}
  top:
    ask:
      say: {en: What, zh: 什么？}
      intents:
        balance: {digit: 1, phrases: {en: [my balance]}}
        card: {digit: 2, confirmation: {say: {en: Block your card., zh: 挂失。}}}
        fraud: {set: {risk: high}}
      options: {again: {digit: 9, phrases: {en: [once more], zh: [重听]}, confirm: true}}
      into: {amount: much, card: number}
    on: {balance: told, card: person, fraud: person, again: top, noinput: end, nomatch: person}
  told: {say: {en: "{much} {len(number)} {asked.intent} {asked.difficulty} {asked.text}", zh: "{much}"}, next: top}
  person: {enqueue: q, on: {answered: end, timeout: end, error: end}}
`

// meanings understands an utterance by its first word: an intent, a probability in
// percent, and whether it must be confirmed.
type meanings struct{ asked []Utterance }

func (m *meanings) Interpret(_ context.Context, u Utterance) (Understanding, error) {
	m.asked = append(m.asked, u)
	out := Understanding{
		Text: "masked", Intent: u.Chosen, P: 1, Difficulty: 10 + 10*u.Tries + len(u.Before) + u.Failures, Terms: []Term{{"intent", 10, u.Chosen}},
		Entities: []Entity{{Kind: "amount", Value: "5.00"}, {Kind: "card", Value: "62••", Private: NewSecret([]byte("6222021234"))}},
	}
	var percent int
	if n, _ := fmt.Sscanf(u.Text, "%s %d", &out.Intent, &percent); n == 2 {
		out.P = float64(percent) / 100
	}
	switch {
	case u.Text == "broken":
		return out, errors.New("the engine is gone")
	case u.Chosen != "":
		out.Intent, out.P = u.Chosen, 1
	}
	out.Confirm = out.Intent == "card"
	return out, nil
}

func (m *meanings) Examples(intent, language string) []string {
	if language == "zh" {
		return []string{intent + "一"}
	}
	return []string{intent + " one", intent + " two"}
}

// TestAsk: who is understood is sent on, who is not sure or must be asked back is, and
// who is not understood is asked again.
func TestAsk(t *testing.T) {
	for _, c := range []struct {
		name  string
		turns string // with | between
		path  string
		said  string // the last but one
	}{
		{"a key", `1|2|!`, "lang top person", ""},
		{"a key that is no intent's", `1|9|!`, "lang top top", "en:What"},
		{"a phrase", `1|"my balance|!`, "lang top told top", "en:5.00 10 balance 10 masked"},
		{"a phrase among others", `1|"my balance please|!`, "lang top told top", ""},
		{"a phrase in a story", `1|"fraud 90 you see my balance was too low|!`, "lang top person", ""},
		{"surely", `1|"fraud 75|!`, "lang top person", ""},
		{"not surely, and right", `1|"fraud 74|1`, "lang top person", "en:I heard: masked. Is that right? Say yes, or press one. Say no, or press two."},
		{"not surely, and wrong", `1|"fraud 74|2|2|!`, "lang top person", ""},
		{"not surely, twice wrong", `1|"fraud 74|"no|"balance 50|"that's wrong`, "lang top person", ""},
		{"confirmed in words", `1|"card 99|"yes please`, "lang top person", "en:Block your card. Is that right? Say yes, or press one. Say no, or press two."},
		{"an option confirmed", `1|"once more|"yes|!`, "lang top top", "en:I heard: once more. Is that right? Say yes, or press one. Say no, or press two."},
		{"confirmed in Chinese", `2|"card 99|"对的`, "lang top person", "zh:挂失。对吗？对，请说对，或按一。不对，请说不对，或按二。"},
		{"an intent that the ask has not", `1|"refund 99|"fraud 99`, "lang top person", ""},
		{"none, none", `1|"what 0|"what 0`, "lang top person", ""},
		{"not a word", `1|-|-`, "lang top", ""},
		{"a key that means nothing", `1|7|-`, "lang top", ""},
		{"nobody understands", `1|"broken|"broken`, "lang top person", ""},
		{"the language, in words", `"中文|2`, "lang top person", ""},
	} {
		l := &line{turns: strings.Split(c.turns, "|"), meaning: &meanings{}}
		if _, err := l.start(t, Options{}, askFlow); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := strings.ReplaceAll(strings.Join(l.path, " "), "main.", ""); got != c.path {
			t.Errorf("%s: path %s", c.name, got)
		}
		if c.said != "" && !slices.Contains(l.said, c.said) {
			t.Errorf("%s: heard %q", c.name, l.said)
		}
	}
}

// TestAskListens: what may be said is offered, in all languages while none is known;
// without somebody who understands, what is said freely is not listened for.
func TestAskListens(t *testing.T) {
	l := &line{turns: []string{`"english`, "!"}, meaning: &meanings{}}
	if _, err := l.start(t, Options{}, askFlow); err != nil {
		t.Fatal(err)
	}
	lang, top := l.listens[0], l.listens[1]
	if fmt.Sprint(lang.Tongues) != "[{en [english]} {zh [中文]}]" || lang.Phrases != nil || lang.Free {
		t.Errorf("the menu listens for %+v", lang)
	}
	want := "[my balance once more balance one card one fraud one balance two card two fraud two]"
	if fmt.Sprint(top.Phrases) != want || top.Language != "en" || !top.Free || top.Tongues != nil {
		t.Errorf("the ask listens for %+v", top)
	}
	deaf := &line{turns: []string{"1", "!"}}
	if _, err := deaf.start(t, Options{}, askFlow); err != nil {
		t.Fatal(err)
	}
	if turn := deaf.listens[1]; turn.Free || fmt.Sprint(turn.Phrases) != "[my balance once more]" {
		t.Errorf("without an understander the ask listens for %+v", turn)
	}
}

// TestAskTells: what was understood is told without what is personal, and the
// difficulty goes with the caller, unless the flow has one of its own.
func TestAskTells(t *testing.T) {
	m := &meanings{}
	l := &line{turns: []string{"1", `"what 0`, `"fraud 99`}, meaning: m}
	if _, err := l.start(t, Options{}, askFlow); err != nil {
		t.Fatal(err)
	}
	if len(l.understood) != 2 || l.understood[1].Intent != "fraud" || l.understood[1].Entities[1].Private.Len() > 0 {
		t.Errorf("told %+v", l.understood)
	}
	if q := l.queued[0]; q.Difficulty != 20 || len(q.Terms) != 1 {
		t.Errorf("waits with %+v", q)
	}
	if u := m.asked[1]; u.Tries != 1 || u.Language != "en" || u.Now.IsZero() || u.Chosen != "" {
		t.Errorf("asked %+v", u)
	}
	for _, words := range l.keys {
		if words.Len() > 0 && string(words.Reveal()) != "1" {
			t.Error("words outlive the ask")
		}
	}
	own := &line{turns: []string{"1", "2"}, meaning: m}
	if _, err := own.start(t, Options{}, strings.Replace(askFlow, "enqueue: q", "enqueue: {queue: q, difficulty: 77}", 1)); err != nil {
		t.Fatal(err)
	}
	if q := own.queued[0]; q.Difficulty != 77 || q.Terms != nil {
		t.Errorf("with a difficulty of the flow's: %+v", q)
	}
	quiet := &line{turns: []string{"1", "2"}}
	if _, err := quiet.start(t, Options{}, askFlow); err != nil || quiet.queued[0].Difficulty != neutral {
		t.Errorf("where nothing was understood: %+v, %v", quiet.queued, err)
	}
}

// TestMenuConfirms: a choice by speech is confirmed, one by key is not.
func TestMenuConfirms(t *testing.T) {
	const flow = `
flow: main
languages: [en]
start: top
defaults: {retries: 1}
nodes:
  top:
    menu:
      say: Close?
      options: {close: {digit: 1, phrases: {en: [close it]}, confirm: true, confirmation: {play: closing}}, keep: {digit: 2, phrases: {en: [keep it]}}}
    on: {close: closed, keep: end, noinput: end, nomatch: lost}
  closed: {say: Closed., next: end}
  lost: {say: Lost., next: end}
`
	for turns, want := range map[string]string{
		`1`: "closed", `"close it|"yes`: "closed", `"close it|1`: "closed", `"close it|"no|1`: "closed", `"keep it`: "top",
		`"close it|-|"close it|-`: "lost", `"close it|"well|"close it|3`: "lost",
	} {
		l := &line{turns: strings.Split(turns, "|")}
		if _, err := l.start(t, Options{}, flow); err != nil || l.path[len(l.path)-1] != "main."+want {
			t.Errorf("%s: %v, %v", turns, l.path, err)
		}
		asked := slices.Contains(l.said, "en:closing") && slices.Contains(l.said, "en:Is that right? Say yes, or press one. Say no, or press two.")
		if asked != strings.Contains(turns, `"close it`) {
			t.Errorf("%s: heard %q", turns, l.said)
		}
	}
}

// FuzzSaid: a phrase that is found in free words is one of the option's, and its words
// are among them.
func FuzzSaid(f *testing.F) {
	f.Add("the main menu, please", "main menu")
	f.Add("我要转人工谢谢", "转人工")
	f.Add("I'm", "m")
	f.Fuzz(func(t *testing.T, text, phrase string) {
		all := options{{name: "o", phrases: map[string][]string{"en": {phrase}}}}
		got := all.said(text, "en")
		if got == "" {
			return
		}
		words := " " + strings.Join(spelling.Words(text), " ") + " "
		if got != phrase || !strings.Contains(words, " "+strings.Join(spelling.Words(phrase), " ")+" ") {
			t.Errorf("%q in %q: %q", phrase, text, got)
		}
	})
}
