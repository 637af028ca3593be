package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/ivrd/ivrd/call"
	"github.com/ivrd/ivrd/internal/config"
	"github.com/ivrd/ivrd/media"
)

// writeFlow writes the flow main, and the prompt that it plays if wanted.
func writeFlow(t *testing.T, f config.File, prompt string, recorded bool) {
	t.Helper()
	write := func(path string, data []byte) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	flow := "\nflow: main\nlanguages: [en]\nstart: hello\nnodes:\n  hello: {play: " + prompt + ", next: end}\n"
	write(filepath.Join(f.Flows.Dir, "main.yaml"), []byte(flow))
	if recorded {
		sound := append(media.WAVHeader(media.SampleRate, 1, 320), make([]byte, 320)...)
		write(filepath.Join(f.Flows.Prompts, "en", prompt+".wav"), sound)
	}
}

// Flows that are loaded again may play prompts that were recorded since.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	f := config.Default()
	f.Flows.Dir, f.Flows.Prompts = filepath.Join(dir, "flows"), filepath.Join(dir, "prompts")
	h := &house{file: f, log: slog.New(slog.DiscardHandler)}
	writeFlow(t, f, "first", true)
	if err := h.loadFlows(); err != nil {
		t.Fatal(err)
	}
	old := h.callScript()

	writeFlow(t, f, "missing", false)
	h.reloadFlows()
	if h.callScript().Flows != old.Flows {
		t.Error("a flow whose prompt is missing was taken")
	}
	if _, err := h.callScript().Speaker.File("en", "first"); err != nil {
		t.Errorf("after a failed reload: %v", err)
	}

	writeFlow(t, f, "second", true)
	h.reloadFlows()
	if h.callScript().Flows == old.Flows {
		t.Error("the new flow was not taken")
	}
	if _, err := h.callScript().Speaker.File("en", "second"); err != nil {
		t.Errorf("after a reload: %v", err)
	}
	// A call that began before goes on with what it has.
	if _, err := old.Speaker.File("en", "first"); err != nil {
		t.Errorf("the old prompts after a reload: %v", err)
	}
	if _, err := old.Speaker.File("en", "second"); err == nil {
		t.Error("the old prompts have changed")
	}
}

// Whoever reads in /readyz that the server drains must find that it refuses.
func TestDrainingIsToldOnceCallsAreRefused(t *testing.T) {
	h := &house{file: config.Default(), log: slog.New(slog.DiscardHandler)}
	h.conductor = call.New(call.Config{MaxCalls: 1}, call.Deps{Log: h.log})
	h.draining.Store(true) // the drain is about to begin
	if err := h.notDraining(t.Context()); err != nil {
		t.Errorf("calls are still taken, and /readyz says: %v", err)
	}
	h.drain()
	if !h.conductor.Closed() || h.notDraining(t.Context()) == nil {
		t.Error("after the drain calls are taken, or /readyz does not know")
	}
	if err := h.hasCapacity(t.Context()); err != nil {
		t.Errorf("an empty server that drains says: %v", err)
	}
}
