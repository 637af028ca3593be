package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/leg"
)

// TestDTLSPhone: an independent phone that secures its sound by DTLS-SRTP
// without ICE calls, and is called that way.
func TestDTLSPhone(t *testing.T) {
	t.Parallel()
	for _, mux := range []bool{false, true} {
		t.Run(fmt.Sprintf("mux-%v", mux), func(t *testing.T) {
			t.Parallel()
			h := open(t, "sip.phones.srtp_of={alice: dtls}")
			alice := testkit.Baresip{
				User: "alice", Domain: h.sip, Password: h.sipSecret("alice"), Encryption: "dtls_srtp", Mux: mux,
				Mouth: testkit.Tone(440, time.Minute),
			}.Start(t)
			says(t, alice, "200 OK (ivrd)")
			h.baresipCalls(alice)
			h.baresipIsCalled(alice)
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
	alice := testkit.Baresip{
		User: "alice", Domain: h.sip, Password: h.sipSecret("alice"), Encryption: "srtp-mand", Mouth: testkit.Tone(440, time.Minute),
	}.Start(t)
	says(t, alice, "200 OK (ivrd)")
	h.baresipCalls(alice)
	h.baresipIsCalled(alice)
	h.verify()
}

// TestDTLSCall: `ivrd call --dtls` is heard and hears.
func TestDTLSCall(t *testing.T) {
	t.Parallel()
	h := open(t)
	r, heard, err := headless(t, "", "sip:1000@"+h.sip, "--dtls", "--dtmf", "w1.5,5", "--duration", "5s")
	if err != nil || r.End != leg.CallerHangup {
		t.Errorf("the call: %v %+v", err, r)
	}
	checkHeadless(t, h, heard)
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
