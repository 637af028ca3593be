package e2e

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/netns"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/media/rtpio"
)

// The account of the customer, which is ivrd.
const (
	carrierAddress = "203.0.113.7"
	carrierRealm   = "carrier.example"
	carrierNonce   = "5ccc069c403ebaf9f0171e9517f40e41"
	trunkAccount   = "075588880000"
	trunkSecret    = "correct horse"
	ourNumber      = "+8675588880000"
	customerNumber = "+8613800138000"
)

// carrier is a telephone company's edge: a registrar that asks for digest, and
// both ends of calls. It answers to where a request came from, calls over the
// registration's flow, and sends RTP to where RTP comes from, as such edges do.
type carrier struct {
	t     *testing.T
	host  *netns.Host
	conn  net.PacketConn
	done  sync.WaitGroup
	dials chan *carrierCall // calls that the customer makes

	mu        sync.Mutex
	calls     map[string]*carrierCall // by Call-ID
	contact   string                  // where the customer says that it is
	source    net.Addr                // where it is
	refusing  bool
	registers int // accepted
	asked     int // OPTIONS
}

func startCarrier(t *testing.T, host *netns.Host) *carrier {
	t.Helper()
	conn, err := host.ListenUDP(carrierAddress + ":5060")
	if err != nil {
		t.Fatal(err)
	}
	c := &carrier{t: t, host: host, conn: conn, dials: make(chan *carrierCall, 8), calls: map[string]*carrierCall{}}
	c.done.Go(c.read)
	t.Cleanup(func() {
		_ = conn.Close()
		c.done.Wait()
	})
	return c
}

func (c *carrier) read() {
	b := make([]byte, 65536)
	for {
		n, from, err := c.conn.ReadFrom(b)
		if err != nil {
			return
		}
		if n > 4 { // less is a keep-alive
			c.take(parseMessage(b[:n]), from)
		}
	}
}

func (c *carrier) take(m message, from net.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if call := c.calls[m.get("Call-ID")]; call != nil {
		call.inbox <- m
		return
	}
	switch m.method() {
	case "REGISTER":
		c.send(c.register(m, from), from)
	case "OPTIONS":
		c.asked++
		c.send(m.answer("200 OK", m.get("To")+";tag=o", from.String()), from)
	case "INVITE":
		c.dialled(m, from)
	}
}

func (c *carrier) send(m message, to net.Addr) {
	if _, err := c.conn.WriteTo(m.bytes(), to); err != nil {
		c.t.Errorf("carrier sends: %v", err)
	}
}

// register answers a REGISTER (RFC 3261 §10.3).
func (c *carrier) register(m message, from net.Addr) message {
	to, source := m.get("To")+";tag=r", from.String()
	proof := m.get("Authorization")
	switch {
	case c.refusing:
		return m.answer("503 Service Unavailable", to, source)
	case proof == "":
		return m.answer("401 Unauthorized", to, source,
			fmt.Sprintf("WWW-Authenticate: Digest realm=%q, nonce=%q, algorithm=MD5, qop=\"auth\"", carrierRealm, carrierNonce))
	case !proves(proof, "REGISTER", carrierRealm, carrierNonce, trunkAccount, trunkSecret):
		c.t.Errorf("a REGISTER does not prove the account: %s", proof)
		return m.answer("403 Forbidden", to, source)
	}
	c.registers++
	c.contact, c.source = angled(m.get("Contact")), from
	return m.answer("200 OK", to, source, fmt.Sprintf("Contact: <%s>;expires=%s", c.contact, m.get("Expires")))
}

// refuse makes the registrar refuse, or take customers again.
func (c *carrier) refuse(yes bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refusing = yes
}

// registrations is how many were accepted, and from where the last one came.
func (c *carrier) registrations() (n int, source string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.source != nil {
		source = c.source.String()
	}
	return c.registers, source
}

// dialled begins a call of the customer, which must prove its account for
// each.
func (c *carrier) dialled(m message, from net.Addr) {
	to := m.get("To")
	if m.get("Proxy-Authorization") == "" {
		c.send(m.answer("407 Proxy Authentication Required", to+";tag=p", from.String(),
			fmt.Sprintf("Proxy-Authenticate: Digest realm=%q, nonce=%q, algorithm=MD5, qop=\"auth\"", carrierRealm, carrierNonce)), from)
		return
	}
	if !proves(m.get("Proxy-Authorization"), "INVITE", carrierRealm, carrierNonce, trunkAccount, trunkSecret) {
		c.t.Error("an INVITE does not prove the account")
	}
	call := c.newCall(m.get("Call-ID"), to+";tag="+random(), m.get("From"), angled(m.get("Contact")), from)
	call.invite = m
	c.calls[call.id] = call
	c.dials <- call
}

