// Package e2e runs the built server as its users do: real SIP phones on one
// side, its HTTP API on the other. What is asserted is what was heard.
package e2e

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
)

// binary is the server under test, built once.
var binary string

func TestMain(m *testing.M) { os.Exit(build(m)) }

// atOnce is how many tests run together: they wait far more than they work.
const atOnce = "10"

func build(m *testing.M) int {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) { // nobody has asked for another
		_ = f.Value.Set(atOnce)
	}
	dir, err := os.MkdirTemp("", "ivrd-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "ivrd")
	out, err := exec.Command("go", slices.Concat([]string{"build"}, buildFlags(), []string{"-o", binary, "../../cmd/ivrd"})...).CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "build ivrd: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// house is a running server.
type house struct {
	t         *testing.T
	sip, http string // address:port
	data      string
	args      []string
	wrap      []string // runs the server elsewhere
	enter     []string // runs other commands there
	process   *testkit.Process
	client    *http.Client
	trust     *x509.CertPool // of a server whose pages come over TLS
}

// origin is the address of the pages.
func (h *house) origin() string {
	if h.trust != nil {
		return "https://" + h.http
	}
	return "http://" + h.http
}

// web is a client that trusts the server.
func (h *house) web(jar http.CookieJar) *http.Client {
	transport := http.DefaultTransport
	if h.trust != nil {
		transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: h.trust, MinVersion: tls.VersionTLS12}}
	}
	return &http.Client{Jar: jar, Timeout: 30 * time.Second, Transport: transport}
}

// open starts a server whose flows are testdata/flows and whose prompts are
// tones; sets override the configuration.
func open(t *testing.T, sets ...string) *house {
	t.Helper()
	h := prepare(t, sets...)
	h.start()
	return h
}

// prepare is open without starting.
func prepare(t *testing.T, sets ...string) *house {
	t.Helper()
	rtp := testkit.Ports(t, 200)
	h := &house{
		t: t, data: t.TempDir(),
		sip:  fmt.Sprintf("127.0.0.1:%d", testkit.Port(t)),
		http: fmt.Sprintf("127.0.0.1:%d", testkit.Port(t)),
	}
	for _, kv := range append([]string{
		"sip.listen=" + h.sip,
		"sip.tls.listen=127.0.0.1:0",
		"http.listen=" + h.http,
		"data.dir=" + h.data,
		fmt.Sprintf("media.ports=%d-%d", rtp, rtp+197),
		fmt.Sprintf("media.web_port=%d", rtp+198),
		"media.lateness_limit=0s", // what else runs here must not have calls refused
		"flows.dir=testdata/flows",
		"flows.prompts=" + tonePrompts(t),
		`calls.numbers={"1000": tones, "echo": echo}`,
		"log.format=json",
		"log.level=debug",
	}, sets...) {
		h.args = append(h.args, "--set", kv)
	}
	return h
}

// start runs the server (again, after a kill) and waits until it is ready.
func (h *house) start() {
	h.t.Helper()
	line := slices.Concat(h.wrap, []string{binary, "serve"}, h.args)
	h.process = testkit.Start(h.t, exec.Command(line[0], line[1:]...))
	web := h.web(nil)
	testkit.Eventually(h.t, 20*time.Second, "readiness", func() bool {
		select {
		case <-h.process.Done():
			h.t.Fatal("the server ended before it was ready")
		default:
		}
		res, err := web.Get(h.origin() + "/readyz")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	h.client = nil
}

// run runs another command of the binary on the same data and returns its
// output; its failure fails the test.
func (h *house) run(args ...string) string {
	h.t.Helper()
	out, err := h.command(args...).CombinedOutput()
	if err != nil {
		h.t.Fatalf("ivrd %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (h *house) command(args ...string) *exec.Cmd {
	line := slices.Concat(h.enter, []string{binary}, args, h.args)
	return exec.Command(line[0], line[1:]...)
}

// verify proves everything whole.
func (h *house) verify() {
	h.t.Helper()
	h.run("verify")
	h.run("verify", "--audit")
}

// api gets a path as sue, the supervisor, and returns status and body.
func (h *house) api(path string) (int, []byte) {
	h.t.Helper()
	if h.client == nil {
		h.signIn()
	}
	res, err := h.client.Get(h.origin() + path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return res.StatusCode, body
}

func (h *house) signIn() {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	h.client = h.web(jar)
	res, err := h.client.Post(h.origin()+"/api/v1/login", "application/json", strings.NewReader(`{"username":"sue","password":"demo"}`))
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(res.Body)
		h.t.Fatalf("sign in: %s %s", res.Status, b)
	}
}

// calls lists the records, newest first.
func (h *house) calls(query string) []recordings.Call {
	h.t.Helper()
	status, body := h.api("/api/v1/calls?limit=500&" + query)
	var page struct {
		Calls []recordings.Call `json:"calls"`
	}
	if err := json.Unmarshal(body, &page); err != nil || status != http.StatusOK {
		h.t.Fatalf("list calls: %d %v %s", status, err, body)
	}
	return page.Calls
}

// ended waits until n calls have ended and returns them.
func (h *house) ended(n int) []recordings.Call {
	h.t.Helper()
	var calls []recordings.Call
	testkit.Eventually(h.t, 30*time.Second, fmt.Sprintf("%d ended calls", n), func() bool {
		calls = h.calls("state=ended")
		return len(calls) >= n
	})
	if len(calls) != n {
		h.t.Fatalf("%d calls ended, want %d", len(calls), n)
	}
	return calls
}

// recording is the sound of a call: one track, or with "" the left (caller)
// and right channel.
func (h *house) recording(id, track string) (left, right []int16) {
	h.t.Helper()
	path := "/api/v1/calls/" + id + "/recording"
	if track != "" {
		path += "?track=" + track
	}
	status, wav := h.api(path)
	if status != http.StatusOK {
		h.t.Fatalf("recording: %d %s", status, wav)
	}
	if track != "" {
		pcm, _, err := media.ReadWAV(bytes.NewReader(wav))
		if err != nil {
			h.t.Fatal(err)
		}
		return pcm, nil
	}
	return split(wav[44:])
}

// split takes 16-bit stereo apart.
func split(b []byte) (left, right []int16) {
	for ; len(b) >= 4; b = b[4:] {
		left = append(left, int16(b[0])|int16(b[1])<<8)
		right = append(right, int16(b[2])|int16(b[3])<<8)
	}
	return left, right
}

// tonePrompts writes the prompts of the test flows: t700 is 0.6 s of 700 Hz,
// long is 30 s of 600 Hz.
func tonePrompts(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "en"), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name string, freq float64, d time.Duration) {
		pcm := media.Tone(freq, -15, d)
		wav := media.WAVHeader(media.SampleRate, 1, int64(2*len(pcm)))
		for _, s := range pcm {
			wav = append(wav, byte(s), byte(s>>8))
		}
		if err := os.WriteFile(filepath.Join(dir, "en", name+".wav"), wav, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for freq := 500; freq <= 1900; freq += 200 {
		write(fmt.Sprintf("t%d", freq), float64(freq), 600*time.Millisecond)
	}
	write("long", 600, 30*time.Second)
	return dir
}
