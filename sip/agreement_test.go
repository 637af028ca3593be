package sip

import (
	"strings"
	"testing"

	sipmsg "github.com/emiago/sipgo/sip"

	"github.com/ivrd/ivrd/sip/wire"
)

// FuzzAgreement: the library understands what the door lets through, without
// a panic, and as the door did. Where it cannot read a message at all the
// message is lost, which harms only its sender.
func FuzzAgreement(f *testing.F) {
	for _, row := range malformed() {
		f.Add([]byte(strings.ReplaceAll(row.raw, "{B}", "b1")))
	}
	f.Add([]byte("INVITE sip:a;p=\"x\"@h;lr?h=1 SIP/2.0\r\nVia: SIP/2.0/UDP [::1]:5060;branch=z9hG4bKx;received=1.2.3.4\r\nFrom: \"q\\\"\" <sip:a@b>;tag=1;x=\"y;z\"\r\nTo: <tel:1>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContact: \"a,b\" <sip:x@y:1;a=b>;expires=3\r\nRecord-Route: <sip:a;lr>,<sip:b;lr>\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, fault := wire.Parse(data)
		if fault != nil {
			return
		}
		parsed, err := sipmsg.ParseMessage(m.Bytes())
		if err != nil {
			return
		}
		branch, _ := parsed.Via().Params.Get("branch")
		tag, _ := parsed.From().Params.Get("tag")
		switch {
		case parsed.CallID().Value() != m.CallID:
			t.Fatalf("Call-ID %q, %q", parsed.CallID().Value(), m.CallID)
		case parsed.CSeq().SeqNo != m.CSeq || m.Status == 0 && string(parsed.CSeq().MethodName) != m.Method:
			t.Fatalf("CSeq %v, %d", parsed.CSeq(), m.CSeq)
		case branch != m.Via.Branch():
			t.Fatalf("branch %q, %q", branch, m.Via.Branch())
		case tag != m.From.Tag() && !strings.Contains(m.Get("From"), `"`):
			t.Fatalf("From tag %q, %q in %q", tag, m.From.Tag(), m.Get("From"))
		}
		_ = parsed.String()
	})
}
