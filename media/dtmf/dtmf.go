// Package dtmf sends and receives keys: as RFC 4733 telephone-events (Sender,
// Receiver) and as tones in the sound (Tones, Detector). All four are state
// machines without clock and network: their owner hands packets and frames in
// and takes them out.
package dtmf

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// PayloadSize is the length of an event's payload, in bytes (RFC 4733 §2.3).
const PayloadSize = 4

// Events 0 to 15 are the keys, in this order (RFC 4733 §3.2).
const keys = "0123456789*#ABCD"

// Check reports the first character of digits that is no key (0-9 * # A-D).
func Check(digits string) error {
	for i, r := range digits {
		if !strings.ContainsRune(keys, r) {
			return fmt.Errorf("send digits: character %d is not a key (hint: 0-9, *, # and A-D are)", i+1)
		}
	}
	return nil
}

// event is one payload (RFC 4733 §2.3).
type event struct {
	code     byte
	end      bool
	volume   byte // in -dBm0
	duration uint16
}

const (
	endBit     = 0x80
	volumeBits = 0x3F
)

func parseEvent(b []byte) (event, bool) {
	if len(b) < PayloadSize {
		return event{}, false
	}
	return event{
		code:     b[0],
		end:      b[1]&endBit != 0,
		volume:   b[1] & volumeBits,
		duration: binary.BigEndian.Uint16(b[2:]),
	}, true
}

func (e event) payload() (b [PayloadSize]byte) {
	b[0], b[1] = e.code, e.volume&volumeBits
	if e.end {
		b[1] |= endBit
	}
	binary.BigEndian.PutUint16(b[2:], e.duration)
	return b
}
