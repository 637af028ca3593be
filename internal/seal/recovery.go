package seal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Repair says how to close a recording that a crash or a failed write left
// open: cut the file to Cut bytes, then append Tail, then sync. Tail is empty
// where the recording was closed already.
type Repair struct {
	Cut  int64
	Tail []byte
	// Parts and Chain describe the file after the repair, End the last sample
	// that is kept.
	Parts int
	Chain Hash
	End   int64
}

// maxTorn bounds what a repair may cut: more than the writer ever has in
// flight is no torn tail but damage, and damage is kept as evidence.
const maxTorn = 512 << 10

// ErrDamaged says that an open recording is more broken than by a crash; it
// was left as it is.
var ErrDamaged = errors.New("recording is damaged beyond its torn tail")

// Checkpoint is what is known to have reached the disk of a recording while it
// went on: so many parts, and the head of the chain after them. No crash takes
// them away. The zero value knows of nothing.
type Checkpoint struct {
	Parts int
	Chain Hash
}

// keptBy says what is missing of the checkpoint.
func (c Checkpoint) keptBy(ix *Index) error {
	if len(ix.Parts) < c.Parts {
		return fmt.Errorf("%d parts were on the disk and %d are left", c.Parts, len(ix.Parts))
	}
	if c.Parts > 0 && ix.Parts[c.Parts-1].chain != c.Chain {
		return errors.New("it is not the one that its record names")
	}
	return nil
}

// Recovery closes an open recording.
type Recovery struct {
	Call Key
	// Header is used where the file has none. Its Call must be the call's ID.
	Header Header
	// Durable is what must still be there.
	Durable Checkpoint
	// Observe is as in Sealer.
	Observe func(salt [saltSize]byte, nonce [nonceSize]byte)
}

// Repair makes the repair. What follows the last part that opens is the torn
// tail and is cut; a part that does not open before it is left in place, as
// evidence. The closing part stands under a new epoch, since the lost tail may
// have used any nonce of the old one. It fails with ErrDamaged where Check does.
func (v Recovery) Repair(src io.ReaderAt, size int64) (Repair, error) {
	kept, err := v.keep(src, size)
	r := Repair{Cut: kept.Size, Parts: len(kept.Parts), Chain: kept.Chain, End: kept.End()}
	if err != nil || kept.Ended {
		return r, err
	}
	return r, v.close(&r, kept)
}

// Check fails with ErrDamaged, and says why, where an open recording is broken
// in a way that no crash breaks it. A *ScanError in the reason tells the place.
func (v Recovery) Check(src io.ReaderAt, size int64) error {
	_, err := v.keep(src, size)
	return err
}

// keep is the index of what a repair keeps. A crash loses the end of what was
// written since the last sync, and nothing else: whatever looks otherwise must
// not be cut.
func (v Recovery) keep(src io.ReaderAt, size int64) (*Index, error) {
	ix, err := Scan(src, size, v.Header.Call)
	r := NewReader(src, ix, v.Call)
	kept := ix.upTo(lastGood(r))
	switch {
	case err != nil && !errors.Is(err, errTorn) && !isBlank(src, ix.Size, size):
	case len(kept.Parts) == 0 && len(ix.Parts) > 0:
		err = &ScanError{Err: errors.New("no part opens")}
	case size-kept.Size > maxTorn:
		err = &ScanError{Offset: kept.Size, Part: len(kept.Parts), Err: errors.New("more is broken than was ever in flight")}
	default:
		if err = v.Durable.keptBy(kept); err == nil {
			err = r.nothingAfter(kept, size)
		}
	}
	if err != nil {
		return kept, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return kept, nil
}

// isBlank reports whether only zeros follow: a file system that made room and
// lost power before the data came leaves that.
func isBlank(src io.ReaderAt, from, size int64) bool {
	tail, err := readTail(src, from, size)
	return err == nil && !slices.ContainsFunc(tail, func(b byte) bool { return b != 0 })
}

func readTail(src io.ReaderAt, from, size int64) ([]byte, error) {
	if size-from > maxTorn {
		return nil, ErrDamaged
	}
	tail := make([]byte, size-from)
	if n, err := src.ReadAt(tail, from); n < len(tail) {
		return nil, fmt.Errorf("read tail: %w", err)
	}
	return tail, nil
}

// nothingAfter fails where something sealed is found in what would be cut.
func (r *Reader) nothingAfter(kept *Index, size int64) error {
	tail, err := readTail(r.src, kept.Size, size)
	if err != nil {
		return err
	}
	for at := 1; at < len(tail); at++ {
		if isHeader(tail[at:]) || r.isSealed(tail[at:]) {
			return &ScanError{
				Offset: kept.Size, Part: len(kept.Parts),
				Err: fmt.Errorf("it does not open, and more follows at byte %d", kept.Size+int64(at)),
			}
		}
	}
	return nil
}

func isHeader(b []byte) bool {
	n, err := headerLength(b)
	if err != nil || n > len(b) {
		return false
	}
	_, err = parseHeader(b[:n])
	return err == nil
}

// loosePart is the highest number that a part may have to be taken for one
// where no header is left to open it with: 18 hours of a track.
const loosePart = 1 << 16

// isSealed reports whether b begins with a part of the recording.
func (r *Reader) isSealed(b []byte) bool {
	p, seq, front, whole, err := parsePart(b)
	if err != nil || whole > len(b) {
		return false
	}
	for i := range r.index.Epochs {
		e := &r.index.Epochs[i]
		nonce := nonceOf(&e.Header, seq, p.Flags)
		aad := append(slices.Clone(e.hash[:]), b[4:front]...)
		if _, err := r.aeads[i].Open(r.buf[:0], nonce[:], b[front:whole], aad); err == nil {
			return true
		}
	}
	return len(r.index.Epochs) == 0 && seq < loosePart
}

func (v Recovery) close(r *Repair, kept *Index) error {
	h := v.Header
	if len(kept.Epochs) > 0 {
		h = kept.Epochs[len(kept.Epochs)-1].Header
	}
	h.Epoch, h.previous = uint32(len(kept.Epochs)), kept.Chain
	s, tail, err := startEpoch(v.Call, h, len(kept.Parts))
	if err != nil {
		return err
	}
	s.Observe = v.Observe
	note := binary.BigEndian.AppendUint32(nil, uint32(len(kept.Parts)))
	note = append(note, kept.Chain[:]...)
	r.Tail, err = s.Seal(tail, Part{Flags: FlagLast | FlagRecovered, First: r.End}, note)
	r.Parts, r.Chain = s.parts, s.chain
	return err
}

// lastGood is the number of parts up to and with the last that opens.
func lastGood(r *Reader) int {
	var buf []byte
	for i := range slices.Backward(r.index.Parts) {
		var err error
		if buf, err = r.Open(buf[:0], i); err == nil {
			return i + 1
		}
	}
	return 0
}
