package call

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/routing"
	"github.com/ivrd/ivrd/sip"
)

const outside = "+861012345678"

func (s *scene) transfers(who string, to Destination) {
	s.t.Helper()
	if err := s.con.Transfer(context.Background(), s.id, who, to); err != nil {
		s.t.Fatal(err)
	}
}

// leaves checks that alice was let go, and wraps up.
func (s *scene) leaves() {
	s.t.Helper()
	<-s.alice.over
	if s.alice.reason != leg.Transferred {
		s.t.Errorf("alice's leg ended as %v", s.alice.reason)
	}
	s.agentIs("alice", routing.WrapUp, "")
	s.alice = nil
}

// number waits for the leg to a number.
func (s *scene) number() *party {
	s.t.Helper()
	synctest.Wait()
	select {
	case p := <-s.dialled:
		if p.asked.Number != outside || p.asked.FromUser != "alice" {
			s.t.Errorf("asked to dial %+v", p.asked)
		}
		return p
	default:
		s.t.Fatal("the number is not called")
		return nil
	}
}

// TestTransferToQueue: the caller hears music until the other agent answers, and
// the flow waits for the second talk.
func TestTransferToQueue(t *testing.T) {
	talking(t, func(s *scene) {
		s.holds("alice", true)
		s.transfers("alice", Destination{Queue: "fraud"})
		s.leaves()
		s.heard("transferred", "600", "", "")
		r := s.live()
		if r.Queue != "fraud" || r.Priority == nil || r.Priority.Total != 86 {
			t.Errorf("record meanwhile: queue %q, priority %+v", r.Queue, r.Priority)
		}
		s.wish("bob", routing.Ready)
		bob := s.rings("bob")
		after(time.Second)
		bob.pickUp()
		s.alice = bob
		s.heard("with bob", "1400", "300", "")
		s.agentIs("bob", routing.Talking, "")
		s.alice.End(leg.AgentHangup)
		after(300 * time.Millisecond)
		if got := s.caller.hears(100*time.Millisecond, 600, 1100); got != "1100" {
			t.Errorf("after both talks the caller hears %q", got)
		}
		r = s.record()
		if r.Agent != "bob" || r.Queue != "fraud" || !slices.Equal(nodes(r), []string{"start", "wait", "done"}) {
			t.Errorf("record: agent %q queue %q path %v", r.Agent, r.Queue, nodes(r))
		}
		if len(r.Transfers) != 1 || r.Transfers[0].By != "alice" || r.Transfers[0].Queue != "fraud" || r.Transfers[0].AtMS < 1000 {
			t.Errorf("transfers %+v", r.Transfers)
		}
		s.agentIs("bob", routing.WrapUp, "")
	})
}

