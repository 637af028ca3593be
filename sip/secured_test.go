package sip

import (
	"strings"
	"testing"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// print256 is a fingerprint.
const print256 = "6B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08"

// fakeDeskStream is a stream whose keys come from a handshake without ICE.
type fakeDeskStream struct{ *fakeStream }

func (fakeDeskStream) Web() media.WebLocal { return media.WebLocal{Fingerprint: print256} }

// deskAt is a desk phone's description with DTLS-SRTP.
func deskAt(addr string, port, version int, setup string, extra ...string) string {
	extra = append([]string{"a=fingerprint:SHA-256 " + print256, "a=setup:" + setup}, extra...)
	return strings.Replace(sdpVersion(addr, port, version, extra...), "RTP/AVP", "UDP/TLS/RTP/SAVP", 1)
}

// securedConfig is testConfig with a trunk that is secured in some way.
func securedConfig(way SRTP) Config {
	c := testConfig()
	c.Trunks[0].SRTP = way
	return c
}

// TestTrunksOverTLSAreSecured unless somebody has said otherwise.
func TestTrunksOverTLSAreSecured(t *testing.T) {
	for _, c := range []struct {
		transport  string
		said, want SRTP
	}{
		{"tls", "", SRTPbySDES},
		{"tls", SRTPOptional, SRTPOptional},
		{"tls", SRTPbyDTLS, SRTPbyDTLS},
		{"udp", "", SRTPOptional},
		{"", "", SRTPOptional},
		{"tcp", SRTPbySDES, SRTPbySDES},
	} {
		cfg := Config{Trunks: []Trunk{{Transport: c.transport, SRTP: c.said}}}
		cfg.setDefaults()
		if got := cfg.Trunks[0].SRTP; got != c.want {
			t.Errorf("%s, %q: %s, want %s", c.transport, c.said, got, c.want)
		}
	}
}

// TestSecuredTrunkTakesNoPlainCall, but each way of SRTP.
func TestSecuredTrunkTakesNoPlainCall(t *testing.T) {
	offers := map[string]string{
		"plain": sdpAt("198.51.100.7", 4000), "sdes": secureAt("198.51.100.7", 4000, 1), "dtls": deskAt("198.51.100.7", 4000, 1, "actpass"),
	}
	for _, way := range []SRTP{SRTPOptional, SRTPbySDES, SRTPbyDTLS} {
		for name, offer := range offers {
			inWorld(t, securedConfig(way), func(t *testing.T, w *world, p *phone) {
				w.h.calls = answering(&fakeSession{}, make(chan leg.Leg, 1))
				want := 200
				if name == "plain" && way != SRTPOptional {
					want = 488
				}
				p.send(p.request("INVITE", offer))
				p.expect(want)
				p.ack("")
			})
		}
	}
}

// TestOffersOfSecuredTrunks: what we offer where the trunk wants SRTP, in calls
// out, and in calls in that bring no offer.
func TestOffersOfSecuredTrunks(t *testing.T) {
	for way, profile := range map[SRTP]string{SRTPOptional: " RTP/AVP ", SRTPbySDES: " RTP/SAVP ", SRTPbyDTLS: " UDP/TLS/RTP/SAVP "} {
		inWorld(t, securedConfig(way), func(t *testing.T, w *world, p *phone) {
			w.h.calls = answering(&fakeSession{}, make(chan leg.Leg, 1))
			p.send(p.request("INVITE", ""))
			if ok := p.expect(200); !strings.Contains(string(ok.Body), profile) {
				t.Errorf("%s: we answer\n%s", way, ok.Body)
			}
		})
		inWorld(t, securedConfig(way), func(t *testing.T, w *world, p *phone) {
			_, _ = w.dial(DialRequest{Number: "+8613900000000"})
			inv := p.expectRequest("INVITE")
			if !strings.Contains(string(inv.Body), profile) {
				t.Errorf("%s: we offer\n%s", way, inv.Body)
			}
			p.reply(inv, 486, "")
		})
	}
}

// TestDeskPhoneOverDTLS: what media is told of a phone that calls, through hold,
// a move and another certificate; never in clear.
func TestDeskPhoneOverDTLS(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		session, legs := &fakeSession{}, make(chan leg.Leg, 1)
		w.h.calls = answering(session, legs)
		ok := p.call(deskAt("198.51.100.7", 4000, 1, "actpass", "a=rtcp-mux"))
		await(t, <-legs, leg.Answered)
		s := session.streams[0]
		r := s.last(t)
		if r.Web == nil || r.Web.Fingerprint != print256 || r.Web.Client || r.Addr.Port() != 4000 || !r.RTCPMux || r.NoRTCP || r.SRTP != nil {
			t.Errorf("media is told %+v %+v", r, r.Web)
		}
		if text := string(ok.Body); !strings.Contains(text, "a=setup:passive") || strings.Contains(text, "a=ice-") {
			t.Errorf("answered\n%s", text)
		}
		p.send(p.request("INVITE", deskAt("198.51.100.7", 4000, 2, "actpass", "a=rtcp-mux", "a=sendonly")))
		if held := p.expect(200); !strings.Contains(string(held.Body), "a=setup:passive") {
			t.Errorf("the role has changed:\n%s", held.Body)
		}
		p.ack("")
		if r := s.last(t); r.Direction != media.RecvOnly || r.Web.Client {
			t.Errorf("on hold: %+v", r)
		}
		other := strings.Replace(print256, "6B", "7C", 1)
		p.send(p.request("INVITE", strings.Replace(deskAt("198.51.100.7", 4100, 3, "actpass"), print256, other, 1)))
		p.expect(200)
		p.ack("")
		if r := s.last(t); r.Web.Fingerprint != other || r.Addr.Port() != 4100 || !r.NoRTCP || r.RTCPMux {
			t.Errorf("moved: %+v %+v", r, r.Web)
		}
		before := s.connects()
		p.send(p.request("INVITE", sdpVersion("198.51.100.7", 4000, 4)))
		p.expect(488)
		if s.connects() != before {
			t.Error("media was told to go on in the clear")
		}
	})
}

