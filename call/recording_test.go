package call

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// switchRecorder knows only whether it is paused.
type switchRecorder struct{ paused bool }

func (*switchRecorder) Frame(media.Track, media.Time, media.Codec, []byte) {}
func (r *switchRecorder) Pause(media.Time, string)                         { r.paused = true }
func (r *switchRecorder) Resume(media.Time)                                { r.paused = false }

type still struct{ media.Session }

func (still) Now() media.Time { return 0 }

// The end of one secret may already be in the inbox when the next begins: it
// must not switch the recorder on in the middle of that.
func TestEndOfASecretDoesNotEndTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &switchRecorder{}
		c := &Call{con: New(Config{}, Deps{}), session: still{}, rec: rec, inbox: make(chan func(), 1), ended: make(chan struct{}), paused: map[string]bool{}}
		c.beginSecret()
		c.endSecret(secretTail)
		time.Sleep(secretTail)
		synctest.Wait()
		c.beginSecret()
		(<-c.inbox)()
		if !rec.paused {
			t.Error("the second secret is recorded")
		}
		c.endSecret(secretTail)
		time.Sleep(secretTail)
		synctest.Wait()
		(<-c.inbox)()
		if rec.paused {
			t.Error("after the second secret nothing is recorded")
		}
	})
}

func TestMessageAfterRecordingWasRefused(t *testing.T) {
	const flow = head + `
  start: {play: t500, recording: stop, next: leave}
  leave:
    record: {play: t1500, beep: false, max: 10s, silence: 2s, min: 200ms, finish: "#"}
    on: {ok: bye, noinput: bye}
  bye: {play: t1900, next: end}
`
	play(t, flow, func(s *stage) {
		s.script.Words = func(_, name string) string { return "words of " + name }
		p := s.call("1000", 300)
		after(5 * time.Second)
		p.press("#")
		r := s.record()
		if got := s.words(r.ID); !slices.Contains(got, "ivr prompt: words of t1500") {
			t.Errorf("written down: %q", got)
		}
		if len(r.Messages) != 1 {
			t.Fatalf("messages %+v", r.Messages)
		}
		sound := s.track(r.ID, media.TrackCaller)[r.Messages[0].FromMS*8+800:][:16000]
		if got := tone.Heard(sound, 30, 300, 1500); len(got) != 1 || got[0] != 300 {
			t.Errorf("the message holds %v", got)
		}
	})
}

// Recording that is stopped while the tail of a secret runs can be started
// again.
func TestRecordingStartsAgainAfterASecret(t *testing.T) {
	const flow = head + `
  start: {play: t500, recording: start, next: pin}
  pin:
    collect: {play: t900, digits: 4, secret: true, into: pin}
    on: {ok: off, noinput: bye, nomatch: bye}
  off: {play: t1100, recording: stop, next: on}
  on: {play: t1300, recording: start, next: long}
  long: {play: long, next: end}
  bye: {play: t1900, next: end}
`
	play(t, flow, func(s *stage) {
		p := s.call("1000", 300)
		after(2 * time.Second)
		p.press("4711")
		after(6 * time.Second)
		p.End(leg.CallerHangup)
		r := s.record()
		caller := s.track(r.ID, media.TrackCaller)
		if got := tone.Heard(caller[len(caller)-16000:], 30, 300); len(got) != 1 {
			t.Errorf("the end of the call is not recorded; gaps %+v", r.Recording.Gaps)
		}
	})
}
