package rtc

import (
	"net/netip"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media/rtpio"
)

// aWay is a port with one browser whose way has been found, and what its endpoint
// was given.
func aWay(peer netip.AddrPort) (*Mux, *Transport, *int) {
	m := &Mux{peers: map[netip.AddrPort]*Transport{}, aside: newAside(nil)}
	t, given := &Transport{mux: m, closed: make(chan struct{})}, new(int)
	t.Hear(func(_ []byte, from netip.AddrPort, _ time.Time) {
		if from == Peer {
			*given++
		}
	})
	t.open.Store(true)
	m.leads(t, peer)
	return m, t, given
}

// shows reports whether the agents have been left something, and takes it.
func (m *Mux) shows(t *testing.T) bool {
	t.Helper()
	if len(m.aside.waiting) == 0 {
		return false
	}
	if _, _, err := m.aside.ReadFromAddrPort(make([]byte, readBuffer)); err != nil {
		t.Error(err)
	}
	return true
}

// TestSoundPastTheAgent: sound of the selected address goes to its endpoint,
// without an allocation, but for two packets a second that the agent sees; where
// the way is lost or leads elsewhere none does.
func TestSoundPastTheAgent(t *testing.T) {
	peer, moved := netip.MustParseAddrPort("192.0.2.1:4000"), netip.MustParseAddrPort("192.0.2.1:4002")
	m, tr, given := aWay(peer)
	packet := make([]byte, 172)
	packet[0] = 0x80
	shown, now := 0, time.Now()
	const packets = 1000
	arrive := func(from netip.AddrPort) (past bool) {
		m.arrived(packet, from, now)
		return !m.shows(t)
	}
	arrive(peer) // makes the room for all that follow
	if n := testing.AllocsPerRun(packets-1, func() {
		now = now.Add(20 * time.Millisecond)
		m.arrived(packet, peer, now)
		if len(m.aside.waiting) > 0 {
			m.aside.free <- <-m.aside.waiting
			shown++
		}
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
	if shown != packets/25 || *given+shown != packets {
		t.Errorf("%d given, %d shown to the agent, of %d", *given, shown, packets)
	}
	now = now.Add(showEvery)
	if arrive(peer) || !arrive(peer) {
		t.Error("the agent does not see one packet after its time")
	}
	m.leads(tr, moved)
	if arrive(peer) || !arrive(moved) {
		t.Error("the way has moved, and the old address is heard")
	}
	tr.open.Store(false)
	if arrive(moved) {
		t.Error("the way is lost, and heard")
	}
}

// TestStrangersLeaveRoom: what strangers send fills half of the agents' queue, and
// no more is kept of it; a browser's checks find room. Neither waits.
func TestStrangersLeaveRoom(t *testing.T) {
	peer, stranger := netip.MustParseAddrPort("192.0.2.1:4000"), netip.MustParseAddrPort("192.0.2.66:4000")
	m, _, _ := aWay(peer)
	for _, b := range [][]byte{{0, 1, 0, 0}, {22, 254, 253}, {0x80, 0, 0, 1}, {0xFF, 0}} {
		for range asideQueue {
			m.arrived(b, stranger, time.Now())
		}
	}
	if n := len(m.aside.waiting); n != asideQueue/2 {
		t.Errorf("%d packets of strangers wait", n)
	}
	for range 2 * asideQueue {
		m.arrived([]byte{0, 1, 0, 0}, peer, time.Now())
	}
	if n := len(m.aside.waiting); n != asideQueue {
		t.Errorf("%d packets wait, with those of a browser", n)
	}
}

// endless is a port with always one more packet of a stranger.
type endless struct {
	rtpio.SharedConn

	read int
}

func (c *endless) TryRead(b []byte) (n int, from netip.AddrPort, at time.Time, ok bool) {
	c.read++
	return copy(b, []byte{0x80, 0, 0, 1}), netip.MustParseAddrPort("192.0.2.66:4000"), time.Now(), true
}

// TestLookIsBounded: a tick reads a bounded number of packets, once however many
// legs it has, does not wait for who reads already, and leaves the rest to the
// mux's own goroutine.
func TestLookIsBounded(t *testing.T) {
	m, tr, _ := aWay(netip.MustParseAddrPort("192.0.2.1:4000"))
	port := &endless{}
	m.shared, m.more, m.epoch = port, make(chan struct{}, 1), time.Now()
	tick := m.epoch.Add(20 * time.Millisecond)
	tr.Look(tick)
	tr.Look(tick)
	if port.read != lookAtMost || len(m.more) != 1 {
		t.Errorf("a tick has read %d packets, woken %d", port.read, len(m.more))
	}
	m.reading.Lock()
	tr.Look(tick.Add(20 * time.Millisecond))
	m.reading.Unlock()
	if port.read != lookAtMost {
		t.Error("two read at once")
	}
	tr.Look(tick.Add(40 * time.Millisecond))
	if port.read != 2*lookAtMost {
		t.Errorf("%d packets are read by the next tick", port.read-lookAtMost)
	}
}

// FuzzPort: of what comes to the port of all browsers only sound of a selected
// address goes past the agents; STUN and DTLS never do, nor does a stranger.
func FuzzPort(f *testing.F) {
	f.Add([]byte{0x80, 0, 0, 1}, uint16(4000))
	f.Add([]byte{0x80, 200, 0, 1}, uint16(4000))
	f.Add([]byte{22, 254, 253}, uint16(4000))
	f.Add([]byte{0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42}, uint16(4000))
	f.Add([]byte{0x80, 0, 0, 1}, uint16(4001))
	f.Fuzz(func(t *testing.T, b []byte, port uint16) {
		peer := netip.MustParseAddrPort("192.0.2.1:4000")
		from := netip.AddrPortFrom(peer.Addr(), port)
		m, tr, given := aWay(peer)
		tr.shown.Store(time.Now().UnixNano())
		tr.dtls = newPackets(tr.closed, peer, nil)
		kind := rtpio.KindOf(b)
		sound := kind == rtpio.RTP || kind == rtpio.RTCP
		m.arrived(b, from, time.Now())
		if aside := m.shows(t); (*given == 1) != (sound && from == peer) || aside != (kind != rtpio.Unknown && *given == 0) {
			t.Fatalf("%v from %v: aside %v, given %d", b, from, aside, *given)
		}
		before := *given
		tr.arrived(b) // by the agent
		if (*given-before == 1) != sound || (len(tr.dtls.in) == 1) != (kind == rtpio.DTLS) {
			t.Fatalf("%v by the agent: given %d, handshake %d", b, *given-before, len(tr.dtls.in))
		}
	})
}
