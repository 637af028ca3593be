package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// Hash is a SHA-256 value.
type Hash = [sha256.Size]byte

// appendStrings encodes strings so that no two lists give the same bytes:
// each as its length in four bytes, then itself.
func appendStrings(dst []byte, list ...string) []byte {
	for _, s := range list {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(s)))
		dst = append(dst, s...)
	}
	return dst
}

// Canonical builds the one encoding of a record that is hashed: every value
// has its length or a fixed size. The zero value is ready for use.
type Canonical struct{ b []byte }

// Text adds strings.
func (c *Canonical) Text(list ...string) *Canonical {
	c.b = appendStrings(c.b, list...)
	return c
}

// Int adds numbers.
func (c *Canonical) Int(list ...int64) *Canonical {
	for _, v := range list {
		c.b = binary.BigEndian.AppendUint64(c.b, uint64(v))
	}
	return c
}

// Data adds byte strings.
func (c *Canonical) Data(list ...[]byte) *Canonical {
	for _, v := range list {
		c.b = binary.BigEndian.AppendUint32(c.b, uint32(len(v)))
		c.b = append(c.b, v...)
	}
	return c
}

// Leaf is the hash of one entry of a chain: SHA-256(0x00 || encoding), the
// leaf hash of RFC 6962 §2.1. The entry's encoding holds the previous hash.
func (c *Canonical) Leaf() Hash {
	h := sha256.New()
	h.Write([]byte{0x00})
	h.Write(c.b)
	return Hash(h.Sum(nil))
}

// MAC is HMAC-SHA256 over the encoding.
func (c *Canonical) MAC(k Key) Hash {
	h := hmac.New(sha256.New, k.b[:])
	h.Write(c.b)
	return Hash(h.Sum(nil))
}

// Equal compares MACs in constant time.
func Equal(a, b []byte) bool { return hmac.Equal(a, b) }

// BlindIndex is a keyed hash of a normalised value, cut to 64 bits, by which
// equal values can be found without being readable. It tells who has the
// database which rows are equal and how often.
func BlindIndex(k Key, field, normalised string) []byte {
	m := new(Canonical).Text("ivrd/index/v1", field, normalised).MAC(k)
	return m[:8]
}
