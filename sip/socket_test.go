package sip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/secret"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/sip/wire"
)

// fakeWebStream is a browser's stream.
type fakeWebStream struct{ *fakeStream }

func (fakeWebStream) Web() media.WebLocal {
	return media.WebLocal{
		Ufrag: "ours", Pwd: strings.Repeat("o", 24), Fingerprint: strings.TrimSuffix(strings.Repeat("0F:", 32), ":"),
		Candidates: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:16383")},
	}
}

func demoGuest(username string) (string, bool) { return "+8613800138000", username == "guest~1" }

// webSDP is what a browser says of its sound.
func webSDP(ufrag, setup string, extra ...string) string {
	return "v=0\r\no=- 7 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS *\r\n" +
		"m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n" +
		"a=candidate:1 1 udp 2122260223 203.0.113.9 50000 typ host generation 0\r\n" +
		"a=ice-ufrag:" + ufrag + "\r\na=ice-pwd:" + strings.Repeat("p", 24) + "\r\na=ice-options:trickle\r\n" +
		"a=fingerprint:sha-256 " + strings.TrimSuffix(strings.Repeat("AB:", 32), ":") + "\r\na=setup:" + setup + "\r\na=mid:0\r\n" +
		"a=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\na=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\n" +
		strings.Join(append(extra, ""), "\r\n")
}

// fakeSocket is a WebSocket in memory, seen by the server; for the page it is a
// packet connection, so that a phone can stand at it.
type fakeSocket struct {
	remote    netip.AddrPort
	person    string
	name      string // host of its Via and Contact
	in, out   chan []byte
	done      chan struct{}
	once      sync.Once
	mu        sync.Mutex
	deadline  time.Time
	deaf      bool          // does not answer pings
	goodbye   time.Duration // how long a Close waits for the page
	pings     int
	pageWords [][]byte // what the page got beside SIP
}

func newFakeSocket(remote, person string) *fakeSocket {
	return &fakeSocket{
		remote: netip.MustParseAddrPort(remote), person: person, name: token()[:8] + ".invalid",
		in: make(chan []byte, 64), out: make(chan []byte, 64), done: make(chan struct{}),
	}
}

func (f *fakeSocket) Read(ctx context.Context) ([]byte, error) {
	select {
	case m := <-f.in:
		return m, nil
	case <-f.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		_ = f.Close()
		return nil, ctx.Err()
	}
}

func (f *fakeSocket) Write(ctx context.Context, m []byte) error {
	select {
	case f.out <- bytes.Clone(m):
		return nil
	case <-f.done:
		return net.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *fakeSocket) Close() error {
	time.Sleep(f.goodbye)
	f.once.Do(func() { close(f.done) })
	return nil
}
func (f *fakeSocket) Local() netip.AddrPort  { return netip.MustParseAddrPort("192.0.2.1:8080") }
func (f *fakeSocket) Remote() netip.AddrPort { return f.remote }
func (f *fakeSocket) Secure() bool           { return false }
func (f *fakeSocket) Person() string         { return f.person }

// page is the other end of a fakeSocket.
type page struct{ *fakeSocket }

type pageAddr string

func (pageAddr) Network() string  { return "ws" }
func (a pageAddr) String() string { return string(a) }

func (p page) LocalAddr() net.Addr { return pageAddr(p.name) }

func (p page) WriteTo(b []byte, _ net.Addr) (int, error) {
	m := bytes.Replace(b, []byte("SIP/2.0/UDP"), []byte("SIP/2.0/WS"), 1)
	select {
	case p.in <- bytes.Clone(m):
		return len(b), nil
	case <-p.done:
		return 0, net.ErrClosed
	}
}

func (p page) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		p.mu.Lock()
		timer := time.NewTimer(time.Until(p.deadline))
		p.mu.Unlock()
		select {
		case m := <-p.out:
			timer.Stop()
			if len(bytes.Trim(m, "\r\n")) > 0 {
				return copy(b, m), pageAddr("server"), nil
			}
			p.ping(m)
		case <-p.done:
			timer.Stop()
			return 0, nil, io.EOF
		case <-timer.C:
			return 0, nil, os.ErrDeadlineExceeded
		}
	}
}

