package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/ivrd/ivrd/api"
	"github.com/ivrd/ivrd/call"
	"github.com/ivrd/ivrd/internal/testkit/chromium"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/routing"
)

// mic starts a browser whose microphone hears a tone.
func mic(t *testing.T, hertz float64) *chromium.Browser {
	t.Helper()
	return chromium.Start(t, chromium.Options{Mic: hertz})
}

// noticed is the longest time in which a page that has fallen silent is missed:
// its checks of the path are every few seconds, and other tests use the machine.
const noticed = 8 * time.Second

// pageKilled: the agent's browser crashes while it rings, while they talk,
// freezes, and crashes while they wrap up. The caller hears music, a new browser
// brings the agent back, and nobody is stuck.
func pageKilled(t *testing.T) {
	takeSlot(t)
	h := openQueue(t, "queues=[{name: payments, ring: 20s, wrap_up: 4s}]")
	browser := mic(t, aliceHz)
	alice := h.deskPage(browser, "alice")
	h.ready(alice)
	c := newExchange(t).call("sip:1000@" + h.sip)
	alice.True("the ring", `window.ivrd.phone.state === "ringing"`)
	browser.Kill()
	h.agentIs("alice", routing.Offline, routing.ReasonUnreachable) // long before the ring's end
	h.callIs(call.Waiting)
	c.hears(t, 600)

	browser = mic(t, aliceHz)
	alice = h.deskPage(browser, "alice")
	h.ready(alice)
	alice.Click("ring-answer")
	c.hears(t, aliceHz)
	c.say(callerTone)
	alice.Hears(remote, callerTone)
	h.agentIs("alice", routing.Talking, "")

	browser.Kill()
	c.hears(t, 600)
	h.callIs(call.Away)
	h.agentIs("alice", routing.Talking, "")
	browser = mic(t, aliceHz)
	alice = h.signInBy(browser, "alice", "/agent")
	alice.True("the call to be back", `window.ivrd?.phone?.state === "talking"`)
	c.hears(t, aliceHz)
	alice.Hears(remote, callerTone)
	h.callIs(call.Talking)

	h.freezes(browser, alice, c)

	alice.Click("hangup")
	c.hears(t, 1100)
	if err := c.waitsEnd(leg.AgentHangup); err != nil {
		t.Error(err)
	}
	h.agentIs("alice", routing.WrapUp, "")
	browser.Kill()
	h.wrappedUp()
	rec := h.ended(1)[0]
	_, right := h.recording(rec.ID, "")
	h.hearsAll("right", right, 600, aliceHz, 600, aliceHz, 600, aliceHz, 1100)
	h.verify()
}

// freezes stops every process of a browser, as a machine does that swaps or
// sleeps, and lets them go on.
func (h *house) freezes(b *chromium.Browser, p *chromium.Page, c *telephone) {
	h.t.Helper()
	froze := time.Now()
	b.Process().Signal(syscall.SIGSTOP)
	c.hears(h.t, 600)
	after := time.Since(froze)
	h.t.Logf("a frozen page was noticed after %v", after.Round(10*time.Millisecond))
	if after > noticed {
		h.t.Errorf("the caller heard music %v after the page froze, want %v", after, noticed)
	}
	h.callIs(call.Away)
	b.Process().Signal(syscall.SIGCONT)
	c.hears(h.t, aliceHz)
	p.Hears(remote, callerTone)
	h.callIs(call.Talking)
}

// wrappedUp waits until the wrap-up has ended, and looks for whom the next caller
// would be offered to: nobody who is not there.
func (h *house) wrappedUp() {
	h.t.Helper()
	h.agentIs("alice", routing.Ready, "")
	next := newExchange(h.t).call("sip:1000@" + h.sip)
	h.agentIs("alice", routing.Offline, routing.ReasonUnreachable)
	next.hears(h.t, 600)
	next.close()
}

// callIs follows the events until a live call is in a state.
func (h *house) callIs(want call.State) {
	h.t.Helper()
	if h.client == nil {
		h.signIn()
	}
	ctx, cancel := context.WithTimeout(h.t.Context(), soon)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, h.origin()+"/api/v1/events", &websocket.DialOptions{ //nolint:bodyclose // the library's own
		HTTPClient: &http.Client{Jar: h.client.Jar}, HTTPHeader: http.Header{"Origin": {h.origin()}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20)
	is := func(c *api.LiveCall) bool { return c != nil && c.State == want }
	for {
		var e struct {
			Call  *api.LiveCall   `json:"call"`
			Calls []*api.LiveCall `json:"calls"`
		}
		_, text, err := conn.Read(ctx)
		if err == nil {
			err = json.Unmarshal(text, &e)
		}
		if err != nil {
			h.t.Fatalf("no call is %s: %v", want, err)
		}
		if is(e.Call) || slices.ContainsFunc(e.Calls, is) {
			return
		}
	}
}

// pageDoesNotComeBack: whose agent's browser has crashed hears music, waits
// again when the page does not come back, and gets another agent.
func pageDoesNotComeBack(t *testing.T) {
	t.Parallel()
	h := openQueue(t)
	browser := mic(t, aliceHz)
	alice := h.deskPage(browser, "alice")
	h.ready(alice)
	c := newExchange(t).call("sip:1000@" + h.sip)
	alice.Click("ring-answer")
	c.hears(t, aliceHz)
	c.say(callerTone)
	alice.Hears(remote, callerTone)

	gone := time.Now() // before: the server may notice sooner than we
	browser.Kill()
	c.hears(t, 600)
	h.user(password("dave")+"\n", "add", "dave", "--role", "agent", "--group", "payments")
	dave := h.deskPage(mic(t, bobHz), "dave")
	h.ready(dave)
	h.callIs(call.Away)
	h.agentIs("dave", routing.Ready, "") // the caller is alice's for a while
	c.steady(t, 600, 5*time.Second)
	dave.True("the ring", `window.ivrd.phone.state === "ringing"`)
	if after := time.Since(gone); after < returns || after > returns+noticed {
		t.Errorf("somebody else was rung after %v, want %v", after, returns)
	}
	dave.Click("ring-answer")
	c.hears(t, bobHz)
	dave.Hears(remote, callerTone)
	h.agentIs("alice", routing.Offline, routing.ReasonUnreachable) // her pages have gone for good
	dave.Click("hangup")
	c.hears(t, 1100)
	if err := c.waitsEnd(leg.AgentHangup); err != nil {
		t.Error(err)
	}
	h.agentIs("dave", routing.Ready, "") // after his wrap-up
	if rec := h.ended(1)[0]; rec.Queue != "payments" || rec.Agent != "dave" {
		t.Errorf("record: queue %q, agent %q", rec.Queue, rec.Agent)
	}
	h.verify()
}

// returns is how long the caller of a page that has gone is kept for it.
const returns = 30 * time.Second
