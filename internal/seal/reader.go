package seal

import (
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// Epoch is an epoch header as it was read.
type Epoch struct {
	Header
	hash  Hash
	first int // its first part
}

// PartRef is where a part stands in a file.
type PartRef struct {
	Part
	Offset int64
	Size   int // of the whole part
	epoch  int
	seq    uint32
	front  int
	chain  Hash // after the part
}

// Payload is the length of what the part holds, in bytes.
func (p *PartRef) Payload() int { return p.Size - p.front - tagSize }

// Index is the structure of a recording, read without a key. Nothing in it is
// proved before a Reader has opened the parts.
type Index struct {
	Epochs []Epoch
	Parts  []PartRef
	Chain  Hash
	Size   int64 // of what was understood
	Ended  bool  // closed by a last part
}

// ScanError says where a file stops being a recording.
type ScanError struct {
	Offset int64
	Part   int // the part that was expected there
	Err    error
}

func (e *ScanError) Error() string {
	return fmt.Sprintf("read recording at byte %d: %v", e.Offset, e.Err)
}

func (e *ScanError) Unwrap() error { return e.Err }

var (
	errTorn     = errors.New("it ends in the middle of a part")
	errSequence = errors.New("a part is missing or out of order")
	errTrailing = errors.New("something follows the last part")
	errLink     = errors.New("an epoch does not follow the one before")
	errCall     = errors.New("it belongs to another call")
)

// Scan reads the structure of the first size bytes of src. The index always
// holds what was understood; the error, a *ScanError, says why that is not all.
func Scan(src io.ReaderAt, size int64, call string) (*Index, error) {
	ix := &Index{}
	buf := make([]byte, maxHeader+maxGaps*gapSize)
	for ix.Size < size {
		if err := ix.next(src, size, call, buf); err != nil {
			return ix, &ScanError{Offset: ix.Size, Part: len(ix.Parts), Err: err}
		}
	}
	return ix, nil
}

// next reads one header or part.
func (ix *Index) next(src io.ReaderAt, size int64, call string, buf []byte) error {
	if ix.Ended {
		return errTrailing
	}
	b := buf[:min(int64(len(buf)), size-ix.Size)]
	if n, err := src.ReadAt(b, ix.Size); n < len(b) {
		return fmt.Errorf("read: %w", err)
	}
	if len(b) < headerFixed {
		return errTorn
	}
	if len(ix.Epochs) == 0 || string(b[:4]) == magic {
		return ix.addEpoch(b, call)
	}
	return ix.addPart(src, b, size)
}

func (ix *Index) addEpoch(b []byte, call string) error {
	n, err := headerLength(b)
	if err != nil {
		return err
	}
	if n > len(b) {
		return errTorn
	}
	h, err := parseHeader(b[:n])
	if err != nil {
		return err
	}
	if h.Call != call {
		return errCall
	}
	if h.previous != ix.Chain || int(h.Epoch) != len(ix.Epochs) {
		return errLink
	}
	ix.Chain = chainOver(chainHeader, ix.Chain, b[:n])
	ix.Epochs = append(ix.Epochs, Epoch{Header: h, hash: sha256.Sum256(b[:n]), first: len(ix.Parts)})
	ix.Size += int64(n)
	return nil
}

func (ix *Index) addPart(src io.ReaderAt, b []byte, size int64) error {
	if len(b) < partFixed {
		return errTorn
	}
	p, seq, front, whole, err := parsePart(b)
	if err != nil {
		return err
	}
	epoch := len(ix.Epochs) - 1
	if int(seq) != len(ix.Parts)-ix.Epochs[epoch].first {
		return errSequence
	}
	if ix.Size+int64(whole) > size {
		return errTorn
	}
	var tag [tagSize]byte
	if n, err := src.ReadAt(tag[:], ix.Size+int64(whole-tagSize)); n < tagSize {
		return fmt.Errorf("read: %w", err)
	}
	ix.Chain = chainOver(chainPart, ix.Chain, b[:front], tag[:])
	ix.Parts = append(ix.Parts, PartRef{
		Part: p, Offset: ix.Size, Size: whole,
		epoch: epoch, seq: seq, front: front, chain: ix.Chain,
	})
	ix.Size += int64(whole)
	ix.Ended = p.Flags&FlagLast != 0
	return nil
}

// upTo is the index of the file cut after n parts. An epoch that has no part
// left is cut too: nothing would prove its header.
func (ix *Index) upTo(n int) *Index {
	cut := &Index{Parts: ix.Parts[:n]}
	if n == 0 {
		return cut
	}
	last := &ix.Parts[n-1]
	cut.Epochs = ix.Epochs[:last.epoch+1]
	cut.Chain, cut.Size = last.chain, last.Offset+int64(last.Size)
	cut.Ended = last.Flags&FlagLast != 0
	return cut
}

// End is the last sample that the recording speaks of.
func (ix *Index) End() int64 {
	var end int64
	for i := range ix.Parts {
		end = max(end, ix.Parts[i].First+int64(ix.Parts[i].Samples))
	}
	return end
}

// Reader opens single parts of a recording. It is used by one goroutine.
type Reader struct {
	src   io.ReaderAt
	index *Index
	aeads []cipher.AEAD
	buf   []byte
}

// NewReader makes a reader of what an index describes.
func NewReader(src io.ReaderAt, ix *Index, call Key) *Reader {
	r := &Reader{src: src, index: ix, buf: make([]byte, 0, maxPart)}
	for i := range ix.Epochs {
		k := ix.Epochs[i].key(call)
		r.aeads = append(r.aeads, k.aead())
		k.Zero()
	}
	return r
}

// Open appends what part i holds to dst. It gives nothing of a part in which
// any bit has changed, and ErrOpen.
func (r *Reader) Open(dst []byte, i int) ([]byte, error) {
	p := &r.index.Parts[i]
	buf := r.buf[:p.Size]
	if n, err := r.src.ReadAt(buf, p.Offset); n < len(buf) {
		return dst, fmt.Errorf("read part %d: %w", i, err)
	}
	e := &r.index.Epochs[p.epoch]
	nonce := nonceOf(&e.Header, p.seq, p.Flags)
	// The front is made from the index, not from what was just read: so it is
	// the index that is proved, even if the file changed in between.
	front := p.Part.appendTo(make([]byte, 0, 128), p.seq, p.Payload())
	aad := append(append(make([]byte, 0, 128), e.hash[:]...), front[4:]...)
	out, err := r.aeads[p.epoch].Open(dst, nonce[:], buf[p.front:], aad)
	if err != nil {
		return dst, fmt.Errorf("open part %d: %w", i, ErrOpen)
	}
	return out, nil
}
