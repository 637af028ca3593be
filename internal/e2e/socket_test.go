package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/rtc"
	"github.com/ivrd/ivrd/media/rtpio"
	"github.com/ivrd/ivrd/sip/digest"
	"github.com/ivrd/ivrd/sip/wire"
)

// account is what POST /api/v1/phone tells a page.
type account struct{ URI, Realm, Username, Secret string }

// person is a browser of somebody, or in the demo of nobody.
type person struct {
	h      *house
	client *http.Client
}

func (h *house) person(name string) *person {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	p := &person{h, &http.Client{Jar: jar, Timeout: 10 * time.Second}}
	if name != "" {
		p.post("/api/v1/login", fmt.Sprintf(`{"username":%q,"password":"demo"}`, name), nil)
	}
	return p
}

func (p *person) post(path, body string, out any) {
	p.h.t.Helper()
	res, err := p.client.Post("http://"+p.h.http+path, "application/json", strings.NewReader(body))
	if err != nil {
		p.h.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		p.h.t.Fatalf("POST %s: %s", path, res.Status)
	}
	if out != nil {
		if err := json.NewDecoder(res.Body).Decode(out); err != nil {
			p.h.t.Fatal(err)
		}
	}
}

func (p *person) phone() (a account) {
	p.h.t.Helper()
	p.post("/api/v1/phone", "", &a)
	return a
}

func (p *person) guest(number string) (a account) {
	p.h.t.Helper()
	p.post("/api/v1/demo/phone", fmt.Sprintf(`{"number":%q}`, number), &a)
	return a
}

// socket is a page's WebSocket, with as much of SIP as the tests need.
type socket struct {
	t    *testing.T
	conn *websocket.Conn
	name string // of its Via and Contact
	in   chan *wire.Message
	end  chan error
	seq  int
}

// dial opens a socket; nil with the status when it is refused.
func (p *person) dial(origin string) (*websocket.Conn, int) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, res, err := websocket.Dial(ctx, "ws://"+p.h.http+"/sip", &websocket.DialOptions{
		HTTPClient: p.client, HTTPHeader: http.Header{"Origin": {origin}}, Subprotocols: []string{"sip"},
	})
	if res == nil {
		p.h.t.Fatal(err)
	}
	if res.Body != nil { // of a socket it has none
		_ = res.Body.Close()
	}
	if err != nil {
		return nil, res.StatusCode
	}
	return conn, 0
}

// socket opens a page's socket, which answers pings.
func (p *person) socket() *socket {
	p.h.t.Helper()
	conn, status := p.dial("http://" + p.h.http)
	if conn == nil {
		p.h.t.Fatalf("socket was refused: %d", status)
	}
	conn.SetReadLimit(1 << 20)
	s := &socket{t: p.h.t, conn: conn, name: fmt.Sprintf("p%d.invalid", time.Now().UnixNano()), in: make(chan *wire.Message, 64), end: make(chan error, 1)}
	p.h.t.Cleanup(func() { _ = conn.CloseNow() })
	go s.read()
	return s
}

func (s *socket) read() {
	for {
		_, m, err := s.conn.Read(context.Background())
		if err != nil {
			s.end <- err
			return
		}
		if len(bytes.Trim(m, "\r\n")) == 0 {
			_ = s.conn.Write(context.Background(), websocket.MessageText, []byte("\r\n"))
			continue
		}
		if parsed, _ := wire.Parse(m); parsed != nil {
			s.in <- parsed
		}
	}
}

