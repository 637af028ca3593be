package call

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/routing"
)

const queueFlow = head + `
  start: {play: t500, recording: start, next: wait}
  wait:
    enqueue: {queue: support, value: 90, difficulty: 80, timeout: 1m, while: long}
    on: {answered: done, timeout: late, error: late}
  done: {play: t1100, next: end}
  late: {play: t1900, next: end}
`

// wish signs an agent in or out.
func (s *stage) wish(agent string, state routing.State) {
	s.t.Helper()
	if err := s.desk.Wish(context.Background(), agent, state, ""); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) agentIs(name string, want routing.State, reason string) {
	s.t.Helper()
	synctest.Wait()
	all, err := s.desk.Agents(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, a := range all {
		if a.Name == name && (a.State != want || a.Reason != reason) {
			s.t.Errorf("%s is %s %q, want %s %q", name, a.State, a.Reason, want, reason)
		}
	}
}

// rings waits for the leg of an agent.
func (s *stage) rings(agent string) *party {
	s.t.Helper()
	select {
	case p := <-s.dialled:
		if p.asked.User != agent {
			s.t.Fatalf("%s is rung, want %s", p.asked.User, agent)
		}
		return p
	case <-time.After(time.Minute):
		s.t.Fatalf("%s is not rung", agent)
		return nil
	}
}

func nodes(r recordings.Call) (names []string) {
	for _, s := range r.Path {
		names = append(names, s.Node)
	}
	return names
}

// TestQueue: music, the agent who becomes ready, both hear each other, wrap-up.
func TestQueue(t *testing.T) {
	play(t, queueFlow, func(s *stage) {
		p := s.call("1000", 300)
		after(5 * time.Second)
		if got := p.hears(2*time.Second, 300, 425, 600, 1400); got != "600" {
			t.Errorf("in the queue the caller hears %q", got)
		}
		s.wish("alice", routing.Ready)
		alice := s.rings("alice")
		after(3 * time.Second)
		s.agentIs("alice", routing.Reserved, "")
		if got := p.hears(2*time.Second, 300, 425, 600, 1400); got != "600" {
			t.Errorf("while it rings the caller hears %q", got)
		}
		alice.pickUp()
		after(time.Second)
		s.agentIs("alice", routing.Talking, "")
		if got := p.hears(500*time.Millisecond, 300, 600, 1400); got != "1400" {
			t.Errorf("the caller hears %q", got)
		}
		if got := alice.hears(500*time.Millisecond, 300, 600, 1400); got != "300" {
			t.Errorf("alice hears %q", got)
		}
		after(4 * time.Second)
		alice.End(leg.AgentHangup)
		after(300 * time.Millisecond)
		if got := p.hears(100*time.Millisecond, 300, 1100, 1400); got != "1100" {
			t.Errorf("after the talk the caller hears %q", got)
		}
		s.agentIs("alice", routing.WrapUp, "")
		r := s.record()
		if r.Queue != "support" || r.Agent != "alice" || r.WaitMS < 7000 || r.WaitMS > 8000 || r.TalkMS < 4900 || r.TalkMS > 5200 {
			t.Errorf("record: queue %q agent %q wait %d talk %d", r.Queue, r.Agent, r.WaitMS, r.TalkMS)
		}
		if r.Priority == nil || r.Priority.Total != 86 || len(r.Priority.Terms) != 2 {
			t.Errorf("priority %+v", r.Priority)
		}
		if got := tone.Heard(s.track(r.ID, media.TrackAgent), 30, 300, 600, 1400); !slices.Equal(got, []float64{1400}) {
			t.Errorf("the agent's track holds %v", got)
		}
		after(5 * time.Second)
		s.agentIs("alice", routing.Ready, "")
	})
}

// TestQueueNoAnswer: who does not answer is away, the next is rung, and the
// caller hears nothing of it but music.
func TestQueueNoAnswer(t *testing.T) {
	play(t, queueFlow, func(s *stage) {
		s.wish("alice", routing.Ready)
		after(time.Second)
		s.wish("bob", routing.Ready)
		p := s.call("1000", 300)
		alice := s.rings("alice")
		bob := s.rings("bob")
		<-alice.over
		if alice.reason != leg.Withdrawn {
			t.Errorf("alice's phone was left with %v", alice.reason)
		}
		s.agentIs("alice", routing.Away, routing.ReasonNoAnswer)
		if gaps := tone.Gaps(p.phone.Between(-8*time.Second, 0), -50, 100*time.Millisecond); len(gaps) > 0 {
			t.Errorf("the music has gaps: %v", gaps)
		}
		bob.End(leg.Refused)
		after(time.Second)
		s.agentIs("bob", routing.Away, routing.ReasonDeclined)
		s.wish("alice", routing.Ready)
		s.rings("alice").pickUp()
		after(time.Second)
		if got := p.hears(500*time.Millisecond, 300, 600, 1400); got != "1400" {
			t.Errorf("the caller hears %q", got)
		}
		p.End(leg.CallerHangup)
		if r := s.record(); r.Agent != "alice" || r.End != leg.CallerHangup {
			t.Errorf("record %+v", r)
		}
		s.agentIs("alice", routing.WrapUp, "")
	})
}

// TestQueueCallerGone: whoever is rung is free again, and not blamed.
func TestQueueCallerGone(t *testing.T) {
	play(t, queueFlow, func(s *stage) {
		p := s.call("1000", 300)
		after(4 * time.Second)
		s.wish("alice", routing.Ready)
		alice := s.rings("alice")
		after(time.Second)
		p.End(leg.CallerHangup)
		<-alice.over
		r := s.record()
		if r.Agent != "" || r.Queue != "support" || r.WaitMS < 4000 || r.WaitMS > 5000 || !slices.Equal(nodes(r), []string{"start", "wait"}) {
			t.Errorf("record: agent %q queue %q wait %d path %v", r.Agent, r.Queue, r.WaitMS, nodes(r))
		}
		s.agentIs("alice", routing.Ready, "")
		qs, err := s.desk.Queues(context.Background())
		if err != nil || qs[0].Waiting != 0 || qs[0].Abandoned != 1 {
			t.Errorf("queues %+v %v", qs, err)
		}
	})
}

// TestQueueTimeout: the flow goes on, also while somebody is rung.
func TestQueueTimeout(t *testing.T) {
	play(t, queueFlow, func(s *stage) {
		p := s.call("1000", 300)
		after(55 * time.Second)
		s.wish("alice", routing.Ready)
		alice := s.rings("alice")
		<-alice.over
		after(300 * time.Millisecond)
		if got := p.hears(100*time.Millisecond, 600, 1100, 1900); got != "1900" {
			t.Errorf("after the time-out the caller hears %q", got)
		}
		if r := s.record(); !slices.Equal(nodes(r), []string{"start", "wait", "late"}) || r.WaitMS != time.Minute.Milliseconds() {
			t.Errorf("record: path %v, wait %d", nodes(r), r.WaitMS)
		}
		s.agentIs("alice", routing.Ready, "")
	})
}

// TestQueueUnreachable: an agent without a phone is signed out and costs the
// caller nothing.
func TestQueueUnreachable(t *testing.T) {
	play(t, queueFlow, func(s *stage) {
		s.dialErr = errSpeechless
		s.wish("alice", routing.Ready)
		p := s.call("1000", 300)
		after(2 * time.Second)
		s.agentIs("alice", routing.Offline, routing.ReasonUnreachable)
		s.dialErr = nil
		s.wish("bob", routing.Ready)
		s.rings("bob").pickUp()
		after(time.Second)
		if got := p.hears(500*time.Millisecond, 300, 600, 1400); got != "1400" {
			t.Errorf("the caller hears %q", got)
		}
		p.End(leg.CallerHangup)
		s.record()
	})
}

// TestQueueOrder: the higher priority first, then who came first.
func TestQueueOrder(t *testing.T) {
	const flow = head + `
  start: {branch: [{if: 'caller.from == "vip"', then: high}, {else: low}]}
  low: {enqueue: {queue: support, value: 10}, on: {answered: end, timeout: end, error: end}}
  high: {enqueue: {queue: support, value: 100}, on: {answered: end, timeout: end, error: end}}
`
	play(t, flow, func(s *stage) {
		first := s.call("1000", 300)
		after(time.Second)
		second := s.call("1000", 350)
		after(time.Second)
		vip := s.party(400)
		vip.info = leg.Info{Direction: leg.Incoming, From: "vip", To: "1000"}
		go s.con.serve(context.Background(), vip)
		after(time.Second)
		s.wish("alice", routing.Ready)
		for _, want := range []*party{vip, first, second} {
			alice := s.rings("alice")
			alice.pickUp()
			after(time.Second)
			if got := want.hears(500*time.Millisecond, 425, 1400); got != "1400" {
				t.Errorf("%v Hz hears %q", want.freq, got)
			}
			want.End(leg.CallerHangup)
			s.record()
		}
	})
}

// TestQueueNews: told between the music, and not while somebody rings.
func TestQueueNews(t *testing.T) {
	const flow = head + `
  start:
    enqueue: {queue: support, while: long, news: {every: 10s, play: t900}}
    on: {answered: end, timeout: end, error: end}
`
	play(t, flow, func(s *stage) {
		s.script.Words = func(_, name string) string { return "words of " + name }
		p := s.call("1000", 300)
		after(10*time.Second + 400*time.Millisecond)
		if got := p.hears(200*time.Millisecond, 600, 900); got != "900" {
			t.Errorf("when the news are due the caller hears %q", got)
		}
		after(time.Second)
		if got := p.hears(500*time.Millisecond, 600, 900); got != "600" {
			t.Errorf("after the news the caller hears %q", got)
		}
		after(7 * time.Second)
		s.wish("alice", routing.Ready)
		alice := s.rings("alice")
		after(5 * time.Second)
		if got := p.hears(5*time.Second, 600, 900); got != "600" {
			t.Errorf("while it rings the caller hears %q", got)
		}
		alice.pickUp()
		after(12 * time.Second)
		if got := p.hears(10*time.Second, 600, 900, 1400); got != "1400" {
			t.Errorf("while they talk the caller hears %q", got)
		}
		alice.End(leg.AgentHangup)
		c := s.record()
		if got := s.words(c.ID); !slices.Equal(got, []string{"ivr prompt: words of t900"}) {
			t.Errorf("written down: %q", got)
		}
	})
}
