package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/leg"
)

// TestGate has the machine stand still, again and again: new calls are refused
// until that is over, and the running ones go on.
func TestGate(t *testing.T) {
	t.Parallel()
	h := open(t, "media.lateness_limit=100ms") // far above what else runs here
	x := newExchange(t)
	const calls = 24
	for range calls {
		x.call("sip:echo@" + h.sip).say(440)
	}
	// A number that we do not have is asked for: no call begins by it.
	if answer := invite(t, h.sip, "none"); !strings.HasPrefix(answer, "SIP/2.0 404") {
		t.Fatalf("before: %s", answer)
	}
	for range 2 { // one stall is borne, and another
		h.stall(100 * time.Millisecond)
		if answer := invite(t, h.sip, "none"); !strings.HasPrefix(answer, "SIP/2.0 404") {
			t.Errorf("after a stall of 100 ms: %s", answer)
		}
	}
	var answer string
	testkit.Eventually(t, 20*time.Second, "a refusal", func() bool {
		h.stall(250 * time.Millisecond)
		answer = invite(t, h.sip, "none")
		return strings.HasPrefix(answer, "SIP/2.0 503")
	})
	if !strings.Contains(answer, "\r\nRetry-After: ") {
		t.Errorf("refused by:\n%s", answer)
	}
	if m := h.metrics(); m["ivrd_media_overloaded"] != 1 || m["ivrd_sip_calls_refused_total"] < 1 {
		t.Errorf("overloaded %v, refused %v", m["ivrd_media_overloaded"], m["ivrd_sip_calls_refused_total"])
	}
	if status, _ := h.api("/readyz"); status != 200 {
		t.Errorf("readiness is %d", status)
	}
	testkit.Eventually(t, 30*time.Second, "the end of refusals", func() bool {
		return strings.HasPrefix(invite(t, h.sip, "none"), "SIP/2.0 404")
	})
	if n := x.busy(); n != calls {
		t.Errorf("%d of %d calls are left", n, calls)
	}
	for _, line := range []string{"media runs late", "media runs in time again"} {
		testkit.Eventually(t, 20*time.Second, "a line of the log", func() bool { return strings.Contains(h.process.Output(), line) })
		if n := strings.Count(h.process.Output(), line); n != 1 {
			t.Errorf("%q was logged %d times", line, n)
		}
	}
}

// stall has the server stand still, and lets it run for as long.
func (h *house) stall(d time.Duration) {
	h.process.Signal(syscall.SIGSTOP)
	<-time.After(d)
	h.process.Signal(syscall.SIGCONT)
	<-time.After(d)
}

// TestDrainLimit: calls that do not end by themselves are ended at the limit.
func TestDrainLimit(t *testing.T) {
	t.Parallel()
	h := open(t, "calls.drain=2s")
	x := newExchange(t)
	c := x.call("sip:1000@" + h.sip)
	c.hears(t, 500, 700)
	c.press(t, "5")
	c.hears(t, 600)
	begun := time.Now()
	h.process.Signal(syscall.SIGTERM)
	if status := h.process.Wait(10 * time.Second); status != 0 {
		t.Errorf("exit status %d", status)
	}
	if d := time.Since(begun); d < 2*time.Second {
		t.Errorf("the call was ended after %v", d)
	}
	if err := c.waitsEnd(leg.AgentHangup); err != nil {
		t.Error(err)
	}
	h.start()
	if rec := h.ended(1)[0]; rec.End != leg.Shutdown {
		t.Errorf("end %v", rec.End)
	}
	h.verify()
}

// TestSecondSignalAmongTheDeaf: the second signal ends within 5 s also calls
// whose peers answer nothing any more, and those that were never acknowledged.
func TestSecondSignalAmongTheDeaf(t *testing.T) {
	t.Parallel()
	h := open(t)
	const calls = 30
	for range calls {
		if answer := invite(t, h.sip, "1000"); !strings.HasPrefix(answer, "SIP/2.0 200") {
			t.Fatalf("answered %s", answer)
		}
	}
	testkit.Eventually(t, patience, "the calls", func() bool { return h.metrics()["ivrd_calls_active"] == calls })
	h.process.Signal(syscall.SIGTERM)
	h.process.WaitOutput(`"msg":"draining"`, 5*time.Second)
	h.process.Signal(syscall.SIGTERM)
	if status := h.process.Wait(5 * time.Second); status != 0 {
		t.Errorf("exit status %d", status)
	}
	h.start()
	for _, rec := range h.ended(calls) {
		if rec.End != leg.Shutdown {
			t.Errorf("end %v", rec.End)
		}
	}
	h.verify()
}

// TestFewFiles: production does not start where it could not keep its word.
func TestFewFiles(t *testing.T) {
	t.Parallel()
	h := prepare(t)
	h.wrap = []string{"sh", "-c", `ulimit -Sn 1024 && ulimit -Hn 1024 && exec "$@"`, "sh"}
	h.start()
	h.process.WaitOutput("few open files allowed", 5*time.Second)
	if answer := invite(t, h.sip, "none"); !strings.HasPrefix(answer, "SIP/2.0 404") {
		t.Errorf("the demo says %s", answer)
	}
}
