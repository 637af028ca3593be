// Package memnet is a network in memory for tests: hosts with addresses, UDP
// sockets, and lines between them that lose, delay, disorder and repeat, by a
// seed. It runs in virtual time inside testing/synctest.
package memnet

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/ivrd/ivrd/media/rtpio"
)

// queued is how many datagrams wait in a socket, as in a kernel's buffer.
const queued = 256

// Line says what happens to datagrams on their way in one direction.
type Line struct {
	// Loss is the share of datagrams lost, Burst the mean length of a run of
	// losses (below 1 means 1).
	Loss, Burst float64
	// Delay and Jitter: each takes Delay ± Jitter, evenly spread, and may
	// overtake others unless InOrder.
	Delay, Jitter time.Duration
	InOrder       bool
	// Duplicate is the share of datagrams that come twice.
	Duplicate float64
}

// Network joins hosts.
type Network struct {
	mu      sync.Mutex
	rng     *rand.Rand
	sockets map[netip.AddrPort]*conn
	lines   map[[2]netip.Addr]*line
}

type line struct {
	Line

	losing bool
	last   time.Time // when the newest datagram arrives
}

// New makes a network without impairments.
func New(seed uint64) *Network {
	return &Network{
		rng:     rand.New(rand.NewPCG(seed, seed)),
		sockets: map[netip.AddrPort]*conn{},
		lines:   map[[2]netip.Addr]*line{},
	}
}

// Impair sets the line from one host to another.
func (n *Network) Impair(from, to netip.Addr, l Line) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines[[2]netip.Addr{from, to}] = &line{Line: l}
}

// Host is the network as seen by one host.
func (n *Network) Host(addr string) *Host {
	return &Host{network: n, addr: netip.MustParseAddr(addr), ephemeral: 40000}
}

// Open is the number of bound sockets.
func (n *Network) Open() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.sockets)
}

// Host is an rtpio.Network.
type Host struct {
	network   *Network
	addr      netip.Addr
	ephemeral uint16
}

var _ rtpio.Network = (*Host)(nil)

// Addr of the host.
func (h *Host) Addr() netip.Addr { return h.addr }

// Prefixes are the host's one address in a /24.
func (h *Host) Prefixes() ([]netip.Prefix, error) {
	return []netip.Prefix{netip.PrefixFrom(h.addr, 24)}, nil
}

// Listen binds a socket; port 0 means a free one.
func (h *Host) Listen(at netip.AddrPort) (rtpio.PacketConn, error) {
	n := h.network
	n.mu.Lock()
	defer n.mu.Unlock()
	port := at.Port()
	for port == 0 {
		h.ephemeral++
		if n.sockets[netip.AddrPortFrom(h.addr, h.ephemeral)] == nil {
			port = h.ephemeral
		}
	}
	local := netip.AddrPortFrom(h.addr, port)
	if n.sockets[local] != nil {
		return nil, &net.OpError{Op: "listen", Net: "memnet", Err: syscall.EADDRINUSE}
	}
	c := &conn{network: n, local: local, ready: make(chan struct{}, 1), closed: make(chan struct{}), moved: make(chan struct{})}
	n.sockets[local] = c
	return c, nil
}

// Polled is the host with sockets that are polled.
func (h *Host) Polled() rtpio.PolledNetwork { return polledHost{h} }

type polledHost struct{ *Host }

// ListenPolled binds a socket that nobody waits on.
func (h polledHost) ListenPolled(at netip.AddrPort) (rtpio.PolledConn, error) {
	c, err := h.Listen(at)
	if err != nil {
		return nil, err
	}
	return &polledConn{c.(*conn)}, nil
}

// polledConn hides ReadFrom.
type polledConn struct{ c *conn }

func (p *polledConn) WriteTo(b []byte, to netip.AddrPort) error { return p.c.WriteTo(b, to) }
func (p *polledConn) WriteAside(b []byte, to netip.AddrPort) error {
	return p.c.WriteTo(b, to)
}
func (p *polledConn) LocalAddr() netip.AddrPort { return p.c.LocalAddr() }
func (p *polledConn) Close() error              { return p.c.Close() }

func (p *polledConn) TryRead(b []byte, _ bool) (int, netip.AddrPort, time.Time, bool) {
	p.c.network.mu.Lock()
	defer p.c.network.mu.Unlock()
	if p.c.count == 0 {
		return 0, netip.AddrPort{}, time.Time{}, false
	}
	d := p.c.take()
	return copy(b, d.data), d.from, d.at, true
}

