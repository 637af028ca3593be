package routing

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Place is a caller's place in a queue, as the call sees it.
//
//	waiting ──offer──► ringing ──Accept──► talking ──Done──► (agent wraps up)
//	   ▲                  │ deadline, Fail
//	   └──────────────────┘
//	waiting, ringing ──Leave──► gone
type Place struct {
	d       *Dispatcher
	queue   *queue
	ticket  Ticket
	changed chan struct{}

	mu      sync.Mutex
	status  Status
	agent   string // whom Accept has taken
	token   uint64
	talking time.Time
	over    bool
}

// Status of a place. It is the latest, not a history: who was slow to look has
// missed nothing that still holds.
type Status struct {
	// Position counts from 1.
	Position int
	// Wait is the expected wait; 0 when nobody is there to tell by.
	Wait time.Duration
	// Offer stands until its deadline; nil while none does.
	Offer *Offer
}

// Changed tells that Status has.
func (p *Place) Changed() <-chan struct{} { return p.changed }

// Status is the latest.
func (p *Place) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// Ticket is what waits here.
func (p *Place) Ticket() Ticket { return p.ticket }

func (p *Place) set(s Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if same(p.status, s) || p.over {
		return
	}
	p.status = s
	select {
	case p.changed <- struct{}{}:
	default: // it was not looked at since the last change
	}
}

func same(a, b Status) bool {
	if a.Position != b.Position || a.Wait != b.Wait || (a.Offer == nil) != (b.Offer == nil) {
		return false
	}
	return a.Offer == nil || a.Offer.Token == b.Offer.Token
}

// Accept is called when the agent has answered. ErrStale means that the offer's
// time was over: the agent must be hung up on, the caller waits on.
func (p *Place) Accept(ctx context.Context, o Offer) error {
	now := p.d.cfg.Now()
	if err := p.d.store.Accept(ctx, o.Agent, o.Token, now); err != nil {
		return err
	}
	p.mu.Lock()
	p.agent, p.token, p.talking, p.over = o.Agent, o.Token, now, true
	p.status.Offer = nil
	p.mu.Unlock()
	p.d.forget(p.ticket.ID)
	late := p.late(now)
	p.queue.count(func(c *Counts) {
		if c.Answered++; late {
			c.Late++
		} else {
			c.InTime++
		}
	})
	p.d.kick()
	return nil
}

// late reports whether the caller has waited longer than the queue promises.
func (p *Place) late(now time.Time) bool {
	return p.queue.Target > 0 && now.Sub(p.ticket.At) > p.queue.Target
}

// Fail gives an offer back: the agent did not take it, for a reason such as
// ReasonBusy, and is away; the caller keeps their place.
func (p *Place) Fail(ctx context.Context, o Offer, reason string) error {
	defer p.d.kick()
	a, err := p.d.agent(ctx, o.Agent)
	if err != nil {
		return err
	}
	return fresh(p.d.store.Release(ctx, o.Agent, o.Token, Reserved, missed(a, reason, p.d.cfg.Now())))
}

// Leave takes the caller out of the queue: they hung up, or waited too long. An
// agent who rings is free again. After Accept it does nothing.
func (p *Place) Leave(ctx context.Context) error {
	p.mu.Lock()
	over := p.over
	p.over = true
	p.mu.Unlock()
	if over {
		return nil
	}
	defer p.d.kick()
	p.d.forget(p.ticket.ID)
	late := p.late(p.d.cfg.Now())
	p.queue.count(func(c *Counts) {
		if c.Abandoned++; late {
			c.Late++
		}
	})
	return p.d.store.Dequeue(ctx, p.ticket.ID) // the dispatcher frees who rings
}

// Done ends the talk that Accept began: the agent wraps up.
func (p *Place) Done(ctx context.Context) error {
	p.mu.Lock()
	agent, token, since := p.agent, p.token, p.talking
	p.token = 0
	p.mu.Unlock()
	if token == 0 {
		return nil
	}
	defer p.d.kick()
	now := p.d.cfg.Now()
	p.queue.handled(now.Sub(since) + p.queue.WrapUp)
	c := Change{State: WrapUp, At: now, Until: now.Add(p.queue.WrapUp), Rested: true, Keep: true}
	if p.queue.WrapUp == 0 {
		a, err := p.d.agent(ctx, agent)
		if err != nil {
			return err
		}
		c = after(a, now)
		c.Rested = true
	}
	return fresh(p.d.store.Release(ctx, agent, token, Talking, c))
}

// fresh hides that a deadline was faster: what was wanted has happened.
func fresh(err error) error {
	if errors.Is(err, ErrStale) {
		return nil
	}
	return err
}