// ping answers as JsSIP does.
func (p page) ping(m []byte) {
	p.mu.Lock()
	p.pageWords = append(p.pageWords, m)
	if string(m) == "\r\n\r\n" {
		p.pings++
	}
	deaf := p.deaf
	p.mu.Unlock()
	if !deaf && string(m) == "\r\n\r\n" {
		_, _ = p.WriteTo([]byte("\r\n"), nil)
	}
}

func (p page) SetReadDeadline(at time.Time) error {
	p.mu.Lock()
	p.deadline = at
	p.mu.Unlock()
	return nil
}
func (p page) SetDeadline(at time.Time) error   { return p.SetReadDeadline(at) }
func (p page) SetWriteDeadline(time.Time) error { return nil }

// open serves a socket and stands a phone of the person at it.
func (w *world) openPage(person, account, remote string) (*phone, *fakeSocket) {
	w.t.Helper()
	f := newFakeSocket(remote, person)
	go func() { _ = w.srv.ServeSocket(w.t.Context(), f) }()
	p := newPhone(w.t, page{f}, net.UDPAddrFromAddrPort(netip.MustParseAddrPort(serverAddr)))
	p.user, p.account, p.domain, p.target = firstOf(person, "guest"), account, "ivrd.test", "sip:ivrd.test"
	return p, f
}

// begin registers and fails the test when that is refused.
func (p *phone) begin() {
	p.t.Helper()
	if m := p.register(); m.Status != 200 {
		p.t.Fatalf("REGISTER got %d %s", m.Status, m.Reason)
	}
	p.toTag = ""
}

// invite calls with credentials and returns the first answer that is no 100.
func (p *phone) invite(target, body string) *wire.Message {
	p.t.Helper()
	p.target, p.toTag, p.callID = target, "", "call-"+token()
	p.send(p.request("INVITE", body))
	challenge := p.expect(401)
	p.toTag = ""
	p.branch--
	p.ack("")
	p.branch++
	p.send(p.request("INVITE", body, "Authorization: "+p.answer(challenge, "INVITE")))
	for {
		if m := p.recv(); m.Status != 100 {
			return m
		}
	}
}

func TestPageRegistersAndIsRung(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		p, f := w.openPage("alice", "alice~1", "203.0.113.9:40000")
		p.begin()
		b := w.srv.Bindings("alice")
		if len(b) != 1 || b[0].Transport != "ws" || !strings.HasSuffix(b[0].Contact, ".invalid") {
			t.Fatalf("bindings are %+v", b)
		}
		l, s := w.dial(DialRequest{User: "alice", From: "+8613800138000", Page: Page{CallID: "PS1", Role: "agent", Auto: true}})
		inv := p.expectRequest("INVITE")
		if inv.Target.Host != f.name || inv.Get("X-Ivrd-Call") != "PS1" || inv.Get("X-Ivrd-Answer") != "auto" || !strings.Contains(inv.Get("Via"), "/WS ") {
			t.Errorf("INVITE is %s %+v", inv.URI, inv.Headers)
		}
		if offer := string(inv.Body); !strings.Contains(offer, "UDP/TLS/RTP/SAVPF") || !strings.Contains(offer, "a=ice-ufrag:ours") {
			t.Errorf("a page is offered\n%s", offer)
		}
		p.reply(inv, 180, "")
		p.reply(inv, 200, webSDP("page", "active"))
		p.expectRequest("ACK")
		await(t, l, leg.Answered)
		r := s.streams[0].last(t)
		if r.Web == nil || r.Web.Ufrag != "page" || r.Web.Client || !r.Web.Controlling {
			t.Errorf("media is %+v", r)
		}
		l.End(leg.Moved)
		if bye := p.expectRequest("BYE"); bye.Target.Host != f.name || !strings.Contains(bye.Get("Reason"), "moved") {
			t.Errorf("BYE is %s, %q", bye.URI, bye.Get("Reason"))
		} else {
			p.reply(bye, 200, "")
		}
	})
}

