package rtpio

import (
	"net/netip"
	"time"
)

const (
	// pollAtMost bounds what a tick reads, so that a flood of one leg does not
	// take the time of others. A socket's buffer holds less.
	pollAtMost = 512
	// controlEvery is how many ticks lie between two looks at RTCP, whose
	// datagrams are asked for their time of arrival: half a second.
	controlEvery = 25
	// droppedEvery is how many ticks lie between two looks at the system's count.
	droppedEvery = 50
	// lookEvery is how many ticks lie between two looks for more than the packet
	// that a steady line has for each.
	lookEvery = 5
	// singles is how many ticks with one packet each make a steady line.
	singles = 8
	// narrowAfter is how many packets a source must have sent since it was
	// locked before the socket is narrowed to it: a second of a call that goes on.
	narrowAfter = 50
	// timedPackets are asked for their time of arrival after each report: jitter,
	// which has a memory of 16 packets, is measured on them. The others count as
	// arrived at the tick that reads them, which is when they can be heard.
	timedPackets = 24
)

// arrival is when a packet was seen, from which on it can be heard, and when it
// came, if that is known.
type arrival struct{ now, exact time.Time }

func (a arrival) best() time.Time {
	if a.exact.IsZero() {
		return a.now
	}
	return a.exact
}

// poll reads what has come. Where a packet has come at each tick for a while,
// the one of this tick is taken to be all, but for a look at every fifth. It
// wants the lock, as all below does.
func (e *Endpoint) poll(now time.Time) {
	room := e.room()
	e.takes++
	few := pollAtMost
	if e.singles >= singles && e.takes%lookEvery != 0 {
		few = 1
	}
	read := 0
	for ; read < few; read++ {
		n, from, at, ok := e.rtp.TryRead(room.in[:], e.timed > 0)
		if !ok {
			break
		}
		e.deliver(room.in[:n], &room.plain, from, arrival{now: now, exact: at})
	}
	if e.singles++; read != 1 {
		e.singles = 0
	}
	if e.takes%controlEvery == 0 {
		e.pollControl(room, now)
		e.narrow()
	}
	if e.takes%droppedEvery == 0 && e.narrowed {
		e.dropped.Store(e.rtp.Dropped())
	}
}

func (e *Endpoint) pollControl(room *Scratch, now time.Time) {
	for range pollAtMost {
		n, from, at, ok := e.rtcp.TryRead(room.in[:], true)
		if !ok {
			return
		}
		e.told(room.in[:n], from, arrival{now, at}.best())
	}
}

// narrow lets the system drop what is not of a peer that has proved itself.
func (e *Endpoint) narrow() {
	if !e.narrowed && e.lock.locked && e.steady >= narrowAfter {
		e.narrowed = true
		e.rtp.Only(e.lock.source)
	}
}

// widen takes from everybody again: the peer moves, or the ports rest.
func (e *Endpoint) widen() {
	e.steady = 0
	if e.narrowed {
		e.narrowed = false
		e.rtp.Only(netip.AddrPort{})
		e.dropped.Store(e.rtp.Dropped())
	}
}

// drained reads what still comes to ports at rest, and reports whether they may
// be used again.
func (e *Endpoint) drained(now time.Time, room *Scratch) bool {
	for range pollAtMost {
		n, from, at, ok := e.rtp.TryRead(room.in[:], true)
		if !ok {
			break
		}
		e.Deliver(room.in[:n], from, arrival{now, at}.best())
	}
	for range pollAtMost {
		if _, _, _, ok := e.rtcp.TryRead(room.in[:], false); !ok {
			break
		}
	}
	return e.rested(now)
}
