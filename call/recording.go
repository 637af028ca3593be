package call

import (
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
)

// Why a recorder is paused; the words are those of recordings.Gap.
const (
	pausedSecret = "secret"
	pausedOff    = "off"
)

// record switches the recording on.
func (c *Call) record() error {
	if c.rec != nil {
		c.unpause(pausedOff)
		return nil
	}
	rec, err := c.visit.Record(c.session.Now())
	if err != nil {
		return err
	}
	c.rec = rec
	defer c.showRecording()
	delete(c.paused, pausedOff) // it may have been switched off before it was ever on
	if len(c.paused) > 0 {      // switched on in the middle of a secret
		rec.Pause(c.session.Now(), pausedSecret)
	}
	c.retap()
	return nil
}

// retap points the session's frames at the recorder, while a message is taken at
// the meter, while words are listened for at the listener, and at the ears of the
// scribe, for whom nothing is that is not kept.
func (c *Call) retap() {
	c.sound.recorder, c.sound.ears = c.rec, nil
	if len(c.paused) == 0 && c.con.hears() {
		c.sound.ears = &c.scribe.ears
	}
	if c.sound == (tap{}) {
		c.session.SetTap(nil)
		return
	}
	t := c.sound // the worker gets a copy that nobody changes
	c.session.SetTap(&t)
}

// stopRecording takes the tap away, so that nothing comes after the end.
func (c *Call) stopRecording() {
	c.dropResume()
	c.session.SetTap(nil)
}

func (c *Call) pause(cause string) {
	if len(c.paused) == 0 && c.rec != nil {
		c.rec.Pause(c.session.Now(), cause)
	}
	c.paused[cause] = true
	c.hush(cause)
}

func (c *Call) unpause(cause string) {
	if !c.paused[cause] {
		return
	}
	delete(c.paused, cause)
	if len(c.paused) == 0 && c.rec != nil {
		c.rec.Resume(c.session.Now())
	}
	c.hush(cause)
}

// hush keeps a secret from supervisors, too.
func (c *Call) hush(cause string) {
	c.showRecording()
	if c.con.hears() {
		c.retap()
	}
	if cause == pausedSecret && len(c.monitors) > 0 {
		c.remix()
	}
}

// beginSecret pauses the recorder for a secret; the end of the one before, if
// that is still to come, does not end it.
func (c *Call) beginSecret() {
	c.dropResume()
	c.pause(pausedSecret)
}

// endSecret ends the pause a little later, unless another secret begins first.
func (c *Call) endSecret(later time.Duration) {
	c.dropResume()
	var t *time.Timer
	t = time.AfterFunc(later, func() {
		_ = c.post(func() { // fails when the call is over: nothing to resume
			if c.resume == t { // it may have been dropped while this waited in the inbox
				c.unpause(pausedSecret)
			}
		})
	})
	c.resume = t
}

func (c *Call) dropResume() {
	if c.resume != nil {
		c.resume.Stop()
		c.resume = nil
	}
}

// tap is what a session's frames go to. It is called by the media worker and
// never changes while it is in use.
type tap struct {
	recorder recordings.Recorder
	meter    *meter
	listener *listener
	ears     *ears
}

// Frame implements media.PacketTap.
func (t *tap) Frame(track media.Track, at media.Time, codec media.Codec, payload []byte) {
	if t.recorder != nil {
		t.recorder.Frame(track, at, codec, payload)
	}
	if t.meter != nil && track == media.TrackCaller {
		t.meter.frame(at, codec, payload)
	}
	if t.listener != nil && track == media.TrackCaller {
		t.listener.frame(at, codec, payload)
	}
	if t.ears != nil {
		if e := t.ears.of(track); e != nil {
			e.frame(at, codec, payload)
		}
	}
}
