// Package helper runs programs beside the server that hold what must not be in it, such as
// C: one that dies takes no call with it. A helper listens on a Unix socket in a
// directory of its own, says that it is ready on its standard output, and lives as long
// as its standard input.
package helper

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
	"strings"
	"time"
)

// Config says which helper is started, and how.
type Config struct {
	Path string
	// Args follow --socket and its path.
	Args []string
	// StartTime is how long it may take to be ready.
	StartTime time.Duration
	Log       *slog.Logger
}

const (
	// A helper that ends is started again, after a second and then later and later.
	firstPause, longestPause = time.Second, 30 * time.Second
	// steady is how long a helper must have run for its end to be a single mishap.
	steady = time.Minute
)

// Process is a helper that runs, and is started again whenever it ends.
type Process struct {
	cfg    Config
	name   string
	dir    string
	cancel context.CancelFunc
	done   chan struct{}
	ready  bool // of keep: a helper has been ready once
}

// Start starts a helper and waits until it is ready. What the program says when it is not
// is in the error.
func Start(ctx context.Context, cfg Config) (*Process, error) {
	name := filepath.Base(cfg.Path)
	dir, err := os.MkdirTemp("", name) // ours alone, as its name's rights say
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &Process{cfg: cfg, name: name, dir: dir, done: make(chan struct{})}
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
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// Socket is where the helper listens; each one that is started anew does so there.
func (p *Process) Socket() string { return filepath.Join(p.dir, "socket") }

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
		p.cfg.Log.Error("helper has ended and is started again", "helper", p.name, "err", err, "after", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// run runs a helper until it ends. Its standard input is what it lives by.
func (p *Process) run(ctx context.Context, ready chan<- error) error {
	_ = os.Remove(p.Socket())
	cmd := exec.CommandContext(ctx, p.cfg.Path, append([]string{"--socket", p.Socket()}, p.cfg.Args...)...) //nolint:gosec // the operator's
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
	slow := time.AfterFunc(p.cfg.StartTime, func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	if lines.Scan() && lines.Text() == Ready {
		slow.Stop()
		if p.ready {
			p.cfg.Log.Info("helper is back", "helper", p.name)
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

// Find looks for a helper beside the program that runs, then in PATH.
func Find(name string) (string, error) {
	if own, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(own), name)
		if info, err := os.Stat(beside); err == nil && info.Mode()&0o111 != 0 {
			return beside, nil
		}
	}
	return exec.LookPath(name)
}
