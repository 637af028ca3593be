package rtpio

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/ivrd/ivrd/media"
)

// anyTries is how often a free pair is sought when no range is given.
const anyTries = 64

// Ports hands out pairs of an even RTP port and the odd RTCP port above it.
// A pair comes back after its rest, and the range is used in turn, so that the
// one that has rested longest is next.
type Ports struct {
	network     Network
	address     netip.Addr
	first, last uint16

	mu      sync.Mutex
	pairs   map[uint16]*pair // by RTP port
	turn    uint16           // the next even port to try
	resting int
	closed  bool
	readers sync.WaitGroup // two for each pair that is waited on, added by bind; and the sweeper
	swept   []*Endpoint    // at rest, whose sockets nobody waits on
	stop    chan struct{}
}

// pair is two bound sockets, or without ports one connection for both.
type pair struct {
	ports     *Ports
	port      uint16
	rtp, rtcp Conn
	resting   bool
}

// waits reports whether goroutines wait on the sockets; else they are polled.
func (k *pair) waits() bool {
	_, ok := k.rtp.(PacketConn)
	return ok
}

// muxed reports whether RTP and RTCP come by one connection.
func (k *pair) muxed() bool { return k.ports == nil }

// left counts a reader out.
func (k *pair) left() {
	if k.ports != nil {
		k.ports.readers.Done()
	}
}

// PortCounts say how the pairs of a range are used.
type PortCounts struct{ Free, Used, Resting int }

// NewPorts makes an allocator over the ports first to last; both zero means
// any that the system has free.
func NewPorts(network Network, address netip.Addr, first, last uint16) (*Ports, error) {
	first += first % 2
	if last < first || (first != 0 && last-first < 1) {
		return nil, fmt.Errorf("use RTP ports %d to %d: no even port with its odd neighbour in it", first, last)
	}
	p := &Ports{network: network, address: address, first: first, last: last, pairs: map[uint16]*pair{}, stop: make(chan struct{})}
	p.turn = first + 2*uint16(rand.IntN(max(p.size(), 1)))
	return p, nil
}

// size is the number of pairs in the range.
func (p *Ports) size() int {
	if p.first == 0 {
		return 0
	}
	return (int(p.last) - int(p.first) + 1) / 2
}

// Counts is a snapshot. Free is 0 without a range.
func (p *Ports) Counts() PortCounts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return PortCounts{
		Free:    max(p.size()-len(p.pairs), 0),
		Used:    len(p.pairs) - p.resting,
		Resting: p.resting,
	}
}

// open binds a pair, passing over ports that another program holds. The lock,
// which workers want for a moment, is not held over what the system is asked.
func (p *Ports) open() (*pair, error) {
	if p.first == 0 {
		return p.openAny()
	}
	for range p.size() {
		k, err := p.reserve()
		if err != nil {
			return nil, err
		}
		switch err = p.bind(k); {
		case err == nil:
			return k, nil
		case starved(err):
			return nil, fmt.Errorf("%w: %w", media.ErrNoPorts, err)
		case errors.Is(err, media.ErrClosed):
			return nil, err
		}
	}
	return nil, media.ErrNoPorts
}

// reserve takes the next pair of the range that is free.
func (p *Ports) reserve() (*pair, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, media.ErrClosed
	}
	for range p.size() {
		port := p.turn
		if p.turn += 2; p.turn < p.first || int(p.turn)+1 > int(p.last) {
			p.turn = p.first
		}
		if p.pairs[port] == nil {
			return p.take(port), nil
		}
	}
	return nil, media.ErrNoPorts
}

// take wants the lock.
func (p *Ports) take(port uint16) *pair {
	k := &pair{ports: p, port: port}
	p.pairs[port] = k
	return k
}

// starved reports whether no other port would be had either: the process or
// the machine has no sockets left. Trying all would keep the lock from workers
// that close endpoints.
func starved(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

// openAny lets the system choose a port and takes its neighbour.
func (p *Ports) openAny() (*pair, error) {
	var errs error
	for range anyTries {
		c, err := p.listen(0)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", media.ErrNoPorts, err)
		}
		port := c.LocalAddr().Port() &^ 1
		_ = c.Close()
		k, err := p.reserveOne(port)
		if err == nil {
			err = p.bind(k)
		}
		if err == nil || errors.Is(err, media.ErrClosed) {
			return k, err
		}
		errs = err
	}
	return nil, fmt.Errorf("%w: %w", media.ErrNoPorts, errs)
}

