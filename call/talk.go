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
	agent  string          // the person at leg; after a takeover the supervisor
	hold   []*media.Prompt // until the other party is heard
	kind   State           // Talking or Connected, once answered
	since  time.Time       // the caller waits
	talked time.Time       // zero until answered
	over   bool            // the other party has gone
	// detached says that the agent's page has gone and is waited for.
	detached bool

	// The two ways of a hold; both must be off to talk. See settle.
	onHold bool // the agent has asked for it here
	away   bool // the agent's phone has put us on hold
	music  bool // the caller hears it

	// transfers takes what the agent asks for to the flow's goroutine; one at a
	// time, see leaving.
	transfers chan *transfer
	leaving   bool
}

func newTalk(kind State, hold []*media.Prompt) talk {
	return talk{kind: kind, hold: hold, transfers: make(chan *transfer, 1)}
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

// answered enters in the record who talks to the caller, and lets them. A number
// is sealed there, as it is not of the house; with "" the record has it elsewhere.
// Both leave the agent who was.
func (n *talk) answered(c *Call, with string) {
	n.talked, n.agent = time.Now(), with
	party, who := partyOf(with)
	c.enlist(n.leg, party, who)
	wait := n.talked.Sub(n.since)
	c.visit.Update(func(r *recordings.Call) {
		if who != "" {
			r.Agent = who
		} else if with != "" {
			r.Connected = with
		}
		r.WaitMS += wait.Milliseconds()
	})
	c.showTalk(n.kind, with)
	c.scribe.hushed(c.session.Now()) // news are cut off
	c.scribe.talks(who, c.visit.Call().Language)
	n.settle(c)
}

// part leaves the caller alone.
func (n *talk) part(c *Call) {
	c.caller.Stream().Stop()
	c.part()
	n.account(c)
	n.over = true
	c.scribe.parts()
	c.showMenu()
}

// account adds the talk to the record.
func (n *talk) account(c *Call) {
	if n.talked.IsZero() || n.over {
		return
	}
	spent := time.Since(n.talked)
	c.visit.Update(func(r *recordings.Call) { r.TalkMS += spent.Milliseconds() })
}

// replace puts a supervisor in the place of the party, whose leg it returns. What
// was on hold is not any more.
func (n *talk) replace(m *monitor) leg.Leg {
	was := n.leg
	n.leg, n.agent = m.leg, m.who
	n.onHold, n.away, n.music, n.detached = false, false, false, false
	return was
}

// partner is who is talked to; nil before the answer and after the end.
func (n *talk) partner() leg.Leg {
	if n.talked.IsZero() || n.over {
		return nil
	}
	return n.leg
}