// carrierCall is a call through the carrier and the telephone at its other end.
type carrierCall struct {
	c           *carrier
	id          string
	own, theirs string // From and To values with their tags
	target      string // the customer's Contact
	to          net.Addr
	seq         int
	inbox       chan message
	invite      message // of a call that the customer made
	answer      message // to a call that we made
	phone       *tone.Phone
}

func random() string { return strings.ToLower(rand.Text()[:12]) }

func (c *carrier) newCall(id, own, theirs, target string, to net.Addr) *carrierCall {
	phone, err := tone.NewPhone(hostNetwork{c.host}, netip.MustParseAddr(carrierAddress))
	if err != nil {
		c.t.Error(err)
		return nil
	}
	c.t.Cleanup(func() { _ = phone.Close() })
	return &carrierCall{c: c, id: id, own: own, theirs: theirs, target: target, to: to, inbox: make(chan message, 256), phone: phone}
}

// hostNetwork binds the sockets of a telephone on a host.
type hostNetwork struct{ host *netns.Host }

func (h hostNetwork) Listen(a netip.AddrPort) (conn rtpio.PacketConn, err error) {
	err = h.host.Do(func() error {
		conn, err = rtpio.UDP{}.Listen(a)
		return err
	})
	return conn, err
}

func (h hostNetwork) Prefixes() ([]netip.Prefix, error) { return nil, nil }

// call calls a number of the customer over the flow of its registration: the
// Request-URI is its Contact, the number stands in To.
func (c *carrier) call(number string) *carrierCall {
	c.t.Helper()
	c.mu.Lock()
	if c.contact == "" {
		c.mu.Unlock()
		c.t.Fatal("the customer is not registered")
	}
	call := c.newCall(random()+"@"+carrierAddress, fmt.Sprintf("<sip:anonymous@%s>;tag=%s", carrierRealm, random()),
		fmt.Sprintf("<sip:%s@%s>", number, carrierRealm), c.contact, c.source)
	c.calls[call.id] = call
	c.mu.Unlock()
	call.request("INVITE", describe(carrierAddress, call.phone.Addr().Port()),
		fmt.Sprintf("P-Asserted-Identity: <sip:%s@%s>", customerNumber, carrierRealm), "Supported: 100rel, timer")
	call.answer = call.response("INVITE")
	call.theirs = call.answer.get("To")
	if call.answer.status() == 200 {
		call.target = angled(call.answer.get("Contact"))
	}
	call.request("ACK", "")
	return call
}

// request sends a request of the dialog.
func (k *carrierCall) request(method, body string, extra ...string) {
	if method != "ACK" {
		k.seq++
	}
	m := message{first: method + " " + k.target + " SIP/2.0", body: body}
	m.headers = append([]string{
		"Via: SIP/2.0/UDP " + carrierAddress + ":5060;branch=z9hG4bK" + random(), "Max-Forwards: 70",
		"From: " + k.own, "To: " + k.theirs, "Call-ID: " + k.id, fmt.Sprintf("CSeq: %d %s", k.seq, method),
		"Contact: <sip:" + carrierAddress + ":5060>",
	}, extra...)
	k.c.send(m, k.to)
}

// reply answers a request of the customer.
func (k *carrierCall) reply(m message, status, body string, extra ...string) {
	r := m.answer(status, k.own, k.to.String(), append(extra, "Contact: <sip:"+carrierAddress+":5060>")...)
	r.body = body
	k.c.send(r, k.to)
}

// response waits for the final answer to a request of ours.
func (k *carrierCall) response(method string) message {
	k.c.t.Helper()
	return k.next("an answer to "+method, func(m message) bool { return m.status() >= 200 && m.method() == method })
}

// expect waits for a request of the customer.
func (k *carrierCall) expect(method string) message {
	k.c.t.Helper()
	return k.next(method, func(m message) bool { return m.status() == 0 && m.method() == method })
}

// next waits for a message and drops what comes before it: repetitions and
// provisional responses.
func (k *carrierCall) next(what string, wanted func(message) bool) message {
	k.c.t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for {
		select {
		case m := <-k.inbox:
			if wanted(m) {
				return m
			}
		case <-limit.C:
			k.c.t.Fatalf("no %s came", what)
		}
	}
}

// hangup ends the call.
func (k *carrierCall) hangup() {
	k.c.t.Helper()
	k.request("BYE", "")
	if r := k.response("BYE"); r.status() != 200 {
		k.c.t.Errorf("BYE was answered %s", r.first)
	}
}

// ended waits until the customer hangs up.
func (k *carrierCall) ended() {
	k.c.t.Helper()
	k.reply(k.expect("BYE"), "200 OK", "")
}
