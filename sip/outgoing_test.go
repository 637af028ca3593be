package sip

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/internal/secret"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/sip/digest"
	"github.com/ivrd/ivrd/sip/wire"
)

func (w *world) dial(r DialRequest) (leg.Leg, *fakeSession) {
	w.t.Helper()
	s := &fakeSession{}
	l, err := w.srv.Dial(w.t.Context(), s, r)
	if err != nil {
		w.t.Fatal(err)
	}
	return l, s
}

func TestDialNumber(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		l, s := w.dial(DialRequest{Number: "+8613900000000", From: "+861012345", Asserted: true, DisplayName: `Bank "one"`})
		inv := p.expectRequest("INVITE")
		if inv.Target.User != "+8613900000000" || !strings.Contains(inv.Get("P-Asserted-Identity"), "+861012345@") || inv.From.URI.User != "+861012345" {
			t.Fatalf("INVITE is %+v", inv.Headers)
		}
		p.reply(inv, 100, "")
		p.reply(inv, 180, "")
		await(t, l, leg.Ringing)
		p.reply(inv, 183, sdpAt("198.51.100.8", 5000))
		await(t, l, leg.EarlyMedia)
		if s.streams[0].last(t).Addr.Port() != 5000 {
			t.Error("early media is not connected")
		}
		p.reply(inv, 200, sdpAt("198.51.100.8", 5000))
		ack := p.expectRequest("ACK")
		if ack.CSeq != inv.CSeq || ack.To.Tag() != p.tag {
			t.Error("ACK does not fit")
		}
		await(t, l, leg.Answered)
		p.reply(inv, 200, sdpAt("198.51.100.8", 5000)) // our ACK was lost
		p.expectRequest("ACK")
		l.End(leg.FlowHangup)
		p.reply(p.expectRequest("BYE"), 200, "")
		endsWith(t, l, leg.FlowHangup)
		if n := w.srv.TrunkStates()[0].Calls; n != 0 {
			t.Errorf("trunk still counts %d calls", n)
		}
	})
}

func TestPeerHangsUpOurCall(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		l, _ := w.dial(DialRequest{Number: "+8613900000000"})
		inv := p.expectRequest("INVITE")
		p.reply(inv, 200, sdpAt("198.51.100.8", 5000))
		p.expectRequest("ACK")
		await(t, l, leg.Answered)
		p.callID, p.toTag, p.target = inv.CallID, inv.From.Tag(), contactOf(inv).String()
		p.send(p.request("BYE", ""))
		p.expect(200)
		endsWith(t, l, leg.AgentHangup)
	})
}

func TestCancelWaitsForProvisional(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		l, _ := w.dial(DialRequest{Number: "+8613900000000"})
		inv := p.expectRequest("INVITE")
		l.End(leg.Withdrawn)
		endsWith(t, l, leg.Withdrawn)
		if m := p.tryRecv(300 * time.Millisecond); m != nil {
			t.Fatalf("%s came before any provisional response", m.Method)
		}
		p.reply(inv, 180, "")
		cancel := p.expectRequest("CANCEL")
		if cancel.Via.Branch() != inv.Via.Branch() || cancel.CSeq != inv.CSeq {
			t.Fatal("CANCEL does not match its INVITE")
		}
		p.reply(cancel, 200, "")
		p.reply(inv, 487, "")
		p.expectRequest("ACK")
	})
}

func TestLateAnswerAfterCancel(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		l, _ := w.dial(DialRequest{Number: "+8613900000000"})
		inv := p.expectRequest("INVITE")
		p.reply(inv, 180, "")
		await(t, l, leg.Ringing)
		l.End(leg.Withdrawn)
		p.reply(p.expectRequest("CANCEL"), 200, "")
		p.reply(inv, 200, sdpAt("198.51.100.8", 5000)) // they crossed
		p.expectRequest("ACK")
		p.reply(p.expectRequest("BYE"), 200, "")
	})
}

func TestNoAnswerTimesOut(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		l, _ := w.dial(DialRequest{Number: "+8613900000000", Timeout: 20 * time.Second})
		p.reply(p.expectRequest("INVITE"), 180, "")
		endsWith(t, l, leg.NoAnswer)
		p.expectRequest("CANCEL")
	})
}