func TestPageCalls(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		session, legs := &fakeSession{}, make(chan leg.Leg, 1)
		w.h.calls = answering(session, legs)
		p, _ := w.openPage("alice", "alice~1", "203.0.113.9:40000")
		p.begin()
		ok := p.invite("sip:1000@ivrd.test", webSDP("page", "actpass"))
		if ok.Status != 200 {
			t.Fatalf("got %d", ok.Status)
		}
		p.toTag, p.target = ok.To.Tag(), contactOf(ok).String()
		p.ack("")
		l := <-legs
		await(t, l, leg.Answered)
		if info := l.Info(); info.User != "alice" || info.From != "alice" || info.Transport != "ws" {
			t.Errorf("info is %+v", info)
		}
		if r := session.streams[0].last(t); r.Web == nil || r.Web.Controlling || !r.Web.Client {
			t.Errorf("media is %+v", r.Web)
		}
		p.send(p.request("BYE", ""))
		p.expect(200)
		endsWith(t, l, leg.CallerHangup)
	})
}

// TestSocketGoes: legs and bindings of a socket end with it, at once, and
// nothing is looked up or dialled to reach its page again.
func TestSocketGoes(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		p, f := w.openPage("alice", "alice~1", "203.0.113.9:40000")
		p.begin()
		up, _ := w.dial(DialRequest{User: "alice"})
		inv := p.expectRequest("INVITE")
		p.reply(inv, 200, webSDP("page", "active"))
		p.expectRequest("ACK")
		await(t, up, leg.Answered)
		pending, _ := w.dial(DialRequest{User: "alice"})
		p.reply(p.expectRequest("INVITE"), 180, "")
		await(t, pending, leg.Ringing)
		unheard, _ := w.dial(DialRequest{User: "alice"})
		p.expectRequest("INVITE")

		begun := time.Now()
		_ = f.Close()
		for _, l := range []leg.Leg{up, pending, unheard} {
			endsWith(t, l, leg.ConnLost)
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("noticed after %v", took)
		}
		if w.srv.Registered("alice") {
			t.Error("the binding outlived its socket")
		}
		if _, err := w.srv.Dial(t.Context(), &fakeSession{}, DialRequest{User: "alice"}); AsReason(err) != leg.Unreachable {
			t.Errorf("got %v", err)
		}
	})
}

// TestNoGoodbye: a page that does not answer the goodbye has lost its call all
// the same, and is not listened to meanwhile.
func TestNoGoodbye(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		f := newFakeSocket("203.0.113.9:40000", "alice")
		f.goodbye = 5 * time.Second
		ctx, signOut := context.WithCancel(t.Context())
		go func() { _ = w.srv.ServeSocket(ctx, f) }()
		p := newPhone(t, page{f}, net.UDPAddrFromAddrPort(netip.MustParseAddrPort(serverAddr)))
		p.user, p.account, p.domain, p.target = "alice", "alice~1", "ivrd.test", "sip:ivrd.test"
		p.begin()
		l, _ := w.dial(DialRequest{User: "alice"})
		p.reply(p.expectRequest("INVITE"), 200, webSDP("page", "active"))
		p.expectRequest("ACK")
		await(t, l, leg.Answered)
		begun := time.Now()
		signOut()
		endsWith(t, l, leg.ConnLost)
		if took := time.Since(begun); took > time.Second || w.srv.Registered("alice") {
			t.Errorf("the call ended after %v, registered: %v", took, w.srv.Registered("alice"))
		}
		p.send(p.request("OPTIONS", ""))
		if m := p.tryRecv(3 * time.Second); m != nil {
			t.Errorf("a page that is signed out got %d", m.Status)
		}
	})
}

