package e2e

import (
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/leg"
)

// TestSIPpAgent rings alice's phone, which is SIPp, over UDP and over TCP.
func TestSIPpAgent(t *testing.T) {
	t.Parallel()
	together(t, map[string]func(*testing.T){
		"udp": func(t *testing.T) { ringsAlice(t, "u1") },
		"tcp": func(t *testing.T) { ringsAlice(t, "t1") },
	})
}

func ringsAlice(t *testing.T, transport string) {
	h := open(t)
	a := h.register("alice", transport)
	a.talks()
	a.answersReliably()
	a.isBusy()
	a.isCancelled()
	a.doesNotAnswer()
	h.verify()
}

// deskSIPp is a registered phone: the test holds the registration and the way
// to the house, and passes all that comes to the SIPp of the moment.
type deskSIPp struct {
	h         *house
	transport string // as SIPp's -t
	house     net.Conn
	phone     chan net.Conn // the next SIPp
	rings     chan string   // Call-IDs of INVITEs
}

// register registers a person's phone with their SIP secret, by digest.
func (h *house) register(user, transport string) *deskSIPp {
	t := h.t
	t.Helper()
	d := &deskSIPp{h: h, transport: transport, phone: make(chan net.Conn, 1), rings: make(chan string, 8)}
	var err error
	if d.house, err = net.Dial(networkOf(transport), h.sip); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.house.Close() })
	request := func(seq int, extra ...string) message {
		uri := "sip:" + h.sip
		return message{first: "REGISTER " + uri + " SIP/2.0", headers: append([]string{
			fmt.Sprintf("Via: SIP/2.0/%s %s;rport;branch=z9hG4bK%s", strings.ToUpper(networkOf(transport)), d.house.LocalAddr(), random()),
			"Max-Forwards: 70", "From: <sip:" + user + "@" + h.sip + ">;tag=desk", "To: <sip:" + user + "@" + h.sip + ">",
			"Call-ID: desk-" + user, fmt.Sprintf("CSeq: %d REGISTER", seq),
			fmt.Sprintf("Contact: <sip:%s@%s;transport=%s>", user, d.house.LocalAddr(), networkOf(transport)), "Expires: 600",
		}, extra...)}
	}
	challenge := ask(t, d.house, request(1))
	answer := ask(t, d.house, request(2, "Authorization: "+credentials(challenge, "REGISTER", "sip:"+h.sip, user, h.sipSecret(user))))
	if answer.status() != 200 {
		t.Fatalf("register: %s", answer.first)
	}
	if err := d.house.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	go d.relay()
	return d
}

// credentials answer the MD5 challenge of a 401 (RFC 2617 §3.2.2.1).
func credentials(challenge message, method, uri, user, secret string) string {
	for _, header := range challenge.headers {
		if !strings.HasPrefix(header, "WWW-Authenticate:") || parameter(header, "algorithm") != "MD5" {
			continue
		}
		realm, nonce, cnonce := parameter(header, "realm"), parameter(header, "nonce"), random()
		if realm == "" { // it comes first
			realm = regexp.MustCompile(`realm="([^"]*)"`).FindStringSubmatch(header)[1]
		}
		response := md5Hex(strings.Join([]string{
			md5Hex(user + ":" + realm + ":" + secret), nonce, "00000001", cnonce, "auth", md5Hex(method + ":" + uri),
		}, ":"))
		return fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s", algorithm=MD5, qop=auth, nc=00000001, cnonce="%s"`,
			user, realm, nonce, uri, response, cnonce)
	}
	return ""
}

// relay passes what comes from the house to the SIPp that is there, and tells
// of INVITEs.
func (d *deskSIPp) relay() {
	id := regexp.MustCompile(`(?m)^Call-ID: (\S+)\r$`)
	buf := make([]byte, 65536)
	var phone net.Conn
	for {
		n, err := d.house.Read(buf)
		if err != nil {
			return
		}
		select {
		case phone = <-d.phone:
		default:
		}
		if phone == nil {
			continue
		}
		_, _ = phone.Write(buf[:n]) // a SIPp that has ended hears nothing
		if m := id.FindSubmatch(buf[:n]); m != nil && strings.HasPrefix(string(buf[:n]), "INVITE ") {
			d.rings <- string(m[1])
		}
	}
}

// is lets a scenario be the phone from now on.
func (d *deskSIPp) is(name string, s *sink) *testkit.SIPpRun {
	t := d.h.t
	t.Helper()
	run := testkit.SIPp{
		Scenario: scenario(t, name), Transport: d.transport, Limit: 2 * time.Minute,
		Keys: map[string]string{"sdp": description(s)},
	}.Start(t)
	conn := dialSIPp(t, d.transport, run.Port)
	d.phone <- conn
	go func() { _, _ = io.Copy(d.house, conn) }()
	return run
}

