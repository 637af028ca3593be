package e2e

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // as another program would open the database

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
)

// The faults of the table in docs/operating.md, and what is heard of each.

// TestPortRangeFull has room for two calls.
func TestPortRangeFull(t *testing.T) {
	t.Parallel()
	rtp := testkit.Ports(t, 4)
	h := open(t, fmt.Sprintf("media.ports=%d-%d", rtp, rtp+3))
	x := newExchange(t)
	var running []*telephone
	for range 2 {
		c := x.call("sip:1000@" + h.sip)
		c.hears(t, 500, 700)
		c.press(t, "5")
		c.hears(t, 600)
		running = append(running, c)
	}
	if answer := invite(t, h.sip, "1000"); !strings.HasPrefix(answer, "SIP/2.0 503") {
		t.Errorf("a call without ports was answered:\n%s", answer)
	}
	for _, c := range running {
		c.steady(t, 600, time.Second)
		c.close()
	}
	ended := map[string]int{}
	for _, c := range h.ended(3) {
		ended[c.End.Slug]++
	}
	if ended[leg.NoPorts.Slug] != 1 || ended[leg.CallerHangup.Slug] != 2 {
		t.Errorf("ends: %v", ended)
	}
	h.settled()
	c := x.call("sip:1000@" + h.sip)
	c.hears(t, 500)
	c.close()
	h.ended(4)
	h.verify()
}

// TestMissingPrompt is refused before there is a call; what only turns out at
// run time takes the flow's on_error, or ends the call.
func TestMissingPrompt(t *testing.T) {
	t.Parallel()
	h := open(t, "flows.dir=testdata/faults", "speech.engine=none", "flows.backend=",
		"flows.env={LIVE: http://127.0.0.1:9, DEAD: http://127.0.0.1:9}", `calls.numbers={"1000": faults, "2000": mute}`)
	x := newExchange(t)
	c := x.call("sip:1000@" + h.sip)
	c.hears(t, 700)
	c.press(t, "5")
	c.hears(t, 1700, 1900)
	if err := c.waitsEnd(leg.AgentHangup); err != nil {
		t.Error(err)
	}
	c = x.call("sip:2000@" + h.sip)
	c.hears(t, 500)
	if err := c.waitsEnd(leg.AgentHangup); err != nil {
		t.Error(err)
	}
	calls := h.ended(2)
	if calls[0].End != leg.FlowFault || calls[1].End != leg.FlowHangup {
		t.Errorf("ends: %s, %s", calls[0].End, calls[1].End)
	}

	prompts := tonePrompts(t)
	if err := os.Remove(filepath.Join(prompts, "en", "t1700.wav")); err != nil {
		t.Fatal(err)
	}
	h.args = append(h.args, "--set", "flows.prompts="+prompts, "--set", "data.dir="+t.TempDir())
	for _, command := range []string{"check", "serve"} {
		out, err := h.command(command).CombinedOutput()
		if exitStatus(err) != 1 || !strings.Contains(string(out), "faults.yaml:") || !strings.Contains(string(out), "t1700") {
			t.Errorf("%s without a prompt: %v\n%s", command, err, out)
		}
	}
}

// TestBackends has a dead, a slow and several mad back ends, all at once.
func TestBackends(t *testing.T) {
	t.Parallel()
	live := httptest.NewServer(madBackend())
	t.Cleanup(live.Close)
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	h := open(t, "flows.dir=testdata/faults", "speech.engine=none", "flows.backend=",
		fmt.Sprintf("flows.env={LIVE: %q, DEAD: %q}", live.URL, dead.URL), `calls.numbers={"1000": faults}`)
	x := newExchange(t)
	results := make(chan error)
	want := map[string][]float64{"1": {1700, 1900}, "2": {1700, 1900}, "3": {1700, 1900}, "4": {1700, 1900}, "6": {1700, 1900}, "9": {1100, 1900}}
	for key, tones := range want {
		go func() { results <- x.backendCall(h, key, tones) }()
	}
	for range want {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	for _, c := range h.ended(len(want)) {
		if c.End != leg.FlowHangup {
			t.Errorf("a call ended as %s after %v", c.End, c.Path)
		}
		if node := c.Path[1].Node; node == "slow" {
			if took := c.Path[2].AtMS - c.Path[1].AtMS; took < 950 || took > 3000 {
				t.Errorf("the limit of 1 s for the back end took %d ms", took)
			}
		}
	}
}

func (x *exchange) backendCall(h *house, key string, tones []float64) error {
	c, err := x.dial("sip:1000@" + h.sip)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.waits(700); err != nil {
		return err
	}
	if err := c.leg.Stream().SendDigits(key); err != nil {
		return err
	}
	if err := c.waits(tones...); err != nil {
		return fmt.Errorf("key %s: %w", key, err)
	}
	return c.waitsEnd(leg.AgentHangup)
}

func madBackend() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"word": "`+strings.Repeat("x", 1<<20)+`"}`)
	})
	mux.HandleFunc("/rubbish", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>{{{") })
	mux.HandleFunc("/well", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"word": "well"}`) })
	return mux
}

