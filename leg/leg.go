// Package leg defines what a party of a call is to the rest of the house:
// types only. A Leg may be a telephone behind a trunk, a SIP phone, later a
// browser; its signalling lives in sip, its sound in media.
package leg

import (
	"context"
	"net/netip"

	"github.com/ivrd/ivrd/media"
)

// Leg is one party's attachment to a call.
//
// Lifetimes: a Leg ends exactly once. After its Ended event Events is closed,
// its stream is closed, and every method is harmless.
type Leg interface {
	// ID is unique in the process and holds no personal data.
	ID() string
	// Info says who and what the party is.
	Info() Info
	// Events delivers what happens to the leg, in order; the last is Ended,
	// then it is closed. It never blocks the signalling: up to 64 events wait.
	Events() <-chan Event
	// Ring tells an incoming caller that the call is being worked on: 180, or
	// with early 183 and SDP, after which prompts are heard before the answer.
	Ring(early bool) error
	// Answer accepts an incoming call (200) and returns when the answer was
	// sent. A missing ACK ends the leg later, with NoAck. It fails when the leg
	// has ended before; then Ended is among the events already.
	Answer(ctx context.Context) error
	// End rejects, cancels or hangs up, as the state asks. It does not wait,
	// and only the first reason counts.
	End(EndReason)
	// Stream is the leg's sound. It exists from the first moment.
	Stream() media.Stream
}

// Direction of a leg as seen by ivrd.
type Direction uint8

// Directions of a leg.
const (
	Incoming Direction = iota + 1
	Outgoing
)

// Info describes a party. Numbers in it are personal data: mask them before
// they are shown or logged.
type Info struct {
	Direction Direction
	// From and To are the user parts (a number in E.164 or a name), not URIs.
	From, To string
	// DisplayName is what the peer calls itself; never trusted.
	DisplayName string
	// Trunk is the configured trunk that the call came by or goes out by; empty
	// for registered phones.
	Trunk string
	// Trusted says that From was asserted by a trusted trunk.
	Trusted bool
	// User is the registered user behind the leg, proved by digest; or empty.
	User string
	// Transport is udp, tcp, tls or ws, Source where the signalling comes from.
	Transport string
	Source    netip.AddrPort
	// CallID is the SIP Call-ID, for the operator's traces.
	CallID string
}

// EventKind tells events apart.
type EventKind uint8

// The events of a leg.
const (
	// Ringing: an outgoing leg's phone rings (180).
	Ringing EventKind = iota + 1
	// EarlyMedia: an outgoing leg sends sound before the answer (183 with SDP).
	EarlyMedia
	// Answered: the leg is up in both directions (outgoing: 200 came; incoming:
	// the ACK came).
	Answered
	// Held and Resumed: the party has put us on hold, or has come back.
	Held
	Resumed
	// Ended is last; Reason says why.
	Ended
)

// Event is something that happened to a leg.
type Event struct {
	Kind   EventKind
	Reason EndReason // Ended only
}
