// Package asrtest is what every engine of package asr that is reached over WebSocket
// must pass: Run against a server that replays its protocol, Hostile against servers
// that do not. Both run in virtual time on connections in memory.
package asrtest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/internal/secret"
	"github.com/ivrd/ivrd/media"
)

// Dialect is an engine's protocol, as recorded from its server or documented.
type Dialect struct {
	// New makes the engine with its URL, which has a ws scheme and any host.
	New func(asr.Link) (asr.Recognizer, error)
	// URL of the server; empty for ws://engine.test/.
	URL string
	// Authorization is the header's scheme; empty where the protocol has no token.
	Authorization string
	// Bytes of a sample.
	Bytes int
	// Steps are what the server says once it has heard so much, in order; one at most for
	// each binary message. Ack answers a message that has no step.
	Steps []Step
	Ack   string
	// End is the text message that asks for the last results, as it must be to the byte,
	// and Last what the server says then, before it closes.
	End  string
	Last []string
	// KeepAlive is the text message that comes every 3 to 5 s of a pause; empty for none.
	KeepAlive string
	// Want are the final segments of all that, with engine time for call time. Of
	// segments that are not Timed only the text is compared.
	Want []asr.Segment
	// Interim is the text of a result that comes before the first final one.
	Interim string
	// Result is a final result with times in seconds; nil for a protocol without.
	Result func(start, end float64) string
	// Wrong messages end a session.
	Wrong []string
}

// Step is something that the server says.
type Step struct {
	After float64 // seconds of sound
	Say   string
}

const token = "canary-token-71"

// server serves one engine in memory, until the test is over.
type server struct {
	dialect Dialect
	conns   chan net.Conn
	over    chan struct{} // closed at the end: hostile handlers wait for it
	http    *http.Server

	mu     sync.Mutex
	open   []net.Conn
	seen   Seen
	served int
}

// Seen is what a server was told.
type Seen struct {
	Request *http.Request
	Texts   []string
	Samples int
}

// serve starts a server. With a nil handler it replays the dialect.
func serve(t *testing.T, d Dialect, handler http.HandlerFunc) *server {
	t.Helper()
	s := &server{dialect: d, conns: make(chan net.Conn), over: make(chan struct{})}
	if handler == nil {
		handler = s.replay
	}
	s.http = &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.http.Serve(s) }() // it ends with ErrServerClosed
	return s
}

// stop ends it. It is called in the bubble, which then waits for its goroutines.
func (s *server) stop() {
	close(s.over)
	_ = s.http.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.open {
		_ = c.Close()
	}
}

// Accept, Close and Addr make it the listener of its HTTP server.
func (s *server) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.over:
		return nil, net.ErrClosed
	}
}

// Close does nothing: stop does.
func (s *server) Close() error { return nil }

// Addr is of no use.
func (s *server) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

// dial connects to the HTTP server.
func (s *server) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := s.pipe()
	select {
	case s.conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.over:
		return nil, net.ErrClosed
	}
}

func (s *server) pipe() (ours, theirs net.Conn) {
	ours, theirs = net.Pipe()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = append(s.open, theirs)
	return ours, theirs
}

func (s *server) told() Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// engine is the dialect's, dialling this server.
func (s *server) engine(t *testing.T) asr.Recognizer {
	t.Helper()
	return s.engineAt(t, s.dial)
}

func (s *server) engineAt(t *testing.T, dial func(context.Context, string, string) (net.Conn, error)) asr.Recognizer {
	t.Helper()
	url := s.dialect.URL
	if url == "" {
		url = "ws://engine.test/"
	}
	r, err := s.dialect.New(asr.Link{URL: url, Token: secret.New(token), Dial: dial})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// replay plays the dialect's recording to one client.
func (s *server) replay(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow() //nolint:errcheck // the client may be gone
	s.mu.Lock()
	s.seen, s.served = Seen{Request: r}, s.served+1
	s.mu.Unlock()
	steps := s.dialect.Steps
	for {
		kind, msg, err := c.Read(context.Background())
		if err != nil {
			return
		}
		if kind == websocket.MessageText {
			if s.text(string(msg)) {
				if len(steps) == 0 { // else it has not heard what the last words are about
					say(c, s.dialect.Last...)
				}
				_ = c.Close(websocket.StatusNormalClosure, "")
				return
			}
			continue
		}
		heard := s.sound(len(msg))
		switch {
		case len(steps) > 0 && heard >= steps[0].After:
			say(c, steps[0].Say)
			steps = steps[1:]
		case s.dialect.Ack != "":
			say(c, s.dialect.Ack)
		}
	}
}

// text notes a message and reports whether it is the end.
func (s *server) text(msg string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.Texts = append(s.seen.Texts, msg)
	return msg == s.dialect.End
}

func (s *server) sound(n int) (seconds float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.Samples += n / s.dialect.Bytes
	return float64(s.seen.Samples) / media.SampleRate
}

func say(c *websocket.Conn, messages ...string) {
	for _, m := range messages {
		_ = c.Write(context.Background(), websocket.MessageText, []byte(m)) // the client may be gone
	}
}
