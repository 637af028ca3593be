//go:build onnx

package main

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ivrd/ivrd/asr/emotion"
	"github.com/ivrd/ivrd/asr/emotion/onnx"
	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/onnxkit"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/transcript"
)

// build builds the helper, and returns its path.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), onnx.Helper)
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "onnx", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// log is written by the process's goroutine, too.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func config(t *testing.T, helper, model string, l *log) onnx.ProcessConfig {
	t.Helper()
	return onnx.ProcessConfig{
		Path: helper, Model: model, Library: onnxkit.Runtime(t), Limit: 10 * time.Second, Log: slog.New(slog.NewTextHandler(l, nil)),
		Spec: onnx.Spec{Labels: []string{"angry", "neutral"}, Rate: 16000},
	}
}

// TestModelInAProcess: loud is angry and soft is neutral, as the model has it; while the
// helper dies the rules' judgement stands, and then another one answers.
func TestModelInAProcess(t *testing.T) {
	helper := build(t)
	var l log
	p, err := onnx.Start(t.Context(), config(t, helper, onnxkit.Angry().Write(t), &l))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for level, want := range map[float64]transcript.Feeling{-20: transcript.Anger, -50: transcript.Neutral} {
		if e, err := p.Judge(t.Context(), media.Tone(300, level, time.Second)); err != nil || e.Label != want || e.Model != "loudness" || e.Confidence < 0.9 {
			t.Errorf("at %v dBov: %+v, %v", level, e, err)
		}
	}

	pid := running(t, helper)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	rules := transcript.Emotion{Label: transcript.Sadness, Method: transcript.MethodRules}
	type judged struct {
		e   transcript.Emotion
		err error
	}
	answer := make(chan judged, 1)
	go func() {
		e, err := emotion.Ask(t.Context(), p, media.Tone(300, -20, time.Second), rules)
		answer <- judged{e, err}
	}()
	testkit.Eventually(t, 5*time.Second, "a question", func() bool { return p.Counters().Asked == 3 })
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if got := <-answer; got.err == nil || got.e != rules {
		t.Errorf("while it dies: %+v, %v", got.e, got.err)
	}
	testkit.Eventually(t, 20*time.Second, "another helper", func() bool { return strings.Contains(l.String(), "helper is back") })
	if e, err := p.Judge(t.Context(), media.Tone(300, -20, time.Second)); err != nil || e.Label != transcript.Anger {
		t.Errorf("the one that is started again: %+v, %v", e, err)
	}
}

// running finds the process of a program.
func running(t *testing.T, program string) int {
	t.Helper()
	all, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, exe := range all {
		if target, err := os.Readlink(exe); err == nil && target == program {
			pid, err := strconv.Atoi(strings.Split(exe, "/")[2])
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatal("no helper runs")
	return 0
}

// TestHelperSaysWhatIsWrong at the start, in one sentence with a hint, and ends.
func TestHelperSaysWhatIsWrong(t *testing.T) {
	helper := build(t)
	for name, c := range map[string]struct {
		change func(*onnx.ProcessConfig)
		want   string
	}{
		"no model":    {func(c *onnx.ProcessConfig) { c.Model = "/no/such.onnx" }, "load the model: "},
		"no runtime":  {func(c *onnx.ProcessConfig) { c.Library = "/no/such.so" }, "(hint: libonnxruntime.so of version 1.24 or newer is wanted)"},
		"three names": {func(c *onnx.ProcessConfig) { c.Spec.Labels = []string{"angry", "sad", "neutral"} }, "the model gives 2 values for 3 labels (hint: name each value, in order)"},
	} {
		var l log
		cfg := config(t, helper, onnxkit.Angry().Write(t), &l)
		c.change(&cfg)
		p, err := onnx.Start(t.Context(), cfg)
		if err == nil {
			p.Close()
		}
		if err == nil || !strings.HasPrefix(err.Error(), "start ivrd-emotion: exit status 1: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		} else {
			t.Log(err)
		}
	}
}
