package rtc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/rtpio"
)

const (
	// upTimeout bounds ICE and DTLS together, and a phone's DTLS alone.
	upTimeout = 15 * time.Second
	// A browser that sends nothing for disconnected + failed has gone: its
	// consent to be sent to would end after 30 s (RFC 7675), but its caller
	// must not wait that long.
	disconnected = 2 * time.Second
	failed       = 4 * time.Second
	keepalive    = time.Second
	// checkEvery is the pace while a path is looked for: each step of it waits for
	// the next check.
	checkEvery = 10 * time.Millisecond
	// gatherTimeout is for the agent to take up the port, which asks nobody.
	gatherTimeout = time.Second
	// goodbye is how long the hanging up of a browser that has ended its sound may
	// take on its own way, SIP.
	goodbye = time.Second
	// readBuffer holds every packet that is taken.
	readBuffer = 1500
)

// Transport is the way of one browser's sound. It is the packet connection of
// an rtpio.Endpoint: RTP and RTCP on one path (RFC 5761), from one peer. What
// comes is given to the endpoint by Hear.
type Transport struct {
	mux   *Mux
	agent *ice.Agent
	local media.WebLocal

	gathered chan struct{} // the agent has taken up the port; not since a restart
	closed   chan struct{}
	close    sync.Once
	dtls     *packets
	open     atomic.Bool // a way has been found and not lost
	anew     atomic.Bool // it is sought again after a restart

	hear  atomic.Pointer[func([]byte, netip.AddrPort, time.Time)]
	way   atomic.Pointer[netip.AddrPort] // the selected remote address; nil after a restart
	shown atomic.Int64                   // when the agent last saw a packet, ns since 1970

	peer netip.AddrPort // where the way leads; guarded by mux.mu

	mu      sync.Mutex
	named   map[netip.AddrPort]bool // candidates since the last restart
	checked int                     // candidates in all
	remote  *media.WebRemote
	conn    *ice.Conn
	shaking *shaker
	tell    func(*media.SRTPKeys, error)
}

// Peer is what Hear and the handshake are given as the source: whoever speaks on
// a path that ICE and DTLS have proved is the peer, whatever the address (discard,
// RFC 6666).
var Peer = netip.MustParseAddrPort("[100::1]:9") //nolint:gochecknoglobals // a constant

// Open prepares a path; nothing is sent before Start.
func (m *Mux) Open() (*Transport, error) {
	agent, err := ice.NewAgentWithOptions(
		ice.WithUDPMux(m.ice), ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4, ice.NetworkTypeUDP6}),
		ice.WithCandidateTypes([]ice.CandidateType{ice.CandidateTypeHost}), ice.WithIncludeLoopback(),
		ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled), ice.WithDisableActiveTCP(), ice.WithLoggerFactory(quiet{}),
		ice.WithDisconnectedTimeout(disconnected), ice.WithFailedTimeout(failed), ice.WithKeepaliveInterval(keepalive),
		ice.WithCheckInterval(checkEvery), ice.WithHostAcceptanceMinWait(0), ice.WithPrflxAcceptanceMinWait(0),
	)
	if err != nil {
		return nil, fmt.Errorf("make ICE agent: %w", err)
	}
	t := &Transport{
		mux: m, agent: agent, gathered: make(chan struct{}, 1), closed: make(chan struct{}),
		named: map[netip.AddrPort]bool{},
	}
	t.dtls = newPackets(t.closed, m.Addr(), func(b []byte) error { _, err := t.path().Write(b); return err })
	t.local = media.WebLocal{Fingerprint: m.identity.fingerprint, Candidates: m.candidates()}
	t.local.Ufrag, t.local.Pwd, err = agent.GetLocalUserCredentials()
	if err == nil {
		err = t.gather()
	}
	if err != nil {
		_ = agent.Close()
		return nil, fmt.Errorf("prepare ICE: %w", err)
	}
	return t, nil
}

