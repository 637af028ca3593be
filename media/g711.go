package media

import "math/bits"

// ITU-T G.711 as its reference code (G.191, module g711) reads it: PCM is
// left-justified in 16 bits, so 14 bits count for µ-law and 13 for A-law, and
// the two halves of the axis mirror each other by one's complement.

// The tables are written once, before main, and only read.
var (
	uLawToLinear = decodeTable(uLawValue)
	aLawToLinear = decodeTable(aLawValue)
	uLawToALaw   = transcodeTable(&uLawToLinear, linearToALaw)
	aLawToULaw   = transcodeTable(&aLawToLinear, linearToULaw)
)

func decodeTable(value func(byte) int16) (t [256]int16) {
	for i := range t {
		t[i] = value(byte(i))
	}
	return t
}

func transcodeTable(from *[256]int16, to func(int16) byte) (t [256]byte) {
	for i := range t {
		t[i] = to(from[i])
	}
	return t
}

const (
	uLawBias = 33     // in units of 14-bit PCM; makes the lowest segment start at 32
	uLawClip = 0x1FFF // the largest biased magnitude
	uLawUnit = 4      // one step of 14-bit PCM in 16 bits
	aLawHalf = 8      // half a quantizing step of 12-bit magnitudes in 16 bits
	signBit  = 0x80   // set for positive values
	mantBits = 0x0F
	segBits  = 0x07
	uLawFlip = 0x7F // the bits of a magnitude that are inverted on the line
	aLawFlip = 0x55
)

func magnitude(s int16) (m uint, sign byte) {
	if s < 0 {
		return uint(^s), 0
	}
	return uint(s), signBit
}

func linearToULaw(s int16) byte {
	m, sign := magnitude(s)
	m = min(m>>2+uLawBias, uLawClip)
	seg := bits.Len(m) - 6
	return (sign | byte(seg<<4) | byte(m>>(seg+1))&mantBits) ^ uLawFlip
}

func uLawValue(b byte) int16 {
	x := b ^ uLawFlip
	seg := x >> 4 & segBits
	v := (int(x&mantBits)<<1+uLawBias)<<seg - uLawBias
	if b&signBit == 0 {
		v = -v
	}
	return int16(v * uLawUnit)
}

func linearToALaw(s int16) byte {
	m, sign := magnitude(s)
	m >>= 4
	seg := max(bits.Len(m)-4, 0)
	return (sign | byte(seg<<4) | byte(m>>max(seg-1, 0))&mantBits) ^ aLawFlip
}

func aLawValue(b byte) int16 {
	x := b ^ aLawFlip
	seg := x >> 4 & segBits
	v := int(x&mantBits)<<4 + aLawHalf
	if seg > 0 {
		v = (v + 0x100) << (seg - 1)
	}
	if b&signBit == 0 {
		v = -v
	}
	return int16(v)
}
