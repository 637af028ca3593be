package sip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/sip/digest"
	"github.com/ivrd/ivrd/sip/wire"
)

// memNet carries datagrams in memory, so that tests run in virtual time.
type memNet struct {
	mu    sync.Mutex
	socks map[string]*memConn
	// lose drops a datagram when it returns true.
	lose func(from, to string, data []byte) bool
}

func newMemNet() *memNet { return &memNet{socks: map[string]*memConn{}} }

type datagram struct {
	from *net.UDPAddr
	data []byte
}

type memConn struct {
	net  *memNet
	addr *net.UDPAddr
	in   chan datagram
	done chan struct{}
	once sync.Once
	mu   sync.Mutex
	dl   time.Time
}

func (n *memNet) listen(addr string) (net.PacketConn, error) {
	a := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(addr))
	c := &memConn{net: n, addr: a, in: make(chan datagram, 256), done: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.socks[a.String()] = c
	return c, nil
}

func (c *memConn) ReadFrom(p []byte) (int, net.Addr, error) {
	c.mu.Lock()
	dl := c.dl
	c.mu.Unlock()
	var expired <-chan time.Time
	if !dl.IsZero() {
		timer := time.NewTimer(time.Until(dl))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case d := <-c.in:
		return copy(p, d.data), d.from, nil
	case <-c.done:
		return 0, nil, net.ErrClosed
	case <-expired:
		return 0, nil, os.ErrDeadlineExceeded
	}
}

func (c *memConn) WriteTo(p []byte, to net.Addr) (int, error) {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	dst := c.net.socks[to.String()]
	if dst == nil || c.net.lose != nil && c.net.lose(c.addr.String(), to.String(), p) {
		return len(p), nil
	}
	select {
	case dst.in <- datagram{c.addr, bytes.Clone(p)}:
	default:
	}
	return len(p), nil
}

func (c *memConn) Close() error {
	c.once.Do(func() {
		close(c.done)
		c.net.mu.Lock()
		delete(c.net.socks, c.addr.String())
		c.net.mu.Unlock()
	})
	return nil
}

func (c *memConn) LocalAddr() net.Addr { return c.addr }
func (c *memConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.dl = t
	c.mu.Unlock()
	return nil
}
func (c *memConn) SetDeadline(t time.Time) error    { return c.SetReadDeadline(t) }
func (c *memConn) SetWriteDeadline(time.Time) error { return nil }

// fakeStream records what signalling asks of media.
type fakeStream struct {
	mu        sync.Mutex
	addr      netip.AddrPort
	connected []media.Remote
	closed    int
	taken     []byte // keys that came by signalling
	events    chan media.StreamEvent
}

func (f *fakeStream) Local() netip.AddrPort { return f.addr }
func (f *fakeStream) Connect(r media.Remote) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.connected = append(f.connected, r)
	return nil
}
func (f *fakeStream) Play(media.Play) media.PlayID     { return 0 }
func (f *fakeStream) Stop()                            {}
func (f *fakeStream) SendDigits(string) error          { return nil }
func (f *fakeStream) Events() <-chan media.StreamEvent { return f.events }
func (f *fakeStream) Stats() media.Stats               { return media.Stats{} }
func (f *fakeStream) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed++
	return nil
}

func (f *fakeStream) TakeDigit(key byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.taken = append(f.taken, key)
}

func (f *fakeStream) keys() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return string(f.taken)
}

func (f *fakeStream) last(t *testing.T) media.Remote {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.connected) == 0 {
		t.Fatal("stream was never connected")
	}
	return f.connected[len(f.connected)-1]
}

func (f *fakeStream) connects() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.connected)
}

// fakeSession opens fakeStreams at rising ports.
type fakeSession struct {
	mu      sync.Mutex
	addr    netip.Addr
	streams []*fakeStream
	full    bool
	base    int // first port, 20000 when 0
}

func (f *fakeSession) Open(o media.StreamOptions) (media.Stream, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full {
		return nil, media.ErrNoPorts
	}
	addr := f.addr
	if !addr.IsValid() {
		addr = netip.MustParseAddr("127.0.0.1")
	}
	if f.base == 0 {
		f.base = 20000
	}
	s := &fakeStream{addr: netip.AddrPortFrom(addr, uint16(f.base+2*len(f.streams))), events: make(chan media.StreamEvent)}
	f.streams = append(f.streams, s)
	if o.Web {
		return fakeWebStream{s}, nil
	}
	if o.DTLS {
		return fakeDeskStream{s}, nil
	}
	return s, nil
}
func (f *fakeSession) Mix([]media.Party) (media.Time, error)        { return 0, nil }
func (f *fakeSession) Bridge(_, _ media.Stream) (media.Time, error) { return 0, nil }
func (f *fakeSession) Unbridge(media.Stream) media.Time             { return 0 }
func (f *fakeSession) SetTap(media.PacketTap) media.Time            { return 0 }
func (f *fakeSession) Now() media.Time                              { return 0 }
func (f *fakeSession) Close() error                                 { return nil }