// TestAnswerAndGone: a page that answers and is gone in the same moment leaves
// no leg that waits for its media.
func TestAnswerAndGone(t *testing.T) {
	for range 20 {
		inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
			p, f := w.openPage("alice", "alice~1", "203.0.113.9:40000")
			p.begin()
			l, _ := w.dial(DialRequest{User: "alice"})
			inv := p.expectRequest("INVITE")
			begun := time.Now()
			p.reply(inv, 200, webSDP("page", "active"))
			_ = f.Close()
			for ev := range l.Events() {
				if ev.Kind == leg.Ended && ev.Reason.Slug != leg.ConnLost.Slug {
					t.Errorf("ended with %s", ev.Reason)
				}
			}
			if took := time.Since(begun); took > time.Second {
				t.Fatalf("noticed after %v", took)
			}
		})
	}
}

func TestWhichPageRings(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		desk := w.deskPhone("alice", "203.0.113.5:5062")
		desk.register()
		rings := func(p *phone, r DialRequest) {
			t.Helper()
			l, _ := w.dial(r)
			p.reply(p.expectRequest("INVITE"), 486, "")
			p.expectRequest("ACK")
			endsWith(t, l, leg.Busy)
		}
		first, _ := w.openPage("alice", "alice~1", "203.0.113.9:40000")
		first.begin()
		time.Sleep(time.Second)
		second, f := w.openPage("alice", "alice~2", "203.0.113.9:40001")
		second.begin()
		rings(second, DialRequest{User: "alice"})
		rings(first, DialRequest{User: "alice", Page: Page{Phone: "alice~1"}})
		first.begin() // a refresh is no news
		rings(second, DialRequest{User: "alice"})
		if _, err := w.srv.Dial(t.Context(), &fakeSession{}, DialRequest{User: "alice", Page: Page{Phone: "alice~3"}}); err == nil {
			t.Error("a page that is not there was rung")
		}
		_ = f.Close()
		time.Sleep(time.Second)
		rings(first, DialRequest{User: "alice"})
		if m := desk.tryRecv(time.Second); m != nil {
			t.Errorf("the desk phone got %s beside a page", m.Method)
		}
	})
}

// TestWhoMayBeWhom: a page's secret opens what is its person's, over their
// socket only.
func TestWhoMayBeWhom(t *testing.T) {
	cfg := testConfig()
	cfg.Trunks = append(cfg.Trunks, Trunk{Name: "pbx", Username: secret.New("pbx"), Password: secret.New("secret"), Domain: "pbx.test", Trusted: true})
	for name, c := range map[string]struct {
		socket, account, user string
		register, call        int
	}{
		"own":                        {"alice", "alice~1", "alice", 200, 486},
		"bob's name":                 {"alice", "alice~1", "bob", 403, 486}, // the caller is alice all the same
		"bob's secret":               {"alice", "bob~1", "bob", 403, 403},
		"a desk phone's secret":      {"alice", "alice", "alice", 403, 403},
		"no sign-in, alice's secret": {"", "alice~1", "alice", 403, 403},
		"guest":                      {"", "guest~1", "guest", 200, 486},
		"signed in, guest's secret":  {"alice", "guest~1", "guest", 200, 486}, // the demo beside a sign-in
		"a trunk's secret":           {"", "pbx", "pbx", 403, 403},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, cfg, func(t *testing.T, w *world, _ *phone) {
				p, _ := w.openPage(c.socket, c.account, "203.0.113.9:40000")
				p.user = c.user
				if m := p.register(); m.Status != c.register {
					t.Errorf("REGISTER got %d", m.Status)
				}
				if m := p.invite("sip:1000@ivrd.test", webSDP("page", "actpass")); m.Status != c.call {
					t.Errorf("INVITE got %d", m.Status)
				}
				if name != "own" && (w.srv.Registered("alice") || w.srv.Registered("bob") || w.srv.Registered("guest")) {
					t.Error("something is bound")
				}
			})
		})
	}
}

