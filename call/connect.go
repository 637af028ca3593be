package call

import (
	"time"

	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
)

// connect is another party being rung and then talked to.
type connect struct {
	ivr.Connect
	leg    leg.Leg
	hold   []*media.Prompt // what the caller hears meanwhile
	result chan ivr.ConnectResult

	rang   time.Time
	talked time.Time // zero until answered
}

func (n *connect) begin(c *Call) {
	c.typed = nil
	c.other, c.line = n.leg, n.leg.Stream().Events()
	c.log.Info("ringing another party", "leg_id", n.leg.ID())
	n.rang = time.Now()
	n.playHold(c)
}

func (n *connect) playHold(c *Call) {
	c.caller.Stream().Play(media.Play{Prompts: n.hold, Loop: true})
}

func (n *connect) other(c *Call, ev leg.Event) {
	switch ev.Kind {
	case leg.EarlyMedia: // the far end's own ringing tone or announcement
		n.bridge(c)
	case leg.Answered:
		n.answered(c)
	case leg.Held:
		c.session.Unbridge(c.caller.Stream())
		n.playHold(c)
	case leg.Resumed:
		n.bridge(c)
	case leg.Ended:
		n.end(c, ev.Reason)
	}
}

func (n *connect) answered(c *Call) {
	n.talked = time.Now()
	wait := n.talked.Sub(n.rang)
	c.visit.Update(func(r *recordings.Call) {
		r.Agent = n.Target
		r.WaitMS += wait.Milliseconds()
	})
	n.bridge(c)
}

func (n *connect) bridge(c *Call) {
	c.caller.Stream().Stop()
	if _, err := c.session.Bridge(c.caller.Stream(), n.leg.Stream()); err != nil {
		c.log.Error("bridge legs", "err", err)
		n.leg.End(leg.Internal)
	}
}

func (n *connect) end(c *Call, r leg.EndReason) {
	c.caller.Stream().Stop()
	c.session.Unbridge(c.caller.Stream())
	n.account(c)
	n.result <- n.outcome(r)
	c.done()
}

// account adds the talk to the record.
func (n *connect) account(c *Call) {
	if n.talked.IsZero() {
		return
	}
	talk := time.Since(n.talked)
	c.visit.Update(func(r *recordings.Call) { r.TalkMS += talk.Milliseconds() })
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
func (n *connect) expired(*Call)              {}
