package load

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/sip/digest"
)

// counter is a SIP server that a test plays by hand. The desk's time is the
// test's: what is on loopback has arrived when it was sent.
type counter struct {
	t    *testing.T
	conn net.PacketConn
	desk *desk
	now  time.Duration
}

func newCounter(t *testing.T, o Options) *counter {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	o.URI, o.Listen, o.From = "sip:1000@"+conn.LocalAddr().String(), netip.MustParseAddrPort("127.0.0.1:0"), "7000"
	server, keys, err := o.check()
	if err != nil {
		t.Fatal(err)
	}
	studio, err := openStudio(o.Listen.Addr(), 1, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(studio.close)
	k, err := newDesk(o, keys, server, studio)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.close)
	return &counter{t: t, conn: conn, desk: k}
}

// pass lets time go by.
func (c *counter) pass(d time.Duration) {
	c.now += d
	c.desk.turn(c.now)
}

func (c *counter) dial() *dialog {
	c.desk.now = c.now
	c.desk.dial()
	c.pass(0)
	return c.desk.callers[len(c.desk.callers)-1]
}

// gets reads the next message, which must be of a method (or "200").
func (c *counter) gets(what string) *message {
	c.t.Helper()
	m := c.next(5 * time.Second)
	if m == nil || m.method != what && fmt.Sprint(m.status) != what {
		c.t.Fatalf("got %+v, want %s", m, what)
	}
	return m
}

// silent fails when there is a message.
func (c *counter) silent() {
	c.t.Helper()
	if m := c.next(time.Millisecond); m != nil {
		c.t.Fatalf("got %s %d", m.method, m.status)
	}
}

func (c *counter) next(limit time.Duration) *message {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(limit))
	b := make([]byte, sipBytes)
	n, _, err := c.conn.ReadFrom(b)
	if err != nil {
		return nil
	}
	m, err := parseMessage(b[:n])
	if err != nil {
		c.t.Fatalf("it cannot be read: %q", b[:n])
	}
	return m
}

func (c *counter) sends(data []byte) {
	c.t.Helper()
	to, err := net.ResolveUDPAddr("udp4", c.desk.self)
	if err == nil {
		_, err = c.conn.WriteTo(data, to)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.pass(0)
}

// answers answers a request; with a body that is a session description.
func (c *counter) answers(m *message, status int, body []byte, headers ...string) {
	c.t.Helper()
	l := reply(m, status, "Reason", "server")
	l.line("Contact: <sip:1000@", c.conn.LocalAddr().String(), ">")
	for _, h := range headers {
		l.line(h)
	}
	c.sends(l.end("application/sdp", body))
}

// sound is a session description of a server whose media nobody hears.
func (c *counter) sound(port uint16) []byte {
	return description{at: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port), codec: media.PCMU, event: 101, direction: "sendrecv"}.write(1, 1)
}

func (c *counter) answered() (*dialog, *message) {
	c.t.Helper()
	d := c.dial()
	inv := c.gets("INVITE")
	c.answers(inv, 100, nil)
	c.answers(inv, 200, c.sound(9), "Record-Route: <sip:a;lr>", "Record-Route: <sip:b;lr>")
	if ack := c.gets("ACK"); strings.Join(ack.all("Route"), " ") != "<sip:b;lr> <sip:a;lr>" || param(ack.get("To"), "tag") != "server" {
		c.t.Fatalf("ACK is %+v", ack.headers)
	}
	return d, inv
}

func TestCallAndHangUp(t *testing.T) {
	c := newCounter(t, Options{Talk: 10 * time.Second})
	d, inv := c.answered()
	if d.state != up || d.leg.slot < 0 || c.desk.Answered != 1 {
		t.Fatalf("state %d, slot %d, %d answered", d.state, d.leg.slot, c.desk.Answered)
	}
	c.answers(inv, 200, c.sound(9)) // the ACK was lost
	c.gets("ACK")
	c.pass(9 * time.Second)
	c.silent()
	c.pass(time.Second)
	bye := c.gets("BYE")
	c.pass(t1)
	c.gets("BYE")
	c.answers(bye, 200, nil)
	if d.state != gone || d.leg.slot >= 0 || len(c.desk.callers) != 0 || c.desk.Resent != 1 || c.desk.Repeated != 1 || c.desk.Failed() != 0 {
		t.Errorf("state %d, %+v", d.state, c.desk.Signals)
	}
	c.pass(lingers)
	if len(c.desk.dialogs) != 0 || len(c.desk.timers) != 0 {
		t.Errorf("%d dialogs and %d timers are left", len(c.desk.dialogs), len(c.desk.timers))
	}
}

