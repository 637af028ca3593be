//go:build amd64 || arm64

package rtpio

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"
)

// narrowed is a polled socket and three of others: its peer, a stranger, and
// one that the peer might have been.
func narrowed(t *testing.T, address string) (c PolledConn, peer, stranger *net.UDPConn) {
	t.Helper()
	anyPort := netip.AddrPortFrom(netip.MustParseAddr(address), 0)
	c, err := PolledUDP{}.ListenPolled(anyPort)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	dial := func() *net.UDPConn {
		u, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(c.LocalAddr()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = u.Close() })
		return u
	}
	return c, dial(), dial()
}

func addrOf(u *net.UDPConn) netip.AddrPort { return unmap(u.LocalAddr().(*net.UDPAddr).AddrPort()) }

// all reads what waits: loopback delivers within the call that sends.
func all(c PolledConn, timed bool) (out []string, from []netip.AddrPort, at time.Time) {
	var b [64]byte
	for {
		n, f, when, ok := c.TryRead(b[:], timed)
		if !ok {
			return out, from, at
		}
		out, from, at = append(out, string(b[:n])), append(from, f), when
	}
}

func write(t *testing.T, u *net.UDPConn, what string) {
	t.Helper()
	if _, err := u.Write([]byte(what)); err != nil {
		t.Errorf("write %q: %v", what, err) // an ICMP error of the one before would come here
	}
}

func TestPolledSocketIsNarrowed(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "::1"} {
		t.Run(address, func(t *testing.T) {
			c, peer, stranger := narrowed(t, address)
			write(t, peer, "one")
			write(t, stranger, "before")
			c.Only(addrOf(peer))
			write(t, peer, "two")
			write(t, stranger, "unheard")
			write(t, stranger, "unanswered")
			got, from, _ := all(c, false)
			want := []string{"one", "before", "two"} // what came before is left to who reads
			if len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] || from[1] != addrOf(stranger) || from[2] != addrOf(peer) {
				t.Fatalf("read %q from %v", got, from)
			}
			write(t, peer, "three")
			if got, from, at := all(c, true); len(got) != 1 || from[0] != addrOf(peer) || time.Since(at).Abs() > time.Minute {
				t.Errorf("read %q from %v at %v", got, from, at)
			}
			if n := c.Dropped(); n != 2 {
				t.Errorf("%d dropped, want 2", n)
			}
			testExclusive(t, c.LocalAddr())
			testAnswers(t, c, peer, stranger)
			c.Only(netip.AddrPort{})
			write(t, stranger, "again")
			if got, _, _ := all(c, false); len(got) != 1 || got[0] != "again" || c.Dropped() != 2 {
				t.Errorf("read %q after widening, %d dropped", got, c.Dropped())
			}
		})
	}
}

// testAnswers: both ways lead out of the same port.
func testAnswers(t *testing.T, c PolledConn, to ...*net.UDPConn) {
	t.Helper()
	for _, u := range to {
		var b [64]byte
		if err := c.WriteTo([]byte("answer"), addrOf(u)); err != nil {
			t.Fatal(err)
		}
		_ = u.SetReadDeadline(time.Now().Add(5 * time.Second))
		if n, err := u.Read(b[:]); err != nil || string(b[:n]) != "answer" {
			t.Errorf("heard %q, error %v", b[:n], err)
		}
	}
}

// testExclusive: nobody else may have the port, not even one that would share
// it.
func testExclusive(t *testing.T, a netip.AddrPort) {
	t.Helper()
	for _, shared := range []bool{false, true} {
		fd, err := bindUDP(a, shared)
		if err == nil {
			_ = syscall.Close(fd)
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("a second socket, shared %v: error %v", shared, err)
		}
	}
}

// A peer that has closed its port does not stop what is sent to it.
func TestPolledSocketBearsRefusal(t *testing.T) {
	c, peer, _ := narrowed(t, "127.0.0.1")
	to := addrOf(peer)
	c.Only(to)
	_ = peer.Close()
	for range 5 {
		if err := c.WriteTo([]byte("x"), to); err != nil {
			t.Fatal(err)
		}
		if got, _, _ := all(c, false); got != nil {
			t.Fatalf("read %q of nobody", got)
		}
	}
}

func TestPolledSocketDoesNotAllocate(t *testing.T) {
	c, peer, _ := narrowed(t, "127.0.0.1")
	var b [64]byte
	for range 2 {
		if n := testing.AllocsPerRun(100, func() {
			for _, timed := range []bool{false, true} {
				_ = c.WriteTo(b[:], c.LocalAddr())
				c.TryRead(b[:], timed)
			}
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
		c.Only(addrOf(peer))
	}
}
