package recordings

import (
	"github.com/ivrd/ivrd/internal/seal"
	"github.com/ivrd/ivrd/media"
)

// chunkGaps is how many gaps one chunk holds; with more it is closed early.
const chunkGaps = 100

// chunk is up to a second of one track in one codec, of L16 half of one, before it
// is sealed. Where gaps are, data is zero.
type chunk struct {
	track media.Track
	codec media.Codec // zero while there are only gaps
	first media.Time
	n     int // samples
	gaps  []seal.Gap
	data  [seal.MaxSamples]byte
}

func newChunk() *chunk { return &chunk{gaps: make([]seal.Gap, 0, chunkGaps)} }

// wipe forgets the sound and makes the chunk ready for use.
func (c *chunk) wipe() {
	clear(c.data[:])
	c.track, c.codec, c.first, c.n, c.gaps = 0, 0, 0, 0, c.gaps[:0]
}

func (c *chunk) end() media.Time { return c.first + media.Time(c.n) }

// takes reports whether a frame that begins at the given time can begin here.
func (c *chunk) takes(at media.Time, codec media.Codec, lost bool) bool {
	if lost {
		codec = c.codec
	}
	return int(at-c.first) < holds(codec) && len(c.gaps) < chunkGaps-1 && (c.codec == 0 || c.codec == codec)
}

// holds is how many samples of a codec a chunk has room for.
func holds(codec media.Codec) int { return seal.MaxSamples / codec.UnitBytes() }

// skip makes a gap up to a time that takes has allowed.
func (c *chunk) skip(to media.Time, cause seal.Cause) {
	if to <= c.end() {
		return
	}
	from := c.n
	c.n = int(to - c.first)
	if last := len(c.gaps) - 1; last >= 0 && int(c.gaps[last].To) == from {
		if c.gaps[last].Cause == cause {
			c.gaps[last].To = uint16(c.n)
			return
		}
		// Gaps that touch would not be canonical; the first cause stands for both.
		c.gaps[last].To = uint16(c.n)
		return
	}
	c.gaps = append(c.gaps, seal.Gap{From: uint16(from), To: uint16(c.n), Cause: cause})
}

// put adds what fits of a frame and returns how many samples that is.
func (c *chunk) put(codec media.Codec, payload []byte) int {
	unit := codec.UnitBytes()
	k := copy(c.data[c.n*unit:], payload) / unit
	c.codec = codec
	c.n += k
	return k
}

// cut forgets everything from a time on.
func (c *chunk) cut(at media.Time) {
	keep := max(0, min(c.n, int(at-c.first)))
	clear(c.data[keep*c.codec.UnitBytes():])
	c.n = keep
	for i := len(c.gaps) - 1; i >= 0 && int(c.gaps[i].To) > keep; i-- {
		if int(c.gaps[i].From) < keep {
			c.gaps[i].To = uint16(keep)
			break
		}
		c.gaps = c.gaps[:i]
	}
}

// part is what is sealed of the chunk.
func (c *chunk) part() (seal.Part, []byte) {
	p := seal.Part{
		Track: uint8(c.track), Codec: uint8(c.codec), First: int64(c.first),
		Samples: uint32(c.n), Gaps: c.gaps,
	}
	if c.codec == 0 {
		return p, nil
	}
	return p, c.data[:c.n*c.codec.UnitBytes()]
}
