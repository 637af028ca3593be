package sip

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/ivrd/ivrd/leg"
)

// Socket is a browser's WebSocket with the subprotocol "sip" (RFC 7118). The
// HTTP server has upgraded it and has checked where it comes from and who has
// signed in. It carries whole messages.
type Socket interface {
	Read(context.Context) ([]byte, error)
	Write(context.Context, []byte) error
	// Close ends it; a Read that waits fails.
	Close() error
	// Local and Remote are the addresses of the connection beneath.
	Local() netip.AddrPort
	Remote() netip.AddrPort
	// Secure says that TLS is beneath.
	Secure() bool
	// Person has signed in; empty in the demo, for its callers.
	Person() string
}

const (
	// pingEvery is how often a browser is asked for a sign of life, socketIdle
	// how long it may owe it (RFC 7118 §6, RFC 5626 §3.5.1).
	pingEvery  = 5 * time.Second
	socketIdle = 15 * time.Second
	// A page sends a few messages a second at most; more is a fault or worse.
	messagesPerSecond = 20
	messageBurst      = 40
)

// handles are the names of WebSockets for the library: unique local addresses
// (RFC 4193) of a network that nobody else has.
func handleOf(n uint64) netip.AddrPort {
	b := [16]byte{0xfd, 'i', 'v', 'r', 'd'}
	for i := range 8 {
		b[15-i] = byte(n >> (8 * i))
	}
	return netip.AddrPortFrom(netip.AddrFrom16(b), 1)
}

var errSocket = errors.New("websocket is closed")

// ServeSocket carries SIP over a WebSocket until it closes, ctx ends, or the
// server is closed.
func (s *Server) ServeSocket(ctx context.Context, socket Socket) error {
	s.wg.Add(1)
	defer s.wg.Done()
	c := s.newSocket(socket)
	if s.ctx.Err() != nil || s.ws == nil || !s.conns.add(c) {
		_ = socket.Close()
		return failure(leg.NoCapacity, "serve websocket: no room")
	}
	if err := s.ws.hand(c); err != nil {
		return failure(leg.Shutdown, "serve websocket: %w", err)
	}
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	defer func() { _ = c.Close() }()
	for {
		select {
		case <-ping.C:
			if _, err := c.Write([]byte("\r\n\r\n")); err != nil {
				return errSocket
			}
		case <-c.gone:
			return errSocket
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ctx.Done():
			return nil
		}
	}
}

func (s *Server) newSocket(socket Socket) *streamConn {
	transport := "ws"
	if socket.Secure() {
		transport = "wss"
	}
	c := s.newConn(&socketConn{socket: socket}, transport, false)
	c.source, c.socket, c.who = socket.Remote(), socket, socket.Person()
	c.handle = handleOf(s.sockets.Add(1))
	c.allowance = messageBurst
	c.counted = socket.Person() == ""
	c.onClose = func(c *streamConn) {
		s.bindings.dropConn(c)
		if c.proved.Load() { // else nothing lives on it, and strangers' sockets cost the calls nothing
			s.dialogs.lost(c)
		}
	}
	return c
}

// nextMessage takes the next message of a browser. The library's own reader
// would believe lengths and lose its place; here each message stands alone.
func (c *streamConn) nextMessage() error {
	limit := socketIdle
	if !c.proved.Load() {
		if limit = time.Until(c.last.Add(c.limits.UnprovedIdle)); limit <= 0 {
			return errStreamLost
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	message, err := c.socket.Read(ctx)
	if err != nil || c.closed() { // while it says goodbye, nobody is listened to
		return errStreamLost
	}
	if !c.allowed(time.Now()) || len(message) > c.limits.MaxMessage {
		c.door.dropped.Add(1)
		return errStreamLost
	}
	switch trimmed := bytes.Trim(message, "\r\n"); {
	case len(trimmed) > 0:
		c.out = c.door.judge(message, c.flow())
	case len(message) >= 4: // a ping
		_, err = c.Write([]byte("\r\n"))
	}
	return err
}

// allowed takes one message from the allowance of a browser.
func (c *streamConn) allowed(now time.Time) bool {
	if !c.allowedAt.IsZero() {
		c.allowance = min(messageBurst, c.allowance+now.Sub(c.allowedAt).Seconds()*messagesPerSecond)
	}
	c.allowedAt = now
	c.allowance--
	return c.allowance >= 0
}

// RemoteAddr is what the library knows a connection by.
func (c *streamConn) RemoteAddr() net.Addr {
	if c.socket != nil {
		return net.TCPAddrFromAddrPort(c.handle)
	}
	return c.Conn.RemoteAddr()
}

// lost ends the calls that lived on a WebSocket: nothing else leads to their
// browser, and whoever waits for it should know at once.
func (t *dialogs) lost(c *streamConn) {
	for p := range t.all() {
		go p.post(func() {
			if p.stage != calling && p.uses(c) {
				p.disconnected()
			}
		})
	}
}

// disconnected ends a leg whose peer cannot be reached any more.
func (p *party) disconnected() {
	if p.ok != nil {
		p.stop(p.ok.alarm)
	}
	p.finish(leg.ConnLost)
	if p.invite != nil {
		p.invite.cancel()
	}
}

// socketConn lets a WebSocket be written to like any connection: one message
// at a time. It is read by nextMessage.
type socketConn struct{ socket Socket }

func (c *socketConn) Write(p []byte) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	return len(p), c.socket.Write(ctx, p)
}

func (c *socketConn) Read([]byte) (int, error) { return 0, errSocket }
func (c *socketConn) Close() error             { return c.socket.Close() }
func (c *socketConn) LocalAddr() net.Addr      { return net.TCPAddrFromAddrPort(c.socket.Local()) }

func (c *socketConn) RemoteAddr() net.Addr             { return net.TCPAddrFromAddrPort(c.socket.Remote()) }
func (c *socketConn) SetDeadline(time.Time) error      { return nil }
func (c *socketConn) SetReadDeadline(time.Time) error  { return nil }
func (c *socketConn) SetWriteDeadline(time.Time) error { return nil }

// Phones of pages prove themselves by a secret that belongs to a sign-in. Their
// names for credentials are PERSON~RANDOM.
func splitPhone(username string) (person string, page bool) {
	person, _, page = strings.Cut(username, "~")
	return person, page
}
