package rtpio

import (
	"math/bits"

	"github.com/ivrd/ivrd/media"
)

// All lengths and depths of the jitter buffer are in samples at 8 kHz; one
// sample is one byte and one unit of the RTP timestamp in each codec we have.
const (
	frameSamples = media.FrameSamples
	ringSamples  = 4096 // 512 ms
	startDepth   = 320  // 40 ms
	maxDepth     = 960  // 120 ms
	// lowWater and highWater bound the margin of the latest packet of a window:
	// below, a frame is repeated; above, one is dropped. They are more than a
	// frame apart, so that one does not cause the other, and enclose startDepth.
	lowWater  = 80
	highWater = 400
	// window is how many packets are looked at before the depth is corrected.
	window = 100
	// lateRun packets in a row that are late, or strayRun that are far ahead,
	// say that the sender's clock has jumped or the way has become longer.
	lateRun  = 5
	strayRun = 3
	// idleFrames without a packet make the next one a new beginning when it
	// does not fit.
	idleFrames = 10
	// settleFrames lie between two repeated frames.
	settleFrames = 5
)

// FrameKind says what a jitter buffer has for a tick.
type FrameKind uint8

// The kinds of a frame.
const (
	// NoFrame: nothing has come: before the first packet, in a silence that the
	// peer does not send (DTX), or because the line is dead or too late.
	NoFrame FrameKind = iota
	// Sound: here it is.
	Sound
	// Lost: later packets have come, this one has not.
	Lost
)

// jitterBuffer puts packets of any length in order by their timestamps and
// hands out frames of 20 ms, one a tick. It drops what is repeated or late.
// Depth changes only by whole frames, repeated or dropped, when the margin of
// the slowest packets says so; that also takes up the difference of clocks.
type jitterBuffer struct {
	silence byte
	started bool
	next    uint32 // timestamp of the next sample to hand out
	end     uint32 // timestamp after the newest sample
	spurt   uint32 // timestamp at which the newest talk spurt began

	ring      [ringSamples]byte
	have      [ringSamples / 64]uint64 // which samples of the ring are filled
	last      [frameSamples]byte       // handed out last
	lastSound bool

	low, high int32 // margins of the packets of this window
	seen      int   // packets in this window
	lates     int   // in a row
	strays    int   // in a row
	idle      int   // ticks since a packet came
	settled   int   // ticks since a frame was repeated
	repeat    bool  // at the next tick
	drop      int   // samples to drop at the next tick

	count jitterCount
}

// jitterCount accounts for every sample: stored = played + dropped + what the
// ring holds.
type jitterCount struct {
	late, duplicate         uint64 // packets
	repeated, resynced      uint64 // frames, times
	stored, played, dropped uint64 // samples
}

// push takes the payload of a packet, at most 60 ms.
func (j *jitterBuffer) push(timestamp uint32, marker bool, payload []byte) {
	if !j.started {
		j.restart(timestamp)
	}
	margin := int32(timestamp - j.next)
	n := int32(len(payload))
	if margin+n <= 0 || margin+n > ringSamples {
		if j.stays(margin) {
			return
		}
		j.resync(timestamp)
		margin = startDepth
	}
	j.lates, j.strays, j.idle = 0, 0, 0
	j.observe(margin)
	if marker {
		j.spurt = timestamp
	}
	if margin < 0 { // its beginning is late, the rest is not
		timestamp, payload = j.next, payload[-margin:]
	}
	if j.fill(timestamp, payload) == 0 {
		j.count.duplicate++
	}
	if after := timestamp + uint32(len(payload)); int32(after-j.end) > 0 {
		j.end = after
	}
}

// stays reports whether the clock is kept although a packet does not fit, and
// counts the packet as late.
func (j *jitterBuffer) stays(margin int32) bool {
	if margin > 0 {
		j.strays++
	} else {
		j.lates++
		j.observe(margin)
		if j.settled >= settleFrames && j.high+frameSamples <= maxDepth {
			j.repeat = true
		}
	}
	if j.lates >= lateRun || j.strays >= strayRun || j.idle >= idleFrames {
		return false
	}
	j.count.late++
	return true
}

func (j *jitterBuffer) restart(timestamp uint32) {
	j.started = true
	j.next, j.end, j.spurt = timestamp-startDepth, timestamp, timestamp
	j.low, j.high, j.seen = startDepth, startDepth, 0
	j.repeat, j.drop = false, 0
}

