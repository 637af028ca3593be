package call

import (
	"context"
	"errors"
	"time"

	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/routing"
	"github.com/ivrd/ivrd/sip"
)

// Queues is where callers wait for agents; *routing.Dispatcher is one.
type Queues interface {
	Enter(context.Context, routing.Request) (*routing.Place, error)
}

// queued is the actor's part of a caller who waits in a queue: it plays music
// and news, rings, bridges. What must wait for the store or for a dialog is
// done by the flow's goroutine, see wait.
type queued struct {
	talk

	ticket routing.Ticket
	news   media.PlayID
	// legs takes answer and end of the agents' legs, in order. An agent's leg has
	// one of each, and one leg at a time is rung.
	legs chan legEvent
	// released says that a supervisor has taken the agent's place.
	released chan struct{}
}

// legEvent is an event of one of the legs that a caller's wait has seen.
type legEvent struct {
	leg leg.Leg
	leg.Event
}

// legEvents is the room of queued.legs: the flow's goroutine may be slow, the
// actor must not be.
const legEvents = 16

// replace implements takeover: the agent is free to wrap up.
func (q *queued) replace(m *monitor) leg.Leg {
	select {
	case q.released <- struct{}{}:
	default: // a supervisor was taken over from
	}
	return q.talk.replace(m)
}

func (q *queued) begin(c *Call) {
	c.typed = nil
	q.since = time.Now()
	c.visit.Update(func(r *recordings.Call) {
		r.Queue, r.Priority = q.ticket.Queue, &q.ticket.Score
		if q.ticket.Language != "" { // the agent who is offered the call should know
			r.Language = q.ticket.Language
		}
	})
	q.playHold(c)
}

func (q *queued) other(c *Call, ev leg.Event) {
	switch ev.Kind {
	case leg.Held, leg.Resumed:
		q.phoneHold(c, ev.Kind == leg.Held)
	case leg.Answered, leg.Ended:
		if ev.Kind == leg.Ended && q.partner() != nil {
			if vanished(q.leg, ev.Reason) {
				q.detach(c)
				return
			}
			q.part(c)
		}
		q.tellFlow(c, ev)
	}
}

// tellFlow gives an event of the agent's leg to the flow's goroutine.
func (q *queued) tellFlow(c *Call, ev leg.Event) {
	select {
	case q.legs <- legEvent{q.leg, ev}:
	default: // the flow's goroutine hangs; the deadline of the offer is the way out
		c.log.Error("event of an agent's leg is lost", "leg_id", q.leg.ID())
	}
}

// tell interrupts the music with news.
func (q *queued) tell(c *Call, prompts []ivr.Prompt, sound []*media.Prompt) {
	if q.partner() == nil {
		q.news = c.caller.Stream().Play(media.Play{Prompts: sound})
		c.scribe.prompted(c.session.Now(), prompts)
	}
}

func (q *queued) played(c *Call, id media.PlayID) {
	if id == q.news && q.partner() == nil {
		c.scribe.hushed(c.session.Now())
		q.playHold(c)
	}
}

// leave ends the wait without an answer.
func (q *queued) leave(c *Call) {
	c.caller.Stream().Stop()
	c.scribe.hushed(c.session.Now())
	q.waited(c)
	c.showMenu()
	c.done()
}

// waited enters the time in the record of a caller whom nobody answered.
func (q *queued) waited(c *Call) {
	spent := time.Since(q.since)
	c.visit.Update(func(r *recordings.Call) { r.WaitMS += spent.Milliseconds() })
}

func (q *queued) abandon(c *Call) {
	if q.talked.IsZero() {
		q.waited(c)
		return
	}
	q.account(c)
}

func (q *queued) key(*Call, byte) {}

// expired gives up on an agent whose page does not come back: the caller waits
// again, at the place that their priority gives them.
func (q *queued) expired(c *Call) {
	if !q.detached {
		return
	}
	c.log.Warn("agent's page did not come back", "leg_id", q.leg.ID())
	q.detached, q.leaving = false, true
	c.fetching++
	q.part(c)
	select {
	case q.transfers <- &transfer{to: Destination{Queue: q.ticket.Queue}, result: make(chan error, 1)}:
	default: // the agent has asked for another just before
	}
	q.tellFlow(c, leg.Event{Kind: leg.Ended, Reason: leg.Unreachable})
}

// wait is the flow's part of a caller in a queue.
type wait struct {
	visitor

	ask     ivr.Enqueue
	place   *routing.Place
	queued  *queued
	offer   *routing.Offer // the agent who rings
	leg     leg.Leg        // theirs
	talking bool
}

// leaveTime bounds what a caller who goes away asks of the queues' store.
const leaveTime = 5 * time.Second

// Enqueue implements ivr.Caller.
func (v visitor) Enqueue(ctx context.Context, e ivr.Enqueue) (ivr.EnqueueResult, error) {
	hold, err := v.hold(ctx, e.Hold)
	if err != nil {
		return "", err
	}
	w, err := v.enter(ctx, e, hold)
	if err != nil {
		v.c.log.Error("enter queue", "err", err)
		return ivr.EnqueueFailed, nil
	}
	end, err := v.follow(ctx, w)
	return enqueued(end), err
}

// enter takes a place in a queue, of which the caller knows nothing yet.
func (v visitor) enter(ctx context.Context, e ivr.Enqueue, hold []*media.Prompt) (*wait, error) {
	place, err := v.c.con.deps.Queues.Enter(ctx, routing.Request{
		ID: v.c.id, Queue: e.Queue, Value: e.Value, Difficulty: e.Difficulty, Emotion: v.c.scribe.haste(), Skills: e.Skills, Language: e.Language,
		Parts: parts(e.Terms),
	})
	if err != nil {
		return nil, err
	}
	return &wait{visitor: v, ask: e, place: place, queued: &queued{
		talk: newTalk(Talking, hold), ticket: place.Ticket(), legs: make(chan legEvent, legEvents), released: make(chan struct{}, 1),
	}}, nil
}

