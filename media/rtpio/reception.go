package rtpio

import "math"

// maxSequenceJump is how far a sequence number may go forward before it is
// taken for a new beginning (RFC 3550 §A.1, MAX_DROPOUT).
const maxSequenceJump = 3000

// reception counts what comes from one source (RFC 3550 §A.1, §A.3, §A.8).
type reception struct {
	started      bool
	ssrc         uint32
	first, top   uint16
	cycles       uint32 // of the sequence number, shifted by 16
	received     uint32
	lostBefore   int64 // of earlier sources and beginnings
	transit      int32
	jitter       uint32 // in timestamp units, times 16
	priorExpect  uint32
	priorReceive uint32
}

// packet counts a packet that arrived at the given time in timestamp units,
// and reports whether the source is a new one. Those of a telephone-event carry
// the time at which it began (RFC 4733 §2.2.1) and say nothing of the jitter.
func (r *reception) packet(ssrc uint32, seq uint16, timestamp, arrival uint32, event bool) (fresh bool) {
	ahead := seq - r.top
	jumped := ahead >= maxSequenceJump && ahead <= math.MaxUint16-maxSequenceJump
	if !r.started || r.ssrc != ssrc || jumped {
		r.restart(ssrc, seq, arrival-timestamp)
		return true
	}
	r.received++
	if ahead < maxSequenceJump && ahead != 0 {
		if seq < r.top {
			r.cycles += 1 << 16
		}
		r.top = seq
	}
	if event {
		return false
	}
	transit := int32(arrival - timestamp)
	d := transit - r.transit
	r.transit = transit
	r.jitter += uint32(max(d, -d)) - (r.jitter+8)>>4
	return false
}

func (r *reception) restart(ssrc uint32, seq uint16, transit uint32) {
	lost := r.lost()
	*r = reception{started: true, ssrc: ssrc, first: seq, top: seq, received: 1, lostBefore: lost, transit: int32(transit)}
}

func (r *reception) highest() uint32 { return r.cycles | uint32(r.top) }

func (r *reception) expected() uint32 {
	if !r.started {
		return 0
	}
	return r.highest() - uint32(r.first) + 1
}

// lost counts over all sources; it may fall again when packets are late or
// repeated.
func (r *reception) lost() int64 { return r.lostBefore + r.lostOfSource() }

// lostOfSource is what a report block says of the present source (§6.4.1).
func (r *reception) lostOfSource() int64 { return int64(r.expected()) - int64(r.received) }

// interval is the fraction lost since it was last asked for, in 256ths.
func (r *reception) interval() uint8 {
	expected := int64(r.expected()) - int64(r.priorExpect)
	lost := expected - (int64(r.received) - int64(r.priorReceive))
	r.priorExpect, r.priorReceive = r.expected(), r.received
	if expected <= 0 || lost <= 0 {
		return 0
	}
	return uint8(min(lost<<8/expected, math.MaxUint8))
}
