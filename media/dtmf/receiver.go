package dtmf

import (
	"math"
	"slices"
)

// remembered is how many events back a late packet is still recognised.
const remembered = 32

// Receiver finds each key exactly once, however its packets are lost,
// repeated, overlapped or reordered. All packets of an event carry the
// timestamp at which it began, and no other event does: that alone identifies
// it, so neither the marker nor an end packet has to arrive.
//
// The zero Receiver is ready.
type Receiver struct {
	seen  [remembered]uint32 // timestamps of events, a ring
	count int                // of events seen since the beginning
	last  event              // the newest packet of the newest event
	start uint32             // its timestamp
}

// Packet takes the payload of one packet and its RTP timestamp. It returns the
// key when the packet is the first to tell of it.
func (r *Receiver) Packet(timestamp uint32, payload []byte) (key byte, ok bool) {
	e, valid := parseEvent(payload)
	if !valid || int(e.code) >= len(keys) {
		return 0, false
	}
	if r.known(timestamp) {
		if timestamp == r.start && e.duration >= r.last.duration {
			r.last = e
		}
		return 0, false
	}
	continued := r.continues(timestamp, e)
	r.remember(timestamp, e)
	return keys[e.code], !continued
}

// Reset forgets all events; a new source may use the same timestamps.
func (r *Receiver) Reset() { *r = Receiver{} }

func (r *Receiver) known(timestamp uint32) bool {
	return slices.Contains(r.seen[:min(r.count, remembered)], timestamp)
}

// continues reports whether a key is still held: an event too long for its
// duration field goes on as a segment with a timestamp of its own, which is
// the end of the former one (RFC 4733 §2.5.1.3). The former segment's last
// packets may be lost, so that its end is known to be the largest duration.
func (r *Receiver) continues(timestamp uint32, e event) bool {
	return r.count > 0 && e.code == r.last.code && !r.last.end && timestamp-r.start == math.MaxUint16
}

func (r *Receiver) remember(timestamp uint32, e event) {
	newer := r.count == 0 || int32(timestamp-r.start) > 0
	r.seen[r.count%remembered] = timestamp
	r.count++
	if r.count == 2*remembered {
		r.count = remembered // only its remainder counts from here on
	}
	if newer {
		r.start, r.last = timestamp, e
	}
}
