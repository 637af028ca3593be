package call

import (
	"strings"
	"time"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// turn is one ivr.Listen under way: prompts, then keys or words.
//
//	playing ──key (barge-in)──► typing ──last key, finish key, time──► heard
//	   └─────prompts over─────► waiting ──key──► typing
//	   │                           └────time────► heard nothing
//	   └──speech (barge-in)──► speaking ──end of speech──► heard a phrase, or none
type turn struct {
	ivr.Listen
	sound  []*media.Prompt
	result chan ivr.Heard

	play   media.PlayID
	over   bool // the prompts
	keys   []byte
	speech *answer // nil: keys only
	said   asr.Segment
}

func (t *turn) begin(c *Call) {
	if t.Secret {
		c.beginSecret()
	}
	if t.collects() && t.BargeIn {
		if t.typedAhead(c) {
			return
		}
	} else if t.collects() {
		c.typed = nil
	}
	t.listenFor(c)
	if len(t.sound) == 0 || len(t.keys) > 0 {
		t.promptsOver(c)
		return
	}
	// A finish key that comes late must not cut the prompts off: take stops them.
	stop := t.collects() && t.BargeIn && !c.late.due()
	t.play = c.caller.Stream().Play(media.Play{Prompts: t.sound, StopOnDigit: stop})
	c.scribe.prompted(c.session.Now(), t.Prompts)
}

func (t *turn) collects() bool { return t.Max > 0 }

// typedAhead takes the keys that were pressed before the turn began.
func (t *turn) typedAhead(c *Call) (ended bool) {
	for len(c.typed) > 0 {
		k := c.typed[0]
		c.typed = c.typed[1:]
		if t.take(c, k) {
			return true
		}
	}
	return false
}

func (t *turn) key(c *Call, k byte) {
	switch {
	case !t.collects():
		c.typeAhead(k)
	case !t.over && !t.BargeIn: // thrown away, as VoiceXML does without bargein
	default:
		t.take(c, k)
	}
}

// take adds one key and reports whether it ended the turn.
func (t *turn) take(c *Call, k byte) bool {
	t.hearNoMore(c)
	switch {
	case len(t.keys) == 0 && strings.IndexByte(t.Single, k) >= 0:
		t.keys = append(t.keys, k)
		t.ended(c, ivr.HeardKeys)
		return true
	case t.Finish != 0 && k == t.Finish:
		t.ended(c, ivr.HeardKeys)
		return true
	}
	t.keys = append(t.keys, k)
	if len(t.keys) >= t.Max {
		t.full(c)
		return true
	}
	if !t.over {
		c.caller.Stream().Stop()
	}
	c.after(t.KeyTimeout)
	return false
}

// full ends the turn by its length. Who was asked to end the entry with the
// finish key does so nevertheless; where the entry has none, # is what people
// are used to.
func (t *turn) full(c *Call) {
	key := t.Finish
	if key == 0 {
		key = '#'
	}
	switch {
	case len(c.typed) == 0:
		c.late = lateKey{key, time.Now().Add(t.KeyTimeout)}
	case c.typed[0] == key:
		c.typed = c.typed[1:]
	}
	t.ended(c, ivr.HeardKeys)
}

// lateKey is a finish key that means nothing any more, and until when it may
// come. It is thrown away once, and only as the first key.
type lateKey struct {
	key   byte
	until time.Time
}

func (l *lateKey) due() bool { return l.key != 0 && !time.Now().After(l.until) }

// is reports whether a key is the late one; after any key none is awaited.
func (l *lateKey) is(key byte) bool {
	late := l.due() && key == l.key
	*l = lateKey{}
	return late
}

func (t *turn) played(c *Call, id media.PlayID) {
	if id == t.play && !t.over {
		t.promptsOver(c)
	}
}

func (t *turn) promptsOver(c *Call) {
	t.over = true
	c.scribe.hushed(c.session.Now())
	switch {
	case !t.collects():
		t.ended(c, ivr.HeardPlayed)
	case len(t.keys) == 0:
		c.after(t.Timeout)
	default: // barged in: the time between keys is running
		c.after(t.KeyTimeout)
	}
}

func (t *turn) expired(c *Call) {
	switch {
	case t.speech != nil && t.speech.begun && t.Free: // so long a story is understood by its beginning
		t.answered()
	case t.speech != nil && t.speech.begun: // who goes on for so long means no phrase
		t.heard(c, ivr.Heard{Kind: ivr.HeardSpeech})
	case len(t.keys) == 0:
		t.ended(c, ivr.HeardNothing)
	default:
		t.ended(c, ivr.HeardKeys)
	}
}

// ended ends the turn with the keys that were pressed.
func (t *turn) ended(c *Call, kind ivr.HeardKind) {
	t.heard(c, ivr.Heard{Kind: kind, Keys: ivr.NewSecret(t.keys)})
}

func (t *turn) heard(c *Call, h ivr.Heard) {
	t.hearNoMore(c)
	c.caller.Stream().Stop()
	c.scribe.hushed(c.session.Now())
	if t.Secret {
		c.endSecret(secretTail)
	} else {
		c.scribe.answered(c.session.Now(), h, t.said)
	}
	t.result <- h
	c.done()
}

// secretTail is how long the recorder stays paused after the last secret key,
// whose tone may still sound.
const secretTail = 160 * time.Millisecond

func (t *turn) abandon(c *Call)        { t.hearNoMore(c) }
func (t *turn) other(*Call, leg.Event) {}
