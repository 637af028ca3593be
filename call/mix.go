package call

import (
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// hearing is who takes part in the sound of a call.
type hearing struct {
	caller media.Stream
	other  media.Stream // whom the caller is joined with; nil: nobody
	// track is where other's voice is kept.
	track media.Track
	// apart keeps caller and other from each other: one is on hold.
	apart bool
	// echo lets the caller hear themselves.
	echo        bool
	supervisors []supervisor
	// secret keeps the caller's side from supervisors.
	secret bool
}

type supervisor struct {
	stream media.Stream
	mode   Mode
}

// heardBy says who hears a supervisor: it is decided here, whatever the
// supervisor's own phone sends.
func (s supervisor) heardBy() (caller, other bool, track media.Track) {
	switch s.mode {
	case Whisper:
		return false, true, media.TrackWhisper
	case Barge:
		return true, true, media.TrackSupervisor
	}
	return false, false, media.TrackNone
}

// parties is the one place where it is decided who hears whom.
func (h hearing) parties() []media.Party {
	caller := media.Party{Stream: h.caller, Track: media.TrackCaller}
	other := media.Party{Stream: h.other, Track: h.track}
	if h.echo {
		caller.Hears = append(caller.Hears, h.caller)
	}
	switch {
	case h.apart: // what is not said to the caller is not kept
		other.Track = media.TrackNone
	case h.other != nil:
		caller.Hears, other.Hears = append(caller.Hears, h.other), append(other.Hears, h.caller)
	}
	out := make([]media.Party, 2, 2+len(h.supervisors))
	for i, s := range h.supervisors {
		p := media.Party{Stream: s.stream}
		var toCaller, toOther bool
		toCaller, toOther, p.Track = s.heardBy()
		if toCaller {
			caller.Hears = append(caller.Hears, s.stream)
		}
		if toOther {
			other.Hears = append(other.Hears, s.stream)
		}
		if !h.secret {
			p.Hears, p.Overhears = h.heard(i), []media.Stream{h.caller}
		}
		out = append(out, p)
	}
	out[0], out[1] = caller, other
	if h.other == nil {
		return append(out[:1], out[2:]...)
	}
	return out
}

// heard is what a supervisor hears: caller, agent, and the supervisors who have
// barged in.
func (h hearing) heard(of int) []media.Stream {
	all := []media.Stream{h.caller}
	if h.other != nil {
		all = append(all, h.other)
	}
	for i, s := range h.supervisors {
		if caller, _, _ := s.heardBy(); caller && i != of {
			all = append(all, s.stream)
		}
	}
	return all
}

// join lets the caller and another party hear each other; what the caller was
// being played stops.
func (c *Call) join(l leg.Leg) {
	c.caller.Stream().Stop()
	c.joined, c.apart = l, false
	c.remix()
}

// separate keeps the caller and another party in the call, for supervisors, but
// from each other.
func (c *Call) separate(l leg.Leg) {
	c.joined, c.apart = l, true
	c.remix()
}

// part leaves the caller alone.
func (c *Call) part() {
	c.joined, c.apart = nil, false
	c.remix()
}

// remix makes the sound follow who takes part.
func (c *Call) remix() {
	c.showMonitors()
	h := hearing{caller: c.caller.Stream(), echo: c.echo, secret: c.paused[pausedSecret], track: media.TrackAgent, apart: c.apart}
	if c.taken {
		h.track = media.TrackSupervisor
	}
	if c.joined != nil {
		h.other = c.joined.Stream()
	}
	for _, m := range c.monitors {
		if m.up && m.mode == Barge {
			c.scribe.joins(m.who)
		}
		if m.up {
			h.supervisors = append(h.supervisors, supervisor{m.leg.Stream(), m.mode})
		}
	}
	if _, err := c.session.Mix(h.parties()); err != nil {
		c.log.Error("mix legs", "err", err)
		if c.joined != nil {
			c.joined.End(leg.Internal)
		}
	}
}
