package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/ivrd/ivrd/call"
	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/leg"
)

// Talk does with a live call what its agent asks for; *call.Conductor does.
type Talk interface {
	Hold(ctx context.Context, id, who string, on bool) error
	Transfer(ctx context.Context, id, who string, to call.Destination) error
	Attach(ctx context.Context, id, who, phone string) error
}

// HoldRequest is the body of POST /api/v1/calls/{id}/hold.
type HoldRequest struct {
	On *bool `json:"on"`
}

// TransferRequest is the body of POST /api/v1/calls/{id}/transfer; one of its
// fields is set.
type TransferRequest struct {
	Queue  string `json:"queue,omitempty"`
	Number string `json:"number,omitempty"`
}

// AttachRequest is the body of POST /api/v1/calls/{id}/attach. Phone is the
// username of the page's own telephone; without it the page is meant that came
// last.
type AttachRequest struct {
	Phone string `json:"phone,omitempty"`
}

func (b TransferRequest) check() error {
	if (b.Queue == "") == (b.Number == "") {
		return badParameter("queue", "Give a queue or a number, not both.")
	}
	digits := strings.TrimPrefix(b.Number, "+")
	if b.Number != "" && (len(digits) < 2 || len(digits) > 20 || strings.Trim(digits, "0123456789") != "") {
		return badParameter("number", "Write it like +861012345678, with 2 to 20 digits.")
	}
	return nil
}

func (s *Server) hold(w http.ResponseWriter, r *http.Request, v visitor) error {
	var body HoldRequest
	if err := readJSON(r, &body); err != nil {
		return err
	}
	if body.On == nil {
		return badParameter("on", "Want true or false.")
	}
	return s.talk(w, r, v, func(id string) error { return s.Talks.Hold(r.Context(), id, v.Name, *body.On) })
}

func (s *Server) transfer(w http.ResponseWriter, r *http.Request, v visitor) error {
	var body TransferRequest
	if err := readJSON(r, &body); err != nil {
		return err
	}
	if err := body.check(); err != nil {
		return err
	}
	to := call.Destination{Queue: body.Queue, Number: body.Number}
	return s.talk(w, r, v, func(id string) error { return s.Talks.Transfer(r.Context(), id, v.Name, to) })
}

// attach brings a call to the page that asks for it.
func (s *Server) attach(w http.ResponseWriter, r *http.Request, v visitor) error {
	var body AttachRequest
	if r.ContentLength != 0 {
		if err := readJSON(r, &body); err != nil {
			return err
		}
	}
	if body.Phone != "" && identity.PhonePerson(body.Phone) != v.Name {
		return badParameter("phone", "Give the username of your own telephone.")
	}
	return s.talk(w, r, v, func(id string) error { return s.Talks.Attach(r.Context(), id, v.Name, body.Phone) })
}

// talk does something with a call that the visitor may see; the conductor knows
// whether it is theirs.
func (s *Server) talk(w http.ResponseWriter, r *http.Request, v visitor, do func(id string) error) error {
	if s.Talks == nil {
		return unavailable("There are no calls on this node.")
	}
	c, err := s.visibleCall(r.Context(), v, r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := do(c.ID); err != nil {
		return talkProblem(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func talkProblem(err error) error {
	refused := func(detail string) error {
		return problem(http.StatusUnprocessableEntity, "refused", detail)
	}
	switch {
	case errors.Is(err, call.ErrNoCall):
		return problem(http.StatusConflict, "not-live", "The call is over.")
	case errors.Is(err, call.ErrNoTalk):
		return problem(http.StatusConflict, "no-talk", "Nobody talks to the caller, or they are being transferred already.")
	case errors.Is(err, call.ErrNoPhone):
		return problem(http.StatusConflict, "no-phone", "Your page's telephone is not registered.")
	case errors.Is(err, call.ErrNotYours):
		return problem(http.StatusForbidden, "forbidden", "Somebody else talks to the caller.")
	case errors.Is(err, call.ErrNoQueue):
		return refused("There is no such queue.")
	}
	if number, ok := errors.AsType[*call.RefusedError](err); ok {
		return refused(whyRefused(number.Reason))
	}
	return err
}

// whyRefused says why a number cannot be called.
func whyRefused(r leg.EndReason) string {
	switch r.Slug {
	case leg.Forbidden.Slug:
		return "No outbound rule allows this number."
	case leg.NoCapacity.Slug, leg.NoPorts.Slug:
		return "As many calls go out as may: try again later."
	}
	return "The number cannot be called: " + r.Slug + "."
}