// reserveOne takes a pair that the system has found.
func (p *Ports) reserveOne(port uint16) (*pair, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return nil, media.ErrClosed
	case p.pairs[port] != nil:
		return nil, syscall.EADDRINUSE
	}
	return p.take(port), nil
}

// bind opens the sockets of a pair that is reserved, or gives it back.
func (p *Ports) bind(k *pair) error {
	rtp, err := p.listen(k.port)
	var rtcp Conn
	if err == nil {
		if rtcp, err = p.listen(k.port + 1); err != nil {
			err = errors.Join(err, rtp.Close())
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil && p.closed {
		err = errors.Join(media.ErrClosed, rtp.Close(), rtcp.Close())
	}
	if err != nil {
		delete(p.pairs, k.port)
		return err
	}
	if k.rtp, k.rtcp = rtp, rtcp; k.waits() {
		p.readers.Add(2)
	}
	return nil
}

func (p *Ports) listen(port uint16) (Conn, error) {
	at := netip.AddrPortFrom(p.address, port)
	if polled, ok := p.network.(PolledNetwork); ok {
		return polled.ListenPolled(at)
	}
	return p.network.Listen(at)
}

// bound reports whether a port is one of ours at the moment.
func (p *Ports) bound(port uint16) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pairs[port&^1] != nil
}

// rest marks the pair as one that only drains.
func (k *pair) rest() {
	k.ports.mu.Lock()
	defer k.ports.mu.Unlock()
	if !k.resting {
		k.resting = true
		k.ports.resting++
	}
}

// free closes the sockets and gives the pair back.
func (k *pair) free() {
	_ = k.rtp.Close()
	_ = k.rtcp.Close()
	if k.muxed() {
		return
	}
	k.ports.mu.Lock()
	defer k.ports.mu.Unlock()
	if k.ports.pairs[k.port] != k {
		return
	}
	delete(k.ports.pairs, k.port)
	if k.resting {
		k.ports.resting--
	}
}

// sweepEvery is how often ports at rest that nobody waits on are looked at. When what
// they hold came, the system tells.
const sweepEvery = 500 * time.Millisecond

// sweep sees to an endpoint that rests.
func (p *Ports) sweep(e *Endpoint) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	if p.swept = append(p.swept, e); len(p.swept) == 1 {
		p.readers.Go(p.sweeper)
	}
}

// sweeper runs as long as something rests.
func (p *Ports) sweeper() {
	room := new(Scratch)
	timer := time.NewTicker(sweepEvery)
	defer timer.Stop()
	for more := true; more; {
		select {
		case <-timer.C:
			more = p.sweepOnce(time.Now(), room)
		case <-p.stop:
			return
		}
	}
}

func (p *Ports) sweepOnce(now time.Time, room *Scratch) (more bool) {
	p.mu.Lock()
	all := slices.Clone(p.swept)
	p.mu.Unlock()
	done := map[*Endpoint]bool{}
	for _, e := range all {
		if e.drained(now, room) {
			e.pair.free()
			done[e] = true
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.swept = slices.DeleteFunc(p.swept, func(e *Endpoint) bool { return done[e] })
	return len(p.swept) > 0
}

// Close closes every socket, in use or at rest, and waits for their readers.
// Opening fails from then on. Endpoints that are polled must be closed before.
func (p *Ports) Close() {
	first := p.end()
	p.readers.Wait()
	if first { // and the sweeper has stopped
		p.mu.Lock()
		defer p.mu.Unlock()
		p.closeAll(false)
	}
}

// end stops everybody, once.
func (p *Ports) end() (first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.closed = true
	close(p.stop)
	p.closeAll(true) // their readers end by it
	return true
}

// closeAll closes what is waited on, or what is polled. It wants the lock.
func (p *Ports) closeAll(waited bool) {
	for _, k := range p.pairs {
		if k.rtp != nil && k.waits() == waited { // not one that is being bound
			_ = k.rtp.Close()
			_ = k.rtcp.Close()
		}
	}
}