// Only drops what is not of the peer, as a kernel does.
func (p *polledConn) Only(peer netip.AddrPort) {
	p.c.network.mu.Lock()
	defer p.c.network.mu.Unlock()
	p.c.only = peer
}

func (p *polledConn) Dropped() uint64 {
	p.c.network.mu.Lock()
	defer p.c.network.mu.Unlock()
	return p.c.dropped
}

// send puts a datagram on the line.
func (n *Network) send(from, to netip.AddrPort, b []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.lines[[2]netip.Addr{from.Addr(), to.Addr()}]
	if l == nil {
		n.deliver(from, to, b)
		return
	}
	if n.loses(l) {
		return
	}
	copies := 1
	if n.rng.Float64() < l.Duplicate {
		copies = 2
	}
	for range copies {
		n.later(l, from, to, append([]byte(nil), b...))
	}
}

// loses is a two-state (Gilbert) model.
func (n *Network) loses(l *line) bool {
	stay, begin := 1-1/max(l.Burst, 1), l.Loss/(max(l.Burst, 1)*max(1-l.Loss, 1e-9))
	p := begin
	if l.losing {
		p = stay
	}
	if l.Burst <= 1 {
		p = l.Loss
	}
	l.losing = n.rng.Float64() < p
	return l.losing
}

func (n *Network) later(l *line, from, to netip.AddrPort, b []byte) {
	delay := l.Delay
	if l.Jitter > 0 {
		delay += time.Duration(n.rng.Int64N(int64(2*l.Jitter))) - l.Jitter
	}
	at := time.Now().Add(max(delay, 0))
	if l.InOrder && at.Before(l.last) {
		at = l.last
	}
	l.last = at
	time.AfterFunc(time.Until(at), func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.deliver(from, to, b)
	})
}

// deliver copies b into a socket, or drops it.
func (n *Network) deliver(from, to netip.AddrPort, b []byte) {
	c := n.sockets[to]
	if c == nil || c.count == queued {
		return
	}
	if c.only.IsValid() && from != c.only {
		c.dropped++
		return
	}
	d := &c.queue[(c.head+c.count)%queued]
	d.from, d.at, d.data = from, time.Now(), append(d.data[:0], b...)
	c.count++
	c.wake()
}

type datagram struct {
	from netip.AddrPort
	at   time.Time
	data []byte
}

// conn is a socket. Its queue is guarded by the network's lock.
type conn struct {
	network *Network
	local   netip.AddrPort
	queue   [queued]datagram
	head    int
	count   int
	only    netip.AddrPort // of a polled one: the peer, if it is narrowed
	dropped uint64         // by that

	ready    chan struct{} // something has come
	closed   chan struct{}
	moved    chan struct{} // the deadline has been changed
	deadline time.Time
	once     sync.Once
}

func (c *conn) wake() {
	select {
	case c.ready <- struct{}{}:
	default:
	}
}

func (c *conn) ReadFrom(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, ok, deadline, moved := c.pop(b)
		if ok {
			return n, from, nil
		}
		if err := c.wait(deadline, moved); err != nil {
			return 0, netip.AddrPort{}, err
		}
	}
}

func (c *conn) pop(b []byte) (n int, from netip.AddrPort, ok bool, deadline time.Time, moved chan struct{}) {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	if c.count == 0 {
		return 0, from, false, c.deadline, c.moved
	}
	d := c.take()
	return copy(b, d.data), d.from, true, c.deadline, c.moved
}

// take the next datagram of the queue. It wants the network's lock.
func (c *conn) take() *datagram {
	d := &c.queue[c.head]
	c.head, c.count = (c.head+1)%queued, c.count-1
	return d
}

func (c *conn) wait(deadline time.Time, moved chan struct{}) error {
	var expired <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-c.ready:
		return nil
	case <-moved:
		return nil
	case <-expired:
		return os.ErrDeadlineExceeded
	case <-c.closed:
		return net.ErrClosed
	}
}

func (c *conn) WriteTo(b []byte, to netip.AddrPort) error {
	select {
	case <-c.closed:
		return net.ErrClosed
	default:
		c.network.send(c.local, to, b)
		return nil
	}
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	c.deadline = t
	close(c.moved)
	c.moved = make(chan struct{})
	return nil
}

func (c *conn) LocalAddr() netip.AddrPort { return c.local }

func (c *conn) Close() error {
	c.once.Do(func() {
		c.network.mu.Lock()
		defer c.network.mu.Unlock()
		delete(c.network.sockets, c.local)
		close(c.closed)
	})
	return nil
}
