package load

import (
	"slices"

	"github.com/ivrd/ivrd/media"
)

// A mark is written into the sound of each frame: who sent it, and when. It is
// 24 samples of the quietest codes of G.711, four bits in each, so that it is
// next to silence. It survives whoever forwards the payload, or decodes and
// encodes it in the same codec; it does not survive transcoding, mixing or a
// change of level.
const markBytes = 24

// timeMask keeps 48 bits of nanoseconds: 78 hours.
const timeMask = 1<<48 - 1

// quiet is the code that carries zero: the smallest positive step.
func quiet(c media.Codec) byte {
	if c == media.PCMA {
		return 0xD5
	}
	return 0xFF
}

// writeMark puts a mark at the beginning of a payload.
func writeMark(b []byte, c media.Codec, id uint32, sent int64) {
	t := uint64(sent) & timeMask
	q := quiet(c)
	nibbles(b[0:4], q, uint64(markCheck(id, t)))
	nibbles(b[4:12], q, uint64(id))
	nibbles(b[12:24], q, t)
}

func nibbles(b []byte, q byte, v uint64) {
	for i := range b {
		b[i] = q ^ byte(v&0xF)
		v >>= 4
	}
}

// readMark finds the mark of a payload; ok is false when there is none.
func readMark(b []byte, c media.Codec) (id uint32, sent int64, ok bool) {
	if len(b) < markBytes {
		return 0, 0, false
	}
	q, odd := quiet(c), byte(0)
	check := value(b[0:4], q, &odd)
	whose := value(b[4:12], q, &odd)
	t := value(b[12:24], q, &odd)
	id = uint32(whose)
	return id, int64(t), odd < 16 && uint64(markCheck(id, t)) == check
}

// value reads what nibbles wrote; odd gathers bits that cannot be a mark's.
func value(b []byte, q byte, odd *byte) uint64 {
	v := uint64(0)
	for _, code := range slices.Backward(b) {
		n := code ^ q
		*odd |= n
		v = v<<4 | uint64(n&0xF)
	}
	return v
}

func markCheck(id uint32, t uint64) uint16 {
	h := (id ^ uint32(t) ^ uint32(t>>32)*0x9E3779B1) * 0x85EBCA6B
	return uint16(h>>16) ^ 0xA5C3
}

// since is how long ago a mark of the time sent was written.
func since(sent, now int64) int64 { return int64((uint64(now) - uint64(sent)) & timeMask) }
