package dtmf

import (
	"strings"

	"github.com/ivrd/ivrd/media"
)

const (
	// endPackets is how often the end of an event is sent at least (RFC 4733
	// §2.5.1.4).
	endPackets = 3
	// keyVolume is the level of a key in -dBm0, as telephones send it.
	keyVolume = 10
)

// Packet is one packet to send: all packets of an event carry the timestamp at
// which it began.
type Packet struct {
	Payload   [PayloadSize]byte
	Timestamp uint32
	Marker    bool
}

// Sender turns keys into packets, one each Step. Its first packet of a key
// already tells of one Step's duration. Its last one is repeated through the
// silence between two keys, five times at 20 ms: RFC 4733 asks for three, but
// then two bursts of four lost packets take one key of 160; with five, of 1300.
// The zero Sender is ready.
type Sender struct {
	// Clock is the rate of RTP timestamps in Hz, in which durations are counted,
	// too (RFC 4733 §2.3.5): that of the codec beside which the events are sent,
	// 48000 with Opus. 0 means 8000.
	Clock uint32
	// Step is the time between two calls of Next in ticks of Clock, at most
	// 100 ms; 0 means 20 ms.
	Step uint32

	waiting

	began   bool
	start   uint32 // timestamp of the running event
	elapsed uint32 // since the event began, in ticks
	ends    int    // end packets sent
}

// Next is to be called each Step with the timestamp that sound would have now.
// It returns the packet to send, or false when there is none, as in the
// silence between two keys.
func (s *Sender) Next(now uint32) (Packet, bool) {
	if !s.Active() {
		return Packet{}, false
	}
	first := !s.began
	if first {
		s.began, s.start, s.elapsed, s.ends = true, now, 0, 0
	}
	s.elapsed += s.step()
	length := s.clock() * keyMillis / 1000
	e := event{
		code:     byte(strings.IndexByte(keys, s.first())),
		end:      s.elapsed >= length,
		volume:   keyVolume,
		duration: uint16(min(s.elapsed, length)),
	}
	send := !e.end || s.ends < endPackets || s.elapsed < 2*length
	if e.end && send {
		s.ends++
	}
	if s.elapsed >= 2*length && s.ends >= endPackets {
		s.began = false
		s.done()
	}
	return Packet{Payload: e.payload(), Timestamp: s.start, Marker: first}, send
}

func (s *Sender) clock() uint32 {
	if s.Clock == 0 {
		return media.SampleRate
	}
	return s.Clock
}

func (s *Sender) step() uint32 {
	if s.Step == 0 {
		return s.clock() / 50
	}
	return s.Step
}
