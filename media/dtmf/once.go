package dtmf

import "github.com/ivrd/ivrd/media"

// Way is how a key came. A later one is the better witness: it is the one to
// believe of a peer that uses several for one press.
type Way uint8

// The ways of keys.
const (
	InBand Way = iota // tones in the sound
	Info              // SIP INFO
	Event             // telephone-event
)

// together is how far apart two ways may tell of one press: 500 ms, which is a
// first repetition of an INFO that was lost.
const together = media.SampleRate / 2

// Once counts each press of a peer once, whatever ways tell of it: there are
// peers that send a telephone-event, an INFO and the tone, all for one key.
//
// As soon as a better way has brought a key, a lesser one is not listened to
// any more, so that an INFO that was repeated for seconds does no harm. What the
// lesser way told before then is the same press when the better way tells the
// same key within 500 ms.
//
// The zero Once is ready. It does not allocate.
type Once struct {
	best  Way
	told  [8]press // of late, oldest first
	count int      // of told
}

// press is one that was counted, and the best way that has told of it.
type press struct {
	key byte
	way Way
	at  media.Time
}

// Counts reports whether a key is a press that was not counted before. Times
// are those of one clock and do not run backwards.
func (o *Once) Counts(way Way, key byte, at media.Time) bool {
	if way < o.best {
		return false
	}
	o.best = way
	for o.count > 0 && at-o.told[0].at > together {
		o.drop()
	}
	for i := range o.told[:o.count] {
		if p := &o.told[i]; p.key == key && p.way < way {
			p.way = way
			return false
		}
	}
	o.tell(press{key, way, at})
	return true
}

// tell remembers a press, so that a better way can claim it.
func (o *Once) tell(p press) {
	if o.count == len(o.told) {
		o.drop()
	}
	o.told[o.count] = p
	o.count++
}

func (o *Once) drop() {
	copy(o.told[:], o.told[1:o.count])
	o.count--
}

// Reset forgets the peer: another one may use other ways.
func (o *Once) Reset() { *o = Once{} }
