package sip

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/sip/wire"
)

const (
	resolveTimeout = 5 * time.Second
	dialTimeout    = 10 * time.Second
)

// prepareLibrary sets the two switches that sipgo keeps in package variables:
// its default logger would print what peers send, and its limit of 1,300
// bytes would drop long responses, which must go the way of their request
// whatever their size (RFC 3261 §18.2.2).
//
//nolint:gochecknoglobals // a once for the library's own globals
var prepareLibrary = sync.OnceFunc(func() {
	sipmsg.SetDefaultLogger(silent())
	sipmsg.UDPMTUSize = 65507
})

// silent is a logger for sipgo, whose messages hold raw SIP. What matters of
// them reaches us as errors and is logged in our own words.
func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// errNoDial is what the library gets when it wants to connect by itself.
var errNoDial = errors.New("connections are opened by the caller only")

// startEngine makes sipgo's two layers. They never open a connection and never
// look up a name: a response whose connection has gone is lost, as it should
// be, instead of being carried to wherever its Via says.
func (s *Server) startEngine() {
	prepareLibrary()
	refuse := func(context.Context, string, string) (net.Conn, error) { return nil, errNoDial }
	dialer := func(net.Addr) net.Dialer {
		return net.Dialer{ControlContext: func(context.Context, string, string, syscall.RawConn) error { return errNoDial }}
	}
	s.tpl = sipmsg.NewTransportLayer(
		&net.Resolver{PreferGo: true, Dial: refuse}, sipmsg.NewParser(), &tls.Config{MinVersion: tls.VersionTLS12},
		sipmsg.WithTransportLayerLogger(silent()),
		sipmsg.WithTransportLayerTransports(sipmsg.TransportsConfig{
			TCP: &sipmsg.TransportTCP{DialerCreate: dialer},
			TLS: &sipmsg.TransportTLS{TransportTCP: &sipmsg.TransportTCP{DialerCreate: dialer}},
		}),
	)
	s.txl = sipmsg.NewTransactionLayer(s.tpl,
		sipmsg.WithTransactionLayerLogger(silent()),
		sipmsg.WithTransactionLayerTerminateOnConnClose(),
		sipmsg.WithTransactionLayerUnhandledResponseHandler(s.onStray),
	)
	s.txl.OnRequest(s.onRequest)
}

// place is where a request is to go.
type place struct {
	transport string
	host      string // name or address
	port      int
}

func (p place) String() string {
	return p.transport + " " + net.JoinHostPort(strings.Trim(p.host, "[]"), strconv.Itoa(p.port))
}

func defaultPort(transport string) int {
	if transport == "tls" {
		return 5061
	}
	return 5060
}

// placeOf reads a URI as the next hop (RFC 3263 without NAPTR: port and
// transport as written, else the defaults).
func placeOf(u wire.URI, transport string) place {
	if t, ok := u.Param("transport"); ok {
		transport = strings.ToLower(t)
	}
	if u.Scheme == "sips" {
		transport = "tls"
	}
	p := place{transport: transport, host: u.Host, port: u.Port}
	if p.port == 0 {
		p.port = defaultPort(transport)
	}
	return p
}

// flowTo finds or makes the way to a place.
func (s *Server) flowTo(ctx context.Context, p place) (flow, error) {
	addr, err := resolve(ctx, p)
	if err != nil {
		return flow{}, err
	}
	switch p.transport {
	case "udp":
		if s.udp == nil {
			return flow{}, failure(leg.Internal, "reach %s: udp is not listened on (hint: set sip udp)", p.transport)
		}
		return flow{transport: "udp", source: addr, udp: s.udp.PacketConn}, nil
	case "tcp", "tls":
		if c := s.conns.find(p.transport, addr); c != nil {
			return c.flow(), nil
		}
		return s.connect(ctx, p, addr)
	}
	return flow{}, failure(leg.Unreachable, "reach peer: transport %q is unknown", p.transport)
}

