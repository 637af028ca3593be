package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/coder/websocket"

	"github.com/ivrd/ivrd/identity"
)

// Phones carries SIP over the WebSockets of pages; sip.Server does.
type Phones interface {
	ServeSocket(context.Context, *Socket) error
}

// maxMessage of SIP over WebSocket, in bytes.
const maxMessage = 65535

// sipSocket upgrades to SIP over WebSocket (RFC 7118). It wants a sign-in, or in
// the demo nothing: its callers' pages are nobody's.
func (s *Server) sipSocket(w http.ResponseWriter, r *http.Request, v visitor) error {
	if s.Phones == nil {
		return unavailable("There are no phones on this node.")
	}
	v, err := s.visitor(r)
	guest := err != nil && s.config.Demo
	if err != nil && !guest {
		return err
	}
	note(w, v.Name)
	enter := func() (func(), error) { return s.sockets.enter(v.Name) }
	if guest {
		enter = func() (func(), error) { return s.sockets.enterGuest(address(r)) }
	}
	ws, leave, err := s.upgrade(w, r, enter, &websocket.AcceptOptions{Subprotocols: []string{"sip"}, CompressionMode: websocket.CompressionDisabled})
	if ws == nil {
		return err
	}
	defer leave()
	defer func() { _ = ws.CloseNow() }()
	if ws.Subprotocol() != "sip" {
		_ = ws.Close(websocket.StatusPolicyViolation, "the subprotocol is sip")
		return nil
	}
	ws.SetReadLimit(maxMessage)
	s.carry(ws, r, v, guest)
	return nil
}

// carry serves an open socket until it goes, its sign-in ends or the server
// stops.
func (s *Server) carry(ws *websocket.Conn, r *http.Request, v visitor, guest bool) {
	ctx, cancel := context.WithCancelCause(s.sockets.ctx)
	defer cancel(nil)
	go s.watchSocket(ctx, cancel, v, guest)
	_ = s.Phones.ServeSocket(ctx, &Socket{ws: ws, ctx: ctx, person: v.Name, local: localAddress(r), remote: remoteAddress(r), secure: s.config.secure()})
}

var (
	errSignedOut = errors.New("signed out")
	errStopping  = errors.New("the server stops")
)

// watchSocket ends a socket within a second of its sign-in, and with the server.
func (s *Server) watchSocket(ctx context.Context, cancel context.CancelCauseFunc, v visitor, guest bool) {
	tick := time.NewTicker(signInEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if guest {
				continue
			}
			if _, _, err := s.People.Resolve(ctx, v.token); errors.Is(err, identity.ErrNoSignIn) {
				cancel(errSignedOut)
				return
			}
		case <-s.sockets.closing:
			cancel(errStopping)
			return
		case <-ctx.Done():
			return
		}
	}
}

// Socket is a WebSocket with the subprotocol "sip", upgraded, with who has signed
// in. It is sip.Socket.
type Socket struct {
	ws            *websocket.Conn
	ctx           context.Context //nolint:containedctx // its cause says how to close
	person        string
	local, remote netip.AddrPort
	secure        bool
}

// Read waits for a whole message.
func (c *Socket) Read(ctx context.Context) ([]byte, error) {
	_, message, err := c.ws.Read(ctx)
	return message, err
}

// Write sends one.
func (c *Socket) Write(ctx context.Context, message []byte) error {
	return c.ws.Write(ctx, websocket.MessageText, message)
}

// Close tells the page why, where we know; else it does not wait for the page's
// own goodbye.
func (c *Socket) Close() error {
	switch cause := context.Cause(c.ctx); {
	case errors.Is(cause, errSignedOut):
		return c.ws.Close(closeSignedOut, "signed out")
	case errors.Is(cause, errStopping):
		return c.ws.Close(websocket.StatusGoingAway, "")
	}
	return c.ws.CloseNow()
}

// Local is our address beneath.
func (c *Socket) Local() netip.AddrPort { return c.local }

// Remote is the page's.
func (c *Socket) Remote() netip.AddrPort { return c.remote }

// Secure says that TLS is beneath.
func (c *Socket) Secure() bool { return c.secure }

// Person has signed in; empty for the demo's callers.
func (c *Socket) Person() string { return c.person }

func localAddress(r *http.Request) netip.AddrPort {
	a, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if t, ok := a.(*net.TCPAddr); ok {
		return netip.AddrPortFrom(t.AddrPort().Addr().Unmap(), t.AddrPort().Port())
	}
	return netip.AddrPort{}
}
