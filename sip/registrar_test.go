package sip

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/secret"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/sip/digest"
	"github.com/ivrd/ivrd/sip/wire"
)

func TestRegisterAndRing(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		p := w.deskPhone("alice", "203.0.113.5:5062")
		// Behind address translation: the contact is of no use.
		if ok := p.register("Contact: <sip:alice@10.0.0.9:5060>;expires=600"); ok.Status != 200 || !strings.Contains(ok.Get("Contact"), "10.0.0.9") {
			t.Fatalf("REGISTER got %d, %q", ok.Status, ok.Get("Contact"))
		}
		if !w.srv.Registered("alice") || w.srv.Registered("bob") || len(w.srv.Bindings("alice")) != 1 {
			t.Fatal("bindings are wrong")
		}
		l, _ := w.dial(DialRequest{User: "alice", From: "+8613800138000"})
		inv := p.expectRequest("INVITE")
		if inv.Target.Host != "10.0.0.9" {
			t.Errorf("Request-URI is %s", inv.URI)
		}
		p.reply(inv, 200, sdpAt("10.0.0.9", 5000))
		p.expectRequest("ACK") // to the source, not to 10.0.0.9
		await(t, l, leg.Answered)
		l.End(leg.FlowHangup)
		p.reply(p.expectRequest("BYE"), 200, "")
		time.Sleep(11 * time.Minute)
		if w.srv.Registered("alice") || w.srv.Counters().Bindings != 0 {
			t.Error("the binding outlived its time")
		}
	})
}

func TestFork(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		a, b, c := w.deskPhone("alice", "203.0.113.5:5062"), w.deskPhone("alice", "203.0.113.6:5062"), w.deskPhone("alice", "203.0.113.7:5062")
		for _, p := range []*phone{a, b, c} {
			p.register()
		}
		l, _ := w.dial(DialRequest{User: "alice"})
		ia, ib, ic := a.expectRequest("INVITE"), b.expectRequest("INVITE"), c.expectRequest("INVITE")
		a.reply(ia, 180, "")
		b.reply(ib, 180, "")
		c.reply(ic, 486, "")
		c.expectRequest("ACK")
		a.reply(ia, 200, sdpAt("203.0.113.5", 5000))
		a.expectRequest("ACK")
		await(t, l, leg.Answered)
		b.reply(b.expectRequest("CANCEL"), 200, "")
		b.reply(ib, 200, sdpAt("203.0.113.6", 5000)) // answered at the same moment
		b.expectRequest("ACK")
		b.reply(b.expectRequest("BYE"), 200, "")
		l.End(leg.FlowHangup)
		a.reply(a.expectRequest("BYE"), 200, "")
	})
}

func TestForkAllBusy(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		a, b := w.deskPhone("alice", "203.0.113.5:5062"), w.deskPhone("alice", "203.0.113.6:5062")
		a.register()
		b.register()
		l, _ := w.dial(DialRequest{User: "alice"})
		a.reply(a.expectRequest("INVITE"), 486, "")
		b.reply(b.expectRequest("INVITE"), 408, "")
		endsWith(t, l, leg.Busy)
	})
}

func TestUnregisterAndLimits(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		p := w.deskPhone("alice", "203.0.113.5:5062")
		p.register()
		if m := p.register("Contact: <sip:x@203.0.113.5>;expires=5"); m.Status != 423 || m.Get("Min-Expires") != "60" {
			t.Errorf("too short got %d", m.Status)
		}
		if m := p.register("Contact: *"); m.Status != 400 {
			t.Errorf("* without Expires: 0 got %d", m.Status)
		}
		if m := p.register("Contact: *", "Expires: 0"); m.Status != 200 || w.srv.Registered("alice") {
			t.Errorf("* got %d", m.Status)
		}
		if m := p.register("Contact: <sip:x@203.0.113.5>", "Expires: 99999999"); !strings.Contains(m.Get("Contact"), "expires=3600") {
			t.Errorf("longest time: %q", m.Get("Contact"))
		}
		for i := range 12 {
			m := p.register(fmt.Sprintf("Contact: <sip:x%d@203.0.113.5>", i))
			if want := i < maxBindings-1; (m.Status == 200) != want {
				t.Errorf("binding %d got %d", i, m.Status)
			}
		}
	})
}

