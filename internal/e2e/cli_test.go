package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/leg"
)

// TestCommands runs commands that need no server: exit status and words.
func TestCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.yaml", "mode: demo\ncalls:\n  numbers: {\"4000\": main}\n")
	unknown := write("unknown.yaml", "mode: demo\nsip:\n  listne: 127.0.0.1:5060\n")
	twice := write("twice.yaml", "mode: demo\nmode: demo\n")
	nowhere := write("nowhere.yaml", "calls:\n  numbers: {\"4000\": nothing}\n")
	write("flows/bad.yaml", "flow: bad\nlanguages: [en]\nstart: a\nnodes:\n  a: {play: welcome, next: nowhere}\n  b: {play: silence, next: end}\n")
	write("spoken/spoken.yaml", "flow: main\nlanguages: [en]\nstart: m\nnodes:\n  m:\n    menu:\n      say: {en: Hello}\n      options:\n        a: {digit: 1, phrases: {en: [my billling]}}\n    on: {a: end, noinput: end, nomatch: end}\n")
	scenario := write("wrong.test.yaml", "test: a wrong hope\nsteps: [press: \"1\", hear: goodbye, hang up]\nexpect: {end: caller-hangup}\n")

	for _, c := range []struct {
		args   string
		status int
		says   []string
	}{
		{"check", 0, []string{"well: 1 flows"}},
		{"check --config " + good, 0, []string{"well: "}},
		{"check --config " + unknown, 1, []string{unknown + ":3: ", "listne", "hint: did you mean listen?"}},
		{"check --config " + twice, 1, []string{twice + ":2: ", "mode"}},
		{"check --config " + nowhere, 1, []string{nowhere + ":2: calls.numbers.4000: no flow is called \"nothing\" (hint: flows are [main])"}},
		{"check --set flows.dir=" + filepath.Join(dir, "flows"), 1, []string{
			"bad.yaml:5:", "there is no node nowhere", "bad.yaml:6:3: node b is never reached", "prompt silence has no file", "add en/silence.wav",
		}},
		{"check --set calls.numbers.4000=nothing", 1, []string{"--set: calls.numbers.4000: no flow is called"}},
		{"check --set http.listen=:8080", 1, []string{"--set: http.listen: wants address:port with an IP address", "hint: "}},
		{"check --set speech.recognizer=pocketsphinx --set flows.dir=" + filepath.Join(dir, "spoken"), 1, []string{
			`spoken.yaml:9:20: phrase "my billling" (en) of option a is not understood: "billling" is not in PocketSphinx's dictionary ("billing" is)`,
		}},
		{"check --config " + filepath.Join(dir, "missing.yaml"), 1, []string{"missing.yaml"}},
		{"serve --config " + unknown, 1, []string{unknown + ":3: "}},
		{"frobnicate", 2, []string{"frobnicate", "hint: ivrd --help"}},
		{"check --nope", 2, []string{"--nope", "hint: "}},
		{"call", 2, []string{"uri", "hint: "}},
		{"user add somebody", 2, []string{"--role"}},
		{"call nonsense", 1, []string{"not a SIP URI", "hint: "}},
		{"verify --set data.dir=" + filepath.Join(dir, "typo"), 1, []string{"typo", "hint: "}},
		{"flow test", 0, []string{" 0 failed", "a balance"}},
		{"flow test " + scenario, 1, []string{"a wrong hope", "1 failed"}},
	} {
		cmd := exec.Command(binary, strings.Fields(c.args)...)
		cmd.Dir = dir // what a command writes by default does not land in the checkout
		out, err := cmd.CombinedOutput()
		if status := exitStatus(err); status != c.status {
			t.Errorf("ivrd %s: exit status %d, want %d\n%s", c.args, status, c.status, out)
		}
		for _, want := range c.says {
			if !strings.Contains(string(out), want) {
				t.Errorf("ivrd %s: does not say %q:\n%s", c.args, want, out)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "typo")); err == nil {
		t.Error("verify has made the directory that it looked for")
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	out, err := exec.Command(binary, "version", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ Version, Commit, Go string }
	if err := json.Unmarshal(out, &v); err != nil || v.Version == "" || v.Commit == "" || !strings.HasPrefix(v.Go, "go1.") {
		t.Errorf("version: %v %s", err, out)
	}
}

// TestUserCommands changes people beside the running server, which knows it at
// once.
func TestUserCommands(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.user("", "list").contains(t, "sue", "[supervisor]")
	h.user("first-secret\n", "add", "bert", "--role", "supervisor", "--group", "*").contains(t, "added bert")
	h.user("", "list").contains(t, "bert")
	old := h.signInAs("bert", "first-secret")
	if old == nil {
		t.Fatal("the new person cannot sign in")
	}
	h.user("second-secret\n", "password", "bert")
	if status := h.me(old); status != http.StatusUnauthorized {
		t.Errorf("a sign-in with the old password still counts: %d", status)
	}
	if h.signInAs("bert", "first-secret") != nil {
		t.Error("the old password is still good")
	}
	now := h.signInAs("bert", "second-secret")
	if now == nil || h.me(now) != http.StatusOK {
		t.Fatal("the new password is no good")
	}
	h.user("", "disable", "bert")
	if status := h.me(now); status != http.StatusUnauthorized {
		t.Errorf("who is disabled is still signed in: %d", status)
	}
	if h.signInAs("bert", "second-secret") != nil {
		t.Error("who is disabled can sign in")
	}
	h.user("", "list").contains(t, "disabled")
	h.user("", "enable", "bert")
	if h.signInAs("bert", "second-secret") == nil {
		t.Error("who is enabled again cannot sign in")
	}
	if out, err := h.command("user", "disable", "nobody").CombinedOutput(); exitStatus(err) != 1 || !strings.Contains(string(out), "no such person") {
		t.Errorf("disable nobody: %v %s", err, out)
	}
	if log := h.process.Output(); strings.Contains(log, "first-secret") || strings.Contains(log, "second-secret") {
		t.Error("a password is in the log")
	}
}

// said is the output of a command.
type said string

func (s said) contains(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(string(s), w) {
			t.Errorf("%q is not in:\n%s", w, s)
		}
	}
}

