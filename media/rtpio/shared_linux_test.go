//go:build amd64 || arm64

package rtpio

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"
)

func shared(t *testing.T, address string) (c SharedConn, peer *net.UDPConn) {
	t.Helper()
	c, err := PolledUDP{}.ListenShared(netip.AddrPortFrom(netip.MustParseAddr(address), 0), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	to := c.LocalAddr()
	if to.Addr().IsUnspecified() {
		to = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), to.Port())
	}
	peer, err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = peer.Close() })
	return c, peer
}

// TestSharedSocket: what comes is read with its source and time, and answered there,
// without an allocation.
func TestSharedSocket(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "::1", "::"} {
		t.Run(address, func(t *testing.T) {
			c, peer := shared(t, address)
			var b, answer [64]byte
			if _, _, _, ok := c.TryRead(b[:]); ok {
				t.Error("something was read before anything was sent")
			}
			if n := testing.AllocsPerRun(100, func() {
				before := time.Now()
				write(t, peer, "asked")
				n, from, at, ok := c.TryRead(b[:])
				if !ok || string(b[:n]) != "asked" || from != addrOf(peer) || at.Before(before.Add(-time.Second)) || at.After(time.Now().Add(time.Second)) {
					t.Fatalf("read %v %q from %v at %v", ok, b[:n], from, at)
				}
				if err := c.WriteTo(b[:n], from); err != nil {
					t.Fatal(err)
				}
				if n, err := peer.Read(answer[:]); err != nil || string(answer[:n]) != "asked" {
					t.Fatalf("answer %q: %v", answer[:n], err)
				}
			}); n > 1 { // addrOf is the test's
				t.Errorf("%v allocations", n)
			}
		})
	}
}

// TestSharedSocketIsAwaited: who waits is woken by a datagram that comes, by one that is
// there, and by the end.
func TestSharedSocketIsAwaited(t *testing.T) {
	c, peer := shared(t, "127.0.0.1")
	woken := make(chan struct{})
	await := func() { c.Await(); woken <- struct{}{} }
	within := func(what string) {
		t.Helper()
		select {
		case <-woken:
		case <-time.After(10 * time.Second):
			t.Fatal("not woken by " + what)
		}
	}
	for range 3 {
		go await()
		write(t, peer, "one")
		within("a datagram")
		go await()
		within("a datagram that waits")
		for {
			if _, _, _, ok := c.TryRead(make([]byte, 9)); !ok {
				break
			}
		}
	}
	go await()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	within("the end")
	c.Await()
	if _, _, _, ok := c.TryRead(make([]byte, 9)); ok || !errors.Is(c.WriteTo(nil, addrOf(peer)), net.ErrClosed) || !errors.Is(c.Close(), net.ErrClosed) {
		t.Error("it is used after its end")
	}
}
