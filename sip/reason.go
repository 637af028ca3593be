package sip

import (
	"errors"
	"fmt"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// Error is a failure with the reason that a leg ends by.
type Error struct {
	Reason leg.EndReason
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("%v (%s)", e.Err, e.Reason.Slug) }

func (e *Error) Unwrap() error { return e.Err }

// AsReason tells what an error of this package means for a call; anything
// else is leg.Internal.
func AsReason(err error) leg.EndReason {
	var e *Error
	switch {
	case err == nil:
		return leg.EndReason{}
	case errors.As(err, &e):
		return e.Reason
	case errors.Is(err, media.ErrNoPorts):
		return leg.NoPorts
	default:
		return leg.Internal
	}
}

func failure(r leg.EndReason, format string, args ...any) error {
	return &Error{Reason: r, Err: fmt.Errorf(format, args...)}
}

// status is how a refusal is said on the wire.
type status struct {
	code   int
	phrase string
}

// statusOf maps the reasons that we refuse an incoming call by.
func statusOf(r leg.EndReason) status {
	switch r.Slug {
	case leg.NoCapacity.Slug, leg.NoStorage.Slug, leg.Shutdown.Slug, leg.NoPorts.Slug:
		return status{503, "Service Unavailable"}
	case leg.UnknownNumber.Slug:
		return status{404, "Not Found"}
	case leg.UnknownSource.Slug, leg.Forbidden.Slug:
		return status{403, "Forbidden"}
	case leg.NoCodec.Slug:
		return status{488, "Not Acceptable Here"}
	case leg.BadRequest.Slug:
		return status{400, "Bad Request"}
	case leg.Busy.Slug:
		return status{486, "Busy Here"}
	case leg.CallerCancel.Slug:
		return status{487, "Request Terminated"}
	case leg.NoAnswer.Slug, leg.Unreachable.Slug, leg.Withdrawn.Slug:
		return status{480, "Temporarily Unavailable"}
	case leg.Refused.Slug, leg.AgentHangup.Slug, leg.FlowHangup.Slug, leg.CallerHangup.Slug:
		return status{603, "Decline"}
	case leg.NoAck.Slug:
		return status{504, "Server Time-out"} // a reliable provisional that nobody acknowledged
	default:
		return status{500, "Server Internal Error"}
	}
}

// retryAfter reports whether a refusal asks to come back later.
func retryAfter(code int) bool { return code == 503 }

// reasonOf maps the status that a peer refuses our call with.
func reasonOf(code int) leg.EndReason {
	r := leg.Refused
	switch code {
	case 486, 600, 603:
		r = leg.Busy
	case 408, 487:
		r = leg.NoAnswer
	case 480, 404, 410, 500, 502, 503, 504:
		r = leg.Unreachable
	case 488, 606, 415:
		r = leg.NoCodec
	}
	r.Status = code
	return r
}
