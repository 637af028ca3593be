package seal

import (
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
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
