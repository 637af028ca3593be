package rtc

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"sync"

	"github.com/pion/dtls/v3/pkg/crypto/fingerprint"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
)

// Identity is the certificate by which a process is known in handshakes. It lives
// as long as the process: what vouches for it is the signalling (RFC 5763 §5).
type Identity struct {
	certificate tls.Certificate
	fingerprint string
	running     sync.WaitGroup // phones' handshakes, until they have said goodbye
}

// Wait waits for the end of the phones' handshakes, all of which have been closed.
func (i *Identity) Wait() { i.running.Wait() }

// NewIdentity makes a certificate of a P-256 key.
func NewIdentity() (*Identity, error) {
	certificate, err := selfsign.GenerateSelfSigned()
	if err != nil {
		return nil, fmt.Errorf("make DTLS certificate: %w", err)
	}
	hash, err := fingerprintOf(certificate.Certificate[0])
	if err != nil {
		return nil, err
	}
	return &Identity{certificate: certificate, fingerprint: hash}, nil
}

// fingerprintOf is SHA-256 in upper-case hex with colons (RFC 8122 §5).
func fingerprintOf(der []byte) (string, error) {
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return "", fmt.Errorf("read DTLS certificate: %w", err)
	}
	hash, err := fingerprint.Fingerprint(parsed, crypto.SHA256)
	return strings.ToUpper(hash), err
}
