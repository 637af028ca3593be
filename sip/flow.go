package sip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// flow is the way that a message came, and the only way that its answer goes:
// a datagram's source, or a connection.
type flow struct {
	transport string // udp, tcp, tls, ws, wss
	source    netip.AddrPort
	udp       net.PacketConn
	conn      *streamConn
	came      time.Time // when the message did; zero: just now
}

// waited is how long the message has.
func (f flow) waited(now time.Time) time.Duration {
	if f.came.IsZero() {
		return 0
	}
	return max(0, now.Sub(f.came))
}

// write sends raw bytes to where the flow leads.
func (f flow) write(data []byte) error {
	if f.conn != nil {
		if _, err := f.conn.Write(data); err != nil {
			return fmt.Errorf("write to connection: %w", err)
		}
		return nil
	}
	if f.udp == nil {
		return errors.New("write datagram: udp is not listened on")
	}
	if _, err := f.udp.WriteTo(data, net.UDPAddrFromAddrPort(f.source)); err != nil {
		return fmt.Errorf("write datagram: %w", err)
	}
	return nil
}

// alive reports whether the flow can still carry a message.
func (f flow) alive() bool { return f.conn == nil || !f.conn.closed() }

// via is the transport as Via writes it.
func (f flow) via() string { return strings.ToUpper(f.transport) }

// web reports whether the flow is a browser's WebSocket.
func (f flow) web() bool { return f.conn != nil && f.conn.socket != nil }

// library is the transport as the library knows it: to it a WebSocket is one
// more stream of whole messages.
func (f flow) library() string {
	if f.web() {
		return "TCP"
	}
	return f.via()
}

// peer is the far end as the library knows it. WebSockets have names of their
// own, since a browser may come from an address and port that has a connection to
// another port of ours.
func (f flow) peer() netip.AddrPort {
	if f.web() {
		return f.conn.handle
	}
	return f.source
}

// to is the same kind of flow to another address (datagrams only).
func (f flow) to(addr netip.AddrPort) flow {
	f.source = addr
	return f
}

// addrPort reads the address of a net.Addr; IPv4 always as IPv4.
func addrPort(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := a.(type) {
	case *net.UDPAddr:
		ap = a.AddrPort()
	case *net.TCPAddr:
		ap = a.AddrPort()
	default:
		ap, _ = netip.ParseAddrPort(a.String())
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