// handler is a Handler whose decisions a test sets.
type handler struct {
	full  time.Duration
	calls func(ctx context.Context, in *Incoming)
	mu    sync.Mutex
}

// set changes calls where a network of its own, invisible to the race
// detector, orders the test's steps.
func (h *handler) set(f func(ctx context.Context, in *Incoming)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = f
}

func (h *handler) Known(n string) bool { return n == "1000" || n == "echo" || n == "+861012345" }
func (h *handler) Full() time.Duration { return h.full }
func (h *handler) Incoming(ctx context.Context, in *Incoming) {
	h.mu.Lock()
	calls := h.calls
	h.mu.Unlock()
	if calls == nil {
		in.Reject(leg.Busy)
		return
	}
	calls(ctx, in)
}

// people have the password "secret".
type people []string

func (p people) HA1(_ context.Context, user, realm, algorithm string) (string, bool) {
	if slices.Contains(p, user) {
		return digest.HA1(algorithm, user, realm, "secret"), true
	}
	return "", false
}

const serverAddr = "192.0.2.1:5060"

func testConfig() Config {
	return Config{
		UDP: serverAddr, Realm: "ivrd.test",
		Trunks:   []Trunk{{Name: "pstn", Match: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, Trusted: true, Server: "198.51.100.1:5060", Domain: "pstn.test"}},
		Outbound: []OutboundRule{{Prefix: "+86", Trunk: "pstn", MaxCalls: 2}},
	}
}

// world is a server on a memory network.
type world struct {
	t   *testing.T
	net *memNet
	srv *Server
	h   *handler
	log *syncBuffer

	comings atomic.Int64 // what Deps.Registered was told
}