// TestPageSecretElsewhere: over UDP a page's secret, and a guest's, open nothing.
func TestPageSecretElsewhere(t *testing.T) {
	for _, account := range []string{"alice~1", "guest~1"} {
		inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
			p := w.deskPhone(strings.Split(account, "~")[0], "203.0.113.5:5062")
			p.account = account
			if m := p.register(); m.Status != 403 {
				t.Errorf("%s: REGISTER got %d", account, m.Status)
			}
			if m := p.invite("sip:1000@ivrd.test", sdpAt("203.0.113.5", 4000)); m.Status != 403 {
				t.Errorf("%s: INVITE got %d", account, m.Status)
			}
		})
	}
}

func TestGuestCalls(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		infos := make(chan leg.Info, 1)
		w.h.calls = func(_ context.Context, in *Incoming) { infos <- in.Info(); in.Reject(leg.Busy) }
		p, _ := w.openPage("", "guest~1", "203.0.113.9:40000")
		p.begin()
		p.user = "alice" // From says what it likes
		if m := p.invite("sip:1000@ivrd.test", webSDP("page", "actpass")); m.Status != 486 {
			t.Fatalf("got %d", m.Status)
		}
		if i := <-infos; i.User != "" || i.From != "+8613800138000" || i.Trusted || i.Trunk != "" {
			t.Errorf("a guest is %+v", i)
		}
		if m := p.invite("sip:13900000000@ivrd.test", webSDP("page", "actpass")); m.Status != 404 {
			t.Errorf("another number got %d", m.Status)
		}
		if len(infos) > 0 {
			t.Error("a call to another number reached the handler")
		}
	})
}

// TestOneCallerDoesNotTakeAll: a page, or a guest, has a few calls at once.
func TestOneCallerDoesNotTakeAll(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		legs := make(chan leg.Leg, 2*maxPageCalls)
		w.h.calls = answering(&fakeSession{}, legs)
		p, _ := w.openPage("", "guest~1", "203.0.113.9:40000")
		p.begin()
		for i := range maxPageCalls + 1 {
			time.Sleep(time.Second)
			m := p.invite("sip:1000@ivrd.test", webSDP("page", "actpass"))
			if want := map[bool]int{true: 200, false: 503}[i < maxPageCalls]; m.Status != want {
				t.Fatalf("call %d got %d, want %d", i, m.Status, want)
			}
			if m.Status == 200 {
				p.toTag, p.target = m.To.Tag(), contactOf(m).String()
				p.ack("")
				await(t, <-legs, leg.Answered)
			}
		}
	})
}

// TestSocketsAreNotConfused: a page's address and port may be those of a
// connection to another port, and of another page behind the same proxy.
func TestSocketsAreNotConfused(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		const same = "203.0.113.5:5062"
		desk := w.deskPhone("bob", same)
		desk.register()
		a, fa := w.openPage("alice", "alice~1", same)
		b, _ := w.openPage("bob", "bob~1", same)
		a.begin()
		b.begin()
		la, _ := w.dial(DialRequest{User: "alice"})
		ia := a.expectRequest("INVITE")
		lb, _ := w.dial(DialRequest{User: "bob"})
		ib := b.expectRequest("INVITE")
		b.reply(ib, 200, webSDP("b", "active"))
		b.expectRequest("ACK")
		await(t, lb, leg.Answered)
		a.reply(ia, 200, webSDP("a", "active"))
		a.expectRequest("ACK")
		await(t, la, leg.Answered)
		_ = fa.Close()
		endsWith(t, la, leg.ConnLost)
		time.Sleep(time.Second)
		if !w.srv.Registered("bob") || w.srv.Registered("alice") {
			t.Error("the wrong binding is gone")
		}
		lb.End(leg.FlowHangup)
		b.reply(b.expectRequest("BYE"), 200, "")
	})
}

