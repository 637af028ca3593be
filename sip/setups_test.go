package sip

import (
	"context"
	"net/netip"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// begins sends an INVITE of a call of its own.
func (p *phone) begins(n int) {
	p.callID, p.toTag, p.target = "call-"+strconv.Itoa(n)+"-"+token(), "", "sip:1000@"+p.server.String()
	p.send(p.request("INVITE", sdpAt("198.51.100.7", 4000)))
}

// slowly is a handler that takes a call when it is let go on, and answers.
func slowly(goOn <-chan struct{}, legs chan<- leg.Leg) func(context.Context, *Incoming) {
	answer := answering(&fakeSession{}, legs)
	return func(ctx context.Context, in *Incoming) {
		<-goOn
		answer(ctx, in)
	}
}

// While what has been begun is late, who comes is sent away: from a trunk and
// from a page. Who is there is served.
func TestLateSetupsRefuseNewCalls(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		goOn, legs := make(chan struct{}), make(chan leg.Leg, 2*setupsAtLeast)
		w.h.calls = answering(&fakeSession{}, legs)
		running := w.phone("198.51.100.2:5060")
		running.call(sdpAt("198.51.100.7", 4000))
		up := <-legs
		page, _ := w.openPage("alice", "alice~1", "203.0.113.9:40000")
		page.begin()

		w.h.set(slowly(goOn, legs))
		for n := range setupsAtLeast {
			p.begins(n)
			p.expect(100)
		}
		time.Sleep(setupLimit)
		p.begins(100)
		p.expect(100) // they are not late yet
		time.Sleep(time.Millisecond)
		p.begins(101)
		m := p.expect(503)
		if wait, err := strconv.Atoi(m.Get("Retry-After")); err != nil || wait < 2 || wait > 4 {
			t.Errorf("told to come again after %q", m.Get("Retry-After"))
		}
		page.target = "sip:1000@ivrd.test"
		page.send(page.request("INVITE", webSDP("page", "actpass")))
		page.expect(503)
		if got := w.srv.Counters().Busy; got != 2 {
			t.Errorf("%d were counted", got)
		}
		running.send(running.request("BYE", ""))
		running.expect(200)
		endsWith(t, up, leg.CallerHangup)

		close(goOn)
		for range setupsAtLeast + 1 {
			p.expect(200)
		}
		p.begins(102)
		p.expect(100)
	})
}

// A call that has waited to be read is one too many; what belongs to a call is
// served however late.
func TestLateMessages(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		legs := make(chan leg.Leg, 1)
		w.h.calls = answering(&fakeSession{}, legs)
		p.call(sdpAt("198.51.100.7", 4000))
		up := <-legs
		bye := p.request("BYE", "")
		time.Sleep(time.Second)
		peer := netip.MustParseAddrPort(trunkPeer)
		passes := func(raw string, waited time.Duration) bool {
			f := flow{transport: "udp", source: peer, udp: w.srv.udp.PacketConn, came: time.Now().Add(-waited)}
			return w.srv.door.judge([]byte(raw), f) != nil
		}
		p.toTag, p.target = "", "sip:1000@"+serverAddr
		for n, waited := range []time.Duration{setupLimit + time.Millisecond, setupLimit, -time.Hour} {
			p.callID = "late-" + strconv.Itoa(n)
			if want := waited <= setupLimit; passes(p.request("INVITE", sdpAt("198.51.100.7", 4000)), waited) != want {
				t.Errorf("taken after %v: %t", waited, !want)
			}
		}
		p.expect(503)
		if !passes(bye, 10*time.Second) {
			t.Error("a BYE was refused")
		}
		up.End(leg.FlowHangup)
		endsWith(t, up, leg.FlowHangup)
	})
}

// A few that are slow say nothing about the machine, and a call that rings has
// had its word.
func TestFewOrRingingSetupsRefuseNobody(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		w.h.calls = func(ctx context.Context, in *Incoming) {
			l, err := in.Accept(&fakeSession{}, media.StreamOptions{})
			if err == nil {
				_ = l.Ring(false)
			}
			<-ctx.Done()
		}
		for n := range 2 * setupsAtLeast {
			p.begins(n)
			p.expect(180)
		}
		w.h.set(func(ctx context.Context, _ *Incoming) { <-ctx.Done() })
		for n := range setupsAtLeast - 1 {
			p.begins(n)
			p.expect(100)
		}
		time.Sleep(10 * time.Second)
		p.begins(100)
		p.expect(100)
	})
}

// Whatever ends a set-up takes it off the list.
func TestSetupsEnd(t *testing.T) {
	for name, end := range map[string]func(*phone){
		"cancelled": func(p *phone) { p.send(p.requestSeq("CANCEL", p.seq, p.branch, "")) },
		"too long":  func(*phone) { time.Sleep(4 * time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
				w.h.calls = func(ctx context.Context, _ *Incoming) { <-ctx.Done() }
				p.begins(1)
				p.expect(100)
				if n := w.srv.door.setups.size(); n != 1 {
					t.Fatalf("%d set-ups", n)
				}
				end(p)
				synctest.Wait()
				if n := w.srv.door.setups.size(); n != 0 {
					t.Errorf("%d set-ups are left", n)
				}
			})
		})
	}
	var s setups
	e := s.begin(time.Now())
	s.end(e)
	s.end(e)
	s.end(nil)
	if s.all.Len() != 0 {
		t.Error("counted twice")
	}
}

func (s *setups) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Len()
}
