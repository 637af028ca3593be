package rtpio_test

import (
	"net/netip"
	"testing"

	"github.com/ivrd/ivrd/internal/testkit/memnet"
	"github.com/ivrd/ivrd/media/rtpio"
)

func TestGuard(t *testing.T) {
	host := memnet.New(1).Host("10.0.0.1")
	ports, err := rtpio.NewPorts(host, host.Addr(), 5000, 5003)
	if err != nil {
		t.Fatal(err)
	}
	prefixes := []netip.Prefix{netip.MustParsePrefix("10.0.0.1/22"), netip.MustParsePrefix("fd00::1/64"), netip.MustParsePrefix("10.9.0.1/31")}
	g := rtpio.NewGuard(prefixes, ports, netip.MustParseAddr("198.51.100.1"))
	t.Cleanup(ports.Close)
	e, err := rtpio.Open(ports, g, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours := e.Local().Port()
	for addr, want := range map[netip.AddrPort]bool{
		netip.MustParseAddrPort("10.0.0.2:4000"):              true,
		netip.MustParseAddrPort("10.0.0.255:4000"):            true, // within a /22
		netip.MustParseAddrPort("10.0.3.255:4000"):            false,
		netip.MustParseAddrPort("255.255.255.255:4000"):       false,
		netip.MustParseAddrPort("0.0.0.0:4000"):               false,
		netip.MustParseAddrPort("[::]:4000"):                  false,
		netip.MustParseAddrPort("239.1.2.3:4000"):             false,
		netip.MustParseAddrPort("[::ffff:239.1.2.3]:4000"):    false,
		netip.MustParseAddrPort("10.0.0.2:0"):                 false,
		netip.AddrPortFrom(host.Addr(), ours):                 false,
		netip.AddrPortFrom(host.Addr(), ours+1):               false,
		netip.AddrPortFrom(host.Addr(), 6000):                 true, // another program's
		netip.MustParseAddrPort("198.51.100.1:6000"):          true,
		netip.AddrPortFrom(netip.MustParseAddr("::1"), ours):  true, // not an address of this host
		netip.AddrPortFrom(prefixes[1].Addr(), ours):          false,
		netip.AddrPortFrom(netip.MustParseAddr("::"), 0):      false,
		netip.AddrPortFrom(prefixes[2].Addr().Next(), 4000):   true,
		netip.AddrPortFrom(netip.IPv6LinkLocalAllNodes(), 99): false,
		{}: false,
	} {
		if got := g.Allows(addr); got != want {
			t.Errorf("%v: allowed %v, want %v", addr, got, want)
		}
	}
}
