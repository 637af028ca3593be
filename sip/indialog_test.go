package sip

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// inCall runs a test with an answered call.
func inCall(t *testing.T, f func(t *testing.T, w *world, p *phone, l leg.Leg, s *fakeSession), headers ...string) {
	t.Helper()
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		session, legs := &fakeSession{}, make(chan leg.Leg, 1)
		w.h.calls = answering(session, legs)
		p.call(sdpAt("198.51.100.7", 4000), headers...)
		l := <-legs
		await(t, l, leg.Answered)
		f(t, w, p, l, session)
	})
}

func TestHoldAndResume(t *testing.T) {
	for name, hold := range map[string]string{
		"sendonly": sdpVersion("198.51.100.7", 4000, 2, "a=sendonly"),
		"inactive": sdpVersion("198.51.100.7", 4000, 2, "a=inactive"),
		"old":      sdpVersion("0.0.0.0", 4000, 2),
	} {
		t.Run(name, func(t *testing.T) {
			inCall(t, func(t *testing.T, _ *world, p *phone, l leg.Leg, s *fakeSession) {
				p.send(p.request("INVITE", hold))
				ok := p.expect(200)
				if strings.Contains(string(ok.Body), "a=sendrecv") {
					t.Errorf("answer to hold is %s", ok.Body)
				}
				p.ack("")
				await(t, l, leg.Held)
				if r := s.streams[0].last(t); r.Direction == media.SendRecv || r.Addr.String() != "198.51.100.7:4000" {
					t.Errorf("media on hold: %+v", r)
				}
				p.send(p.request("UPDATE", sdpVersion("198.51.100.9", 4002, 3)))
				p.expect(200)
				await(t, l, leg.Resumed)
				if r := s.streams[0].last(t); r.Direction != media.SendRecv || r.Addr.String() != "198.51.100.9:4002" {
					t.Errorf("media after resume: %+v", r)
				}
			})
		})
	}
}

func TestReinviteSameVersionChangesNothing(t *testing.T) {
	inCall(t, func(t *testing.T, _ *world, p *phone, _ leg.Leg, s *fakeSession) {
		before := s.streams[0].connects()
		p.send(p.request("INVITE", sdpAt("198.51.100.7", 4000)))
		p.expect(200)
		p.ack("")
		if s.streams[0].connects() != before {
			t.Error("a refresh connected the stream again")
		}
	})
}

func TestFailedReinviteLeavesSession(t *testing.T) {
	inCall(t, func(t *testing.T, _ *world, p *phone, l leg.Leg, s *fakeSession) {
		before := s.streams[0].connects()
		for _, offer := range []string{
			strings.Replace(sdpVersion("198.51.100.7", 4000, 2), "RTP/AVP 0 8 101", "RTP/AVP 18", 1),
			sdpVersion("224.0.0.1", 4000, 2), sdpVersion("255.255.255.255", 4000, 2), sdpVersion("192.0.2.1", 5060, 2), sdpVersion("127.0.0.1", 20000, 2),
		} {
			p.send(p.request("INVITE", offer))
			p.expect(488)
			p.ack("")
		}
		p.send(p.request("INVITE", "v=0\r\nrubbish"))
		p.expect(400)
		p.ack("")
		if s.streams[0].connects() != before {
			t.Error("a refused offer reached media")
		}
		p.send(p.request("BYE", ""))
		p.expect(200)
		endsWith(t, l, leg.CallerHangup)
	})
}

func TestOfferlessReinvite(t *testing.T) {
	inCall(t, func(t *testing.T, _ *world, p *phone, _ leg.Leg, s *fakeSession) {
		p.send(p.request("INVITE", ""))
		if ok := p.expect(200); len(ok.Body) == 0 {
			t.Fatal("no offer in 200")
		}
		p.ack(sdpVersion("198.51.100.7", 4242, 2))
		p.send(p.request("OPTIONS", ""))
		p.expect(200) // the ACK has been worked off when this comes
		if r := s.streams[0].last(t); r.Addr.Port() != 4242 {
			t.Errorf("media is at %v", r.Addr)
		}
	})
}

