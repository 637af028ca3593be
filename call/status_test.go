package call

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/routing"
)

// status is how the only call is doing.
func (s *stage) status() Status {
	s.t.Helper()
	all := s.con.Statuses()
	if len(all) != 1 {
		s.t.Fatalf("%d calls", len(all))
	}
	return all[0]
}

// shows checks the state of the only call, and since when it is so.
func (s *stage) shows(want State, since time.Duration) Status {
	s.t.Helper()
	st := s.status()
	if got := time.Since(st.Since).Round(100 * time.Millisecond); st.State != want || got != since {
		s.t.Errorf("the call is %s for %v, want %s for %v", st.State, got, want, since)
	}
	return st
}

// TestStatusOfAQueuedCall: from the menu through the queue and a talk with a
// hold and a takeover back to the menu.
func TestStatusOfAQueuedCall(t *testing.T) {
	play(t, queueFlow, func(s *stage) {
		caller := s.call("1000", 300)
		after(300 * time.Millisecond)
		if st := s.shows(Menu, 300*time.Millisecond); st.Recording != RecordingNone || st.ID != s.con.Live()[0] || st.Trusted {
			t.Errorf("in the menu: %+v", st)
		}
		after(1200 * time.Millisecond) // the prompt took half a second
		st := s.shows(Waiting, time.Second)
		if !st.WaitingSince.Equal(st.Since) || st.Position != 1 || st.Offer != nil || st.Recording != RecordingLive { // which begins after what announces it
			t.Errorf("in the queue: %+v", st)
		}
		entered := st.WaitingSince
		s.wish("alice", routing.Ready)
		alice := s.rings("alice")
		after(2 * time.Second)
		st = s.shows(Ringing, 2*time.Second)
		if st.Offer == nil || st.Offer.Agent != "alice" || time.Until(st.Offer.Deadline) != 8*time.Second || !st.WaitingSince.Equal(entered) {
			t.Errorf("while alice is rung: %+v %+v", st, st.Offer)
		}
		alice.End(leg.Refused)
		after(time.Second)
		if st = s.shows(Waiting, time.Second); st.Offer != nil || !st.WaitingSince.Equal(entered) {
			t.Errorf("after alice has declined: %+v", st)
		}
		s.wish("bob", routing.Ready)
		bob := s.rings("bob")
		bob.pickUp()
		after(time.Second)
		if st = s.shows(Talking, time.Second); st.Agent != "bob" || st.Offer != nil || !st.WaitingSince.IsZero() || st.Position != 0 {
			t.Errorf("with bob: %+v", st)
		}
		bob.events <- leg.Event{Kind: leg.Held}
		after(time.Second)
		s.shows(Held, time.Second)
		bob.events <- leg.Event{Kind: leg.Resumed}
		after(time.Second)
		s.shows(Talking, time.Second)
		bob.End(leg.AgentHangup)
		after(200 * time.Millisecond)
		if st = s.shows(Menu, 200*time.Millisecond); st.Agent != "" {
			t.Errorf("back in the menu: %+v", st)
		}
		caller.End(leg.CallerHangup)
		s.record()
		after(time.Second)
		if left := s.con.Statuses(); len(left) != 0 {
			t.Errorf("after the call: %+v", left)
		}
	})
}

// TestStatusOfMonitors: a phone that only rings hears nothing and is not there.
func TestStatusOfMonitors(t *testing.T) {
	talking(t, func(s *scene) {
		if err := s.con.Monitor(context.Background(), s.id, "sue", Listen); err != nil {
			t.Fatal(err)
		}
		sue := s.rings("sue")
		after(time.Second)
		if m := s.status().Monitors; len(m) != 0 {
			t.Errorf("before sue answers: %v", m)
		}
		sue.pickUp()
		after(time.Second)
		s.sue = sue
		for _, mode := range []Mode{Listen, Whisper, Barge} {
			s.monitors(mode)
			after(100 * time.Millisecond)
			if m := s.status().Monitors; !slices.Equal(m, []Watch{{"sue", mode}}) {
				t.Errorf("%s: %v", mode, m)
			}
		}
		s.alice.events <- leg.Event{Kind: leg.Held}
		after(time.Second)
		s.monitors(Takeover)
		after(time.Second)
		if st := s.shows(Talking, time.Second); st.Agent != "sue" || len(st.Monitors) != 0 {
			t.Errorf("taken over: %+v", st)
		}
		s.sue.End(leg.AgentHangup)
		s.record()
	})
}

