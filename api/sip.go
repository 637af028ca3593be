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

// The codes that a WebSocket of ours is closed with, see docs/protocol.md.
const (
	closeSignedOut websocket.StatusCode = 4001
	// signInCheck is how often an open socket's sign-in is looked at.
	signInCheck = time.Second
	// maxMessage of SIP over WebSocket, in bytes.
	maxMessage = 65535
)

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
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"sip"}, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return nil // Accept has answered
	}
	defer func() { _ = ws.CloseNow() }()
	if ws.Subprotocol() != "sip" {
		_ = ws.Close(websocket.StatusPolicyViolation, "the subprotocol is sip")
		return nil
	}
	ws.SetReadLimit(maxMessage)
	ctx, cancel := context.WithCancelCause(s.socketContext)
	defer cancel(nil)
	s.socketsOpen.Add(1)
	defer s.socketsOpen.Done()
	if !guest {
		go s.watchSignIn(ctx, cancel, v)
	}
	_ = s.Phones.ServeSocket(ctx, &Socket{ws: ws, person: v.Name, local: localAddress(r), remote: remoteAddress(r), secure: s.config.secure()})
	switch {
	case errors.Is(context.Cause(ctx), errSignedOut):
		_ = ws.Close(closeSignedOut, "signed out")
	case s.socketContext.Err() != nil:
		_ = ws.Close(websocket.StatusGoingAway, "")
	}
	return nil
}

var errSignedOut = errors.New("signed out")

// watchSignIn ends a socket within a second of its sign-in.
func (s *Server) watchSignIn(ctx context.Context, cancel context.CancelCauseFunc, v visitor) {
	tick := time.NewTicker(signInCheck)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if _, _, err := s.People.Resolve(ctx, v.token); errors.Is(err, identity.ErrNoSignIn) {
				cancel(errSignedOut)
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// Socket is a WebSocket with the subprotocol "sip", upgraded, with who has signed
// in. It is sip.Socket.
type Socket struct {
	ws            *websocket.Conn
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

// Close does not wait for the page's own goodbye.
func (c *Socket) Close() error { return c.ws.CloseNow() }

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

func remoteAddress(r *http.Request) netip.AddrPort {
	from, _ := netip.ParseAddrPort(r.RemoteAddr)
	return netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
}
