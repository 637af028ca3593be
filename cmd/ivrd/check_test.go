package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A number that leads nowhere is a fault of the line that it stands on.
func TestNumberWithoutAFlow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ivrd.yaml")
	if err := os.WriteFile(path, []byte("calls:\n  numbers:\n    \"1000\": main\n    \"4000\": nothing\n    echo: echo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := configured{Config: path, Set: []string{"speech.engine=none"}}.load()
	if err != nil {
		t.Fatal(err)
	}
	flows, err := loadFlows(f, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := path + `:4: calls.numbers.4000: no flow is called "nothing" (hint: flows are [main])`
	if err := checkNumbers(f, flows); err == nil || err.Error() != want {
		t.Errorf("checkNumbers: %v\nwant %s", err, want)
	}
	delete(f.Calls.Numbers, "4000")
	if err := checkNumbers(f, flows); err != nil {
		t.Error(err)
	}
}
