// Package seal is the only home of ciphers in ivrd: keys and their wrapping,
// sealed fields, the sealed recording file and hash chains. Every format
// carries a version, and its vectors are committed in testdata.
//
// The key chain, outermost first:
//
//	root (key file, later Vault, KMS, PKCS#11)     KeyWrapper, versioned
//	└─ KEK per purpose                             HKDF of the root
//	   └─ subject key, one per data subject        random, stored wrapped
//	      └─ call key, one per call                random, stored wrapped
//	         └─ epoch key                          HKDF with a salt per epoch
//
// Destroying a subject key makes everything of that person unreadable.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// KeySize is the length of every key, in bytes (AES-256).
const KeySize = 32

// ErrOpen says that sealed data is not what was sealed under this key and
// place: changed, moved, or of another key. The cipher does not tell which.
var ErrOpen = errors.New("sealed data does not open")

// Key is a 256-bit secret. It cannot be printed, logged or marshalled.
type Key struct{ b [KeySize]byte }

// NewKey draws a random key.
func NewKey() Key {
	var k Key
	_, _ = rand.Read(k.b[:]) // never fails (crypto/rand)
	return k
}

// Zero forgets the key.
func (k *Key) Zero() { clear(k.b[:]) }

// Format prints a placeholder for every verb.
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[key]") }

// MarshalText gives the placeholder, so that JSON and YAML cannot hold a key.
func (Key) MarshalText() ([]byte, error) { return []byte("[key]"), nil }

// derive makes a sub-key by HKDF-SHA256 (RFC 5869).
func (k *Key) derive(salt []byte, info string) Key {
	out, err := hkdf.Key(sha256.New, k.b[:], salt, info, KeySize)
	if err != nil {
		panic("derive key: " + err.Error()) // only for an impossible length
	}
	var d Key
	copy(d.b[:], out)
	clear(out)
	return d
}

// aead is AES-256-GCM with 96-bit nonces.
func (k *Key) aead() cipher.AEAD {
	block, err := aes.NewCipher(k.b[:])
	if err != nil {
		panic("make cipher: " + err.Error()) // only for a wrong key size
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic("make GCM: " + err.Error())
	}
	return gcm
}

// sealRandom seals under a random nonce, which stands in front of the result.
// A key may be used so 2^32 times at most (NIST SP 800-38D §8.3).
func (k *Key) sealRandom(dst, plaintext, aad []byte) []byte {
	var nonce [nonceSize]byte
	_, _ = rand.Read(nonce[:])
	dst = append(dst, nonce[:]...)
	return k.aead().Seal(dst, nonce[:], plaintext, aad)
}

func (k *Key) openRandom(sealed, aad []byte) ([]byte, error) {
	if len(sealed) < nonceSize+tagSize {
		return nil, fmt.Errorf("%w: too short", ErrOpen)
	}
	plaintext, err := k.aead().Open(nil, sealed[:nonceSize], sealed[nonceSize:], aad)
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}

const (
	nonceSize = 12
	tagSize   = 16
)

// callWrapInfo binds a call key to its call (see the package's key chain).
const callWrapInfo = "wrap|"

// WrapUnder wraps a key of the given ID under its parent key.
func WrapUnder(parent Key, id string, k Key) []byte {
	wk := parent.derive(nil, callWrapInfo+id)
	defer wk.Zero()
	return wk.sealRandom(nil, k.b[:], []byte("ivrd/wrap-under/v1|"+id))
}

// UnwrapUnder is the reverse of WrapUnder.
func UnwrapUnder(parent Key, id string, wrapped []byte) (Key, error) {
	wk := parent.derive(nil, callWrapInfo+id)
	defer wk.Zero()
	return keyOf(wk.openRandom(wrapped, []byte("ivrd/wrap-under/v1|"+id)))
}

func keyOf(plaintext []byte, err error) (Key, error) {
	if err != nil {
		return Key{}, fmt.Errorf("unwrap key: %w", err)
	}
	defer clear(plaintext)
	if len(plaintext) != KeySize {
		return Key{}, fmt.Errorf("unwrap key: %w: wrong length", ErrOpen)
	}
	var k Key
	copy(k.b[:], plaintext)
	return k, nil
}
