package seal

import (
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// Sealer seals the parts of one epoch, in order. It is used by one goroutine.
type Sealer struct {
	// Observe, when set, sees the salt of the key and the nonce before each
	// use. Tests prove by it that no pair is used twice.
	Observe func(salt [saltSize]byte, nonce [nonceSize]byte)

	header Header
	hash   Hash // of the header
	aead   cipher.AEAD
	seq    uint32
	parts  int
	chain  Hash
	ended  bool
	aad    []byte
}

// NewSealer begins a recording and returns the bytes to write first.
func NewSealer(call Key, h Header) (*Sealer, []byte, error) {
	h.Epoch, h.previous = 0, Hash{}
	return startEpoch(call, h, 0)
}

// startEpoch draws salt and prefix and makes the epoch's header; parts is how
// many the file holds already.
func startEpoch(call Key, h Header, parts int) (*Sealer, []byte, error) {
	h.draw()
	return openEpoch(call, h, parts)
}

func openEpoch(call Key, h Header, parts int) (*Sealer, []byte, error) {
	b, err := h.marshal()
	if err != nil {
		return nil, nil, err
	}
	k := h.key(call)
	defer k.Zero()
	s := &Sealer{
		header: h, hash: sha256.Sum256(b), aead: k.aead(), parts: parts,
		chain: chainOver(chainHeader, h.previous, b), aad: make([]byte, 0, 512),
	}
	return s, b, nil
}

// Parts is how many parts the recording holds, those of earlier epochs too.
func (s *Sealer) Parts() int { return s.parts }

// Chain is the head of the chain after the last part.
func (s *Sealer) Chain() Hash { return s.chain }

var errEnded = errors.New("seal part: the recording is closed")

// Seal appends a sealed part to dst. FlagLast closes the recording.
func (s *Sealer) Seal(dst []byte, p Part, payload []byte) ([]byte, error) {
	if s.ended || s.seq == math.MaxUint32 {
		return dst, errEnded
	}
	if err := p.check(len(payload)); err != nil {
		return dst, fmt.Errorf("seal part %d: %w", s.parts, err)
	}
	start := len(dst)
	dst = p.appendTo(dst, s.seq, len(payload))
	front := len(dst)
	nonce := nonceOf(&s.header, s.seq, p.Flags)
	if s.Observe != nil {
		s.Observe(s.header.salt, nonce)
	}
	s.aad = append(append(s.aad[:0], s.hash[:]...), dst[start+4:front]...)
	dst = s.aead.Seal(dst, nonce[:], payload, s.aad)
	s.chain = chainOver(chainPart, s.chain, dst[start:front], dst[len(dst)-tagSize:])
	s.seq++
	s.parts++
	s.ended = p.Flags&FlagLast != 0
	return dst, nil
}

func nonceOf(h *Header, seq uint32, flags uint8) (nonce [nonceSize]byte) {
	copy(nonce[:], h.prefix[:])
	binary.BigEndian.PutUint32(nonce[prefixSize:], seq)
	nonce[nonceSize-1] = flags & FlagLast
	return nonce
}

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

// Recovery closes an open recording.
type Recovery struct {
	Call Key
	// Header is used where the file has none. Its Call must be the call's ID.
	Header Header
	// Observe is as in Sealer.
	Observe func(salt [saltSize]byte, nonce [nonceSize]byte)
}

// Repair makes the repair. What follows the last part that opens is the torn
// tail and is cut; a part that does not open before it is left in place, as
// evidence. The closing part stands under a new epoch, since the lost tail may
// have used any nonce of the old one. It fails with ErrDamaged.
func (v Recovery) Repair(src io.ReaderAt, size int64) (Repair, error) {
	ix, scanErr := Scan(src, size, v.Header.Call)
	good := lastGood(NewReader(src, ix, v.Call))
	kept := ix.upTo(good)
	r := Repair{Cut: kept.Size, Parts: len(kept.Parts), Chain: kept.Chain, End: kept.End()}
	if size-kept.Size > maxTorn || good == 0 && len(ix.Parts) > 0 || errors.Is(scanErr, errCall) {
		return r, ErrDamaged
	}
	if kept.Ended {
		return r, nil
	}
	return r, v.close(&r, kept)
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
