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
	"github.com/ivrd/ivrd/sip"
)

// scene is a caller (300 Hz) who talks to alice (1400 Hz), and sue's phone
// (2300 Hz).
type scene struct {
	*stage

	caller, alice, sue *party
	id                 string
}

// talking plays a call from a queue until the caller talks to alice.
func talking(t *testing.T, test func(*scene)) {
	t.Helper()
	play(t, queueFlow, func(s *stage) {
		sc := &scene{stage: s, caller: s.call("1000", 300)}
		s.wish("alice", routing.Ready)
		sc.alice = s.rings("alice")
		sc.alice.pickUp()
		after(time.Second)
		sc.id = s.con.Live()[0]
		test(sc)
	})
}

// monitors lets sue in, and answers her phone.
func (s *scene) monitors(mode Mode) {
	s.t.Helper()
	if err := s.con.Monitor(context.Background(), s.id, "sue", mode); err != nil {
		s.t.Fatal(err)
	}
	if s.sue != nil {
		return
	}
	s.sue = s.rings("sue")
	s.sue.freq = 2300
	s.sue.pickUp()
}

// heard checks who hears whom, 60 ms after a change.
func (s *scene) heard(what, caller, alice, sue string) {
	s.t.Helper()
	after(60*time.Millisecond + 200*time.Millisecond) // and what is listened to
	for _, p := range []struct {
		who, want string
		*party
	}{{"the caller", caller, s.caller}, {"alice", alice, s.alice}, {"sue", sue, s.sue}} {
		if p.party == nil {
			continue
		}
		if got := p.hears(200*time.Millisecond, 300, 600, 1400, 2300); got != p.want {
			s.t.Errorf("%s: %s hears %q, want %q", what, p.who, got, p.want)
		}
	}
}

// TestMonitorModes: who hears whom in each mode, and in which track it is kept.
func TestMonitorModes(t *testing.T) {
	talking(t, func(s *scene) {
		s.heard("alone", "1400", "300", "")
		s.monitors(Listen)
		s.heard("listen", "1400", "300", "300 1400")
		s.monitors(Whisper)
		s.heard("whisper", "1400", "300 2300", "300 1400")
		s.monitors(Barge)
		s.heard("barge", "1400 2300", "300 2300", "300 1400")
		s.monitors(Listen)
		s.heard("listen again", "1400", "300", "300 1400")
		if err := s.con.Unmonitor(s.id, "sue"); err != nil {
			t.Fatal(err)
		}
		s.sue = nil
		s.heard("alone again", "1400", "300", "")
		s.alice.End(leg.AgentHangup)
		r := s.record()
		for track, want := range map[media.Track]float64{
			media.TrackCaller: 300, media.TrackAgent: 1400, media.TrackWhisper: 2300, media.TrackSupervisor: 2300,
		} {
			if got := tone.Heard(s.track(r.ID, track), 40, 300, 600, 1400, 2300); !slices.Equal(got, []float64{want}) {
				t.Errorf("track %v holds %v, want %v", track, got, want)
			}
		}
	})
}

// TestTakeover: the supervisor is in the agent's place, the agent wraps up, and
// the flow goes on when the supervisor hangs up.
func TestTakeover(t *testing.T) {
	talking(t, func(s *scene) {
		s.monitors(Listen)
		after(time.Second)
		s.monitors(Takeover)
		<-s.alice.over
		if s.alice.reason != leg.TakenOver {
			t.Errorf("alice's leg ended as %v", s.alice.reason)
		}
		s.agentIs("alice", routing.WrapUp, "")
		s.alice = nil
		s.heard("taken over", "2300", "", "300")
		s.sue.End(leg.AgentHangup)
		after(300 * time.Millisecond)
		if got := s.caller.hears(100*time.Millisecond, 300, 1100, 2300); got != "1100" {
			t.Errorf("after the talk the caller hears %q", got)
		}
		r := s.record()
		for track, want := range map[media.Track]float64{media.TrackAgent: 1400, media.TrackSupervisor: 2300} {
			if got := tone.Heard(s.track(r.ID, track), 40, 300, 600, 1400, 2300); !slices.Equal(got, []float64{want}) {
				t.Errorf("track %v holds %v, want %v", track, got, want)
			}
		}
		if r.Agent != "alice" || r.TalkMS < 2000 || r.End != leg.FlowHangup {
			t.Errorf("record: agent %q talk %d end %v", r.Agent, r.TalkMS, r.End)
		}
	})
}

