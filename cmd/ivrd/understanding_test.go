package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/internal/config"
)

// TestFlowsAskForWhatIsThere: an intent that the configured file has not got is a fault
// of the flow, and the demo's flows go with the demo's intents.
func TestFlowsAskForWhatIsThere(t *testing.T) {
	f := config.Default()
	set, err := loadIntents(f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := loadFlows(f, nil, intentNames(set)); err != nil {
		t.Error(err)
	}
	f.Flows.Dir = t.TempDir()
	const flow = "flow: f\nlanguages: [en]\nstart: a\nnodes:\n  a: {ask: {say: Hello, intents: {card_lots: {}}}, on: {card_lots: end, noinput: end, nomatch: end}}\n"
	if err := os.WriteFile(filepath.Join(f.Flows.Dir, "f.yaml"), []byte(flow), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadFlows(f, nil, intentNames(set)); err == nil || !strings.Contains(err.Error(), "there is no intent card_lots (did you mean card_lost?)") {
		t.Errorf("loadFlows: %v", err)
	}
}

// TestOutsideUnderstander takes what the configuration allows.
func TestOutsideUnderstander(t *testing.T) {
	f := config.Default()
	set, err := loadIntents(f)
	if err != nil {
		t.Fatal(err)
	}
	f.Speech.Understanding.Engine, f.Speech.Understanding.URL, f.Speech.Understanding.Model = config.UnderstandingChat, "http://127.0.0.1:1/v1", "m"
	if _, err := newUnderstander(f, set, nil); err != nil {
		t.Error(err)
	}
}