// secureAt is an offer, or the answer to one of ours, by SDES.
func secureAt(addr string, port, version int) string {
	key := "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:" + strings.Repeat("QUJD", 10)
	return strings.Replace(sdpVersion(addr, port, version, key), "RTP/AVP", "RTP/SAVP", 1)
}

// inSecureCall is inCall with an offer by SDES.
func inSecureCall(t *testing.T, f func(t *testing.T, p *phone, l leg.Leg, s *fakeStream)) {
	t.Helper()
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		session, legs := &fakeSession{}, make(chan leg.Leg, 1)
		w.h.calls = answering(session, legs)
		p.call(strings.Replace(secureAt("198.51.100.7", 4000, 1), "SAVP 0 8", "SAVP 8 0", 1))
		l := <-legs
		await(t, l, leg.Answered)
		f(t, p, l, session.streams[0])
	})
}

// offersTheSame checks an offer inside inSecureCall's call.
func offersTheSame(t *testing.T, offer []byte) {
	t.Helper()
	if text := string(offer); !strings.Contains(text, "RTP/SAVP 8 0 9 101\r\n") || strings.Count(text, "a=crypto:") != 1 ||
		!strings.Contains(text, "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:") {
		t.Errorf("a secure call is offered\n%s", text)
	}
}

func TestRefreshOfSecureCallStaysSecure(t *testing.T) {
	inSecureCall(t, func(t *testing.T, p *phone, _ leg.Leg, s *fakeStream) {
		before := s.last(t)
		p.wait = time.Hour
		re := p.expectRequest("INVITE")
		offersTheSame(t, re.Body)
		p.reply(re, 200, strings.Replace(secureAt("198.51.100.7", 4002, 2), "SAVP 0 8", "SAVP 8", 1))
		p.expectRequest("ACK")
		p.send(p.request("OPTIONS", ""))
		p.expect(200) // the answer has been worked off when this comes
		r := s.last(t)
		if r.Addr.Port() != 4002 || r.SRTP == nil || !bytes.Equal(r.SRTP.Send, before.SRTP.Send) || r.Codec != media.PCMA {
			t.Errorf("media after the refresh: %+v", r)
		}
	})
}

func TestSecureCallIsNeverLowered(t *testing.T) {
	inSecureCall(t, func(t *testing.T, p *phone, l leg.Leg, s *fakeStream) {
		before := s.connects()
		for _, method := range []string{"UPDATE", "INVITE"} {
			p.send(p.request(method, sdpVersion("198.51.100.7", 4000, 2)))
			p.expect(488)
		}
		p.send(p.requestSeq("ACK", p.seq, p.branch, ""))
		p.wait = time.Hour
		re := p.expectRequest("INVITE")
		p.reply(re, 200, sdpVersion("198.51.100.7", 4000, 2))
		if got := []string{p.recv().Method, p.recv().Method}; !slices.Contains(got, "ACK") || !slices.Contains(got, "BYE") {
			t.Errorf("got %v, want ACK and BYE, which go their own ways", got)
		}
		endsWith(t, l, leg.NoCodec)
		if s.connects() != before {
			t.Error("media was told to go on in the clear")
		}
	})
}

func TestOfferlessReinviteOfSecureCall(t *testing.T) {
	inSecureCall(t, func(t *testing.T, p *phone, l leg.Leg, s *fakeStream) {
		before := s.connects()
		p.send(p.request("INVITE", ""))
		offersTheSame(t, p.expect(200).Body)
		p.ack(sdpVersion("198.51.100.7", 4000, 2))
		p.expectRequest("BYE")
		endsWith(t, l, leg.NoCodec)
		if s.connects() != before {
			t.Error("media was told to go on in the clear")
		}
	})
}

