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
	"github.com/ivrd/ivrd/media"
)

// recognizerBuilt is the recognizer of menus, built once, and not where servers look.
var recognizerBuilt = sync.OnceValues(func() (string, error) {
	return buildTo(filepath.Join(filepath.Dir(binary), "helpers"), "ivrd-asr", "pocketsphinx")
})

// buildHelper returns a directory that has it, for this test alone.
func buildHelper(t *testing.T) string {
	t.Helper()
	testkit.Need(t, "pkg-config")
	path, err := recognizerBuilt()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Link(path, filepath.Join(dir, "ivrd-asr")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// buildTagged builds a helper, with C in it, and returns its directory.
func buildTagged(t *testing.T, name, tag string) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := buildTo(dir, name, tag); err != nil {
		t.Fatal(err)
	}
	return dir
}

func buildTo(dir, name, tag string) (path string, err error) {
	path = filepath.Join(dir, name)
	cmd := exec.Command("go", "build", "-tags", tag, "-o", path, "../../cmd/"+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return path, nil
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
	s := &spokenTo{house: h, seen: map[string]bool{}}
	s.says("en-us", "my bill", "", "top paid", "500 700")
	s.says("en-us+f3", "technical support", "", "top mended", "500 900")

	pid := childOf(t, helper)
	files := func() int {
		open, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		return len(open)
	}
	idle := files()
	var call sync.WaitGroup
	call.Go(func() { s.says("en-us", "my bill", "w5,3", "top spoken", "500 1100") })
	testkit.Eventually(t, 20*time.Second, "somebody is listened to", func() bool { return files() > idle })
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	call.Wait()

	testkit.Eventually(t, 20*time.Second, "the recognizer is back", func() bool { return strings.Contains(h.process.Output(), "is back") })
	s.says("en-us", "speak to an agent", "", "top spoken", "500 1100")
	h.verify()
}

// TestBaresipIsUnderstood: a SIP phone that is not ours says "my bill", every few seconds
// until it is heard, and waits in the queue that answers for it.
func TestBaresipIsUnderstood(t *testing.T) {
	t.Parallel()
	helper := buildHelper(t)
	h := prepare(t, `calls.numbers={"3000": wanted}`, "speech.recognizer=pocketsphinx", "queues=[{name: payments}]")
	h.wrap = []string{"env", "PATH=" + helper + ":" + os.Getenv("PATH")}
	h.start()
	mouth := media.Silence(2 * time.Second)
	for range tries {
		mouth = slices.Concat(mouth, speech.Voice{Name: "en-us", Text: "my bill"}.Say(t, media.SampleRate), media.Silence(6*time.Second))
	}
	phone := testkit.Baresip{User: "alice", Domain: h.sip, Password: h.sipSecret("alice"), Mouth: mouth}.Start(t)
	says(t, phone, "200 OK (ivrd)")
	phone.Call("sip:3000@" + h.sip)
	phone.WaitEstablished()
	phone.WaitHeard(15*time.Second, 2*patience)
	phone.Hangup()
	phone.WaitClosed()
	c := h.ended(1)[0]
	if path(c) != "top wait" || c.Queue != "payments" {
		t.Errorf("the call went %q, queue %q", path(c), c.Queue)
	}
	if said := fmt.Sprint(h.transcript(c.ID)); !strings.Contains(said, "my bill") {
		t.Errorf("written down: %s", said)
	}
	h.hearsAll("baresip", h.lastHeard(phone), 500, 600)
	h.verify()
}

// spokenTo is a house whose menu is answered.
type spokenTo struct {
	*house

	seen map[string]bool // calls
}

// tries is how often somebody says a thing: on a starved machine the line stutters,
// and stuttering is heard as something else.
const tries = 3

// says lets somebody call, speak, and press keys, until the call goes the way that is
// wanted, and they hear it.
func (s *spokenTo) says(voice, text, keys, want, hears string) {
	s.t.Helper()
	s.plays(speaks(s.t, voice, text), keys, want, hears)
}

// plays is says with a file of what is said.
func (s *spokenTo) plays(said, keys, want, hears string) {
	s.t.Helper()
	heard := filepath.Join(s.t.TempDir(), "heard.wav")
	var got []string
	for range tries {
		s.phone("sip:3000@"+s.sip, "--play", said, "--dtmf", keys, "--duration", "20s", "--record", heard)
		for _, c := range s.ended(len(s.seen) + 1) {
			if !s.seen[c.ID] {
				s.seen[c.ID] = true
				got = append(got, path(c))
			}
		}
		if got[len(got)-1] == want {
			checkSound(s.t, "who plays "+said, testkit.ReadWAV(s.t, heard), hears)
			return
		}
	}
	s.t.Errorf("who plays %s goes %q, want %q", said, got, want)
}

// childOf finds the helper that was started from a directory.
func childOf(t *testing.T, dir string) int {
	t.Helper()
	pid, found := findChild(dir)
	if !found {
		t.Fatal("no helper runs")
	}
	return pid
}

// findChild is childOf for any goroutine.
func findChild(dir string) (pid int, found bool) {
	all, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, exe := range all {
		if target, err := os.Readlink(exe); err == nil && strings.HasPrefix(target, dir) {
			pid, _ := strconv.Atoi(strings.Split(exe, "/")[2])
			return pid, true
		}
	}
	return 0, false
}
