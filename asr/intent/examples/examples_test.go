package examples

import (
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	s, err := Read([]byte(`languages: [en, zh]
threshold: 0.6
order_number: 'T\d+'
intents:
  lost:
    difficulty: 60
    confirm: true
    examples:
      en: ["I lost my card", 'no']
      zh: [卡丢了]
  balance: {examples: {en: [my balance]}}
none:
  en: [good morning]
`))
	if err != nil {
		t.Fatal(err)
	}
	lost := s.Intents[1]
	if len(s.Intents) != 2 || s.Intents[0].Name != "balance" || lost.Difficulty != 60 || !lost.Confirm || s.Threshold != 0.6 || s.Order != `T\d+` {
		t.Errorf("%+v", s)
	}
	if e := lost.Examples["en"][1]; e.Text != "no" || e.Line != 9 {
		t.Errorf("%+v", e)
	}
	if len(s.None["en"]) != 1 {
		t.Errorf("%+v", s.None)
	}
}

func TestFaults(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "languages: name at least one",
		"languages: [en]\nlang: 1": "line 2: field lang not found",
		"languages: [en]\nintents:\n  a: {}\n  a: {}":                             `"a" already defined at line 3`,
		"languages: [en]\nintents:\n  Bad-Name: {}":                               "intents.Bad-Name",
		"languages: [en]\nintents:\n  a: {difficulty: 101}":                       "101 is not from 0 to 100",
		"languages: [en]\nintents:\n  a: {examples: {fr: [oui]}}":                 "intents.a.examples.fr: this language is not among",
		"languages: [en]\nintents:\n  a: {examples: {en: [[x]]}}":                 "line 3: intents.a.examples.en: an example is a text",
		"languages: [en]\nintents:\n  a: {examples: {en: [' ']}}":                 "an example is a text",
		"languages: [en]\nthreshold: 1.5":                                         "threshold: 1.5",
		"languages: [en]\nthreshold: .nan":                                        "threshold: NaN",
		"languages: [en]\norder_number: '('":                                      "order_number",
		"languages: [en]\nnone: {en: ['" + strings.Repeat("x", maxText+1) + "']}": "longer than 500 bytes",
		"# " + strings.Repeat("x", maxBytes):                                      "larger than",
		"- a":                                                                     "cannot unmarshal",
	} {
		if _, err := Read([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}

// FuzzRead: no file upsets the reader, and what it takes can be checked.
func FuzzRead(f *testing.F) {
	f.Add([]byte("languages: [en]\nintents:\n  a: {examples: {en: [x, y]}}\nnone: {en: [z]}"))
	f.Add([]byte("languages: &a [*a]"))
	f.Add([]byte("intents: {a: {examples: {en: [!!binary aGk=]}}}"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		if s, err := Read(data); err == nil {
			s.Check()
		}
	})
}
