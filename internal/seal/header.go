package seal

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The sealed recording, version 1. All numbers are big-endian.
//
//	file   = epoch, epoch…
//	epoch  = header, part, part…
//	header = "IVRR" version(1) algorithm(1) length(2)
//	         epoch(4) started(8, Unix ms) rate(4, Hz)
//	         tracks(1) { track(1) channel(1) }…
//	         call(1+n) key(1+n) previous(32) salt(32) prefix(7)
//	part   = length(4) sequence(4) flags(1) track(1) codec(1) gaps(1)
//	         first(8) samples(4) { from(2) to(2) cause(1) }…
//	         ciphertext tag(16)
//
// length of a header counts all of it, length of a part what follows it.
// A new epoch begins only after a crash or a failed write: a sequence number
// whose part may have been lost is never used again under the same key.
//
// Epoch key = HKDF-SHA256(call key, salt, "ivrd/rec/v1" || call || epoch);
// nonce = prefix || sequence || last (the STREAM layout: Hoang, Reyhanitabar,
// Rogaway, Vizár, CRYPTO 2015); additional data = SHA-256(header) || part from
// sequence to the last gap.
//
// The chain runs over the whole file: at a header SHA-256(1 || chain ||
// header), at a part SHA-256(2 || chain || part without ciphertext); it starts
// from zeros, and a header's previous must equal the chain before it.
const (
	magic          = "IVRR"
	formatVersion  = 1
	algAESGCM      = 1
	saltSize       = 32
	prefixSize     = 7
	headerFixed    = 8
	maxHeader      = 1024
	maxTracks      = 16
	epochInfo      = "ivrd/rec/v1"
	chainHeader    = 1
	chainPart      = 2
	headerTailSize = sha256.Size + saltSize + prefixSize
)

// TrackChannel says where a track is heard: 0 left, 1 right, 2 neither.
type TrackChannel struct{ Track, Channel uint8 }

// Header opens an epoch of a recording.
type Header struct {
	Call    string // the call's ID
	Key     string // the ID of the call key
	Epoch   uint32
	Started int64 // Unix ms of sample 0
	Rate    uint32
	Tracks  []TrackChannel

	previous Hash
	salt     [saltSize]byte
	prefix   [prefixSize]byte
}

// Salt identifies the epoch's key.
func (h *Header) Salt() [saltSize]byte { return h.salt }

func (h *Header) draw() {
	_, _ = rand.Read(h.salt[:])
	_, _ = rand.Read(h.prefix[:])
}

func (h *Header) key(call Key) Key {
	info := appendStrings([]byte(epochInfo), h.Call)
	info = binary.BigEndian.AppendUint32(info, h.Epoch)
	return call.derive(h.salt[:], string(info))
}

func (h *Header) marshal() ([]byte, error) {
	if len(h.Call) > 255 || len(h.Key) > 255 || len(h.Tracks) > maxTracks {
		return nil, errors.New("make header: a field is too long")
	}
	b := append(make([]byte, 0, 256), magic...)
	b = append(b, formatVersion, algAESGCM, 0, 0)
	b = binary.BigEndian.AppendUint32(b, h.Epoch)
	b = binary.BigEndian.AppendUint64(b, uint64(h.Started))
	b = binary.BigEndian.AppendUint32(b, h.Rate)
	b = append(b, byte(len(h.Tracks)))
	for _, t := range h.Tracks {
		b = append(b, t.Track, t.Channel)
	}
	for _, s := range []string{h.Call, h.Key} {
		b = append(append(b, byte(len(s))), s...)
	}
	b = append(b, h.previous[:]...)
	b = append(b, h.salt[:]...)
	b = append(b, h.prefix[:]...)
	binary.BigEndian.PutUint16(b[6:], uint16(len(b)))
	return b, nil
}

var errHeader = errors.New("header is not well formed")

// headerLength reads how long the header is that begins with b.
func headerLength(b []byte) (int, error) {
	if len(b) < headerFixed || string(b[:4]) != magic {
		return 0, errHeader
	}
	if b[4] != formatVersion || b[5] != algAESGCM {
		return 0, fmt.Errorf("header has version %d and algorithm %d, which are unknown", b[4], b[5])
	}
	n := int(binary.BigEndian.Uint16(b[6:]))
	if n < headerFixed+headerTailSize || n > maxHeader {
		return 0, errHeader
	}
	return n, nil
}

// parseHeader reads exactly one header. Only the one encoding that marshal
// gives is accepted.
func parseHeader(b []byte) (Header, error) {
	var h Header
	r := bytes.NewReader(b[headerFixed:])
	tracks := uint8(0)
	for _, v := range []any{&h.Epoch, &h.Started, &h.Rate, &tracks} {
		if err := binary.Read(r, binary.BigEndian, v); err != nil {
			return h, errHeader
		}
	}
	if tracks > maxTracks {
		return h, errHeader
	}
	h.Tracks = make([]TrackChannel, tracks)
	if err := binary.Read(r, binary.BigEndian, h.Tracks); err != nil {
		return h, errHeader
	}
	for _, s := range []*string{&h.Call, &h.Key} {
		if err := readString(r, s); err != nil {
			return h, errHeader
		}
	}
	for _, f := range [][]byte{h.previous[:], h.salt[:], h.prefix[:]} {
		if _, err := io.ReadFull(r, f); err != nil {
			return h, errHeader
		}
	}
	if again, err := h.marshal(); err != nil || !bytes.Equal(again, b) {
		return h, errHeader
	}
	return h, nil
}

func readString(r *bytes.Reader, s *string) error {
	n, err := r.ReadByte()
	if err != nil {
		return err
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return err
	}
	*s = string(b)
	return nil
}

func chainOver(kind byte, chain Hash, pieces ...[]byte) Hash {
	h := sha256.New()
	h.Write([]byte{kind})
	h.Write(chain[:])
	for _, p := range pieces {
		h.Write(p)
	}
	var out Hash
	h.Sum(out[:0])
	return out
}