func TestStatusOfAConnectedCall(t *testing.T) {
	const flow = head + `
  start:
    connect: {to: carol, timeout: 10s}
    on: {ok: bye, busy: bye, noanswer: bye, error: bye}
  bye: {play: t1900, next: end}
`
	play(t, flow, func(s *stage) {
		s.call("1000", 300)
		carol := s.rings("carol")
		after(time.Second)
		s.shows(Menu, time.Second) // nobody talks to the caller yet
		carol.pickUp()
		after(time.Second)
		if st := s.shows(Connected, time.Second); st.Agent != "carol" {
			t.Errorf("with carol: %+v", st)
		}
		carol.events <- leg.Event{Kind: leg.Held}
		after(time.Second)
		s.shows(Held, time.Second)
		carol.events <- leg.Event{Kind: leg.Resumed}
		after(time.Second)
		s.shows(Connected, time.Second)
		carol.End(leg.AgentHangup)
		s.record()
	})
}

// TestNumberOfAConnectedCall: a number that the flow connects is nobody of the house.
// Who watches sees it masked; the record has it where numbers are sealed.
func TestNumberOfAConnectedCall(t *testing.T) {
	const flow = head + `
  start:
    connect: {to: "+861012345678", timeout: 10s}
    on: {ok: bye, busy: bye, noanswer: bye, error: bye}
  bye: {play: t1900, next: end}
`
	play(t, flow, func(s *stage) {
		s.call("1000", 300)
		out := s.rings("")
		if out.asked.Number != outside {
			t.Errorf("asked to dial %+v", out.asked)
		}
		out.pickUp()
		after(time.Second)
		if st := s.shows(Connected, time.Second); st.Agent == "" || strings.Contains(st.Agent, "12345678") {
			t.Errorf("with the number: %+v", st)
		}
		out.End(leg.AgentHangup)
		r := s.record()
		if r.Agent != "" || r.Connected != outside || r.TalkMS < 900 {
			t.Errorf("record: agent %q, connected %q, talk %d ms", r.Agent, r.Connected, r.TalkMS)
		}
	})
}

// TestStatusOfASecret: while a secret is entered, the recording is paused.
func TestStatusOfASecret(t *testing.T) {
	const flow = head + `
  start: {play: t500, recording: start, next: pin}
  pin:
    collect: {play: t900, digits: 4, secret: true, into: pin}
    on: {ok: long, noinput: long, nomatch: long}
  long: {play: long, recording: stop, next: end}
`
	play(t, flow, func(s *stage) {
		caller := s.call("1000", 300)
		after(time.Second)
		if got := s.status().Recording; got != RecordingPaused {
			t.Errorf("while a secret is entered the recording is %s", got)
		}
		caller.press("1234")
		after(2 * time.Second)
		if got := s.status().Recording; got != RecordingPaused {
			t.Errorf("switched off, the recording is %s", got)
		}
		caller.End(leg.CallerHangup)
		s.record()
	})
}

// TestChangesAreTold: of each change there is word, and of nothing else.
func TestChangesAreTold(t *testing.T) {
	var told atomic.Int64
	play(t, queueFlow, func(s *stage) {
		s.con.deps.Changed = func() { told.Add(1) }
		caller := s.call("1000", 300)
		after(2 * time.Second)
		if told.Load() == 0 {
			t.Error("nobody was told of a new call")
		}
		was := told.Load()
		after(6 * time.Second)
		if n := told.Load() - was; n != 1 {
			t.Errorf("told of the caller's line %d times", n)
		}
		was = told.Load()
		after(10 * time.Second)
		if n := told.Load() - was; n != 0 {
			t.Errorf("told of %d changes while nothing changed", n)
		}
		s.wish("alice", routing.Ready)
		s.rings("alice")
		after(time.Second)
		if told.Load() == was {
			t.Error("nobody was told that alice is rung")
		}
		was = told.Load()
		caller.End(leg.CallerHangup)
		s.record()
		after(time.Second)
		if told.Load() == was {
			t.Error("nobody was told of the end")
		}
	})
}
