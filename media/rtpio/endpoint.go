package rtpio

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/dtmf"
)

const (
	// DefaultRest is how long a closed pair of ports rests at least.
	DefaultRest = 2 * time.Second
	// maxRest frees a pair although its old peer never falls silent.
	maxRest = 5 * time.Minute
	// maxDatagram holds every packet that is taken: longer ones are cut and
	// then fail their own length checks.
	maxDatagram = 1500
	// maxPayload is 60 ms of sound, in samples.
	maxPayload = 3 * frameSamples
	// maxKeys is how many keys wait for one tick.
	maxKeys = 8
)

// Scratch is room for the packet at hand, shared by all endpoints of a worker:
// so it stays in the processor's cache.
type Scratch struct {
	in, plain, out, sealed [maxDatagram]byte
}

// Endpoint is the RTP and RTCP of one leg. Its sockets are polled by Take, or
// read by two goroutines. Take, Send, Miss, Report and Close belong to one
// goroutine at a time, the leg's worker; the other methods may be called by any.
//
// What each tick needs stands together, at the beginning and around the jitter
// buffer's: with a thousand calls, each line of memory costs as much as a branch
// of code.
type Endpoint struct {
	pair     *pair
	rtp      PolledConn // of pair, unless goroutines wait on it
	scratch  *Scratch
	mu       sync.Mutex
	takes    uint32 // how often Take was called
	singles  int16  // ticks in a row that read one packet
	steady   int16  // packets since the source was locked, up to narrowAfter
	timed    int16  // packets whose time of arrival is still asked for
	sequence uint16 // of the sender, as is what follows
	octets   uint32
	sent     atomic.Uint64

	connected, arrived bool // arrived: since the last Take
	narrowed, resting  bool // narrowed: rtp takes from the peer only
	muxed              bool // RTCP comes to the RTP port (RFC 5761)
	keyCount           uint8
	seal, open         *cryptor       // seal is the worker's, open is guarded by mu
	peer               netip.AddrPort // where to send
	lock               sourceLock
	counts             receiveCounts
	reception          reception
	jitter             jitterBuffer
	judge              judge
	remote             media.Remote

	// The rest is needed now and then.
	rtcp      PolledConn
	shared    LookedAt // what Over was given, if it is one; else nil
	guard     *Guard
	rest      time.Duration
	epoch     time.Time // arrival times count from here
	ssrc      uint32
	cname     string
	aside     func([]byte, netip.AddrPort) bool // takes DTLS; else nil
	dropped   atomic.Uint64                     // by the system, of others than the peer
	openRTCP  *cryptor
	plain     *[maxDatagram]byte // of Deliver
	events    dtmf.Receiver
	keys      [maxKeys]byte
	control   control
	closedAt  time.Time
	restUntil time.Time
}

type receiveCounts struct {
	received, foreign, invalid, unproved uint64
}

// control is what RTCP has told.
type control struct {
	lastSR     uint32 // middle bits of the peer's report
	lastSRAt   time.Time
	rtt        time.Duration
	remoteLost uint32
	remoteJit  uint32
	source     netip.AddrPort // where the peer's RTCP came from
	report     Report         // kept for its room
}

// Open binds a pair of ports and starts reading. Until Connect all that comes
// is dropped. It fails with media.ErrNoPorts.
func Open(ports *Ports, guard *Guard, rest time.Duration) (*Endpoint, error) {
	pair, err := ports.open()
	if err != nil {
		return nil, err
	}
	if rest == 0 {
		rest = DefaultRest
	}
	e := newEndpoint(pair, guard, rest)
	e.listen()
	return e, nil
}

// listen starts who reads.
func (e *Endpoint) listen() {
	if rtp, ok := e.pair.rtp.(PacketConn); ok {
		go e.readRTP(rtp)
		if rtcp, ok := e.pair.rtcp.(PacketConn); ok {
			go e.readRTCP(rtcp)
		}
		return
	}
	e.rtp, _ = e.pair.rtp.(PolledConn)
	e.rtcp, _ = e.pair.rtcp.(PolledConn)
}

// Over makes an endpoint of a connection that carries RTP and RTCP together
// (RFC 5761) and leads to one peer only, who was proved by other means. Connect
// takes what the connection names as that peer for Addr. Nobody reads the
// connection: its owner gives what comes to Deliver; it is asked to by Take if it
// is a LookedAt. Close closes it at once.
func Over(conn Conn, guard *Guard) *Endpoint {
	e := newEndpoint(&pair{rtp: conn, rtcp: conn}, guard, 0)
	e.shared, _ = conn.(LookedAt)
	e.muxed = true
	return e
}

func newEndpoint(pair *pair, guard *Guard, rest time.Duration) *Endpoint {
	var random [18]byte
	_, _ = rand.Read(random[:]) // never fails
	return &Endpoint{
		timed:    timedPackets,
		pair:     pair,
		guard:    guard,
		rest:     rest,
		epoch:    time.Now(),
		ssrc:     binary.BigEndian.Uint32(random[:]),
		sequence: binary.BigEndian.Uint16(random[4:]),
		cname:    base64.RawURLEncoding.EncodeToString(random[6:]), // RFC 7022 §4.2
	}
}