func TestServerHangsUp(t *testing.T) {
	c := newCounter(t, Options{})
	d, _ := c.answered()
	l := &lines{}
	l.line("BYE ", d.desk.contact, " SIP/2.0")
	for _, h := range [][2]string{{"Via", "SIP/2.0/UDP " + c.conn.LocalAddr().String() + ";branch=z9hG4bKb"}, {"From", d.remote}, {"To", d.local}, {"Call-ID", d.callID}, {"CSeq", "7 BYE"}} {
		l.line(h[0], ": ", h[1])
	}
	bye := l.end("", nil)
	c.sends(bye)
	c.gets("200")
	if c.desk.EndedByPeer != 1 || d.state != gone {
		t.Errorf("%+v, state %d", c.desk.Signals, d.state)
	}
	c.sends(bye) // our answer was lost
	c.gets("200")
	if c.desk.Repeated != 1 || c.desk.EndedByPeer != 1 {
		t.Errorf("%+v", c.desk.Signals)
	}
}

func TestInviteIsRepeatedAndGivenUp(t *testing.T) {
	c := newCounter(t, Options{})
	c.dial()
	first := c.gets("INVITE")
	for _, wait := range []time.Duration{t1, 2 * t1, 4 * t1, 8 * t1, 16 * t1, 32 * t1} {
		c.pass(wait - time.Millisecond)
		c.silent()
		c.pass(time.Millisecond)
		if again := c.gets("INVITE"); again.branch() != first.branch() {
			t.Error("a repetition has another branch")
		}
	}
	c.pass(64 * t1)
	c.silent()
	if c.desk.Resent != 6 || c.desk.Failures["no answer to INVITE"] != 1 || len(c.desk.callers) != 0 {
		t.Errorf("%+v", c.desk.Signals)
	}
}

func TestChallengeIsAnswered(t *testing.T) {
	c := newCounter(t, Options{User: "alice", Password: "secret"})
	d := c.dial()
	first := c.gets("INVITE")
	c.answers(first, 407, nil, `Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth", algorithm=MD5`)
	c.gets("ACK")
	again := c.gets("INVITE")
	p, ok := digest.Parse(again.get("Proxy-Authorization"))
	if n, _ := again.cseq(); !ok || p["username"] != "alice" || p["uri"] != d.target || n != 2 || again.branch() == first.branch() {
		t.Fatalf("%v, CSeq %d, %v", ok, n, p)
	}
	c.answers(again, 407, nil, `Proxy-Authenticate: Digest realm="r", nonce="m", qop="auth"`) // the secret is wrong
	c.gets("ACK")
	c.silent()
	if c.desk.Challenged != 1 || c.desk.Failures["407 Reason"] != 1 {
		t.Errorf("%+v", c.desk.Signals)
	}
}

func TestRefusalsAreCountedApart(t *testing.T) {
	c := newCounter(t, Options{})
	c.dial()
	busy := c.gets("INVITE")
	c.answers(busy, 486, nil)
	c.gets("ACK")
	c.dial()
	c.answers(c.gets("INVITE"), 503, nil, "Retry-After: 7 (full)")
	c.gets("ACK")
	c.dial()
	c.answers(c.gets("INVITE"), 503, nil, "Retry-After: 5;duration=60")
	c.gets("ACK")
	c.answers(busy, 486, nil) // our ACK was lost
	c.gets("ACK")
	if c.desk.Refused != 2 || c.desk.Failures["486 Reason"] != 1 || c.desk.Failed() != 1 || c.desk.RetryAfter != 5 || c.desk.Repeated != 1 {
		t.Errorf("%+v", c.desk.Signals)
	}
}

