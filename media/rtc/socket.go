package rtc

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/rtpio"
)

const (
	// showEvery is how often the agent is shown a packet of sound, by which it knows
	// that the peer is there. The rest goes past it.
	showEvery = 500 * time.Millisecond
	// lookAtMost bounds what a worker reads of the port at a time, to a tenth of
	// a millisecond. What a flood leaves, the mux's own goroutine reads.
	lookAtMost = 128
	// untended is how long no tick has looked at the port before the mux's own
	// goroutine waits for packets: nobody talks.
	untended = 2 * media.FrameDuration
	// hurry is how long it lets packets gather while a browser's way is sought, each
	// step of which is a packet.
	hurry = 500 * time.Microsecond
	// asideQueue is how many packets wait for the agents.
	asideQueue = 128
)

// Look implements rtpio.LookedAt: the tick of any browser's leg reads for all.
// With 50 packets a second of each, that costs less than being woken for them.
func (t *Transport) Look(now time.Time) { t.mux.look(now) }

// look reads the port, once for all legs of one tick.
func (m *Mux) look(now time.Time) {
	if m.shared == nil {
		return
	}
	since := now.Sub(m.epoch)
	if m.looked.Swap(int64(since)) != int64(since) && m.read() == lookAtMost {
		m.nudge()
	}
}

// nudge has the mux's own goroutine look at once.
func (m *Mux) nudge() {
	select {
	case m.more <- struct{}{}:
	default:
	}
}

// read takes a bounded number of packets and returns how many; none if somebody
// else is at it, whom nobody waits for.
func (m *Mux) read() (packets int) {
	if !m.reading.TryLock() {
		return 0
	}
	defer m.reading.Unlock()
	for ; packets < lookAtMost; packets++ {
		n, from, at, ok := m.shared.TryRead(m.room[:])
		if !ok {
			break
		}
		if at.IsZero() {
			at = time.Now()
		}
		m.arrived(m.room[:n], from, at)
	}
	return packets
}

// attend reads what no tick does, until the mux is closed.
func (m *Mux) attend() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for m.pause(timer) {
		for m.read() == lookAtMost { // until the flood is over
		}
	}
}

// pause returns when there may be something to read; false when the mux is closed.
func (m *Mux) pause(timer *time.Timer) bool {
	limit, wait := media.FrameDuration, false
	switch idle := time.Since(m.epoch) - time.Duration(m.looked.Load()); {
	case idle > untended:
		limit, wait = 0, true
	case m.seeking.Load() > 0:
		limit, wait = hurry, true
	}
	timer.Reset(limit)
	select {
	case <-m.done:
		return false
	case <-m.more:
	case <-timer.C:
	}
	if wait {
		m.shared.Await() // not beyond the end of the mux
	}
	return true
}

// wait reads where sockets cannot be looked at, until the mux is closed.
func (m *Mux) wait(conn rtpio.PacketConn) {
	for failures := 0; ; {
		n, from, err := conn.ReadFrom(m.room[:])
		switch {
		case err == nil:
			failures = 0
			m.arrived(m.room[:n], from, time.Now())
		case errors.Is(err, net.ErrClosed):
			return
		default: // such as an ICMP error of an earlier packet
			failures++
			time.Sleep(min(time.Duration(failures)*time.Millisecond, media.FrameDuration))
		}
	}
}

// arrived takes a packet: sound from the address that an agent has selected goes
// straight to its endpoint. By the agent each packet would be copied twice and wake
// two goroutines. All else is the agents'.
func (m *Mux) arrived(b []byte, from netip.AddrPort, at time.Time) {
	t := m.from(from)
	switch kind := rtpio.KindOf(b); kind {
	case rtpio.Unknown:
	case rtpio.RTP, rtpio.RTCP:
		if t == nil || !t.sound(b, at) {
			m.aside.put(b, from, t != nil)
		}
	default:
		m.aside.put(b, from, t != nil)
	}
}

// from is the browser whose way leads to an address; nil if there is none.
func (m *Mux) from(a netip.AddrPort) *Transport {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.peers[a]
}

// sound gives a packet to the endpoint, or returns false when the agent must see it.
func (t *Transport) sound(b []byte, at time.Time) bool {
	if !t.open.Load() {
		return false
	}
	shown, now := t.shown.Load(), at.UnixNano()
	if d := time.Duration(now - shown); (d >= showEvery || d < 0) && t.shown.CompareAndSwap(shown, now) {
		return false
	}
	t.give(b, at)
	return true
}

// aside is the port as the agents read and write it: what is read elsewhere waits
// for them here.
type aside struct {
	conn          rtpio.Conn
	waiting, free chan *datagram
	closed        chan struct{}
	close         sync.Once
}

type datagram struct {
	from netip.AddrPort
	n    int
	room [readBuffer]byte
}

func newAside(conn rtpio.Conn) *aside {
	return &aside{conn: conn, waiting: make(chan *datagram, asideQueue), free: make(chan *datagram, asideQueue), closed: make(chan struct{})}
}

// put keeps a copy of a packet, or drops it, which its sender must expect. Strangers,
// to whom no way leads, have but half the room: in a flood of them the others'
// checks and handshakes still come through.
func (a *aside) put(b []byte, from netip.AddrPort, known bool) {
	if n := len(a.waiting); n == asideQueue || !known && n >= asideQueue/2 {
		return
	}
	var d *datagram
	select {
	case d = <-a.free:
	default:
		d = new(datagram)
	}
	d.from, d.n = from, copy(d.room[:], b)
	select {
	case a.waiting <- d:
	default:
	}
}

// ReadFromAddrPort implements ice.AddrPortReaderWriter.
func (a *aside) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case d := <-a.waiting:
		n, from := copy(b, d.room[:d.n]), d.from
		select {
		case a.free <- d:
		default:
		}
		return n, from, nil
	case <-a.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

// WriteToAddrPort implements ice.AddrPortReaderWriter.
func (a *aside) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return len(b), a.conn.WriteTo(b, netip.AddrPortFrom(to.Addr().Unmap(), to.Port()))
}

func (a *aside) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := a.ReadFromAddrPort(b)
	return n, net.UDPAddrFromAddrPort(from), err
}

func (a *aside) WriteTo(b []byte, to net.Addr) (int, error) {
	u, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, net.InvalidAddrError(to.String())
	}
	return a.WriteToAddrPort(b, u.AddrPort())
}

func (a *aside) LocalAddr() net.Addr              { return net.UDPAddrFromAddrPort(a.conn.LocalAddr()) }
func (a *aside) SetDeadline(time.Time) error      { return nil } // writing never waits
func (a *aside) SetReadDeadline(time.Time) error  { return nil }
func (a *aside) SetWriteDeadline(time.Time) error { return nil }

// Close ends the agents' reading; the port is the mux's.
func (a *aside) Close() error {
	a.close.Do(func() { close(a.closed) })
	return nil
}
