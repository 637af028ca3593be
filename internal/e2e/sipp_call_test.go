package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/recordings"
)

// TestSIPpCalls are whole calls to one house, at the same time.
func TestSIPpCalls(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.signIn()
	overBoth(t, func(t *testing.T, transport string) {
		together(t, map[string]func(*testing.T){
			"menu":     func(t *testing.T) { menuByKeys(h.in(t), transport) },
			"bye":      func(t *testing.T) { byeByUs(h.in(t), transport) },
			"delayed":  func(t *testing.T) { delayedOffer(h.in(t), transport) },
			"hold":     func(t *testing.T) { holdAndResume(h.in(t), transport) },
			"prack":    func(t *testing.T) { reliableRinging(h.in(t), transport) },
			"message":  func(t *testing.T) { leaveMessage(h.in(t), transport) },
			"cut":      func(t *testing.T) { messageCutOff(h.in(t), transport) },
			"nonsense": func(t *testing.T) { nonsenseInside(h.in(t), transport) },
		})
	})
	h.verify()
}

// menuByKeys: keys choose, a PIN is entered, the caller hangs up.
func menuByKeys(h *house, transport string) {
	t := h.t
	c := h.sipp("visit", transport, "1000", nil)
	c.hears(700)
	c.press("1")
	c.hears(900)
	c.press("4711")
	c.hears(1100)
	c.hears(700)
	c.cue()
	c.done()
	wantMelody(t, "caller", c.Heard(), 500, 700, 900, 1100, 700)

	r := h.record(c)
	if r.End != leg.CallerHangup || path(r) != "greet top pin thanks top" || r.Trunk != "loopback" || r.Recording.State != "complete" {
		t.Errorf("record: %+v", r)
	}
	left, right := h.recording(r.ID, "")
	wantMelody(t, "right channel", right, 700, 1100, 700) // recording starts after the greeting, the PIN's prompt is in the gap
	secretGap(t, r, left, right)
}

// secretGap: the recording pauses from the question for the PIN to its last
// key, the caller's tone is in all the rest.
func secretGap(t *testing.T, r recordings.Call, left, right []int16) {
	t.Helper()
	secrets := slices.DeleteFunc(slices.Clone(r.Recording.Gaps), func(g recordings.Gap) bool { return g.Cause != "secret" })
	if len(secrets) != 1 || secrets[0].ToMS-secrets[0].FromMS < 800 {
		t.Fatalf("gaps: %+v", r.Recording.Gaps)
	}
	g := secrets[0]
	begin := r.Recording.DurationMS - int64(len(left)/8) // should a recording not begin with the call
	from, to := g.FromMS-begin, g.ToMS-begin
	if p := max(tone.Power(within(left, from+20, to-20)), tone.Power(within(right, from+20, to-20))); p > -60 {
		t.Errorf("the secret gap has %.0f dBov", p)
	}
	for _, x := range melody(left) {
		if x.freqHz != callerTone {
			t.Errorf("left channel: %v Hz at %v", x.freqHz, x.from)
		}
	}
	level := -120.0 // of the best stretch: a busy machine may lose some
	for part := range slices.Chunk(within(left, to+200, to+1000), 800) {
		level = max(level, tone.Level(part, callerTone))
	}
	if level < -21 || level > -19 {
		t.Errorf("caller's tone is recorded with %.1f dBov, sent with -20", level)
	}
}

// byeByUs: the last words are heard to their end before BYE.
func byeByUs(h *house, transport string) {
	t := h.t
	c := h.sipp("listener", transport, "1000", nil)
	c.hears(700)
	c.press("9")
	c.done()
	notes := wantMelody(t, "caller", c.Heard(), 500, 700, 1900)
	if last := notes[len(notes)-1].length; last < 600*time.Millisecond-block {
		t.Errorf("last words were heard for %v of 600ms", last)
	}
	if r := h.record(c); r.End != leg.FlowHangup || path(r) != "greet top bye" {
		t.Errorf("record: %v %s", r.End, path(r))
	}
}

// delayedOffer: the offer is ours, the answer comes in the ACK.
func delayedOffer(h *house, transport string) {
	t := h.t
	c := h.sipp("delayed", transport, "1000", nil)
	c.hears(700)
	c.press("5")
	c.hears(600)
	c.listens(time.Second)
	c.cue()
	c.done()
	r := h.record(c)
	if r.End != leg.CallerHangup || path(r) != "greet top stay" {
		t.Errorf("record: %v %s", r.End, path(r))
	}
	left, right := h.recording(r.ID, "")
	wantMelody(t, "left channel", left, callerTone)
	wantMelody(t, "right channel", right, 700, 600)
}