// gather makes the agent use the port. What it finds is not told: the peer is
// told the mux's candidates.
func (t *Transport) gather() error {
	if err := t.agent.OnCandidate(func(c ice.Candidate) {
		if c == nil {
			t.gathered <- struct{}{} // there is room: no two gather at once
		}
	}); err != nil {
		return err
	}
	if err := t.agent.OnConnectionStateChange(t.changed); err != nil {
		return err
	}
	if err := t.agent.OnSelectedCandidatePairChange(func(_, remote ice.Candidate) { t.mux.leads(t, addressOf(remote)) }); err != nil {
		return err
	}
	return t.agent.GatherCandidates()
}

// changed follows ICE: a failed path is a peer that has gone.
func (t *Transport) changed(s ice.ConnectionState) {
	switch s {
	case ice.ConnectionStateConnected, ice.ConnectionStateCompleted:
		t.open.Store(true)
		t.settled()
	case ice.ConnectionStateFailed:
		t.open.Store(false)
		t.settled()
		t.report(nil, failure(media.FailedPath, errors.New("no packet has come through")))
	}
}

// settled ends the search after a restart.
func (t *Transport) settled() {
	if t.anew.Swap(false) {
		t.mux.seeking.Add(-1)
	}
}

// Local is what the peer is told.
func (t *Transport) Local() media.WebLocal { return t.local }

// Start follows what was negotiated: at first it finds the path and shakes
// hands, later it takes new candidates, or restarts ICE when the credentials are
// new (RFC 8839 §4.4.1.1.1). tell gets the keys once, and an error whenever the path is lost; it
// is called on goroutines of the transport.
func (t *Transport) Start(r media.WebRemote, tell func(*media.SRTPKeys, error)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tell = tell
	if t.remote == nil {
		t.remote = &r
		t.mux.seeking.Add(1)
		t.mux.nudge()
		go t.run(r)
		return nil
	}
	err := t.follow(*t.remote, r)
	if err == nil { // what was refused is refused again
		t.remote = &r
	}
	return err
}

// follow goes from one description of the peer to the next.
func (t *Transport) follow(old, r media.WebRemote) error {
	switch {
	case old.Fingerprint != r.Fingerprint:
		return failure(media.FailedFingerprint, errors.New("the peer's fingerprint has changed"))
	case old.Ufrag != r.Ufrag || old.Pwd != r.Pwd:
		return t.restart(r)
	}
	return t.add(r.Candidates)
}

// add has the agent check the addresses that a peer names, as far as they may
// be. It wants t.mu.
func (t *Transport) add(all []netip.AddrPort) error {
	for _, a := range all[:min(len(all), maxCandidates)] {
		if t.named[a] || t.checked >= maxChecked || !t.mux.mayCheck(a) || t.mux.taken(t, a) {
			continue
		}
		t.named[a] = true
		t.checked++
		c, err := candidateOf(a)
		if err == nil {
			err = t.agent.AddRemoteCandidate(c)
		}
		if err != nil {
			return fmt.Errorf("add ICE candidate: %w", err)
		}
	}
	return nil
}

func (t *Transport) restart(r media.WebRemote) error {
	select { // the agent's credentials may not change under it
	case <-t.gathered:
	case <-t.closed:
		return net.ErrClosed
	case <-time.After(gatherTimeout):
		return errors.New("restart ICE: the last restart is still under way")
	}
	t.open.Store(false)
	t.way.Store(nil)
	clear(t.named)
	if !t.anew.Swap(true) {
		t.mux.seeking.Add(1)
		t.mux.nudge()
	}
	if err := t.agent.Restart(r.LocalUfrag, r.LocalPwd); err != nil {
		return fmt.Errorf("restart ICE: %w", err)
	}
	if err := t.agent.GatherCandidates(); err != nil {
		return fmt.Errorf("restart ICE: %w", err)
	}
	if err := t.agent.SetRemoteCredentials(r.Ufrag, r.Pwd); err != nil {
		return fmt.Errorf("restart ICE: %w", err)
	}
	return t.add(r.Candidates)
}