func TestSilentTrunkIsUnreachable(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		l, _ := w.dial(DialRequest{Number: "+8613900000000"})
		start := time.Now()
		endsWith(t, l, leg.Unreachable)
		if d := time.Since(start); d < 30*time.Second || d > 35*time.Second {
			t.Errorf("gave up after %v", d)
		}
	})
}

func TestRefusalsOfPeer(t *testing.T) {
	for status, want := range map[int]leg.EndReason{486: leg.Busy, 603: leg.Busy, 404: leg.Unreachable, 403: leg.Refused, 488: leg.NoCodec, 302: leg.Refused} {
		inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
			l, _ := w.dial(DialRequest{Number: "+8613900000000"})
			inv := p.expectRequest("INVITE")
			p.reply(inv, status, "", "Contact: <sip:premium@203.0.113.66>") // a 302 is never followed
			p.expectRequest("ACK")
			e := await(t, l, leg.Ended)
			if e.Reason.Slug != want.Slug || e.Reason.Status != status {
				t.Errorf("%d ended the leg with %+v", status, e.Reason)
			}
			if m := p.tryRecv(time.Second); m != nil {
				t.Errorf("%s after the refusal", m.Method)
			}
		})
	}
}

func TestReliableProvisionalIsAcknowledged(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		l, _ := w.dial(DialRequest{Number: "+8613900000000"})
		inv := p.expectRequest("INVITE")
		p.reply(inv, 183, sdpAt("198.51.100.8", 5000), "Require: 100rel", "RSeq: 900")
		prack := p.expectRequest("PRACK")
		if prack.Get("RAck") != "900 1 INVITE" {
			t.Fatalf("RAck is %q", prack.Get("RAck"))
		}
		p.reply(prack, 200, "")
		await(t, l, leg.EarlyMedia)
		// Each has been looked at before the next comes: the library does not keep
		// the order of what is sent at once.
		p.reply(inv, 183, sdpAt("198.51.100.8", 5000), "Require: 100rel", "RSeq: 900") // repeated
		synctest.Wait()
		p.reply(inv, 180, "", "Require: 100rel", "RSeq: 902") // out of order
		synctest.Wait()
		p.reply(inv, 180, "", "Require: 100rel", "RSeq: 901")
		if again := p.expectRequest("PRACK"); again.Get("RAck") != "901 1 INVITE" || again.CSeq != prack.CSeq+1 {
			t.Fatalf("second PRACK has RAck %q, CSeq %d", again.Get("RAck"), again.CSeq)
		}
		await(t, l, leg.Ringing)
		p.reply(inv, 200, sdpAt("198.51.100.8", 5000))
		for {
			if m := p.recv(); m.Method == "ACK" {
				break
			}
		}
		await(t, l, leg.Answered)
	})
}

func trunkWithPassword() Config {
	cfg := testConfig()
	cfg.Trunks[0].Username, cfg.Trunks[0].Password, cfg.Trunks[0].Realm = secret.New("ivrd"), secret.New("t0ps3cret"), "carrier"
	return cfg
}

const challenge256 = `Digest realm="carrier", nonce="abc", qop="auth", algorithm=SHA-256`

func TestChallengeOfTrunk(t *testing.T) {
	inWorld(t, trunkWithPassword(), func(t *testing.T, w *world, p *phone) {
		l, _ := w.dial(DialRequest{Number: "+8613900000000"})
		inv := p.expectRequest("INVITE")
		p.reply(inv, 407, "", `Proxy-Authenticate: Digest realm="carrier", nonce="abc", qop="auth", algorithm=MD5`, "Proxy-Authenticate: "+challenge256)
		p.expectRequest("ACK")
		again := p.expectRequest("INVITE")
		creds, ok := digest.Parse(again.Get("Proxy-Authorization"))
		if !ok || creds["algorithm"] != "SHA-256" || creds["username"] != "ivrd" || again.CSeq != inv.CSeq+1 {
			t.Fatalf("credentials are %v", creds)
		}
		p.reply(again, 407, "", "Proxy-Authenticate: "+challenge256) // wrong: not asked twice
		p.expectRequest("ACK")
		e := await(t, l, leg.Ended)
		if e.Reason.Status != 407 {
			t.Errorf("ended with %+v", e.Reason)
		}
	})
}