// parts are what the difficulty of a caller's problem is made of.
func parts(terms []ivr.Term) []routing.Part {
	var out []routing.Part
	for _, t := range terms {
		out = append(out, routing.Part(t))
	}
	return out
}

func (w *wait) activity() activity { return w.queued }

// leave gives the place up, however the wait has ended.
func (w *wait) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
	defer cancel()
	if err := errors.Join(w.place.Leave(ctx), w.place.Done(ctx)); err != nil {
		w.c.log.Error("leave queue", "err", err)
	}
}

// run is the one place where a caller in a queue waits: every way it can end is
// here.
func (w *wait) run(ctx context.Context) (ivr.ConnectResult, stretch, error) {
	defer w.leave(ctx)
	defer w.queued.deny()
	w.c.showWait(w.place, nil)
	timeout := time.NewTimer(w.ask.Timeout)
	defer timeout.Stop()
	news, stop := every(w.ask.Every)
	defer stop()
	for {
		var err error
		select {
		case <-w.place.Changed():
			err = w.look(ctx)
		case ev := <-w.queued.legs:
			if !w.talking || ev.Kind != leg.Ended {
				err = w.heard(ctx, ev)
				break
			}
			if next := w.depart(ctx, w.queued.asked(), &w.queued.talk, w.ask); next != nil {
				return "", next, nil
			}
			return ivr.ConnectEnded, nil, w.c.post(w.c.done)
		case t := <-w.queued.transfers:
			if next := w.depart(ctx, t, &w.queued.talk, w.ask); next != nil {
				return "", next, nil
			}
		case <-w.queued.released:
			err = w.place.Done(ctx)
		case <-news:
			err = w.tell(ctx)
		case <-timeout.C:
			if w.talking {
				continue
			}
			w.drop()
			return ivr.ConnectNoAnswer, nil, w.c.post(func() { w.queued.leave(w.c) })
		case <-ctx.Done():
			return "", nil, context.Cause(ctx)
		case <-w.c.ended:
			return "", nil, ivr.ErrHangup
		}
		if err != nil {
			return "", nil, err
		}
	}
}

// every ticks; never with 0.
func every(d time.Duration) (<-chan time.Time, func()) {
	if d == 0 {
		return nil, func() {}
	}
	t := time.NewTicker(d)
	return t.C, t.Stop
}

// look follows the place: an offer that is over stops ringing, a new one rings.
func (w *wait) look(ctx context.Context) error {
	if w.talking {
		return nil
	}
	offer := w.place.Status().Offer
	w.c.showWait(w.place, offer)
	if w.offer != nil && offer != nil && offer.Token == w.offer.Token {
		return nil
	}
	w.drop()
	if offer == nil {
		return nil
	}
	l, err := w.dial(ctx, w.request(sip.DialRequest{User: offer.Agent, Timeout: time.Until(offer.Deadline) + leaveTime}, ""))
	if err != nil {
		w.c.log.Info("agent cannot be rung", "err", err)
		return w.failed(ctx, *offer, leg.Unreachable)
	}
	w.offer, w.leg = offer, l
	if err := w.c.post(func() { w.queued.ring(w.c, l) }); err != nil {
		l.End(w.c.farewell())
		return err
	}
	return nil
}

// drop stops ringing, or hangs up on an agent who answered too late.
func (w *wait) drop() {
	if w.leg != nil {
		w.leg.End(leg.Withdrawn)
	}
	w.offer, w.leg = nil, nil
}

// heard follows an agent's leg.
func (w *wait) heard(ctx context.Context, ev legEvent) error {
	if ev.leg != w.leg || w.leg == nil {
		return nil // of an offer that is over
	}
	offer := *w.offer
	if ev.Kind == leg.Ended {
		w.offer, w.leg = nil, nil
		w.c.showWait(w.place, nil)
		return w.failed(ctx, offer, ev.Reason)
	}
	err := w.place.Accept(ctx, offer)
	switch {
	case errors.Is(err, routing.ErrStale):
		w.drop()
		w.c.showWait(w.place, nil)
		return nil
	case err != nil:
		w.drop()
		return err
	}
	w.talking = true
	return w.c.post(func() { w.queued.answered(w.c, offer.Agent) })
}

// failed gives an offer back, with why the agent did not take it.
func (w *wait) failed(ctx context.Context, o routing.Offer, r leg.EndReason) error {
	reason := routing.ReasonUnreachable
	switch r.Slug {
	case leg.Busy.Slug:
		reason = routing.ReasonBusy
	case leg.Refused.Slug:
		reason = routing.ReasonDeclined
	case leg.NoAnswer.Slug:
		reason = routing.ReasonNoAnswer
	}
	return w.place.Fail(ctx, o, reason)
}

// tell says where the caller stands, unless somebody is about to answer.
func (w *wait) tell(ctx context.Context) error {
	if w.talking || w.offer != nil {
		return nil
	}
	s := w.place.Status()
	if s.Position == 0 { // the dispatcher has not said yet
		return nil
	}
	prompts, err := w.ask.News(s.Position, s.Wait)
	if err != nil {
		return err
	}
	sound, err := w.sound(ctx, prompts)
	if err != nil {
		return err
	}
	return w.c.post(func() { w.queued.tell(w.c, prompts, sound) })
}
