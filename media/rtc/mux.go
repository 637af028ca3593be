// Package rtc is the browser's end of the media: ICE (RFC 8445), DTLS-SRTP
// (RFC 5764) and one UDP port for all. It finds the way, shakes hands and hands
// over keys; the sound itself is the endpoint's of media/rtpio, as on every other leg.
package rtc

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/pion/dtls/v3/pkg/crypto/fingerprint"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	"github.com/pion/ice/v4"
	"github.com/pion/logging"

	"github.com/ivrd/ivrd/media"
)

// Config is where browsers send their sound.
type Config struct {
	// Listen is the one UDP address; port 0 means any free one.
	Listen netip.AddrPort
	// Advertise is the public address behind address translation; zero means
	// the bound one, or those of all interfaces.
	Advertise netip.Addr
	Log       *slog.Logger
}

// Mux is the one UDP port of all browsers.
type Mux struct {
	config      Config
	conn        *net.UDPConn
	ice         *ice.UDPMuxDefault
	certificate tls.Certificate
	fingerprint string
	closing     sync.WaitGroup // transports that say goodbye
}

// receiveBuffer holds the packets of all browsers while the reader is not run:
// 1 MiB is 100 ms of 1,000 calls.
const receiveBuffer = 1 << 20

// Listen binds the port and makes the certificate of this process.
func Listen(c Config) (*Mux, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	certificate, err := selfsign.GenerateSelfSigned()
	if err != nil {
		return nil, fmt.Errorf("make DTLS certificate: %w", err)
	}
	print, err := fingerprintOf(certificate.Certificate[0])
	if err != nil {
		return nil, err
	}
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(c.Listen))
	if err != nil {
		return nil, fmt.Errorf("listen for browsers' media: %w (hint: set media.web_port)", err)
	}
	_ = conn.SetReadBuffer(receiveBuffer) // the system may give less
	return &Mux{
		config: c, conn: conn, certificate: certificate, fingerprint: print,
		ice: ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: conn, Logger: quiet{}.NewLogger("")}),
	}, nil
}

func fingerprintOf(der []byte) (string, error) {
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return "", fmt.Errorf("read DTLS certificate: %w", err)
	}
	print, err := fingerprint.Fingerprint(parsed, crypto.SHA256)
	return strings.ToUpper(print), err
}

// Addr is where the port is bound.
func (m *Mux) Addr() netip.AddrPort {
	a := m.conn.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// Close closes the port and waits for the transports that are closing.
func (m *Mux) Close() error {
	m.closing.Wait()
	err := errors.Join(m.ice.Close(), m.conn.Close())
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
		err = nil
	}
	return err
}

// candidates are the addresses that a browser is told.
func (m *Mux) candidates() []netip.AddrPort {
	own := m.Addr()
	switch {
	case m.config.Advertise.IsValid():
		return []netip.AddrPort{netip.AddrPortFrom(m.config.Advertise, own.Port())}
	case !own.Addr().IsUnspecified():
		return []netip.AddrPort{own}
	}
	var out []netip.AddrPort
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().IsGlobalUnicast() {
			out = append(out, netip.AddrPortFrom(p.Addr().Unmap(), own.Port()))
		}
	}
	slices.SortStableFunc(out, func(a, b netip.AddrPort) int { return len(a.Addr().AsSlice()) - len(b.Addr().AsSlice()) })
	return out
}

// mayCheck keeps connectivity checks, whose targets a peer names, away from
// crowds and from nobody.
func mayCheck(a netip.AddrPort) bool {
	ip := a.Addr()
	return ip.IsValid() && a.Port() != 0 && !ip.IsMulticast() && !ip.IsUnspecified() && ip != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// maxCandidates of one description; a browser has a few for each interface.
const maxCandidates = 24

func remoteCandidates(all []netip.AddrPort) []ice.Candidate {
	var out []ice.Candidate
	for _, a := range all[:min(len(all), maxCandidates)] {
		if !mayCheck(a) {
			continue
		}
		c, err := ice.NewCandidateHost(&ice.CandidateHostConfig{Network: "udp", Address: a.Addr().String(), Port: int(a.Port()), Component: ice.ComponentRTP})
		if err == nil {
			out = append(out, c)
		}
	}
	return out
}

// quiet drops what the libraries log: it holds addresses, and what matters
// comes back as errors.
type quiet struct{}

var _ logging.LoggerFactory = quiet{}

func (quiet) NewLogger(string) logging.LeveledLogger { return quietLog{} }

type quietLog struct{}

func (quietLog) Trace(string)          {}
func (quietLog) Tracef(string, ...any) {}
func (quietLog) Debug(string)          {}
func (quietLog) Debugf(string, ...any) {}
func (quietLog) Info(string)           {}
func (quietLog) Infof(string, ...any)  {}
func (quietLog) Warn(string)           {}
func (quietLog) Warnf(string, ...any)  {}
func (quietLog) Error(string)          {}
func (quietLog) Errorf(string, ...any) {}

// failure tells which step of a browser's media has failed.
func failure(f media.Failure, err error) error { return &Error{Failure: f, Err: err} }

// Error is why a browser's media did not come up, or has gone.
type Error struct {
	Failure media.Failure
	Err     error
}

func (e *Error) Error() string { return "browser's media: " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }
