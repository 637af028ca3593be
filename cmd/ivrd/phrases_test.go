package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/internal/config"
)

// menuWith writes a flow with these phrases in English and Chinese.
func menuWith(t *testing.T, phrases string) config.File {
	t.Helper()
	f := config.Default()
	f.Flows.Dir, f.Speech.Recognizer = t.TempDir(), "pocketsphinx"
	flow := "flow: main\nlanguages: [en, zh]\nstart: m\nnodes:\n  m:\n    menu:\n      say: {en: Hello, zh: 你好}\n      options:\n" +
		"        a: {digit: 1, phrases: {en: [" + phrases + "], zh: [账单]}}\n    on: {a: end, noinput: end, nomatch: end}\n"
	if err := os.WriteFile(filepath.Join(f.Flows.Dir, "main.yaml"), []byte(flow), 0o600); err != nil {
		t.Fatal(err)
	}
	return f
}

// Words that PocketSphinx has not got are refused with the nearest that it has; where
// another engine understands the language, it is a warning.
func TestPhrasesOfMenus(t *testing.T) {
	const noChinese = "no recognizer understands zh: callers press keys (hint: speech.recognizers)"
	house := config.Recognizer{Name: "house", Kind: config.KindVosk, URL: "ws://127.0.0.1:2700", Languages: []string{"en-US"}}
	chinese := house
	chinese.Languages = []string{"zh"}
	unknown := `main.yaml:9:20: phrase "my billling" (en) of option a is not understood: "billling" is not in PocketSphinx's dictionary ("billing" is)`
	long := `main.yaml:9:20: phrase "a a a a a a a a a a a a a" (en) of option a is not understood: make grammar: "a a a a a a a a a a a a a" has 13 words, not 1 to 12`
	for _, tt := range []struct {
		name, phrases   string
		others          []config.Recognizer
		recognizer      string
		activity        bool
		warnings, fault string
	}{
		{"well", "billing, my bill", []config.Recognizer{chinese}, "pocketsphinx", true, "", ""},
		{"no Chinese", "billing", nil, "pocketsphinx", true, noChinese, ""},
		{"an unknown word", "my billling", nil, "pocketsphinx", true, noChinese, unknown},
		{"too many words", "a a a a a a a a a a a a a", []config.Recognizer{chinese}, "pocketsphinx", true, "", long},
		{"another engine", "my billling", []config.Recognizer{house}, "pocketsphinx", true, noChinese + "\n" + unknown, ""},
		{"another engine alone", "my billling", []config.Recognizer{house}, "none", true, noChinese, ""},
		{"nobody listens", "my billling", nil, "none", true, "", ""},
		{"nobody can listen", "my billling", []config.Recognizer{house}, "auto", false, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := menuWith(t, tt.phrases)
			f.Speech.Recognizer, f.Speech.Recognizers, f.Speech.Activity = tt.recognizer, tt.others, tt.activity
			flows, err := loadFlows(f, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			warnings, err := checkPhrases(f, flows)
			fault := ""
			if err != nil {
				fault = err.Error()
			}
			strip := func(s string) string { return strings.ReplaceAll(s, f.Flows.Dir+"/", "") }
			if got := strip(strings.Join(warnings, "\n")); got != tt.warnings || strip(fault) != tt.fault {
				t.Errorf("warnings %q, fault %q\nwant     %q, fault %q", got, strip(fault), tt.warnings, tt.fault)
			}
		})
	}
}
