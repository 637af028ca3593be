package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/routing"
)

// openQueue is open with a number that leads to a queue.
func openQueue(t *testing.T, sets ...string) *house {
	t.Helper()
	return open(t, append([]string{`calls.numbers={"1000": queue, "echo": echo}`, "queues=[{name: payments, ring: 5s, wrap_up: 2s}]"}, sets...)...)
}

// wish sets an agent's state, as their supervisor.
func (h *house) wish(agent, state string) {
	h.t.Helper()
	if h.client == nil {
		h.signIn()
	}
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodPut, h.origin()+"/api/v1/agents/"+agent+"/state", strings.NewReader(fmt.Sprintf(`{"state":%q}`, state)))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := h.client.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		h.t.Fatalf("set %s %s: %s", agent, state, res.Status)
	}
}

// agentIs waits for a state of an agent.
func (h *house) agentIs(agent string, state routing.State, reason string) {
	h.t.Helper()
	want := fmt.Sprintf(`"state":%q`, state)
	if reason != "" {
		want += fmt.Sprintf(`,"reason":%q`, reason)
	}
	testkit.Eventually(h.t, soon, agent+" to be "+string(state)+" "+reason, each(block, func() bool {
		_, body := h.api("/api/v1/agents")
		_, own, _ := strings.Cut(string(body), fmt.Sprintf(`"name":%q`, agent))
		own, _, _ = strings.Cut(own, `"name"`)
		return strings.Contains(own, want)
	}))
}

// TestQueueAndAgent: a caller waits with music and news; alice's own SIP phone
// rings when she is ready, both hear each other, she wraps up and is ready.
func TestQueueAndAgent(t *testing.T) {
	t.Parallel()
	h := openQueue(t)
	alice := testkit.Baresip{User: "alice", Domain: h.sip, Password: h.sipSecret("alice"), Mouth: testkit.Tone(440, time.Minute)}.Start(t)
	says(t, alice, "200 OK (ivrd)")
	c := newExchange(t).call("sip:1000@" + h.sip)
	c.hears(t, 500, 600, 900, 600) // music, news, music
	h.wish("alice", "ready")
	alice.WaitEstablished()
	c.hears(t, 440)
	c.say(1000)
	alice.WaitHeard(2*time.Second, patience)
	h.agentIs("alice", routing.Talking, "")
	alice.Hangup()
	c.hears(t, 1100)
	if err := c.waitsEnd(leg.AgentHangup); err != nil {
		t.Error(err)
	}
	h.agentIs("alice", routing.Ready, "")
	rec := h.ended(1)[0]
	if rec.Queue != "payments" || rec.Agent != "alice" || rec.WaitMS < 10_000 || rec.TalkMS < 1500 || rec.Priority == nil || rec.Priority.Total != 86 {
		t.Errorf("record: queue %q, agent %q, wait %d, talk %d, priority %+v", rec.Queue, rec.Agent, rec.WaitMS, rec.TalkMS, rec.Priority)
	}
	h.hearsAll("baresip", h.lastHeard(alice), 1000)
	left, right := h.recording(rec.ID, "")
	h.hearsAll("left", left, 1000)
	h.hearsAll("right", right, 600, 900, 600, 440, 1100)
	h.verify()
}

// TestQueueWithoutAnAnswer: a phone that nobody picks up makes its agent away,
// one that is not there signs them off; the caller's time runs out.
func TestQueueWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	h := openQueue(t)
	alice := testkit.Baresip{User: "alice", Domain: h.sip, Password: h.sipSecret("alice"), Manual: true}.Start(t)
	says(t, alice, "200 OK (ivrd)")
	h.wish("alice", "ready")
	c := newExchange(t).call("sip:1000@" + h.sip)
	c.hears(t, 500, 600)
	alice.Wait("CALL_INCOMING", 0, patience)
	h.agentIs("alice", routing.Away, routing.ReasonNoAnswer)
	alice.WaitClosed()
	alice.Stop()
	h.wish("alice", "ready")
	h.agentIs("alice", routing.Offline, routing.ReasonUnreachable)
	c.hears(t, 1700)
	if err := c.waitsEnd(leg.AgentHangup); err != nil {
		t.Error(err)
	}
	if rec := h.ended(1)[0]; rec.Agent != "" || rec.WaitMS < 19_900 || path(rec) != "greet wait late" {
		t.Errorf("record: agent %q, wait %d, path %s", rec.Agent, rec.WaitMS, path(rec))
	}
	h.verify()
}