// Use lets an endpoint share its worker's room, before it is used otherwise.
func (e *Endpoint) Use(s *Scratch) { e.scratch = s }

// room is for the packet at hand.
func (e *Endpoint) room() *Scratch {
	if e.scratch == nil {
		e.scratch = new(Scratch)
	}
	return e.scratch
}

// Local is the bound RTP address.
func (e *Endpoint) Local() netip.AddrPort { return e.pair.rtp.LocalAddr() }

// SSRC of what is sent.
func (e *Endpoint) SSRC() uint32 { return e.ssrc }

// Connect sets what was negotiated, and may do so again. An address that must
// not be sent to is refused unless the direction forbids sending. It must not
// run at the same time as Send.
func (e *Endpoint) Connect(r media.Remote) error {
	r.Addr, r.RTCP, r.Signalling = unmap(r.Addr), unmap(r.RTCP), r.Signalling.Unmap()
	sends := Sends(r.Direction)
	switch {
	case !r.Codec.Valid():
		return fmt.Errorf("connect stream: codec %v is not one of ours", r.Codec)
	case sends && !e.guard.Allows(r.Addr):
		return fmt.Errorf("connect stream: RTP is never sent to %v", r.Addr)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.secure(r.SRTP); err != nil {
		return fmt.Errorf("connect stream: %w", err)
	}
	if e.lock.signal(r.Addr, r.Signalling); !e.lock.locked {
		e.widen()
	}
	if !e.connected || e.remote.Codec != r.Codec {
		e.jitter.reset(r.Codec)
	}
	e.remote, e.connected = r, true
	e.settle()
	e.judge.codec(r.Codec)
	e.muxed = r.RTCPMux || e.pair.muxed()
	e.peer = e.destination()
	e.remote.SRTP = cloneKeys(r.SRTP)
	return nil
}

// destination is where to send: what was signalled, or the source that has
// proved itself; nowhere before proof when the description names a host that
// its sender does not speak from and nobody vouches for.
func (e *Endpoint) destination() netip.AddrPort {
	r := &e.remote
	if !e.lock.locked && !r.Vouched && r.Signalling.IsValid() && r.Signalling != r.Addr.Addr() {
		return netip.AddrPort{}
	}
	return e.lock.source
}

// secure makes the contexts of new keys; the same keys keep theirs, whose
// rollover counters go on.
func (e *Endpoint) secure(k *media.SRTPKeys) error {
	if sameKeys(e.remote.SRTP, k) {
		return nil
	}
	send, receive, err := newCryptors(k)
	if err != nil {
		return err
	}
	_, control, err := newCryptors(k)
	if err != nil {
		return err
	}
	e.seal, e.open, e.openRTCP = send, receive, control
	return nil
}

func sameKeys(a, b *media.SRTPKeys) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Suite == b.Suite && bytes.Equal(a.Send, b.Send) && bytes.Equal(a.Receive, b.Receive)
}

func cloneKeys(k *media.SRTPKeys) *media.SRTPKeys {
	if k == nil {
		return nil
	}
	return &media.SRTPKeys{Suite: k.Suite, Send: bytes.Clone(k.Send), Receive: bytes.Clone(k.Receive)}
}

// Stats fills in what the endpoint knows.
func (e *Endpoint) Stats() media.Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settle()
	return media.Stats{
		Sent:         e.sent.Load(),
		Received:     e.counts.received,
		Lost:         uint64(max(e.reception.lost(), 0)),
		Late:         e.jitter.count.late,
		Duplicate:    e.jitter.count.duplicate,
		Foreign:      e.counts.foreign + e.dropped.Load(),
		Invalid:      e.counts.invalid,
		Jitter:       units(e.reception.jitter >> 4),
		RTT:          e.control.rtt,
		RemoteLost:   e.control.remoteLost,
		RemoteJitter: units(e.control.remoteJit),
		Codec:        e.remote.Codec,
		Heard:        e.judge.heard.Quality(),
		PeerHeard:    e.judge.told.Quality(),
	}
}

// units converts RTP timestamp units to time.
func units(n uint32) time.Duration { return media.Time(n).Duration() }

// Close stops hearing at once; nothing may be sent from then on. The ports stay
// bound until the old peer has been quiet for the rest, or until Ports is
// closed. It may be called twice.
func (e *Endpoint) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.resting {
		return
	}
	e.resting = true
	e.closedAt = time.Now()
	if e.pair.muxed() {
		_ = e.pair.rtp.Close()
		return
	}
	e.restUntil = e.closedAt.Add(e.rest)
	e.pair.rest()
	if e.rtp != nil {
		e.widen()
		e.pair.ports.sweep(e)
		return
	}
	e.wakeAt(e.restUntil)
}

// wakeAt lets the goroutine that reads look at the time.
func (e *Endpoint) wakeAt(t time.Time) {
	if rtp, ok := e.pair.rtp.(PacketConn); ok {
		_ = rtp.SetReadDeadline(t)
	}
}
