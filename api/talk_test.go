package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/ivrd/ivrd/call"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/recordings"
)

// talks notes what it is asked for.
type talks struct {
	mu    sync.Mutex
	asked []string
	err   error
}

func (f *talks) note(format string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, fmt.Sprintf(format, args...))
	return f.err
}

func (f *talks) Hold(_ context.Context, id, who string, on bool) error {
	return f.note("%s holds %s %v", who, id, on)
}

func (f *talks) Transfer(_ context.Context, id, who string, to call.Destination) error {
	return f.note("%s sends %s to %s%s", who, id, to.Queue, to.Number)
}

func (f *talks) Attach(_ context.Context, id, who, phone string) error {
	return f.note("%s attaches %s to %s", who, id, phone)
}

func (h *house) desk(token, id, what, body string) reply {
	h.t.Helper()
	return h.ask("POST", "/api/v1/calls/"+id+"/"+what, body, "Authorization", "Bearer "+token)
}

// TestHoldAndTransfer: what reaches the conductor, and what never does.
func TestHoldAndTransfer(t *testing.T) {
	h := open(t)
	f := &talks{}
	h.Talks = f
	alice := h.token("alice")
	for _, c := range []struct{ what, body string }{
		{"hold", `{}`},
		{"hold", `{"on":null}`},
		{"transfer", `{}`},
		{"transfer", `{"queue":"loans","number":"+8610"}`},
		{"transfer", `{"number":"sip:x@y"}`},
		{"transfer", `{"number":"+"}`},
		{"transfer", `{"number":"1"}`},
		{"transfer", `{"number":"+86 10"}`},
		{"transfer", `{"number":"` + strings.Repeat("1", 21) + `"}`},
		{"attach", `{"phone":"bob~1"}`},
	} {
		h.desk(alice, callID(0), c.what, c.body).want(t, http.StatusBadRequest, "bad-parameter")
	}
	for _, c := range []struct{ what, body string }{{"hold", `{"on":true}`}, {"transfer", `{"queue":"loans"}`}, {"attach", `{}`}} {
		h.desk(alice, callID(2), c.what, c.body).want(t, http.StatusNotFound, "not-found") // another group's
		h.desk(alice, callID(99), c.what, c.body).want(t, http.StatusNotFound, "not-found")
		h.ask("POST", "/api/v1/calls/"+callID(0)+"/"+c.what, c.body).want(t, http.StatusUnauthorized, "sign-in")
	}
	if len(f.asked) != 0 {
		t.Fatalf("asked for %v", f.asked)
	}
	for what, body := range map[string]string{"hold": `{"on":false}`, "transfer": `{"number":"+861012345678"}`, "attach": `{"phone":"alice~1"}`} {
		f.asked = nil
		h.desk(alice, callID(0), what, body).want(t, http.StatusNoContent, "")
		want := map[string]string{"hold": "alice holds " + callID(0) + " false", "transfer": "alice sends " + callID(0) + " to +861012345678", "attach": "alice attaches " + callID(0) + " to alice~1"}[what]
		if len(f.asked) != 1 || f.asked[0] != want {
			t.Errorf("asked for %v, want %s", f.asked, want)
		}
	}
	if strings.Contains(h.log.String(), "12345678") {
		t.Error("the number is in the log")
	}
}

func TestTalkProblems(t *testing.T) {
	h := open(t)
	alice := h.token("alice")
	refused := func(r leg.EndReason) error { return fmt.Errorf("dial: %w", &call.RefusedError{Reason: r}) }
	for _, c := range []struct {
		err    error
		status int
		slug   string
		detail string
	}{
		{call.ErrNoCall, 409, "not-live", "over"},
		{call.ErrNoTalk, 409, "no-talk", "Nobody"},
		{call.ErrNoPhone, 409, "no-phone", "not registered"},
		{call.ErrNotYours, 403, "forbidden", "Somebody else"},
		{call.ErrNoQueue, 422, "refused", "no such queue"},
		{refused(leg.Forbidden), 422, "refused", "No outbound rule"},
		{refused(leg.NoCapacity), 422, "refused", "try again later"},
		{refused(leg.Unreachable), 422, "refused", "unreachable"},
		{errors.New("store"), 500, "internal", "logged"},
	} {
		h.Talks = &talks{err: c.err}
		for what, body := range map[string]string{"hold": `{"on":true}`, "transfer": `{"queue":"loans"}`} {
			r := h.desk(alice, callID(0), what, body)
			r.want(t, c.status, c.slug)
			if !strings.Contains(r.body, c.detail) {
				t.Errorf("%v: %s", c.err, r.body)
			}
		}
	}
	h.Talks = nil
	h.desk(alice, callID(0), "hold", `{"on":true}`).want(t, http.StatusServiceUnavailable, "unavailable")
}

// TestNumbersOutsideAreMasked like the caller's own number, and the record is not
// changed by that.
func TestNumbersOutsideAreMasked(t *testing.T) {
	h := open(t)
	h.archive.calls[0].Transfers = []recordings.Transfer{{AtMS: 1, By: "alice", Number: "+8613900139000"}}
	h.archive.calls[0].Connected = "+8613700137000"
	for _, path := range []string{"/api/v1/calls/" + callID(0), "/api/v1/calls?limit=500"} {
		r := h.as(h.token("otto"), path)
		if strings.Contains(r.body, "13900139000") || !strings.Contains(r.body, "139••••9000") ||
			strings.Contains(r.body, "13700137000") || !strings.Contains(r.body, `"connected":"137••••7000"`) {
			t.Errorf("%s: %s", path, r.body)
		}
	}
	if r := h.as(h.token("otto"), "/api/v1/calls/"+callID(0)+"?unmask=1"); !strings.Contains(r.body, "+8613900139000") || !strings.Contains(r.body, "+8613700137000") {
		t.Errorf("not unmasked: %s", r.body)
	}
}
