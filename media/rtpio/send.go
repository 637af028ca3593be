package rtpio

import (
	"net/netip"
	"time"

	"github.com/ivrd/ivrd/media"
)

// Send sends one packet to the peer, if there is one. Errors of the socket
// are of no use to anyone: what matters is what the peer reports.
func (e *Endpoint) Send(payloadType uint8, marker bool, timestamp uint32, payload []byte) {
	if !e.peer.IsValid() {
		return
	}
	p := Packet{
		Marker:      marker,
		PayloadType: payloadType,
		Sequence:    e.sequence,
		Timestamp:   timestamp,
		SSRC:        e.ssrc,
		Payload:     payload,
	}
	e.sequence++
	room := e.room()
	b := p.Append(room.out[:0])
	if e.seal != nil {
		var err error
		if b, err = e.seal.seal(room.sealed[:0], b); err != nil {
			return
		}
	}
	if e.pair.rtp.WriteTo(b, e.peer) != nil {
		return
	}
	e.sent.Add(1)
	e.octets += uint32(len(payload))
}

// Miss leaves out a sequence number, so that the peer sees that a frame was
// lost before it came to us, and conceals it.
func (e *Endpoint) Miss() { e.sequence++ }

// Report sends RTCP; with bye it says goodbye. The timestamp is what sound
// sent at now would carry.
func (e *Endpoint) Report(now time.Time, timestamp uint32, bye bool) {
	r := Report{SSRC: e.ssrc, CNAME: e.cname, Bye: bye}
	if sent := e.sent.Load(); sent > 0 {
		r.Sender = &SenderInfo{NTP: ntp(now), Timestamp: timestamp, Packets: uint32(sent), Octets: e.octets}
	}
	conn, to := e.controlPath(e.reportOn(&r, now))
	if !to.IsValid() || !e.guard.Allows(to) {
		return
	}
	b := r.Append(e.room().out[:0])
	if e.seal != nil {
		var err error
		if b, err = e.seal.sealRTCP(nil, b); err != nil {
			return
		}
	}
	_ = conn.WriteTo(b, to)
}

// reportOn adds what we hear of the peer, and returns where reports go.
func (e *Endpoint) reportOn(r *Report, now time.Time) netip.AddrPort {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.timed = timedPackets
	if !e.connected || !e.destination().IsValid() {
		return netip.AddrPort{}
	}
	if rec := &e.reception; rec.started {
		k := ReportBlock{
			SSRC:         rec.ssrc,
			FractionLost: rec.interval(),
			Lost:         int32(min(max(rec.lostOfSource(), -1<<23), 1<<23-1)),
			Highest:      rec.highest(),
			Jitter:       rec.jitter >> 4,
		}
		if c := &e.control; !c.lastSRAt.IsZero() {
			k.LSR = c.lastSR
			k.DLSR = uint32(now.Sub(c.lastSRAt) << 16 / time.Second)
		}
		r.Blocks = append(r.Blocks, k)
	}
	return e.controlAddr()
}

// controlAddr is where the peer's RTCP came from if it is the peer's host,
// else what was signalled for that host, else the next port up.
func (e *Endpoint) controlAddr() netip.AddrPort {
	host := e.lock.source.Addr()
	switch {
	case e.control.source.Addr() == host:
		return e.control.source
	case e.remote.RTCP.Addr() == host:
		return e.remote.RTCP
	case e.lock.source.Port() == 65535:
		return netip.AddrPort{}
	default:
		return netip.AddrPortFrom(host, e.lock.source.Port()+1)
	}
}

// Sends reports whether the negotiated direction lets us send.
func Sends(d media.Direction) bool { return d == media.SendRecv || d == media.SendOnly }

// Receives reports whether the negotiated direction lets the peer send.
func Receives(d media.Direction) bool { return d == media.SendRecv || d == media.RecvOnly }
