package sip

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// streamPhone speaks SIP over a connection.
type streamPhone struct {
	*phone
	conn net.Conn
	r    *bufio.Reader
}

// connPacket lets a phone write to a connection as if it were a socket.
type connPacket struct{ net.Conn }

func (c connPacket) ReadFrom(p []byte) (int, net.Addr, error)  { return 0, nil, io.EOF }
func (c connPacket) WriteTo(p []byte, _ net.Addr) (int, error) { return c.Write(p) }

func overStream(t *testing.T, conn net.Conn) *streamPhone {
	p := newPhone(t, connPacket{conn}, conn.RemoteAddr())
	return &streamPhone{phone: p, conn: conn, r: bufio.NewReader(conn)}
}

func (p *streamPhone) request(method, body string, headers ...string) string {
	return strings.Replace(p.phone.request(method, body, headers...), "/UDP", "/TCP", 1)
}

func (p *streamPhone) expect(status int) {
	p.t.Helper()
	for {
		_ = p.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		m := readMessage(p.r)
		if m == nil {
			p.t.Fatalf("connection ended before a %d", status)
		}
		if m.Status == 100 {
			continue
		}
		if m.Status != status {
			p.t.Fatalf("got %d %s %s, want %d", m.Status, m.Reason, m.Method, status)
		}
		p.toTag = m.To.Tag()
		if m.Has("Contact") {
			p.phone.target = contactOf(m).String()
		}
		return
	}
}

func TestCallOverTCP(t *testing.T) {
	w := realWorld(t, nil)
	callOver(t, w, dialTCP(t, w))
}

// callOver makes one call over a connection that the server ends.
func callOver(t *testing.T, w *world, conn net.Conn) {
	t.Helper()
	legs := make(chan leg.Leg, 1)
	w.h.set(answering(&fakeSession{}, legs))
	p := overStream(t, conn)
	p.send(p.request("INVITE", sdpAt("127.0.0.1", 4000)))
	p.expect(200)
	p.send(p.request("ACK", ""))
	l := <-legs
	await(t, l, leg.Answered)
	l.End(leg.FlowHangup)
	endsWith(t, l, leg.FlowHangup)
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	for {
		m := readMessage(p.r)
		if m == nil {
			t.Fatal("no BYE over the connection that the dialog lives on")
		}
		if m.Method == "BYE" {
			return
		}
	}
}

