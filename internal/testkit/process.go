package testkit

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// stopGrace is how long a program may take to end after SIGTERM.
const stopGrace = 5 * time.Second

// pipeGrace is how long the output of an ended program is waited for when a
// child that it left behind still holds it open.
const pipeGrace = 500 * time.Millisecond

// Process is a program that a test started. It and all that it started end
// with the test, at the latest.
type Process struct {
	t    testing.TB
	cmd  *exec.Cmd
	out  output
	done chan struct{}
	err  error // valid once done is closed
}

// Start runs the command in a process group of its own and keeps what it
// writes to stdout and stderr, unless the command already has writers. When
// the test fails, its last output is logged.
func Start(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{t: t, cmd: cmd, done: make(chan struct{})}
	p.out.changed = make(chan struct{})
	if cmd.Stdout == nil {
		cmd.Stdout = &p.out
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &p.out
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = pipeGrace
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	go func() {
		p.err = cmd.Wait()
		p.out.end()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("output of %s:\n%s", strings.Join(cmd.Args, " "), tail(p.Output(), 8000))
		}
	})
	return p
}

// PID is the process ID, which is also that of its group.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Output is all that the program has written so far.
func (p *Process) Output() string {
	text, _, _ := p.out.state()
	return text
}

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the program's end and returns its exit status (-1 when a
// signal ended it).
func (p *Process) Wait(limit time.Duration) int {
	p.t.Helper()
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	select {
	case <-p.done:
	case <-timeout.C:
		p.t.Fatalf("%s still runs after %v", p.cmd.Path, limit)
	}
	return p.cmd.ProcessState.ExitCode()
}

// WaitOutput waits until the program has written text, and fails when it ends
// without. It looks at all output since the start.
func (p *Process) WaitOutput(text string, limit time.Duration) {
	p.t.Helper()
	p.WaitCount(text, 1, limit)
}

// WaitCount is WaitOutput for a text that is written again and again.
func (p *Process) WaitCount(text string, times int, limit time.Duration) {
	p.t.Helper()
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	for {
		written, ended, changed := p.out.state()
		switch {
		case strings.Count(written, text) >= times:
			return
		case ended:
			p.t.Fatalf("%s ended (%v) without writing %q", p.cmd.Path, p.err, text)
		}
		select {
		case <-changed:
		case <-timeout.C:
			p.t.Fatalf("%s has not written %q within %v", p.cmd.Path, text, limit)
		}
	}
}

// Signal sends a signal to the program's whole group. It does nothing once the
// program has ended.
func (p *Process) Signal(s syscall.Signal) {
	p.t.Helper()
	select {
	case <-p.done:
		return
	default:
	}
	if err := syscall.Kill(-p.PID(), s); err != nil && !errors.Is(err, syscall.ESRCH) {
		p.t.Errorf("signal %s: %v", p.cmd.Path, err)
	}
}

// Kill ends the program as a power cut would, and waits for it.
func (p *Process) Kill() {
	p.t.Helper()
	p.Signal(syscall.SIGKILL)
	<-p.done
}

// Stop asks the program to end, and kills it when it does not; it may be
// called twice. What the program has started ends with it.
func (p *Process) Stop() {
	p.t.Helper()
	p.Signal(syscall.SIGTERM)
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	select {
	case <-p.done:
	case <-grace.C:
		p.Kill()
	}
	// The program is gone; children that it left behind are not, perhaps.
	_ = syscall.Kill(-p.PID(), syscall.SIGKILL)
}

// output is a buffer whose readers can wait for more.
type output struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	ended   bool
	changed chan struct{} // closed, and replaced, by each change
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.buf.Write(b)
}

func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *output) state() (text string, ended bool, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String(), o.ended, o.changed
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }
