package e2e

import (
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/chromium"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/routing"
)

const bobHz = 980.0 // bob's microphone

// twoQueues are payments, which is alice's, and fraud, which is bob's.
const twoQueues = "queues=[{name: payments, ring: 10s, wrap_up: 5m}, {name: fraud, ring: 10s, wrap_up: 2s}]"

// voices are the tones that people make in the tests of pages, and the music.
var voices = []float64{demoHz, 600, aliceHz, bobHz, sueHz}

// pagesTransfer: alice's page gives the caller to the queue of bob, whose
// page rings; she writes down what it was and is ready.
func pagesTransfer(t *testing.T) {
	takeSlot(t)
	h := talkingPages(t, twoQueues)
	bob := h.deskPage(chromium.Start(t, chromium.Options{Mic: bobHz}), "bob")

	h.alice.Click("transfer")
	h.alice.Click("transfer-queue-fraud")
	h.caller.Hears(remote, 600)
	h.agentIs("alice", routing.WrapUp, "")
	h.alice.True("the end of the sound", `window.ivrd.phone.state === "ready"`)
	h.ready(bob)
	bob.Click("ring-answer")
	h.caller.Mix(remote, time.Second, voices, bobHz)
	bob.Mix(remote, time.Second, voices, demoHz)

	h.alice.Click("disposition")
	h.alice.Choose("[role=option]", "Follow-up")
	h.alice.Type("notes", "Lost card. Sent to fraud.")
	h.agentIs("alice", routing.WrapUp, "")
	h.alice.Click("wrapup-done")
	h.agentIs("alice", routing.Ready, "")

	h.caller.Click("phone-hangup")
	h.agentIs("bob", routing.Ready, "") // after his wrap-up
	rec := h.ended(1)[0]
	if rec.Queue != "fraud" || rec.Agent != "bob" || rec.Disposition != "follow-up" || rec.Notes != "Lost card. Sent to fraud." {
		t.Errorf("record: queue %q, agent %q, disposition %q, notes %q", rec.Queue, rec.Agent, rec.Disposition, rec.Notes)
	}
	if len(rec.Transfers) != 1 || rec.Transfers[0].By != "alice" || rec.Transfers[0].Queue != "fraud" {
		t.Errorf("transfers %+v", rec.Transfers)
	}
	left, right := h.recording(rec.ID, "")
	h.hearsAll("left", left, demoHz)
	h.hearsAll("right", right, aliceHz, 600, bobHz)
	h.verify()
}

// live waits for the one live call and returns its record.
func (h *house) live() recordings.Call {
	h.t.Helper()
	var calls []recordings.Call
	testkit.Eventually(h.t, soon, "the live call", each(block, func() bool {
		calls = h.calls("state=live")
		return len(calls) == 1
	}))
	return calls[0]
}