func TestCallOverTLS(t *testing.T) {
	cert, key, pool := certificate(t)
	w := realWorld(t, func(c *Config) { c.TLS, c.CertFile, c.KeyFile = "127.0.0.1:0", cert, key })
	conn, err := tls.Dial("tcp", w.srv.Addr("tls").String(), &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	callOver(t, w, conn)
}

func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write := func(name, kind string, data []byte) {
		if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(certFile, "CERTIFICATE", der)
	write(keyFile, "PRIVATE KEY", keyDER)
	pool = x509.NewCertPool()
	parsed, _ := x509.ParseCertificate(der)
	pool.AddCert(parsed)
	return certFile, keyFile, pool
}

// TestDialOverConnections: our own calls over TCP and TLS, one server calling
// another.
func TestDialOverConnections(t *testing.T) {
	cert, key, pool := certificate(t)
	far := realWorld(t, func(c *Config) { c.TLS, c.CertFile, c.KeyFile = "127.0.0.1:0", cert, key })
	near := realWorld(t, nil)
	near.srv.roots = pool
	for _, transport := range []string{"udp", "tcp", "tls"} {
		legs := make(chan leg.Leg, 1)
		far.h.set(ringing(&fakeSession{base: 30000}, true, legs))
		uri := fmt.Sprintf("sip:1000@%s;transport=%s", far.srv.Addr(transport), transport)
		l, err := near.srv.Dial(t.Context(), &fakeSession{}, DialRequest{URI: uri, AllowURI: true})
		if err != nil {
			t.Fatal(err)
		}
		await(t, l, leg.EarlyMedia)
		await(t, l, leg.Answered)
		callee := <-legs
		await(t, callee, leg.Answered)
		if got := callee.Info().Transport; got != transport {
			t.Errorf("call came over %s, want %s", got, transport)
		}
		if transport == "udp" {
			callee.End(leg.FlowHangup)
			endsWith(t, l, leg.AgentHangup)
			endsWith(t, callee, leg.FlowHangup)
			continue
		}
		l.End(leg.FlowHangup)
		endsWith(t, callee, leg.CallerHangup)
		endsWith(t, l, leg.FlowHangup)
	}
}

// TestNothingIsEverSentToVia: an INVITE whose connection closes at once makes
// nobody connect to the host that its Via names.
func TestNothingIsEverSentToVia(t *testing.T) {
	trap, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hits := make(chan struct{}, 100)
	go func() {
		for {
			c, err := trap.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
			hits <- struct{}{}
		}
	}()
	defer func() { _ = trap.Close() }()
	w := realWorld(t, nil)
	w.h.set(func(ctx context.Context, in *Incoming) {
		l, err := in.Accept(&fakeSession{}, media.StreamOptions{})
		if err != nil {
			return
		}
		_ = l.Ring(false)
		<-ctx.Done()
	})
	before := runtime.NumGoroutine()
	for i := range 200 {
		conn, err := net.Dial("tcp", w.srv.Addr("tcp").String())
		if err != nil {
			t.Fatal(err)
		}
		p := overStream(t, conn)
		raw := p.request("INVITE", sdpAt("127.0.0.1", 4000))
		raw = strings.Replace(raw, "TCP "+conn.LocalAddr().String(), "TCP "+trap.Addr().String(), 1)
		_, _ = io.WriteString(conn, raw)
		if i%2 == 0 {
			_ = conn.(*net.TCPConn).SetLinger(0) // RST
		}
		_ = conn.Close()
	}
	deadline := time.After(20 * time.Second)
	for w.srv.Counters().Legs > 0 || w.srv.Counters().Conns > 0 || runtime.NumGoroutine() > before+10 {
		select {
		case <-deadline:
			t.Fatalf("%d legs, %d connections, %d goroutines left (%d before)", w.srv.Counters().Legs, w.srv.Counters().Conns, runtime.NumGoroutine(), before)
		case <-time.After(10 * time.Millisecond):
		}
	}
	if n := len(hits); n > 0 {
		t.Errorf("%d connections to the Via", n)
	}
}

func TestSlowMessagesAreCutOff(t *testing.T) {
	w := realWorld(t, func(c *Config) {
		c.Limits.PartialTimeout, c.Limits.UnprovedIdle, c.Limits.Idle = 300*time.Millisecond, 600*time.Millisecond, time.Hour
	})
	half, idle, ping := dialTCP(t, w), dialTCP(t, w), dialTCP(t, w)
	proved := overStream(t, dialTCP(t, w))
	w.h.set(answering(&fakeSession{}, make(chan leg.Leg, 1)))
	proved.send(proved.request("INVITE", sdpAt("127.0.0.1", 4000)))
	proved.expect(200)
	_, _ = io.WriteString(half, "INVITE sip:1000@127.0.0.1 SIP/2.0\r\nVia:")
	start := time.Now()
	go func() {
		for range 30 {
			if _, err := io.WriteString(half, "x"); err != nil {
				return
			}
			if _, err := io.WriteString(ping, "\r\n\r\n"); err != nil {
				return
			}
			time.Sleep(50 * time.Millisecond) // real time: the peer drips
		}
	}()
	closed := func(c net.Conn) time.Duration {
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, _ = io.Copy(io.Discard, c)
		return time.Since(start)
	}
	if d := closed(half); d > 2*time.Second {
		t.Errorf("half a message was borne for %v", d)
	}
	if d := closed(idle); d > 3*time.Second {
		t.Errorf("an idle stranger was borne for %v", d)
	}
	if d := closed(ping); d > 3*time.Second {
		t.Errorf("a stranger that only pings was borne for %v", d)
	}
	proved.send(proved.request("ACK", ""))
	proved.send(proved.request("BYE", ""))
	proved.conn.SetReadDeadline(time.Now().Add(time.Second))
	for {
		if m := readMessage(proved.r); m == nil {
			t.Fatal("the proved connection was closed")
		} else if strings.HasSuffix(m.Get("CSeq"), "BYE") {
			break
		}
	}
}

func TestKeepAlivePong(t *testing.T) {
	w := realWorld(t, nil)
	conn := dialTCP(t, w)
	_, _ = io.WriteString(conn, "\r\n\r\n")
	buf := make([]byte, 8)
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := conn.Read(buf); err != nil || string(buf[:n]) != "\r\n" {
		t.Fatalf("pong is %q, %v", buf[:n], err)
	}
}

func TestConnectionLimits(t *testing.T) {
	w := realWorld(t, func(c *Config) { c.Limits.MaxConnsPerIP = 5 })
	open := 0
	for range 12 {
		conn := dialTCP(t, w)
		_, _ = io.WriteString(conn, "\r\n\r\n")
		_ = conn.SetReadDeadline(time.Now().Add(2 * time.Second))
		if n, _ := conn.Read(make([]byte, 4)); n == 2 {
			open++
		}
	}
	if open != 5 {
		t.Errorf("%d connections of one address were kept, want 5", open)
	}
}

func TestFullTableKeepsTheProved(t *testing.T) {
	table := newConnTable(Limits{MaxConns: 2, MaxConnsPerIP: 9})
	mk := func(port int, proved bool) *streamConn {
		a, b := net.Pipe()
		t.Cleanup(func() { _, _ = a.Close(), b.Close() })
		c := &streamConn{Conn: a, table: table, source: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port)), gone: make(chan struct{})}
		c.proved.Store(proved)
		return c
	}
	proved, stranger := mk(1, true), mk(2, false)
	table.add(proved)
	table.add(stranger)
	late := mk(3, true)
	if !table.add(late) || !stranger.closed() || proved.closed() {
		t.Error("the stranger should have made way")
	}
	if table.add(mk(4, false)) || proved.closed() || late.closed() {
		t.Error("a full table of proved connections let somebody in")
	}
}