// asked calls the house and asks for alice.
func (d *deskSIPp) asked(scenario string) *caller {
	c := d.h.sipp(scenario, d.transport, "1000", nil)
	c.hears(700)
	c.press("2")
	return c
}

// rung waits until the phone rings and returns the call's ID.
func (d *deskSIPp) rung() string {
	d.h.t.Helper()
	limit := time.NewTimer(soon)
	defer limit.Stop()
	select {
	case id := <-d.rings:
		return id
	case <-limit.C:
		d.h.t.Fatal("alice's phone does not ring")
		return ""
	}
}

// talks: each hears the other and not themselves, keys go through; alice hangs
// up and the flow goes on.
func (d *deskSIPp) talks() {
	h, t := d.h, d.h.t
	alice := newSink(t, agentTone)
	run := d.is("agent", alice)
	c := d.asked("listener")
	id := d.rung()
	c.hears(425)
	cue(t, d.transport, run.Port, id, 101)
	c.hears(agentTone)
	alice.hears(callerTone)
	c.press("42")
	testkit.Eventually(t, soon, "keys at alice", func() bool { return alice.Digits() == "42" })
	c.listens(time.Second)
	cue(t, d.transport, run.Port, id, 102)
	c.hears(1900)
	c.done()
	went(t, run)
	wantMelody(t, "caller", c.Heard(), 500, 700, 425, agentTone, 1900)
	wantMelody(t, "alice", alice.Heard(), callerTone)
	if got := alice.Digits(); got != "42" {
		t.Errorf("keys at alice: %q", got)
	}
	r := h.record(c)
	if r.End != leg.FlowHangup || path(r) != "greet top talk bye" || r.Agent != "alice" || r.TalkMS < 1000 || r.WaitMS <= 0 {
		t.Errorf("record: %+v", r)
	}
	left, right := h.recording(r.ID, "")
	wantMelody(t, "left channel", left, callerTone)
	wantMelody(t, "right channel", right, 700, 425, agentTone, 1900)
}

// answersReliably: a 180 that wants PRACK gets it; the caller hangs up.
func (d *deskSIPp) answersReliably() {
	h, t := d.h, d.h.t
	alice := newSink(t, agentTone)
	run := d.is("agent_prack", alice)
	c := d.asked("visit")
	d.rung()
	c.hears(agentTone)
	alice.hears(callerTone)
	c.cue()
	c.done()
	went(t, run)
	if r := h.record(c); r.End != leg.CallerHangup || path(r) != "greet top talk" || r.Agent != "alice" {
		t.Errorf("record: %+v", r)
	}
}

// isBusy: 486 is the busy prompt's.
func (d *deskSIPp) isBusy() {
	h, t := d.h, d.h.t
	run := d.is("agent_busy", newSink(t, agentTone))
	c := d.asked("listener")
	d.rung()
	c.hears(1300)
	c.hears(1900)
	c.done()
	went(t, run)
	if r := h.record(c); r.End != leg.FlowHangup || path(r) != "greet top talk busy bye" || r.Agent != "" {
		t.Errorf("record: %+v", r)
	}
}

// isCancelled: the caller hangs up while alice's phone rings.
func (d *deskSIPp) isCancelled() {
	h, t := d.h, d.h.t
	alice := newSink(t, agentTone)
	run := d.is("agent_rings", alice)
	c := d.asked("visit")
	d.rung()
	c.hears(425)
	c.cue()
	c.done()
	went(t, run)
	if n := alice.Counts().Packets; n != 0 {
		t.Errorf("%d packets came to a phone that was never answered", n)
	}
	if r := h.record(c); r.End != leg.CallerHangup || path(r) != "greet top talk" || r.Agent != "" {
		t.Errorf("record: %+v", r)
	}
}

// doesNotAnswer: after the node's time the phone stops ringing and the caller
// leaves a message.
func (d *deskSIPp) doesNotAnswer() {
	h, t := d.h, d.h.t
	run := d.is("agent_rings", newSink(t, agentTone))
	c := d.asked("visit")
	d.rung()
	c.hears(425)
	went(t, run)
	c.hears(1500)
	c.hears(1000)
	c.listens(1500 * time.Millisecond)
	c.cue()
	c.done()
	r := h.record(c)
	if r.End != leg.CallerHangup || path(r) != "greet top talk leave" || r.Agent != "" {
		t.Errorf("record: %+v", r)
	}
	h.hasMessage(r, 1400)
}
