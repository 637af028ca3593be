package call

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// slow is a call that takes its time to begin.
type slow struct {
	*party
	goOn chan struct{}
}

func (s slow) Accept(session media.Session, o media.StreamOptions) (leg.Leg, error) {
	<-s.goOn
	return s.party.Accept(session, o)
}

// rejection waits for a call to be refused.
func (p *party) rejection() leg.EndReason {
	p.s.t.Helper()
	select {
	case r := <-p.rejected:
		return r
	case <-time.After(time.Minute):
		p.s.t.Fatal("the call was not rejected")
		return leg.EndReason{}
	}
}

func (s *stage) callSlowly() slow {
	p := slow{s.party(300), make(chan struct{})}
	p.info = leg.Info{Direction: leg.Incoming, From: "+8613800138000", To: "1000"}
	go s.con.serve(context.Background(), p)
	synctest.Wait()
	return p
}

// A call that is only beginning when the house hangs up must not outlive it.
func TestDrainEndsCallsThatAreBeginning(t *testing.T) {
	play(t, menu, func(s *stage) {
		p := s.callSlowly()
		drained := make(chan struct{})
		go func() { s.con.Drain(canceled()); close(drained) }()
		synctest.Wait()
		close(p.goOn)
		if r := s.record(); r.End != leg.Shutdown {
			t.Errorf("end %v", r.End)
		}
		<-drained
		late := s.call("1000", 300)
		if r := late.rejection(); r != leg.Shutdown {
			t.Errorf("a call after the drain was rejected by %v", r)
		}
	})
}

// stuck is a call whose media, or whose answer, waits for ever.
type stuck struct {
	*party
	goOn      chan struct{}
	answering bool // it is the answer; deaf: that heeds no context
	deaf      bool
}

func (p stuck) Accept(session media.Session, o media.StreamOptions) (leg.Leg, error) {
	_, err := p.party.Accept(session, o)
	return p, err
}

func (p stuck) Answer(ctx context.Context) error {
	if !p.answering {
		return p.party.Answer(ctx)
	}
	done := ctx.Done()
	if p.deaf {
		done = nil
	}
	select {
	case <-p.goOn:
		return errors.New("too late")
	case <-done:
		return ctx.Err()
	}
}

// stuckMedia makes sessions that do not close.
type stuckMedia struct {
	Media
	goOn chan struct{}
}

type stuckSession struct {
	media.Session
	goOn chan struct{}
}

func (m stuckMedia) NewSession(id string) (media.Session, error) {
	s, err := m.Media.NewSession(id)
	return stuckSession{s, m.goOn}, err
}

func (s stuckSession) Close() error {
	<-s.goOn
	return s.Session.Close()
}

func (s *stage) callStuck(answering, deaf bool) stuck {
	p := stuck{s.party(300), make(chan struct{}), answering, deaf}
	p.info = leg.Info{Direction: leg.Incoming, From: "+8613800138000", To: "1000"}
	go s.con.serve(context.Background(), p)
	synctest.Wait()
	return p
}

// drained is how long a drain takes whose limit is over.
func (s *stage) drained() time.Duration {
	from := time.Now()
	s.con.Drain(canceled())
	return time.Since(from)
}

// A hang-up during the answer, which waits for the far end, ends the call at once.
func TestDrainEndsAnAnswer(t *testing.T) {
	play(t, menu, func(s *stage) {
		p := s.callStuck(true, false)
		if d := s.drained(); d > time.Second {
			t.Errorf("the drain took %v", d)
		}
		if r := s.record(); r.End != leg.Shutdown || p.reason != leg.Shutdown {
			t.Errorf("the call ended by %v, the leg by %v", r.End, p.reason)
		}
	})
}

// Media that does not close costs the call time, and not its record.
func TestRecordIsFinishedWithoutTheMedia(t *testing.T) {
	play(t, menu, func(s *stage) {
		goOn := make(chan struct{})
		s.con.deps.Media = stuckMedia{s.con.deps.Media, goOn}
		p := s.call("1000", 300)
		after(2 * time.Second)
		p.End(leg.CallerHangup)
		from := time.Now()
		if r := s.record(); r.End != leg.CallerHangup || r.EndedAt.IsZero() {
			t.Errorf("record %+v", r)
		}
		if d := time.Since(from); d > 15*time.Second {
			t.Errorf("the record took %v", d)
		}
		if lines := s.log.errors(); len(lines) != 1 || !strings.Contains(lines[0], "media did not close") {
			t.Errorf("logged %q", lines)
		}
		close(goOn)
	})
}

// A call that heeds nothing does not keep a drain for ever; the log names it.
func TestDrainLeavesAStuckCall(t *testing.T) {
	play(t, menu, func(s *stage) {
		p := s.callStuck(true, true)
		id := s.con.Live()[0]
		if d := s.drained(); d != 20*time.Second {
			t.Errorf("the drain took %v", d)
		}
		if lines := s.log.errors(); len(lines) != 1 || !strings.Contains(lines[0], id) {
			t.Errorf("logged %q", lines)
		}
		close(p.goOn)
		s.record()
	})
}

// Whom the house hangs up on, it tells the truth: also the other parties.
func TestShutdownReachesTheOtherParties(t *testing.T) {
	talking(t, func(s *scene) {
		s.monitors(Listen)
		after(time.Second)
		s.con.Drain(canceled())
		s.record()
		for name, p := range map[string]*party{"caller": s.caller, "agent": s.alice, "supervisor": s.sue} {
			if p.reason != leg.Shutdown {
				t.Errorf("the %s's leg ended by %v", name, p.reason)
			}
		}
	})
	for _, answered := range []bool{false, true} {
		play(t, menu, func(s *stage) {
			p := s.call("1000", 300)
			after(2 * time.Second)
			p.press("2")
			alice := <-s.dialled
			if answered {
				alice.pickUp()
			}
			after(time.Second)
			s.con.Drain(canceled())
			s.record()
			if alice.reason != leg.Shutdown {
				t.Errorf("answered %v: the other leg ended by %v", answered, alice.reason)
			}
		})
	}
}

// Many calls may be told of the same last place before one of them has taken it.
func TestLimitHoldsForCallsThatAreBeginning(t *testing.T) {
	play(t, menu, func(s *stage) {
		s.con.cfg.MaxCalls = 1
		first := s.callSlowly()
		if s.con.Full() == 0 {
			t.Error("there is still room")
		}
		second := s.call("1000", 300)
		if r := second.rejection(); r != leg.NoCapacity {
			t.Errorf("rejected by %v", r)
		}
		if r := s.record(); r.End != leg.NoCapacity {
			t.Errorf("counted as %v", r.End)
		}
		close(first.goOn)
		time.Sleep(time.Second)
		first.End(leg.CallerHangup)
		s.record()
		synctest.Wait()
		if s.con.Full() != 0 {
			t.Error("the place was not given back")
		}
	})
}

// Nobody must talk to a phone that has lost its network.
func TestSilentAgentIsHungUp(t *testing.T) {
	play(t, menu, func(s *stage) {
		p := s.call("1000", 300)
		after(2 * time.Second)
		p.press("2")
		alice := <-s.dialled
		alice.pickUp()
		after(5 * time.Second)
		alice.phone.Mute()
		after(40 * time.Second)
		if alice.reason != leg.NoMedia {
			t.Errorf("alice's leg ended by %v", alice.reason)
		}
		if got := p.hears(500*time.Millisecond, 425, 600, 1400); got != "600" {
			t.Errorf("afterwards the caller hears %q", got)
		}
		p.End(leg.CallerHangup)
		s.record()
	})
}