// TestStalledPeerIsClosed: after half a message nothing can follow.
func TestStalledPeerIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newConnTable(Limits{MaxConns: 1, MaxConnsPerIP: 1})
		own, peer := net.Pipe()
		c := &streamConn{Conn: own, table: table, source: netip.MustParseAddrPort("127.0.0.1:1"), gone: make(chan struct{})}
		table.add(c)
		go func() { _, _ = peer.Read(make([]byte, 3)) }() // and then no more
		if n, err := c.Write([]byte("SIP/2.0 200 OK\r\n")); n != 3 || err == nil {
			t.Fatalf("wrote %d bytes, %v", n, err)
		}
		if !c.closed() || table.size() > 0 {
			t.Error("the connection is still open")
		}
	})
}

func TestTooLargeMessage(t *testing.T) {
	w := realWorld(t, nil)
	p := overStream(t, dialTCP(t, w))
	raw := p.request("OPTIONS", "")
	go func() {
		_, _ = io.WriteString(p.conn, strings.Replace(raw, "Content-Length: 0", "Content-Length: 4000000000", 1))
	}()
	p.expect(400)
	p = overStream(t, dialTCP(t, w))
	go func() {
		_, _ = io.WriteString(p.conn, strings.Replace(raw, "Content-Length: 0", "Content-Length: 70000", 1))
	}()
	p.expect(513)
	p = overStream(t, dialTCP(t, w))
	go func() {
		_, _ = io.WriteString(p.conn, strings.Replace(raw, "Max-Forwards", "X: "+strings.Repeat("x", 70000)+"\r\nMax-Forwards", 1))
	}()
	p.expect(513)
}

// registerAlice registers the phone as alice, and changes that by headers.
func (p *streamPhone) registerAlice(headers ...string) {
	p.t.Helper()
	p.user, p.domain, p.phone.target, p.toTag = "alice", "ivrd.test", "sip:ivrd.test", ""
	p.send(p.request("REGISTER", "", headers...))
	_ = p.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	creds := p.answer(readMessage(p.r), "REGISTER")
	p.send(p.request("REGISTER", "", append(headers, "Authorization: "+creds)...))
	p.expect(200)
	p.toTag = ""
}

// TestConnectionInUseIsNotIdle: a phone that is registered, or in a call, may
// be quiet for as long as it likes.
func TestConnectionInUseIsNotIdle(t *testing.T) {
	w := realWorld(t, func(c *Config) { c.Limits.Idle = 200 * time.Millisecond })
	legs := make(chan leg.Leg, 1)
	w.h.set(answering(&fakeSession{}, legs))
	desk, caller := overStream(t, dialTCP(t, w)), overStream(t, dialTCP(t, w))
	desk.registerAlice()
	caller.send(caller.request("INVITE", sdpAt("127.0.0.1", 4000)))
	caller.expect(200)
	caller.send(caller.request("ACK", ""))
	l := <-legs
	await(t, l, leg.Answered)
	time.Sleep(700 * time.Millisecond) // real time: several times idle
	if !w.srv.Registered("alice") {
		t.Error("the phone's connection was closed")
	}
	l.End(leg.FlowHangup)
	_ = caller.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	m := readMessage(caller.r)
	if m == nil || m.Method != "BYE" {
		t.Fatal("no BYE came over the call's connection")
	}
	caller.reply(m, 200, "")
	// Nothing holds them any more.
	desk.registerAlice("Contact: *", "Expires: 0")
	for _, p := range []*streamPhone{desk, caller} {
		_ = p.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := p.r.ReadByte(); err != io.EOF {
			t.Errorf("an idle connection ended with %v", err)
		}
	}
}

func TestBindingEndsWithItsConnection(t *testing.T) {
	w := realWorld(t, nil)
	p := overStream(t, dialTCP(t, w))
	p.registerAlice()
	if !w.srv.Registered("alice") {
		t.Fatal("not registered")
	}
	_ = p.conn.Close()
	deadline := time.After(5 * time.Second)
	for w.srv.Registered("alice") || w.srv.Counters().Bindings > 0 {
		select {
		case <-deadline:
			t.Fatal("the binding outlived its connection")
		case <-time.After(5 * time.Millisecond):
		}
	}
}
