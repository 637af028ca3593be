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
	transit      uint32
	measured     bool   // transit is of the packet before
	jitter       uint32 // in timestamp units, times 16
	priorExpect  uint32
	priorReceive uint32
}

// packet counts a packet, and reports whether the source is a new one.
func (r *reception) packet(ssrc uint32, seq uint16) (fresh bool) {
	ahead := seq - r.top
	jumped := ahead >= maxSequenceJump && ahead <= math.MaxUint16-maxSequenceJump
	if !r.started || r.ssrc != ssrc || jumped {
		r.restart(ssrc, seq)
		return true
	}
	r.received++
	if ahead < maxSequenceJump && ahead != 0 {
		if seq < r.top {
			r.cycles += 1 << 16
		}
		r.top = seq
	}
	return false
}

// measure takes the transit of the packet that was counted last: its arrival
// less its timestamp, in units of that (RFC 3550 §A.8).
func (r *reception) measure(transit uint32) {
	d := int32(transit - r.transit)
	known := r.measured
	r.transit, r.measured = transit, true
	if known {
		r.jitter += uint32(max(d, -d)) - (r.jitter+8)>>4
	}
}

// unmeasured says that the next transit has nothing to be compared with.
func (r *reception) unmeasured() { r.measured = false }

func (r *reception) restart(ssrc uint32, seq uint16) {
	lost := r.lost()
	*r = reception{started: true, ssrc: ssrc, first: seq, top: seq, received: 1, lostBefore: lost}
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
