package rtpio

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// pairOf connects two endpoints over real sockets.
func pairOf(t *testing.T, suite string) (a, b *Endpoint) {
	t.Helper()
	ports, err := NewPorts(UDP{}, loopback, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ports.Close)
	other, err := NewPorts(UDP{}, loopback, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	prefixes, err := UDP{}.Prefixes()
	if err != nil {
		t.Fatal(err)
	}
	ends := [2]*Endpoint{}
	for i, p := range []*Ports{ports, other} {
		if ends[i], err = Open(p, NewGuard(prefixes, p), 0); err != nil {
			t.Fatal(err)
		}
	}
	for i, e := range ends {
		r := media.Remote{Addr: ends[1-i].Local(), Codec: media.PCMU, SRTP: keysOf(t, suite, i)}
		if err := e.Connect(r); err != nil {
			t.Fatal(err)
		}
		e.Take(new(Intake), time.Now()) // as a worker does before it sends
	}
	return ends[0], ends[1]
}

func keysOf(t *testing.T, suite string, side int) *media.SRTPKeys {
	t.Helper()
	if suite == "" {
		return nil
	}
	n, err := KeyLength(suite)
	if err != nil {
		t.Fatal(err)
	}
	keys := [2][]byte{make([]byte, n), make([]byte, n)}
	keys[1][0] = 1
	return &media.SRTPKeys{Suite: suite, Send: keys[side], Receive: keys[1-side]}
}

// until polls without sleeping for long; the kernel delivers at once.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	ticker := time.NewTicker(100 * time.Microsecond)
	defer ticker.Stop()
	for start := time.Now(); time.Since(start) < 5*time.Second; {
		if done() {
			return
		}
		<-ticker.C
	}
	t.Fatalf("waited in vain for %s", what)
}

func TestEndpointsTalk(t *testing.T) {
	for _, suite := range append(Suites(), "") {
		t.Run(suite, func(t *testing.T) {
			a, b := pairOf(t, suite)
			p := payload(0, frameSamples)
			var in Intake
			for i := range uint32(10) {
				if i == 5 { // two are lost before they come to us
					a.Miss()
					a.Miss()
				}
				a.Send(0, i == 0, i*frameSamples, p)
				until(t, "a packet", func() bool { return b.Stats().Received == uint64(i+1) })
				b.Take(&in, time.Now())
				if !in.Arrived || (in.Kind == Sound) != (i >= 2) {
					t.Fatalf("tick %d: kind %d, arrived %v", i, in.Kind, in.Arrived)
				}
			}
			a.Report(time.Now(), 0, false)
			until(t, "a's report", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.control.lastSR != 0 })
			b.Report(time.Now(), 0, true)
			until(t, "b's report", func() bool { return a.Stats().RemoteLost == 2 })
			if st := a.Stats(); st.Sent != 10 || st.Invalid != 0 || st.RTT > time.Second {
				t.Errorf("a: %+v", st)
			}
			if st := b.Stats(); st.Lost != 2 || st.Received != 10 || st.Invalid != 0 || st.Foreign != 0 {
				t.Errorf("b: %+v", st)
			}
		})
	}
}

func TestEndpointsDoNotAllocate(t *testing.T) {
	suites := append(Suites(), "")
	if raceDetector { // `make test` runs this once more without it
		suites = slices.DeleteFunc(suites, func(s string) bool { return strings.HasPrefix(s, "AES_CM") })
	}
	for _, suite := range suites {
		t.Run(suite, func(t *testing.T) {
			a, b := pairOf(t, suite)
			p := payload(0, frameSamples)
			ticker := time.NewTicker(100 * time.Microsecond)
			defer ticker.Stop()
			var in Intake
			sent := uint32(0)
			allocs := testing.AllocsPerRun(60, func() {
				sent++
				a.Send(0, false, sent*frameSamples, p)
				for b.Stats().Received < uint64(sent) {
					<-ticker.C
				}
				b.Take(&in, time.Now())
			})
			if allocs > 0 {
				t.Errorf("%v allocations a packet", allocs)
			}
		})
	}
}

func TestGarbageIsCounted(t *testing.T) {
	a, b := pairOf(t, "")
	for _, bad := range [][]byte{{}, {1, 2, 3}, make([]byte, 200), {0x80, 77, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}} {
		if err := a.pair.rtp.WriteTo(bad, b.Local()); err != nil {
			t.Fatal(err)
		}
	}
	long := Packet{PayloadType: 0, Payload: make([]byte, maxPayload+1)}
	_ = a.pair.rtp.WriteTo(long.Append(nil), b.Local())
	until(t, "garbage", func() bool { return b.Stats().Invalid == 5 })
	if st := b.Stats(); st.Received != 0 {
		t.Errorf("%+v", st)
	}
}

