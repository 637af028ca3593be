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
		if there {
			c.Good(sound[at : at+n])
		} else {
			c.Lost(sound[at : at+n])
		}
		at += n
	}
	j.codec.Encode(dst[:], sound)
	for i, b := range dst { // the next frame goes on from here
		j.ring[(start+uint32(i))%ringSamples] = b
	}
}

// resume brings a concealer to where the frame at start begins.
func (j *jitterBuffer) resume(c *plc.Concealer, room []int16, start uint32) {
	c.Reset(media.SampleRate)
	lost := start - j.heard
	if lost >= behind/2 {
		return
	}
	var wire [behind]byte
	known := wire[:behind-lost]
	for i := range known {
		known[i] = j.ring[(start-behind+uint32(i))%ringSamples]
	}
	j.codec.Decode(room, known)
	c.Good(room[:len(known)])
	if lost > 0 {
		c.Lost(room[:lost])
	}
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
