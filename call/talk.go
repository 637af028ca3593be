package call

import (
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
)

// talk is another party who is rung and then talked to, and what the caller
// hears meanwhile.
type talk struct {
	leg    leg.Leg
	hold   []*media.Prompt // until the other party is heard
	kind   State           // Talking or Connected, once answered
	since  time.Time       // the caller waits
	talked time.Time       // zero until answered
}

// ring makes a leg the other party of the call.
func (n *talk) ring(c *Call, l leg.Leg) {
	n.leg = l
	c.other, c.otherEvents, c.line, c.taken = l, l.Events(), l.Stream().Events(), false
	c.log.Info("ringing another party", "leg_id", l.ID())
}

func (n *talk) playHold(c *Call) {
	c.caller.Stream().Play(media.Play{Prompts: n.hold, Loop: true})
}

// answered enters in the record who talks to the caller, and lets them.
func (n *talk) answered(c *Call, agent string) {
	n.talked = time.Now()
	wait := n.talked.Sub(n.since)
	c.visit.Update(func(r *recordings.Call) {
		r.Agent = agent
		r.WaitMS += wait.Milliseconds()
	})
	c.showTalk(n.kind, agent)
	c.join(n.leg)
}

// held gives the caller music while the other party is away from the phone.
func (n *talk) held(c *Call) {
	c.part()
	n.playHold(c)
	c.showHeld(true)
}

// resumed brings the other party back.
func (n *talk) resumed(c *Call) {
	c.join(n.leg)
	c.showHeld(false)
}

// part leaves the caller alone.
func (n *talk) part(c *Call) {
	c.caller.Stream().Stop()
	c.part()
	n.account(c)
	c.showMenu()
}

// account adds the talk to the record.
func (n *talk) account(c *Call) {
	if n.talked.IsZero() {
		return
	}
	spent := time.Since(n.talked)
	c.visit.Update(func(r *recordings.Call) { r.TalkMS += spent.Milliseconds() })
}

// replace puts another leg in the place of the party, whose leg it returns.
func (n *talk) replace(_ *Call, l leg.Leg) leg.Leg {
	was := n.leg
	n.leg = l
	return was
}

// partner is who is talked to; nil before the answer.
func (n *talk) partner() leg.Leg {
	if n.talked.IsZero() {
		return nil
	}
	return n.leg
}