// TestCalledOverDTLS: the far end of a call of ours takes a role.
func TestCalledOverDTLS(t *testing.T) {
	for setup, client := range map[string]bool{"active": false, "passive": true} {
		inWorld(t, securedConfig(SRTPbyDTLS), func(t *testing.T, w *world, p *phone) {
			l, s := w.dial(DialRequest{Number: "+8613900000000"})
			inv := p.expectRequest("INVITE")
			if text := string(inv.Body); !strings.Contains(text, "a=setup:actpass") || !strings.Contains(text, "a=rtcp-mux") {
				t.Errorf("we offer\n%s", text)
			}
			p.reply(inv, 200, strings.Replace(deskAt("198.51.100.8", 5000, 1, setup), "SAVP 0 8", "SAVP 0", 1))
			p.expectRequest("ACK")
			await(t, l, leg.Answered)
			if r := s.streams[0].last(t); r.Web == nil || r.Web.Client != client || r.Addr.Port() != 5000 || !r.NoRTCP || !r.Vouched {
				t.Errorf("%s: media is told %+v %+v", setup, r, r.Web)
			}
		})
	}
}

// TestPhonesAreSecuredByPerson: one person's phones may want another way than
// the rest.
func TestPhonesAreSecuredByPerson(t *testing.T) {
	s := &Server{cfg: Config{PhoneSRTP: SRTPbySDES, PhoneSRTPOf: map[string]SRTP{"alice": SRTPbyDTLS}}}
	for user, want := range map[string]SRTP{"alice": SRTPbyDTLS, "bob": SRTPbySDES} {
		if got := s.srtpTo(DialRequest{User: user}, nil); got != want {
			t.Errorf("a call to %s: %s", user, got)
		}
		if got := s.srtpFrom(leg.Info{User: user}, nil, flow{}); got != want {
			t.Errorf("a call of %s: %s", user, got)
		}
	}
	if got := s.srtpFrom(leg.Info{}, &trunk{Trunk: Trunk{SRTP: SRTPOptional}}, flow{}); got != SRTPOptional {
		t.Errorf("a call of a trunk: %s", got)
	}
}
