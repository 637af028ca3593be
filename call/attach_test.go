package call

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/routing"
)

// paged plays a call from a queue until the caller talks to alice's page.
func paged(t *testing.T, test func(*scene)) {
	t.Helper()
	talking(t, func(s *scene) {
		s.alice.info.Transport = "ws"
		s.pages = true
		test(s)
	})
}

func (s *scene) state(want State) {
	s.t.Helper()
	if all := s.con.Statuses(); len(all) != 1 || all[0].State != want || all[0].Detached != (want == Away) {
		s.t.Errorf("status %+v, want %s", all, want)
	}
}

// vanish loses alice's page, as a reload does.
func (s *scene) vanish() {
	s.unregistered.Store(true)
	s.alice.End(leg.ConnLost)
	s.alice = nil
	after(50 * time.Millisecond)
}

// back brings another page of alice, and answers what rings there.
func (s *scene) back() {
	s.t.Helper()
	s.unregistered.Store(false)
	s.con.Returned("alice")
	s.alice = s.rings("alice")
	if p := s.alice.asked.Page; !p.Auto || p.CallID != s.id || p.Role != "agent" {
		s.t.Errorf("the page is asked %+v", p)
	}
	s.alice.pickUp()
}

// TestPageComesBack: the caller hears music while the agent's page is away, and
// the agent again when it is back: one talk, one track, no gap in the caller's.
func TestPageComesBack(t *testing.T) {
	paged(t, func(s *scene) {
		s.vanish()
		s.heard("away", "600", "", "")
		s.state(Away)
		s.agentIs("alice", routing.Talking, "")
		after(5 * time.Second)
		s.con.Returned("bob") // is not meant
		s.back()
		s.heard("back", "1400", "300", "")
		s.state(Talking)
		after(2 * time.Second)
		s.alice.End(leg.AgentHangup)
		r := s.record()
		if r.Agent != "alice" || r.TalkMS < 7000 || !slices.Equal(nodes(r), []string{"start", "wait", "done"}) {
			t.Errorf("record: agent %q talk %d path %v", r.Agent, r.TalkMS, nodes(r))
		}
		if got := tone.Heard(s.track(r.ID, media.TrackCaller), 40, 300); !slices.Equal(got, []float64{300}) {
			t.Errorf("the caller's track holds %v", got)
		}
		if got := tone.Heard(s.track(r.ID, media.TrackAgent), 40, 300, 600, 1400); len(got) == 0 || slices.Contains(got, 300) || slices.Contains(got, 600) {
			t.Errorf("the agent's track holds %v", got)
		}
	})
}

// TestPageIsLost: a page that does not come back within its time gives the
// caller back to the queue; another agent takes them.
func TestPageIsLost(t *testing.T) {
	paged(t, func(s *scene) {
		s.vanish()
		after(awayLimit - time.Second)
		s.heard("still away", "600", "", "")
		s.unregistered.Store(false)
		s.wish("bob", routing.Ready)
		bob := s.rings("bob")
		bob.pickUp()
		after(time.Second)
		if got := s.caller.hears(200*time.Millisecond, 300, 600, 1400); got != "1400" {
			t.Errorf("the caller hears %q, want bob", got)
		}
		s.agentIs("alice", routing.WrapUp, "")
		s.caller.End(leg.CallerHangup)
		<-bob.over
		if r := s.record(); r.Agent != "bob" || len(r.Transfers) != 1 || r.Transfers[0].By != "" {
			t.Errorf("record: agent %q transfers %+v", r.Agent, r.Transfers)
		}
	})
}

// TestPageIsSilent: a page that is registered and does not answer is tried
// again until it does.
func TestPageIsSilent(t *testing.T) {
	paged(t, func(s *scene) {
		s.alice.End(leg.MediaFailed)
		for range 3 {
			p := s.rings("alice")
			after(attachRing)
			p.End(leg.NoAnswer)
		}
		s.alice = s.rings("alice")
		s.alice.pickUp()
		s.heard("back", "1400", "300", "")
		s.caller.End(leg.CallerHangup)
		<-s.alice.over
		s.record()
	})
}

// TestMoveToAnotherPage: the sound goes to the page that asks, and the old one
// is told why it is hung up on.
func TestMoveToAnotherPage(t *testing.T) {
	paged(t, func(s *scene) {
		ctx, old := context.Background(), s.alice
		if err := s.con.Attach(ctx, s.id, "bob", ""); !errors.Is(err, ErrNotYours) {
			t.Errorf("bob attaches: %v", err)
		}
		s.holds("alice", true)
		if err := s.con.Attach(ctx, s.id, "alice", "alice~2"); err != nil {
			t.Fatal(err)
		}
		s.alice = s.rings("alice")
		if s.alice.asked.Page.Phone != "alice~2" {
			t.Errorf("asked for phone %q", s.alice.asked.Page.Phone)
		}
		s.alice.pickUp()
		<-old.over
		if old.reason != leg.Moved {
			t.Errorf("the old leg ended by %v", old.reason)
		}
		s.heard("moved, on hold", "600", "", "")
		s.holds("alice", false)
		s.heard("moved", "1400", "300", "")
		s.caller.End(leg.CallerHangup)
		<-s.alice.over
		s.record()
	})
}

// TestAwayEnds: whatever ends a talk ends it also while the page is away.
func TestAwayEnds(t *testing.T) {
	paged(t, func(s *scene) { // the caller
		s.vanish()
		after(time.Second)
		s.caller.End(leg.CallerHangup)
		if r := s.record(); r.End != leg.CallerHangup {
			t.Errorf("end %v", r.End)
		}
		s.agentIs("alice", routing.WrapUp, "")
	})
	paged(t, func(s *scene) { // a supervisor takes over; the page that comes late is not wanted
		s.vanish()
		s.unregistered.Store(false)
		s.con.Returned("alice")
		late := s.rings("alice")
		s.monitors(Takeover)
		s.heard("taken over", "2300", "", "300")
		late.pickUp()
		<-late.over
		s.state(Talking)
		s.caller.End(leg.CallerHangup)
		s.record()
	})
	paged(t, func(s *scene) { // the caller, while the page rings
		s.vanish()
		s.unregistered.Store(false)
		s.con.Returned("alice")
		late := s.rings("alice")
		after(100 * time.Millisecond)
		s.caller.End(leg.CallerHangup)
		<-late.over
		s.record()
	})
}