func TestOverlappingReinvite(t *testing.T) {
	inCall(t, func(t *testing.T, _ *world, p *phone, _ leg.Leg, _ *fakeSession) {
		p.send(p.request("INVITE", sdpVersion("198.51.100.7", 4000, 2)))
		p.expect(200) // not acknowledged yet
		p.send(p.request("INVITE", sdpVersion("198.51.100.7", 4000, 3)))
		for {
			m := p.recv()
			if m.Get("CSeq") == "3 INVITE" && m.Status != 100 {
				if m.Status != 500 || m.Get("Retry-After") == "" {
					t.Fatalf("second INVITE got %d", m.Status)
				}
				return
			}
		}
	})
}

func TestOldCSeqIsRefused(t *testing.T) {
	inCall(t, func(_ *testing.T, _ *world, p *phone, _ leg.Leg, _ *fakeSession) {
		p.seq = 10
		p.send(p.request("OPTIONS", ""))
		p.expect(200)
		p.seq = 5
		p.send(p.request("INFO", ""))
		p.expect(500)
	})
}

func TestForeignTagsAreRefused(t *testing.T) {
	inCall(t, func(t *testing.T, _ *world, p *phone, l leg.Leg, _ *fakeSession) {
		mine, theirs := p.tag, p.toTag
		p.tag = "somebody-else"
		p.send(p.request("BYE", ""))
		p.expect(481)
		p.tag, p.toTag = mine, "unknown"
		p.send(p.request("BYE", ""))
		p.expect(481)
		p.toTag = theirs
		p.send(p.request("BYE", ""))
		p.expect(200)
		endsWith(t, l, leg.CallerHangup)
	})
}

func TestInfoAndReferInDialog(t *testing.T) {
	inCall(t, func(_ *testing.T, _ *world, p *phone, _ leg.Leg, _ *fakeSession) {
		p.send(p.request("INFO", ""))
		p.expect(200)
		p.send(p.request("REFER", "", "Refer-To: <sip:mallory@203.0.113.1>"))
		p.expect(405)
	})
}

func ringing(s media.Session, sound bool, legs chan<- leg.Leg) func(context.Context, *Incoming) {
	return func(ctx context.Context, in *Incoming) {
		l, err := in.Accept(s, media.StreamOptions{})
		if err != nil {
			return
		}
		_ = l.Ring(sound)
		if l.Answer(ctx) == nil {
			legs <- l
		}
	}
}

func TestReliableEarlyMedia(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		session, legs := &fakeSession{}, make(chan leg.Leg, 1)
		w.h.calls = ringing(session, true, legs)
		p.send(p.request("INVITE", sdpAt("198.51.100.7", 4000), "Require: 100rel"))
		progress := p.expect(183)
		if !strings.Contains(progress.Get("Require"), "100rel") || len(progress.Body) == 0 {
			t.Fatal("183 is not reliable or has no SDP")
		}
		synctest.Wait() // the stream is connected once the 183 is sent
		session.streams[0].last(t)
		// It is repeated until the PRACK, and the 200 waits for it.
		if again := p.expect(183); again.Get("RSeq") != progress.Get("RSeq") {
			t.Fatal("another response instead of a repetition")
		}
		p.target = contactOf(progress).String()
		invite := p.seq
		p.send(p.request("PRACK", "", "RAck: 1 1 INVITE"))
		p.expect(481)
		p.send(p.request("PRACK", "", "RAck: "+progress.Get("RSeq")+" 1 INVITE"))
		var ok, prack bool
		for !ok || !prack {
			switch m := p.expect(200); m.Get("CSeq") {
			case "1 INVITE":
				ok = true
				if len(m.Body) > 0 {
					t.Error("200 repeats SDP that was acknowledged")
				}
			case "3 PRACK":
				prack = true
			}
		}
		p.send(p.requestSeq("ACK", invite, 99, ""))
		await(t, <-legs, leg.Answered)
	})
}

