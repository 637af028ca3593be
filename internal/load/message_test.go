package load

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/media"
)

const okText = "SIP/2.0 200 OK\r\nv: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKx;rport=5070\r\nRecord-Route: <sip:a;lr>\r\nrecord-route: <sip:b;lr>\r\n" +
	"f: \"A; tag=no\" <sip:7000000001@127.0.0.1>;tag=one\r\nTo: <sip:1000@127.0.0.1>;tag=two\r\ni: abc\r\nCSeq: 2  INVITE\r\n" +
	"Contact: <sip:1000@127.0.0.1:5060;transport=udp>;expires=60\r\nSubject: a\r\n b\r\nl: 3\r\n\r\nbodyX"

func TestMessageIsRead(t *testing.T) {
	m, err := parseMessage([]byte(okText))
	if err != nil {
		t.Fatal(err)
	}
	n, method := m.cseq()
	for _, c := range [][2]any{
		{m.status, 200},
		{m.branch(), "z9hG4bKx"},
		{strings.Join(m.all("Record-Route"), " "), "<sip:a;lr> <sip:b;lr>"},
		{userOf(uriOf(m.get("From"))), "7000000001"},
		{param(m.get("From"), "tag"), "one"},
		{param(m.get("To"), "tag"), "two"},
		{uriOf(m.get("contact")), "sip:1000@127.0.0.1:5060;transport=udp"},
		{param(m.get("Contact"), "expires"), "60"},
		{m.get("Subject"), "a b"},
		{n, 2},
		{method, "INVITE"},
		{string(m.body), "bod"},
	} {
		if c[0] != c[1] {
			t.Errorf("read %q, want %q", c[0], c[1])
		}
	}
}

func TestPartsOfURIs(t *testing.T) {
	for uri, want := range map[string][2]string{
		"sip:1000@127.0.0.1:5060":     {"1000", "127.0.0.1:5060"},
		"sip:1000@a.example;lr":       {"1000", "a.example"},
		"sip:127.0.0.1:5060":          {"", "127.0.0.1:5060"},
		"sip:127.0.0.1;transport=udp": {"", "127.0.0.1"},
	} {
		if user, host := userOf(uri), hostOf(uri); user != want[0] || host != want[1] {
			t.Errorf("%s: user %q, host %q, want %q", uri, user, host, want)
		}
	}
}

func TestMalformedMessagesAreRefused(t *testing.T) {
	for _, s := range []string{
		"", "\r\n\r\n", "INVITE sip:x\r\n\r\n", "SIP/2.0 99 X\r\n\r\n", "SIP/2.0 abc X\r\n\r\n",
		"OPTIONS sip:x SIP/2.0\r\nVia: a\r\nCall-ID: b\r\n\r\n", // no CSeq
		"OPTIONS sip:x SIP/2.0\r\n folded\r\nVia: a\r\nCall-ID: b\r\nCSeq: 1 OPTIONS\r\n\r\n",
		strings.TrimSuffix(okText, "\r\n\r\nbodyX"),
	} {
		if m, err := parseMessage([]byte(s)); err == nil {
			t.Errorf("%q was read as %+v", s, m)
		}
	}
}

func TestReplyKeepsWhatItMust(t *testing.T) {
	m, err := parseMessage([]byte("BYE sip:x SIP/2.0\r\nVia: one\r\nVia: two\r\nFrom: f;tag=1\r\nTo: <sip:t>\r\nCall-ID: c\r\nCSeq: 3 BYE\r\nSubject: s\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := string(reply(m, 200, "OK", "mine").end("", nil))
	want := "SIP/2.0 200 OK\r\nVia: one\r\nVia: two\r\nFrom: f;tag=1\r\nTo: <sip:t>;tag=mine\r\nCall-ID: c\r\nCSeq: 3 BYE\r\nContent-Length: 0\r\n\r\n"
	if got != want {
		t.Errorf("reply is\n%s\nwant\n%s", got, want)
	}
}

func TestDescriptions(t *testing.T) {
	key := make([]byte, 44)
	for _, d := range []description{
		{at: netip.MustParseAddrPort("127.0.0.1:4000"), codec: media.PCMU, event: 101, direction: "sendrecv"},
		{at: netip.MustParseAddrPort("192.0.2.7:4002"), codec: media.PCMA, direction: "sendonly"},
		{at: netip.MustParseAddrPort("127.0.0.1:4000"), codec: media.PCMU, event: 96, secure: true, crypto: cryptoLine{"3", "AEAD_AES_256_GCM", key}, direction: "inactive"},
	} {
		got, err := parseSDP(d.write(7, 1), media.PCMU)
		if err != nil || got.at != d.at || got.codec != d.codec || got.event != d.event || got.direction != d.direction || got.secure != d.secure || got.crypto.String() != d.crypto.String() {
			t.Errorf("%+v was read as %+v (%v)", d, got, err)
		}
	}
}

func TestCodecIsChosen(t *testing.T) {
	offer := "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 9 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\nm=video 5000 RTP/AVP 31\r\nc=IN IP4 192.0.2.1\r\n"
	for _, want := range codecs() {
		d, err := parseSDP([]byte(offer), want)
		if err != nil || d.codec != want || d.at != netip.MustParseAddrPort("127.0.0.1:4000") || d.event != 101 {
			t.Errorf("%v: chosen %+v (%v)", want, d, err)
		}
	}
	for _, bad := range []string{
		"", strings.Replace(offer, "9 0 8", "9", 1), strings.Replace(offer, "4000", "0", 1), strings.Replace(offer, "127.0.0.1", "::1", 1),
		strings.Replace(offer, "RTP/AVP", "RTP/SAVP", 1), // without a key
	} {
		if d, err := parseSDP([]byte(bad), media.PCMU); err == nil {
			t.Errorf("%q was read as %+v", bad, d)
		}
	}
}

// FuzzParseMessage: what is read can be answered, and the answer can be read
// and is for the same transaction.
func FuzzParseMessage(f *testing.F) {
	f.Add([]byte(okText))
	f.Add([]byte("INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=b\r\nFrom: f\r\nTo: <sip:t\r\nCall-ID: c\r\nCSeq: 3 INVITE\r\n\r\nv=0\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseMessage(data)
		if err != nil {
			return
		}
		back, err := parseMessage(reply(m, 200, "OK", "tag").end("", nil))
		if err != nil {
			t.Fatalf("the reply cannot be read: %v", err)
		}
		if back.get("Call-ID") != m.get("Call-ID") || back.branch() != m.branch() || back.get("CSeq") != m.get("CSeq") {
			t.Fatal("the reply is for something else")
		}
	})
}

// FuzzParseSDP: what is taken can be described, and is read the same again.
func FuzzParseSDP(f *testing.F) {
	d := description{at: netip.MustParseAddrPort("127.0.0.1:4000"), codec: media.PCMU, event: 101, secure: true, crypto: cryptoLine{"1", "AEAD_AES_128_GCM", make([]byte, 28)}, direction: "sendrecv"}
	f.Add(d.write(1, 1))
	f.Add([]byte("c=IN IP4 10.0.0.1\nm=audio 1 RTP/AVP 8\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := parseSDP(body, media.PCMU)
		if err != nil {
			return
		}
		back, err := parseSDP(d.write(1, 1), d.codec)
		if err != nil || back.at != d.at || back.codec != d.codec || back.event != d.event || back.secure != d.secure {
			t.Fatalf("%+v was read again as %+v (%v)", d, back, err)
		}
	})
}
