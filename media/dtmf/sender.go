package dtmf

import "strings"

const (
	// keySamples and gapSamples are the length of a key and of the silence
	// after it, in 8 kHz samples: 100 ms each.
	keySamples = 800
	gapSamples = 800
	// endPackets is how often the end of an event is sent (RFC 4733 §2.5.1.4).
	endPackets = 3
	// keyVolume is the level of a key in -dBm0, as telephones send it.
	keyVolume = 10
	// maxQueued is how many keys wait at most.
	maxQueued = 128
)

// Packet is one packet to send: all packets of an event carry the timestamp at
// which it began.
type Packet struct {
	Payload   [PayloadSize]byte
	Timestamp uint32
	Marker    bool
}

// Sender turns keys into packets, one each Step. Its first packet of a key
// already tells of one Step's duration. The zero Sender is ready.
type Sender struct {
	// Step is the time between two calls of Next in 8 kHz samples: 160 (which
	// 0 means) or 400.
	Step uint32

	queue   []byte // event codes
	began   bool
	start   uint32 // timestamp of the running event
	elapsed uint32 // since the event began, in samples
	ends    int    // end packets sent
}

// Queue appends keys. It refuses, as a whole, what holds anything that is no
// key, and silently drops what goes beyond 128 waiting keys.
func (s *Sender) Queue(digits string) error {
	if err := Check(digits); err != nil {
		return err
	}
	for i := range len(digits) {
		if len(s.queue) < maxQueued {
			s.queue = append(s.queue, byte(strings.IndexByte(keys, digits[i])))
		}
	}
	return nil
}

// Active reports whether a key is being sent or waits: no other sound should
// be sent meanwhile.
func (s *Sender) Active() bool { return len(s.queue) > 0 }

// Next is to be called each Step with the timestamp that sound would have now.
// It returns the packet to send, or false when there is none, as in the
// silence between two keys.
func (s *Sender) Next(now uint32) (Packet, bool) {
	if len(s.queue) == 0 {
		return Packet{}, false
	}
	first := !s.began
	if first {
		s.began, s.start, s.elapsed, s.ends = true, now, 0, 0
	}
	s.elapsed += s.step()
	e := event{code: s.queue[0], volume: keyVolume, duration: uint16(min(s.elapsed, keySamples))}
	e.end = s.elapsed >= keySamples
	send := s.ends < endPackets
	if e.end && send {
		s.ends++
	}
	if s.elapsed >= keySamples+gapSamples && s.ends == endPackets {
		s.began = false
		s.queue = s.queue[:copy(s.queue, s.queue[1:])]
	}
	return Packet{Payload: e.payload(), Timestamp: s.start, Marker: first}, send
}

func (s *Sender) step() uint32 {
	if s.Step == 0 {
		return 160
	}
	return s.Step
}
