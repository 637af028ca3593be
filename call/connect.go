package call

import (
	"time"

	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// connect is one party being rung and talked to.
type connect struct {
	talk
	ivr.Connect

	party  leg.Leg
	name   string // as whom the record has the party: a person, a number, or "" for whom it has already
	result chan ivr.ConnectResult
}

func (n *connect) begin(c *Call) {
	c.typed = nil
	n.since = time.Now()
	n.ring(c, n.party)
	n.playHold(c)
}

func (n *connect) other(c *Call, ev leg.Event) {
	switch ev.Kind {
	case leg.EarlyMedia: // the far end's own ringing tone or announcement
		c.join(n.leg)
	case leg.Answered:
		n.answered(c, n.name)
	case leg.Held, leg.Resumed:
		n.phoneHold(c, ev.Kind == leg.Held)
	case leg.Ended:
		if n.partner() != nil && n.agent != "" && vanished(n.leg, ev.Reason) {
			n.detach(c)
			return
		}
		n.end(c, ev.Reason)
	}
}

func (n *connect) end(c *Call, r leg.EndReason) {
	n.part(c)
	n.result <- n.outcome(r)
	c.done()
}

func (n *connect) outcome(r leg.EndReason) ivr.ConnectResult {
	switch {
	case !n.talked.IsZero():
		return ivr.ConnectEnded
	case r.Slug == leg.Busy.Slug, r.Slug == leg.Refused.Slug:
		return ivr.ConnectBusy
	case r.Slug == leg.NoAnswer.Slug, r.Slug == leg.Withdrawn.Slug:
		return ivr.ConnectNoAnswer
	default:
		return ivr.ConnectFailed
	}
}

func (n *connect) abandon(c *Call)            { n.account(c) }
func (n *connect) key(*Call, byte)            {}
func (n *connect) played(*Call, media.PlayID) {}

// expired gives up on somebody whose page does not come back.
func (n *connect) expired(c *Call) {
	if n.detached {
		n.detached = false
		c.fetching++
		n.end(c, leg.Unreachable)
	}
}