func TestForeignRealmGetsNoCredentials(t *testing.T) {
	inWorld(t, trunkWithPassword(), func(t *testing.T, w *world, p *phone) {
		l, _ := w.dial(DialRequest{Number: "+8613900000000"})
		p.reply(p.expectRequest("INVITE"), 401, "", `WWW-Authenticate: Digest realm="evil", nonce="abc", qop="auth", algorithm=MD5`)
		p.expectRequest("ACK")
		e := await(t, l, leg.Ended)
		if e.Reason.Status != 401 {
			t.Errorf("ended with %+v", e.Reason)
		}
		if strings.Contains(w.log.String(), "t0ps3cret") {
			t.Error("the log holds the password")
		}
	})
}

func TestByeIsNeverAuthenticated(t *testing.T) {
	inCall(t, func(t *testing.T, _ *world, p *phone, l leg.Leg, _ *fakeSession) {
		l.End(leg.FlowHangup)
		p.reply(p.expectRequest("BYE"), 407, "", "Proxy-Authenticate: "+challenge256) // CVE-2021-41158
		if m := p.tryRecv(10 * time.Second); m != nil {
			t.Fatalf("%s after a challenge to BYE", m.Method)
		}
	})
}

// TestChallengesInsideTrunkCall: the trunk asks for credentials for every
// request, and gets them once each.
func TestChallengesInsideTrunkCall(t *testing.T) {
	for _, allow := range []string{"INVITE, UPDATE", "INVITE"} {
		inWorld(t, trunkWithPassword(), func(t *testing.T, w *world, p *phone) {
			p.wait = 2 * time.Minute
			challenged := func(method string) *wire.Message {
				first := p.expectRequest(method)
				p.reply(first, 407, "", "Proxy-Authenticate: "+challenge256)
				if method == "INVITE" {
					p.expectRequest("ACK")
				}
				again := p.expectRequest(method)
				if creds, _ := digest.Parse(again.Get("Proxy-Authorization")); creds["username"] != "ivrd" || again.CSeq != first.CSeq+1 {
					t.Fatalf("second %s has CSeq %d and credentials %v", method, again.CSeq, creds)
				}
				return again
			}
			acknowledged := func(inv *wire.Message) {
				if ack := p.expectRequest("ACK"); ack.CSeq != inv.CSeq || ack.Get("Proxy-Authorization") != inv.Get("Proxy-Authorization") {
					t.Fatal("ACK lacks the credentials of its INVITE")
				}
			}
			l, _ := w.dial(DialRequest{Number: "+8613900000000"})
			inv := challenged("INVITE")
			timer := "Session-Expires: 90;refresher=uac"
			p.reply(inv, 200, sdpAt("198.51.100.8", 5000), "Allow: "+allow, timer)
			acknowledged(inv)
			await(t, l, leg.Answered)
			if strings.Contains(allow, "UPDATE") {
				p.reply(challenged("UPDATE"), 200, "", timer)
			} else {
				inv = challenged("INVITE")
				p.reply(inv, 200, sdpAt("198.51.100.8", 5000), timer)
				acknowledged(inv)
			}
			time.Sleep(time.Second)
			l.End(leg.FlowHangup)
			p.reply(challenged("BYE"), 407, "", "Proxy-Authenticate: "+challenge256) // wrong: not asked twice
			if m := p.tryRecv(10 * time.Second); m != nil {
				t.Fatalf("%s after the second challenge", m.Method)
			}
		})
	}
}

func TestOutboundIsDeniedByDefault(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		for name, r := range map[string]DialRequest{
			"no rule": {Number: "+19005551234"}, "no number": {Number: "alice@evil.test"}, "header": {Number: "+86\r\nX: y"},
			"uri": {URI: "sip:x@203.0.113.1"}, "two": {Number: "+8613900000000", User: "alice"}, "none": {},
		} {
			if _, err := w.srv.Dial(t.Context(), &fakeSession{}, r); AsReason(err) != leg.Forbidden {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.srv.Dial(t.Context(), &fakeSession{}, DialRequest{User: "alice"}); AsReason(err) != leg.Unreachable {
			t.Errorf("unregistered user: %v", err)
		}
		if m := p.tryRecv(time.Second); m != nil {
			t.Errorf("a leg went out: %s", m.Method)
		}
	})
}

