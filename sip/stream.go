package sip

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ivrd/ivrd/sip/wire"
)

const (
	handshakeTimeout = 10 * time.Second
	// writeTimeout is for a peer that does not read: its connection is closed
	// rather than waited for.
	writeTimeout = 10 * time.Second
	readChunk    = 4096
	drainTime    = time.Second
)

// connTable counts and limits connections.
type connTable struct {
	limits Limits

	mu      sync.Mutex
	conns   map[*streamConn]struct{}
	perIP   map[netip.Addr]int
	refused atomic.Uint64
}

func newConnTable(l Limits) *connTable {
	return &connTable{limits: l, conns: map[*streamConn]struct{}{}, perIP: map[netip.Addr]int{}}
}

// add makes room for a connection, or says no. When the table is full an
// unproved connection makes way; a proved one never does. Those that we have
// dialled and the pages of people are not counted by their address: an office
// behind one has many, and its desk phones want to connect as well.
func (t *connTable) add(c *streamConn) bool {
	var victim *streamConn
	t.mu.Lock()
	ip := c.source.Addr()
	ok := !c.counted || t.perIP[ip] < t.limits.MaxConnsPerIP
	if ok && len(t.conns) >= t.limits.MaxConns {
		if victim = t.unproved(); victim == nil {
			ok = false
		}
	}
	if ok {
		t.conns[c] = struct{}{}
		if c.counted {
			t.perIP[ip]++
		}
	}
	t.mu.Unlock()
	if victim != nil {
		_ = victim.Close()
	}
	if !ok {
		t.refused.Add(1)
	}
	return ok
}

func (t *connTable) unproved() *streamConn {
	for c := range t.conns {
		if !c.proved.Load() {
			return c
		}
	}
	return nil
}

func (t *connTable) remove(c *streamConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.conns[c]; !ok {
		return
	}
	delete(t.conns, c)
	if !c.counted {
		return
	}
	if t.perIP[c.source.Addr()]--; t.perIP[c.source.Addr()] <= 0 {
		delete(t.perIP, c.source.Addr())
	}
}

func (t *connTable) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.conns)
}

// find returns a living connection to an address.
func (t *connTable) find(transport string, to netip.AddrPort) *streamConn {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.conns {
		if c.transport == transport && c.source == to && c.dialled && !c.closed() {
			return c
		}
	}
	return nil
}

func (t *connTable) closeAll() {
	t.mu.Lock()
	all := make([]*streamConn, 0, len(t.conns))
	for c := range t.conns {
		all = append(all, c)
	}
	t.mu.Unlock()
	for _, c := range all {
		_ = c.Close()
	}
}

// streamConn is one TCP or TLS connection. Read returns whole judged messages
// only; whatever else comes is answered, dropped or ends the connection here.
type streamConn struct {
	net.Conn
	transport string
	source    netip.AddrPort
	dialled   bool // by us
	door      *door
	table     *connTable
	limits    Limits
	onClose   func(*streamConn)
	inUse     func(*streamConn) bool

	// Of a browser: the socket, its name for the library, and who has signed in.
	socket Socket
	handle netip.AddrPort
	who    string
	// How many messages a browser may send now, as of allowedAt.
	allowance float64
	allowedAt time.Time

	counted bool // among those of its address

	proved atomic.Bool
	ready  chan struct{} // closed by the first Read: the stack has taken it over
	once   sync.Once
	gone   chan struct{}
	close  sync.Once

	buf  []byte // read and not yet framed
	out  []byte // judged and not yet taken
	last time.Time
}

func (c *streamConn) closed() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}

// Close ends the connection and forgets it everywhere. Only the first caller
// waits for the peer's goodbye.
func (c *streamConn) Close() error {
	first := false
	c.close.Do(func() { close(c.gone); first = true })
	if !first {
		return nil
	}
	c.table.remove(c)
	if c.onClose != nil {
		c.onClose(c)
	}
	return c.Conn.Close() // last: a page may take seconds to answer
}

// Write limits how long a peer may keep us waiting. A failed write may have left
// half a message behind, after which the peer cannot find the next one.
func (c *streamConn) Write(p []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(writeTimeout))
	n, err := c.Conn.Write(p)
	if err != nil {
		_ = c.Close()
	}
	return n, err
}

