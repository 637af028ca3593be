package rtpio

import (
	"fmt"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/ivrd/ivrd/media"
)

// replayWindow is how many packets back a repetition is recognised.
const replayWindow = 128

// Suites are the SDES suites that Connect takes, best first (RFC 4568 §6.2,
// RFC 7714 §14.2).
func Suites() []string {
	return []string{"AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"}
}

// KeyLength is the length of a suite's master key and salt together, in bytes.
func KeyLength(suite string) (int, error) {
	p, err := profile(suite)
	if err != nil {
		return 0, err
	}
	key, salt, err := keyLengths(p)
	return key + salt, err
}

func profile(suite string) (srtp.ProtectionProfile, error) {
	switch suite {
	case "AEAD_AES_256_GCM":
		return srtp.ProtectionProfileAeadAes256Gcm, nil
	case "AEAD_AES_128_GCM":
		return srtp.ProtectionProfileAeadAes128Gcm, nil
	case "AES_CM_128_HMAC_SHA1_80":
		return srtp.ProtectionProfileAes128CmHmacSha1_80, nil
	case "AES_CM_128_HMAC_SHA1_32":
		return srtp.ProtectionProfileAes128CmHmacSha1_32, nil
	default:
		return 0, fmt.Errorf("secure RTP: unknown suite %q", suite)
	}
}

func keyLengths(p srtp.ProtectionProfile) (key, salt int, err error) {
	if key, err = p.KeyLen(); err != nil {
		return 0, 0, err
	}
	salt, err = p.SaltLen()
	return key, salt, err
}

// cryptor is one direction of SRTP and SRTCP. It must be used by one goroutine
// at a time.
type cryptor struct {
	ctx    *srtp.Context
	header rtp.Header // kept so that it is not allocated for each packet
}

func newCryptor(suite string, secret []byte) (*cryptor, error) {
	p, err := profile(suite)
	if err != nil {
		return nil, err
	}
	key, salt, err := keyLengths(p)
	if err != nil {
		return nil, fmt.Errorf("secure RTP: %w", err)
	}
	if len(secret) != key+salt {
		return nil, fmt.Errorf("secure RTP: %s wants %d bytes of key and salt, got %d", suite, key+salt, len(secret))
	}
	ctx, err := srtp.CreateContext(secret[:key], secret[key:], p,
		srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return nil, fmt.Errorf("secure RTP: %w", err)
	}
	return &cryptor{ctx: ctx}, nil
}

// newCryptors makes both directions; nil keys make none.
func newCryptors(k *media.SRTPKeys) (send, receive *cryptor, err error) {
	if k == nil {
		return nil, nil, nil
	}
	if send, err = newCryptor(k.Suite, k.Send); err != nil {
		return nil, nil, err
	}
	receive, err = newCryptor(k.Suite, k.Receive)
	return send, receive, err
}

func (c *cryptor) seal(dst, packet []byte) ([]byte, error) {
	return c.ctx.EncryptRTP(dst, packet, &c.header)
}

func (c *cryptor) open(dst, packet []byte) ([]byte, error) {
	return c.ctx.DecryptRTP(dst, packet, &c.header)
}

func (c *cryptor) sealRTCP(dst, packet []byte) ([]byte, error) {
	return c.ctx.EncryptRTCP(dst, packet, nil)
}

func (c *cryptor) openRTCP(dst, packet []byte) ([]byte, error) {
	return c.ctx.DecryptRTCP(dst, packet, nil)
}
