package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/chromium"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/routing"
)

// pageBeforePhone: who has a desk phone and a page is rung at the page, and
// at the phone once the page is closed.
func pageBeforePhone(t *testing.T) {
	takeSlot(t)
	const phoneHz = 1000
	h := openQueue(t)
	browser := chromium.Start(t, chromium.Options{Mic: aliceHz})
	alice := h.deskPage(browser, "alice")
	phone := testkit.Baresip{User: "alice", Domain: h.sip, Password: h.sipSecret("alice"), Mouth: testkit.Tone(phoneHz, time.Minute)}.Start(t)
	says(t, phone, "200 OK (ivrd)") // it came last
	rung := func() bool {
		return slices.ContainsFunc(phone.Events(), func(e testkit.PhoneEvent) bool { return e.Type == "CALL_INCOMING" })
	}
	h.ready(alice)
	x := newExchange(t)

	c := x.call("sip:1000@" + h.sip)
	c.hears(t, 500, 600)
	alice.Click("ring-answer")
	c.hears(t, aliceHz)
	c.say(callerTone)
	alice.Hears(remote, callerTone)
	alice.Click("hangup")
	c.hears(t, 1100)
	if err := c.waitsEnd(leg.AgentHangup); err != nil {
		t.Error(err)
	}
	if rung() {
		t.Error("the desk phone has rung beside the page")
	}
	h.agentIs("alice", routing.Ready, "")  // after her wrap-up
	h.spoke(h.ended(1)[0], "PCMU", "PCMU") // the page does as the caller

	alice.Close()
	c = x.call("sip:1000@" + h.sip)
	phone.WaitEstablished()
	c.hears(t, phoneHz)
	c.say(callerTone)
	phone.WaitHeard(time.Second, patience)
	phone.Hangup()
	c.hears(t, 1100)
	if err := c.waitsEnd(leg.AgentHangup); err != nil {
		t.Error(err)
	}
	phone.WaitClosed()
	h.hearsAll("the desk phone", h.lastHeard(phone), callerTone)
	h.verify()
}

// pageAndNarrowPhone: the caller's page speaks G.722, the agent's phone PCMU only:
// both are heard, and recorded.
func pageAndNarrowPhone(t *testing.T) {
	takeSlot(t)
	const phoneHz = 1000
	h := openQueue(t)
	phone := testkit.Baresip{User: "alice", Domain: h.sip, Password: h.sipSecret("alice"), Mouth: testkit.Tone(phoneHz, time.Minute)}.Start(t)
	says(t, phone, "200 OK (ivrd)")
	h.wish("alice", "ready")
	caller := h.callerPage(chromium.Start(t, chromium.Options{Mic: demoHz}))
	caller.Click("phone-call-1000")
	phone.WaitEstablished()
	caller.Hears(remote, phoneHz)
	phone.WaitHeard(time.Second, patience)
	phone.Hangup()
	caller.Hears(remote, 1100)
	rec := h.ended(1)[0]
	h.spoke(rec, "G722", "PCMU")
	h.hearsAll("the phone", h.lastHeard(phone), demoHz)
	left, right := h.recording(rec.ID, "")
	h.hearsAll("left", left, demoHz)
	h.hearsAll("right", right, phoneHz, 1100)
	h.verify()
}