// Read gives the SIP stack its next piece of a judged message.
func (c *streamConn) Read(p []byte) (int, error) {
	c.once.Do(func() { close(c.ready) })
	for len(c.out) == 0 {
		if err := c.next(); err != nil {
			_ = c.Close()
			return 0, io.EOF // the cause may hold what the peer wrote: it goes no further
		}
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

var errStreamLost = errors.New("stream cannot be followed")

// next takes one step: a keep-alive, a message, or more bytes.
func (c *streamConn) next() error {
	if c.socket != nil {
		return c.nextMessage()
	}
	if n, ping := wire.KeepAlive(c.buf); n > 0 {
		c.buf = c.buf[n:]
		if ping {
			_, err := c.Write([]byte("\r\n"))
			return err
		}
		return nil
	}
	n, head, fault := wire.Frame(c.buf, c.limits.MaxMessage)
	if fault != nil {
		c.door.refuse(head, fault, c.flow())
		c.drain()
		return errStreamLost
	}
	if n == 0 {
		return c.fill()
	}
	message := c.buf[:n]
	c.buf = c.buf[n:]
	c.last = time.Now()
	c.out = c.door.judge(message, c.flow())
	return nil
}

// drain lets the last answer arrive: closing with bytes unread would reset the
// connection and take the answer along.
func (c *streamConn) drain() {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_ = c.SetReadDeadline(time.Now().Add(drainTime))
	_, _ = io.CopyN(io.Discard, c.Conn, int64(2*c.limits.MaxMessage))
}

func (c *streamConn) flow() flow { return flow{transport: c.transport, source: c.source, conn: c} }

// fill reads more, for as long as the state of the connection allows: a begun
// message must be complete in time, however slowly it drips.
func (c *streamConn) fill() error {
	deadline := c.last.Add(c.limits.UnprovedIdle)
	if c.proved.Load() {
		deadline = time.Now().Add(c.limits.Idle)
	}
	if len(c.buf) > 0 {
		deadline = c.last.Add(c.limits.PartialTimeout)
	}
	proved := c.proved.Load()
	if err := c.SetReadDeadline(deadline); err != nil {
		return err
	}
	chunk := make([]byte, readChunk)
	n, err := c.Conn.Read(chunk)
	if n == 0 && len(c.buf) == 0 && errors.Is(err, os.ErrDeadlineExceeded) && c.stays(proved) {
		return nil
	}
	if n > 0 {
		if len(c.buf) == 0 && len(bytes.Trim(chunk[:n], "\r\n")) > 0 {
			// A message begins: its clock starts here. Keep-alives do not count,
			// they must not keep an unproved connection alive.
			c.last = time.Now()
		}
		c.buf = append(c.buf, chunk[:n]...)
		return nil
	}
	return err
}

// stays reports whether a connection outlives its idle time: it has proved
// itself while we waited, or somebody counts on it however quiet it is.
func (c *streamConn) stays(proved bool) bool {
	if proved {
		return c.inUse(c)
	}
	return c.proved.Load()
}

// streamListener hands accepted and dialled connections to the SIP stack, all
// guarded. It may have no socket: then only dialled ones come.
type streamListener struct {
	inner net.Listener // nil: dialled connections only
	tls   *tls.Config
	addr  net.Addr
	make  func(net.Conn, bool) *streamConn

	ready chan *streamConn
	done  chan struct{}
	begin sync.Once
	once  sync.Once
	wg    sync.WaitGroup
}

func newStreamListener(inner net.Listener, conf *tls.Config, mk func(net.Conn, bool) *streamConn) *streamListener {
	l := &streamListener{inner: inner, tls: conf, make: mk, ready: make(chan *streamConn), done: make(chan struct{})}
	l.addr = &net.TCPAddr{IP: net.IPv4zero}
	if inner != nil {
		l.addr = inner.Addr()
	}
	return l
}

func (l *streamListener) acceptLoop() {
	for {
		conn, err := l.inner.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			select { // out of file descriptors, most likely: let some go
			case <-l.done:
				return
			case <-time.After(50 * time.Millisecond):
				continue
			}
		}
		if l.tls != nil {
			conn = tls.Server(conn, l.tls)
		}
		c := l.make(conn, false)
		if !c.table.add(c) {
			_ = conn.Close()
			continue
		}
		l.wg.Go(func() { l.welcome(c) })
	}
}

// welcome shakes hands, within its time, and hands the connection over.
func (l *streamListener) welcome(c *streamConn) {
	if conn, ok := c.Conn.(*tls.Conn); ok {
		ctx, cancel := context.WithTimeout(context.Background(), handshakeTimeout)
		defer cancel()
		if err := conn.HandshakeContext(ctx); err != nil {
			_ = c.Close()
			return
		}
	}
	_ = l.hand(c)
}

// hand gives a connection to the stack.
func (l *streamListener) hand(c *streamConn) error {
	select {
	case l.ready <- c:
		return nil
	case <-l.done:
		_ = c.Close()
		return net.ErrClosed
	}
}

// Accept implements net.Listener for the stack.
func (l *streamListener) Accept() (net.Conn, error) {
	l.begin.Do(func() {
		if l.inner != nil {
			l.wg.Go(l.acceptLoop)
		}
	})
	select {
	case c := <-l.ready:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (l *streamListener) Addr() net.Addr { return l.addr }

// Close stops accepting and waits.
func (l *streamListener) Close() error {
	l.once.Do(func() {
		close(l.done)
		if l.inner != nil {
			_ = l.inner.Close()
		}
	})
	l.wg.Wait()
	return nil
}
