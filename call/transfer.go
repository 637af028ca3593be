package call

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/routing"
	"github.com/ivrd/ivrd/sip"
)

// Destination is where an agent sends a caller. Exactly one of Queue and Number
// is set.
type Destination struct {
	Queue  string
	Number string // through the outbound rules
}

// ErrNoQueue is given for a queue that is not there.
var ErrNoQueue = errors.New("no such queue")

// RefusedError is a number that cannot be called, with the reason in the words
// of a leg's end: leg.Forbidden where no rule allows it.
type RefusedError struct{ Reason leg.EndReason }

func (e *RefusedError) Error() string { return "the number cannot be called: " + e.Reason.Slug }

// Transfer sends the caller of a live call elsewhere, blindly, from the talk or
// from hold: the agent's leg ends with leg.Transferred, and the caller hears
// what they heard while waiting until somebody answers. The flow waits for the
// talk that follows as it would have for this one.
//
// The destination is had first: with ErrNoQueue or a *RefusedError the talk goes
// on as if nothing had been asked. Other errors are ErrNoCall, ErrNoTalk (also
// while a transfer is under way) and ErrNotYours.
func (c *Conductor) Transfer(ctx context.Context, id, who string, to Destination) error {
	call := c.live(id)
	if call == nil {
		return ErrNoCall
	}
	t := &transfer{by: who, to: to, result: make(chan error, 1)}
	if err := call.ask(func() error { return call.request(t) }); err != nil {
		return err
	}
	select {
	case err := <-t.result:
		return err
	case <-call.ended:
		return ErrNoCall
	case <-ctx.Done():
		return ctx.Err()
	}
}

// transfer is what an agent asks for.
//
//	request (actor) ──► depart (flow: has the place, or dials) ──► hand (actor)
type transfer struct {
	by     string
	to     Destination
	result chan error
}

// request gives a transfer to the flow's goroutine, which may wait for the
// queues' store.
func (c *Call) request(t *transfer) error {
	from, err := c.talkOf(t.by)
	if err != nil {
		return err
	}
	from.leaving = true
	from.transfers <- t // it has room: one is under way at a time
	return nil
}

// asked is a transfer that was asked for just before the agent hung up; nil:
// none. The agent's word holds.
func (n *talk) asked() *transfer {
	select {
	case t := <-n.transfers:
		return t
	default:
		return nil
	}
}

// deny answers whoever is not heard any more.
func (n *talk) deny() {
	if t := n.asked(); t != nil {
		t.result <- ErrNoTalk
	}
}

// depart carries out a transfer and returns where the caller goes on; nil: the
// talk goes on, or ends, as if nothing had been asked.
func (v visitor) depart(ctx context.Context, t *transfer, from *talk, ask ivr.Enqueue) stretch {
	if t == nil {
		return nil
	}
	next, err := v.destination(ctx, t, from.hold, ask)
	if err == nil {
		if err = v.c.ask(func() error { return v.c.hand(t, from, next) }); err != nil {
			next.leave(ctx)
		}
	}
	if err != nil {
		v.c.log.Info("transfer refused", "err", err)
		_ = v.c.post(func() { from.leaving = false }) // the call may be over
		next = nil
	}
	t.result <- err
	return next
}

// destination takes the place in the queue, or dials the number.
func (v visitor) destination(ctx context.Context, t *transfer, hold []*media.Prompt, ask ivr.Enqueue) (stretch, error) {
	if t.to.Queue == "" {
		return v.dialOn(ctx, t, hold, ask)
	}
	ask.Queue, ask.Skills = t.to.Queue, nil
	w, err := v.enter(ctx, ask, hold)
	switch {
	case errors.Is(err, routing.ErrNotFound):
		return nil, ErrNoQueue
	case err != nil:
		return nil, err
	}
	return w, nil
}

// transferRing is how long a number rings that a caller is sent to.
const transferRing = 45 * time.Second

// dialOn calls a number on behalf of the agent who asks for it: the caps that
// keep one person from calling out without end are theirs.
func (v visitor) dialOn(ctx context.Context, t *transfer, hold []*media.Prompt, ask ivr.Enqueue) (stretch, error) {
	if !isNumber(t.to.Number) {
		return nil, &RefusedError{leg.Forbidden}
	}
	r := ivr.Connect{Target: t.to.Number, Timeout: transferRing}
	request := v.request(sip.DialRequest{Number: r.Target, Timeout: r.Timeout}, "")
	request.FromUser = t.by
	l, err := v.dial(ctx, request)
	if err != nil {
		return nil, &RefusedError{sip.AsReason(err)}
	}
	return &dialled{visitor: v, ask: ask, connect: &connect{
		talk: newTalk(Connected, hold), Connect: r, party: l, result: make(chan ivr.ConnectResult, 1),
	}}, nil
}

// hand lets the agent go and begins what comes next. It fails when somebody has
// taken the agent's place meanwhile.
func (c *Call) hand(t *transfer, from *talk, next stretch) error {
	if !from.over {
		if from.agent != t.by {
			return fmt.Errorf("transfer: %w", ErrNotYours)
		}
		from.leg.End(leg.Transferred)
		from.part(c)
		c.other, c.otherEvents, c.line, c.taken = nil, nil, nil, false
	}
	at := c.session.Now().Duration().Milliseconds()
	c.visit.Update(func(r *recordings.Call) {
		r.Transfers = append(r.Transfers, recordings.Transfer{AtMS: at, By: t.by, Queue: t.to.Queue, Number: t.to.Number})
	})
	c.log.Info("caller transferred", "queue", t.to.Queue, "number", t.to.Number != "")
	c.begin(next.activity())
	return nil
}
