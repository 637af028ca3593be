package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/ivrd/ivrd/internal/load"
	"github.com/ivrd/ivrd/media"
)

const (
	server = "bin/ivrd"
	loader = "bin/ivrload"
	// The server has core 0, who calls it core 1.
	serverCore, loaderCore = "0", "1"
	patience               = 30 * time.Second
)

// house is a running server with its own data.
type house struct {
	dir        string
	nice       int
	line       line
	engine     *engine // of the dictation; nil without
	sip, http  string  // address:port
	callee     string  // where the trunk's far end listens
	process    *exec.Cmd
	log        *os.File
	terminated chan struct{}
}

// flows are what the lines call.
func flows() map[string]string {
	return map[string]string{
		// 17 s of prompt, again and again; four keys cut it short and are collected.
		"ivr": `
flow: ivr
languages: [en]
start: ask
nodes:
  ask:
    collect: {play: long, digits: 4, into: digits}
    on: {ok: ask, nomatch: ask, noinput: bye}
  bye: {hangup: {play: second}}
`,
		"bridge": `
flow: bridge
languages: [en]
start: talk
nodes:
  talk: {connect: {to: ["8000"], timeout: 20s}, on: {ok: end, busy: end, noanswer: end, error: end}}
`,
		"recorded": `
flow: recorded
languages: [en]
start: notice
nodes:
  notice: {play: second, recording: start, next: talk}
  talk: {connect: {to: ["8000"], timeout: 20s}, on: {ok: end, busy: end, noanswer: end, error: end}}
`,
		"secure": `
flow: secure
languages: [en]
start: talk
nodes:
  talk: {connect: {to: ["9000"], timeout: 20s}, on: {ok: end, busy: end, noanswer: end, error: end}}
`,
		"second": `
flow: second
languages: [en]
start: say
nodes:
  say: {hangup: {play: second}}
`,
	}
}

// config is what the server is told, all else is its default. There is room for
// more calls than a core can carry; what the lines need of trunks is one that
// calls come from, and one on which both legs are secure.
func (h *house) config() string {
	return fmt.Sprintf(`
mode: demo
http: {listen: %q}
sip:
  listen: %q
  tls: {listen: "127.0.0.1:0"}
  trunks:
    - {name: load, match: ["127.0.0.0/8"], server: %q, transport: udp}
    - {name: secure, match: ["127.0.0.1/32"], server: %q, transport: udp, srtp: sdes}
  outbound:
    - {prefix: "8", trunk: load}
    - {prefix: "9", trunk: secure}
media: {ports: 10000-32767, web_port: 0, lateness_limit: 0s} # the bench finds the limit itself
calls:
  max: 10000
  numbers: {"1000": ivr, "2000": bridge, "3000": recorded, "4000": secure, "5000": second}
flows: {dir: %q, prompts: %q, backend: ""}
speech: {engine: none, recognizer: none, activity: %t, emotion: %t, recognizers: [%s]}
data: {dir: %q}
log: {level: warn}
`, h.http, h.sip, h.callee, h.callee, filepath.Join(h.dir, "flows"), filepath.Join(h.dir, "prompts"), h.line.activity, h.line.words, h.engine.config(), filepath.Join(h.dir, "data"))
}

