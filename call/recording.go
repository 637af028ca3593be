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
	if len(c.paused) > 0 { // switched on in the middle of a secret
		rec.Pause(c.session.Now(), pausedSecret)
	}
	c.retap()
	return nil
}

// retap points the session's frames at the recorder and, while a message is
// taken, at the meter.
func (c *Call) retap() {
	c.sound.recorder = c.rec
	if c.rec == nil && c.sound.meter == nil {
		c.session.SetTap(nil)
		return
	}
	t := c.sound // the worker gets a copy that nobody changes
	c.session.SetTap(&t)
}

// stopRecording takes the tap away, so that nothing comes after the end.
func (c *Call) stopRecording() {
	if c.resume != nil {
		c.resume.Stop()
	}
	c.session.SetTap(nil)
}

func (c *Call) pause(cause string) {
	if c.resume != nil {
		c.resume.Stop()
	}
	if len(c.paused) == 0 && c.rec != nil {
		c.rec.Pause(c.session.Now(), cause)
	}
	c.paused[cause] = true
}

func (c *Call) unpause(cause string) {
	if !c.paused[cause] {
		return
	}
	delete(c.paused, cause)
	if len(c.paused) == 0 && c.rec != nil {
		c.rec.Resume(c.session.Now())
	}
}

// resumeAfter ends a pause a little later, unless another one begins first.
func (c *Call) resumeAfter(d time.Duration, cause string) {
	c.resume = time.AfterFunc(d, func() {
		_ = c.post(func() { c.unpause(cause) }) // fails when the call is over: nothing to resume
	})
}

// tap is what a session's frames go to. It is called by the media worker and
// never changes while it is in use.
type tap struct {
	recorder recordings.Recorder
	meter    *meter
}

// Frame implements media.PacketTap.
func (t *tap) Frame(track media.Track, at media.Time, codec media.Codec, payload []byte) {
	if t.recorder != nil {
		t.recorder.Frame(track, at, codec, payload)
	}
	if t.meter != nil && track == media.TrackCaller {
		t.meter.frame(at, codec, payload)
	}
}
