package wire

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
)

const sample = "INVITE sip:1000@192.0.2.1 SIP/2.0\r\nv: SIP / 2.0 / UDP  host.example : 4000 ; branch = z9hG4bKabc ;rport , SIP/2.0/TCP other\r\n" +
	"f :\"A \\\" B\" <sip:a@x>; tag = 1\r\nTo: sip:1000@x\r\ni: c\r\nCSeq: 007\r\n\tINVITE\r\nm: <sip:a@[::1]:5070;transport=tcp>\r\nP-Asserted-Identity\t:\r\n tel:+1\r\nl: 3\r\n\r\nabcd"

func TestNormalForm(t *testing.T) {
	m, fault := Parse([]byte(sample))
	if fault != nil {
		t.Fatal(fault)
	}
	want := "INVITE sip:1000@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP host.example:4000;branch=z9hG4bKabc;rport\r\nVia: SIP/2.0/TCP other\r\n" +
		"From: \"A \\\" B\" <sip:a@x>;tag=1\r\nTo: <sip:1000@x>\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\nContact: <sip:a@[::1]:5070;transport=tcp>\r\n" +
		"P-Asserted-Identity: tel:+1\r\nMax-Forwards: 70\r\nContent-Length: 3\r\n\r\nabc"
	if got := string(m.Bytes()); got != want {
		t.Errorf("normal form is\n%s\nwant\n%s", got, want)
	}
}

func TestReplyGoesToSource(t *testing.T) {
	source := netip.MustParseAddrPort("203.0.113.9:40000")
	m, _ := Parse([]byte(sample))
	if to := ReplyTo(m, source); to != source {
		t.Errorf("with rport the answer goes to %s", to)
	}
	res := string(Reply(m, source, 404, "Not Found", "t", Header{"X", "y"}))
	for _, part := range []string{"SIP/2.0 404 Not Found\r\n", "rport=40000", "received=203.0.113.9", "To: <sip:1000@x>;tag=t", "X: y"} {
		if !strings.Contains(res, part) {
			t.Errorf("answer lacks %q:\n%s", part, res)
		}
	}
	m, _ = Parse([]byte(strings.Replace(sample, ";rport", "", 1)))
	if to := ReplyTo(m, source); to.String() != "203.0.113.9:4000" {
		t.Errorf("without rport the answer goes to %s", to)
	}
}

func seeds(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKx\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=2\r\nCall-ID: c\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n"))
	f.Add([]byte("REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/TLS [2001:db8::1];branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:a@x>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\nContact: *\r\nExpires: 0\r\nContent-Length: 0\r\n\r\n"))
	f.Add([]byte("OPTIONS sip:x@y;lr?h=v SIP/7.0\r\n\r\n"))
	f.Add([]byte("BYE tel:1 SIP/2.0\r\nVia: x\r\nl: 99999999999\r\n\r\n"))
}

// FuzzParse: what passes is in a normal form that parses to itself, and what
// is refused can be answered.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, fault := Parse(data)
		if fault != nil {
			if fault.Status > 0 && m == nil {
				t.Fatal("an answer is due but there is nothing to answer")
			}
			return
		}
		if m.Judge(Supports{Methods: []string{"INVITE"}}) != nil && m.Status > 0 {
			t.Skip()
		}
		first := m.Bytes()
		again, fault := Parse(first)
		if fault != nil {
			t.Fatalf("normal form is refused: %v\n%q", fault, first)
		}
		if second := again.Bytes(); !bytes.Equal(first, second) {
			t.Fatalf("normal form changes:\n%q\n%q", first, second)
		}
		for _, h := range m.Headers {
			if strings.ContainsAny(h.Name+h.Value, "\r\n") || h.Name != canonicalName(h.Name) {
				t.Fatalf("header %q is not in normal form", h)
			}
		}
	})
}

// FuzzReply: whatever the request, the answer goes to the address that it
// came from, is one message, and says what it should.
func FuzzReply(f *testing.F) {
	seeds(f)
	source := netip.MustParseAddrPort("203.0.113.9:40000")
	f.Fuzz(func(t *testing.T, data []byte) {
		m, fault := Parse(data)
		if m == nil || m.Status > 0 {
			return
		}
		if to := ReplyTo(m, source); to.Addr() != source.Addr() {
			t.Fatalf("answer goes to %s", to)
		}
		res := Reply(m, source, 400, "Bad Request", "tag")
		if !bytes.HasPrefix(res, []byte("SIP/2.0 400 Bad Request\r\n")) || bytes.Count(res, []byte("\r\n\r\n")) != 1 || !bytes.HasSuffix(res, []byte("\r\n\r\n")) {
			t.Fatalf("answer is %q", res)
		}
		if fault == nil {
			if answer, bad := Parse(res); bad != nil || answer.Status != 400 || answer.CallID != m.CallID || answer.To.Tag() == "" {
				t.Fatalf("answer to a good request cannot be read: %v\n%q", bad, res)
			}
		}
	})
}

// FuzzFrame: frames do not depend on how the stream was cut, and never exceed
// the limit.
func FuzzFrame(f *testing.F) {
	seeds(f)
	f.Add([]byte("\r\n\r\n" + sample + sample))
	const limit = 4096
	f.Fuzz(func(t *testing.T, data []byte) {
		n, _, fault := Frame(data, limit)
		if n > len(data) || n > limit {
			t.Fatalf("frame of %d bytes of %d", n, len(data))
		}
		if fault != nil || n == 0 {
			return
		}
		for cut := range n {
			if part, _, bad := Frame(data[:cut], limit); part != 0 || bad != nil {
				t.Fatalf("cut at %d of %d it says %d, %v", cut, n, part, bad)
			}
		}
		m, bad := Parse(data[:n])
		if bad == nil && len(m.Body)+4 > n {
			t.Fatal("body is longer than the frame")
		}
	})
}
