package sip

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

const trunkPeer = "198.51.100.1:5060"

// inWorld runs a test in virtual time with a server and a caller at a trunk.
func inWorld(t *testing.T, cfg Config, f func(t *testing.T, w *world, p *phone)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cfg)
		defer w.close()
		f(t, w, w.phone(trunkPeer))
	})
}

func TestAnsweredCallEndsByCaller(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		session, legs := &fakeSession{}, make(chan leg.Leg, 1)
		w.h.calls = answering(session, legs)
		ok := p.call(sdpAt("198.51.100.7", 4000), "P-Asserted-Identity: <tel:+8613912345678>")
		if ok.Get("Contact") == "" || ok.Get("Allow") == "" || len(ok.Body) == 0 {
			t.Fatalf("200 lacks headers or SDP: %+v", ok.Headers)
		}
		l := <-legs
		await(t, l, leg.Answered)
		if info := l.Info(); info.From != "+8613912345678" || !info.Trusted || info.Trunk != "pstn" || info.To != "1000" {
			t.Fatalf("info is %+v", info)
		}
		r := session.streams[0].last(t)
		if r.Addr.String() != "198.51.100.7:4000" || r.Codec != media.PCMU || r.EventType != 101 || r.Direction != media.SendRecv {
			t.Fatalf("media was connected to %+v", r)
		}
		p.send(p.request("BYE", ""))
		p.expect(200)
		endsWith(t, l, leg.CallerHangup)
		if session.streams[0].closed != 1 {
			t.Fatal("stream was not closed")
		}
		// Every method is harmless now.
		l.End(leg.FlowHangup)
		if l.Ring(true) != nil || l.Answer(t.Context()) != nil {
			t.Fatal("methods of an ended leg fail")
		}
	})
}

func TestAnsweredCallEndsByUs(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		legs := make(chan leg.Leg, 1)
		w.h.calls = answering(&fakeSession{}, legs)
		p.call(sdpAt("198.51.100.7", 4000))
		l := <-legs
		await(t, l, leg.Answered)
		l.End(leg.FlowHangup)
		endsWith(t, l, leg.FlowHangup)
		bye := p.expectRequest("BYE")
		if bye.To.Tag() != p.tag || bye.From.Tag() != p.toTag {
			t.Fatal("BYE has the wrong tags")
		}
		p.reply(bye, 200, "")
		if m := p.tryRecv(time.Minute); m != nil {
			t.Fatalf("something came after the end: %s %d", m.Method, m.Status)
		}
	})
}

func TestLostAckEndsCall(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		legs := make(chan leg.Leg, 1)
		w.h.calls = answering(&fakeSession{}, legs)
		start := time.Now()
		p.send(p.request("INVITE", sdpAt("198.51.100.7", 4000)))
		p.expect(200)
		l := <-legs
		var gaps []time.Duration
		last := time.Now()
		for {
			m := p.tryRecv(time.Minute)
			if m == nil {
				t.Fatal("nothing more came")
			}
			if m.Method == "BYE" {
				p.reply(m, 200, "")
				break
			}
			if m.Status != 200 {
				t.Fatalf("got %d", m.Status)
			}
			gaps = append(gaps, time.Since(last))
			last = time.Now()
		}
		if since := time.Since(start); since < 31*time.Second || since > 37*time.Second {
			t.Errorf("gave up after %v, want 64*T1", since)
		}
		if len(gaps) < 8 || gaps[0] != 500*time.Millisecond || gaps[1] != time.Second || gaps[4] != 4*time.Second {
			t.Errorf("200 was repeated after %v", gaps)
		}
		endsWith(t, l, leg.NoAck)
	})
}

func TestDelayedOffer(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		session, legs := &fakeSession{}, make(chan leg.Leg, 1)
		w.h.calls = answering(session, legs)
		p.send(p.request("INVITE", ""))
		ok := p.expect(200)
		if len(ok.Body) == 0 {
			t.Fatal("200 holds no offer")
		}
		p.target = contactOf(ok).String()
		p.ack(sdpAt("198.51.100.7", 4100))
		l := <-legs
		await(t, l, leg.Answered)
		if r := session.streams[0].last(t); r.Addr.Port() != 4100 {
			t.Fatalf("media was connected to %v", r.Addr)
		}
	})
}

