package rtc

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/pion/dtls/v3"

	"github.com/ivrd/ivrd/media"
)

// handshakePackets wait for the handshake; it repeats what is lost.
const handshakePackets = 32

// profile is a protection of SRTP.
type profile struct {
	id        dtls.SRTPProtectionProfile
	suite     string // its name as SDES has it, which media/rtpio knows
	key, salt int    // bytes (RFC 5764 §4.1.2, RFC 7714 §14.2)
}

// profiles, best first: the first costs least where AES has its own instructions.
//
//nolint:gochecknoglobals // a constant
var profiles = []profile{
	{dtls.SRTP_AEAD_AES_128_GCM, "AEAD_AES_128_GCM", 16, 12},
	{dtls.SRTP_AEAD_AES_256_GCM, "AEAD_AES_256_GCM", 32, 12},
	{dtls.SRTP_AES128_CM_HMAC_SHA1_80, "AES_CM_128_HMAC_SHA1_80", 16, 14},
}

var errFingerprint = errors.New("certificate is not the one that was signalled")

// shaker does one DTLS handshake (RFC 5763 §5) over a packets and derives the
// keys of SRTP.
type shaker struct {
	secure *dtls.Conn
	client bool
}

// newShaker prepares a handshake with the owner of a certificate. Nothing is
// sent before shake.
func newShaker(own *Identity, path *packets, peer string, client bool) (*shaker, error) {
	var offered []dtls.SRTPProtectionProfile
	for _, p := range profiles {
		offered = append(offered, p.id)
	}
	common := []dtls.Option{
		dtls.WithCertificates(own.certificate), dtls.WithSRTPProtectionProfiles(offered...),
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret), dtls.WithInsecureSkipVerify(true), // the fingerprint is the proof
		dtls.WithVerifyPeerCertificate(mustBe(peer)), dtls.WithLoggerFactory(quiet{}), dtls.WithFlightInterval(100 * time.Millisecond),
	}
	secure, err := newConn(path, client, common)
	if err != nil {
		return nil, failure(media.FailedKeys, err)
	}
	return &shaker{secure: secure, client: client}, nil
}

// mustBe checks a certificate against its fingerprint.
func mustBe(want string) func([][]byte, [][]*x509.Certificate) error {
	return func(raw [][]byte, _ [][]*x509.Certificate) error {
		if len(raw) == 0 {
			return errFingerprint
		}
		if hash, err := fingerprintOf(raw[0]); err != nil || hash != want {
			return errFingerprint
		}
		return nil
	}
}

func newConn(conn net.PacketConn, client bool, common []dtls.Option) (*dtls.Conn, error) {
	to := net.UDPAddrFromAddrPort(Peer)
	if client {
		var options []dtls.ClientOption
		for _, o := range common {
			options = append(options, o)
		}
		return dtls.ClientWithOptions(conn, to, options...)
	}
	options := []dtls.ServerOption{dtls.WithClientAuth(dtls.RequireAnyClientCert)}
	for _, o := range common {
		options = append(options, o)
	}
	return dtls.ServerWithOptions(conn, to, options...)
}

func (s *shaker) shake(ctx context.Context) (*media.SRTPKeys, error) {
	switch err := s.secure.HandshakeContext(ctx); {
	case errors.Is(err, errFingerprint):
		return nil, failure(media.FailedFingerprint, err)
	case err != nil:
		return nil, failure(media.FailedKeys, err)
	}
	return s.keys()
}

func (s *shaker) keys() (*media.SRTPKeys, error) {
	agreed, ok := s.secure.SelectedSRTPProtectionProfile()
	state, known := s.secure.ConnectionState()
	at := slices.IndexFunc(profiles, func(p profile) bool { return p.id == agreed })
	if !ok || !known || at < 0 {
		return nil, failure(media.FailedKeys, errors.New("no SRTP profile was agreed"))
	}
	p := profiles[at]
	material, err := state.ExportKeyingMaterial("EXTRACTOR-dtls_srtp", nil, 2*(p.key+p.salt))
	if err != nil {
		return nil, failure(media.FailedKeys, err)
	}
	// client's key, server's key, client's salt, server's salt (RFC 5764 §4.2)
	keys, salts := material[:2*p.key], material[2*p.key:]
	of := func(n int) []byte {
		return slices.Concat(keys[n*p.key:(n+1)*p.key], salts[n*p.salt:(n+1)*p.salt])
	}
	k := &media.SRTPKeys{Suite: p.suite, Send: of(1), Receive: of(0)}
	if s.client {
		k.Send, k.Receive = k.Receive, k.Send
	}
	return k, nil
}

// read waits for the peer's goodbye: nobody sends data.
func (s *shaker) read() {
	buf := make([]byte, 2048)
	for {
		if _, err := s.secure.Read(buf); err != nil {
			return
		}
	}
}

// packets is the handshake's side of a path: a net.PacketConn that gets what
// somebody else has read.
type packets struct {
	in     chan []byte
	closed <-chan struct{}
	write  func([]byte) error
	local  netip.AddrPort

	mu       sync.Mutex
	deadline time.Time
	limit    chan struct{} // closed when the deadline has changed
}

func newPackets(closed <-chan struct{}, local netip.AddrPort, write func([]byte) error) *packets {
	return &packets{in: make(chan []byte, handshakePackets), closed: closed, local: local, write: write, limit: make(chan struct{})}
}

// take keeps a copy of a packet, or drops it: the handshake repeats it.
func (p *packets) take(b []byte) {
	if len(p.in) == cap(p.in) {
		return
	}
	select {
	case p.in <- append([]byte(nil), b...):
	default:
	}
}

func (p *packets) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		wait, changed := p.due()
		select {
		case packet := <-p.in:
			return copy(b, packet), net.UDPAddrFromAddrPort(Peer), nil
		case <-p.closed:
			return 0, nil, net.ErrClosed
		case <-wait:
			return 0, nil, os.ErrDeadlineExceeded
		case <-changed:
		}
	}
}

// due is when the deadline passes, and that it was changed.
func (p *packets) due() (<-chan time.Time, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deadline.IsZero() {
		return nil, p.limit
	}
	return time.After(time.Until(p.deadline)), p.limit
}

func (p *packets) SetReadDeadline(at time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = at
	close(p.limit)
	p.limit = make(chan struct{})
	return nil
}

func (p *packets) WriteTo(b []byte, _ net.Addr) (int, error) { return len(b), p.write(b) }
func (p *packets) SetWriteDeadline(time.Time) error          { return nil }
func (p *packets) SetDeadline(at time.Time) error            { return p.SetReadDeadline(at) }
func (p *packets) LocalAddr() net.Addr                       { return net.UDPAddrFromAddrPort(p.local) }
func (p *packets) Close() error                              { return nil } // the path is somebody else's
