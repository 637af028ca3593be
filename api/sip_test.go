package api

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/ivrd/ivrd/identity"
)

// phones reads what pages say, as sip.Server does.
type phones struct {
	mu      sync.Mutex
	sockets []*Socket
	heard   []string
}

func (p *phones) ServeSocket(ctx context.Context, s *Socket) error {
	p.mu.Lock()
	p.sockets = append(p.sockets, s)
	p.mu.Unlock()
	defer func() { _ = s.Close() }()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			m, err := s.Read(context.Background())
			if err != nil {
				return
			}
			p.mu.Lock()
			p.heard = append(p.heard, s.Person()+": "+string(m))
			p.mu.Unlock()
		}
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-gone:
		return nil
	}
}

func (p *phones) said() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.heard...)
}

func (p *phones) people() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, s := range p.sockets {
		out = append(out, s.Person())
	}
	return out
}

// sipHouse serves /sip over a network in memory, in virtual time.
func sipHouse(t *testing.T, config Config, test func(*stage, *phones)) {
	t.Helper()
	pages(t, config, func(h *stage) {
		p := &phones{}
		h.Phones = p
		test(h, p)
	})
}

// sip opens a socket as JsSIP does; headers come in pairs. Without a connection
// the status says why.
func (h *stage) sip(protocol string, headers ...string) (conn *websocket.Conn, status int) {
	h.t.Helper()
	header := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		header.Set(headers[i], headers[i+1])
	}
	transport := &http.Transport{DialContext: h.wire.dial}
	conn, resp, err := websocket.Dial(context.Background(), "ws://house.test/sip", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, HTTPHeader: header, Subprotocols: []string{protocol},
	})
	if resp == nil {
		h.t.Fatal(err)
	}
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		transport.CloseIdleConnections()
		return nil, resp.StatusCode
	}
	h.t.Cleanup(func() { _ = conn.CloseNow() })
	return conn, resp.StatusCode
}

func (h *stage) cookieOf(token identity.Secret) string { return h.cookieName() + "=" + token.Reveal() }

const ownPage = "http://house.test"

// closedWith waits for the end of a socket.
func closedWith(t *testing.T, conn *websocket.Conn) websocket.StatusCode {
	t.Helper()
	_, _, err := conn.Read(context.Background())
	if err == nil {
		t.Fatal("the server has spoken")
	}
	return websocket.CloseStatus(err)
}

func TestWhoMayOpenSIP(t *testing.T) {
	for name, c := range map[string]struct {
		demo    bool
		signIn  bool
		origin  string
		method  string
		status  int
		subject string // who it is then
	}{
		"signed in":                   {signIn: true, origin: ownPage, status: 101, subject: "alice"},
		"nobody":                      {origin: ownPage, status: 401},
		"nobody in the demo":          {demo: true, origin: ownPage, status: 101},
		"signed in, in the demo":      {demo: true, signIn: true, origin: ownPage, status: 101, subject: "alice"},
		"another site":                {signIn: true, origin: "http://evil.test", status: 403},
		"another site, in the demo":   {demo: true, origin: "http://evil.test", status: 403},
		"another port":                {signIn: true, origin: "http://house.test:8081", status: 403},
		"a name that begins alike":    {signIn: true, origin: "http://house.test.evil.test", status: 403},
		"no site":                     {signIn: true, status: 403},
		"a site without a name":       {signIn: true, origin: "null", status: 403},
		"no site, nobody in the demo": {demo: true, status: 403},
	} {
		t.Run(name, func(t *testing.T) {
			sipHouse(t, Config{Demo: c.demo}, func(h *stage, p *phones) {
				var headers []string
				if c.signIn {
					headers = append(headers, "Cookie", h.cookieOf(h.signIn("alice")))
				}
				if c.origin != "" {
					headers = append(headers, "Origin", c.origin)
				}
				conn, status := h.sip("sip", headers...)
				if status != c.status {
					t.Fatalf("got %d", status)
				}
				if conn != nil {
					time.Sleep(time.Second)
					if got := p.people(); len(got) != 1 || got[0] != c.subject {
						t.Errorf("it is %q's", got)
					}
				}
			})
		})
	}
}

func TestWrongSubprotocol(t *testing.T) {
	sipHouse(t, Config{}, func(h *stage, p *phones) {
		conn, _ := h.sip("xmpp", "Cookie", h.cookieOf(h.signIn("alice")), "Origin", ownPage)
		if code := closedWith(t, conn); code != websocket.StatusPolicyViolation {
			t.Errorf("closed with %d", code)
		}
		if len(p.people()) > 0 {
			t.Error("SIP got it")
		}
	})
}