// TestDatabaseLocked takes the database away for a while: no call without its
// record, and the running call's record is written when it is back.
func TestDatabaseLocked(t *testing.T) {
	t.Parallel()
	h := open(t)
	x := newExchange(t)
	c := x.call("sip:1000@" + h.sip)
	c.hears(t, 500, 700)
	c.press(t, "5")
	c.hears(t, 600)
	unlock := lock(t, filepath.Join(h.data, "ivrd.db"))
	if answer := invite(t, h.sip, "1000"); !strings.HasPrefix(answer, "SIP/2.0 503") {
		t.Errorf("a call without a record was answered:\n%s", answer)
	}
	c.steady(t, 600, time.Second)
	c.close()
	unlock()
	if rec := h.ended(1)[0]; rec.End != leg.CallerHangup || rec.Recording.State != "complete" {
		t.Errorf("record: %+v", rec)
	}
	c = x.call("sip:1000@" + h.sip)
	c.hears(t, 500)
	c.close()
	h.ended(2)
	h.verify()
}

// lock keeps everybody else from writing to a database.
func lock(t *testing.T, path string) (unlock func()) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		_ = tx.Rollback()
		_ = db.Close()
	}
}

// TestDiskFull fills the disk in the middle of a call.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	h := openSmall(t)
	x := newExchange(t)
	c := x.call("sip:1000@" + h.sip)
	c.say(440)
	c.hears(t, 500, 700)
	c.press(t, "5")
	c.hears(t, 600)
	h.recorded(1, time.Second)
	filler := h.fill()
	h.process.WaitOutput("disk is full", patience)
	c.steady(t, 600, time.Second)

	refused := x.call("sip:1000@" + h.sip)
	refused.hears(t, 500, 1700)
	if err := refused.waitsEnd(leg.AgentHangup); err != nil {
		t.Error(err)
	}
	if rec := h.ended(1)[0]; rec.End != leg.NoStorage || rec.Recording.State != "none" || lastNode(rec) != "sorry" {
		t.Errorf("record of a call while the disk was full: end %s, recording %+v, path %v", rec.End, rec.Recording, rec.Path)
	}
	c.steady(t, 600, 12*time.Second) // longer than what is kept in memory
	c.close()
	rec := h.ended(2)[1]
	if rec.End != leg.CallerHangup || rec.Recording.State != "partial" || rec.Recording.Cause != "disk full" {
		t.Errorf("record of the running call: end %s, recording %+v", rec.End, rec.Recording)
	}
	if left, _ := h.recording(rec.ID, ""); len(left) < media.SampleRate {
		t.Errorf("only %d samples can be played", len(left))
	}
	h.verify()

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	h.process.WaitOutput("disk has room again", patience)
	c = x.call("sip:1000@" + h.sip)
	c.hears(t, 500, 700)
	c.press(t, "9")
	c.hears(t, 1900)
	if rec := h.ended(3)[0]; rec.Recording.State != "complete" {
		t.Errorf("after the disk had room again: %+v", rec.Recording)
	}
	h.verify()
}

func lastNode(c recordings.Call) string {
	if len(c.Path) == 0 {
		return ""
	}
	// The node that told the caller, not where it would have gone.
	return c.Path[len(c.Path)-1].Node
}

// openSmall starts a server whose data stands on a disk of 24 MB: a file
// system in memory, in a mount namespace of the server's own.
func openSmall(t *testing.T) *house {
	t.Helper()
	h := prepare(t, "data.reserve=2MiB")
	mount := func(script string) []string {
		return []string{"sh", "-c", "mount -t tmpfs -o size=24m tmpfs $0 && " + script, h.data}
	}
	// Root may make a namespace; others need one of users around it.
	for _, how := range [][2][]string{{{"-m"}, {"-m"}}, {{"-r", "-m"}, {"-m", "-U", "--preserve-credentials"}}} {
		unshare := append([]string{"unshare"}, how[0]...)
		if try := append(unshare, mount("true")...); exec.Command(try[0], try[1:]...).Run() != nil {
			continue
		}
		h.wrap = append(unshare, mount(`exec "$@"`)...)
		h.start()
		h.enter = append([]string{"nsenter", "-t", strconv.Itoa(h.process.PID()), "-r", "-w"}, how[1]...) // the root, too: it may be a changed one
		return h
	}
	testkit.Lacks(t, "the kernel, or this container, gives a test no file system of its own")
	return nil
}

// fill leaves less room than the server wants. It takes it at one stroke: the
// reserve that the server gives up then is not for us.
func (h *house) fill() (name string) {
	h.t.Helper()
	dir := fmt.Sprintf("/proc/%d/root%s", h.process.PID(), h.data) // as the server sees it
	f, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	testkit.Eventually(h.t, patience, "a full disk", func() bool {
		var st syscall.Statfs_t
		if err := syscall.Statfs(dir, &st); err != nil {
			h.t.Fatal(err)
		}
		return syscall.Fallocate(int(f.Fd()), 0, 0, int64(st.Bavail)*st.Bsize-32<<10) == nil
	})
	return f.Name()
}

// exitStatus of a command that was run: 0 when it went well.
func exitStatus(err error) int {
	if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // Run returns it bare
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}
