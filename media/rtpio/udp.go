package rtpio

import (
	"fmt"
	"net"
	"net/netip"
	"time"
)

// UDP is the machine's own network.
type UDP struct{}

// Listen binds a UDP socket.
func (UDP) Listen(a netip.AddrPort) (PacketConn, error) {
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(a))
	if err != nil {
		return nil, err
	}
	return &udpConn{UDPConn: c, local: unmap(c.LocalAddr().(*net.UDPAddr).AddrPort())}, nil
}

// Prefixes are the addresses of the machine's interfaces.
func (UDP) Prefixes() ([]netip.Prefix, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list interface addresses: %w", err)
	}
	var out []netip.Prefix
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, p)
		}
	}
	return out, nil
}

// udpConn uses the two calls of net.UDPConn that do not allocate.
type udpConn struct {
	*net.UDPConn

	local netip.AddrPort
}

func (c *udpConn) ReadFrom(b []byte) (int, netip.AddrPort, error) {
	n, from, err := c.ReadFromUDPAddrPort(b)
	return n, unmap(from), err
}

func (c *udpConn) WriteTo(b []byte, to netip.AddrPort) error {
	_, err := c.WriteToUDPAddrPort(b, to)
	return err
}

func (c *udpConn) LocalAddr() netip.AddrPort { return c.local }

func (c *udpConn) SetReadDeadline(t time.Time) error { return c.UDPConn.SetReadDeadline(t) }

func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