// openHouse starts a server and waits until it is ready.
func openHouse(ctx context.Context, nice int, l line) (*house, error) {
	h := &house{nice: nice, line: l, terminated: make(chan struct{})}
	if l.words {
		h.engine = startEngine()
	}
	if err := h.prepare(); err != nil {
		h.remove()
		return nil, err
	}
	if err := h.start(); err != nil {
		h.remove()
		return nil, err
	}
	if err := h.ready(ctx); err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

func (h *house) remove() {
	h.engine.close()
	if h.dir != "" {
		_ = os.RemoveAll(h.dir)
	}
}

func (h *house) prepare() (err error) {
	if h.dir, err = os.MkdirTemp("", "ivrd-bench"); err != nil {
		return err
	}
	for _, at := range []*string{&h.sip, &h.http, &h.callee} {
		if *at, err = freeAddress(); err != nil {
			return err
		}
	}
	for name, text := range flows() {
		if err := write(filepath.Join(h.dir, "flows", name+".yaml"), []byte(strings.TrimSpace(text)+"\n")); err != nil {
			return err
		}
	}
	for name, d := range map[string]time.Duration{"second": time.Second, "long": 17 * time.Second} {
		if err := write(filepath.Join(h.dir, "prompts", "en", name+".wav"), wav(media.Tone(440, -18, d))); err != nil {
			return err
		}
	}
	return write(filepath.Join(h.dir, "ivrd.yaml"), []byte(h.config()))
}

func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

func wav(pcm []int16) []byte {
	return media.AppendWAV(media.WAVHeader(media.SampleRate, 1, int64(2*len(pcm))), pcm)
}

// freeAddress finds a port that UDP and TCP have free.
func freeAddress() (string, error) {
	for range 20 {
		tcp, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		at := tcp.Addr().String()
		udp, err := net.ListenPacket("udp4", at)
		_ = tcp.Close()
		if err == nil {
			return at, udp.Close()
		}
	}
	return "", errors.New("no port is free for UDP and TCP")
}

// pinned runs a command on one core, where there are two.
func (h *house) pinned(core string, command ...string) *exec.Cmd {
	if h.nice != 0 {
		command = append([]string{"nice", "-n", strconv.Itoa(h.nice)}, command...)
	}
	if runtime.NumCPU() > 1 {
		command = append([]string{"taskset", "-c", core}, command...)
	}
	return exec.Command(command[0], command[1:]...) //nolint:gosec,noctx // it is ended by its own signal
}

func (h *house) start() (err error) {
	if h.log, err = os.Create(filepath.Join(h.dir, "log")); err != nil {
		return err
	}
	h.process = h.pinned(serverCore, server, "serve", "--config", filepath.Join(h.dir, "ivrd.yaml"))
	h.process.Stdout, h.process.Stderr = h.log, h.log
	if err := h.process.Start(); err != nil {
		return fmt.Errorf("start %s: %w (hint: make build)", server, err)
	}
	go func() {
		_ = h.process.Wait() // its log says why
		close(h.terminated)
	}()
	return nil
}

func (h *house) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-h.terminated:
			return fmt.Errorf("the server ended: %s", h.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("the server is not ready: %s", h.lastWords())
		case <-tick.C:
		}
		if h.answers(ctx) {
			return nil
		}
	}
}

func (h *house) answers(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+h.http+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

func (h *house) lastWords() string {
	b, _ := os.ReadFile(h.log.Name())
	return string(b[max(0, len(b)-2000):])
}

// close ends the server, at the second signal without waiting for calls.
func (h *house) close() {
	for range 2 {
		_ = h.process.Process.Signal(os.Interrupt)
		select {
		case <-h.terminated:
		case <-time.After(2 * time.Second):
		}
	}
	select {
	case <-h.terminated:
	case <-time.After(patience):
		_ = h.process.Process.Kill()
		<-h.terminated
	}
	_ = h.log.Close()
	h.remove()
}

// put runs the load generator and reads its report.
func (h *house) put(ctx context.Context, s settings, l line) (*load.Report, error) {
	args := append([]string{loader}, command(s, l)...)
	args = append(args, "sip:"+l.number+"@"+h.sip, "--json", "--listen", h.callee, "--pid", strconv.Itoa(h.process.Process.Pid),
		"--duration", s.duration.String(), "--after", s.after.String())
	cmd := h.pinned(loaderCore, append(args, l.flags...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w (hint: make build)", loader, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(os.Interrupt) })
	defer stop()
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("put load on %s: %w", l.name, err)
	}
	var r load.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	if s.verbose {
		return &r, r.Write(os.Stderr)
	}
	return &r, nil
}

// command is the mode and its size.
func command(s settings, l line) []string {
	switch {
	case l.rate && s.rate > 0:
		return []string{"rate", "--rate", fmt.Sprint(s.rate)}
	case l.rate:
		return []string{"search", "--by", "rate", "--low", strconv.Itoa(l.low)}
	case s.calls > 0:
		return []string{"hold", "--calls", strconv.Itoa(s.calls), "--ramp", fmt.Sprint(s.ramp)}
	}
	return []string{"search", "--low", strconv.Itoa(l.low), "--ramp", fmt.Sprint(s.ramp)}
}
