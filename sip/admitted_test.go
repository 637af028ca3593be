package sip

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// TestRefusedInviteIsNotServedAgain: the very bytes that were refused do not
// come through as a repetition once the library has forgotten them.
func TestRefusedInviteIsNotServedAgain(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		w.h.calls = func(ctx context.Context, in *Incoming) {
			t.Errorf("a call of %q came through", in.Info().From)
			in.Reject(leg.Forbidden)
		}
		p := w.deskPhone("mallory", "203.0.113.66:5062")
		p.send(p.request("INVITE", sdpAt("203.0.113.66", 4000)))
		challenge := p.expect(401)
		p.toTag = ""
		refused := p.request("INVITE", sdpAt("203.0.113.66", 4000), "Authorization: "+p.answer(challenge, "INVITE"))
		p.send(refused)
		p.expect(401)
		p.send(p.requestSeq("ACK", p.seq, p.branch, ""))
		for range 20 { // until it is new again, and asked for credentials
			time.Sleep(3 * time.Second)
			p.send(refused)
			if m := p.tryRecv(time.Second); m != nil && m.Status != 401 {
				t.Fatalf("it was answered %d %s", m.Status, m.Reason)
			}
		}
	})
}

// TestInviteNeedsSomebody: without a trunk and without a proved user nobody is
// offered to the house, whatever has let them come so far.
func TestInviteNeedsSomebody(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		w.h.calls = func(_ context.Context, in *Incoming) { t.Error("a call of nobody"); in.Reject(leg.Forbidden) }
		raw := p.request("INVITE", sdpAt("198.51.100.7", 4000))
		f := flow{transport: "udp", source: netip.MustParseAddrPort(trunkPeer), udp: w.srv.udp.PacketConn}
		if w.srv.door.judge([]byte(raw), f) == nil {
			t.Fatal("the trunk's INVITE did not pass")
		}
		w.srv.door.admitted.mu.Lock()
		for _, adm := range w.srv.door.admitted.byKey {
			adm.trunk = nil
		}
		w.srv.door.admitted.mu.Unlock()
		p.send(raw)
		p.expect(403)
	})
}

// TestClaimsLeaveRoom: who only claims to be somebody cannot fill the table,
// and what runs already, and the trunks, go on.
func TestClaimsLeaveRoom(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		legs := make(chan leg.Leg, 2)
		w.h.calls = answering(&fakeSession{}, legs)
		p.call(sdpAt("198.51.100.7", 4000))
		await(t, <-legs, leg.Answered)
		flood := func(source netip.AddrPort, extra string, n int) (passed int) {
			_, challenge, _ := strings.Cut(w.srv.verifier.Challenges(source.Addr(), false)[0], `nonce="`)
			nonce, _, _ := strings.Cut(challenge, `"`)
			f := flow{transport: "udp", source: source, udp: w.srv.udp.PacketConn}
			for i := range n {
				raw := fmt.Sprintf("REGISTER sip:ivrd.test SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%d%d\r\nMax-Forwards: 70\r\nFrom: <sip:x@ivrd.test>;tag=1\r\n"+
					"To: <sip:x@ivrd.test>\r\nCall-ID: %s-%d\r\nCSeq: 1 REGISTER\r\nAuthorization: Digest username=\"x\", realm=\"ivrd.test\", nonce=%q, uri=\"sip:x\", response=\"x\"%s\r\n"+
					"Content-Length: 0\r\n\r\n", source, i, len(extra), source, i, nonce, extra)
				if w.srv.door.judge([]byte(raw), f) != nil {
					passed++
				}
			}
			return passed
		}
		if n := flood(netip.MustParseAddrPort("203.0.113.66:5062"), "", 100); n != 0 {
			t.Errorf("%d requests passed with credentials that prove nothing", n)
		}
		const usable = `, qop=auth, cnonce="c", nc=00000001`
		if n := flood(netip.MustParseAddrPort("203.0.113.66:5062"), usable, claimsPerSource+100); n != claimsPerSource {
			t.Errorf("%d claims of one source passed, want %d", n, claimsPerSource)
		}
		for host := range 60 {
			flood(netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 114, byte(host)}), 5062), usable, 500)
		}
		a := w.srv.door.admitted
		a.mu.Lock()
		if n := len(a.byKey); n > maxClaims+10 {
			t.Errorf("%d transactions are remembered", n)
		}
		a.mu.Unlock()
		p.send(p.request("BYE", ""))
		p.expect(200)
		q := w.phone("198.51.100.9:5060")
		q.call(sdpAt("198.51.100.9", 4000))
		time.Sleep(20 * time.Minute) // they are forgotten
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.claims) != 0 || a.total != 0 {
			t.Errorf("%d claims of %d sources are left", a.total, len(a.claims))
		}
	})
}

// TestByesCross: a request that comes while the call is ending is answered, and
// nobody waits for it for ever.
func TestByesCross(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		legs := make(chan leg.Leg, 1)
		w.h.calls = answering(&fakeSession{}, legs)
		p.call(sdpAt("198.51.100.7", 4000))
		l := <-legs
		await(t, l, leg.Answered)
		l.(*party).post(func() { time.Sleep(100 * time.Millisecond) }) // it is busy for a moment
		time.Sleep(time.Millisecond)
		go l.End(leg.FlowHangup)
		time.Sleep(time.Millisecond)
		p.send(p.request("BYE", ""))
		answered := false
		for m := p.tryRecv(4 * time.Second); m != nil; m = p.tryRecv(4 * time.Second) {
			if m.Method == "BYE" {
				p.reply(m, 200, "")
			}
			answered = answered || m.Status == 481 || m.Status == 200
		}
		if !answered {
			t.Error("the peer's BYE was not answered")
		}
	})
}

// slowSecrets take their time, as a database under load does.
type slowSecrets struct{ people }

func (s slowSecrets) HA1(ctx context.Context, user, realm, algorithm string) (string, bool) {
	time.Sleep(time.Second)
	return s.people.HA1(ctx, user, realm, algorithm)
}

// TestCancelBeforeTheCall: a CANCEL that comes while the caller's credentials
// are being looked up ends the INVITE as one that comes later does (§9.2).
func TestCancelBeforeTheCall(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		w.srv.deps.Secrets = slowSecrets{people{"alice"}}
		w.h.calls = func(ctx context.Context, in *Incoming) {
			<-ctx.Done()
			if _, err := in.Accept(&fakeSession{}, media.StreamOptions{}); AsReason(err) != leg.CallerCancel {
				t.Errorf("accepted: %v", err)
			}
		}
		p := w.deskPhone("alice", "203.0.113.5:5062")
		p.target = "sip:1000@ivrd.test"
		p.send(p.request("INVITE", sdpAt("203.0.113.5", 4000)))
		challenge := p.expect(401)
		p.toTag = ""
		p.send(p.request("INVITE", sdpAt("203.0.113.5", 4000), "Authorization: "+p.answer(challenge, "INVITE")))
		p.expect(100)
		p.send(p.requestSeq("CANCEL", p.seq, p.branch, ""))
		var got []int
		for m := p.tryRecv(10 * time.Second); m != nil; m = p.tryRecv(10 * time.Second) {
			if got = append(got, m.Status); m.Status == 487 {
				p.send(p.requestSeq("ACK", p.seq, p.branch, ""))
				return
			}
		}
		t.Errorf("answers after CANCEL: %v, want 487", got)
	})
}
