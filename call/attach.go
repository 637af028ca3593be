package call

import (
	"context"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/sip"
)

const (
	// awayLimit is how long the caller hears music for an agent whose page has
	// gone; then somebody else is looked for.
	awayLimit = 30 * time.Second
	// attachRing is how long a page has to take its call back: it answers by
	// itself, or is not there.
	attachRing = 5 * time.Second
	// attachAgain is the pause between two tries to reach a page that is
	// registered and does not answer.
	attachAgain = time.Second
)

// isPage reports whether a leg is a page: it can vanish and come back, its
// person meant neither.
func isPage(l leg.Leg) bool {
	t := l.Info().Transport
	return t == "ws" || t == "wss"
}

// vanished reports whether a page has gone without a word of its person.
func vanished(l leg.Leg, r leg.EndReason) bool {
	switch r.Slug {
	case leg.ConnLost.Slug, leg.NoMedia.Slug, leg.MediaFailed.Slug, leg.Unreachable.Slug, leg.SessionExpiry.Slug:
		return isPage(l)
	}
	return false
}

// failed is why a browser's leg ends whose media has failed.
func failed(f media.Failure) leg.EndReason {
	if f == media.FailedFingerprint {
		return leg.BadFingerprint
	}
	return leg.MediaFailed
}

// detach keeps the caller with music while the agent's page is away. What
// follows is attached, or the end of the wait.
func (n *talk) detach(c *Call) {
	c.caller.Stream().Stop()
	c.part()
	n.detached, n.music = true, true
	n.playHold(c)
	c.after(awayLimit)
	c.show(func(s *Status) { s.State, s.Detached = Away, true })
	c.log.Info("agent's page has gone", "leg_id", n.leg.ID())
	c.fetch(n, "")
}

// Returned lets the calls come back whose agent's page has come back. It does
// not wait.
func (c *Conductor) Returned(user string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, call := range c.calls {
		go func() {
			_ = call.post(func() { // the call may be over
				if t, err := call.talkOf(user); err == nil && t.detached {
					call.fetch(t, "")
				}
			})
		}()
	}
}

// Attach brings a live call to another page of its agent: the one with the
// given phone, or that which came last. The leg that was the agent's is hung up
// when the page has answered. It fails with ErrNoCall, ErrNoTalk, ErrNotYours, and
// ErrNoPhone when nobody can be rung.
func (c *Conductor) Attach(_ context.Context, id, who, phone string) error {
	call := c.live(id)
	if call == nil {
		return ErrNoCall
	}
	if !c.deps.Dialer.Registered(who) {
		return ErrNoPhone
	}
	return call.ask(func() error {
		t, err := call.talkOf(who)
		if err == nil {
			call.fetch(t, phone)
		}
		return err
	})
}

// fetch rings a page of the agent, which answers by itself. A new try replaces
// one that is under way.
func (c *Call) fetch(n *talk, phone string) {
	who := n.agent
	if !c.con.deps.Dialer.Registered(who) {
		return // Returned comes when it is
	}
	c.fetching++
	try := c.fetching
	if c.arriving != nil {
		c.arriving.End(leg.Withdrawn)
		c.arriving = nil
	}
	request := visitor{c}.request(sip.DialRequest{
		User: who, Timeout: attachRing, Page: sip.Page{Auto: true, Phone: phone},
	}, "")
	go func() {
		l, err := c.con.deps.Dialer.Dial(context.Background(), c.session, request)
		if err != nil {
			time.AfterFunc(attachAgain, func() { _ = c.post(func() { c.refetch(n, try) }) })
			return
		}
		c.await(n, l, try)
	}()
}

// await follows a page's leg until it has answered or ended.
func (c *Call) await(n *talk, l leg.Leg, try int) {
	if c.post(func() { c.expect(l, try) }) != nil {
		l.End(c.farewell())
		return
	}
	for ev := range l.Events() {
		switch ev.Kind {
		case leg.Answered:
			if c.post(func() { c.attached(n, l, try) }) != nil {
				l.End(c.farewell())
			}
			return
		case leg.Ended:
			time.AfterFunc(attachAgain, func() { _ = c.post(func() { c.refetch(n, try) }) })
			return
		}
	}
}

// expect remembers the leg that rings, for the end of the call.
func (c *Call) expect(l leg.Leg, try int) {
	if try != c.fetching {
		l.End(leg.Withdrawn)
		return
	}
	c.arriving = l
}

// refetch tries again while the page is missed.
func (c *Call) refetch(n *talk, try int) {
	if try == c.fetching && n.detached {
		c.fetch(n, "")
	}
}

// attached puts the page's new leg in the place of the old.
func (c *Call) attached(n *talk, l leg.Leg, try int) {
	if try != c.fetching || c.talk() != n || n.over {
		l.End(leg.Withdrawn)
		return
	}
	c.arriving = nil
	old := n.leg
	n.leg, n.away, n.music = l, false, false
	c.enlist(l, recordings.PartyAgent, n.agent)
	c.other, c.otherEvents, c.line = l, l.Events(), l.Stream().Events()
	if !n.detached {
		old.End(leg.Moved)
	}
	n.detached = false
	c.timer.Stop()
	state := n.kind
	c.show(func(s *Status) { s.State, s.Detached = state, false })
	c.log.Info("agent's page is back", "leg_id", l.ID())
	n.settle(c)
}