func TestKnownAndUnknownLookAlike(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		shape := func(user, addr string) string {
			p := w.deskPhone(user, addr)
			p.send(p.request("REGISTER", ""))
			first := p.expect(401)
			p.toTag = ""
			creds := strings.Replace(p.answer(first, "REGISTER"), `response="`, `response="0`, 1)
			p.send(p.request("REGISTER", "", "Authorization: "+creds))
			return look(first) + look(p.expect(401))
		}
		if a, b := shape("alice", "203.0.113.5:5062"), shape("nobod", "203.0.113.6:5062"); a != b {
			t.Errorf("known and unknown users differ:\n%s\n%s", a, b)
		}
	})
}

// look is status, header names and their lengths.
func look(m *wire.Message) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s\n", m.Status, m.Reason)
	for _, h := range m.Headers {
		if n := h.Name; n != "Call-ID" && n != "Via" {
			fmt.Fprintf(&b, "%s %d\n", n, len(h.Value))
		}
	}
	return b.String()
}

func TestBruteForceIsBlocked(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		p := w.deskPhone("alice", "203.0.113.5:5062")
		try := func(good bool) int {
			p.toTag = ""
			p.send(p.request("REGISTER", ""))
			creds := p.answer(p.expect(401), "REGISTER")
			if !good {
				creds = strings.Replace(creds, `response="`, `response="0`, 1)
			}
			p.toTag = ""
			p.send(p.request("REGISTER", "", "Authorization: "+creds))
			return p.recv().Status
		}
		for range 10 {
			if got := try(false); got != 401 {
				t.Fatalf("wrong password got %d", got)
			}
		}
		if got := try(true); got != 403 {
			t.Errorf("the right password after ten failures got %d, want 403", got)
		}
		other := w.deskPhone("alice", "203.0.113.9:5062")
		if m := other.register(); m.Status != 200 {
			t.Errorf("from another address it got %d", m.Status)
		}
		time.Sleep(16 * time.Minute)
		if got := try(true); got != 200 {
			t.Errorf("after the block it got %d", got)
		}
	})
}

func TestNonceIsGoodOnceAndHere(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		p, thief := w.deskPhone("alice", "203.0.113.5:5062"), w.deskPhone("alice", "203.0.113.6:5062")
		p.send(p.request("REGISTER", ""))
		challenge := p.expect(401)
		creds := p.answer(challenge, "REGISTER")
		p.toTag = ""
		for _, x := range []struct {
			who  *phone
			want int
			wait time.Duration
		}{{thief, 401, 0}, {p, 200, 0}, {p, 401, 0}, {p, 401, 61 * time.Second}} {
			time.Sleep(x.wait)
			x.who.toTag = ""
			x.who.send(x.who.request("REGISTER", "", "Authorization: "+creds))
			m := x.who.expect(x.want)
			if x.want == 401 && !strings.Contains(m.Get("WWW-Authenticate"), "stale=true") {
				t.Errorf("a used nonce is not called stale: %s", m.Get("WWW-Authenticate"))
			}
		}
		if first := challenge.Get("WWW-Authenticate"); !strings.Contains(first, "SHA-256") {
			t.Errorf("first challenge is %s", first)
		}
	})
}

func TestOthersIdentityIsRefused(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		p := w.deskPhone("alice", "203.0.113.5:5062")
		p.send(p.request("REGISTER", ""))
		creds := p.answer(p.expect(401), "REGISTER")
		p.toTag, p.user = "", "bob"
		p.send(p.request("REGISTER", "", "Authorization: "+creds))
		p.expect(403)
	})
}

func TestPhoneCallsWithPassword(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		infos := make(chan leg.Info, 1)
		w.h.calls = func(_ context.Context, in *Incoming) {
			infos <- in.Info()
			in.Reject(leg.Busy)
		}
		p := w.deskPhone("alice", "203.0.113.5:5062")
		p.target = "sip:1000@ivrd.test"
		p.send(p.request("INVITE", sdpAt("203.0.113.5", 4000), "P-Asserted-Identity: <sip:boss@ivrd.test>"))
		challenge := p.expect(401)
		p.toTag = ""
		p.branch--
		p.ack("")
		p.branch++
		p.send(p.request("INVITE", sdpAt("203.0.113.5", 4000), "Authorization: "+p.answer(challenge, "INVITE"), "P-Asserted-Identity: <sip:boss@ivrd.test>"))
		p.expect(486)
		if info := <-infos; info.User != "alice" || info.From != "alice" || info.Trusted || info.Trunk != "" {
			t.Errorf("info is %+v", info)
		}
		p.toTag, p.target = "", "sip:9999@ivrd.test"
		p.callID = "another"
		p.send(p.request("INVITE", sdpAt("203.0.113.5", 4000)))
		challenge = p.expect(401)
		p.toTag = ""
		p.send(p.request("INVITE", sdpAt("203.0.113.5", 4000), "Authorization: "+p.answer(challenge, "INVITE")))
		p.expect(404)
	})
}