func TestNoPrackEndsCall(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		gone := make(chan error, 1)
		w.h.calls = func(ctx context.Context, in *Incoming) {
			l, _ := in.Accept(&fakeSession{}, media.StreamOptions{})
			_ = l.Ring(true)
			gone <- l.Answer(ctx)
		}
		p.wait = time.Minute
		p.send(p.request("INVITE", sdpAt("198.51.100.7", 4000), "Supported: 100rel"))
		start := time.Now()
		for {
			if m := p.recv(); m.Status == 504 {
				break
			} else if m.Status > 183 {
				t.Fatalf("got %d", m.Status)
			}
		}
		if d := time.Since(start); d < 31*time.Second || d > 65*time.Second {
			t.Errorf("gave up after %v", d)
		}
		<-gone
	})
}

func TestDelayedOfferInReliable183(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		session, legs := &fakeSession{}, make(chan leg.Leg, 1)
		w.h.calls = ringing(session, true, legs)
		p.send(p.request("INVITE", "", "Supported: 100rel"))
		progress := p.expect(183)
		if len(progress.Body) == 0 {
			t.Fatal("no offer")
		}
		p.target = contactOf(progress).String()
		p.send(p.request("PRACK", sdpAt("198.51.100.7", 4300), "RAck: "+progress.Get("RSeq")+" 1 INVITE"))
		p.expect(200)
		p.expect(200)
		p.send(p.requestSeq("ACK", 1, 99, ""))
		await(t, <-legs, leg.Answered)
		if r := session.streams[0].last(t); r.Addr.Port() != 4300 {
			t.Errorf("media at %v", r.Addr)
		}
	})
}

func TestPlainEarlyMedia(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		session, legs := &fakeSession{}, make(chan leg.Leg, 1)
		w.h.calls = ringing(session, true, legs)
		p.send(p.request("INVITE", sdpAt("198.51.100.7", 4000)))
		if m := p.expect(183); len(m.Body) == 0 || m.Get("Require") != "" {
			t.Fatal("183 without SDP, or reliable for a peer that knows it not")
		}
		p.target = contactOf(p.expect(200)).String()
		p.ack("")
		await(t, <-legs, leg.Answered)
		if session.streams[0].connects() != 1 {
			t.Error("stream was connected more than once")
		}
	})
}

func TestSessionTimerWeRefresh(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		legs := make(chan leg.Leg, 1)
		w.h.calls = answering(&fakeSession{}, legs)
		ok := p.call(sdpAt("198.51.100.7", 4000), "Supported: timer", "Session-Expires: 120;refresher=uas", "Allow: INVITE, ACK, BYE, UPDATE")
		if got := ok.Get("Session-Expires"); got != "120;refresher=uas" {
			t.Fatalf("Session-Expires is %q", got)
		}
		l := <-legs
		p.wait = 3 * time.Minute
		start := time.Now()
		update := p.expectRequest("UPDATE")
		if d := time.Since(start); d < 59*time.Second || d > 61*time.Second {
			t.Errorf("refresh after %v, want half of the interval", d)
		}
		p.reply(update, 200, "", "Session-Expires: 120;refresher=uac")
		p.expectRequest("UPDATE") // and again; this one is never answered
		for {
			if m := p.recv(); m.Method == "BYE" {
				p.reply(m, 200, "")
				break
			}
		}
		endsWith(t, l, leg.SessionExpiry)
	})
}

func TestSessionTimerByReinvite(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		legs := make(chan leg.Leg, 1)
		w.h.calls = answering(&fakeSession{}, legs)
		p.call(sdpAt("198.51.100.7", 4000), "Session-Expires: 90")
		l := <-legs
		p.wait = 3 * time.Minute
		re := p.expectRequest("INVITE")
		p.reply(re, 200, sdpAt("198.51.100.7", 4000), "Session-Expires: 90;refresher=uac")
		p.expectRequest("ACK")
		re = p.expectRequest("INVITE")
		p.reply(re, 481, "")
		for p.recv().Method != "BYE" {
			continue
		}
		endsWith(t, l, leg.SessionExpiry)
	})
}

