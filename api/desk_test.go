package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/routing"
	"github.com/ivrd/ivrd/routing/memstore"
)

// openDesk is open with the queues cards and loans, whose agents are alice and
// bob.
func openDesk(t *testing.T) *house {
	t.Helper()
	h := open(t)
	d := routing.New(routing.Config{Policy: routing.DefaultPolicy(), Queues: []routing.Queue{
		{Name: "cards", Ring: time.Minute, Handle: time.Minute}, {Name: "loans", Ring: time.Minute, Handle: time.Minute},
	}}, memstore.New())
	d.Start()
	t.Cleanup(d.Close)
	for name, queue := range map[string]string{"alice": "cards", "bob": "loans"} {
		if err := d.SetAgent(t.Context(), routing.Agent{Name: name, Queues: []string{queue}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Enter(t.Context(), routing.Request{ID: callID(1), Queue: "cards"}); err != nil {
		t.Fatal(err)
	}
	h.Desk = d
	return h
}

func (h *house) sets(token, agent, body string) reply {
	h.t.Helper()
	return h.ask("PUT", "/api/v1/agents/"+agent+"/state", body, "Authorization", "Bearer "+token)
}

// TestWhoSeesTheDesk: agents themselves, supervisors theirs, nobody the rest.
func TestWhoSeesTheDesk(t *testing.T) {
	h := openDesk(t)
	for name, want := range map[string]struct{ queues, agents string }{
		"alice": {"cards", "alice"}, "bob": {"loans", "bob"}, "sue": {"cards", "alice"}, "sam": {"cards loans", "alice bob"},
		"otto": {"cards loans", "403"}, "ada": {"cards loans", "403"},
	} {
		token := h.token(name)
		var qs QueueList
		r := h.as(token, "/api/v1/queues")
		r.want(t, http.StatusOK, "")
		if err := json.Unmarshal([]byte(r.body), &qs); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, q := range qs.Queues {
			names = append(names, q.Name)
			if q.Name == "cards" && (q.Waiting != 1 || q.Entered != 1) {
				t.Errorf("queue %+v", q)
			}
		}
		if got := strings.Join(names, " "); got != want.queues {
			t.Errorf("%s sees the queues %q", name, got)
		}
		r = h.as(token, "/api/v1/agents")
		if want.agents == "403" {
			r.want(t, http.StatusForbidden, "forbidden")
			continue
		}
		var as AgentList
		if err := json.Unmarshal([]byte(r.body), &as); err != nil {
			t.Fatal(err)
		}
		names = nil
		for _, a := range as.Agents {
			names = append(names, a.Name)
		}
		if got := strings.Join(names, " "); got != want.agents {
			t.Errorf("%s sees the agents %q", name, got)
		}
	}
}

func TestSetAgentState(t *testing.T) {
	h := openDesk(t)
	alice, sue, bob := h.token("alice"), h.token("sue"), h.token("bob")
	h.sets(bob, "alice", `{"state":"ready"}`).want(t, http.StatusNotFound, "not-found")
	h.sets(sue, "bob", `{"state":"ready"}`).want(t, http.StatusNotFound, "not-found")
	h.sets(sue, "nobody", `{"state":"ready"}`).want(t, http.StatusNotFound, "not-found")
	h.sets(h.token("ada"), "alice", `{"state":"ready"}`).want(t, http.StatusForbidden, "forbidden")
	for _, body := range []string{`{"state":"talking"}`, `{"state":""}`, `{"state":"away","reason":"a\u0007"}`, `{"state":"away","reason":"` + strings.Repeat("x", 65) + `"}`} {
		h.sets(alice, "alice", body).want(t, http.StatusBadRequest, "bad-parameter")
	}
	h.sets(alice, "alice", `{"state":"ready"}`).want(t, http.StatusNoContent, "")
	h.eventually("alice", routing.Reserved, "") // for the caller who waits
	h.sets(alice, "alice", `{"state":"away","reason":"午饭"}`).want(t, http.StatusNoContent, "")
	if a := h.eventually("alice", routing.Reserved, ""); a.Then != routing.Away || a.Ticket != callID(1) {
		t.Errorf("alice: %+v", a)
	}
	if e := h.audited("agent."); len(e) != 0 {
		t.Errorf("what people do themselves is audited: %+v", e)
	}
	h.sets(sue, "alice", `{"state":"offline","reason":"went home"}`).want(t, http.StatusNoContent, "")
	if e := h.audited("agent."); len(e) != 1 || e[0].Action != "agent.offline" || e[0].Object != "alice" || e[0].Actor != "sue" || e[0].Reason != "went home" {
		t.Errorf("audit %+v", e)
	}
}

// audited are the entries of an action.
func (h *house) audited(prefix string) []recordings.AuditEntry {
	h.archive.mu.Lock()
	defer h.archive.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(h.archive.entries), func(e recordings.AuditEntry) bool { return !strings.HasPrefix(e.Action, prefix) })
}

// eventually waits for an agent's state.
func (h *house) eventually(name string, want routing.State, reason string) routing.Agent {
	h.t.Helper()
	for range 200 {
		all, err := h.Desk.Agents(h.t.Context())
		if err != nil {
			h.t.Fatal(err)
		}
		a := all[slices.IndexFunc(all, func(a routing.Agent) bool { return a.Name == name })]
		if a.State == want && a.Reason == reason {
			return a
		}
		<-time.After(10 * time.Millisecond)
	}
	h.t.Fatalf("%s is not %s", name, want)
	return routing.Agent{}
}

func TestNoDesk(t *testing.T) {
	h := open(t)
	token := h.token("alice")
	h.as(token, "/api/v1/queues").want(t, http.StatusServiceUnavailable, "unavailable")
	h.as(token, "/api/v1/agents").want(t, http.StatusServiceUnavailable, "unavailable")
	h.sets(token, "alice", `{"state":"ready"}`).want(t, http.StatusServiceUnavailable, "unavailable")
}
