package call

import (
	"testing"
	"time"

	"github.com/ivrd/ivrd/leg"
)

// What the far end sounds before it answers, such as an announcement of its
// network, is for the caller; the talk begins with the answer all the same.
func TestEarlyMediaIsHeard(t *testing.T) {
	play(t, menu, func(s *stage) {
		p := s.call("1000", 300)
		after(2 * time.Second)
		p.press("2")
		far := <-s.dialled
		far.connect()
		far.events <- leg.Event{Kind: leg.EarlyMedia}
		after(2 * time.Second)
		if got := p.hears(500*time.Millisecond, 300, 425, 1400); got != "1400" {
			t.Errorf("before the answer the caller hears %q", got)
		}
		far.events <- leg.Event{Kind: leg.Answered}
		after(time.Second)
		if got := p.hears(500*time.Millisecond, 300, 425, 1400); got != "1400" {
			t.Errorf("after the answer the caller hears %q", got)
		}
		p.End(leg.CallerHangup)
		if r := s.record(); r.WaitMS < 1900 || r.TalkMS < 900 || r.TalkMS > 1200 {
			t.Errorf("record: waited %d ms, talked %d ms", r.WaitMS, r.TalkMS)
		}
	})
}