func TestSessionTimerPeerRefreshes(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		legs := make(chan leg.Leg, 1)
		w.h.calls = answering(&fakeSession{}, legs)
		ok := p.call(sdpAt("198.51.100.7", 4000), "Supported: timer", "Session-Expires: 300;refresher=uac")
		if got := ok.Get("Session-Expires"); got != "300;refresher=uac" || !has(ok, "Require", "timer") {
			t.Fatalf("Session-Expires is %q", got)
		}
		l := <-legs
		for range 3 {
			time.Sleep(150 * time.Second)
			p.send(p.request("UPDATE", "", "Supported: timer", "Session-Expires: 300;refresher=uac"))
			p.expect(200)
		}
		p.wait = 10 * time.Minute
		start := time.Now()
		p.expectRequest("BYE")
		if d := time.Since(start); d < 260*time.Second || d > 300*time.Second {
			t.Errorf("gave up after %v", d)
		}
		endsWith(t, l, leg.SessionExpiry)
	})
}

func TestTooShortSession(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, _ *world, p *phone) {
		p.send(p.request("INVITE", sdpAt("198.51.100.7", 4000), "Session-Expires: 30"))
		if m := p.expect(422); m.Get("Min-SE") != "90" {
			t.Errorf("Min-SE is %q", m.Get("Min-SE"))
		}
	})
}

func TestRejections(t *testing.T) {
	for reason, want := range map[leg.EndReason]int{
		leg.NoCapacity: 503, leg.NoStorage: 503, leg.Shutdown: 503, leg.Busy: 486, leg.Internal: 500, leg.Forbidden: 403, leg.UnknownNumber: 404,
	} {
		t.Run(reason.Slug, func(t *testing.T) {
			inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
				w.h.calls = func(_ context.Context, in *Incoming) { in.Reject(reason) }
				p.send(p.request("INVITE", sdpAt("198.51.100.7", 4000)))
				if m := p.expect(want); (m.Get("Retry-After") != "") != (want == 503) {
					t.Errorf("Retry-After is %q", m.Get("Retry-After"))
				}
			})
		})
	}
}

func TestNoPortsAndNoCodecAndUndecided(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		w.h.calls = func(_ context.Context, in *Incoming) {
			_, err := in.Accept(&fakeSession{full: true}, media.StreamOptions{})
			if AsReason(err) != leg.NoPorts {
				t.Errorf("reason is %v", AsReason(err))
			}
		}
		p.send(p.request("INVITE", sdpAt("198.51.100.7", 4000)))
		p.expect(503)
		w.h.calls = func(_ context.Context, in *Incoming) {
			s := &fakeSession{}
			_, err := in.Accept(s, media.StreamOptions{Codecs: []media.Codec{media.PCMA}})
			if AsReason(err).Slug != leg.NoCodec.Slug || s.streams[0].closed == 0 {
				t.Errorf("reason is %v, stream closed %d times", AsReason(err), s.streams[0].closed)
			}
		}
		p = w.phone("198.51.100.2:5060")
		p.send(p.request("INVITE", strings.Replace(sdpAt("198.51.100.7", 4000), "0 8 101", "0 101", 1)))
		p.expect(488)
		w.h.calls = func(context.Context, *Incoming) {}
		p = w.phone("198.51.100.3:5060")
		p.send(p.request("INVITE", sdpAt("198.51.100.7", 4000)))
		p.expect(500)
	})
}

// refusingSession is one whose streams refuse an address, as media refuses a
// broadcast address or a port of its own.
type refusingSession struct {
	fakeSession

	bad netip.AddrPort
}

type refusingStream struct {
	*fakeStream

	bad netip.AddrPort
}

func (s *refusingSession) Open(o media.StreamOptions) (media.Stream, error) {
	f, err := s.fakeSession.Open(o)
	if err != nil {
		return nil, err
	}
	return refusingStream{f.(*fakeStream), s.bad}, nil
}

func (s refusingStream) Connect(r media.Remote) error {
	if r.Addr == s.bad {
		return errors.New("RTP is never sent there")
	}
	return s.fakeStream.Connect(r)
}