func TestRingingIsCancelled(t *testing.T) {
	for _, crossed := range []bool{false, true} {
		c := newCounter(t, Options{Ring: 5 * time.Second})
		c.dial()
		inv := c.gets("INVITE")
		c.answers(inv, 180, nil)
		c.pass(5 * time.Second)
		cancel := c.gets("CANCEL")
		if cancel.branch() != inv.branch() {
			t.Error("the CANCEL is of another transaction")
		}
		c.answers(cancel, 200, nil)
		if crossed {
			c.answers(inv, 200, c.sound(9))
			c.gets("ACK")
			c.answers(c.gets("BYE"), 200, nil)
		} else {
			c.answers(inv, 487, nil)
			c.gets("ACK")
		}
		if len(c.desk.callers) != 0 || c.desk.Answered != 0 || !crossed && c.desk.Failures["not answered in time"] != 1 {
			t.Errorf("crossed %v: %+v", crossed, c.desk.Signals)
		}
	}
}

// request is one of the server's, of a dialog that it begins.
func (c *counter) request(method string, cseq int, body []byte, to string) []byte {
	l := &lines{}
	l.line(method, " sip:8000@", c.desk.self, " SIP/2.0")
	l.line("Via: SIP/2.0/UDP ", c.conn.LocalAddr().String(), ";branch=z9hG4bK", method, fmt.Sprint(cseq))
	l.line("From: <sip:70000000001@server>;tag=server")
	l.line("To: ", to)
	l.line("Call-ID: theirs")
	l.line("CSeq: ", fmt.Sprint(cseq), " ", method)
	l.line("Contact: <sip:server@", c.conn.LocalAddr().String(), ">")
	return l.end("application/sdp", body)
}

func TestServing(t *testing.T) {
	c := newCounter(t, Options{Serve: true})
	caller := c.dial()
	c.answers(c.gets("INVITE"), 180, nil)
	invite := c.request("INVITE", 1, c.sound(11), "<sip:8000@us>")
	c.sends(invite)
	ok := c.gets("200")
	to := ok.get("To")
	d := c.desk.dialogs["theirs"]
	if d == nil || d.leg.expect != caller.leg.id || caller.leg.expect != d.leg.id || param(to, "tag") == "" {
		t.Fatalf("the ends do not know each other: %+v", d)
	}
	c.pass(t1) // no ACK yet
	c.gets("200")
	c.sends(invite)
	c.gets("200")
	c.sends(c.request("ACK", 1, nil, to))
	c.pass(10 * time.Second)
	c.silent()
	if c.desk.Served != 1 || c.desk.Repeated != 1 || d.state != up || d.leg.slot < 0 {
		t.Errorf("%+v, state %d", c.desk.Signals, d.state)
	}
	hold := description{at: netip.MustParseAddrPort("127.0.0.1:13"), codec: media.PCMU, event: 101, direction: "sendonly"}
	c.sends(c.request("INVITE", 2, hold.write(1, 2), to))
	if s, err := parseSDP(c.gets("200").body, media.PCMU); err != nil || s.direction != "recvonly" || !d.leg.mute || d.leg.remote.port() != 13 {
		t.Errorf("hold is answered with %+v (%v), mute %v", s, err, d.leg.mute)
	}
	c.sends(c.request("OPTIONS", 3, nil, to))
	c.gets("200")
	c.sends(c.request("BYE", 4, nil, to))
	c.gets("200")
	if d.state != gone || c.desk.EndedByPeer != 0 {
		t.Errorf("state %d, %+v", d.state, c.desk.Signals)
	}
}

func TestRegistration(t *testing.T) {
	c := newCounter(t, Options{User: "bob", Password: "secret", Register: true})
	c.desk.phone = newPhone(c.desk)
	c.desk.phone.register("", "")
	c.pass(0)
	c.answers(c.gets("REGISTER"), 401, nil, `WWW-Authenticate: Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"`, `WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"`)
	proved := c.gets("REGISTER")
	if p, ok := digest.Parse(proved.get("Authorization")); !ok || p["algorithm"] != digest.SHA256 || userOf(uriOf(proved.get("To"))) != "bob" {
		t.Fatalf("credentials are %v", p)
	}
	c.answers(proved, 200, nil, "Contact: <"+c.desk.contact+">;expires=60")
	if !c.desk.phone.held {
		t.Fatal("not registered")
	}
	c.pass(29 * time.Second)
	c.silent()
	c.pass(time.Second)
	c.answers(c.gets("REGISTER"), 403, nil)
	if err := c.desk.phone.err; err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("err is %v", err)
	}
}
