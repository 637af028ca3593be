package call

import (
	"cmp"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/routing"
	"github.com/ivrd/ivrd/transcript"
)

// State is what a caller is doing.
//
//	          ┌──────────────── the party hangs up ────────────────┐
//	          ▼                                                    │
//	menu ──enqueue──► waiting ◄──► ringing ──answer──► talking ◄──► held
//	  └───connect, answered──────────────────────────► connected ◄─► held
//	                              (talking, held) ◄──► away: the agent's page has gone
type State string

// The states of a call.
const (
	Menu      State = "menu"      // with the flow
	Waiting   State = "waiting"   // in a queue
	Ringing   State = "ringing"   // in a queue, and an agent is rung
	Talking   State = "talking"   // with an agent
	Held      State = "held"      // put on hold by whom they talk to
	Away      State = "away"      // the agent's page has gone and is waited for
	Connected State = "connected" // with whom the flow has connected
)

// The states of a recording that goes on.
const (
	RecordingNone   = "none"   // nothing is kept
	RecordingLive   = "live"   // what is said is kept
	RecordingPaused = "paused" // it goes on, but this is not kept: a secret is entered, or it is switched off
)

// Status is how a running call is doing: what its record does not tell. Where
// the caller is in a flow or queue, who answered and with which priority they
// waited is in the record.
type Status struct {
	ID string
	// Trusted: the caller's number was proved to us.
	Trusted bool
	State   State
	Since   time.Time // of State
	// WaitingSince, Position (from 1) and Offer are of a caller in a queue.
	WaitingSince time.Time
	Position     int
	Offer        *Offer // nil while nobody is rung
	// Agent is who talks to the caller now: an agent, a supervisor who has taken
	// over, or a person or number that the flow has connected; the number is masked.
	Agent     string
	Recording string
	// Monitors are the supervisors who are in the call, in order of their coming.
	Monitors []Watch
	// Detached: the agent's page has gone and is waited for.
	Detached bool
	// Transcribed is how much of what is said is written down at the moment, Words the
	// revision of it (see Conductor.Words).
	Transcribed transcript.Coverage
	Words       uint64
	// Emotion is what the caller's last utterance seems to express; nil while nothing is
	// known. Escalate: repeated anger or fear. Intent is what they were last understood
	// to want.
	Emotion  *transcript.Emotion
	Escalate bool
	Intent   string
	// Lines are the caller's and of whom they talk to, as far as known.
	Lines []Line
}

// Offer is an agent who is rung, and until when.
type Offer struct {
	Agent    string
	Deadline time.Time
}

// Watch is a supervisor's part in a call.
type Watch struct {
	Who  string
	Mode Mode
}

// board is where a call shows its Status. The actor and the flow's goroutine
// write it, whoever likes reads it.
type board struct {
	mu     sync.Mutex
	status Status
	// talk is what a hold interrupts: Talking or Connected.
	talk State
}

// Statuses tells how the running calls are doing, in order of their beginning.
func (c *Conductor) Statuses() []Status {
	c.mu.Lock()
	out := make([]Status, 0, len(c.calls))
	for _, call := range c.calls {
		out = append(out, call.board.read())
	}
	c.mu.Unlock()
	slices.SortFunc(out, func(a, b Status) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func (b *board) read() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.status // what it points to is replaced, never changed
}

// show changes what the call shows, and tells of it when that is another than
// before. What change sets must not be changed afterwards.
func (c *Call) show(change func(*Status)) {
	if c.board.change(change, c.con.deps.Clock.Now()) {
		c.con.deps.Changed()
	}
}

func (b *board) change(change func(*Status), now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.status
	change(&b.status)
	if b.status.State != was.State {
		b.status.Since = now
	}
	if b.status.State == Talking || b.status.State == Connected {
		b.talk = b.status.State
	}
	return !reflect.DeepEqual(was, b.status)
}

// showMenu: nobody is waited for or talked to; the flow goes on.
func (c *Call) showMenu() {
	c.show(func(s *Status) {
		s.State, s.Agent, s.Detached, s.Lines = Menu, "", false, ofCaller(s.Lines)
		s.WaitingSince, s.Position, s.Offer = time.Time{}, 0, nil
	})
}

// showWait: the caller is at a place of a queue, and maybe somebody is rung.
func (c *Call) showWait(p *routing.Place, rung *routing.Offer) {
	since, position := p.Ticket().At, p.Status().Position
	c.show(func(s *Status) {
		s.State, s.WaitingSince, s.Position, s.Offer = Waiting, since, position, nil
		if rung != nil {
			s.State, s.Offer = Ringing, &Offer{rung.Agent, rung.Deadline}
		}
	})
}

// showTalk: somebody has answered. The state is Talking or Connected.
func (c *Call) showTalk(state State, with string) {
	if isNumber(with) { // a name is shown, whatever digits are in it
		with = transcript.MaskNumber(with)
	}
	c.show(func(s *Status) {
		s.State, s.Agent, s.Lines = state, with, ofCaller(s.Lines)
		s.WaitingSince, s.Position, s.Offer = time.Time{}, 0, nil
	})
}

// showHeld: whom the caller talks to puts them on hold, or comes back. Without
// a talk it does nothing.
func (c *Call) showHeld(on bool) {
	c.show(func(s *Status) {
		switch {
		case on && (s.State == Talking || s.State == Connected):
			s.State = Held
		case !on && s.State == Held:
			s.State = c.board.talk
		}
	})
}

// showMonitors: supervisors have come, gone or changed their mode. One whose
// phone only rings hears nothing and is not there yet.
func (c *Call) showMonitors() {
	var all []Watch
	for _, m := range c.monitors {
		if m.up {
			all = append(all, Watch{m.who, m.mode})
		}
	}
	c.show(func(s *Status) { s.Monitors = all })
}

// showRecording: the recorder was started, paused or resumed.
func (c *Call) showRecording() {
	state := RecordingLive
	switch {
	case c.rec == nil:
		state = RecordingNone
	case len(c.paused) > 0:
		state = RecordingPaused
	}
	c.show(func(s *Status) { s.Recording = state })
}

// proved says that we know the caller's number: a trusted trunk's, or that of
// one of our people.
func proved(caller leg.Info) bool { return caller.Trusted || caller.User != "" }

// announced is a visit that tells of each change of its record.
type announced struct {
	recordings.Visit

	changed func()
}

func (a announced) Update(change func(*recordings.Call)) {
	a.Visit.Update(change)
	a.changed()
}
