// Package rtpio is one RTP endpoint: its sockets, SRTP, source lock, jitter
// buffer, RTCP, and the ports that rest after it. It knows nothing of calls
// and has no clock of its own for sending: media/engine drives it.
package rtpio

import (
	"net/netip"
	"slices"
	"time"
)

// Conn is a bound UDP socket, whichever way it is read.
type Conn interface {
	// WriteTo sends b, which it does not keep.
	WriteTo(b []byte, to netip.AddrPort) error
	LocalAddr() netip.AddrPort
	Close() error
}

// PacketConn is a socket that a goroutine of its own waits on. Reading and
// writing may go on at once; each is done by one goroutine.
type PacketConn interface {
	Conn
	// ReadFrom waits for a datagram. After Close it fails with net.ErrClosed,
	// after the deadline with os.ErrDeadlineExceeded.
	ReadFrom(b []byte) (int, netip.AddrPort, error)
	// SetReadDeadline also wakes a reader that waits already; the zero Time
	// means no deadline.
	SetReadDeadline(time.Time) error
}

// PolledConn is a socket that nobody waits on: its owner looks at each tick
// what has come. All methods but WriteAside are the owner's, one goroutine at a
// time.
type PolledConn interface {
	Conn
	// WriteAside sends as WriteTo does; any goroutine may call it. After Close it
	// fails with net.ErrClosed.
	WriteAside(b []byte, to netip.AddrPort) error
	// TryRead takes the next datagram that waits; false when none does. Timed
	// asks for the time at which it arrived, which costs; without it, and where
	// that is not known, at is zero.
	TryRead(b []byte, timed bool) (n int, from netip.AddrPort, at time.Time, ok bool)
	// Only narrows the socket to one peer: what others send is dropped unseen
	// and unanswered. An invalid peer opens it again. It may do nothing: who
	// reads checks the source as before.
	Only(peer netip.AddrPort)
	// Dropped is how many datagrams have been dropped by Only.
	Dropped() uint64
}

// Network binds sockets: the machine's, or one in memory.
type Network interface {
	Listen(netip.AddrPort) (PacketConn, error)
	// Prefixes are the addresses of this host, each with the length of its
	// network, from which broadcast addresses follow.
	Prefixes() ([]netip.Prefix, error)
}

// PolledNetwork is a Network whose sockets can be polled. Endpoints on it have
// no goroutines: Take reads what has come.
type PolledNetwork interface {
	Network
	ListenPolled(netip.AddrPort) (PolledConn, error)
}

// SharedConn is a socket of many legs that nobody waits on as long as their ticks
// look at it. TryRead and Await are each called by one goroutine at a time, the
// others by any. After Close WriteTo fails with net.ErrClosed, TryRead finds
// nothing and Await does not wait.
type SharedConn interface {
	Conn
	// TryRead takes the next datagram that waits; false when none does. At is when
	// it arrived, zero where that is not known.
	TryRead(b []byte) (n int, from netip.AddrPort, at time.Time, ok bool)
	// Await returns when a datagram waits, or the socket is closed.
	Await()
}

// SharedNetwork is a Network that has such sockets. Room is how many bytes the
// system should keep that have not been read.
type SharedNetwork interface {
	Network
	ListenShared(a netip.AddrPort, room int) (SharedConn, error)
}

// LookedAt is a Conn, as Over takes it, whose owner wants to be asked at each tick
// before the endpoint takes what has come: it gives that to Deliver meanwhile. Now
// is the same for all legs that tick together.
type LookedAt interface {
	Look(now time.Time)
}

// Guard knows where RTP must never be sent.
type Guard struct {
	own        []netip.Addr
	broadcasts []netip.Addr
	ports      *Ports
}

// NewGuard makes the guard of a host with these addresses. Ports of its
// own that are bound by the allocator are refused at own addresses; further
// own addresses (such as the public one behind address translation) may be
// given.
func NewGuard(prefixes []netip.Prefix, ports *Ports, more ...netip.Addr) *Guard {
	g := &Guard{ports: ports, own: slices.Clone(more)}
	for _, p := range prefixes {
		g.own = append(g.own, p.Addr().Unmap())
		if b, ok := broadcast(p); ok {
			g.broadcasts = append(g.broadcasts, b)
		}
	}
	return g
}

// broadcast is the last address of an IPv4 network.
func broadcast(p netip.Prefix) (netip.Addr, bool) {
	a := p.Addr().Unmap()
	if !a.Is4() || p.Bits() >= 31 || p.Bits() < 0 {
		return netip.Addr{}, false
	}
	b := a.As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b), true
}

// Allows reports whether RTP may be sent to an address: not to several hosts,
// not to nobody, and not to ourselves.
func (g *Guard) Allows(to netip.AddrPort) bool {
	a := to.Addr().Unmap()
	switch {
	case !a.IsValid() || to.Port() == 0 || a.IsUnspecified() || a.IsMulticast():
		return false
	case a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) || slices.Contains(g.broadcasts, a):
		return false
	case slices.Contains(g.own, a):
		return !g.ports.bound(to.Port())
	default:
		return true
	}
}
