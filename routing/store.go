package routing

import (
	"context"
	"time"
)

// Store keeps tickets and agents. Each method is atomic; what it returns is a
// copy. Its conformance suite is routing/storetest.
type Store interface {
	TicketStore
	AgentStore
	OfferStore
}

// TicketStore keeps who waits.
type TicketStore interface {
	// Enqueue adds a ticket and draws its Seq; ErrExists when the ID is there.
	Enqueue(ctx context.Context, t Ticket) error
	// Dequeue removes a ticket, whether it waits or is offered; the offer is
	// stale from then on. ErrNotFound when it is not there.
	Dequeue(ctx context.Context, id string) error
	// Waiting lists the tickets of a queue, those that are offered too, in the
	// order of SortTickets. An empty name lists all queues.
	Waiting(ctx context.Context, queue string) ([]Ticket, error)
}

// AgentStore keeps who takes calls.
type AgentStore interface {
	// PutAgent adds an agent or replaces what is said of one: queues, skills and
	// languages. The state of one who is there stays; a new one is offline.
	PutAgent(ctx context.Context, a Agent) error
	// Agents lists all, by name.
	Agents(ctx context.Context) ([]Agent, error)
	// SetState changes the state of an agent who is in one of the states from;
	// ErrBusy when in another.
	SetState(ctx context.Context, agent string, from []State, c Change) error
}

// OfferStore joins the two.
type OfferStore interface {
	// Reserve offers a ticket that waits to an agent who is ready: both or
	// nothing. ErrTaken when one is not free, ErrNotFound when not there.
	Reserve(ctx context.Context, ticket, agent string, at, deadline time.Time) (Offer, error)
	// Release ends the reservation or call of a token: the agent gets a new
	// state, the ticket (if it is still there) waits again at its place.
	// ErrStale when the token is not the agent's any more, or the agent not in
	// the state from (Reserved or Talking).
	Release(ctx context.Context, agent string, token uint64, from State, c Change) error
	// Accept makes the reservation a call: the agent talks, the ticket is gone
	// from its queue. ErrStale as in Release, or when the ticket is gone.
	Accept(ctx context.Context, agent string, token uint64, at time.Time) error
}

// Change is a new state of an agent.
type Change struct {
	State  State
	Reason string
	At     time.Time
	Until  time.Time // zero: for ever
	// Rested counts the idle time from At; else it goes on.
	Rested bool
	// Then replaces what was asked for; with Keep it stays.
	Then       State
	ThenReason string
	Keep       bool
}
