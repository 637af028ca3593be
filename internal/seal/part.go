package seal

import (
	"encoding/binary"
	"errors"
)

// MaxSamples is the longest part, in samples: one second at 8 kHz.
const MaxSamples = 8000

const (
	partFixed  = 24 // length to samples
	gapSize    = 5
	maxGaps    = 255
	maxPayload = MaxSamples
	maxPart    = partFixed + maxGaps*gapSize + maxPayload + tagSize
)

// Flags of a part.
const (
	// FlagLast closes the recording; it is part of the nonce.
	FlagLast uint8 = 1 << iota
	// FlagRecovered closes what a crash or a failed write left open.
	FlagRecovered
)

// Cause says why a stretch holds no sound.
type Cause uint8

// The causes of a gap.
const (
	CauseLost      Cause = iota + 1 // not kept: the disk was full or slow
	CauseSecret                     // a secret was entered
	CauseOff                        // recording was switched off
	CauseRecovered                  // lost in a crash
	CauseLine                       // lost on the network
	CauseIdle                       // nothing was sent on this track
)

// Gap is a stretch of a part without sound, in samples from its first.
type Gap struct {
	From, To uint16
	Cause    Cause
}

// Part is what stands beside the ciphertext of a part, in clear and
// authenticated.
type Part struct {
	Flags   uint8
	Track   uint8 // 0: of the whole call
	Codec   uint8
	First   int64  // sample on the call's clock
	Samples uint32 // at most MaxSamples
	// Gaps are in order and do not touch. Where the payload is empty they
	// cover the part.
	Gaps []Gap
}

var errPart = errors.New("part is not well formed")

func (p *Part) check(payload int) error {
	if p.Samples > MaxSamples || payload > maxPayload || len(p.Gaps) > maxGaps || p.First < 0 {
		return errPart
	}
	at := -1
	for _, g := range p.Gaps {
		if int(g.From) <= at || g.From >= g.To || uint32(g.To) > p.Samples || g.Cause == 0 {
			return errPart
		}
		at = int(g.To)
	}
	return nil
}

// appendTo writes the part up to its ciphertext.
func (p *Part) appendTo(dst []byte, seq uint32, payload int) []byte {
	n := partFixed - 4 + len(p.Gaps)*gapSize + payload + tagSize
	dst = binary.BigEndian.AppendUint32(dst, uint32(n))
	dst = binary.BigEndian.AppendUint32(dst, seq)
	dst = append(dst, p.Flags, p.Track, p.Codec, byte(len(p.Gaps)))
	dst = binary.BigEndian.AppendUint64(dst, uint64(p.First))
	dst = binary.BigEndian.AppendUint32(dst, p.Samples)
	for _, g := range p.Gaps {
		dst = binary.BigEndian.AppendUint16(dst, g.From)
		dst = binary.BigEndian.AppendUint16(dst, g.To)
		dst = append(dst, byte(g.Cause))
	}
	return dst
}

// parsePart reads the clear front of a part from b, which may be longer. It
// returns the sequence number, the length of the front and of the whole; where
// b ends within the gaps the part is torn, not ill formed.
func parsePart(b []byte) (p Part, seq uint32, front, whole int, err error) {
	if len(b) < partFixed {
		return p, 0, 0, 0, errPart
	}
	n := binary.BigEndian.Uint32(b)
	gaps := int(b[11])
	front = partFixed + gaps*gapSize
	if n > maxPart-4 || int(n)+4 < front+tagSize {
		return p, 0, 0, 0, errPart
	}
	if len(b) < front {
		return p, 0, 0, 0, errTorn
	}
	whole = int(n) + 4
	seq = binary.BigEndian.Uint32(b[4:])
	p = Part{
		Flags: b[8], Track: b[9], Codec: b[10],
		First: int64(binary.BigEndian.Uint64(b[12:])), Samples: binary.BigEndian.Uint32(b[20:]),
	}
	for g := b[partFixed:front]; len(g) > 0; g = g[gapSize:] {
		p.Gaps = append(p.Gaps, Gap{
			From: binary.BigEndian.Uint16(g),
			To:   binary.BigEndian.Uint16(g[2:]), Cause: Cause(g[4]),
		})
	}
	return p, seq, front, whole, p.check(whole - front - tagSize)
}
