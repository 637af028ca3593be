package sip

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"

	"github.com/ivrd/ivrd/sip/digest"
	"github.com/ivrd/ivrd/sip/wire"
)

// sweepInterval is how often what has run out is forgotten.
const sweepInterval = 5 * time.Second

// quiesce is how long messages that were let in have to find their
// transaction before the sockets close.
const quiesce = 50 * time.Millisecond

// receiveBuffer holds what comes while the machine stands still: 100 ms of a
// thousand calls a second are some hundred messages, each counted by the kernel
// as 1 to 2 KB. What does not fit is lost, and repeated; but so is what waits
// for longer than T1 in a buffer that is too large.
const receiveBuffer = 1 << 20

// Server is a SIP user agent. Make it with New, then Start, then Close.
type Server struct {
	cfg  Config
	deps Deps
	log  *slog.Logger
	t    timers

	tpl      *sipmsg.TransportLayer
	txl      *sipmsg.TransactionLayer
	door     *door
	verifier *digest.Verifier
	bindings *bindings
	dialogs  *dialogs
	conns    *connTable
	trunks   []*trunk
	caps     *caps
	roots    *x509.CertPool // of the peers that we call over TLS; nil: the system's

	udp          *guardedUDP
	tcp, tls, ws *streamListener
	sockets      atomic.Uint64 // that have come, for their names

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	closed sync.Once

	incoming, outgoing, authFailures, eventsDropped atomic.Uint64

	// listenUDP is replaced by tests that run without a network.
	listenUDP func(addr string) (net.PacketConn, error)
}

// timers of RFC 3261 §17 as far as our own repetitions use them.
type timers struct{ t1, t2, giveUp time.Duration }

