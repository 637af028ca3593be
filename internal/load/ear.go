package load

import (
	"encoding/binary"
	"time"

	"github.com/ivrd/ivrd/media"
)

const (
	frameTime  = int64(media.FrameDuration)
	pauseAfter = int64(250 * time.Millisecond) // a gap, not jitter
	// listenEvery is how many packets go by between two looks at the tone.
	listenEvery = 50
	// learning is how many packets it takes to know when a sender's frames are due.
	learning = 50
	// leap is a jump of sequence numbers that begins a new stream.
	leap = 1000
)

// Heard counts what came to one side's legs: in packets, if nothing else is said.
type Heard struct {
	Received  uint64 `json:"received"`
	Lost      uint64 `json:"lost"` // sequence numbers that never came
	Duplicate uint64 `json:"duplicate"`
	Reordered uint64 `json:"reordered"` // came after a later one
	Restarts  uint64 `json:"restarts"`  // a new SSRC or a leap within a stream
	Pauses    uint64 `json:"pauses"`    // silences of the sender: more than 250 ms, or a jump of its time stamps
	Sound     uint64 `json:"sound"`     // louder than about -50 dBov
	Events    uint64 `json:"events"`    // RFC 4733
	Marked    uint64 `json:"marked"`    // with the mark of the right party
	Echoed    uint64 `json:"echoed"`    // with a mark of the leg's own
	Crossed   uint64 `json:"crossed"`   // with the mark of a wrong party: cross-talk
	WrongTone uint64 `json:"wrong_tone"`
	RightTone uint64 `json:"right_tone"`
	Invalid   uint64 `json:"invalid"` // no RTP, or SRTP that fails its test
	Unclaimed uint64 `json:"unclaimed"`

	jitter, delay, behind Histogram
}

// ear judges the stream that one leg hears.
type ear struct {
	begun bool
	ssrc  uint32
	seq   uint16 // highest
	seen  uint64 // of the 64 up to it
	stamp uint32
	at    int64 // arrival of the highest, ns
	// least is the earliest arrival of all, each less what its time stamp is after
	// first's, ns; learnt is how many packets it is of.
	least  int64
	first  uint32
	learnt uint32
	turn   uint32
	// expect is the mark that must be heard; 0: not known before the first.
	expect uint32
}

// rtp is a packet as far as it is looked at.
type rtp struct {
	pt      byte
	seq     uint16
	stamp   uint32
	ssrc    uint32
	payload []byte
}

// parseRTP reads a packet of RFC 3550 §5.1; ok is false when it is none.
func parseRTP(b []byte) (p rtp, ok bool) {
	if len(b) < 12 || b[0]>>6 != 2 {
		return p, false
	}
	at := 12 + 4*int(b[0]&0xF)
	if b[0]&0x10 != 0 { // an extension: 4 bytes and as many words as they say
		if len(b) < at+4 {
			return p, false
		}
		at += 4 + 4*int(binary.BigEndian.Uint16(b[at+2:]))
	}
	end := len(b)
	if b[0]&0x20 != 0 {
		end -= int(b[end-1])
	}
	if at > end {
		return p, false
	}
	return rtp{b[1] & 0x7F, binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:]), b[at:end]}, true
}

// order counts a packet and reports whether it is new.
func (e *ear) order(h *Heard, p *rtp, at int64) (fresh bool) {
	step := int16(p.seq - e.seq)
	switch {
	case !e.begun || p.ssrc != e.ssrc || step > leap || step < -leap:
		if e.begun {
			h.Restarts++
		}
		e.begun, e.ssrc, e.seq, e.seen, e.stamp, e.at = true, p.ssrc, p.seq, 1, p.stamp, at
		e.least, e.first, e.learnt = at, p.stamp, 0
		return true
	case step > 0:
		h.Lost += uint64(step - 1)
		if step == 1 {
			e.pace(h, p.stamp, at)
		}
		e.seq, e.seen, e.stamp, e.at = p.seq, e.seen<<step|1, p.stamp, at
		return true
	case step > -64 && e.seen>>-step&1 == 0: // it was counted as lost
		e.seen |= 1 << -step
		h.Reordered++
		h.Lost -= min(h.Lost, 1)
		return true
	}
	h.Duplicate++
	return false
}

// pace measures how far the time between two packets in a row is from 20 ms.
func (e *ear) pace(h *Heard, stamp uint32, at int64) {
	between := at - e.at
	if stamp-e.stamp != media.FrameSamples || between > pauseAfter {
		if stamp != e.stamp { // packets of one key share a stamp
			h.Pauses++
		}
		return
	}
	h.jitter.Add(time.Duration(max(between-frameTime, frameTime-between)))
	e.keepUp(h, stamp, at)
}

// keepUp measures how far a packet is behind the sender's own clock of 20 ms, as the
// earliest packets show it: what a server adds to its jitter buffer, whose frames are
// due at that clock.
func (e *ear) keepUp(h *Heard, stamp uint32, at int64) {
	begun := at - int64(stamp-e.first)*int64(time.Second/media.SampleRate)
	e.least = min(e.least, begun)
	if e.learnt++; e.learnt > learning {
		h.behind.Add(time.Duration(begun - e.least))
	}
}

// content looks at what a frame holds. own is the mark of the leg itself.
func (e *ear) content(h *Heard, s *sound, c media.Codec, own uint32, p *rtp, at int64) {
	if s.loud(c, p.payload) {
		h.Sound++
	}
	id, sent, ok := readMark(p.payload, c)
	switch {
	case !ok:
		return
	case e.expect == 0 && id == own:
		h.Echoed++
	case e.expect == 0: // the server does not tell us who is who: whoever speaks first stays
		e.expect = id
		h.Marked++
	case id == e.expect:
		h.Marked++
	default:
		h.Crossed++
		return
	}
	h.delay.Add(time.Duration(since(sent, at)))
}

// listen looks now and then whether the right party's tone is the loudest.
func (e *ear) listen(h *Heard, s *sound, c media.Codec, p *rtp) {
	if e.turn++; e.expect == 0 || e.turn%listenEvery != 0 || !s.loud(c, p.payload) {
		return
	}
	if s.loudest(c, p.payload) == toneOf(e.expect) {
		h.RightTone++
	} else {
		h.WrongTone++
	}
}
