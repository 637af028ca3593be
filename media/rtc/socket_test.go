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
	m := &Mux{peers: map[netip.AddrPort]*Transport{}}
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

// TestSoundPastTheAgent: sound of the selected address goes to its endpoint,
// without an allocation, but for two packets a second that the agent sees; where
// the way is lost or leads elsewhere none does.
func TestSoundPastTheAgent(t *testing.T) {
	peer, moved := netip.MustParseAddrPort("192.0.2.1:4000"), netip.MustParseAddrPort("192.0.2.1:4002")
	m, tr, given := aWay(peer)
	mapped := netip.AddrPortFrom(netip.AddrFrom16(peer.Addr().As16()), peer.Port()) // as a dual-stack socket names it
	packet := make([]byte, 172)
	packet[0] = 0x80
	shown := 0
	const packets = 1000
	if n := testing.AllocsPerRun(packets-1, func() {
		if !m.sound(packet, mapped) {
			shown++
		}
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
	if shown < 1 || *given+shown != packets {
		t.Errorf("%d given, %d shown to the agent, of %d", *given, shown, packets)
	}
	tr.shown.Store(time.Now().Add(-showEvery).UnixNano())
	if m.sound(packet, peer) || !m.sound(packet, peer) {
		t.Error("the agent does not see one packet after its time")
	}
	m.leads(tr, moved)
	if m.sound(packet, peer) || !m.sound(packet, moved) {
		t.Error("the way has moved, and the old address is heard")
	}
	tr.open.Store(false)
	if m.sound(packet, moved) {
		t.Error("the way is lost, and heard")
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
		if past := m.sound(b, from); past != (sound && from == peer) || past != (*given == 1) {
			t.Fatalf("%v from %v: past the agent %v, given %d", b, from, past, *given)
		}
		before := *given
		tr.arrived(b) // by the agent
		if (*given-before == 1) != sound || (len(tr.dtls.in) == 1) != (kind == rtpio.DTLS) {
			t.Fatalf("%v by the agent: given %d, handshake %d", b, *given-before, len(tr.dtls.in))
		}
	})
}
