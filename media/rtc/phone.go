package rtc

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"

	"github.com/ivrd/ivrd/media"
)

// Port is the RTP port of a leg, as a handshake shares it (RFC 7983).
type Port interface {
	Local() netip.AddrPort
	// Aside has DTLS given to take, which returns false for what is not the peer's.
	Aside(take func(b []byte, from netip.AddrPort) bool)
	SendAside(b []byte, to netip.AddrPort) error
}

// Handshake makes the keys of a phone's sound: DTLS-SRTP without ICE (RFC 5763).
//
// DTLS is taken only from the host that the phone's description names or that
// its signalling comes from; from the first port there that speaks, until the
// signalled one does, its handshake fails, or a handshake is through. All else is
// dropped before it is looked into. It is sent to that source, and before it has
// spoken to the signalled address, if that may be believed.
type Handshake struct {
	own    *Identity
	port   Port
	closed chan struct{}
	close  sync.Once

	mu      sync.Mutex
	remote  media.Remote
	source  netip.AddrPort // of the peer, once it has spoken
	present *association   // nil before Start
	again   int            // handshakes begun anew after somebody's at another port
	tell    func(*media.SRTPKeys, error)
}

// association is one series of DTLS between two certificates.
type association struct {
	*packets

	over    chan struct{}
	end     sync.Once
	shaker  *shaker
	through bool // guarded by Handshake.mu
}

// NewHandshake takes the DTLS of a port. Nothing is sent before Start.
func NewHandshake(own *Identity, port Port) *Handshake {
	h := &Handshake{own: own, port: port, closed: make(chan struct{})}
	port.Aside(h.take)
	return h
}

// Local is what the phone is told.
func (h *Handshake) Local() media.WebLocal { return media.WebLocal{Fingerprint: h.own.fingerprint} }

// Start follows what was negotiated. At first, and when the phone comes with
// another certificate (a transfer behind it, RFC 8842 §5.5), it shakes hands; a
// new address alone keeps the association and its keys. tell gets the keys of each
// handshake, or why it failed, on a goroutine of the handshake.
func (h *Handshake) Start(r media.Remote, tell func(*media.SRTPKeys, error)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.remote
	h.remote, h.tell = r, tell
	if before.Addr != r.Addr || before.Signalling != r.Signalling {
		h.source = netip.AddrPort{}
	}
	if h.present == nil || before.Web.Fingerprint != r.Web.Fingerprint {
		return h.begin()
	}
	return nil
}

// begin replaces the association. It wants h.mu.
func (h *Handshake) begin() error {
	select {
	case <-h.closed:
		return net.ErrClosed
	default:
	}
	if h.present != nil {
		h.present.drop()
	}
	a := &association{over: make(chan struct{})}
	a.packets = newPackets(a.over, h.port.Local(), func(b []byte) error { return h.send(a, b) })
	s, err := newShaker(h.own, a.packets, h.remote.Web.Fingerprint, h.remote.Web.Client)
	if err != nil {
		return err
	}
	a.shaker, h.present = s, a
	h.own.running.Go(func() { h.run(a) })
	return nil
}

// drop ends an association without a word: its peer has left it.
func (a *association) drop() { a.end.Do(func() { close(a.over) }) }

func (h *Handshake) run(a *association) {
	ctx, cancel := context.WithTimeout(context.Background(), upTimeout)
	defer cancel()
	h.own.running.Go(func() {
		select {
		case <-h.closed:
		case <-a.over:
		case <-ctx.Done():
		}
		cancel()
	})
	keys, err := a.shaker.shake(ctx)
	h.report(a, keys, err)
	if err == nil {
		h.keep(a)
	}
	_ = a.shaker.secure.Close() // says goodbye, unless another has its place
	a.drop()
}

// keep holds an association for as long as the leg lives: the peer repeats its
// last flight when our answer to it was lost.
func (h *Handshake) keep(a *association) {
	h.own.running.Go(a.shaker.read)
	select {
	case <-h.closed:
	case <-a.over:
	}
}

// report tells the owner how an association has come out, unless it is closed
// or another has taken its place.
func (h *Handshake) report(a *association, keys *media.SRTPKeys, err error) {
	if err != nil && h.retry(a) {
		return
	}
	h.mu.Lock()
	current := h.present == a
	tell := h.tell
	a.through = err == nil
	h.mu.Unlock()
	select {
	case <-h.closed:
		return
	default:
	}
	if current {
		tell(keys, err)
	}
}

// maxAgain bounds what somebody else on the peer's host can cost.
const maxAgain = 3

// retry begins anew when a handshake has failed with a port that was not
// signalled: it may have been a neighbour's behind the same address, who must not
// end the call.
func (h *Handshake) retry(a *association) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.present != a || !h.source.IsValid() || h.source == h.remote.Addr || h.again == maxAgain {
		return false
	}
	h.again++
	h.source = netip.AddrPort{}
	return h.begin() == nil
}

// take is called by the reader of the port.
func (h *Handshake) take(b []byte, from netip.AddrPort) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.present == nil { // who the peer is, is not known yet; it will repeat what is dropped
		return true
	}
	if !h.mayBe(from) {
		return false
	}
	switch {
	case h.source == from:
	case !h.source.IsValid():
		h.source = from
	case from == h.remote.Addr && !h.present.through:
		h.source = from
		if h.begin() != nil { // what the other has begun is not this one's
			return false
		}
	default:
		return false
	}
	h.present.take(b)
	return true
}

// mayBe reports whether a source is on one of the peer's hosts.
func (h *Handshake) mayBe(from netip.AddrPort) bool {
	return from.IsValid() && (from.Addr() == h.remote.Addr.Addr() || from.Addr() == h.remote.Signalling)
}

var errNowhere = errors.New("the peer has not spoken, and its address is not believed")

func (h *Handshake) send(a *association, b []byte) error {
	h.mu.Lock()
	to := h.source
	if r := &h.remote; !to.IsValid() && (r.Vouched || !r.Signalling.IsValid() || r.Signalling == r.Addr.Addr()) {
		to = r.Addr
	}
	current := h.present == a
	h.mu.Unlock()
	if !current || !to.IsValid() {
		return errNowhere
	}
	return h.port.SendAside(b, to)
}

// Close says goodbye in the background: the caller is a media worker.
func (h *Handshake) Close() {
	h.mu.Lock() // nothing begins after it
	defer h.mu.Unlock()
	h.close.Do(func() { close(h.closed) })
}
