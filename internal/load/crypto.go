package load

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	prtp "github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// profiles are the SDES suites that can be offered (RFC 4568 §6.2, RFC 7714 §14.2).
func profiles() map[string]srtp.ProtectionProfile {
	return map[string]srtp.ProtectionProfile{
		"AES_CM_128_HMAC_SHA1_80": srtp.ProtectionProfileAes128CmHmacSha1_80,
		"AEAD_AES_128_GCM":        srtp.ProtectionProfileAeadAes128Gcm,
		"AEAD_AES_256_GCM":        srtp.ProtectionProfileAeadAes256Gcm,
	}
}

// Suites are the names that Options.SRTP takes.
func Suites() []string {
	return []string{"AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM", "AEAD_AES_256_GCM"}
}

// keyLengths are those of a suite's master key and salt, in bytes.
func keyLengths(suite string) (key, salt int, err error) {
	p, ok := profiles()[suite]
	if !ok {
		return 0, 0, fmt.Errorf("secure RTP: unknown suite %q (hint: %s)", suite, strings.Join(Suites(), ", "))
	}
	if key, err = p.KeyLen(); err != nil {
		return 0, 0, err
	}
	salt, err = p.SaltLen()
	return key, salt, err
}

// newKey makes a master key and salt.
func newKey(suite string) ([]byte, error) {
	key, salt, err := keyLengths(suite)
	if err != nil {
		return nil, err
	}
	secret := make([]byte, key+salt)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	return secret, nil
}

// cryptor is both directions of a leg's SRTP.
type cryptor struct {
	suite   string
	out, in *srtp.Context
	header  prtp.Header // kept so that it is not allocated for each packet
	room    []byte
}

// newCryptor makes both directions. The room is shared by all of a thread.
func newCryptor(suite string, ours, theirs, room []byte) (*cryptor, error) {
	c := &cryptor{suite: suite, room: room}
	var err error
	if c.out, err = newContext(suite, ours); err != nil {
		return nil, err
	}
	c.in, err = newContext(suite, theirs)
	return c, err
}

func newContext(suite string, secret []byte) (*srtp.Context, error) {
	key, salt, err := keyLengths(suite)
	if err != nil {
		return nil, err
	}
	if len(secret) != key+salt {
		return nil, fmt.Errorf("secure RTP: %s wants %d bytes of key and salt, got %d", suite, key+salt, len(secret))
	}
	return srtp.CreateContext(secret[:key], secret[key:], profiles()[suite])
}

// seal encrypts the first n bytes of b in their place, which must have room for
// what is added, and returns the new length; 0 when it fails.
func (c *cryptor) seal(b []byte, n int) int {
	out, err := c.out.EncryptRTP(c.room[:0], b[:n], &c.header)
	if err != nil {
		return 0
	}
	return copy(b, out)
}

// open decrypts a packet; what it returns is valid until the next call.
func (c *cryptor) open(b []byte) ([]byte, bool) {
	out, err := c.in.DecryptRTP(c.room[:0], b, &c.header)
	return out, err == nil
}

// cryptoLine is one a=crypto of SDP (RFC 4568 §9.1).
type cryptoLine struct {
	tag   string
	suite string
	key   []byte
}

func (c cryptoLine) String() string {
	return c.tag + " " + c.suite + " inline:" + base64.StdEncoding.EncodeToString(c.key)
}

// parseCrypto reads a line whose suite we know.
func parseCrypto(s string) (cryptoLine, bool) {
	f := strings.Fields(s)
	if len(f) < 3 || !slices.Contains(Suites(), f[1]) {
		return cryptoLine{}, false
	}
	inline, ok := strings.CutPrefix(f[2], "inline:")
	inline, _, _ = strings.Cut(inline, "|")
	key, err := base64.StdEncoding.DecodeString(inline)
	return cryptoLine{f[0], f[1], key}, ok && err == nil
}
