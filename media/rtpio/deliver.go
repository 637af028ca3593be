package rtpio

import (
	"fmt"
	"net/netip"
	"time"
)

// Kind is what a datagram on a shared port is taken for (RFC 7983 §7).
type Kind uint8

// The kinds. Each datagram is of one.
const (
	Unknown Kind = iota
	STUN
	DTLS
	RTP
	RTCP
)

// KindOf tells by the first bytes what a datagram is taken for. Whether it is
// that, its own parser says.
func KindOf(b []byte) Kind {
	switch {
	case len(b) == 0:
		return Unknown
	case b[0] <= 3:
		return STUN
	case b[0] >= 20 && b[0] <= 63:
		return DTLS
	case b[0] < 128 || b[0] > 191:
		return Unknown
	case isRTCP(b):
		return RTCP
	default:
		return RTP
	}
}

// Deliver takes what has come to the RTP port. It keeps nothing of b and does
// not allocate. Any goroutine may call it, also at the same time as others.
func (e *Endpoint) Deliver(b []byte, from netip.AddrPort, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.plain == nil {
		e.plain = new([maxDatagram]byte)
	}
	e.deliver(b[:min(len(b), maxDatagram)], e.plain, from, arrival{now, now})
}

// deliver wants the lock; plain is room to open a packet in.
func (e *Endpoint) deliver(b []byte, plain *[maxDatagram]byte, from netip.AddrPort, at arrival) {
	switch KindOf(b) {
	case DTLS:
		if e.aside != nil {
			if !e.aside(b, from) {
				e.counts.foreign++
			}
			return
		}
	case RTCP:
		if e.muxed {
			e.told(b, from, at.best())
			return
		}
	}
	e.sort(b, plain, from, at)
}

// Aside hands the DTLS that comes to the RTP port to a handshake, which must
// neither keep the bytes nor wait, nor ask the endpoint: its lock is held. It
// decides itself whom it believes, and returns false for what is not the peer's.
func (e *Endpoint) Aside(take func(b []byte, from netip.AddrPort) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.aside = take
}

// SendAside sends what is no RTP from the RTP port, as a handshake does. It
// refuses the addresses that RTP is never sent to. Any goroutine may call it.
func (e *Endpoint) SendAside(b []byte, to netip.AddrPort) error {
	if !e.guard.Allows(to) {
		return fmt.Errorf("send from RTP port: nothing is sent to %v", to)
	}
	if e.rtp != nil {
		return e.rtp.WriteAside(b, to)
	}
	return e.pair.rtp.WriteTo(b, to)
}

// controlPath is where RTCP goes out, and to whom; an invalid address when it may
// not be sent at all.
func (e *Endpoint) controlPath(to netip.AddrPort) (Conn, netip.AddrPort) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.remote.NoRTCP || !to.IsValid():
		return nil, netip.AddrPort{}
	case e.muxed && !e.pair.muxed():
		return e.pair.rtp, e.lock.source
	default:
		return e.pair.rtcp, to
	}
}
