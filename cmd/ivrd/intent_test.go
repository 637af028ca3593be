package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/internal/config"
)

func TestIntentTest(t *testing.T) {
	const demo, held = "../../configs/demo/intents.yaml", "../../asr/intent/testdata/heldout.yaml"
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	faulty := write("faulty.yaml", "languages: [en]\nintents:\n  a: {weight: 3}\n")
	confused := write("confused.yaml", "languages: [en]\nintents:\n  a: {examples: {en: [red house, green tree, blue sea, one, two]}}\n  b: {examples: {en: [red tree, green sea, blue house, three, four]}}\n")
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{demo}, 0},
		{[]string{demo, "--against", held, "--mistakes"}, 0},
		{[]string{demo, "--against", held, "--least", "0.99"}, exitFault},
		{[]string{confused}, exitFault},
		{[]string{faulty}, exitFault},
		{[]string{filepath.Join(dir, "nowhere.yaml")}, exitUsage},
		{nil, exitUsage},
	} {
		if got := run(append([]string{"intent", "test"}, c.args...)); got != c.want {
			t.Errorf("ivrd intent test %v: exit code %d, want %d", c.args, got, c.want)
		}
	}
}

func TestLoadIntents(t *testing.T) {
	f := config.Default()
	set, err := loadIntents(f)
	if err != nil || len(set.Intents) < 8 || len(set.Check()) != 0 {
		t.Errorf("the demo's: %d intents, %v, %v", len(set.Intents), err, set.Check())
	}
	f.Flows.Intents = filepath.Join(t.TempDir(), "nowhere.yaml")
	if _, err := loadIntents(f); err == nil || !strings.Contains(err.Error(), "nowhere.yaml") {
		t.Errorf("a missing file: %v", err)
	}
}