func TestUDPSocket(t *testing.T) {
	c, err := UDP{}.Listen(netip.AddrPortFrom(netip.IPv6Unspecified(), 0))
	if err != nil {
		t.Skipf("no IPv6: %v", err)
	}
	d, err := UDP{}.Listen(netip.AddrPortFrom(loopback, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.WriteTo([]byte("x"), netip.AddrPortFrom(loopback, c.LocalAddr().Port())); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	if n, from, err := c.ReadFrom(buf); n != 1 || from != d.LocalAddr() || err != nil {
		t.Errorf("%d bytes from %v, error %v; want an IPv4 address as such", n, from, err)
	}
	_ = c.SetReadDeadline(time.Now())
	if _, _, err := c.ReadFrom(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %v", err)
	}
	_ = c.Close()
	if _, _, err := c.ReadFrom(buf); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// TestThirdPartyGetsNothing: to an address that the peer's signalling does not
// come from nothing is sent, sound or reports, before somebody has proved
// themselves; unless it is vouched for.
func TestThirdPartyGetsNothing(t *testing.T) {
	listen := func(addr string) PacketConn {
		c, err := UDP{}.Listen(netip.MustParseAddrPort(addr))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	third, peer := listen("127.0.0.77:0"), listen("127.0.0.2:0")
	ports, err := NewPorts(UDP{}, loopback, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ports.Close)
	e, err := Open(ports, NewGuard(nil, ports), 0)
	if err != nil {
		t.Fatal(err)
	}
	r := media.Remote{Addr: third.LocalAddr(), Signalling: peer.LocalAddr().Addr(), Codec: media.PCMU}
	say := func() {
		e.Take(new(Intake), time.Now())
		e.Send(0, false, 0, payload(0, frameSamples))
	}
	if err := e.Connect(r); err != nil {
		t.Fatal(err)
	}
	say()
	e.Report(time.Now(), 0, false)
	if n := e.Stats().Sent; n != 0 {
		t.Fatalf("%d packets went to a third party", n)
	}
	for seq := range uint16(proof) {
		p := Packet{Sequence: seq, SSRC: 7, Payload: payload(0, frameSamples)}
		if err := peer.WriteTo(p.Append(nil), e.Local()); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the proof", func() bool { return e.Stats().Received > 0 })
	say()
	if err := peer.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, _, err := peer.ReadFrom(make([]byte, maxDatagram)); err != nil || n != 12+frameSamples {
		t.Errorf("who has proved themselves gets %d bytes, %v", n, err)
	}

	other := listen("127.0.0.78:0")
	r.Addr, r.Vouched = other.LocalAddr(), true
	if err := e.Connect(r); err != nil {
		t.Fatal(err)
	}
	say()
	if n := e.Stats().Sent; n != 2 {
		t.Errorf("%d packets were sent, one of them to a vouched address", n)
	}
}

// sickNetwork is one whose sockets can be made to fail.
type sickNetwork struct {
	UDP

	reads, listens atomic.Bool // fail
	tries          atomic.Int32
}

type sickConn struct {
	PacketConn

	network *sickNetwork
	closed  atomic.Bool
}

func (c *sickConn) sick() bool { return c.network.reads.Load() && !c.closed.Load() }

func (c *sickConn) Close() error {
	c.closed.Store(true)
	return c.PacketConn.Close()
}

func (n *sickNetwork) Listen(a netip.AddrPort) (PacketConn, error) {
	n.tries.Add(1)
	if n.listens.Load() {
		return nil, fmt.Errorf("listen: %w", syscall.EMFILE)
	}
	c, err := n.UDP.Listen(a)
	return &sickConn{PacketConn: c, network: n}, err
}

func (c *sickConn) ReadFrom(b []byte) (int, netip.AddrPort, error) {
	if c.sick() {
		return 0, netip.AddrPort{}, syscall.ENOBUFS
	}
	n, from, err := c.PacketConn.ReadFrom(b)
	if c.sick() {
		return 0, netip.AddrPort{}, syscall.ENOBUFS
	}
	return n, from, err
}

// TestReadErrorsKeepThePort: however many reads fail, the port is nobody
// else's while its leg lives, and hears again afterwards.
func TestReadErrorsKeepThePort(t *testing.T) {
	network := &sickNetwork{}
	ports, err := NewPorts(network, loopback, 45000, 45001)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ports.Close)
	e, err := Open(ports, NewGuard(nil, ports), 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	peer, err := UDP{}.Listen(netip.AddrPortFrom(loopback, 0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = peer.Close() })
	if err := e.Connect(media.Remote{Addr: peer.LocalAddr(), Codec: media.PCMU}); err != nil {
		t.Fatal(err)
	}
	seq := uint16(0)
	say := func() {
		p := Packet{Sequence: seq, SSRC: 7, Payload: payload(0, frameSamples)}
		seq++
		if err := peer.WriteTo(p.Append(nil), e.Local()); err != nil {
			t.Error(err)
		}
	}
	network.reads.Store(true)
	say() // wakes the reader
	<-time.After(200 * time.Millisecond)
	if c := ports.Counts(); c != (PortCounts{Used: 1}) {
		t.Errorf("while reads fail: %+v", c)
	}
	if _, err := Open(ports, NewGuard(nil, ports), 0); !errors.Is(err, media.ErrNoPorts) {
		t.Errorf("the port was given away: %v", err)
	}
	network.reads.Store(false)
	until(t, "sound after the errors", func() bool { say(); return e.Stats().Received > 0 })
	network.reads.Store(true)
	e.Close()
	until(t, "the port to be free", func() bool { return ports.Counts() == PortCounts{Free: 1} })
}

// TestNoSocketsLeft: without descriptors one port is tried, not all of them.
func TestNoSocketsLeft(t *testing.T) {
	network := &sickNetwork{}
	ports, err := NewPorts(network, loopback, 16384, 32767)
	if err != nil {
		t.Fatal(err)
	}
	network.listens.Store(true)
	if _, err := Open(ports, NewGuard(nil, ports), 0); !errors.Is(err, media.ErrNoPorts) || !errors.Is(err, syscall.EMFILE) {
		t.Errorf("open: %v", err)
	}
	if n := network.tries.Load(); n != 1 {
		t.Errorf("%d sockets were tried", n)
	}
}
