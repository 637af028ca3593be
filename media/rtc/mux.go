// Package rtc is the browser's end of the media: ICE (RFC 8445), DTLS-SRTP
// (RFC 5764) and one UDP port for all; and the handshake of phones, which have
// DTLS-SRTP without ICE (RFC 5763). It finds the way, shakes hands and hands
// over keys; the sound itself is the endpoint's of media/rtpio, as on every other leg.
package rtc

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/rtpio"
)

// Config is where browsers send their sound.
type Config struct {
	// Listen is the one UDP address; port 0 means any free one.
	Listen netip.AddrPort
	// Advertise is the public address behind address translation; zero means
	// the bound one, or those of all interfaces.
	Advertise netip.Addr
	// Network is where the port is; nil means the machine's, rtpio.System.
	Network rtpio.Network
}

// Mux is the one UDP port of all browsers. It is read by the ticks of their legs,
// where the network lets it be looked at (rtpio.SharedNetwork), else by a goroutine.
type Mux struct {
	config   Config
	conn     rtpio.Conn
	shared   rtpio.SharedConn // conn, unless a goroutine waits on it
	aside    *aside
	ice      onePort
	identity *Identity
	own      []netip.Addr
	closing  sync.WaitGroup // transports that say goodbye

	reader  sync.WaitGroup // the goroutine
	done    chan struct{}
	close   sync.Once
	more    chan struct{} // wakes it
	seeking atomic.Int32  // ways that are sought
	epoch   time.Time
	looked  atomic.Int64 // when a tick last looked at the port, ns since the epoch

	reading sync.Mutex
	room    [readBuffer]byte // for the packet at hand; guarded by reading

	mu    sync.RWMutex
	peers map[netip.AddrPort]*Transport // whose way leads there
}

// Identity is by which browsers know this process; phones may, too.
func (m *Mux) Identity() *Identity { return m.identity }

// receiveBuffer holds the packets of all browsers while the reader is not run:
// 1 MiB is 100 ms of 1,000 calls.
const receiveBuffer = 1 << 20

// Listen binds the port and makes the certificate of this process.
func Listen(c Config) (*Mux, error) {
	identity, err := NewIdentity()
	if err != nil {
		return nil, err
	}
	if c.Network == nil {
		c.Network = rtpio.System()
	}
	m := &Mux{
		config: c, identity: identity, peers: map[netip.AddrPort]*Transport{},
		done: make(chan struct{}), more: make(chan struct{}, 1), epoch: time.Now(),
	}
	if err := m.bind(); err != nil {
		return nil, fmt.Errorf("listen for browsers' media: %w (hint: set media.web_port)", err)
	}
	m.own = m.addresses()
	m.aside = newAside(m.conn)
	m.ice = onePort{ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: m.aside, Logger: quiet{}.NewLogger("")})}
	if m.shared != nil {
		m.reader.Go(m.attend)
	} else if conn, ok := m.conn.(rtpio.PacketConn); ok {
		m.reader.Go(func() { m.wait(conn) })
	}
	return m, nil
}

// bind opens the port. All of IPv4 is all of IPv6, too, where there is that.
func (m *Mux) bind() error {
	at := m.config.Listen
	if at.Addr() == netip.IPv4Unspecified() {
		if m.listen(netip.AddrPortFrom(netip.IPv6Unspecified(), at.Port())) == nil {
			return nil
		}
	}
	return m.listen(at)
}

func (m *Mux) listen(at netip.AddrPort) (err error) {
	if n, ok := m.config.Network.(rtpio.SharedNetwork); ok {
		if m.shared, err = n.ListenShared(at, receiveBuffer); err == nil {
			m.conn = m.shared
		}
		return err
	}
	conn, err := m.config.Network.Listen(at)
	if err != nil {
		return err
	}
	if c, ok := conn.(interface{ SetReadBuffer(bytes int) error }); ok {
		_ = c.SetReadBuffer(receiveBuffer) // the system may give less
	}
	m.conn = conn
	return nil
}

// onePort tells an agent of one address of each family. All lead to the same
// socket: a check for each would say the same to the peer, again and again.
type onePort struct{ *ice.UDPMuxDefault }

