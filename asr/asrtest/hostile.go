package asrtest

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/ivrd/ivrd/asr"
)

// hang never connects.
func hang(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// enemy is a server that does not keep the protocol.
type enemy struct {
	name string
	// handler of HTTP; or conn, of a connection below it.
	handler func(*server, http.ResponseWriter, *http.Request)
	conn    func(*server, net.Conn)
	want    error
	says    string // part of the error
}

// Hostile checks that an engine stands what servers may do to it: one error that names
// it and says what was seen, no goroutine left, writes that never wait.
func Hostile(t *testing.T, d Dialect) {
	for _, e := range append(enemies(), liars(d)...) {
		t.Run(e.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { e.meet(t, d) })
		})
	}
	t.Run("it sends more after Close", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { moreAfterClose(t, d) })
	})
	t.Run("it sends results that nobody reads", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { nobodyReads(t, d) })
	})
}

func (e *enemy) meet(t *testing.T, d Dialect) {
	var s *server
	s = serve(t, d, func(w http.ResponseWriter, r *http.Request) { e.handler(s, w, r) })
	defer s.stop()
	dial := s.dial
	if e.conn != nil {
		dial = func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := s.pipe()
			go e.conn(s, theirs)
			return ours, nil
		}
	}
	ses := s.startAt(t, s.engineAt(t, dial), nil)
	ses.talk(25)
	err := ses.Finish(t.Context())
	ses.reading.Wait()
	ours, ok := errors.AsType[*asr.Error](err)
	if !ok || ours.Engine != ses.name || !errors.Is(err, e.want) || !strings.Contains(err.Error(), e.says) {
		t.Fatalf("the error is %v, want one of %s: %v: …%s", err, ses.name, e.want, e.says)
	}
	if !errors.Is(ses.Err(), err) || !errors.Is(ses.ended, err) || len(err.Error()) > 400 || strings.Contains(err.Error(), token) {
		t.Errorf("Err says %v, Finish %v", ses.Err(), err)
	}
	_ = ses.Close()
}

// upgraded makes a handler of what is done to a WebSocket.
func upgraded(do func(*server, *websocket.Conn)) func(*server, http.ResponseWriter, *http.Request) {
	return func(s *server, w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow() //nolint:errcheck // the client may be gone
		do(s, c)
	}
}

// onFirstSound does something when the first sound has come, and listens on.
func onFirstSound(do func(*server, *websocket.Conn)) func(*server, http.ResponseWriter, *http.Request) {
	return afterSound(0, do)
}

func afterSound(seconds float64, do func(*server, *websocket.Conn)) func(*server, http.ResponseWriter, *http.Request) {
	return upgraded(func(s *server, c *websocket.Conn) {
		for done := false; ; {
			kind, msg, err := c.Read(context.Background())
			if err != nil {
				return
			}
			if kind != websocket.MessageBinary {
				continue
			}
			if s.sound(len(msg)) > seconds && !done {
				done = true
				do(s, c)
			}
			if s.dialect.Ack != "" {
				say(c, s.dialect.Ack)
			}
		}
	})
}

// afterUpgrade writes bytes below the WebSocket once it is made.
func afterUpgrade(write func(*server, net.Conn)) func(*server, http.ResponseWriter, *http.Request) {
	return func(s *server, w http.ResponseWriter, r *http.Request) {
		upgraded, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer upgraded.CloseNow() //nolint:errcheck // the client may be gone
		s.mu.Lock()
		c := s.open[len(s.open)-1]
		s.mu.Unlock()
		go func() {
			b := make([]byte, 4096)
			for _, err := c.Read(b); err == nil; _, err = c.Read(b) {
			}
		}()
		write(s, c)
	}
}

// dribble writes b a byte a second.
func dribble(s *server, c net.Conn, b []byte) {
	for i := range b {
		select {
		case <-s.over:
			return
		case <-time.After(time.Second):
		}
		if _, err := c.Write(b[i : i+1]); err != nil {
			return
		}
	}
}