func TestCapsAreReleasedOnce(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		number := DialRequest{Number: "+8613900000000", FromUser: "alice"}
		l1, _ := w.dial(number)
		l2, _ := w.dial(number)
		if _, err := w.srv.Dial(t.Context(), &fakeSession{}, number); AsReason(err) != leg.NoCapacity {
			t.Fatalf("third call: %v", err)
		}
		for _, l := range []leg.Leg{l1, l2} {
			l.End(leg.Withdrawn)
			l.End(leg.Withdrawn)
			endsWith(t, l, leg.Withdrawn)
		}
		l3, _ := w.dial(number)
		l4, _ := w.dial(number)
		if _, err := w.srv.Dial(t.Context(), &fakeSession{}, number); AsReason(err) != leg.NoCapacity {
			t.Fatalf("fifth call: %v", err)
		}
		l3.End(leg.Withdrawn)
		l4.End(leg.Withdrawn)
		_ = p
	})
}

func TestIntervalTooSmallIsRaised(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		w.dial(DialRequest{Number: "+8613900000000"})
		p.reply(p.expectRequest("INVITE"), 422, "", "Min-SE: 3600")
		p.expectRequest("ACK")
		if again := p.expectRequest("INVITE"); again.Get("Session-Expires") != "3600" || again.Get("Min-SE") != "3600" {
			t.Errorf("Session-Expires %q, Min-SE %q", again.Get("Session-Expires"), again.Get("Min-SE"))
		}
	})
}

func TestRecordRouteIsFollowed(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		l, _ := w.dial(DialRequest{Number: "+8613900000000"})
		inv := p.expectRequest("INVITE")
		proxy := w.phone("198.51.100.20:5070")
		p.reply(inv, 200, sdpAt("198.51.100.8", 5000), "Record-Route: <sip:198.51.100.30;lr>, <sip:198.51.100.20:5070;lr>")
		ack := proxy.expectRequest("ACK")
		if routes := ack.Values("Route"); len(routes) != 2 || !strings.Contains(routes[0], "198.51.100.20") || ack.Target.Host != "198.51.100.1" {
			t.Fatalf("routes are %v, target %s", routes, ack.URI)
		}
		await(t, l, leg.Answered)
		l.End(leg.FlowHangup)
		proxy.reply(proxy.expectRequest("BYE"), 200, "")
	})
}

func TestSecureCall(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		l, s := w.dial(DialRequest{URI: "sip:x@198.51.100.1", AllowURI: true, SRTP: SRTPbySDES})
		inv := p.expectRequest("INVITE")
		if !strings.Contains(string(inv.Body), "RTP/SAVP") || strings.Count(string(inv.Body), "a=crypto:") != 4 {
			t.Fatalf("offer is\n%s", inv.Body)
		}
		answer := strings.Replace(sdpAt("198.51.100.8", 5000, "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:"+strings.Repeat("QUJD", 10)), "RTP/AVP 0 8", "RTP/SAVP 8", 1)
		p.reply(inv, 200, answer)
		await(t, l, leg.Answered)
		r := s.streams[0].last(t)
		if r.SRTP == nil || r.SRTP.Suite != "AES_CM_128_HMAC_SHA1_80" || len(r.SRTP.Send) != 30 || len(r.SRTP.Receive) != 30 || r.Codec != media.PCMA {
			t.Fatalf("keys are %+v", r)
		}
	})
}

// Registered phones.

// register registers the phone as its user; the password is "secret".
func (p *phone) register(headers ...string) *wire.Message {
	p.t.Helper()
	p.send(p.request("REGISTER", "", headers...))
	challenge := p.expect(401)
	p.toTag = ""
	p.send(p.request("REGISTER", "", append(headers, "Authorization: "+p.answer(challenge, "REGISTER"))...))
	for {
		if m := p.recv(); m.Status != 100 {
			return m
		}
	}
}

func (p *phone) answer(challenge *wire.Message, method string) string {
	p.t.Helper()
	var values []string
	for _, h := range challenge.Headers {
		if h.Name == "WWW-Authenticate" {
			values = append(values, h.Value)
		}
	}
	params, ok := digest.Choose(values)
	if !ok {
		p.t.Fatalf("no challenge in %+v", challenge.Headers)
	}
	creds, err := digest.Answer(params, "ivrd.test", firstOf(p.account, p.user), "secret", method, p.target)
	if err != nil {
		p.t.Fatal(err)
	}
	return creds
}

func (w *world) deskPhone(user, addr string) *phone {
	p := w.phone(addr)
	p.user, p.domain, p.target = user, "ivrd.test", "sip:ivrd.test"
	return p
}