// run brings the path up.
func (t *Transport) run(r media.WebRemote) {
	ctx, cancel := context.WithTimeout(context.Background(), upTimeout)
	defer cancel()
	go func() {
		select {
		case <-t.closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	keys, err := t.up(ctx, r)
	t.mux.seeking.Add(-1)
	if err != nil {
		t.report(nil, err)
		return
	}
	t.report(keys, nil)
	t.watch()
}

func (t *Transport) up(ctx context.Context, r media.WebRemote) (*media.SRTPKeys, error) {
	start := t.agent.StartAccept
	if r.Controlling {
		start = t.agent.StartDial
	}
	conn, err := start(r.Ufrag, r.Pwd)
	if err != nil {
		return nil, failure(media.FailedPath, err)
	}
	t.mu.Lock()
	err = t.add(r.Candidates)
	t.conn = conn
	t.mu.Unlock()
	if err != nil {
		return nil, failure(media.FailedPath, err)
	}
	go t.read(conn)
	if err := t.agent.AwaitConnect(ctx); err != nil {
		return nil, failure(media.FailedPath, err)
	}
	t.open.Store(true)
	return t.shake(ctx, r)
}

func (t *Transport) path() *ice.Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.conn
}

func (t *Transport) shake(ctx context.Context, r media.WebRemote) (*media.SRTPKeys, error) {
	s, err := newShaker(t.mux.identity, t.dtls, r.Fingerprint, r.Client)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.shaking = s
	t.mu.Unlock()
	return s.shake(ctx)
}

// watch waits for the peer's goodbye. It comes with every hanging up, often before
// that, and must not look like a browser that was lost.
func (t *Transport) watch() {
	t.shaking.read()
	select {
	case <-t.closed:
	case <-time.After(goodbye):
		t.report(nil, failure(media.FailedPath, errors.New("the peer has said goodbye")))
	}
}

// report tells the owner, unless it has closed us.
func (t *Transport) report(keys *media.SRTPKeys, err error) {
	select {
	case <-t.closed:
		return
	default:
	}
	t.mu.Lock()
	tell := t.tell
	t.mu.Unlock()
	if tell != nil {
		tell(keys, err)
	}
}

// Hear has the RTP and RTCP of the path given to f, which must neither keep the
// bytes nor wait. It may be called by two goroutines at once. Peer is the source.
func (t *Transport) Hear(f func(b []byte, from netip.AddrPort, now time.Time)) { t.hear.Store(&f) }

// give hands sound to the endpoint, if there is one.
func (t *Transport) give(b []byte, now time.Time) {
	if f := t.hear.Load(); f != nil {
		(*f)(b, Peer, now)
	}
}

// read takes what comes by the agent: the handshake, and what little sound the
// port does not give to us itself. It ends with the agent.
func (t *Transport) read(conn *ice.Conn) {
	buf := make([]byte, readBuffer)
	for {
		n, err := conn.Read(buf)
		switch {
		case errors.Is(err, io.ErrShortBuffer): // no packet of ours is as long
		case err != nil:
			return
		default:
			t.arrived(buf[:n])
		}
	}
}

func (t *Transport) arrived(b []byte) {
	switch rtpio.KindOf(b) {
	case rtpio.DTLS:
		t.dtls.take(b)
	case rtpio.RTP, rtpio.RTCP:
		t.give(b, time.Now())
	}
}

// WriteTo sends one packet to the peer, wherever that is.
func (t *Transport) WriteTo(b []byte, _ netip.AddrPort) error {
	if !t.open.Load() {
		return net.ErrClosed
	}
	if to := t.way.Load(); to != nil { // past the agent, which would look it up for each packet
		return t.mux.conn.WriteTo(b, *to)
	}
	_, err := t.path().Write(b)
	return err
}

// LocalAddr is the one port of all browsers.
func (t *Transport) LocalAddr() netip.AddrPort { return t.mux.Addr() }

// Close says goodbye in the background: the caller is a media worker.
func (t *Transport) Close() error {
	t.close.Do(func() {
		close(t.closed)
		t.mux.closing.Go(func() {
			t.mu.Lock()
			s := t.shaking
			t.mu.Unlock()
			if s != nil {
				_ = s.secure.Close()
			}
			_ = t.agent.Close()
			t.settled()
			t.mux.leads(t, netip.AddrPort{}) // and no late word of the agent leads anywhere
			t.way.Store(nil)
			t.open.Store(false)
		})
	})
	return nil
}
