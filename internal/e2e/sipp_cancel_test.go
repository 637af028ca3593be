package e2e

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/recordings"
)

// TestCancelRace sends CANCEL right after INVITE, sooner or later. The house
// answers at once, so the race goes either way, and each way must end the call
// on both sides: 487, or 200 and the caller's BYE (RFC 3261 §9.1). SIPp cannot
// follow a way that forks, so the caller is a socket here.
func TestCancelRace(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.signIn()
	overBoth(t, func(t *testing.T, transport string) {
		h := h.in(t)
		outcomes := map[int]int{}
		sdp := strings.ReplaceAll(description(newSink(t, callerTone)), "\n", "\r\n")
		for i := range 24 {
			c := h.socket(transport)
			status := c.races(sdp, time.Duration(i%8)*500*time.Microsecond)
			outcomes[status]++
			h.consistent(c, status)
		}
		t.Logf("answers to INVITE: %v", outcomes)
	})
	h.verify()
}

// consistent: the record of a cancelled call, if it came to one, was never
// answered; that of an answered one ended by the caller.
func (h *house) consistent(c *socketCaller, status int) {
	t := h.t
	t.Helper()
	of := "from=" + url.QueryEscape(c.number)
	var calls []recordings.Call
	testkit.Eventually(t, soon, "the end of the call", func() bool {
		calls = h.calls(of)
		return !slices.ContainsFunc(calls, func(r recordings.Call) bool { return r.EndedAt.IsZero() })
	})
	switch {
	case status == 487 && len(calls) == 0: // cancelled before the record was begun
	case len(calls) != 1:
		t.Errorf("%d: %d records", status, len(calls))
	case status == 487 && (calls[0].End != leg.CallerCancel || !calls[0].AnsweredAt.IsZero()):
		t.Errorf("487: %+v", calls[0])
	case status == 200 && (calls[0].End != leg.CallerHangup || calls[0].AnsweredAt.IsZero()):
		t.Errorf("200: %+v", calls[0])
	}
}

// socketCaller is a caller by hand: one socket, one call.
type socketCaller struct {
	t                        *testing.T
	conn                     net.Conn
	in                       *bufio.Reader
	house, via               string
	number, callID, from, to string
}

func (h *house) socket(transport string) *socketCaller {
	h.t.Helper()
	network := networkOf(transport)
	conn, err := net.Dial(network, h.sip)
	if err == nil {
		err = conn.SetDeadline(time.Now().Add(soon))
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	number := fmt.Sprintf("556%07d", rand.IntN(1e7))
	return &socketCaller{
		t: h.t, conn: conn, in: bufio.NewReaderSize(conn, 65536), house: h.sip, number: number, callID: random(),
		via:  fmt.Sprintf("Via: SIP/2.0/%s %s;rport;branch=z9hG4bK", strings.ToUpper(network), conn.LocalAddr()),
		from: "From: <sip:" + number + "@phones.example>;tag=" + random(), to: "To: <sip:1000@" + h.sip + ">",
	}
}

func (c *socketCaller) request(method, branch string, seq int, body string) message {
	return message{first: method + " sip:1000@" + c.house + " SIP/2.0", body: body, headers: []string{
		c.via + branch, "Max-Forwards: 70", c.from, c.to, "Call-ID: " + c.callID, fmt.Sprintf("CSeq: %d %s", seq, method),
		fmt.Sprintf("Contact: <sip:%s@%s>", c.number, c.conn.LocalAddr()),
	}}
}

func (c *socketCaller) send(m message) {
	c.t.Helper()
	if _, err := c.conn.Write(m.bytes()); err != nil {
		c.t.Fatal(err)
	}
}

// next reads a message. A datagram comes as a whole into the reader's buffer,
// so that both transports are read as a stream.
func (c *socketCaller) next() message {
	c.t.Helper()
	var head strings.Builder
	length := 0
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			c.t.Fatalf("wait for an answer: %v", err)
		}
		if value, ok := strings.CutPrefix(line, "Content-Length:"); ok {
			length, _ = strconv.Atoi(strings.TrimSpace(value))
		}
		if head.WriteString(line); line == "\r\n" {
			break
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(c.in, body); err != nil {
		c.t.Fatalf("read a body: %v", err)
	}
	return parseMessage([]byte(head.String() + string(body)))
}

// races sends INVITE and then CANCEL, and plays the caller's part to the end.
// It returns the final answer to INVITE.
func (c *socketCaller) races(sdp string, start time.Duration) (status int) {
	c.t.Helper()
	branch := random()
	c.send(c.request("INVITE", branch, 1, sdp))
	<-time.After(start)
	c.send(c.request("CANCEL", branch, 1, ""))
	for cancelled, over := false, false; !cancelled || !over; {
		m := c.next()
		switch code := m.status(); {
		case code == 0:
			c.t.Fatalf("unexpected %s", m.first)
		case code < 200:
		case m.method() == "CANCEL":
			if cancelled = true; code != 200 {
				c.t.Errorf("CANCEL got %s", m.first)
			}
		case m.method() == "BYE":
			if over = true; code != 200 {
				c.t.Errorf("BYE got %s", m.first)
			}
		case status != 0 && status != code:
			c.t.Fatalf("INVITE got %d and then %s", status, m.first)
		case status == 0:
			status = code
			over = c.acknowledge(m, branch)
		}
	}
	return status
}

// acknowledge ends an INVITE: a refusal by its ACK, an answer by ACK and BYE,
// whose answer is still to come.
func (c *socketCaller) acknowledge(m message, branch string) (over bool) {
	c.t.Helper()
	c.to = "To: " + m.get("To")
	switch m.status() {
	case 487:
		c.send(c.request("ACK", branch, 1, ""))
		return true
	case 200:
		c.send(c.request("ACK", random(), 1, ""))
		c.send(c.request("BYE", random(), 2, ""))
	default:
		c.t.Fatalf("INVITE got %s", m.first)
	}
	return false
}
