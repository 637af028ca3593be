package e2e

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/rtc"
	"github.com/ivrd/ivrd/media/rtpio"
)

// TestDTLSPhone: an independent phone that secures its sound by DTLS-SRTP
// without ICE calls, and is called that way.
func TestDTLSPhone(t *testing.T) {
	t.Parallel()
	for _, mux := range []bool{false, true} {
		t.Run(fmt.Sprintf("mux-%v", mux), func(t *testing.T) {
			t.Parallel()
			h := open(t, "sip.phones.srtp_of={alice: dtls}")
			alice := h.baresipBothWays(testkit.Baresip{Encryption: "dtls_srtp", Mux: mux})
			if out := alice.Output(); strings.Count(out, "DTLS-SRTP complete") < 2 {
				t.Errorf("the phone has not shaken hands in each call:\n%s", out)
			}
			h.verify()
		})
	}
}

// TestSDESPhoneIsCalled: a phone that takes no call without SRTP is rung with it.
func TestSDESPhoneIsCalled(t *testing.T) {
	t.Parallel()
	h := open(t, "sip.phones.srtp=sdes")
	h.baresipBothWays(testkit.Baresip{Encryption: "srtp-mand"})
	h.verify()
}

// TestDTLSCall: `ivrd call --dtls` is heard and hears, in wideband.
func TestDTLSCall(t *testing.T) {
	t.Parallel()
	h := open(t)
	r, heard, err := headless(t, "", "sip:1000@"+h.sip, "--dtls", "--codec", "g722", "--dtmf", "w1.5,5", "--duration", "5s")
	if err != nil || r.End != leg.CallerHangup {
		t.Errorf("the call: %v %+v", err, r)
	}
	checkHeadless(t, h, heard)
	h.spoke(h.ended(1)[0], "G722")
	h.verify()
}

// TestTrunkWantsSRTP: a trunk that must be secured takes no plain call.
func TestTrunkWantsSRTP(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"sdes", "dtls"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			h := open(t, `sip.trunks=[{name: loopback, match: ["127.0.0.0/8"], srtp: `+way+`}]`)
			if r, _, err := headless(t, "", "sip:1000@"+h.sip, "--duration", "1s"); err == nil || r.Answered {
				t.Errorf("a plain call: %v %+v", err, r)
			}
			for _, secured := range []string{"--srtp", "--dtls"} {
				if r, _, err := headless(t, "", "sip:1000@"+h.sip, secured, "--duration", "1s"); err != nil || !r.Answered {
					t.Errorf("%s: %v %+v", secured, err, r)
				}
			}
			h.verify()
		})
	}
}

// TestDTLSOfAnother: a caller whose certificate is not the one of the SDP gets no
// sound, and the call ends with the reason.
func TestDTLSOfAnother(t *testing.T) {
	t.Parallel()
	h := open(t)
	ports, err := rtpio.NewPorts(rtpio.UDP{}, netip.MustParseAddr("127.0.0.1"), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ports.Close)
	e, err := rtpio.Open(ports, rtpio.NewGuard(nil, ports), 0)
	if err != nil {
		t.Fatal(err)
	}
	own, err := rtc.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	hand := rtc.NewHandshake(own, e)
	t.Cleanup(func() { hand.Close(); e.Close(); own.Wait() })

	c, r := inviteSealed(t, h, fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"+
		"m=audio %d UDP/TLS/RTP/SAVP 0\r\na=setup:actpass\r\na=fingerprint:sha-256 %s\r\n", e.Local().Port(), strings.Repeat("AB:", 31)+"AB"))
	found := regexp.MustCompile(`a=fingerprint:sha-256 (\S+)\r\na=setup:passive`).FindStringSubmatch(r.body)
	if found == nil {
		t.Fatalf("answer %s\n%s", r.first, r.body)
	}
	c.ack(t)
	if err := hand.Start(media.Remote{Addr: c.rtp, Signalling: c.rtp.Addr(), Web: &media.WebRemote{Fingerprint: found[1], Client: true}}, func(*media.SRTPKeys, error) {}); err != nil {
		t.Fatal(err)
	}
	if rec := h.ended(1)[0]; rec.End != leg.BadFingerprint {
		t.Errorf("the call ended with %v", rec.End)
	}
	if s := e.Stats(); s.Received > 0 {
		t.Errorf("%+v", s)
	}
	h.verify()
}
