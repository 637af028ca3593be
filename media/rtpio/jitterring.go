package rtpio

import "math/bits"

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

// bytes is the room for all samples of the ring.
func (j *jitterBuffer) bytes() []byte {
	if j.codec.UnitBytes() > 1 {
		return j.wide[:]
	}
	return j.ring[:]
}

// fill stores what is not there yet and returns how many samples that was.
func (j *jitterBuffer) fill(timestamp uint32, payload []byte) int {
	filled, unit, ring := 0, j.codec.UnitBytes(), j.bytes()
	j.span(timestamp, len(payload)/unit, func(word, offset int, mask uint64) {
		from, n := bits.TrailingZeros64(mask), bits.OnesCount64(mask)
		fresh := mask &^ j.have[word]
		if fresh == mask {
			copy(ring[(word*64+from)*unit:(word*64+from+n)*unit], payload[offset*unit:])
		} else {
			for b := fresh; b != 0; b &= b - 1 {
				bit := bits.TrailingZeros64(b)
				copy(ring[(word*64+bit)*unit:][:unit], payload[(offset+bit-from)*unit:])
			}
		}
		filled += bits.OnesCount64(fresh)
		j.have[word] |= mask
	})
	j.count.stored += uint64(filled)
	return filled
}

// peek copies samples out of the ring, silence where they are missing, and
// returns how many were.
func (j *jitterBuffer) peek(dst []byte, timestamp uint32) int {
	missing, unit, ring := 0, j.codec.UnitBytes(), j.bytes()
	j.span(timestamp, len(dst)/unit, func(word, offset int, mask uint64) {
		from, n := bits.TrailingZeros64(mask), bits.OnesCount64(mask)
		copy(dst[offset*unit:(offset+n)*unit], ring[(word*64+from)*unit:])
		for b := mask &^ j.have[word]; b != 0; b &= b - 1 {
			at := (offset + bits.TrailingZeros64(b) - from) * unit
			for i := range unit {
				dst[at+i] = j.codec.Silence()
			}
			missing++
		}
	})
	return missing
}

// missing is how many samples of the frame at a timestamp are not there.
func (j *jitterBuffer) missing(timestamp uint32) int {
	n := frameSamples
	j.span(timestamp, frameSamples, func(word, _ int, mask uint64) {
		n -= bits.OnesCount64(j.have[word] & mask)
	})
	return n
}

// pass goes on by n samples and returns how many of them were there.
func (j *jitterBuffer) pass(n int) (held uint64) {
	j.span(j.next, n, func(word, _ int, mask uint64) {
		held += uint64(bits.OnesCount64(j.have[word] & mask))
		j.have[word] &^= mask
	})
	j.next += uint32(n)
	return held
}