func (j *jitterBuffer) resync(timestamp uint32) {
	for i := range j.have {
		j.count.dropped += uint64(bits.OnesCount64(j.have[i]))
		j.have[i] = 0
	}
	j.count.resynced++
	j.restart(timestamp)
}

// reset forgets everything but the counts: another source, another codec.
func (j *jitterBuffer) reset(silence byte) {
	j.resync(0)
	count := j.count
	*j = jitterBuffer{silence: silence, count: count}
}

// observe corrects the depth once in a window.
func (j *jitterBuffer) observe(margin int32) {
	if j.seen == 0 {
		j.low, j.high = margin, margin
	}
	j.low, j.high = min(j.low, margin), max(j.high, margin)
	if j.seen++; j.seen < window {
		return
	}
	j.seen = 0
	switch {
	case j.low > maxDepth:
		j.drop = int(j.low - startDepth)
	case j.low > highWater:
		j.drop = frameSamples
	case j.low < lowWater && j.high+frameSamples <= maxDepth:
		j.repeat = true
	}
}

// pop hands out the next frame.
func (j *jitterBuffer) pop(dst *[frameSamples]byte) FrameKind {
	if !j.started {
		return NoFrame
	}
	j.idle++
	j.settled++
	if j.repeat {
		return j.again(dst)
	}
	if j.drop > 0 {
		j.skip(j.drop)
		j.drop = 0
	}
	start := j.next
	missing := j.take(dst)
	j.lastSound = missing < frameSamples
	switch {
	case j.lastSound:
		j.last = *dst
		return Sound
	case int32(j.end-start) > 0 && int32(j.spurt-start) <= 0:
		return Lost
	default:
		return NoFrame
	}
}

// again lets the buffer grow by a frame.
func (j *jitterBuffer) again(dst *[frameSamples]byte) FrameKind {
	j.repeat, j.settled, j.seen = false, 0, 0
	j.high += frameSamples
	if !j.lastSound {
		return NoFrame
	}
	j.count.repeated++
	*dst = j.last
	return Sound
}

// skip drops samples unheard.
func (j *jitterBuffer) skip(samples int) {
	if !j.started {
		return
	}
	for range samples / frameSamples {
		j.span(j.next, frameSamples, func(word, _ int, mask uint64) {
			j.count.dropped += uint64(bits.OnesCount64(j.have[word] & mask))
			j.have[word] &^= mask
		})
		j.next += frameSamples
	}
}

// span calls each for every word of the bitmap that n samples from timestamp
// on touch: offset is where the word's samples begin within the n.
func (j *jitterBuffer) span(timestamp uint32, n int, each func(word, offset int, mask uint64)) {
	for offset := 0; offset < n; {
		at := int(timestamp+uint32(offset)) % ringSamples
		bit := at % 64
		length := min(64-bit, n-offset)
		each(at/64, offset, (1<<length-1)<<bit)
		offset += length
	}
}

// fill stores what is not there yet and returns how many samples that was.
func (j *jitterBuffer) fill(timestamp uint32, payload []byte) int {
	filled := 0
	j.span(timestamp, len(payload), func(word, offset int, mask uint64) {
		part := payload[offset:]
		from := bits.TrailingZeros64(mask)
		for b := mask &^ j.have[word]; b != 0; b &= b - 1 {
			bit := bits.TrailingZeros64(b)
			j.ring[word*64+bit] = part[bit-from]
			filled++
		}
		j.have[word] |= mask
	})
	j.count.stored += uint64(filled)
	return filled
}

// take moves a frame out of the ring, silence where samples are missing, and
// returns how many were.
func (j *jitterBuffer) take(dst *[frameSamples]byte) int {
	missing := frameSamples
	j.span(j.next, frameSamples, func(word, offset int, mask uint64) {
		from := bits.TrailingZeros64(mask)
		n := bits.OnesCount64(mask)
		copy(dst[offset:offset+n], j.ring[word*64+from:])
		for b := mask &^ j.have[word]; b != 0; b &= b - 1 {
			dst[offset+bits.TrailingZeros64(b)-from] = j.silence
		}
		missing -= bits.OnesCount64(j.have[word] & mask)
		j.have[word] &^= mask
	})
	j.next += frameSamples
	j.count.played += uint64(frameSamples - missing)
	return missing
}
