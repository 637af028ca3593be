package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"unicode"

	"github.com/ivrd/ivrd/call"
	"github.com/ivrd/ivrd/identity"
)

// Monitor lets supervisors into live calls; *call.Conductor does.
type Monitor interface {
	Monitor(ctx context.Context, id, who string, mode call.Mode) error
	Unmonitor(id, who string) error
}

// MonitorRequest is the body of POST /api/v1/calls/{id}/monitor.
type MonitorRequest struct {
	Mode   call.Mode `json:"mode"`
	Reason string    `json:"reason"`
}

// maxMonitorReason is the longest reason, in bytes.
const maxMonitorReason = 200

func (b MonitorRequest) check() error {
	if !slices.Contains(call.Modes(), b.Mode) {
		return badParameter("mode", "Want listen, whisper, barge or takeover.")
	}
	if b.Reason == "" || len(b.Reason) > maxMonitorReason || slices.ContainsFunc([]rune(b.Reason), func(r rune) bool { return !unicode.IsPrint(r) }) {
		return badParameter("reason", "Say why, in at most 200 printable bytes.")
	}
	return nil
}

// monitor writes who, what and why to the audit log; then the supervisor's
// phone rings, or their mode changes.
func (s *Server) monitor(w http.ResponseWriter, r *http.Request, v visitor) error {
	var body MonitorRequest
	if err := readJSON(r, &body); err != nil {
		return err
	}
	if err := body.check(); err != nil {
		return err
	}
	id, err := s.monitored(r, v)
	if err != nil {
		return err
	}
	if err := s.audit(r.Context(), v, "monitor."+string(body.Mode), id, body.Reason); err != nil {
		return err
	}
	if err := s.Monitors.Monitor(r.Context(), id, v.Name, body.Mode); err != nil {
		return monitorProblem(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) unmonitor(w http.ResponseWriter, r *http.Request, v visitor) error {
	id, err := s.monitored(r, v)
	if err != nil {
		return err
	}
	if err := s.Monitors.Unmonitor(id, v.Name); err != nil {
		return monitorProblem(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// monitored is the ID of a call that the visitor may monitor.
func (s *Server) monitored(r *http.Request, v visitor) (string, error) {
	if s.Monitors == nil {
		return "", unavailable("Calls cannot be monitored on this node.")
	}
	c, err := s.visibleCall(r.Context(), v, r.PathValue("id"))
	if err != nil {
		return "", err
	}
	if !v.MayCall(identity.MonitorCalls, c.Queue, c.Agent) {
		return "", forbidden()
	}
	return c.ID, nil
}

func monitorProblem(err error) error {
	conflict := func(slug, detail string) error { return problem(http.StatusConflict, slug, detail) }
	switch {
	case errors.Is(err, call.ErrNoCall):
		return conflict("not-live", "The call is over.")
	case errors.Is(err, call.ErrNoTalk):
		return conflict("no-talk", "Nobody talks to the caller: there is no place to take.")
	case errors.Is(err, call.ErrNoPhone):
		return conflict("no-phone", "Your phone cannot be rung: register it first.")
	case errors.Is(err, call.ErrRinging):
		return conflict("ringing", "Your phone rings already: answer it first.")
	case errors.Is(err, call.ErrNoMonitor):
		return conflict("no-monitor", "You do not monitor this call.")
	}
	return err
}
