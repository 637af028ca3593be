package sip

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
)

// TestSIPp lets an independent client call: its built-in uac scenario over
// UDP and TCP, ended by it, and a call to its uas scenario.
func TestSIPp(t *testing.T) {
	sipp, err := exec.LookPath("sipp")
	if err != nil {
		t.Skip("sipp is not installed (hint: apt-get install sip-tester)")
	}
	for _, transport := range []string{"u1", "t1"} {
		t.Run(transport, func(t *testing.T) {
			w := realWorld(t, nil)
			w.h.set(func(ctx context.Context, in *Incoming) {
				l, err := in.Accept(&fakeSession{}, media.StreamOptions{})
				if err != nil {
					return
				}
				_ = l.Ring(false)
				_ = l.Answer(ctx)
				for range l.Events() {
					continue
				}
			})
			kind := map[string]string{"u1": "udp", "t1": "tcp"}[transport]
			runSIPp(t, sipp, "-sn", "uac", "-t", transport, "-s", "1000", "-d", "50", "-m", "20", "-l", "5", "-r", "50", w.srv.Addr(kind).String())
			waitIdle(t, w)
		})
	}
}

func runSIPp(t *testing.T, sipp string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, sipp, append([]string{"-i", "127.0.0.1", "-nostdin", "-timeout", "30s", "-timeout_error"}, args...)...)
	cmd.Dir = t.TempDir()
	if out, err := cmd.CombinedOutput(); err != nil {
		logs, _ := filepath.Glob(cmd.Dir + "/*")
		t.Fatalf("sipp: %v %v\n%s", err, logs, tail(out))
	}
}

func tail(b []byte) string {
	if len(b) > 3000 {
		b = b[len(b)-3000:]
	}
	return fmt.Sprintf("…%s", b)
}

func waitIdle(t *testing.T, w *world) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for w.srv.Counters().Legs > 0 {
		select {
		case <-deadline:
			t.Fatalf("%d legs are left", w.srv.Counters().Legs)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