func (s *socket) say(text string) {
	s.t.Helper()
	if err := s.conn.Write(s.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

// gone waits for the end of the socket and tells its code.
func (s *socket) gone(within time.Duration) websocket.StatusCode {
	s.t.Helper()
	select {
	case err := <-s.end:
		return websocket.CloseStatus(err)
	case <-time.After(within):
		s.t.Fatalf("the socket is open after %v", within)
		return 0
	}
}

// next is the next message that is no 100.
func (s *socket) next() *wire.Message {
	s.t.Helper()
	for {
		select {
		case m := <-s.in:
			if m.Status != 100 {
				return m
			}
		case <-time.After(10 * time.Second):
			s.t.Fatal("no message came")
		}
	}
}

func (s *socket) request(method, uri, user, callID, toTag, body string, headers ...string) string {
	to := uri
	if method == "REGISTER" {
		to = "sip:" + user + "@ivrd"
	}
	to = "<" + to + ">"
	if toTag != "" {
		to += ";tag=" + toTag
	}
	if method != "ACK" {
		s.seq++
	}
	if body != "" {
		headers = append(headers, "Content-Type: application/sdp")
	}
	branch := fmt.Sprintf("z9hG4bK%s%d%s", callID, s.seq, strings.Replace(method, "ACK", "INVITE", 1))
	return fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/WS %s;branch=%s\r\nMax-Forwards: 70\r\nFrom: <sip:%s@ivrd>;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\n"+
		"CSeq: %d %s\r\nContact: <sip:x@%s;transport=ws>\r\n%s\r\nContent-Length: %d\r\n\r\n%s", method, uri, s.name, branch, user, callID, to, callID,
		s.seq, method, s.name, strings.Join(append(headers, "Supported: path"), "\r\n"), len(body), body)
}

// ask sends a request, answers the challenge, and returns what comes then.
func (s *socket) ask(method, uri, user, body string, a account) *wire.Message {
	s.t.Helper()
	callID := "c" + strconv.Itoa(s.seq) + strings.TrimSuffix(s.name, ".invalid")
	s.say(s.request(method, uri, user, callID, "", body))
	m := s.next()
	if m.Status != 401 {
		return m
	}
	if method == "INVITE" {
		s.say(s.request("ACK", uri, user, callID, m.To.Tag(), ""))
	}
	creds := authorization(s.t, m, a, method, uri)
	s.say(s.request(method, uri, user, callID, "", body, "Authorization: "+creds))
	return s.next()
}

// authorization answers a challenge.
func authorization(t *testing.T, m *wire.Message, a account, method, uri string) string {
	t.Helper()
	var values []string
	for _, h := range m.Headers {
		if h.Name == "WWW-Authenticate" {
			values = append(values, h.Value)
		}
	}
	challenge, ok := digest.Choose(values)
	creds, err := digest.Answer(challenge, "ivrd", a.Username, a.Secret, method, uri)
	if !ok || err != nil {
		t.Fatalf("challenges are %q: %v", values, err)
	}
	return creds
}

func (s *socket) register(user string, a account) int {
	s.t.Helper()
	return s.ask("REGISTER", "sip:ivrd", user, "", a).Status
}

// webCall is a call over a socket, with sound.
type webCall struct {
	e    *rtpio.Endpoint
	stop chan struct{}
	once sync.Once
}

// call calls a number and sends silence; what comes back is counted.
func (s *socket) call(number, user string, a account) *webCall {
	s.t.Helper()
	ports, err := rtpio.NewPorts(rtpio.UDP{}, netip.MustParseAddr("127.0.0.1"), 0, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	mux, err := rtc.Listen(rtc.Config{Listen: netip.MustParseAddrPort("127.0.0.1:0")})
	if err != nil {
		s.t.Fatal(err)
	}
	tr, err := mux.Open()
	if err != nil {
		s.t.Fatal(err)
	}
	c := &webCall{e: rtpio.Over(tr, rtpio.NewGuard(nil, ports)), stop: make(chan struct{})}
	tr.Hear(c.e.Deliver)
	s.t.Cleanup(func() { c.close(); c.e.Close(); _ = mux.Close(); ports.Close() })
	uri := "sip:" + number + "@ivrd"
	ok := s.ask("INVITE", uri, user, webOffer(tr.Local()), a)
	for ok.Status > 100 && ok.Status < 200 {
		ok = s.next()
	}
	if ok.Status != 200 {
		s.t.Fatalf("call got %d %s", ok.Status, ok.Reason)
	}
	s.say(s.request("ACK", uri, user, ok.CallID, ok.To.Tag(), ""))
	up := make(chan error, 8)
	err = tr.Start(remoteOf(s.t, string(ok.Body)), func(k *media.SRTPKeys, err error) {
		if err == nil {
			err = c.e.Connect(media.Remote{Addr: rtc.Peer, RTCP: rtc.Peer, Signalling: rtc.Peer.Addr(), Codec: media.PCMU, SRTP: k})
		}
		up <- err
	})
	if err == nil {
		err = <-up
	}
	if err != nil {
		s.t.Fatal(err)
	}
	go c.talk()
	return c
}

func (c *webCall) talk() {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	silence := bytes.Repeat([]byte{0xff}, 160)
	for n := uint32(0); ; n++ {
		select {
		case <-tick.C:
			c.e.Send(0, n == 0, n*160, silence)
		case <-c.stop:
			return
		}
	}
}

func (c *webCall) close() { c.once.Do(func() { close(c.stop) }) }

func webOffer(l media.WebLocal) string {
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\n"+
		"a=mid:0\r\na=rtcp-mux\r\na=sendrecv\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\na=setup:actpass\r\n", l.Ufrag, l.Pwd, l.Fingerprint)
	for i, c := range l.Candidates {
		fmt.Fprintf(&b, "a=candidate:%d 1 udp 2130706431 %s %d typ host\r\n", i, c.Addr(), c.Port())
	}
	return b.String()
}

func remoteOf(t *testing.T, sdp string) media.WebRemote {
	t.Helper()
	find := func(pattern string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(sdp)
		if m == nil {
			t.Fatalf("no %s in\n%s", pattern, sdp)
		}
		return m[1]
	}
	r := media.WebRemote{Ufrag: find(`ice-ufrag:(\S+)`), Pwd: find(`ice-pwd:(\S+)`), Fingerprint: find(`sha-256 (\S+)`), Controlling: true}
	at := find(`candidate:\S+ 1 udp \S+ (\S+ \d+) typ`)
	r.Candidates = []netip.AddrPort{netip.MustParseAddrPort(strings.Replace(at, " ", ":", 1))}
	return r
}

// TestSocketBelongs: a page's secret is its person's, over their socket only,
// and a desk phone's is none of a page's.
func TestSocketBelongs(t *testing.T) {
	t.Parallel()
	h := open(t)
	alice, bob := h.person("alice"), h.person("bob")
	own, his := alice.phone(), bob.phone()
	desk := account{Realm: "ivrd", Username: "alice", Secret: h.sipSecret("alice")}
	s := alice.socket()
	for name, c := range map[string]struct {
		user string
		a    account
		want int
	}{
		"bob's name": {"bob", own, 403}, "bob's secret": {"bob", his, 403}, "bob's secret for alice": {"alice", his, 403},
		"a desk phone's secret": {"alice", desk, 403}, "own": {"alice", own, 200},
	} {
		if got := s.register(c.user, c.a); got != c.want {
			t.Errorf("%s: %d", name, got)
		}
	}
	guest := h.person("")
	visitor := guest.guest("+8613800138000")
	g := guest.socket()
	if got := g.register("alice", own); got != 403 {
		t.Errorf("alice's secret over nobody's socket: %d", got)
	}
	if got := g.register("guest", visitor); got != 200 {
		t.Errorf("a guest registers: %d", got)
	}
	for number, want := range map[string]int{"13900000000": 404, "+8613900000000": 404, "alice": 404} {
		if got := g.ask("INVITE", "sip:"+number+"@ivrd", "alice", webOffer(media.WebLocal{Ufrag: "x"}), visitor); got.Status != want {
			t.Errorf("a guest calls %s: %d", number, got.Status)
		}
	}
	if got := overUDP(t, h, own); got != 403 {
		t.Errorf("a page's secret over UDP: %d", got)
	}
	begun := time.Now()
	alice.post("/api/v1/logout", "", nil)
	if code := s.gone(2 * time.Second); code != 4001 || time.Since(begun) > 1500*time.Millisecond {
		t.Errorf("signed out, closed with %d after %v", code, time.Since(begun))
	}
	if got := bob.socket().register("alice", own); got != 401 && got != 403 {
		t.Errorf("a secret after its sign-in: %d", got)
	}
}

// overUDP registers with a page's secret as a desk phone would.
func overUDP(t *testing.T, h *house, a account) int {
	t.Helper()
	conn, err := net.Dial("udp", h.sip)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s := &socket{t: t, name: conn.LocalAddr().String()}
	send := func(headers ...string) *wire.Message {
		m := strings.Replace(s.request("REGISTER", "sip:ivrd", "alice", "over-udp", "", "", headers...), "SIP/2.0/WS", "SIP/2.0/UDP", 1)
		if _, err := conn.Write([]byte(m)); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		buf := make([]byte, 65535)
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := wire.Parse(buf[:n])
		return answer
	}
	return send("Authorization: " + authorization(t, send(), a, "REGISTER", "sip:ivrd")).Status
}

// TestSocketFlood: messages that are too large or too many close the socket that
// they come by; a call over another goes on.
func TestSocketFlood(t *testing.T) {
	t.Parallel()
	h := open(t)
	c := h.echoing("bob")
	alice := h.person("alice")

	large := alice.socket()
	_ = large.conn.Write(t.Context(), websocket.MessageText, bytes.Repeat([]byte("x"), 65536))
	if code := large.gone(5 * time.Second); code != websocket.StatusMessageTooBig {
		t.Errorf("too large, closed with %d", code)
	}
	odd := alice.socket()
	odd.say("hello")
	if err := odd.conn.Write(t.Context(), websocket.MessageBinary, []byte{0, 1, 2, 255}); err != nil {
		t.Fatal(err)
	}
	if err := odd.conn.Ping(t.Context()); err != nil { // with a payload
		t.Error(err)
	}
	if got := odd.register("alice", alice.phone()); got != 200 {
		t.Errorf("after what is no SIP: %d", got)
	}
	many := alice.socket()
	tick := time.NewTicker(time.Second / 50)
	defer tick.Stop()
	for n := 0; many.conn.Write(t.Context(), websocket.MessageText, []byte("\r\n")) == nil; n++ {
		if n > 200 {
			t.Fatal("200 messages at 50 a second were taken")
		}
		<-tick.C
	}
	many.gone(5 * time.Second)
	h.goesOn(c)
}

// echoing is a call of somebody's page with the echo.
func (h *house) echoing(name string) *webCall {
	h.t.Helper()
	p := h.person(name)
	s, a := p.socket(), p.phone()
	if got := s.register(name, a); got != 200 {
		h.t.Fatalf("REGISTER got %d", got)
	}
	return s.call("echo", name, a)
}

// goesOn looks whether a call is heard: 50 packets a second.
func (h *house) goesOn(c *webCall) {
	h.t.Helper()
	before := c.e.Stats().Received
	begun := time.Now()
	testkit.Eventually(h.t, 5*time.Second, "sound of the call", func() bool { return c.e.Stats().Received >= before+50 })
	if took := time.Since(begun); took > 2*time.Second {
		h.t.Errorf("50 packets took %v", took)
	}
}

// TestSilentConnections: 500 connections that say nothing, on TCP and on
// WebSockets, of nobody and of somebody, cut no call off and keep no page out;
// those that prove nothing are closed.
func TestSilentConnections(t *testing.T) {
	t.Parallel()
	h := open(t)
	c := h.echoing("bob")

	var raw []net.Conn
	for range 250 {
		conn, err := net.Dial("tcp", h.http)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		raw = append(raw, conn)
	}
	nobody, alice := h.person(""), h.person("alice")
	opened, refused := 0, 0
	var silent []*websocket.Conn
	for i := range 250 {
		who := nobody
		if i%2 == 0 {
			who = alice
		}
		conn, status := who.dial("http://" + h.http)
		switch {
		case conn != nil:
			opened++
			silent = append(silent, conn)
			t.Cleanup(func() { _ = conn.CloseNow() })
		case status == http.StatusServiceUnavailable:
			refused++
		default:
			t.Fatalf("socket %d: %d", i, status)
		}
	}
	t.Logf("%d silent sockets were opened, %d refused", opened, refused)
	if opened > 40 {
		t.Errorf("%d silent sockets of two were opened", opened)
	}
	h.goesOn(c)
	if got := h.newPage("sue"); got != 200 {
		t.Errorf("a new page's REGISTER got %d", got)
	}
	for _, conn := range raw {
		_ = conn.SetReadDeadline(time.Now().Add(15 * time.Second))
		if _, err := conn.Read(make([]byte, 1000)); isTimeout(err) {
			t.Fatal("a connection that says nothing is still open")
		}
	}
	for _, conn := range silent {
		ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
		for {
			if _, _, err := conn.Read(ctx); err != nil {
				break
			}
		}
		if ctx.Err() != nil {
			t.Fatal("a socket that proves nothing is still open")
		}
		cancel()
	}
	h.goesOn(c)
}

// newPage opens somebody's page, registers it and tells the status.
func (h *house) newPage(name string) int {
	h.t.Helper()
	p := h.person(name)
	return p.socket().register(name, p.phone())
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// TestForeignPage: another site's page gets no socket, signed in or not.
func TestForeignPage(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, who := range []string{"alice", ""} {
		if conn, status := h.person(who).dial("http://evil.example"); conn != nil || status != http.StatusForbidden {
			t.Errorf("%q: %d", who, status)
		}
	}
}
