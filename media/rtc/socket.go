package rtc

import (
	"net"
	"net/netip"
	"time"

	"github.com/ivrd/ivrd/media/rtpio"
)

// showEvery is how often the agent is shown a packet of sound, by which it knows
// that the peer is there. The rest goes past it.
const showEvery = 500 * time.Millisecond

// socket is the port as the agents read and write it. Sound from the address that
// an agent has selected goes straight to its endpoint, on the goroutine that reads
// the port: by the agent each packet would be copied twice and wake two goroutines.
type socket struct {
	*net.UDPConn

	mux *Mux
}

// ReadFromAddrPort implements ice.AddrPortReaderWriter.
func (s socket) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := s.ReadFromUDPAddrPort(b)
		if err != nil || !s.mux.sound(b[:n], from) {
			return n, from, err
		}
	}
}

// WriteToAddrPort implements ice.AddrPortReaderWriter.
func (s socket) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return s.WriteToUDPAddrPort(b, to)
}

// sound gives a packet to the browser whose way leads to its source, and reports
// whether it was one's.
func (m *Mux) sound(b []byte, from netip.AddrPort) bool {
	if k := rtpio.KindOf(b); k != rtpio.RTP && k != rtpio.RTCP {
		return false
	}
	t := m.from(netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
	if t == nil || !t.open.Load() {
		return false
	}
	now := time.Now()
	if shown := t.shown.Load(); now.UnixNano()-shown >= int64(showEvery) && t.shown.CompareAndSwap(shown, now.UnixNano()) {
		return false
	}
	t.give(b, now)
	return true
}

// from is the browser whose way leads to an address; nil if there is none.
func (m *Mux) from(a netip.AddrPort) *Transport {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.peers[a]
}
