package api

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/ivrd/ivrd/call"
)

// conductor is a fake one that notes what it is asked for.
type conductor struct {
	h     *house
	mu    sync.Mutex
	asked []string
	err   error
}

func (c *conductor) Monitor(_ context.Context, id, who string, mode call.Mode) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.h.audited("monitor.")); n != len(c.asked)+1 {
		c.h.t.Errorf("%d audit entries before the monitor's %d. turn", n, len(c.asked)+1)
	}
	c.asked = append(c.asked, who+" "+string(mode)+" "+id)
	return c.err
}

func (c *conductor) Unmonitor(string, string) error { return c.err }

func (h *house) monitors(token, id, body string) reply {
	h.t.Helper()
	return h.ask("POST", "/api/v1/calls/"+id+"/monitor", body, "Authorization", "Bearer "+token)
}

// TestMonitor: who may, why, and the audit entry before the first sound.
func TestMonitor(t *testing.T) {
	h := open(t)
	c := &conductor{h: h}
	h.Monitors = c
	sue := h.token("sue") // supervises cards
	const listen = `{"mode":"listen","reason":"complaint"}`
	h.monitors(h.token("alice"), callID(0), listen).want(t, http.StatusForbidden, "forbidden")
	h.monitors(h.token("otto"), callID(0), listen).want(t, http.StatusForbidden, "forbidden")
	h.monitors(h.token("ada"), callID(0), listen).want(t, http.StatusForbidden, "forbidden")
	h.monitors(sue, callID(2), listen).want(t, http.StatusNotFound, "not-found") // a call of loans
	h.monitors(sue, callID(99), listen).want(t, http.StatusNotFound, "not-found")
	for _, body := range []string{
		`{"mode":"listen"}`, `{"mode":"listen","reason":""}`, `{"mode":"spy","reason":"x"}`, `{"mode":"listen","reason":"a\nb"}`, `{"mode":"listen","reason":"` + strings.Repeat("x", 201) + `"}`,
	} {
		h.monitors(sue, callID(0), body).want(t, http.StatusBadRequest, "bad-parameter")
	}
	if n := len(h.audited("monitor.")); n != 0 || len(c.asked) != 0 {
		t.Fatalf("%d entries, %d monitors of what was refused", n, len(c.asked))
	}
	h.monitors(sue, callID(0), listen).want(t, http.StatusNoContent, "")
	h.monitors(sue, callID(0), `{"mode":"barge","reason":"caller is upset"}`).want(t, http.StatusNoContent, "")
	if got := strings.Join(c.asked, ", "); got != "sue listen "+callID(0)+", sue barge "+callID(0) {
		t.Errorf("asked for %s", got)
	}
	e := h.audited("monitor.")
	if len(e) != 2 || e[1].Action != "monitor.barge" || e[1].Object != callID(0) || e[1].Actor != "sue" || e[1].Reason != "caller is upset" {
		t.Errorf("audit %+v", e)
	}
	h.ask("DELETE", "/api/v1/calls/"+callID(0)+"/monitor", "", "Authorization", "Bearer "+sue).want(t, http.StatusNoContent, "")

	h.archive.mu.Lock()
	h.archive.audit = context.DeadlineExceeded
	h.archive.mu.Unlock()
	if r := h.monitors(sue, callID(0), listen); r.StatusCode < 500 || len(c.asked) != 2 {
		t.Errorf("without an audit log: %d, %v", r.StatusCode, c.asked)
	}
}

func TestMonitorConflicts(t *testing.T) {
	h := open(t)
	for err, slug := range map[error]string{
		call.ErrNoCall: "not-live", call.ErrNoTalk: "no-talk", call.ErrNoPhone: "no-phone", call.ErrRinging: "ringing", call.ErrNoMonitor: "no-monitor",
	} {
		h.Monitors = stubborn{err}
		h.monitors(h.token("sue"), callID(0), `{"mode":"listen","reason":"x"}`).want(t, http.StatusConflict, slug)
	}
	h.Monitors = nil
	h.monitors(h.token("sue"), callID(0), `{"mode":"listen","reason":"x"}`).want(t, http.StatusServiceUnavailable, "unavailable")
}

type stubborn struct{ err error }

func (s stubborn) Monitor(context.Context, string, string, call.Mode) error { return s.err }
func (s stubborn) Unmonitor(string, string) error                           { return s.err }
