package load

import (
	"encoding/binary"

	"github.com/ivrd/ivrd/media"
)

const (
	headerBytes = 12
	packetBytes = headerBytes + media.FrameSamples
	// eventBytes is RFC 4733 §2.3.
	eventBytes = 4
	// keyFrames is how long a key is pressed: five updates, then its end three
	// times; keyStep is the time from one key to the next.
	keyUpdates = 5
	keyFrames  = keyUpdates + 3
	keyStep    = keyFrames + 4
	keyLevel   = 10 // -dBm0
)

// leg is the media of one end of a call.
type leg struct {
	ear

	side   *side
	port   *port
	remote place
	codec  media.Codec
	event  byte   // payload type of keys; 0: the peer takes none
	id     uint32 // in its marks
	crypto *cryptor

	ssrc  uint32
	seq   uint16
	stamp uint32
	first bool // the next packet begins the stream
	mute  bool // the peer does not want to hear us

	keys  *script
	frame int // since the answer
	next  int // stroke of the script
	again int // frames that repetitions of the script have taken
	key   keying

	slot, place int // where it is in the port's wheel; slot -1: nowhere
}

// keying is a key that is being pressed.
type keying struct {
	code  byte
	frame int // of keyFrames; 0: none is pressed
	stamp uint32
}

// write makes the next packet and returns its length: packetBytes of sound, which
// is still to be marked, or fewer of a key.
func (l *leg) write(b []byte, s *sound) int {
	l.press()
	l.frame++
	l.seq++
	l.stamp += media.FrameSamples
	b[0], b[1] = 0x80, l.codec.PayloadType()
	if l.first {
		b[1] |= 0x80
		l.first = false
	}
	binary.BigEndian.PutUint16(b[2:], l.seq)
	binary.BigEndian.PutUint32(b[4:], l.stamp)
	binary.BigEndian.PutUint32(b[8:], l.ssrc)
	if l.key.frame > 0 {
		return l.writeKey(b)
	}
	copy(b[headerBytes:packetBytes], s.frames[index(l.codec)][toneOf(l.id)][:])
	return packetBytes
}

// press begins the next key of the script when it is due.
func (l *leg) press() {
	if l.key.frame > 0 || l.keys == nil || l.event == 0 {
		return
	}
	if l.next == len(l.keys.strokes) {
		if l.keys.every == 0 {
			l.keys = nil
			return
		}
		l.next, l.again = 0, l.again+l.keys.every
	}
	if st := l.keys.strokes[l.next]; l.frame >= l.again+st.frame {
		l.next++
		l.key = keying{code: st.code, frame: 1, stamp: l.stamp + media.FrameSamples}
		l.side.keys++
	}
}

// writeKey makes one packet of a key: all have the stamp of its beginning
// (RFC 4733 §2.5.1.2).
func (l *leg) writeKey(b []byte) int {
	k := &l.key
	b[1] = l.event
	if k.frame == 1 {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint32(b[4:], k.stamp)
	b[12], b[13] = k.code, keyLevel
	if k.frame > keyUpdates {
		b[13] |= 0x80
	}
	binary.BigEndian.PutUint16(b[14:], uint16(min(k.frame, keyUpdates))*media.FrameSamples)
	if k.frame++; k.frame > keyFrames {
		k.frame = 0
	}
	return headerBytes + eventBytes
}