// live is the record of the call that runs.
func (s *scene) live() recordings.Call {
	s.t.Helper()
	synctest.Wait()
	r, err := s.vault.Call(context.Background(), s.id)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// TestTransferToQueueInVain: the time of the node holds for the new queue, and
// its outcome is the node's.
func TestTransferToQueueInVain(t *testing.T) {
	talking(t, func(s *scene) {
		s.transfers("alice", Destination{Queue: "fraud"})
		s.leaves()
		r := s.record()
		if r.Agent != "alice" || !slices.Equal(nodes(r), []string{"start", "wait", "late"}) || r.WaitMS < 60_000 {
			t.Errorf("record: agent %q path %v wait %d", r.Agent, nodes(r), r.WaitMS)
		}
	})
}

// TestTransferToNumber: alice goes as soon as the number is dialled; early media
// is heard, and the talk; the record keeps alice and the number.
func TestTransferToNumber(t *testing.T) {
	talking(t, func(s *scene) {
		s.transfers("alice", Destination{Number: outside})
		s.leaves()
		out := s.number()
		s.heard("while it rings", "600", "", "")
		out.pickUp()
		s.alice = out
		s.heard("answered", "1400", "300", "")
		for who, want := range map[string]error{"alice": ErrNotYours, "": ErrNotYours} {
			if err := s.con.Hold(context.Background(), s.id, who, true); !errors.Is(err, want) {
				t.Errorf("%q holds: %v", who, err)
			}
		}
		out.End(leg.AgentHangup)
		r := s.record()
		if r.Agent != "alice" || r.Queue != "support" || !slices.Equal(nodes(r), []string{"start", "wait", "done"}) {
			t.Errorf("record: agent %q queue %q path %v", r.Agent, r.Queue, nodes(r))
		}
		if len(r.Transfers) != 1 || r.Transfers[0].Number != outside || r.Transfers[0].Queue != "" {
			t.Errorf("transfers %+v", r.Transfers)
		}
	})
}

// TestTransferFailsLater: what the number does after alice has gone is the
// node's outcome.
func TestTransferFailsLater(t *testing.T) {
	for _, end := range []leg.EndReason{leg.Busy, leg.NoAnswer, leg.Unreachable} {
		talking(t, func(s *scene) {
			s.transfers("alice", Destination{Number: outside})
			s.number().End(end)
			if r := s.record(); !slices.Equal(nodes(r), []string{"start", "wait", "late"}) {
				t.Errorf("%v: path %v", end, nodes(r))
			}
		})
	}
}

// TestTransferRefused leaves the talk alone, and another may be asked for.
func TestTransferRefused(t *testing.T) {
	talking(t, func(s *scene) {
		ctx := context.Background()
		s.dialErr = &sip.Error{Reason: leg.Forbidden, Err: errSpeechless}
		for _, number := range []string{outside, "bob", ""} {
			err := s.con.Transfer(ctx, s.id, "alice", Destination{Number: number})
			if refused, ok := errors.AsType[*RefusedError](err); !ok || refused.Reason != leg.Forbidden {
				t.Errorf("to %q: %v", number, err)
			}
			s.heard("after a refusal", "1400", "300", "")
		}
		if err := s.con.Transfer(ctx, s.id, "alice", Destination{Queue: "nowhere"}); !errors.Is(err, ErrNoQueue) {
			t.Errorf("to no queue: %v", err)
		}
		s.holds("alice", true)
		if err := s.con.Transfer(ctx, s.id, "bob", Destination{Queue: "fraud"}); !errors.Is(err, ErrNotYours) {
			t.Errorf("by bob: %v", err)
		}
		if r := s.live(); len(r.Transfers) != 0 || r.Queue != "support" {
			t.Errorf("record: queue %q, transfers %+v", r.Queue, r.Transfers)
		}
		s.heard("still on hold", "600", "", "")
		s.agentIs("alice", routing.Talking, "")
		s.transfers("alice", Destination{Queue: "fraud"})
		s.leaves()
		if err := s.con.Transfer(ctx, s.id, "alice", Destination{Queue: "fraud"}); !errors.Is(err, ErrNoTalk) {
			t.Errorf("twice: %v", err)
		}
		s.caller.End(leg.CallerHangup)
		s.record()
		if err := s.con.Transfer(ctx, s.id, "alice", Destination{Queue: "fraud"}); !errors.Is(err, ErrNoCall) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// TestTransferByWhoTookOver, and on again by whoever answered.
func TestTransferByWhoTookOver(t *testing.T) {
	talking(t, func(s *scene) {
		s.monitors(Takeover)
		<-s.alice.over
		s.alice = nil
		after(time.Second)
		s.transfers("sue", Destination{Queue: "fraud"})
		<-s.sue.over
		s.sue = nil
		s.heard("transferred", "600", "", "")
		s.wish("bob", routing.Ready)
		bob := s.rings("bob")
		bob.pickUp()
		after(time.Second)
		s.agentIs("alice", routing.WrapUp, "")
		s.transfers("bob", Destination{Queue: "support"})
		<-bob.over
		alice := s.rings("alice") // after her wrap-up
		alice.pickUp()
		s.alice = alice
		s.heard("with alice again", "1400", "300", "")
		s.caller.End(leg.CallerHangup)
		r := s.record()
		if r.Agent != "alice" || r.Queue != "support" || len(r.Transfers) != 2 || r.Transfers[0].By != "sue" || r.Transfers[1].By != "bob" {
			t.Errorf("record: agent %q queue %q transfers %+v", r.Agent, r.Queue, r.Transfers)
		}
	})
}

// TestTransferThenHangup: who asks and hangs up in the same moment has asked.
func TestTransferThenHangup(t *testing.T) {
	for range 10 { // whichever the flow's goroutine sees first
		talking(t, func(s *scene) {
			done := make(chan error, 1)
			go func() { done <- s.con.Transfer(context.Background(), s.id, "alice", Destination{Queue: "fraud"}) }()
			s.alice.End(leg.AgentHangup)
			if err := <-done; err != nil && !errors.Is(err, ErrNoTalk) {
				t.Error(err)
			} else if err == nil {
				after(time.Second)
				if r := s.live(); r.Queue != "fraud" {
					t.Errorf("the caller is in %q", r.Queue)
				}
			}
			s.caller.End(leg.CallerHangup)
			s.record()
			s.agentIs("alice", routing.WrapUp, "")
		})
	}
}

// TestTransferCallerGone: in the middle of each step nothing is left behind.
func TestTransferCallerGone(t *testing.T) {
	empty := func(s *scene) {
		s.t.Helper()
		synctest.Wait()
		qs, err := s.desk.Queues(context.Background())
		if err != nil || qs[0].Waiting+qs[1].Waiting+qs[0].Talking+qs[1].Talking != 0 {
			s.t.Errorf("queues %+v %v", qs, err)
		}
		s.agentIs("alice", routing.WrapUp, "")
	}
	for _, to := range []Destination{{Queue: "fraud"}, {Number: outside}} {
		talking(t, func(s *scene) { // while it is asked for
			done := make(chan error, 1)
			go func() { done <- s.con.Transfer(context.Background(), s.id, "alice", to) }()
			s.caller.End(leg.CallerHangup)
			if err := <-done; err != nil && !errors.Is(err, ErrNoCall) && !errors.Is(err, ErrNoTalk) {
				t.Error(err)
			}
			s.record()
			empty(s)
		})
		talking(t, func(s *scene) { // while nobody has answered
			s.transfers("alice", to)
			after(time.Second)
			s.caller.End(leg.CallerHangup)
			s.record()
			empty(s)
			if to.Number != "" {
				<-s.number().over
			}
		})
	}
	talking(t, func(s *scene) { // while bob rings
		s.wish("bob", routing.Ready)
		s.transfers("alice", Destination{Queue: "fraud"})
		bob := s.rings("bob")
		s.caller.End(leg.CallerHangup)
		<-bob.over
		s.record()
		empty(s)
		s.agentIs("bob", routing.Ready, "")
	})
}

// TestTransferFromConnect: a caller who never waited waits now, in the middle of
// the priorities; the outcomes are those of connect.
func TestTransferFromConnect(t *testing.T) {
	const flow = head + `
  start: {connect: {to: alice, hold: long}, on: {ok: bye, busy: late, noanswer: late, error: late}}
  bye: {play: t1900, next: end}
  late: {play: t1500, next: end}
`
	play(t, flow, func(st *stage) {
		s := &scene{stage: st, caller: st.call("1000", 300)}
		s.alice = st.rings("alice")
		s.alice.pickUp()
		after(time.Second)
		s.id = st.con.Live()[0]
		s.transfers("alice", Destination{Queue: "fraud"})
		<-s.alice.over
		s.wish("bob", routing.Ready)
		s.alice = st.rings("bob")
		s.alice.pickUp()
		s.heard("with bob", "1400", "300", "")
		s.alice.End(leg.AgentHangup)
		r := s.record()
		if r.Agent != "bob" || r.Queue != "fraud" || r.Priority.Total != 50 || !slices.Equal(nodes(r), []string{"start", "bye"}) {
			t.Errorf("record: agent %q queue %q priority %+v path %v", r.Agent, r.Queue, r.Priority, nodes(r))
		}
	})
}

// TestFlowTransfers: after the talk of a transfer node the call ends.
func TestFlowTransfers(t *testing.T) {
	const flow = head + `
  start: {transfer: {number: "+861012345678", while: long}, on: {busy: queue}}
  queue: {transfer: {queue: fraud, while: long}}
`
	play(t, flow, func(st *stage) {
		s := &scene{stage: st, caller: st.call("1000", 300)}
		(<-st.dialled).End(leg.Busy)
		s.heard("in the queue", "600", "", "")
		s.wish("bob", routing.Ready)
		bob := s.rings("bob")
		bob.pickUp()
		after(time.Second)
		bob.End(leg.AgentHangup)
		if r := s.record(); r.End != leg.FlowHangup || r.Agent != "bob" || len(r.Transfers) != 0 || !slices.Equal(nodes(r), []string{"start", "queue"}) {
			t.Errorf("record: end %v agent %q path %v", r.End, r.Agent, nodes(r))
		}
	})
}

// TestVoicemail: what is long enough is kept for its mailbox, also when the
// caller hangs up; what is not is none.
func TestVoicemail(t *testing.T) {
	const flow = head + `
  start:
    voicemail: {mailbox: fraud, play: t500, max: 10s, silence: 2s, min: 2s}
    on: {ok: bye, empty: nothing}
  bye: {play: t1900, next: end}
  nothing: {play: t1500, next: end}
`
	for name, c := range map[string]struct {
		freq float64
		does func(p *party)
		path []string
		kept int64 // milliseconds at least; 0: nothing
	}{
		"ends by key":        {300, func(p *party) { after(4 * time.Second); p.press("#") }, []string{"start", "bye"}, 2500},
		"ends by length":     {300, func(*party) {}, []string{"start", "bye"}, 9500},
		"hangs up":           {300, func(p *party) { after(4 * time.Second); p.End(leg.CallerHangup) }, []string{"start"}, 2500},
		"too short":          {300, func(p *party) { after(2 * time.Second); p.press("#") }, []string{"start", "nothing"}, 0},
		"hangs up too early": {300, func(p *party) { after(2 * time.Second); p.End(leg.CallerHangup) }, []string{"start"}, 0},
		"says nothing":       {0, func(*party) {}, []string{"start", "nothing"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, flow, func(s *stage) {
				c.does(s.call("1000", c.freq))
				r := s.record()
				if !slices.Equal(nodes(r), c.path) {
					t.Errorf("path %v, want %v", nodes(r), c.path)
				}
				if c.kept == 0 {
					if len(r.Messages) != 0 {
						t.Errorf("messages %+v", r.Messages)
					}
					return
				}
				if len(r.Messages) != 1 || r.Messages[0].Mailbox != "fraud" || r.Messages[0].Tag != "start" || r.Messages[0].ToMS-r.Messages[0].FromMS < c.kept {
					t.Errorf("messages %+v", r.Messages)
				}
			})
		})
	}
}

// TestEnqueuedWords: every end of a talk is one of a wait.
func TestEnqueuedWords(t *testing.T) {
	for from, want := range map[ivr.ConnectResult]ivr.EnqueueResult{
		ivr.ConnectEnded: ivr.EnqueueAnswered, ivr.ConnectNoAnswer: ivr.EnqueueTimeout, ivr.ConnectBusy: ivr.EnqueueFailed, ivr.ConnectFailed: ivr.EnqueueFailed, "": "",
	} {
		if got := enqueued(from); got != want {
			t.Errorf("%q is %q, want %q", from, got, want)
		}
	}
}

// TestTransferInVainFromAList: whom nobody takes is not lost, but comes to the
// next person of the node.
func TestTransferInVainFromAList(t *testing.T) {
	const flow = head + `
  start: {connect: {to: [alice, bob], hold: long}, on: {ok: end, busy: end, noanswer: end, error: end}}
`
	play(t, flow, func(st *stage) {
		s := &scene{stage: st, caller: st.call("1000", 300)}
		s.alice = st.rings("alice")
		s.alice.pickUp()
		after(time.Second)
		s.id = st.con.Live()[0]
		s.transfers("alice", Destination{Number: outside})
		s.number().End(leg.Busy)
		s.alice = st.rings("bob")
		s.alice.pickUp()
		s.heard("with bob", "1400", "300", "")
		s.caller.End(leg.CallerHangup)
		if r := s.record(); r.Agent != "bob" {
			t.Errorf("record: agent %q", r.Agent)
		}
	})
}
