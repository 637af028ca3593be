package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/recordings"
)

// Problem is an error answer (RFC 9457). Its type is a stable name for
// programs, its detail a sentence for people.
type Problem struct {
	Type   string  `json:"type"`
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail,omitempty"`
	Errors []Fault `json:"errors,omitempty"`

	retry time.Duration // Retry-After
}

// Fault names what is wrong with one parameter or field.
type Fault struct {
	Name   string `json:"name"`
	Detail string `json:"detail"`
}

func (p *Problem) Error() string { return p.Type + ": " + p.Detail }

// problem makes one; slug is the last part of its type.
func problem(status int, slug, detail string) *Problem {
	return &Problem{Type: "urn:ivrd:problem:" + slug, Title: http.StatusText(status), Status: status, Detail: detail}
}

func (p *Problem) after(d time.Duration) *Problem {
	p.retry = d
	return p
}

// badParameter is a 400 for one parameter.
func badParameter(name, detail string) *Problem {
	p := problem(http.StatusBadRequest, "bad-parameter", "A parameter is not valid.")
	p.Errors = []Fault{{name, detail}}
	return p
}

// notFound is the same for what is not there and what is not for the reader.
func notFound() *Problem {
	return problem(http.StatusNotFound, "not-found", "There is nothing here, or it is not for you.")
}

func forbidden() *Problem {
	return problem(http.StatusForbidden, "forbidden", "Your role does not allow this.")
}

func signInFirst() *Problem {
	return problem(http.StatusUnauthorized, "sign-in", "Sign in first: POST /api/v1/login.")
}

func unavailable(detail string) *Problem {
	return problem(http.StatusServiceUnavailable, "unavailable", detail).after(5 * time.Second)
}

// problemOf maps the errors of the house to answers. What is not known is a
// fault of ours, about which the other side learns nothing.
func problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	switch {
	case errors.Is(err, identity.ErrLogin):
		return problem(http.StatusUnauthorized, "login", "The name or the password is wrong.")
	case errors.Is(err, identity.ErrLocked):
		return problem(http.StatusTooManyRequests, "locked", "Too many failures: wait a quarter of an hour.").after(15 * time.Minute)
	case errors.Is(err, identity.ErrBusy):
		return problem(http.StatusServiceUnavailable, "busy", "Too many sign-ins at once: try again in a moment.").after(2 * time.Second)
	case errors.Is(err, identity.ErrNoSignIn):
		return signInFirst()
	case errors.Is(err, recordings.ErrNotFound):
		return notFound()
	case errors.Is(err, recordings.ErrDamaged):
		return problem(http.StatusInternalServerError, "damaged", "The record or the recording is not what was written; ivrd verify names what is not.")
	}
	return problem(http.StatusInternalServerError, "internal", "Something went wrong here; it was logged.")
}

func (p *Problem) write(w http.ResponseWriter) {
	h := w.Header()
	for _, name := range []string{"Content-Length", "Accept-Ranges", "Etag", "Last-Modified"} {
		h.Del(name)
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int(p.retry.Seconds())))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="ivrd"`)
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the reader may have gone
}

// answer writes a JSON body.
func answer(w http.ResponseWriter, status int, body any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the reader may have gone
	return nil
}