func TestWhoMayCall(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		called := 0
		w.h.calls = func(_ context.Context, in *Incoming) { called++; in.Reject(leg.Busy) }
		stranger := w.phone("203.0.113.66:5060")
		stranger.send(stranger.request("INVITE", sdpAt("203.0.113.66", 4000)))
		stranger.expect(403)
		p.target = "sip:777@192.0.2.1"
		p.send(p.request("INVITE", sdpAt("198.51.100.7", 4000)))
		p.expect(404)
		w.h.full = 7 * time.Second
		stranger.toTag = ""
		stranger.callID = "again"
		stranger.send(stranger.request("INVITE", sdpAt("203.0.113.66", 4000)))
		if m := stranger.expect(503); m.Get("Retry-After") != "7" {
			t.Errorf("Retry-After is %q", m.Get("Retry-After"))
		}
		p.toTag = ""
		p.send(p.request("OPTIONS", ""))
		p.expect(503)
		if called > 0 || w.srv.Counters().Legs > 0 {
			t.Error("a refused call reached the handler")
		}
		// Nothing is repeated to whoever has proved nothing.
		if m := stranger.tryRecv(time.Minute); m != nil {
			t.Errorf("%d was repeated to a stranger", m.Status)
		}
	})
}

func TestTrunkByDigest(t *testing.T) {
	cfg := testConfig()
	cfg.Trunks = append(cfg.Trunks, Trunk{Name: "pbx", Username: secret.New("pbx"), Password: secret.New("secret"), Domain: "pbx.test", Trusted: true, MaxCalls: 1})
	inWorld(t, cfg, func(t *testing.T, w *world, _ *phone) {
		legs := make(chan leg.Leg, 1)
		w.h.calls = answering(&fakeSession{}, legs)
		p := w.phone("203.0.113.80:5060")
		p.user, p.domain = "pbx", "pbx.test"
		p.send(p.request("INVITE", sdpAt("203.0.113.80", 4000)))
		challenge := p.expect(401)
		p.toTag = ""
		p.send(p.request("INVITE", sdpAt("203.0.113.80", 4000), "Authorization: "+p.answer(challenge, "INVITE"), "P-Asserted-Identity: <sip:+8610@pbx.test>"))
		p.expect(200)
		if info := (<-legs).Info(); info.Trunk != "pbx" || !info.Trusted || info.From != "+8610" || info.User != "" {
			t.Errorf("info is %+v", info)
		}
		q := w.phone("203.0.113.81:5060")
		q.user, q.domain = "pbx", "pbx.test"
		q.send(q.request("INVITE", sdpAt("203.0.113.81", 4000)))
		challenge = q.expect(401)
		q.toTag = ""
		q.send(q.request("INVITE", sdpAt("203.0.113.81", 4000), "Authorization: "+q.answer(challenge, "INVITE")))
		q.expect(503) // over the trunk's cap
	})
}

func TestUntrustedIdentityIsIgnored(t *testing.T) {
	cfg := testConfig()
	cfg.Trunks[0].Trusted = false
	for _, header := range []string{
		"P-Asserted-Identity: <sip:+1@x>", "P-Asserted-Identity : <sip:+1@x>", "p-asserted-identity:<sip:+1@x>", "P-Asserted-Identity:\r\n <sip:+1@x>",
		"P-ASSERTED-IDENTITY\t: tel:+1", "P-Asserted-Identity: <tel:+1>, <sip:+1@x>", "P-Preferred-Identity: <sip:+1@x>", "Remote-Party-ID: <sip:+1@x>",
	} {
		inWorld(t, cfg, func(t *testing.T, w *world, p *phone) {
			infos := make(chan leg.Info, 1)
			w.h.calls = func(_ context.Context, in *Incoming) {
				infos <- in.Info()
				in.Reject(leg.Busy)
			}
			p.send(p.request("INVITE", sdpAt("198.51.100.7", 4000), header))
			p.expect(486)
			if info := <-infos; info.From != "+8613800138000" || info.Trusted {
				t.Errorf("%q: info is %+v", header, info)
			}
		})
	}
}