// TestTakeoverFromTheStart: asked for before the phone is answered.
func TestTakeoverFromTheStart(t *testing.T) {
	talking(t, func(s *scene) {
		s.monitors(Takeover)
		<-s.alice.over
		s.alice = nil
		s.heard("taken over", "2300", "", "300")
		s.caller.End(leg.CallerHangup)
		<-s.sue.over
		s.record()
	})
}

// TestMonitorLeaves: a supervisor who hangs up changes nothing for the others;
// neither does a caller's end leave anybody behind.
func TestMonitorLeaves(t *testing.T) {
	talking(t, func(s *scene) {
		s.monitors(Barge)
		s.heard("barge", "1400 2300", "300 2300", "300 1400")
		s.sue.End(leg.CallerHangup)
		s.sue = nil
		s.heard("after it", "1400", "300", "")
		s.monitors(Listen)
		s.heard("back", "1400", "300", "300 1400")
		s.caller.End(leg.CallerHangup)
		<-s.sue.over
		<-s.alice.over
		s.record()
	})
}

// TestMonitorInTheQueue: before anybody answers a supervisor hears the caller and
// what they hear;
// who answers is heard, too.
func TestMonitorInTheQueue(t *testing.T) {
	play(t, queueFlow, func(st *stage) {
		s := &scene{stage: st, caller: st.call("1000", 300)}
		after(2 * time.Second)
		s.id = st.con.Live()[0]
		s.monitors(Listen)
		s.heard("waiting", "600", "", "300 600")
		if err := st.con.Monitor(context.Background(), s.id, "sue", Takeover); !errors.Is(err, ErrNoTalk) {
			t.Errorf("take over from nobody: %v", err)
		}
		st.wish("alice", routing.Ready)
		s.alice = st.rings("alice")
		s.alice.pickUp()
		s.heard("answered", "1400", "300", "300 1400")
		s.caller.End(leg.CallerHangup)
		st.record()
	})
}

// TestMonitorHearsNoSecret: while a secret is entered supervisors hear nothing
// of the caller.
func TestMonitorHearsNoSecret(t *testing.T) {
	play(t, menu, func(st *stage) {
		s := &scene{stage: st, caller: st.call("1000", 300)}
		after(2 * time.Second)
		s.id = st.con.Live()[0]
		s.monitors(Listen)
		s.heard("in the menu", "600", "", "300 600")
		s.caller.press("1")
		after(2 * time.Second)
		if got := s.sue.hears(time.Second, 300, 600, 900); got != "" {
			t.Errorf("during the secret sue hears %q", got)
		}
		if got := s.sue.phone.Digits(); got != "" {
			t.Errorf("sue's phone gets the keys %q", got)
		}
		s.caller.press("4711")
		after(2500 * time.Millisecond)
		if got := s.sue.hears(500*time.Millisecond, 300); got != "300" {
			t.Errorf("after the secret sue hears %q", got)
		}
		s.caller.End(leg.CallerHangup)
		s.record()
	})
}

func TestMonitorFaults(t *testing.T) {
	talking(t, func(s *scene) {
		ctx := context.Background()
		if err := s.con.Monitor(ctx, "PS000000000000000000", "sue", Listen); !errors.Is(err, ErrNoCall) {
			t.Errorf("an unknown call: %v", err)
		}
		if err := s.con.Unmonitor(s.id, "sue"); !errors.Is(err, ErrNoMonitor) {
			t.Errorf("leave without being there: %v", err)
		}
		s.dialErr = &sip.Error{Reason: leg.Unreachable, Err: errSpeechless}
		if err := s.con.Monitor(ctx, s.id, "sue", Listen); !errors.Is(err, ErrNoPhone) {
			t.Errorf("without a phone: %v", err)
		}
		s.dialErr = nil
		if err := s.con.Monitor(ctx, s.id, "sue", Listen); err != nil {
			t.Fatal(err)
		}
		if err := s.con.Monitor(ctx, s.id, "sue", Barge); !errors.Is(err, ErrRinging) {
			t.Errorf("while it rings: %v", err)
		}
		sue := s.rings("sue")
		sue.End(leg.NoAnswer)
		s.heard("nobody came", "1400", "300", "")
		s.caller.End(leg.CallerHangup)
		if r := s.record(); r.End != leg.CallerHangup {
			t.Errorf("end %v", r.End)
		}
		if err := s.con.Monitor(ctx, s.id, "sue", Listen); !errors.Is(err, ErrNoCall) {
			t.Errorf("after the end: %v", err)
		}
	})
}