func resolve(ctx context.Context, p place) (netip.AddrPort, error) {
	host := strings.Trim(p.host, "[]")
	if a, err := netip.ParseAddr(host); err == nil {
		return netip.AddrPortFrom(a.Unmap(), uint16(p.port)), nil
	}
	if strings.HasSuffix(strings.ToLower(strings.TrimSuffix(host, ".")), ".invalid") {
		return netip.AddrPort{}, failure(leg.Unreachable, "resolve host: the name is of .invalid (RFC 7118)")
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil || len(addrs) == 0 {
		return netip.AddrPort{}, &Error{Reason: leg.Unreachable, Err: fmt.Errorf("resolve host: %w", err)}
	}
	for _, a := range addrs {
		if a.Unmap().Is4() {
			return netip.AddrPortFrom(a.Unmap(), uint16(p.port)), nil
		}
	}
	return netip.AddrPortFrom(addrs[0], uint16(p.port)), nil
}

// connect opens a connection and hands it to the stack behind the same guard
// as every accepted one.
func (s *Server) connect(ctx context.Context, p place, addr netip.AddrPort) (flow, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return flow{}, &Error{Reason: leg.Unreachable, Err: fmt.Errorf("connect to peer: %w", err)}
	}
	listener := s.tcp
	if p.transport == "tls" {
		listener = s.tls
		client := tls.Client(conn, &tls.Config{ServerName: strings.Trim(p.host, "[]"), MinVersion: tls.VersionTLS12, RootCAs: s.roots})
		if err := client.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return flow{}, &Error{Reason: leg.Unreachable, Err: fmt.Errorf("shake hands with peer: %w", err)}
		}
		conn = client
	}
	c := listener.make(conn, true)
	if !c.table.add(c) {
		_ = conn.Close()
		return flow{}, failure(leg.NoCapacity, "connect to peer: too many connections")
	}
	if err := listener.hand(c); err != nil {
		return flow{}, failure(leg.Shutdown, "connect to peer: shutting down")
	}
	select {
	case <-c.ready:
		return c.flow(), nil
	case <-c.gone:
		return flow{}, failure(leg.ConnLost, "connect to peer: connection was closed")
	}
}

// begin starts a client transaction over a flow. The Via is added here.
func (s *Server) begin(m *wire.Message, f flow) (*sipmsg.ClientTx, error) {
	req, err := s.prepare(m, f)
	if err != nil {
		return nil, err
	}
	tx, err := s.txl.Request(s.ctx, req)
	if err != nil {
		return nil, &Error{Reason: leg.ConnLost, Err: errors.New("send request: the way to the peer is closed")}
	}
	return tx, nil
}

// prepare turns our message into the library's.
func (s *Server) prepare(m *wire.Message, f flow) (*sipmsg.Request, error) {
	parsed, err := sipmsg.ParseMessage(m.Bytes())
	req, ok := parsed.(*sipmsg.Request)
	if err != nil || !ok {
		return nil, errors.New("prepare request: it cannot be read back") // the cause holds the message
	}
	req.SetTransport(f.library())
	req.SetDestination(f.peer().String())
	if f.udp != nil {
		local := addrPort(f.udp.LocalAddr())
		req.Laddr = sipmsg.Addr{IP: f.udp.LocalAddr().(*net.UDPAddr).IP, Port: int(local.Port())}
	}
	return req, nil
}

// newBranch makes the branch of one client transaction.
func (s *Server) newBranch() string { return s.door.branch + "-" + token() }

// withVia returns the request with a new topmost Via for a flow.
func (s *Server) withVia(m *wire.Message, f flow, branch string) *wire.Message {
	c := *m
	via := wire.Header{Name: "Via", Value: "SIP/2.0/" + f.via() + " " + s.local(f).String() + ";branch=" + branch + ";rport"}
	c.Headers = append([]wire.Header{via}, m.Headers...)
	return &c
}