// user runs `ivrd user` with something on its standard input.
func (h *house) user(input string, args ...string) said {
	h.t.Helper()
	cmd := h.command(append([]string{"user"}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.t.Fatalf("ivrd user %v: %v\n%s", args, err, out)
	}
	return said(out)
}

// signInAs returns nil when the door stays shut.
func (h *house) signInAs(name, password string) *http.Client {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Timeout: 30 * time.Second}
	res, err := client.Post("http://"+h.http+"/api/v1/login", "application/json", strings.NewReader(fmt.Sprintf(`{"username":%q,"password":%q}`, name, password)))
	if err != nil {
		h.t.Fatal(err)
	}
	_ = res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
		return client
	case http.StatusUnauthorized:
		return nil
	}
	h.t.Fatalf("sign in: %s", res.Status)
	return nil
}

// me asks who is signed in.
func (h *house) me(client *http.Client) (status int) {
	h.t.Helper()
	res, err := client.Get("http://" + h.http + "/api/v1/me")
	if err != nil {
		h.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// TestVerifyAndKeys changes single bytes of what a visit left, then the root
// key under it.
func TestVerifyAndKeys(t *testing.T) {
	t.Parallel()
	h := open(t)
	c := newExchange(t).call("sip:1000@" + h.sip)
	c.say(440)
	c.hears(t, 500, 700)
	c.press(t, "1")
	c.hears(t, 900)
	c.press(t, "8642")
	c.hears(t, 1100, 700)
	c.close()
	rec := h.ended(1)[0]
	if rec.End != leg.CallerHangup {
		t.Fatalf("end: %s", rec.End)
	}
	_, before := h.api("/api/v1/calls/" + rec.ID + "/recording")
	h.process.Stop()
	h.verify()
	for _, path := range h.sealedFiles() {
		h.findsFlips(path, rec.ID)
	}
	h.verify()

	said(h.run("keys", "status")).contains(t, "version 1: wraps")
	said(h.run("keys", "rotate")).contains(t, "root version 2 wraps")
	said(h.run("keys", "status")).contains(t, "version 2: wraps")
	h.verify()
	h.start()
	if status, after := h.api("/api/v1/calls/" + rec.ID + "/recording"); status != http.StatusOK || !bytes.Equal(before, after) {
		t.Errorf("after the rotation of keys the recording has status %d and %d bytes, before %d", status, len(after), len(before))
	}
	left, _ := h.recording(rec.ID, "")
	h.hearsAll("left", left, 440)
}

func (h *house) sealedFiles() (paths []string) {
	h.t.Helper()
	err := filepath.WalkDir(filepath.Join(h.data, "audio"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil || len(paths) == 0 {
		h.t.Fatalf("find recordings: %v %v", paths, err)
	}
	return paths
}

// findsFlips changes one bit here and there; verify must name the call each
// time.
func (h *house) findsFlips(path, id string) {
	h.t.Helper()
	whole, err := os.ReadFile(path)
	if err != nil {
		h.t.Fatal(err)
	}
	put := func(b []byte) {
		h.t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			h.t.Fatal(err)
		}
	}
	for _, at := range []int{0, 30, len(whole) / 3, len(whole) / 2, len(whole) - 1} {
		changed := bytes.Clone(whole)
		changed[at] ^= 1
		put(changed)
		if out, err := h.command("verify").CombinedOutput(); exitStatus(err) != 1 || !strings.Contains(string(out), id+": ") {
			h.t.Errorf("byte %d of %d is changed, and verify says (%v):\n%s", at, len(whole), err, out)
		}
	}
	put(whole[:len(whole)-1])
	if out, err := h.command("verify", "--id", id).CombinedOutput(); exitStatus(err) != 1 || !strings.Contains(string(out), id+": ") {
		h.t.Errorf("a byte is missing, and verify says (%v):\n%s", err, out)
	}
	put(whole)
}