// holdAndResume: sendonly, inactive and 0.0.0.0 are silence for the caller,
// who goes on being heard where SDP says so; then the caller moves.
func holdAndResume(h *house, transport string) {
	t := h.t
	moved := newSink(t, movedTone)
	c := h.sipp("hold", transport, "1000", map[string]string{"moved": fmt.Sprint(moved.Addr().Port())})
	c.hears(700)
	c.press("5")
	c.hears(600)
	for _, hold := range []string{"sendonly", "inactive", "0.0.0.0"} {
		c.cue()
		c.silent(1500 * time.Millisecond)
		c.cue()
		if hold != "0.0.0.0" {
			c.hears(600)
		}
	}
	moved.hears(600)
	before := c.Counts().Packets
	moved.listens(time.Second)
	moved.hears(600)
	if now := c.Counts().Packets; now != before {
		t.Errorf("%d packets came to the old address", now-before)
	}
	wantMelody(t, "new address", moved.Heard(), 600)
	c.cue()
	c.done()
	r := h.record(c)
	if r.End != leg.CallerHangup || path(r) != "greet top stay" {
		t.Errorf("record: %v %s", r.End, path(r))
	}
	left, _ := h.recording(r.ID, "")
	wantMelody(t, "left channel", left, callerTone, callerTone, movedTone) // not heard while inactive
}

// reliableRinging: 180 with RSeq, 200 to its PRACK.
func reliableRinging(h *house, transport string) {
	c := h.sipp("prack", transport, "1000", nil)
	c.hears(700)
	c.cue()
	c.done()
	if r := h.record(c); r.End != leg.CallerHangup {
		h.t.Errorf("record: %v", r.End)
	}
}

// leaveMessage: the caller speaks after the tone and ends with a key.
func leaveMessage(h *house, transport string) {
	t := h.t
	c := h.sipp("listener", transport, "1000", nil)
	c.hears(700)
	c.press("3")
	c.hears(1000)
	c.silent(100 * time.Millisecond)
	c.listens(2 * time.Second)
	c.press("#")
	c.done()
	r := h.record(c)
	if r.End != leg.FlowHangup || path(r) != "greet top leave bye" {
		t.Errorf("record: %v %s", r.End, path(r))
	}
	h.hasMessage(r, 1900)
}

// messageCutOff: most messages end by a hang-up.
func messageCutOff(h *house, transport string) {
	t := h.t
	c := h.sipp("visit", transport, "1000", nil)
	c.hears(700)
	c.press("3")
	c.hears(1000)
	c.silent(100 * time.Millisecond)
	c.listens(1500 * time.Millisecond)
	c.cue()
	c.done()
	r := h.record(c)
	if r.End != leg.CallerHangup || path(r) != "greet top leave" {
		t.Errorf("record: %v %s", r.End, path(r))
	}
	h.hasMessage(r, 1400)
}

// hasMessage: one message, whose span of the recording is the caller's tone.
func (h *house) hasMessage(r recordings.Call, atLeastMS int64) {
	h.t.Helper()
	if len(r.Messages) != 1 || r.Messages[0].ToMS-r.Messages[0].FromMS < atLeastMS {
		h.t.Fatalf("messages: %+v", r.Messages)
	}
	m := r.Messages[0]
	left, right := h.recording(r.ID, "")
	begin := r.Recording.DurationMS - int64(len(left)/8)
	span := within(left, m.FromMS-begin, min(m.FromMS+atLeastMS, m.ToMS)-begin)
	wantMelody(h.t, "message", span, callerTone)
	mostly(h.t, "message", span, callerTone)
	if p := tone.Power(within(right, m.FromMS-begin+40, m.ToMS-begin-40)); p > -60 {
		h.t.Errorf("our side is in the message with %.0f dBov", p)
	}
}

// nonsenseInside: what cannot be served inside a call is answered and leaves
// the call alone.
func nonsenseInside(h *house, transport string) {
	t := h.t
	c := h.sipp("nonsense", transport, "1000", nil)
	c.hears(700)
	c.press("5")
	c.hears(600)
	c.listens(500 * time.Millisecond)
	c.cue()
	c.listens(2 * time.Second)
	unbroken(t, "what the caller heard", c.Between(-2*time.Second, 0))
	c.hears(600)
	c.cue()
	c.done()
	if r := h.record(c); r.End != leg.CallerHangup || path(r) != "greet top stay" {
		t.Errorf("record: %v %s", r.End, path(r))
	}
}
