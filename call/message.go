package call

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
)

// message is a caller leaving one: a marked span of the recording, which runs
// at least that long even where the rest of the call is not recorded. (By
// speaking after the beep the caller agrees to this much.)
type message struct {
	ivr.Record
	sound  []*media.Prompt
	result chan ivr.Recorded
	failed chan error

	play  media.PlayID
	from  media.Time
	on    bool
	kept  bool // the call was being recorded before
	meter meter
}

// messagePoll is how often length and silence are looked at.
const messagePoll = 100 * time.Millisecond

func (m *message) begin(c *Call) {
	c.typed = nil
	if len(m.sound) == 0 {
		m.start(c)
		return
	}
	m.play = c.caller.Stream().Play(media.Play{Prompts: m.sound})
	c.scribe.prompted(c.session.Now(), m.Prompts)
}

func (m *message) played(c *Call, id media.PlayID) {
	if id == m.play && !m.on {
		m.start(c)
	}
}

func (m *message) start(c *Call) {
	c.scribe.hushed(c.session.Now())
	m.kept = c.rec != nil && !c.paused[pausedOff]
	if err := c.record(); err != nil {
		m.failed <- refusedToFlow(err)
		c.done()
		return
	}
	m.on, m.from = true, c.session.Now()
	m.meter.last.Store(int64(m.from))
	c.sound.meter = &m.meter
	c.retap()
	c.after(messagePoll)
}

func (m *message) key(c *Call, k byte) {
	if m.on && strings.IndexByte(m.Finish, k) >= 0 {
		m.end(c)
	}
}

func (m *message) expired(c *Call) {
	now := c.session.Now()
	silent := (now - media.Time(m.meter.last.Load())).Duration()
	switch {
	case (now - m.from).Duration() >= m.Max, m.Silence > 0 && silent >= m.Silence:
		m.end(c)
	default:
		c.after(messagePoll)
	}
}

func (m *message) end(c *Call) {
	d := m.keep(c)
	c.sound.meter = nil
	c.retap()
	if !m.kept {
		c.pause(pausedOff)
	}
	m.result <- ivr.Recorded{Duration: d}
	c.done()
}

// keep enters the message in the record, if something was said.
func (m *message) keep(c *Call) time.Duration {
	voiced := time.Duration(m.meter.voiced.Load()) * media.FrameDuration
	if voiced == 0 || voiced < m.MinSpeech {
		return 0
	}
	from, to := m.from.Duration(), c.session.Now().Duration()
	c.visit.Update(func(r *recordings.Call) {
		r.Messages = append(r.Messages, recordings.Message{
			Tag: m.MessageTag, Mailbox: m.Mailbox, FromMS: from.Milliseconds(), ToMS: to.Milliseconds(),
		})
	})
	return to - from
}

func (m *message) other(*Call, leg.Event) {}

// abandon keeps what a caller said before hanging up: most messages end so.
func (m *message) abandon(c *Call) {
	if m.on {
		m.keep(c)
	}
}

// meter tells voice from silence by level. It is written by the media worker
// and read by the actor.
type meter struct {
	voiced atomic.Int64 // frames
	last   atomic.Int64 // media.Time of the last voiced frame

	decoder media.Decoder // the worker's
}

// voiceLevel is the mean absolute sample value above which a frame counts as
// voice: about -42 dBov, above the noise of a quiet line.
const voiceLevel = 260

func (m *meter) frame(at media.Time, codec media.Codec, payload []byte) {
	var pcm [media.FrameSamples]int16
	n, _ := m.decoder.Follow(pcm[:], codec, media.SampleRate, payload)
	sum := 0
	for _, s := range pcm[:n] {
		sum += max(int(s), -int(s))
	}
	if n > 0 && sum/n >= voiceLevel {
		m.voiced.Add(1)
		m.last.Store(int64(at))
	}
}
