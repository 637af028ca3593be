package flowtest_test

import (
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/ivrd/ivrd/asr/intent/examples"
	"github.com/ivrd/ivrd/internal/understand"
	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/ivr/flowtest"
)

const demo = "../../configs/demo/"

// TestDemo runs the demo's scenarios and insists that together they go every
// way that its flows have, and that every prompt has its text.
func TestDemo(t *testing.T) {
	files, err := ivr.Files(os.DirFS(demo + "flows"))
	if err != nil {
		t.Fatal(err)
	}
	texts := promptTexts(t)
	flows, faults := ivr.CheckFiles(files, ivr.CheckOptions{
		Prompt: func(language, name string) bool { return texts[name][language] != "" },
		Env:    map[string]string{"BACKEND": ""},
	})
	for _, f := range faults {
		t.Error(f)
	}
	intents := understander(t)
	var results []flowtest.Result
	for name, data := range files {
		if !strings.HasSuffix(name, ".test.yaml") {
			continue
		}
		for _, r := range flowtest.RunFile(t.Context(), flows, name, data, flowtest.Options{Env: map[string]string{"BACKEND": "http://back.end"}, Understander: intents}) {
			if !r.Passed() {
				t.Error(r.Summary())
			}
			results = append(results, r)
		}
	}
	for _, e := range flowtest.Uncovered(flows, results) {
		t.Errorf("no scenario goes from %s.%s by %s to %s", e.Flow, e.Node, e.Outcome, e.To)
	}
	used := flows.Prompts()
	for name := range texts {
		if !strings.Contains(" "+strings.Join(used, " ")+" ", " "+name+" ") {
			t.Errorf("prompt %s has a text, but no flow plays it", name)
		}
	}
}

// understander understands the demo's intents.
func understander(t *testing.T) ivr.Understander {
	t.Helper()
	data, err := os.ReadFile(demo + "intents.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := examples.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	u, err := understand.New(set, understand.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func promptTexts(t *testing.T) map[string]map[string]string {
	t.Helper()
	data, err := os.ReadFile(demo + "prompts/texts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Prompts map[string]map[string]string `yaml:"prompts"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.Prompts
}
