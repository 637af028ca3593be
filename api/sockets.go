package api

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"

	"github.com/coder/websocket"
)

// sockets are the connections that stay: no request, and nothing that
// http.Server.Shutdown knows of once they are hijacked. They are counted here,
// and waited for at the end.
type sockets struct {
	most, each int // in all, of one person

	mu     sync.Mutex
	open   map[string]int // by person, or address of a guest
	count  int
	guests int
	closed bool

	closing chan struct{}   // closed: say goodbye
	ctx     context.Context //nolint:containedctx // of the connections, which outlive their requests
	cut     context.CancelFunc
	wg      sync.WaitGroup
}

func newSockets(most, each int) *sockets {
	s := &sockets{most: most, each: each, open: map[string]int{}, closing: make(chan struct{})}
	s.ctx, s.cut = context.WithCancel(context.Background())
	return s
}

// enter counts the connection of somebody who is signed in; leave must be called
// once when it is over.
func (s *sockets) enter(person string) (leave func(), err error) { return s.take(person, false) }

// enterGuest counts that of a demo caller, by their network: one subscriber has a
// /64 of IPv6. Guests get half of the places at most, so that they keep nobody
// out who is signed in.
func (s *sockets) enterGuest(from netip.Addr) (leave func(), err error) {
	network, _ := from.WithZone("").Prefix(subscriberBits(from)) // the zero prefix is a name as well
	return s.take("guest of "+network.String(), true)
}

func (s *sockets) take(who string, guest bool) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, unavailable("The server is stopping.")
	case s.count >= s.most || guest && s.guests >= s.most/2:
		return nil, unavailable("Too many pages are connected: try again in a moment.")
	case s.open[who] >= s.each:
		return nil, unavailable("Too many of your pages are connected: close some.")
	}
	s.count++
	s.open[who]++
	if guest {
		s.guests++
	}
	s.wg.Add(1)
	return func() { s.leave(who, guest) }, nil
}

func (s *sockets) leave(who string, guest bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count--
	if guest {
		s.guests--
	}
	if s.open[who]--; s.open[who] == 0 {
		delete(s.open, who)
	}
	s.wg.Done()
}

// close says goodbye to all and waits for them, and cuts off those who are there
// when ctx ends. It may be called twice.
func (s *sockets) close(ctx context.Context) {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	s.mu.Unlock()
	gone := make(chan struct{})
	go func() { s.wg.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-ctx.Done():
	}
	s.cut()
	<-gone
}

// upgrade opens a socket for whom enter lets in; leave must be called when it is
// over. A request that the library refuses has been answered: then conn is nil.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request, enter func() (func(), error), o *websocket.AcceptOptions) (conn *websocket.Conn, leave func(), err error) {
	if err := ownOrigin(r); err != nil {
		return nil, nil, err
	}
	if err := wantsSocket(w, r); err != nil {
		return nil, nil, err
	}
	if leave, err = enter(); err != nil {
		return nil, nil, err
	}
	if conn, err = websocket.Accept(w, r, o); err != nil {
		s.Log.Debug("socket not opened", "error", err)
		leave()
		return nil, nil, nil
	}
	release(w)
	return conn, leave, nil
}

// ownOrigin refuses a socket that another site's page opens: browsers send the
// cookie along, and no other rule of theirs keeps such a page from reading. A
// program with a bearer token has no origin.
func ownOrigin(r *http.Request) error {
	origin := r.Header.Get("Origin")
	if origin == "" && r.Header.Get("Authorization") != "" {
		return nil
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) {
		return problem(http.StatusForbidden, "cross-origin", "The request comes from another site.")
	}
	return nil
}

// wantsSocket refuses a plain request.
func wantsSocket(w http.ResponseWriter, r *http.Request) error {
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return nil
	}
	w.Header().Set("Upgrade", "websocket")
	w.Header().Set("Connection", "Upgrade")
	return problem(http.StatusUpgradeRequired, "upgrade", "This path is a WebSocket.")
}