func TestSocketKeepAlive(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		p, f := w.openPage("alice", "alice~1", "203.0.113.9:40000")
		p.begin()
		p.send("\r\n\r\n") // a ping of the page
		if m := p.tryRecv(time.Hour); m != nil {
			t.Fatalf("got %s", m.Method)
		}
		f.mu.Lock()
		pings, pongs := f.pings, len(f.pageWords)-f.pings
		f.deaf = true
		f.mu.Unlock()
		if pings < 700 || pongs != 1 {
			t.Errorf("%d pings in an hour, %d pongs to one ping", pings, pongs)
		}
		begun := time.Now()
		<-f.done // nothing is read any more: no ping is answered
		if took := time.Since(begun); took > socketIdle {
			t.Errorf("a silent page was cut off after %v", took)
		}
		time.Sleep(time.Second)
		if w.srv.Registered("alice") || w.srv.Counters().Conns != 0 {
			t.Error("something is left of a silent page")
		}
	})
}

// TestUnprovedSocket: who does not prove anything is cut off, pings or not.
func TestUnprovedSocket(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		p, f := w.openPage("", "guest~1", "203.0.113.9:40000")
		begun := time.Now()
		_ = p.conn.SetReadDeadline(begun.Add(time.Minute))
		if _, _, err := p.conn.ReadFrom(make([]byte, 100)); !errors.Is(err, io.EOF) {
			t.Errorf("it reads %v", err)
		}
		<-f.done
		if took := time.Since(begun); took > 33*time.Second {
			t.Errorf("closed after %v", took)
		}
	})
}

func TestTooManyMessages(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		bad, f := w.openPage("alice", "alice~1", "203.0.113.9:40000")
		good, _ := w.openPage("bob", "bob~1", "203.0.113.9:40001")
		good.begin()
		tick := time.NewTicker(time.Second / 50)
		defer tick.Stop()
		go func() { // it reads what it gets
			for range f.out {
			}
		}()
		defer close(f.out)
		sent := 0
		for open := true; open && sent < 1000; sent++ {
			<-tick.C
			select {
			case <-f.done:
				open = false
			default:
				_, _ = bad.conn.WriteTo([]byte(bad.request("OPTIONS", "")), nil)
			}
		}
		if sent < messageBurst || sent > 80 {
			t.Errorf("closed after %d messages", sent)
		}
		good.send(good.request("OPTIONS", ""))
		good.expect(200)
	})
}

func TestSocketsOfAnOffice(t *testing.T) {
	cfg := testConfig()
	cfg.Limits.MaxConnsPerIP = 4
	inWorld(t, cfg, func(t *testing.T, w *world, _ *phone) {
		for i := range 10 { // ten people behind one address
			p, _ := w.openPage("alice", "alice~1", fmt.Sprintf("203.0.113.9:%d", 40000+i))
			p.begin()
		}
		p, _ := w.openPage("", "guest~1", "203.0.113.9:50000")
		p.begin() // they keep nobody out who is counted
		for i := range 6 {
			w.openPage("", "guest~1", fmt.Sprintf("203.0.113.9:%d", 50001+i))
		}
		time.Sleep(time.Second)
		if c := w.srv.Counters(); c.Conns != 14 || c.ConnsRefused != 3 {
			t.Errorf("%d connections, %d refused; want 14 and 3", c.Conns, c.ConnsRefused)
		}
	})
}

