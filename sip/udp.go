package sip

import (
	"errors"
	"net"
	"sync"
)

// maxReadErrors in a row end the reading of a socket: it is broken.
const maxReadErrors = 100

// guardedUDP stands between a socket and the SIP stack: what the stack reads
// has been judged, everything else was answered or dropped here.
type guardedUDP struct {
	net.PacketConn
	door  *door
	ready chan struct{} // closed by the first read: the stack knows the socket
	once  sync.Once
}

// ReadFrom returns the next message that may come in.
func (u *guardedUDP) ReadFrom(p []byte) (int, net.Addr, error) {
	u.once.Do(func() { close(u.ready) })
	for failed := 0; ; {
		n, addr, err := u.PacketConn.ReadFrom(p)
		if err != nil {
			// ICMP errors of earlier answers surface here; only a closed socket
			// (or a hopeless one) ends the reading.
			if failed++; errors.Is(err, net.ErrClosed) || failed > maxReadErrors {
				return 0, nil, net.ErrClosed
			}
			continue
		}
		failed = 0
		f := flow{transport: "udp", source: addrPort(addr), udp: u.PacketConn}
		if n == 0 || !f.source.IsValid() || f.source.Port() == 0 {
			continue
		}
		if pass := u.door.judge(p[:n], f); len(pass) > 0 && len(pass) <= len(p) {
			return copy(p, pass), addr, nil
		}
	}
}