func TestTrunkRegistersAndIsCalled(t *testing.T) {
	cfg := trunkWithPassword()
	cfg.Trunks[0].Match, cfg.Trunks[0].Register, cfg.Trunks[0].Expires = nil, true, 10*time.Minute
	inWorld(t, cfg, func(t *testing.T, w *world, p *phone) {
		reg := p.expectRequest("REGISTER")
		p.reply(reg, 401, "", "WWW-Authenticate: "+challenge256)
		again := p.expectRequest("REGISTER")
		if creds, ok := digest.Parse(again.Get("Authorization")); !ok || creds["username"] != "ivrd" || again.CallID != reg.CallID || again.CSeq != reg.CSeq+1 {
			t.Fatal("second REGISTER is wrong")
		}
		p.reply(again, 200, "", "Expires: 120")
		time.Sleep(time.Second)
		if !w.srv.TrunkStates()[0].Registered {
			t.Fatal("trunk does not count as registered")
		}
		infos := make(chan leg.Info, 1)
		w.h.calls = func(_ context.Context, in *Incoming) {
			infos <- in.Info()
			in.Reject(leg.Busy)
		}
		p.target = contactOf(again).String() // the carrier calls our contact, the number is in To
		p.send(p.request("INVITE", sdpAt("198.51.100.7", 4000)))
		p.expect(486)
		p.branch--
		p.ack("")
		p.branch++
		if info := <-infos; info.To != "1000" || info.Trunk != "pstn" {
			t.Errorf("info is %+v", info)
		}
		start := time.Now()
		p.wait = 2 * time.Minute
		refresh := p.expectRequest("REGISTER")
		if d := time.Since(start); d < 50*time.Second || d > 61*time.Second {
			t.Errorf("refresh after %v, want half of what was granted", d)
		}
		p.reply(refresh, 503, "")
		time.Sleep(time.Second)
		if !w.srv.TrunkStates()[0].Registered {
			t.Error("a failed refresh has ended what was granted for longer")
		}
		p.expectRequest("REGISTER")
		p.callID, p.toTag = "another", ""
		p.send(p.request("INVITE", sdpAt("198.51.100.7", 4000)))
		p.expect(486)
		<-infos
		time.Sleep(time.Minute)
		if w.srv.TrunkStates()[0].Registered {
			t.Error("trunk still counts as registered")
		}
	})
}

func TestTrunkKeepAlive(t *testing.T) {
	cfg := testConfig()
	cfg.Trunks[0].KeepAlive = 30 * time.Second
	inWorld(t, cfg, func(t *testing.T, w *world, p *phone) {
		p.wait = 2 * time.Minute
		p.reply(p.expectRequest("OPTIONS"), 404, "") // any answer will do
		p.reply(p.expectRequest("OPTIONS"), 200, "")
		if !w.srv.TrunkStates()[0].Up {
			t.Error("trunk is not up")
		}
		time.Sleep(3 * time.Minute) // no answers
		if w.srv.TrunkStates()[0].Up {
			t.Error("a silent trunk is up")
		}
	})
}

func TestSecretsDoNotPrint(t *testing.T) {
	cfg := trunkWithPassword()
	text := fmt.Sprintf("%v %+v %#v %s %q %x %d", cfg, cfg, cfg, cfg.Trunks[0].Password, cfg.Trunks[0].Password, cfg.Trunks[0].Password, cfg.Trunks[0].Password)
	for _, leak := range []string{"t0ps3cret", fmt.Sprintf("%x", "t0ps3cret")} {
		if strings.Contains(text, leak) {
			t.Errorf("printed: %s", text)
		}
	}
	_ = media.StreamOptions{}
}

// TestOldPhones offers baresip of Debian 12 what it can answer, and others all.
func TestOldPhones(t *testing.T) {
	for agent, want := range map[string]int{
		"baresip v1.0.0 (x86_64/linux)": 1, "baresip v3.10.1 (x86_64/linux)": 2, "not a baresip v1.0.0": 2,
	} {
		inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
			p := w.deskPhone("alice", "203.0.113.5:5062")
			p.send(p.request("REGISTER", "", "User-Agent: "+agent))
			challenges := strings.Join(p.expect(401).Values("WWW-Authenticate"), ",")
			if strings.Count(challenges, "algorithm=") != want || !strings.HasSuffix(challenges, "algorithm=MD5") {
				t.Errorf("%s is challenged by %q", agent, challenges)
			}
		})
	}
}
