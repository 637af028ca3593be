package load

import (
	"fmt"
	"net"
	"net/netip"
)

// place is an IPv4 address and port in one word, as a key of maps.
type place uint64

func placeOf(addr [4]byte, port uint16) place {
	return place(addr[0])<<40 | place(addr[1])<<32 | place(addr[2])<<24 | place(addr[3])<<16 | place(port)
}

func placeAt(a netip.AddrPort) place { return placeOf(a.Addr().Unmap().As4(), a.Port()) }

func (p place) addr() [4]byte {
	return [4]byte{byte(p >> 40), byte(p >> 32), byte(p >> 24), byte(p >> 16)}
}
func (p place) port() uint16 { return uint16(p) }

func (p place) String() string {
	return netip.AddrPortFrom(netip.AddrFrom4(p.addr()), p.port()).String()
}

// resolve finds the IPv4 address of host or host:port.
func resolve(hostport string, port int) (place, error) {
	if _, _, err := net.SplitHostPort(hostport); err != nil {
		hostport = net.JoinHostPort(hostport, fmt.Sprint(port))
	}
	a, err := net.ResolveUDPAddr("udp4", hostport)
	if err != nil || a.AddrPort().Addr().Unmap().IsUnspecified() {
		return 0, fmt.Errorf("find %s: no IPv4 address (%w)", hostport, err)
	}
	return placeAt(a.AddrPort()), nil
}
