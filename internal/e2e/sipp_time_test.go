package e2e

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/leg"
)

// TestSIPpTimers are calls whose timers take as long as the RFCs say; they
// wait together, on the line that returns what it hears.
func TestSIPpTimers(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.signIn()
	tests := map[string]func(*testing.T){
		"expire/udp":    func(t *testing.T) { sessionExpires(h.in(t), "u1") },
		"refreshed/tcp": func(t *testing.T) { weRefresh(h.in(t), "t1") },
		"noack/udp":     func(t *testing.T) { lostACK(h.in(t), "u1") },
		"noack/tcp":     func(t *testing.T) { lostACK(h.in(t), "t1") },
		"refresh/udp":   func(t *testing.T) { theyRefresh(h.in(t), "u1") },
		"refresh/tcp":   func(t *testing.T) { theyRefresh(h.in(t), "t1") },
	}
	together(t, tests)
	h.verify()
}

// lostACK: the 200 is repeated as RFC 3261 §13.3.1.4 says, over TCP too, and
// after 64*T1 the call ends by BYE. Meanwhile the caller is heard.
func lostACK(h *house, transport string) {
	t := h.t
	c := h.sipp("noack", transport, "echo", nil)
	c.hears(callerTone)
	r := c.done()
	sent := times(t, r.Messages, "SIP/2.0 200", "INVITE")
	const tick = 500 * time.Millisecond // T1
	// At 0, 0.5, 1.5, 3.5, 7.5, then each 4 s up to 32 s.
	if len(sent) < 10 || len(sent) > 12 {
		t.Fatalf("200 came %d times", len(sent))
	}
	for i, want := range []time.Duration{tick, 2 * tick, 4 * tick, 8 * tick, 8 * tick, 8 * tick} {
		if d := sent[i+1].Sub(sent[i]); d < want-want/4 || d > want+want/2+300*time.Millisecond {
			t.Errorf("200 number %d came %v after the one before, want %v", i+2, d, want)
		}
	}
	bye := times(t, r.Messages, "BYE ", "BYE")
	if len(bye) == 0 || bye[0].Sub(sent[0]) < 32*time.Second {
		t.Errorf("BYE at %v, 200 at %v", bye, sent[0])
	}
	if rec := h.record(c); rec.End != leg.NoAck {
		t.Errorf("record: %v", rec.End)
	}
}

// times are when SIPp received messages that begin with a text and have a
// method in CSeq.
func times(t *testing.T, messages, begin, method string) []time.Time {
	t.Helper()
	var out []time.Time
	head := regexp.MustCompile(`^-+ (\S+)\s(\S+)\n\w+ message received [^\n]*\n\n`)
	for _, part := range strings.SplitAfter(messages, "\n\n-") {
		part = "-" + strings.TrimPrefix(strings.TrimSuffix(part, "-"), "-")
		m := head.FindStringSubmatch(part)
		if m == nil || !strings.HasPrefix(part[len(m[0]):], begin) || !regexp.MustCompile(`CSeq: \d+ `+method).MatchString(part) {
			continue
		}
		at, err := time.Parse("2006-01-02 15:04:05.000000", m[1]+" "+m[2])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, at)
	}
	return out
}

// theyRefresh: too short an interval gets 422; UPDATE and re-INVITE renew the
// session and the sound goes on.
func theyRefresh(h *house, transport string) {
	t := h.t
	c := h.sipp("refresh", transport, "1000", nil)
	c.hears(700)
	c.press("5")
	c.hears(600)
	for range 2 {
		c.cue()
		c.hears(600)
		c.listens(500 * time.Millisecond)
	}
	c.cue()
	c.done()
	notes := wantMelody(t, "caller", c.Heard(), 500, 700, 600)
	last := notes[len(notes)-1]
	unbroken(t, "the prompt", c.Between(last.from+block, last.from+last.length-block))
	if r := h.record(c); r.End != leg.CallerHangup || path(r) != "greet top stay" {
		t.Errorf("record: %v %s", r.End, path(r))
	}
}

// sessionExpires: who promised to refresh and does not loses the call shortly
// before the interval of 90 s is over (RFC 4028 §10), and is heard until then.
func sessionExpires(h *house, transport string) {
	t := h.t
	c := h.sipp("expire", transport, "echo", nil)
	c.hears(callerTone)
	r := c.done()
	answer, bye := times(t, r.Messages, "SIP/2.0 200", "INVITE"), times(t, r.Messages, "BYE ", "BYE")
	if len(answer) == 0 || len(bye) == 0 {
		t.Fatalf("answered %v, BYE %v", answer, bye)
	}
	if d := bye[0].Sub(answer[0]); d < 55*time.Second || d > 90*time.Second {
		t.Errorf("BYE after %v", d)
	}
	if rec := h.record(c); rec.End != leg.SessionExpiry {
		t.Errorf("record: %v", rec.End)
	}
	notes := wantMelody(t, "echo", c.Heard(), callerTone)
	if len(notes) > 0 && notes[0].length < 55*time.Second {
		t.Errorf("the echo was heard for %v", notes[0].length)
	}
}

// weRefresh: where the refresher is ours, UPDATE comes at half of the interval.
func weRefresh(h *house, transport string) {
	t := h.t
	c := h.sipp("refreshed", transport, "echo", nil)
	c.hears(callerTone)
	r := c.done()
	answer, update := times(t, r.Messages, "SIP/2.0 200", "INVITE"), times(t, r.Messages, "UPDATE ", "UPDATE")
	if len(answer) == 0 || len(update) == 0 {
		t.Fatalf("answered %v, UPDATE %v", answer, update)
	}
	if d := update[0].Sub(answer[0]); d < 44*time.Second || d > 55*time.Second {
		t.Errorf("UPDATE after %v", d)
	}
	wantMelody(t, "echo", c.Heard(), callerTone)
	if rec := h.record(c); rec.End != leg.CallerHangup {
		t.Errorf("record: %v", rec.End)
	}
}