// New checks the configuration and opens nothing.
func New(cfg Config, deps Deps) (*Server, error) {
	cfg.setDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if deps.Handler == nil {
		return nil, errors.New("make sip server: no handler")
	}
	if deps.Log == nil {
		deps.Log = silent()
	}
	s := &Server{
		cfg: cfg, deps: deps, log: deps.Log, bindings: newBindings(), dialogs: newDialogs(),
		conns: newConnTable(cfg.Limits), caps: newCaps(),
		t:         timers{t1: 500 * time.Millisecond, t2: 4 * time.Second, giveUp: 32 * time.Second},
		listenUDP: func(addr string) (net.PacketConn, error) { return net.ListenPacket("udp", addr) },
	}
	for _, t := range cfg.Trunks {
		s.trunks = append(s.trunks, newTrunk(t))
	}
	s.verifier = digest.NewVerifier(cfg.Realm, secrets{s})
	s.door = newDoor(s)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// secrets adds the trunks that prove themselves by digest to the people.
type secrets struct{ srv *Server }

func (x secrets) HA1(ctx context.Context, user, realm, algorithm string) (string, bool) {
	if t := x.srv.trunkUser(user); t != nil {
		return digest.HA1(algorithm, user, realm, t.Password.Reveal()), true
	}
	if x.srv.deps.Secrets == nil {
		return "", false
	}
	return x.srv.deps.Secrets.HA1(ctx, user, realm, algorithm)
}

// Start opens the listeners and begins to serve; it returns once they are
// open. ctx bounds the opening only: Close ends the server.
func (s *Server) Start(ctx context.Context) error {
	s.startEngine()
	if err := s.listen(ctx); err != nil {
		s.Close()
		return fmt.Errorf("start sip: %w", err)
	}
	s.wg.Go(s.sweep)
	for _, t := range s.trunks {
		s.startTrunk(t)
	}
	return nil
}

// listen opens all sockets before anything is read from one of them.
func (s *Server) listen(ctx context.Context) error {
	if s.cfg.UDP != "" {
		conn, err := s.listenUDP(s.cfg.UDP)
		if err != nil {
			return fmt.Errorf("listen on udp: %w", err)
		}
		var came arrivals
		if c, ok := conn.(*net.UDPConn); ok {
			_ = c.SetReadBuffer(receiveBuffer) // the system may give less
			came = stamps(c)
		}
		s.udp = &guardedUDP{PacketConn: conn, stamps: came, door: s.door, ready: make(chan struct{})}
	}
	var conf *tls.Config
	if s.cfg.TLS != "" {
		cert, err := tls.LoadX509KeyPair(s.cfg.CertFile, s.cfg.KeyFile)
		if err != nil {
			return fmt.Errorf("load certificate: %w", err)
		}
		conf = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	var err error
	if s.tcp, err = s.listenStream(ctx, "tcp", s.cfg.TCP, nil); err != nil {
		return err
	}
	if s.tls, err = s.listenStream(ctx, "tls", s.cfg.TLS, conf); err != nil {
		return err
	}
	s.ws = newStreamListener(nil, nil, nil)
	s.serve(func() error { return s.tpl.ServeTCP(s.ws) })
	s.serve(func() error { return s.tpl.ServeTCP(s.tcp) })
	s.serve(func() error { return s.tpl.ServeTLS(s.tls) })
	if s.udp != nil {
		s.serve(func() error { return s.tpl.ServeUDP(s.udp) })
		<-s.udp.ready // a request sent earlier would open a socket of its own
	}
	return nil
}

func (s *Server) serve(f func() error) {
	s.wg.Go(func() { _ = f() }) // ends when its listener is closed, and only then
}

// listenStream opens a listener, or with an empty address one that only takes
// the connections that we dial.
func (s *Server) listenStream(ctx context.Context, transport, addr string, conf *tls.Config) (*streamListener, error) {
	mk := func(c net.Conn, dialled bool) *streamConn { return s.newConn(c, transport, dialled) }
	if addr == "" {
		return newStreamListener(nil, nil, mk), nil
	}
	inner, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", transport, err)
	}
	return newStreamListener(inner, conf, mk), nil
}

func (s *Server) newConn(c net.Conn, transport string, dialled bool) *streamConn {
	conn := &streamConn{
		Conn: c, transport: transport, source: addrPort(c.RemoteAddr()), dialled: dialled,
		door: s.door, table: s.conns, limits: s.cfg.Limits, onClose: s.bindings.dropConn, inUse: s.inUse,
		ready: make(chan struct{}), gone: make(chan struct{}), last: time.Now(),
	}
	conn.counted = !dialled
	conn.proved.Store(dialled)
	return conn
}

// inUse reports whether a phone, a trunk's registration or a call counts on a
// connection: no other leads to a phone behind address translation. It is asked
// when the connection has been quiet for long, so that nobody need keep a count.
func (s *Server) inUse(c *streamConn) bool {
	return s.bindings.use(c) || s.dialogs.use(c) || slices.ContainsFunc(s.trunks, func(t *trunk) bool {
		return c.dialled && t.Transport == c.transport && t.holdsAt(c.source)
	})
}

// Close stops listening, ends what the legs have left open and waits. The
// owner of the legs ends them before; those that are left end with Shutdown.
// It may be called twice.
func (s *Server) Close() {
	s.closed.Do(func() {
		s.stopTrunks()
		s.dialogs.endAll()
		s.door.shut.Store(true)
		// What has passed the door is on the library's goroutines, which nobody
		// can wait for: one that comes after its socket has gone opens another.
		time.Sleep(quiesce)
		s.cancel()
		if s.udp != nil {
			_ = s.udp.Close()
		}
		for _, l := range []*streamListener{s.tcp, s.tls, s.ws} {
			if l != nil {
				_ = l.Close()
			}
		}
		s.conns.closeAll()
		if s.txl != nil {
			s.txl.Close()
			_ = s.tpl.Close()
		}
	})
	s.wg.Wait()
}

// Addr is where a transport (udp, tcp, tls) listens, as it is bound; zero when
// it does not.
func (s *Server) Addr(transport string) netip.AddrPort {
	switch {
	case transport == "udp" && s.udp != nil:
		return addrPort(s.udp.LocalAddr())
	case transport == "tcp" && s.cfg.TCP != "":
		return addrPort(s.tcp.Addr())
	case transport == "tls" && s.cfg.TLS != "":
		return addrPort(s.tls.Addr())
	}
	return netip.AddrPort{}
}

// Registered reports whether a person has a phone.
func (s *Server) Registered(user string) bool { return len(s.bindings.list(user)) > 0 }

// Bindings lists a person's phones.
func (s *Server) Bindings(user string) []Binding {
	var out []Binding
	for _, b := range s.bindings.list(user) {
		out = append(out, b.Binding)
	}
	return out
}

// Counters is a snapshot for metrics.
func (s *Server) Counters() Counters {
	return Counters{
		Dropped: s.door.dropped.Load(), Refused: s.door.refused.Load(), Busy: s.door.full.Load(), Admitted: s.door.passed.Load(),
		Incoming: s.incoming.Load(), Outgoing: s.outgoing.Load(), AuthFailures: s.authFailures.Load(),
		ConnsRefused: s.conns.refused.Load(), EventsDropped: s.eventsDropped.Load(),
		Legs: s.dialogs.size(), Conns: s.conns.size(), Bindings: s.bindings.size(),
	}
}

func (s *Server) sweep() {
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			s.door.admitted.sweep(now)
			s.bindings.sweep(now)
		case <-s.ctx.Done():
			return
		}
	}
}