// GetListenAddresses implements ice.UDPMux.
func (p onePort) GetListenAddresses() []net.Addr {
	var four, six net.Addr
	for _, a := range p.UDPMuxDefault.GetListenAddresses() {
		u, ok := a.(*net.UDPAddr)
		if !ok {
			continue
		}
		to := &six
		if u.IP.To4() != nil {
			to = &four
		}
		if *to == nil || (*to).(*net.UDPAddr).IP.IsLoopback() {
			*to = a
		}
	}
	return slices.DeleteFunc([]net.Addr{four, six}, func(a net.Addr) bool { return a == nil })
}

// Addr is where the port is bound.
func (m *Mux) Addr() netip.AddrPort { return m.conn.LocalAddr() }

// Close closes the port and waits for the transports that are closing. It may be
// called twice.
func (m *Mux) Close() error {
	m.closing.Wait()
	m.close.Do(func() { close(m.done) })
	err := errors.Join(m.ice.Close(), m.conn.Close())
	m.reader.Wait()
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
	for _, a := range m.addresses() {
		if a.IsGlobalUnicast() {
			out = append(out, netip.AddrPortFrom(a, own.Port()))
		}
	}
	slices.SortStableFunc(out, func(a, b netip.AddrPort) int { return len(a.Addr().AsSlice()) - len(b.Addr().AsSlice()) })
	return out
}

// addresses that the port is reached at.
func (m *Mux) addresses() []netip.Addr {
	if own := m.Addr().Addr(); !own.IsUnspecified() {
		return []netip.Addr{own}
	}
	var out []netip.Addr
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if ip := p.Addr().Unmap(); err == nil && (ip.Is4() || m.Addr().Addr().Is6()) {
			out = append(out, ip)
		}
	}
	return out
}

// mayCheck keeps connectivity checks, whose targets a peer names, away from
// crowds, from nobody, from ourselves, and from where no browser of ours can be:
// loopback unless we are there, link-local, and private addresses when all of
// ours are public. A browser that is refused here still finds us by checks of
// its own.
func (m *Mux) mayCheck(a netip.AddrPort) bool {
	ip := a.Addr()
	switch {
	case !ip.IsValid(), a.Port() == 0, ip.IsMulticast(), ip.IsUnspecified(), ip.IsLinkLocalUnicast(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return false
	case ip.IsLoopback():
		return m.Addr().Addr().IsLoopback() && a.Port() != m.Addr().Port()
	case ip.IsPrivate() && m.public():
		return false
	}
	return a.Port() != m.Addr().Port() || !slices.Contains(m.own, ip) && ip != m.config.Advertise
}

// public reports whether no private network is connected to us.
func (m *Mux) public() bool {
	return slices.ContainsFunc(m.own, func(a netip.Addr) bool { return !a.IsLoopback() }) &&
		!slices.ContainsFunc(m.own, func(a netip.Addr) bool { return a.IsPrivate() })
}

// leads notes where a way leads, or with an invalid address that it leads
// nowhere any more.
func (m *Mux) leads(t *Transport, to netip.AddrPort) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.peers[t.peer] == t {
		delete(m.peers, t.peer)
	}
	select {
	case <-t.closed: // a late word of the agent
		return
	default:
	}
	if t.peer = to; to.IsValid() {
		m.peers[to] = t
		t.way.Store(&to)
	}
}

// taken reports whether an address is another browser's. The port gives each
// packet to the path that wrote to its source last: a check to that address,
// which anybody may name, would turn the other's sound away.
func (m *Mux) taken(t *Transport, a netip.AddrPort) bool {
	o := m.from(a)
	return o != nil && o != t
}

const (
	// maxCandidates of one description; a browser has a few for each interface.
	maxCandidates = 24
	// maxChecked are those of one path in its life, over all restarts: each is
	// worth some packets to whoever it names.
	maxChecked = 10 * maxCandidates
)

func candidateOf(a netip.AddrPort) (ice.Candidate, error) {
	return ice.NewCandidateHost(&ice.CandidateHostConfig{Network: "udp", Address: a.Addr().String(), Port: int(a.Port()), Component: ice.ComponentRTP})
}

// addressOf is where a candidate is; invalid if it is a name.
func addressOf(c ice.Candidate) netip.AddrPort {
	a, err := netip.ParseAddr(c.Address())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(c.Port())) //nolint:gosec // a port
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

// failure tells which step of securing media has failed.
func failure(f media.Failure, err error) error { return &Error{Failure: f, Err: err} }

// Error is why the secured media of a browser or a phone did not come up, or has
// gone.
type Error struct {
	Failure media.Failure
	Err     error
}

func (e *Error) Error() string { return "secured media: " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }
