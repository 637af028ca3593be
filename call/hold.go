package call

import (
	"context"
	"errors"
)

// ErrNotYours is given to who is not the agent of the talk.
var ErrNotYours = errors.New("somebody else talks to the caller")

// Hold puts the caller of a live call on hold, or takes them back: they hear
// what they heard while waiting, the agent hears nothing, supervisors hear
// both. Only the agent of the moment may: who has answered, or who has taken
// over. A second request changes nothing. It fails with ErrNoCall, ErrNoTalk or
// ErrNotYours.
//
// The agent's phone may hold by itself, too (SIP): they talk again when neither
// does.
func (c *Conductor) Hold(_ context.Context, id, who string, on bool) error {
	call := c.live(id)
	if call == nil {
		return ErrNoCall
	}
	return call.ask(func() error {
		t, err := call.talkOf(who)
		if err != nil {
			return err
		}
		if t.onHold != on {
			t.onHold = on
			call.log.Info("caller on hold", "on", on)
			t.settle(call)
		}
		return nil
	})
}

// talkOf is the talk in which somebody is the agent.
func (c *Call) talkOf(who string) (*talk, error) {
	t := c.talk()
	if t == nil || t.partner() == nil || t.leaving {
		return nil, ErrNoTalk
	}
	if who == "" || t.agent != who { // "" is nobody of the house
		return nil, ErrNotYours
	}
	return t, nil
}

// talk is the one that the call is in, nil if what it does is none.
func (c *Call) talk() *talk {
	if holder, ok := c.doing.(interface{ current() *talk }); ok {
		return holder.current()
	}
	return nil
}

func (n *talk) current() *talk { return n }

// phoneHold follows the other party's own phone.
func (n *talk) phoneHold(c *Call, on bool) {
	if n.away = on; n.partner() != nil {
		n.settle(c)
	}
}

// settle lets the two hear each other, unless one of them is on hold. Where both
// ways of it are on, the music does not begin anew with the second.
func (n *talk) settle(c *Call) {
	if n.detached { // music it is, until the page is back
		return
	}
	c.showHeld(n.away || n.onHold)
	switch {
	case n.away: // what the phone sends meanwhile is for nobody
		c.part()
	case n.onHold:
		c.separate(n.leg)
	default:
		n.music = false
		c.join(n.leg)
		return
	}
	if !n.music {
		n.music = true
		n.playHold(c)
	}
}
