package rtpio

import (
	"math/bits"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/plc"
)

// behind is how much of what was handed out the ring still holds: packets are
// stored at most maxDepth ahead.
const behind = ringSamples - maxDepth - maxPayload

// patch makes up what a frame lacks when some of it is there: a lost packet that
// is shorter than a frame or lies across two. A frame that is lost as a whole is
// left to who hears it. Codecs that are not stretchable keep their silence.
func (j *jitterBuffer) patch(dst *[frameSamples]byte, start uint32, have [3]uint64) {
	if !stretchable(j.codec) {
		return
	}
	var c plc.Concealer
	var pcm [behind]int16
	j.resume(&c, pcm[:], start)
	sound := pcm[:frameSamples]
	j.codec.Decode(sound, dst[:])
	for at := 0; at < frameSamples; {
		n, there := run(have, at)
		part, from := sound[at:at+n], start+uint32(at)
		if !there && j.made-from-uint32(n) < frameSamples { // made with the frame before
			j.recall(part, from)
			there = true
		}
		if there {
			c.Good(part)
		} else {
			j.bridge(&c, part, from)
		}
		at += n
	}
	j.codec.Encode(dst[:], sound)
	j.keep(start, dst[:]) // the next frame goes on from here
}

// resume brings a concealer to where the frame at start begins.
func (j *jitterBuffer) resume(c *plc.Concealer, room []int16, start uint32) {
	c.Reset(media.SampleRate)
	lost := start - j.heard
	if lost >= behind/2 {
		return
	}
	known := room[:behind-lost]
	j.recall(known, start-behind)
	c.Good(known)
	if lost > 0 {
		j.bridge(c, room[:lost], start-lost)
	}
}

// recall decodes what the ring holds from a timestamp on, also if it was handed
// out or made up.
func (j *jitterBuffer) recall(dst []int16, from uint32) {
	var wire [behind]byte
	for i := range dst {
		wire[i] = j.ring[(from+uint32(i))%ringSamples]
	}
	j.codec.Decode(dst, wire[:len(dst)])
}

// bridge makes up what is missing from a timestamp on. What of a short gap lies in
// the next frame is made up with it, and kept for that.
func (j *jitterBuffer) bridge(c *plc.Concealer, dst []int16, from uint32) {
	var wire [frameSamples]byte
	var pcm [frameSamples]int16
	n := len(dst)
	next, after := j.ahead(&wire, from+uint32(n))
	j.codec.Decode(pcm[:], next)
	if after == 0 || n+after > frameSamples {
		c.Between(dst, after, pcm[:len(next)])
		return
	}
	var gap [frameSamples]int16
	c.Between(gap[:n+after], 0, pcm[:len(next)])
	copy(dst, gap[:])
	j.codec.Encode(wire[:], gap[n:n+after])
	j.keep(from+uint32(n), wire[:after])
	j.made = from + uint32(n+after)
}

// keep puts what was made up into the ring, where nothing has come.
func (j *jitterBuffer) keep(from uint32, wire []byte) {
	for i, b := range wire {
		j.ring[(from+uint32(i))%ringSamples] = b
	}
}

// ahead is what is there, up to a frame, of the sound that follows the missing
// samples at a timestamp, and how many those are: at most two frames. Of codecs
// that are not stretchable nothing can be said ahead.
func (j *jitterBuffer) ahead(room *[frameSamples]byte, timestamp uint32) (next []byte, after int) {
	if !stretchable(j.codec) {
		return nil, 0
	}
	for !j.holds(timestamp + uint32(after)) {
		if after++; after > 2*frameSamples {
			return nil, 0
		}
	}
	n := 0
	for timestamp += uint32(after); n < frameSamples && j.holds(timestamp+uint32(n)); n++ {
		room[n] = j.ring[(timestamp+uint32(n))%ringSamples]
	}
	return room[:n], after
}

// holds reports whether the sample at a timestamp, not too far ahead, is there.
func (j *jitterBuffer) holds(timestamp uint32) bool {
	at := timestamp % ringSamples
	return j.have[at/64]>>(at%64)&1 == 1
}

// run is how many samples of a frame from one on are all there or all missing.
func run(have [3]uint64, at int) (n int, there bool) {
	bit := func(i int) bool { return have[i/64]>>(i%64)&1 == 1 }
	there = bit(at)
	for n = 1; at+n < frameSamples && bit(at+n) == there; n++ {
	}
	return n, there
}

// held is which samples of the frame at a timestamp are there.
func (j *jitterBuffer) held(timestamp uint32) (have [3]uint64) {
	j.span(timestamp, frameSamples, func(word, offset int, mask uint64) {
		b := (j.have[word] & mask) >> bits.TrailingZeros64(mask)
		have[offset/64] |= b << (offset % 64)
		if over := b >> (64 - offset%64); over != 0 { // into the next word
			have[offset/64+1] |= over
		}
	})
	return have
}
