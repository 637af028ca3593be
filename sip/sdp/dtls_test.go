package sdp

import (
	"errors"
	"strings"
	"testing"
)

// baresipOffer is what baresip 1.0 offers with mediaenc=dtls_srtp.
var baresipOffer = strings.ReplaceAll(`v=0
o=- 2466331340 1284113172 IN IP4 192.0.2.2
s=-
c=IN IP4 192.0.2.2
t=0 0
a=tool:baresip 1.0.0
m=audio 10000 UDP/TLS/RTP/SAVP 0 101
b=AS:125
a=fingerprint:SHA-256 `+print256+`
a=rtcp:10001
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=sendrecv
a=label:1
a=rtcp-rsize
a=setup:actpass
a=ssrc:1713411120 cname:sip:alice@ivrd
a=ptime:20
`, "\n", "\r\n")

func deskLocal() Local {
	l := local()
	l.Web = &Web{Fingerprint: print256}
	return l
}

func parsed(t *testing.T, text string) *Session {
	t.Helper()
	s, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDeskPhoneIsAnswered: without ICE, by its own profile, at its own address,
// and the phone is asked to begin.
func TestDeskPhoneIsAnswered(t *testing.T) {
	for _, mux := range []bool{false, true} {
		text := baresipOffer
		if mux {
			text += "a=rtcp-mux\r\n"
		}
		s := parsed(t, text)
		if s.OfWeb() || !s.OfDTLS() {
			t.Fatal("it is not taken for a desk phone's")
		}
		answer, a, err := Answer(s, deskLocal())
		if err != nil {
			t.Fatal(err)
		}
		said := string(answer.Bytes())
		for _, want := range []string{"m=audio 20000 UDP/TLS/RTP/SAVP 0 101\r\n", "a=setup:passive\r\n", "a=fingerprint:sha-256 " + print256 + "\r\n"} {
			if !strings.Contains(said, want) {
				t.Errorf("answer lacks %q:\n%s", want, said)
			}
		}
		for _, not := range []string{"a=ice-", "a=candidate", "a=crypto", "a=mid", "a=group"} {
			if strings.Contains(said, not) {
				t.Errorf("answer has %q:\n%s", not, said)
			}
		}
		if strings.Contains(said, "a=rtcp-mux\r\n") != mux || a.Web.Mux != mux {
			t.Errorf("one port offered: %v, answered\n%s", mux, said)
		}
		if a.Remote.String() != "192.0.2.2:10000" || a.Setup != "passive" || a.Web.Fingerprint != print256 || a.Suite != "" {
			t.Errorf("agreed on %+v", a)
		}
	}
}

// TestDeskPhoneAnswers an offer of ours.
func TestDeskPhoneAnswers(t *testing.T) {
	l := deskLocal()
	mine := Offer(l)
	said := string(mine.Bytes())
	if !strings.Contains(said, " UDP/TLS/RTP/SAVP 0 8 101\r\n") || !strings.Contains(said, "a=setup:actpass\r\n") || !strings.Contains(said, "a=rtcp-mux\r\n") || strings.Contains(said, "a=ice-") {
		t.Errorf("we offer\n%s", said)
	}
	for setup, role := range map[string]string{"active": "passive", "passive": "active"} {
		a, err := Accept(mine, parsed(t, strings.Replace(baresipOffer, "actpass", setup, 1)), l)
		if err != nil || a.Setup != role || a.Web.Mux || a.Remote.String() != "192.0.2.2:10000" {
			t.Errorf("%s: %v, %+v", setup, err, a)
		}
	}
	for what, text := range map[string]string{
		"undecided":   baresipOffer,
		"no proof":    strings.Replace(strings.Replace(baresipOffer, "actpass", "active", 1), "SHA-256", "SHA-1", 1),
		"plain sound": strings.Replace(strings.Replace(baresipOffer, "actpass", "active", 1), "UDP/TLS/RTP/SAVP", "RTP/AVP", 1),
	} {
		if _, err := Accept(mine, parsed(t, text), l); !errors.Is(err, ErrAnswer) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestDeskPhonesThatAreRefused, and those that name an address of nobody's.
func TestDeskPhonesThatAreRefused(t *testing.T) {
	for what, c := range map[string]struct {
		old, new string
		err      error
	}{
		"no fingerprint": {"a=fingerprint:SHA-256 " + print256 + "\r\n", "", ErrNoCodec},
		"no setup":       {"a=setup:actpass\r\n", "", ErrNoCodec},
		"holdconn":       {"a=setup:actpass", "a=setup:holdconn", ErrNoCodec},
		"crowd":          {"c=IN IP4 192.0.2.2", "c=IN IP4 239.1.1.1", ErrAddress},
		"plain":          {"UDP/TLS/RTP/SAVP", "RTP/AVP", ErrNoCodec},
	} {
		s := parsed(t, strings.Replace(baresipOffer, c.old, c.new, 1))
		if _, _, err := Answer(s, deskLocal()); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	ours := strings.Replace(strings.Replace(baresipOffer, "c=IN IP4 192.0.2.2", "c=IN IP4 192.0.2.1", 1), "m=audio 10000", "m=audio 20000", 1)
	if _, _, err := Answer(parsed(t, ours), deskLocal()); !errors.Is(err, ErrAddress) {
		t.Errorf("our own port: %v", err)
	}
}

// TestRolesStay through later offers of a desk phone's call.
func TestRolesStay(t *testing.T) {
	l := deskLocal()
	for _, have := range []string{"active", "passive"} {
		l.Web.Setup = have
		_, a, err := Answer(parsed(t, baresipOffer), l)
		if err != nil || a.Setup != have {
			t.Errorf("we are %s: %v, %+v", have, err, a)
		}
	}
}

// FuzzDTLS: the answer to any offer of a desk phone has one codec, our proof, a
// role that fits, no ICE, and media goes to no crowd and not to us.
func FuzzDTLS(f *testing.F) {
	f.Add([]byte(baresipOffer), "")
	f.Add([]byte(baresipOffer+"a=rtcp-mux\r\n"), "active")
	f.Add([]byte(chromiumOffer), "passive")
	f.Add([]byte(strings.Replace(baresipOffer, "actpass", "passive", 1)+"m=audio 1 RTP/AVP 0\r\n"), "")
	f.Fuzz(func(t *testing.T, data []byte, have string) {
		s, err := Parse(data)
		if err != nil {
			return
		}
		l := deskLocal()
		if have == "active" || have == "passive" {
			l.Web.Setup = have
		}
		answer, a, err := Answer(s, l)
		if err != nil {
			return
		}
		text := string(answer.Bytes())
		back, err := Parse([]byte(text))
		if err != nil {
			t.Fatalf("our answer cannot be read: %v\n%q", err, text)
		}
		if to := a.Remote.Addr(); to.IsMulticast() || to.IsUnspecified() && !a.Hold || a.Remote == l.Addr {
			t.Fatalf("media would go to %s", a.Remote)
		}
		taken := 0
		for i, m := range back.Media {
			if m.Port == 0 {
				continue
			}
			taken++
			if m.Proto != s.Media[i].Proto || m.Web.Fingerprint != print256 || m.Web.Setup != a.Setup || m.Web.Setup == s.Media[i].Web.Setup || m.Web.Mux != s.Media[i].Web.Mux {
				t.Fatalf("section %d is\n%q", i, text)
			}
		}
		if taken != 1 || strings.Contains(text, "a=ice-") || strings.Contains(text, "a=candidate") {
			t.Fatalf("%d sections are taken:\n%q", taken, text)
		}
	})
}