// TestRefusedAddressIsNotAgreed: what media refuses is refused however often
// it is asked for, and the session stays as it was (§14.1).
func TestRefusedAddressIsNotAgreed(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		legs := make(chan leg.Leg, 1)
		s := &refusingSession{bad: netip.MustParseAddrPort("198.51.100.7:4444")}
		w.h.calls = answering(s, legs)
		p.call(sdpAt("198.51.100.7", 4000))
		await(t, <-legs, leg.Answered)
		for range 2 {
			p.send(p.request("INVITE", sdpVersion("198.51.100.7", 4444, 2)))
			p.expect(488)
			p.ack("")
		}
		p.send(p.request("INVITE", sdpVersion("198.51.100.7", 4002, 3)))
		p.expect(200)
		p.ack("")
		if r := s.streams[0].last(t); r.Addr.Port() != 4002 {
			t.Errorf("media goes to %v", r.Addr)
		}
	})
}

// TestContactOfADialog: where the dialog's requests will go must be one SIP URI.
func TestContactOfADialog(t *testing.T) {
	for _, contact := range []string{"Contact: *", "Contact: <mailto:x@y.example>", "Contact: <tel:+8613800138000>"} {
		inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
			w.h.calls = func(_ context.Context, in *Incoming) {
				t.Errorf("%s came through", contact)
				in.Reject(leg.BadRequest)
			}
			p.send(p.request("INVITE", sdpAt("198.51.100.7", 4000), contact))
			p.expect(400)
		})
	}
}

// TestUpdateKeepsTheTimer: an UPDATE that says nothing of the session timer is
// answered with ours, so that it does not go on for one side only.
func TestUpdateKeepsTheTimer(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		legs := make(chan leg.Leg, 1)
		w.h.calls = answering(&fakeSession{}, legs)
		p.call(sdpAt("198.51.100.7", 4000), "Supported: timer", "Session-Expires: 90;refresher=uac")
		await(t, <-legs, leg.Answered)
		p.send(p.request("UPDATE", sdpVersion("198.51.100.7", 4002, 2), "Supported: timer"))
		if m := p.expect(200); !m.Has("Session-Expires") {
			t.Error("the 200 says nothing of the timer that runs")
		}
	})
}

// TestHoldWithoutANewVersion: what has changed counts, whatever the version
// says.
func TestHoldWithoutANewVersion(t *testing.T) {
	inCall(t, func(t *testing.T, _ *world, p *phone, _ leg.Leg, s *fakeSession) {
		p.send(p.request("INVITE", sdpAt("198.51.100.7", 4000, "a=sendonly")))
		ok := p.expect(200)
		p.ack("")
		if d := s.streams[0].last(t).Direction; d != media.RecvOnly || !strings.Contains(string(ok.Body), "a=recvonly") {
			t.Errorf("on hold: %v, answered\n%s", d, ok.Body)
		}
	})
}

// TestRefreshByTheCallee: whom we have called asks for what they answered; they
// get an answer, not our offer once more.
func TestRefreshByTheCallee(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		l, _ := w.dial(DialRequest{URI: "sip:x@198.51.100.1", AllowURI: true, SRTP: SRTPbySDES})
		inv := p.expectRequest("INVITE")
		said := strings.Replace(secureAt("198.51.100.8", 5000, 1), "SAVP 0 8", "SAVP 8", 1)
		p.reply(inv, 200, said)
		p.expectRequest("ACK")
		await(t, l, leg.Answered)
		p.callID, p.toTag = inv.CallID, inv.From.Tag()
		p.target = contactOf(inv).String()
		for range 2 {
			p.send(p.request("INVITE", said))
			ok := p.expect(200)
			p.ack("")
			if text := string(ok.Body); strings.Count(text, "a=crypto:") != 1 || !strings.Contains(text, "RTP/SAVP 8") || strings.Contains(text, "SAVP 8 0") {
				t.Errorf("answered\n%s", text)
			}
		}
	})
}