// local is our address as the far end of a flow should see it.
func (s *Server) local(f flow) netip.AddrPort {
	var own netip.AddrPort
	switch {
	case f.web():
		own = addrPort(f.conn.LocalAddr())
	case f.transport == "udp" && s.udp != nil:
		own = addrPort(s.udp.LocalAddr())
	case f.transport == "tls" && s.tls != nil:
		own = addrPort(s.tls.Addr())
	case s.tcp != nil:
		own = addrPort(s.tcp.Addr())
	}
	if own.Port() == 0 && f.conn != nil { // not listening: only this connection leads here
		own = addrPort(f.conn.LocalAddr())
	}
	if s.cfg.Advertise.IsValid() {
		return netip.AddrPortFrom(s.cfg.Advertise, own.Port())
	}
	if own.Addr().IsUnspecified() {
		return netip.AddrPortFrom(localAddrTo(f), own.Port())
	}
	return own
}

// localAddrTo is the address of ours that packets to the peer leave by.
func localAddrTo(f flow) netip.Addr {
	if f.conn != nil {
		return addrPort(f.conn.LocalAddr()).Addr()
	}
	// Connecting a datagram socket sends nothing; it asks for the route.
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "udp", f.source.String())
	if err != nil {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	defer func() { _ = conn.Close() }()
	return addrPort(conn.LocalAddr()).Addr()
}

// serverTx is a request that has been let in, with the duty to answer it.
type serverTx struct {
	srv   *Server
	tx    *sipmsg.ServerTx
	msg   *wire.Message
	flow  flow
	final chan struct{}
	once  sync.Once
	setup *list.Element // of a call that begins; see setups
	// accepted: an INVITE has got its 2xx.
	accepted atomic.Bool
}

// build makes a response with To tag, as bytes that can be sent again.
func (t *serverTx) build(code int, phrase, tag string, body []byte, extra ...wire.Header) []byte {
	extra = append(extra, serverHeader())
	if len(body) > 0 {
		extra = append(extra, wire.Header{Name: "Content-Type", Value: "application/sdp"})
	}
	if t.msg.Method != "REGISTER" && code > 100 && code < 300 {
		for _, h := range t.msg.Headers {
			if h.Name == "Record-Route" {
				extra = append(extra, h)
			}
		}
	}
	if code == 100 {
		tag = ""
	}
	return wire.ReplyBody(t.msg, t.flow.source, code, phrase, tag, body, extra...)
}

// send gives a response to the transaction, which repeats it when asked.
func (t *serverTx) send(data []byte) error {
	parsed, err := sipmsg.ParseMessage(data)
	res, ok := parsed.(*sipmsg.Response)
	if err != nil || !ok {
		return errors.New("send response: it cannot be read back")
	}
	to := t.flow.source
	if t.flow.udp != nil {
		to = wire.ReplyTo(t.msg, to)
	}
	res.SetTransport(t.flow.via())
	res.SetDestination(to.String())
	err = t.tx.Respond(res)
	if res.StatusCode > 100 {
		t.srv.door.setups.end(t.setup)
	}
	if res.StatusCode >= 200 {
		t.accepted.Store(res.StatusCode < 300 && t.msg.Method == "INVITE")
		t.once.Do(func() { close(t.final) })
	}
	if err != nil {
		return &Error{Reason: leg.ConnLost, Err: errors.New("send response: the way back is closed")}
	}
	return nil
}

// respond builds and sends; a lost way back shows as the end of the
// transaction, so that its error needs no second handling.
func (t *serverTx) respond(code int, phrase, tag string, extra ...wire.Header) {
	_ = t.send(t.build(code, phrase, tag, nil, extra...))
}

// resend repeats bytes outside of the transaction (2xx and reliable
// provisional responses are repeated by their sender, not by the layer).
func (t *serverTx) resend(data []byte) {
	f := t.flow
	if f.udp != nil {
		f = f.to(wire.ReplyTo(t.msg, f.source))
	}
	_ = f.write(data)
}