// TestEndedSignInEndsSIP: sockets close within a second of the sign-in that they
// stand on, and only those.
func TestEndedSignInEndsSIP(t *testing.T) {
	for name, end := range map[string]func(*stage, identity.Secret){
		"signed out": func(h *stage, token identity.Secret) {
			if err := h.people.SignOut(h.t.Context(), token); err != nil {
				h.t.Error(err)
			}
		},
		"shut out": func(h *stage, _ identity.Secret) {
			if err := h.people.SetEnabled(h.t.Context(), "alice", false); err != nil {
				h.t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			sipHouse(t, Config{}, func(h *stage, _ *phones) {
				token := h.signIn("alice")
				conn, _ := h.sip("sip", "Cookie", h.cookieOf(token), "Origin", ownPage)
				other, _ := h.sip("sip", "Cookie", h.cookieOf(h.signIn("bob")), "Origin", ownPage)
				time.Sleep(10 * time.Second)
				begun := time.Now()
				end(h, token)
				if code := closedWith(t, conn); code != closeSignedOut {
					t.Errorf("closed with %d", code)
				}
				if took := time.Since(begun); took > 1100*time.Millisecond {
					t.Errorf("closed after %v", took)
				}
				if err := other.Write(h.t.Context(), websocket.MessageText, []byte("still here")); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestMessagesOfSIP: whole messages come through, in pieces and as bytes too; one
// that is too large closes its socket, and no other.
func TestMessagesOfSIP(t *testing.T) {
	sipHouse(t, Config{}, func(h *stage, p *phones) {
		conn, _ := h.sip("sip", "Cookie", h.cookieOf(h.signIn("alice")), "Origin", ownPage)
		other, _ := h.sip("sip", "Cookie", h.cookieOf(h.signIn("bob")), "Origin", ownPage)
		say := func(kind websocket.MessageType, text string) {
			t.Helper()
			if err := conn.Write(h.t.Context(), kind, []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		say(websocket.MessageText, "one")
		say(websocket.MessageBinary, "two")
		pieces, err := conn.Writer(h.t.Context(), websocket.MessageText)
		if err != nil {
			t.Fatal(err)
		}
		for _, piece := range []string{"th", "", "ree"} {
			if _, err := pieces.Write([]byte(piece)); err != nil {
				t.Fatal(err)
			}
		}
		if err := pieces.Close(); err != nil {
			t.Fatal(err)
		}
		say(websocket.MessageText, strings.Repeat("x", maxMessage))
		time.Sleep(time.Second)
		if got := p.said(); len(got) != 4 || got[0] != "alice: one" || got[1] != "alice: two" || got[2] != "alice: three" || len(got[3]) != len("alice: ")+maxMessage {
			t.Errorf("heard %d messages: %.60q", len(got), got)
		}
		_ = conn.Write(h.t.Context(), websocket.MessageText, []byte(strings.Repeat("x", maxMessage+1)))
		if code := closedWith(t, conn); code != websocket.StatusMessageTooBig {
			t.Errorf("closed with %d", code)
		}
		if err := other.Write(h.t.Context(), websocket.MessageText, []byte("unharmed")); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if got := p.said(); len(got) != 5 || got[4] != "bob: unharmed" {
			t.Errorf("heard %d messages", len(got))
		}
	})
}

// TestGuestsKeepNobodyOut: one network, and all guests together, leave room.
func TestGuestsKeepNobodyOut(t *testing.T) {
	s := newSockets(8, 3)
	enter := func(n int, from string) (got int) {
		for range n {
			if _, err := s.enterGuest(netip.MustParseAddr(from)); err == nil {
				got++
			}
		}
		return got
	}
	if got := enter(5, "2001:db8::1") + enter(5, "2001:db8::2:1"); got != 3 {
		t.Errorf("one subscriber has %d sockets, want 3", got)
	}
	if got := enter(5, "192.0.2.1") + enter(5, "192.0.2.2"); got != 1 {
		t.Errorf("the other guests have %d sockets, want 1", got)
	}
	for range 3 {
		if _, err := s.enter("alice"); err != nil {
			t.Error(err)
		}
	}
	_, err := s.enter("alice")
	if p, ok := errors.AsType[*Problem](err); !ok || p.Status != http.StatusServiceUnavailable {
		t.Errorf("a fourth of alice's: %v", err)
	}
	if leave, err := s.enter("bob"); err != nil {
		t.Error(err)
	} else {
		leave()
	}
	if s.count != 7 || s.guests != 4 {
		t.Errorf("%d sockets, %d of guests", s.count, s.guests)
	}
}
