package flowtest_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/ivr/flowtest"
)

// TestReferenceExamples checks the flows of docs/flows.md and runs its
// scenarios.
func TestReferenceExamples(t *testing.T) {
	data, err := os.ReadFile("../../docs/flows.md")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	var scenarios []string
	for i, block := range strings.Split(string(data), "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		switch {
		case strings.HasPrefix(block, "flow:"):
			files[fmt.Sprintf("example-%d.yaml", i)] = []byte(block)
		case strings.HasPrefix(block, "test:"):
			scenarios = append(scenarios, block)
		default:
			t.Errorf("an example is neither a flow nor a scenario:\n%s", block)
		}
	}
	flows, faults := ivr.CheckFiles(files, ivr.CheckOptions{})
	for _, f := range faults {
		t.Error(f)
	}
	if len(files) < 3 || len(scenarios) < 3 {
		t.Errorf("only %d flows and %d scenarios found", len(files), len(scenarios))
	}
	for _, s := range scenarios {
		for _, r := range flowtest.RunFile(t.Context(), flows, "example", []byte(s), flowtest.Options{Env: map[string]string{"BACKEND": "http://b"}, Understander: understander(t)}) {
			if !r.Passed() {
				t.Error(r.Summary())
			}
		}
	}
}