// TestRubbishOverSocket: what is no SIP is dropped, and the next message is
// read as if nothing had been.
func TestRubbishOverSocket(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		p, f := w.openPage("alice", "alice~1", "203.0.113.9:40000")
		p.begin()
		whole := p.request("OPTIONS", "")
		for _, m := range []string{
			"hello", "\x00\x01\x02\xff", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", `{"json":true}`, whole[:40], "SIP/2.0 200 OK\r\n\r\n",
			strings.Replace(whole, "Content-Length: 0", "Content-Length: 4000000000", 1),
			strings.Replace(whole, "Content-Length: 0", "Content-Length: -1", 1),
		} {
			f.in <- []byte(m)
		}
		for { // some are answered 400
			m := p.tryRecv(time.Second)
			if m == nil {
				break
			}
			if m.Status < 400 {
				t.Errorf("rubbish got %d", m.Status)
			}
		}
		p.toTag = ""
		p.send(p.request("OPTIONS", ""))
		p.expect(200)
		p.toTag = ""
		// Two messages in one are one and what is thrown away (RFC 7118 §5).
		p.send(p.request("OPTIONS", "") + p.request("OPTIONS", ""))
		p.expect(200)
		if m := p.tryRecv(time.Second); m != nil {
			t.Errorf("a message behind a message got %d", m.Status)
		}
	})
}

// TestIceRestart: new credentials of the browser get new ones of ours, the same
// the same; roles and section stay.
func TestIceRestart(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		session, legs := &fakeSession{}, make(chan leg.Leg, 1)
		w.h.calls = answering(session, legs)
		p, _ := w.openPage("alice", "alice~1", "203.0.113.9:40000")
		p.begin()
		ok := p.invite("sip:1000@ivrd.test", webSDP("page", "actpass"))
		p.toTag, p.target = ok.To.Tag(), contactOf(ok).String()
		p.ack("")
		await(t, <-legs, leg.Answered)
		line := func(m *wire.Message, name string) string {
			_, rest, _ := strings.Cut(string(m.Body), "a="+name+":")
			value, _, _ := strings.Cut(rest, "\r\n")
			return value
		}
		again := func(body string) *wire.Message {
			t.Helper()
			p.send(p.request("INVITE", body))
			m := p.expect(200)
			p.ack("")
			return m
		}
		same := again(strings.Replace(webSDP("page", "actpass", "a=ptime:20"), "7 2 IN", "7 3 IN", 1))
		if line(same, "ice-ufrag") != line(ok, "ice-ufrag") || line(same, "setup") != line(ok, "setup") || line(same, "mid") != "0" {
			t.Errorf("without a restart the answer is\n%s", same.Body)
		}
		fresh := again(strings.Replace(webSDP("new1", "actpass"), "7 2 IN", "7 4 IN", 1))
		if u := line(fresh, "ice-ufrag"); u == line(ok, "ice-ufrag") || line(fresh, "ice-pwd") == line(ok, "ice-pwd") || line(fresh, "setup") != line(ok, "setup") {
			t.Errorf("after a restart the answer is\n%s", fresh.Body)
		}
		if r := session.streams[0].last(t); r.Web.Ufrag != "new1" || r.Web.LocalUfrag != line(fresh, "ice-ufrag") {
			t.Errorf("media is told %+v", r.Web)
		}
		// Video beside it has credentials of its own: that is no restart.
		video := strings.Replace(webSDP("new1", "actpass"), "7 2 IN", "7 5 IN", 1) +
			"m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=ice-ufrag:vide\r\na=ice-pwd:" + strings.Repeat("v", 24) + "\r\na=setup:actpass\r\n"
		if m := again(video); line(m, "ice-ufrag") != line(fresh, "ice-ufrag") || !strings.Contains(string(m.Body), "m=video 0 ") || line(m, "group") != "BUNDLE 0" {
			t.Errorf("with video the answer is\n%s", m.Body)
		}
		p.send(p.request("INVITE", strings.ReplaceAll(strings.Replace(webSDP("new1", "actpass"), "7 2 IN", "7 6 IN", 1), "sha-256", "sha-1")))
		p.expect(488)
	})
}
