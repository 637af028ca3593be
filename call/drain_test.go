package call

import (
	"context"
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
