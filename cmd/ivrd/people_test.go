package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A demo's data that goes to production: what refuses the demo's passwords must
// not refuse the commands that mend them.
func TestDemoPeopleInProduction(t *testing.T) {
	dir := t.TempDir()
	sets := []string{"--set", "data.dir=" + filepath.Join(dir, "var")}
	command := func(want int, args ...string) {
		t.Helper()
		if got := run(append(args, sets...)); got != want {
			t.Fatalf("ivrd %v: exit status %d, want %d", args, got, want)
		}
	}
	command(0, "user", "list")
	if err := os.Rename(filepath.Join(dir, "var", "keys"), filepath.Join(dir, "keys")); err != nil {
		t.Fatal(err)
	}
	sets = append(sets, "--set", "mode=production", "--set", "flows.backend=", "--set", `flows.env={BACKEND: "http://127.0.0.1"}`, "--set", "data.key_file="+filepath.Join(dir, "keys", "root"))

	refuses := func(names ...string) {
		t.Helper()
		command(exitFault, "check")
		c := configured{}
		for i := 1; i < len(sets); i += 2 {
			c.Set = append(c.Set, sets[i])
		}
		f, err := c.load()
		if err != nil {
			t.Fatal(err)
		}
		h := &house{file: f, log: slog.New(slog.DiscardHandler)}
		err = h.openData(t.Context())
		if closeErr := h.close(); closeErr != nil {
			t.Fatal(closeErr)
		}
		for _, name := range names {
			if err == nil || !strings.Contains(err.Error(), "ivrd user password "+name) {
				t.Errorf("serve does not refuse the demo password of %s: %v", name, err)
			}
		}
		if checked := checkPeople(t.Context(), f); checked == nil || err == nil || checked.Error() != err.Error() {
			t.Errorf("check says %v, serve %v", checked, err)
		}
	}
	refuses("alice", "bob")
	typed(t, "battery-staple-7\n")
	command(0, "user", "password", "alice")
	for _, name := range []string{"bob", "sue", "ada", "otto"} {
		refuses(name)
		command(0, "user", "disable", name)
	}
	command(0, "check")
}

// typed puts text on the standard input.
func typed(t *testing.T, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "typed")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stdin
	os.Stdin = in
	t.Cleanup(func() {
		os.Stdin = old
		_ = in.Close()
	})
}
