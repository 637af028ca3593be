package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/speech"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// buildHelper builds the recognizer of menus, and returns its directory.
func buildHelper(t *testing.T) string {
	t.Helper()
	testkit.Need(t, "pkg-config")
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-tags", "pocketsphinx", "-o", filepath.Join(dir, "ivrd-asr"), "../../cmd/ivrd-asr")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build ivrd-asr: %v\n%s", err, out)
	}
	return dir
}

// speaks is a file of somebody who waits until the prompt is over, and then speaks.
func speaks(t *testing.T, voice, text string) string {
	t.Helper()
	pcm := slices.Concat(media.Silence(2*time.Second), speech.Voice{Name: voice, Text: text}.Say(t, media.SampleRate), media.Silence(20*time.Second))
	path := filepath.Join(t.TempDir(), "voice.wav")
	b := media.AppendWAV(media.WAVHeader(media.SampleRate, 1, int64(2*len(pcm))), pcm)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSpokenMenu is answered in words, by PocketSphinx as it is shipped; when that
// dies, keys still work, and it comes back.
func TestSpokenMenu(t *testing.T) {
	t.Parallel()
	helper := buildHelper(t)
	h := prepare(t, `calls.numbers={"3000": spoken}`, "speech.recognizer=pocketsphinx")
	h.wrap = []string{"env", "PATH=" + helper + ":" + os.Getenv("PATH")}
	h.start()
	says := func(t *testing.T, voice, text, keys string) string {
		t.Helper()
		r := h.phone("sip:3000@"+h.sip, "--play", speaks(t, voice, text), "--dtmf", keys, "--duration", "20s")
		if r.End != leg.FlowHangup && r.End.Slug != "remote-hangup" {
			t.Errorf("%s says %q: %+v", voice, text, r)
		}
		return text
	}
	var together sync.WaitGroup
	for _, c := range []struct{ voice, text string }{{"en-us", "my bill"}, {"en-us+f3", "technical support"}} {
		together.Go(func() { says(t, c.voice, c.text, "") })
	}
	together.Wait()
	h.paths(t, "top paid", "top mended")

	pid := childOf(t, helper)
	files := func() int {
		open, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		return len(open)
	}
	idle := files()
	together.Go(func() { says(t, "en-us", "my bill", "w5,3") })
	testkit.Eventually(t, 20*time.Second, "somebody is listened to", func() bool { return files() > idle })
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	together.Wait()
	h.paths(t, "top paid", "top mended", "top spoken")

	testkit.Eventually(t, 20*time.Second, "the recognizer is back", func() bool { return strings.Contains(h.process.Output(), "is back") })
	says(t, "en-us", "speak to an agent", "")
	h.paths(t, "top paid", "top mended", "top spoken", "top spoken")
	h.verify()
}

// paths compares the nodes of all calls, in any order.
func (h *house) paths(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for _, c := range h.ended(len(want)) {
		got = append(got, path(c))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("paths %q, want %q", got, want)
	}
}

// childOf finds the helper that was started from a directory.
func childOf(t *testing.T, dir string) int {
	t.Helper()
	all, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, exe := range all {
		if target, err := os.Readlink(exe); err == nil && strings.HasPrefix(target, dir) {
			pid, _ := strconv.Atoi(strings.Split(exe, "/")[2])
			return pid
		}
	}
	t.Fatal("no helper runs")
	return 0
}
