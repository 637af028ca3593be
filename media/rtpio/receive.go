package rtpio

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/ivrd/ivrd/media"
)

// pauseAtMost bounds the wait after errors in a row, which would otherwise be
// met as fast as the machine can. A reader never gives up: its socket is bound
// as long as the leg lives, and nobody else may get the port.
const pauseAtMost = 50 * time.Millisecond

// pause waits the longer the more reads in a row have failed.
func pause(failures int) { time.Sleep(min(time.Duration(failures)*time.Millisecond, pauseAtMost)) }

// Intake is what a tick takes out of an endpoint.
type Intake struct {
	Kind    FrameKind
	Payload []byte // Sound only: a frame in the negotiated codec, until the next Take
	// Next is, of what is Lost, the sound that follows After samples later, if it
	// has come.
	Next    []byte
	After   int
	Arrived bool // a valid packet has come since the last tick
	// Delay is how far what is taken is behind the ticks, in samples, counted from
	// anywhere: when it grows, so has the time that sound waits in the jitter buffer.
	Delay uint32
	Keys  [maxKeys]byte
	N     int // of Keys
	// Unproved counts the packets, since the beginning, that came from where the
	// peer may be and whose SRTP or SRTCP did not authenticate.
	Unproved uint64

	room  [media.MaxFrameBytes]byte
	ahead [frameSamples]byte // of G.711 only
}

// Take moves the next frame and the keys that have come into in. It is called
// once each 20 ms, by the worker.
func (e *Endpoint) Take(in *Intake, now time.Time) {
	if e.rtp == nil && e.shared != nil {
		e.shared.Look(now)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.rtp != nil {
		e.poll(now)
	}
	in.Kind, in.Payload = e.jitter.view(&in.room)
	if e.rtp == nil && len(in.Payload) > 0 && &in.Payload[0] != &in.room[0] { // packets come meanwhile
		in.Payload = in.room[:copy(in.room[:], in.Payload)]
	}
	if in.Next = nil; in.Kind == Lost {
		in.Next, in.After = e.jitter.ahead(&in.ahead, e.jitter.next)
	}
	in.Delay = e.jitter.clock - e.jitter.next
	e.tick(in.Kind)
	in.Keys, in.N = e.keys, int(e.keyCount)
	in.Arrived, in.Unproved = e.arrived, e.counts.unproved
	e.keyCount, e.arrived = 0, false
	e.peer = e.destination()
}

// Skip drops what would have been taken by ticks that did not run.
func (e *Endpoint) Skip(frames int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.jitter.skip(frames * frameSamples)
}

func (e *Endpoint) readRTP(conn PacketConn) {
	defer e.pair.left()
	defer e.pair.free()
	buf := make([]byte, maxDatagram)
	for failures := 0; ; {
		n, from, err := conn.ReadFrom(buf)
		now := time.Now()
		switch {
		case err == nil:
			failures = 0
			e.Deliver(buf[:n], from, now)
		case errors.Is(err, os.ErrDeadlineExceeded):
			if e.rested(now) {
				return
			}
		case errors.Is(err, net.ErrClosed):
			return
		default: // such as an ICMP error of an earlier packet
			if e.isResting() && e.rested(now) {
				return
			}
			failures++
			pause(failures)
		}
	}
}

func (e *Endpoint) isResting() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.resting
}

// rested reports whether the ports may be used again, or sets the time at
// which to ask next.
func (e *Endpoint) rested(now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !now.Before(e.restUntil) || now.Sub(e.closedAt) >= maxRest {
		return true
	}
	e.wakeAt(e.restUntil)
	return false
}

// sort drops what is not of the peer. It wants the lock.
func (e *Endpoint) sort(b []byte, plain *[maxDatagram]byte, from netip.AddrPort, at arrival) {
	switch {
	case e.resting:
		if from == e.lock.source {
			e.restUntil = at.now.Add(e.rest)
		}
	case !e.connected: // the peer may be quicker than its answer; who it is, is not known yet
	case !e.lock.mayBe(from) || (!e.lock.locked && !e.guard.Allows(from)):
		e.counts.foreign++
	case isRTCP(b):
	default:
		var p Packet
		if !e.parse(&p, b, plain) {
			e.counts.invalid++
		} else if e.lock.check(from, p.SSRC, p.Sequence) == accepted {
			e.accept(&p, at)
		}
	}
}

