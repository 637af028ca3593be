package sip

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// maxReadErrors in a row end the reading of a socket: it is broken.
const maxReadErrors = 100

// guardedUDP stands between a socket and the SIP stack: what the stack reads
// has been judged, everything else was answered or dropped here.
type guardedUDP struct {
	net.PacketConn
	stamps arrivals // nil: nothing says when a datagram came
	door   *door
	ready  chan struct{} // closed by the first read: the stack knows the socket
	once   sync.Once
}

// ReadFrom returns the next message that may come in.
func (u *guardedUDP) ReadFrom(p []byte) (int, net.Addr, error) {
	u.once.Do(func() { close(u.ready) })
	for failed := 0; ; {
		n, source, came, err := u.read(p)
		if err != nil {
			// ICMP errors of earlier answers surface here; only a closed socket
			// (or a hopeless one) ends the reading.
			if failed++; errors.Is(err, net.ErrClosed) || failed > maxReadErrors {
				return 0, nil, net.ErrClosed
			}
			continue
		}
		failed = 0
		f := flow{transport: "udp", source: source, udp: u.PacketConn, came: came}
		if n == 0 || !f.source.IsValid() || f.source.Port() == 0 {
			continue
		}
		if pass := u.door.judge(p[:n], f); len(pass) > 0 && len(pass) <= len(p) {
			return copy(p, pass), net.UDPAddrFromAddrPort(source), nil
		}
	}
}

// arrivals reads datagrams and tells when each came. It has one reader.
type arrivals interface {
	read(p []byte) (n int, from netip.AddrPort, came time.Time, err error)
}

func (u *guardedUDP) read(p []byte) (int, netip.AddrPort, time.Time, error) {
	if u.stamps != nil {
		n, from, came, err := u.stamps.read(p)
		return n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), came, err
	}
	n, from, err := u.PacketConn.ReadFrom(p)
	if err != nil {
		return 0, netip.AddrPort{}, time.Time{}, err
	}
	return n, addrPort(from), time.Time{}, nil
}
