package call

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/sip"
)

// Mode is what a supervisor is to a call.
type Mode string

// The monitor modes.
const (
	Listen   Mode = "listen"   // hears caller and agent, is heard by nobody
	Whisper  Mode = "whisper"  // is heard by the agent only
	Barge    Mode = "barge"    // is heard by both
	Takeover Mode = "takeover" // takes the agent's place
)

// Modes lists all.
func Modes() []Mode { return []Mode{Listen, Whisper, Barge, Takeover} }

// The errors of Monitor.
var (
	ErrNoCall    = errors.New("no such call is live")
	ErrNoTalk    = errors.New("nobody talks to the caller")
	ErrNoPhone   = errors.New("the supervisor has no phone that can be rung")
	ErrRinging   = errors.New("the supervisor's phone rings already")
	ErrNoMonitor = errors.New("the supervisor does not monitor this call")
)

// monitor is one supervisor's part in a call.
type monitor struct {
	who  string
	mode Mode
	leg  leg.Leg // nil until it rings
	up   bool    // answered
}

// What a page is told that it is to the call.
const (
	roleAgent      = "agent"
	roleSupervisor = "supervisor"
)

// monitorRing is how long a supervisor's phone rings.
const monitorRing = 30 * time.Second

// Monitor lets a supervisor into a call, or changes their mode. At first it
// rings their phone; nothing is heard before it answers. Whoever calls it has
// written the audit entry.
func (c *Conductor) Monitor(ctx context.Context, id, who string, mode Mode) error {
	call := c.live(id)
	if call == nil {
		return ErrNoCall
	}
	m, ring, err := call.admit(who, mode)
	if err != nil || !ring {
		return err
	}
	l, err := c.deps.Dialer.Dial(ctx, call.session, sip.DialRequest{
		User: who, From: "monitor", Timeout: monitorRing, Page: sip.Page{CallID: id, Role: roleSupervisor, Auto: true},
		Prefer:  call.codec(),
		Options: media.StreamOptions{Name: "supervisor", Track: media.TrackNone, KeepDigits: true, Activity: c.cfg.Activity},
	})
	if err != nil {
		call.log.Info("supervisor cannot be rung", "err", err)
		_ = call.ask(func() error { call.dismiss(m); return nil }) // the call may be over
		return ErrNoPhone
	}
	if err := call.ask(func() error { m.leg = l; return nil }); err != nil {
		l.End(leg.Withdrawn)
		return err
	}
	go call.follow(m)
	return nil
}

// Unmonitor ends a supervisor's part in a call.
func (c *Conductor) Unmonitor(id, who string) error {
	call := c.live(id)
	if call == nil {
		return ErrNoCall
	}
	return call.ask(func() error {
		m := call.monitor(who)
		if m == nil || m.leg == nil {
			return ErrNoMonitor
		}
		m.leg.End(leg.AgentHangup)
		call.dismiss(m)
		return nil
	})
}

func (c *Conductor) live(id string) *Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[id]
}

// ask runs f on the actor and returns its error; ErrNoCall when the call is
// over.
func (c *Call) ask(f func() error) error {
	result := make(chan error, 1)
	if c.post(func() { result <- f() }) != nil {
		return ErrNoCall
	}
	select {
	case err := <-result:
		return err
	case <-c.ended:
		return ErrNoCall
	}
}

// admit changes the mode of a supervisor who is there, or makes a place for a
// new one, whose phone must be rung.
func (c *Call) admit(who string, mode Mode) (m *monitor, ring bool, err error) {
	err = c.ask(func() error {
		if mode == Takeover && c.partner() == nil {
			return ErrNoTalk
		}
		m = c.monitor(who)
		switch {
		case m == nil:
			m, ring = &monitor{who: who, mode: mode}, true
			c.monitors = append(c.monitors, m)
			return nil
		case !m.up:
			return ErrRinging
		}
		m.mode = mode
		c.monitored(m)
		return nil
	})
	return m, ring, err
}

func (c *Call) monitor(who string) *monitor {
	i := slices.IndexFunc(c.monitors, func(m *monitor) bool { return m.who == who })
	if i < 0 {
		return nil
	}
	return c.monitors[i]
}

// dismiss forgets a supervisor.
func (c *Call) dismiss(m *monitor) {
	c.monitors = slices.DeleteFunc(c.monitors, func(o *monitor) bool { return o == m })
	c.remix()
}

// monitored lets the sound follow a supervisor's mode.
func (c *Call) monitored(m *monitor) {
	c.log.Info("call is monitored", "mode", m.mode)
	if m.mode != Takeover {
		c.remix()
		return
	}
	if err := c.takeover(m); err != nil { // the agent has gone meanwhile
		m.mode = Listen
		c.remix()
	}
}

// follow brings the events of a supervisor's leg to the actor, in order.
func (c *Call) follow(m *monitor) {
	for ev := range m.leg.Events() {
		if err := c.post(func() { c.fromMonitor(m, ev) }); err != nil {
			return // finish ends the leg
		}
	}
}

func (c *Call) fromMonitor(m *monitor, ev leg.Event) {
	switch {
	case c.other == m.leg: // they have taken over
		c.fromOther(ev, true)
	case ev.Kind == leg.Answered:
		m.up = true
		c.enlist(m.leg, recordings.PartySupervisor, m.who)
		c.monitored(m)
	case ev.Kind == leg.Ended:
		c.dismiss(m)
	}
}

// partner is whom the caller talks to; nil: nobody.
func (c *Call) partner() leg.Leg {
	if t := c.talk(); t != nil {
		return t.partner()
	}
	return nil
}

// takeover puts a supervisor in the agent's place; the agent is hung up on.
func (c *Call) takeover(m *monitor) error {
	t, ok := c.doing.(interface {
		replace(m *monitor) leg.Leg
	})
	if !ok || c.partner() == nil {
		return fmt.Errorf("take over: %w", ErrNoTalk)
	}
	c.monitors = slices.DeleteFunc(c.monitors, func(o *monitor) bool { return o == m })
	agent := t.replace(m)
	c.other, c.otherEvents, c.line, c.taken = m.leg, nil, m.leg.Stream().Events(), true // follow brings the events
	c.fetching++                                                                        // a page that was to come back is not waited for
	c.timer.Stop()
	c.showHeld(false)
	c.scribe.joins(m.who)
	c.show(func(s *Status) {
		s.Lines = ofCaller(s.Lines)
		if s.Agent, s.Detached = m.who, false; s.State == Away {
			s.State = c.board.talk
		}
	})
	c.join(m.leg)
	agent.End(leg.TakenOver)
	return nil
}

// endMonitors hangs up on all supervisors.
func (c *Call) endMonitors() {
	for _, m := range c.monitors {
		if m.leg != nil {
			m.leg.End(c.farewell())
		}
	}
	c.monitors = nil
}