func enemies() []enemy {
	status := func(code int, location string) func(*server, http.ResponseWriter, *http.Request) {
		return func(_ *server, w http.ResponseWriter, _ *http.Request) {
			if location != "" {
				w.Header().Set("Location", location)
			}
			w.WriteHeader(code)
		}
	}
	return []enemy{
		{name: "it refuses", handler: status(http.StatusUnauthorized, ""), want: asr.ErrRefused, says: "401"},
		{name: "it redirects", handler: status(http.StatusFound, "ws://elsewhere.test/"), want: asr.ErrRefused, says: "302"},
		{name: "it is no WebSocket", handler: status(http.StatusOK, ""), want: asr.ErrRefused, says: "200"},
		{name: "it hangs before the handshake", conn: func(s *server, _ net.Conn) { <-s.over }, want: asr.ErrLate, says: "connection"},
		{name: "it shakes hands at a byte a second", conn: slowHandshake, want: asr.ErrLate, says: "connection"},
		{name: "it sends headers without end", conn: endlessHeader, want: asr.ErrRefused},
		{name: "it hangs after the handshake", handler: upgraded(func(s *server, _ *websocket.Conn) { <-s.over }), want: asr.ErrLate},
		{name: "it hangs after the start", handler: upgraded(func(_ *server, c *websocket.Conn) {
			for _, _, err := c.Read(context.Background()); err == nil; _, _, err = c.Read(context.Background()) {
			}
		}), want: asr.ErrLate, says: "no "},
		{name: "it sends a byte a second", handler: afterUpgrade(func(s *server, c net.Conn) {
			dribble(s, c, append([]byte{0x81, 120}, bytes.Repeat([]byte(" "), 120)...))
		}), want: asr.ErrLate},
		{name: "it sends 100 MB", handler: onFirstSound(func(_ *server, c *websocket.Conn) {
			say(c, `{"text":"`+strings.Repeat("a", 100<<20)+`"}`)
		}), want: asr.ErrTooLong, says: "1 MB"},
		{name: "it says that 100 GB follow", handler: afterUpgrade(func(s *server, c net.Conn) {
			_, _ = c.Write([]byte{0x81, 127, 0, 0, 0x17, 0, 0, 0, 0, 0}) // nothing does
			<-s.over
		}), want: asr.ErrLate},
		{name: "it breaks the framing", handler: afterUpgrade(func(s *server, c net.Conn) {
			_, _ = c.Write(bytes.Repeat([]byte{0xff}, 64))
			<-s.over
		}), want: asr.ErrGone},
		{name: "it closes in the middle", handler: onFirstSound(func(_ *server, c *websocket.Conn) {
			_ = c.Close(websocket.StatusInternalError, "model\r\nfell over")
		}), want: asr.ErrGone, says: "1011 model  fell over"},
		{name: "it is cut off", handler: onFirstSound(func(_ *server, c *websocket.Conn) { _ = c.CloseNow() }), want: asr.ErrGone},
	}
}

func slowHandshake(s *server, c net.Conn) {
	_, _ = c.Read(make([]byte, 4096))
	dribble(s, c, []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"))
}

func endlessHeader(_ *server, c net.Conn) {
	_, _ = c.Read(make([]byte, 4096))
	_, err := c.Write([]byte("HTTP/1.1 101 Switching Protocols\r\n"))
	for err == nil {
		_, err = c.Write([]byte("X-More: " + strings.Repeat("a", 1000) + "\r\n"))
	}
}

// liars keep the framing and send what means nothing, or cannot be.
func liars(d Dialect) []enemy {
	wrong := append([]string{"", "}{", "null of nothing", `{"a":`, strings.Repeat("[", 100_000), "\xff\xfe\x00"}, d.Wrong...)
	if d.Result != nil {
		wrong = append(wrong, d.Result(3600, 3601), d.Result(-5, -4), d.Result(0, 1e300), d.Result(-1e300, 0))
	}
	var out []enemy
	for _, w := range wrong {
		out = append(out, enemy{name: "it says " + w[:min(len(w), 40)], handler: onFirstSound(func(_ *server, c *websocket.Conn) { say(c, w) }), want: asr.ErrProtocol})
	}
	return out
}

func (d *Dialect) aFinal() string {
	for _, s := range append(d.Steps, Step{Say: d.Last[0]}) {
		if strings.Contains(s.Say, d.Want[0].Text) && s.Say != d.Steps[0].Say {
			return s.Say
		}
	}
	return ""
}

func moreAfterClose(t *testing.T, d Dialect) {
	var s *server
	s = serve(t, d, laterOf(&s, func(s *server, c *websocket.Conn) {
		for range 10_000 {
			say(c, d.aFinal())
			select {
			case <-s.over:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}))
	defer s.stop()
	ses := s.start(t, nil)
	ses.talk(6.5)
	_ = ses.Close()
	ses.reading.Wait()
	got := len(ses.all())
	ses.talk(1)
	if more := len(ses.all()); got == 0 || more != got || ses.Err() != nil {
		t.Errorf("%d segments after Close, and %v", more-got, ses.Err())
	}
}

// laterOf lets as much sound come first as the dialect's results are about.
func laterOf(s **server, do func(*server, *websocket.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { afterSound(6, do)(*s, w, r) }
}

// What nobody reads is neither kept for ever nor thrown away in silence.
func nobodyReads(t *testing.T, d Dialect) {
	var s *server
	s = serve(t, d, laterOf(&s, func(_ *server, c *websocket.Conn) {
		for range 100 {
			say(c, d.aFinal())
		}
	}))
	defer s.stop()
	r := s.engine(t)
	ses, err := r.Open(t.Context(), asr.Options{Phrases: []string{"billing"}})
	if err != nil {
		t.Fatal(err)
	}
	talking := &session{Session: ses, t: t, at: callTime}
	talking.talk(26)
	if err := ses.Err(); !errors.Is(err, asr.ErrUnread) && !errors.Is(err, asr.ErrLate) {
		t.Errorf("the session ended with %v", err)
	}
	n := 0
	for range ses.Segments() {
		n++
	}
	if n != 64 {
		t.Errorf("%d segments were kept, want 64", n)
	}
}