func (w *world) came(string) { w.comings.Add(1) }

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func newWorld(t *testing.T, cfg Config) *world {
	t.Helper()
	w := &world{t: t, net: newMemNet(), h: &handler{}, log: &syncBuffer{}}
	srv, err := New(cfg, Deps{Handler: w.h, Secrets: people{"alice", "bob", "alice~1", "alice~2", "alice~3", "bob~1", "guest~1", "pbx"}, Guest: demoGuest, Registered: w.came, Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	srv.listenUDP = w.net.listen
	if err := srv.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.srv = srv
	return w
}

// close ends the server; in a synctest bubble it also proves that nothing is
// left running.
func (w *world) close() { w.srv.Close() }

// phone is a hand-made SIP client: it knows nothing of the code under test
// but the parser.
type phone struct {
	t            *testing.T
	conn         net.PacketConn
	server       net.Addr
	callID, tag  string
	toTag        string
	seq          int
	branch       int
	target       string
	extra        []string // headers of every request
	wait         time.Duration
	user, domain string
	account      string // name in the credentials; user when empty
}

func (w *world) phone(addr string) *phone {
	w.t.Helper()
	conn, err := w.net.listen(addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	return newPhone(w.t, conn, net.UDPAddrFromAddrPort(netip.MustParseAddrPort(serverAddr)))
}

func newPhone(t *testing.T, conn net.PacketConn, server net.Addr) *phone {
	return &phone{
		t: t, conn: conn, server: server, callID: "call-" + token(), tag: "tag-" + token(), target: "sip:1000@" + server.String(),
		wait: 5 * time.Second, user: "+8613800138000", domain: "pstn.test",
	}
}

// request builds a request; headers and body are appended as they are.
func (p *phone) request(method string, body string, headers ...string) string {
	if method != "ACK" && method != "CANCEL" {
		p.seq++
	}
	p.branch++
	return p.requestSeq(method, p.seq, p.branch, body, headers...)
}

func (p *phone) requestSeq(method string, seq, branch int, body string, headers ...string) string {
	var b strings.Builder
	local := p.conn.LocalAddr().String()
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\n", method, p.target)
	fmt.Fprintf(&b, "Via: SIP/2.0/UDP %s;branch=z9hG4bK-%s-%d;rport\r\n", local, p.callID, branch)
	fmt.Fprintf(&b, "Max-Forwards: 70\r\nFrom: <sip:%s@%s>;tag=%s\r\n", p.user, p.domain, p.tag)
	to := "<sip:1000@" + p.server.String() + ">"
	if method == "REGISTER" {
		to = "<sip:" + p.user + "@ivrd.test>"
	}
	if p.toTag != "" {
		to += ";tag=" + p.toTag
	}
	fmt.Fprintf(&b, "To: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n", to, p.callID, seq, method)
	if !strings.Contains(strings.Join(headers, "\n"), "Contact:") {
		fmt.Fprintf(&b, "Contact: <sip:peer@%s>\r\n", local)
	}
	for _, h := range append(p.extra, headers...) {
		b.WriteString(h + "\r\n")
	}
	if body != "" {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return b.String()
}

func (p *phone) send(raw string) {
	p.t.Helper()
	if _, err := p.conn.WriteTo([]byte(raw), p.server); err != nil {
		p.t.Fatal(err)
	}
}

// tryRecv waits for the next message; nil after the time is over.
func (p *phone) tryRecv(wait time.Duration) *wire.Message {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(wait))
	buf := make([]byte, 65535)
	n, _, err := p.conn.ReadFrom(buf)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	if err != nil {
		p.t.Fatal(err)
	}
	m := lenient(buf[:n])
	if m == nil {
		p.t.Fatalf("server sent what cannot be parsed:\n%s", buf[:n])
	}
	return m
}

// lenient reads answers to malformed requests too: they repeat what they
// were asked with. Of such only the status is known.
func lenient(data []byte) *wire.Message {
	m, fault := wire.Parse(data)
	if fault == nil {
		return m
	}
	f := strings.Fields(string(data))
	if len(f) < 2 || f[0] != "SIP/2.0" {
		return nil
	}
	status, _ := strconv.Atoi(f[1])
	if status != 400 && status != 513 {
		return nil
	}
	return &wire.Message{Status: status}
}

func (p *phone) recv() *wire.Message {
	p.t.Helper()
	m := p.tryRecv(p.wait)
	if m == nil {
		p.t.Fatal("no message came")
	}
	return m
}

// expect takes messages until a response that is no 100, which must have the
// status.
func (p *phone) expect(status int) *wire.Message {
	p.t.Helper()
	for {
		m := p.recv()
		if m.Status == 100 && status != 100 {
			continue
		}
		if m.Status != status {
			p.t.Fatalf("got %d %s %s, want %d", m.Status, m.Reason, m.Method, status)
		}
		if tag := m.To.Tag(); tag != "" && status < 300 {
			p.toTag = tag
		}
		return m
	}
}

// expectRequest takes the next message, which must be a request.
func (p *phone) expectRequest(method string) *wire.Message {
	p.t.Helper()
	m := p.recv()
	if m.Method != method {
		p.t.Fatalf("got %s %d %s, want %s", m.Method, m.Status, m.Reason, method)
	}
	return m
}

// reply answers a request of the server.
func (p *phone) reply(m *wire.Message, status int, body string, headers ...string) {
	p.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d Whatever\r\n", status)
	for _, h := range m.Headers {
		switch h.Name {
		case "Via", "From", "Call-ID", "CSeq", "Record-Route":
			fmt.Fprintf(&b, "%s: %s\r\n", h.Name, h.Value)
		case "To":
			if m.To.Tag() == "" && status > 100 {
				h.Value += ";tag=" + p.tag
			}
			fmt.Fprintf(&b, "To: %s\r\n", h.Value)
		}
	}
	fmt.Fprintf(&b, "Contact: <sip:peer@%s>\r\n", p.conn.LocalAddr())
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	if body != "" {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	p.send(b.String())
}

// call sets up a call as the caller and returns the 200.
func (p *phone) call(body string, headers ...string) *wire.Message {
	p.t.Helper()
	p.send(p.request("INVITE", body, headers...))
	ok := p.expect(200)
	p.target = contactOf(ok).String()
	p.ack("")
	return ok
}

func (p *phone) ack(body string) { p.send(p.request("ACK", body)) }

// sdpAt is a plain offer.
func sdpAt(addr string, port int, extra ...string) string { return sdpVersion(addr, port, 1, extra...) }

func sdpVersion(addr string, port, version int, extra ...string) string {
	return "v=0\r\no=- 7 " + strconv.Itoa(version) + " IN IP4 " + addr + "\r\ns=-\r\nc=IN IP4 " + addr + "\r\nt=0 0\r\n" +
		"m=audio " + strconv.Itoa(port) + " RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n" + strings.Join(append(extra, ""), "\r\n")
}

// answering is a handler that accepts and answers, and gives the leg away.
func answering(s media.Session, legs chan<- leg.Leg) func(context.Context, *Incoming) {
	return func(ctx context.Context, in *Incoming) {
		l, err := in.Accept(s, media.StreamOptions{})
		if err != nil {
			return
		}
		if err := l.Answer(ctx); err == nil {
			legs <- l
		}
	}
}

// await takes events until one of the kind.
func await(t *testing.T, l leg.Leg, kind leg.EventKind) leg.Event {
	t.Helper()
	timeout := time.After(2 * time.Hour) // virtual in most tests
	if _, real := l.(*party); real && os.Getenv("REALTIME") != "" {
		timeout = time.After(10 * time.Second)
	}
	for {
		select {
		case e, ok := <-l.Events():
			if !ok {
				t.Fatalf("events ended before kind %d", kind)
			}
			if e.Kind == kind {
				return e
			}
			if e.Kind == leg.Ended {
				t.Fatalf("leg ended with %s before kind %d", e.Reason, kind)
			}
		case <-timeout:
			t.Fatalf("no event of kind %d", kind)
		}
	}
}

// endsWith waits for the end and checks its reason.
func endsWith(t *testing.T, l leg.Leg, want leg.EndReason) {
	t.Helper()
	e := await(t, l, leg.Ended)
	if e.Reason.Slug != want.Slug {
		t.Fatalf("leg ended with %s, want %s", e.Reason, want)
	}
	if _, open := <-l.Events(); open {
		t.Fatal("events go on after the end")
	}
}
