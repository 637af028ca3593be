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

func (s *scene) holds(who string, on bool) {
	s.t.Helper()
	if err := s.con.Hold(context.Background(), s.id, who, on); err != nil {
		s.t.Fatal(err)
	}
}

// TestHold: the caller hears music, the agent nothing, and a supervisor all of
// them; twice is once; what the agent says meanwhile is not kept.
func TestHold(t *testing.T) {
	talking(t, func(s *scene) {
		s.holds("alice", true)
		s.holds("alice", true)
		s.heard("on hold", "600", "", "")
		s.monitors(Listen)
		s.heard("listen", "600", "", "300 600 1400")
		s.monitors(Whisper)
		s.heard("whisper", "600", "2300", "300 600 1400")
		s.monitors(Listen)
		after(time.Second)
		s.holds("alice", false)
		s.heard("back", "1400", "300", "300 1400")
		after(time.Second)
		s.alice.End(leg.AgentHangup)
		r := s.record()
		if got := tone.Heard(s.track(r.ID, media.TrackAgent), 40, 300, 1400); !slices.Equal(got, []float64{1400}) {
			t.Errorf("the agent's track holds %v", got)
		}
		if r.Agent != "alice" || r.TalkMS < 3000 || !slices.Equal(nodes(r), []string{"start", "wait", "done"}) {
			t.Errorf("record: agent %q talk %d path %v", r.Agent, r.TalkMS, nodes(r))
		}
	})
}

// TestHoldTwice: the house and the agent's phone each hold; both must be off.
func TestHoldTwice(t *testing.T) {
	talking(t, func(s *scene) {
		phone := func(k leg.EventKind) { s.alice.events <- leg.Event{Kind: k} }
		for name, ways := range map[string][4]func(){
			"house first": {func() { s.holds("alice", true) }, func() { phone(leg.Held) }, func() { s.holds("alice", false) }, func() { phone(leg.Resumed) }},
			"phone first": {func() { phone(leg.Held) }, func() { s.holds("alice", true) }, func() { phone(leg.Resumed) }, func() { s.holds("alice", false) }},
		} {
			for _, way := range ways[:3] {
				way()
				s.heard(name, "600", "", "")
			}
			ways[3]()
			s.heard(name+", off", "1400", "300", "")
		}
		s.caller.End(leg.CallerHangup)
		s.record()
	})
}

// TestHoldAndTakeover: who takes over talks at once, and is the one who may hold
// from then on.
func TestHoldAndTakeover(t *testing.T) {
	talking(t, func(s *scene) {
		s.holds("alice", true)
		s.monitors(Takeover)
		<-s.alice.over
		s.alice = nil
		s.heard("taken over", "2300", "", "300")
		if err := s.con.Hold(context.Background(), s.id, "alice", true); !errors.Is(err, ErrNotYours) {
			t.Errorf("alice holds: %v", err)
		}
		s.holds("sue", true)
		s.heard("held by sue", "600", "", "")
		s.holds("sue", false)
		s.heard("back", "2300", "", "300")
		s.sue.End(leg.AgentHangup)
		s.record()
	})
}

// TestHoldEnds: whoever hangs up, it is as in a talk.
func TestHoldEnds(t *testing.T) {
	talking(t, func(s *scene) {
		s.holds("alice", true)
		after(time.Second)
		s.alice.End(leg.AgentHangup)
		after(300 * time.Millisecond)
		if got := s.caller.hears(100*time.Millisecond, 600, 1100); got != "1100" {
			t.Errorf("after the agent's end the caller hears %q", got)
		}
		s.agentIs("alice", routing.WrapUp, "")
		s.record()
	})
	talking(t, func(s *scene) {
		s.holds("alice", true)
		after(time.Second)
		s.caller.End(leg.CallerHangup)
		<-s.alice.over
		if r := s.record(); r.End != leg.CallerHangup || r.TalkMS < 1500 || r.TalkMS > 2500 {
			t.Errorf("record: end %v talk %d", r.End, r.TalkMS)
		}
		s.agentIs("alice", routing.WrapUp, "")
	})
}

func TestHoldFaults(t *testing.T) {
	play(t, queueFlow, func(s *stage) {
		ctx := context.Background()
		p := s.call("1000", 300)
		after(2 * time.Second)
		id := s.con.Live()[0]
		if err := s.con.Hold(ctx, id, "alice", true); !errors.Is(err, ErrNoTalk) {
			t.Errorf("hold nobody: %v", err)
		}
		s.wish("alice", routing.Ready)
		alice := s.rings("alice")
		if err := s.con.Hold(ctx, id, "alice", true); !errors.Is(err, ErrNoTalk) {
			t.Errorf("hold while it rings: %v", err)
		}
		alice.pickUp()
		after(time.Second)
		if err := s.con.Hold(ctx, id, "bob", true); !errors.Is(err, ErrNotYours) {
			t.Errorf("hold another's: %v", err)
		}
		p.End(leg.CallerHangup)
		s.record()
		if err := s.con.Hold(ctx, id, "alice", true); !errors.Is(err, ErrNoCall) {
			t.Errorf("hold what is over: %v", err)
		}
	})
}

// TestHoldConnected: whom the flow has connected holds as an agent of a queue.
func TestHoldConnected(t *testing.T) {
	const flow = head + `
  start: {connect: {to: alice, hold: long}, on: {ok: bye, busy: end, noanswer: end, error: end}}
  bye: {play: t1900, next: end}
`
	play(t, flow, func(st *stage) {
		s := &scene{stage: st, caller: st.call("1000", 300)}
		s.alice = st.rings("alice")
		s.alice.pickUp()
		after(time.Second)
		s.id = st.con.Live()[0]
		s.holds("alice", true)
		s.heard("on hold", "600", "", "")
		s.holds("alice", false)
		s.heard("back", "1400", "300", "")
		s.alice.End(leg.AgentHangup)
		s.record()
	})
}