// isOurHost reports whether a host of a URI means this server.
func (s *Server) isOurHost(host string) bool {
	a, err := netip.ParseAddr(host)
	if err != nil {
		return strings.EqualFold(host, "localhost")
	}
	if a == s.cfg.Advertise {
		return true
	}
	for _, transport := range []string{"udp", "tcp", "tls"} {
		if own := s.Addr(transport); own.IsValid() && own.Addr() == a {
			return true
		}
	}
	return false
}

// onRequest serves one new transaction, on a goroutine of its own, and holds
// it until it has been answered.
func (s *Server) onRequest(req *sipmsg.Request, tx *sipmsg.ServerTx) {
	s.wg.Add(1)
	defer s.wg.Done()
	t := (*serverTx)(nil)
	defer func() { leave(t, tx) }()
	via := req.Via()
	if req.Method == sipmsg.ACK || via == nil {
		return // the ACK of a transaction that has gone
	}
	source, err := netip.ParseAddrPort(req.Source())
	if err != nil {
		return
	}
	branch, _ := via.Params.Get("branch")
	key := libraryKey(wire.Via{Host: hostInBrackets(via.Host), Port: via.Port, Params: []wire.Param{{Key: "branch", Value: branch}}},
		string(req.Method), req.Transport(), netip.AddrPortFrom(source.Addr().Unmap(), source.Port()))
	adm := s.door.admitted.begin(key)
	if adm == nil {
		return
	}
	defer s.door.admitted.finish(key)
	t = &serverTx{srv: s, tx: tx, msg: adm.msg, flow: adm.flow, final: make(chan struct{})}
	if adm.msg.Method == "INVITE" && adm.party == nil {
		t.setup = s.door.setups.begin(adm.since)
		defer s.door.setups.end(t.setup)
	}
	s.dispatch(t, adm, key)
	select {
	case <-t.final:
	case <-tx.Done():
	case <-s.ctx.Done():
	}
}

// leave ends a transaction, or leaves it to its timers while an answer may have to
// be repeated. A call that was taken needs it no longer: its 200 is repeated by the
// party, and repetitions of its INVITE are known at the door.
func leave(t *serverTx, tx *sipmsg.ServerTx) {
	if t != nil && t.accepted.Load() {
		tx.Terminate()
		return
	}
	tx.TerminateGracefully()
}

func hostInBrackets(host string) string {
	if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") {
		return "[" + host + "]"
	}
	return host
}

func (s *Server) dispatch(t *serverTx, adm *admission, key string) {
	switch {
	case t.msg.Method == "REGISTER":
		s.register(t, adm.creds)
	case adm.party != nil:
		s.inDialog(t, adm.party)
	default:
		s.invite(t, adm, key)
	}
}

// inDialog gives a request to its call. One that the call's end has left in
// the inbox is answered here.
func (s *Server) inDialog(t *serverTx, p *party) {
	taken := make(chan struct{})
	if p.post(func() { close(taken); p.onRequest(t) }) {
		select {
		case <-taken:
			return
		case <-p.done:
		}
		select {
		case <-taken: // it was what ended the call
			return
		default:
		}
	}
	t.respond(481, "Call/Transaction Does Not Exist", s.door.tag(t.msg))
}

// token is 80 random bits as text, for tags, branches and IDs.
func token() string {
	b := make([]byte, 10)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}