func TestDelayedOfferWithoutAnswer(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		legs := make(chan leg.Leg, 1)
		w.h.calls = answering(&fakeSession{}, legs)
		p.send(p.request("INVITE", ""))
		p.target = contactOf(p.expect(200)).String()
		p.ack("")
		p.expectRequest("BYE")
		endsWith(t, <-legs, leg.BadRequest)
	})
}

func TestCancelBeforeAnswer(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		ringing, gone := make(chan leg.Leg, 1), make(chan struct{})
		w.h.calls = func(ctx context.Context, in *Incoming) {
			l, _ := in.Accept(&fakeSession{}, media.StreamOptions{})
			_ = l.Ring(false)
			ringing <- l
			<-ctx.Done()
			if l.Answer(ctx) == nil {
				t.Error("a cancelled call is said to be answered")
			}
			close(gone)
		}
		p.send(p.request("INVITE", sdpAt("198.51.100.7", 4000)))
		ring := p.expect(180)
		p.toTag = ""
		p.branch--
		p.send(p.request("CANCEL", ""))
		if got := []int{p.recv().Status, p.recv().Status}; got[0]+got[1] != 200+487 {
			t.Fatalf("CANCEL was answered with %v", got)
		}
		p.toTag = ring.To.Tag()
		p.branch--
		p.ack("")
		endsWith(t, <-ringing, leg.CallerCancel)
		<-gone
	})
}

func TestCancelAfterAnswerHasNoEffect(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		legs := make(chan leg.Leg, 1)
		w.h.calls = answering(&fakeSession{}, legs)
		p.send(p.request("INVITE", sdpAt("198.51.100.7", 4000)))
		ok := p.expect(200)
		tag := p.toTag
		p.toTag = ""
		p.branch--
		p.send(p.request("CANCEL", ""))
		for { // the 200 to CANCEL, among repetitions of the other
			if m := p.recv(); m.Get("CSeq") == "1 CANCEL" {
				if m.Status != 200 {
					t.Fatalf("CANCEL got %d", m.Status)
				}
				break
			}
		}
		p.toTag, p.target = tag, contactOf(ok).String()
		p.ack("")
		l := <-legs
		await(t, l, leg.Answered)
		p.send(p.request("BYE", ""))
		p.expect(200)
		endsWith(t, l, leg.CallerHangup)
	})
}

func TestCancelOfNothing(t *testing.T) {
	inWorld(t, testConfig(), func(_ *testing.T, _ *world, p *phone) {
		p.seq = 1
		p.send(p.request("CANCEL", ""))
		p.expect(481)
	})
}

// TestWhoIsVouchedFor: the address in a description is believed of trusted
// trunks and of those whom we call.
func TestWhoIsVouchedFor(t *testing.T) {
	for _, trusted := range []bool{true, false} {
		cfg := testConfig()
		cfg.Trunks[0].Trusted = trusted
		inWorld(t, cfg, func(t *testing.T, w *world, p *phone) {
			legs := make(chan leg.Leg, 1)
			s := &fakeSession{}
			w.h.calls = answering(s, legs)
			p.call(sdpAt("192.0.2.77", 4000))
			await(t, <-legs, leg.Answered)
			r := s.streams[0].last(t)
			if r.Vouched != trusted || r.Signalling != netip.MustParseAddr("198.51.100.1") || r.Addr.Addr() != netip.MustParseAddr("192.0.2.77") {
				t.Errorf("trusted %v: %+v", trusted, r)
			}
		})
	}
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		l, s := w.dial(DialRequest{Number: "+8613900000000"})
		p.reply(p.expectRequest("INVITE"), 200, sdpAt("192.0.2.77", 5000))
		p.expectRequest("ACK")
		await(t, l, leg.Answered)
		if r := s.streams[0].last(t); !r.Vouched {
			t.Errorf("whom we have called is not vouched for: %+v", r)
		}
	})
}
