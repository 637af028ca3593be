package sphinx

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ivrd/ivrd/asr"
)

// Helper is the program's name.
const Helper = "ivrd-asr"

// ProcessConfig says which helper is started, and how.
type ProcessConfig struct {
	Path     string // of the helper
	Model    string // directory of the model; empty for Debian's
	Decoders int    // utterances at once; each takes about 40 MB
	Log      *slog.Logger
}

const (
	// startTime is how long a helper may load its model.
	startTime = 30 * time.Second
	// A helper that ends is started again, after a second and then later and later.
	firstPause, longestPause = time.Second, 30 * time.Second
	// steady is how long a helper must have run for its end to be a single mishap.
	steady = time.Minute
)

// Process is a helper that runs, and is started again whenever it ends. Meanwhile its
// sessions fail: who listens goes on with keys.
type Process struct {
	asr.Recognizer

	cfg    ProcessConfig
	dir    string
	socket string
	cancel context.CancelFunc
	done   chan struct{}
	ready  bool // of keep: a helper has been ready once
}

// Start starts the helper and waits until it is ready.
func Start(ctx context.Context, cfg ProcessConfig) (*Process, error) {
	dir, err := os.MkdirTemp("", "ivrd-asr") // ours alone, as its name's rights say
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", Helper, err)
	}
	p := &Process{cfg: cfg, dir: dir, socket: filepath.Join(dir, "socket"), done: make(chan struct{})}
	p.Recognizer, err = asr.NewJambonz(asr.JambonzConfig{Name: "pocketsphinx", Link: asr.Link{URL: "unix://" + p.socket}, PhrasesOnly: true, Languages: []string{"en"}})
	if err == nil {
		var run context.Context
		run, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
		ready := make(chan error, 1)
		go p.keep(run, ready)
		select {
		case err = <-ready:
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil {
			p.Close()
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", Helper, err), os.RemoveAll(dir))
	}
	return p, nil
}

// Close ends the helper.
func (p *Process) Close() {
	p.cancel()
	<-p.done
	_ = os.RemoveAll(p.dir)
}

// keep runs one helper after the other. Of the first it tells when it is ready, or
// why it is not.
func (p *Process) keep(ctx context.Context, first chan<- error) {
	defer close(p.done)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		begun := time.Now()
		err := p.run(ctx, first)
		if ctx.Err() != nil {
			return
		}
		if !p.ready {
			first <- err
			return
		}
		if time.Since(begun) > steady {
			pause = firstPause
		}
		p.cfg.Log.Error("the speech recognizer has ended and is started again", "err", err, "after", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// run runs a helper until it ends. Its standard input is what it lives by.
func (p *Process) run(ctx context.Context, ready chan<- error) error {
	_ = os.Remove(p.socket)
	args := []string{"--socket", p.socket, "--decoders", strconv.Itoa(p.cfg.Decoders)}
	if p.cfg.Model != "" {
		args = append(args, "--model", p.cfg.Model)
	}
	cmd := exec.CommandContext(ctx, p.cfg.Path, args...) //nolint:gosec // the operator's
	cmd.WaitDelay = time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	words := &tail{}
	cmd.Stderr = words
	if err := cmd.Start(); err != nil {
		return err
	}
	slow := time.AfterFunc(startTime, func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	if lines.Scan() && lines.Text() == "ready" {
		slow.Stop()
		if p.ready {
			p.cfg.Log.Info("the speech recognizer is back")
		} else {
			p.ready = true
			ready <- nil
		}
	}
	_, _ = io.Copy(io.Discard, out)
	slow.Stop()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, words)
	}
	return errors.New("it ended by itself")
}

// tail keeps the end of what a helper says of itself.
type tail struct{ b []byte }

const tailBytes = 500

func (t *tail) Write(b []byte) (int, error) {
	t.b = append(t.b, b...)
	t.b = t.b[max(0, len(t.b)-tailBytes):]
	return len(b), nil
}

func (t *tail) String() string { return strings.TrimSpace(string(t.b)) }

// Find looks for the helper beside the program that runs, then in PATH.
func Find() (string, error) {
	if own, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(own), Helper)
		if info, err := os.Stat(beside); err == nil && info.Mode()&0o111 != 0 {
			return beside, nil
		}
	}
	return exec.LookPath(Helper)
}