// parse opens and reads a packet and checks its payload type.
func (e *Endpoint) parse(p *Packet, b []byte, room *[maxDatagram]byte) bool {
	if e.open != nil {
		plain, err := e.open.open(room[:0], b)
		if err != nil {
			e.counts.unproved++
			return false
		}
		b = plain
	}
	if p.Parse(b) != nil {
		return false
	}
	switch {
	case p.PayloadType == e.remote.PayloadType:
		return len(p.Payload) <= maxPayload*e.remote.Codec.UnitBytes()
	case e.isEvent(p.PayloadType), p.PayloadType == media.ComfortNoiseType:
		return true
	default:
		return false
	}
}

func (e *Endpoint) isEvent(payloadType uint8) bool {
	return e.remote.EventType != 0 && payloadType == e.remote.EventType
}

// accept takes a packet of the peer.
func (e *Endpoint) accept(p *Packet, at arrival) {
	e.counts.received++
	known := e.reception.started && e.reception.ssrc == p.SSRC
	e.reception.packet(p.SSRC, p.Sequence)
	e.measure(p, at)
	if !known {
		e.jitter.reset(e.remote.Codec)
		e.events.Reset()
	}
	if !Receives(e.remote.Direction) {
		return
	}
	e.arrived = true
	switch {
	case e.isEvent(p.PayloadType):
		e.event(p)
	case p.PayloadType == e.remote.PayloadType:
		e.jitter.push(p.Timestamp, p.Marker, p.Payload)
	default: // comfort noise
		e.jitter.paused(p.Timestamp, true)
	}
}

// measure takes the packet for the jitter of the line, if its time is known.
// Those of a telephone-event carry the time at which it began (RFC 4733 §2.2.1)
// and say nothing of it.
func (e *Endpoint) measure(p *Packet, at arrival) {
	e.steady = min(e.steady+1, narrowAfter)
	e.timed = max(e.timed-1, 0)
	switch {
	case at.exact.IsZero():
		e.reception.unmeasured()
	case !e.isEvent(p.PayloadType):
		e.reception.measure(uint32(media.TimeOf(at.exact.Sub(e.epoch))) - p.Timestamp)
	}
}

func (e *Endpoint) event(p *Packet) {
	e.jitter.paused(p.Timestamp, false)
	key, ok := e.events.Packet(p.Timestamp, p.Payload)
	if ok && e.keyCount < maxKeys {
		e.keys[e.keyCount] = key
		e.keyCount++
	}
}

func (e *Endpoint) readRTCP(conn PacketConn) {
	defer e.pair.left()
	buf := make([]byte, maxDatagram)
	for failures := 0; ; {
		n, from, err := conn.ReadFrom(buf)
		switch {
		case err == nil:
			failures = 0
			e.controlled(buf[:n], from, time.Now())
		case errors.Is(err, net.ErrClosed):
			return
		default:
			failures++
			pause(failures)
		}
	}
}

// controlled takes what came to the RTCP port. It only tells how well the
// sound travels: nothing in it ends a stream.
func (e *Endpoint) controlled(b []byte, from netip.AddrPort, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told(b, from, now)
}

// told wants the lock.
func (e *Endpoint) told(b []byte, from netip.AddrPort, now time.Time) {
	c := &e.control
	if e.resting || !e.connected || e.remote.NoRTCP {
		return
	}
	if from.Addr() != e.lock.source.Addr() {
		e.counts.foreign++
		return
	}
	if e.openRTCP != nil {
		plain, err := e.openRTCP.openRTCP(nil, b)
		if err != nil {
			e.counts.unproved++
			e.counts.invalid++
			return
		}
		b = plain
	}
	if c.report.ParseReport(b) != nil {
		e.counts.invalid++
		return
	}
	if e.guard.Allows(from) {
		c.source = from
	}
	if s := c.report.Sender; s != nil && c.report.SSRC == e.reception.ssrc {
		c.lastSR, c.lastSRAt = middle(s.NTP), now
	}
	for _, k := range c.report.Blocks {
		if k.SSRC != e.ssrc {
			continue
		}
		c.remoteLost, c.remoteJit = uint32(max(k.Lost, 0)), k.Jitter
		if rtt, ok := roundTrip(ntp(now), k); ok {
			c.rtt = rtt
		}
		e.reported(k)
	}
}
