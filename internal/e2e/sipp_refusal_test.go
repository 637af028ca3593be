package e2e

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/leg"
)

// TestSIPpRefusals asks a house that takes one call at a time, from 127.0.0.1
// only, and whose back end is dead, for what it must refuse. The call that
// runs meanwhile hears nothing of it.
func TestSIPpRefusals(t *testing.T) {
	t.Parallel()
	overBoth(t, func(t *testing.T, transport string) {
		h := open(t, "calls.max=1", `sip.trunks=[{name: near, match: ["127.0.0.1/32"], transport: udp}]`,
			"flows.backend=", fmt.Sprintf(`flows.env={BACKEND: "http://127.0.0.1:%d"}`, testkit.Port(t)))
		h.refuses("127.0.0.1", transport, "4711", "404", "Server: ivrd")
		h.refuses("127.0.0.2", transport, "1000", "403", "Server: ivrd")
		h.sipp("options", transport, "1000", nil).done()
		h.deadBackend(transport)
		h.fullAndPestered(transport)
		if calls := h.calls(""); len(calls) != 2 {
			t.Errorf("%d records, want those of the two calls that were taken", len(calls))
		}
		h.verify()
	})
}

// refuses calls and gets a refusal with a header, whose value is a regular
// expression.
func (h *house) refuses(from, transport, number, status, header string) {
	h.t.Helper()
	name, value, _ := strings.Cut(header, ": ")
	c := h.sippFrom(from, "refused", transport, number, map[string]string{"status": status, "header": name, "value": value})
	c.done()
	if n := c.Counts().Packets; n != 0 {
		h.t.Errorf("%d packets of sound for a call that got %s", n, status)
	}
}

// deadBackend: what cannot be fetched has its own prompt.
func (h *house) deadBackend(transport string) {
	t := h.t
	c := h.sipp("listener", transport, "1000", nil)
	c.hears(700)
	c.press("4")
	c.hears(1900)
	c.done()
	wantMelody(t, "caller", c.Heard(), 500, 700, 1700, 1900)
	if r := h.record(c); r.End != leg.FlowHangup || path(r) != "greet top fetch sorry bye" {
		t.Errorf("record: %v %s", r.End, path(r))
	}
}

// fullAndPestered: a second call gets 503 with Retry-After, and bad messages
// get what they deserve, while the first goes on.
func (h *house) fullAndPestered(transport string) {
	t := h.t
	c := h.sipp("visit", transport, "1000", nil)
	c.hears(700)
	c.press("5")
	c.hears(600)
	h.refuses("127.0.0.1", transport, "1000", "503", "Retry-After: [1-9][0-9]*")
	for _, bad := range badMessages(c) {
		pester(t, h.sip, transport, bad)
	}
	h.refuses("127.0.0.1", transport, "1000", "503", "Retry-After: [1-9][0-9]*")
	c.listens(time.Second)
	c.cue()
	c.done()
	notes := wantMelody(t, "caller", c.Heard(), 500, 700, 600)
	last := notes[len(notes)-1]
	unbroken(t, "the prompt", c.Between(last.from+block, last.from+last.length-block))
	r := h.record(c)
	if r.End != leg.CallerHangup || path(r) != "greet top stay" {
		t.Errorf("record: %v %s", r.End, path(r))
	}
	left, right := h.recording(r.ID, "")
	wantMelody(t, "left channel", left, callerTone)
	wantMelody(t, "right channel", right, 700, 600)
}

// badMessages are no SIP, bad SIP, and good SIP that is not theirs to say
// about a call that runs.
func badMessages(c *caller) []string {
	head := func(method string, extra ...string) string {
		return method + " sip:1000@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK" + random() + ";rport\r\n" +
			"From: <sip:" + c.number + "@phones.example>;tag=x\r\nTo: <sip:1000@127.0.0.1>;tag=y\r\nCall-ID: " + c.callID + "\r\n" +
			"CSeq: 9 " + method + "\r\nMax-Forwards: 70\r\nContact: <sip:x@127.0.0.1:9>\r\n" + strings.Join(extra, "\r\n") + "\r\n\r\n"
	}
	return []string{
		"\r\n\r\n", "\x00\x00\x00\x00", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", strings.Repeat("\xff", 1400),
		"INVITE sip:1000@127.0.0.1 SIP/2.0\r\n\r\n",
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKforged\r\nCall-ID: " + c.callID + "\r\nCSeq: 1 BYE\r\n\r\n",
		head("BYE", "Content-Length: 0"), head("CANCEL", "Content-Length: 0"), head("ACK", "Content-Length: 0"),
		head("INVITE", "Content-Type: application/sdp", "Content-Length: 99999"),
		head("BYE", "Content-Length: -1"), head("BYE", "Content-Length: 0", "Content-Length: 7"),
		strings.Replace(head("BYE", "Content-Length: 0"), "SIP/2.0", "SIP/3.0", 1),
		strings.Replace(head("BYE", "Content-Length: 0"), "CSeq: 9 BYE", "CSeq: 99999999999 INVITE", 1),
		head("BYE", "Subject: "+strings.Repeat("long ", 2000), "Content-Length: 0"),
	}
}

// pester sends a message several times, over TCP each on a connection of its
// own.
func pester(t *testing.T, address, transport, text string) {
	t.Helper()
	for range 5 {
		conn, err := net.Dial(networkOf(transport), address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte(text)) // refused is refused
		conn.Close()
	}
}
