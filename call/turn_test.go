package call

import (
	"testing"
	"time"

	"github.com/ivrd/ivrd/leg"
)

const entry = head + `
  start:
    collect: {play: t500, digits: 2-4, into: account, key_timeout: 3s}
    on: {ok: top, noinput: bye, nomatch: bye}
  top:
    menu: {play: long, options: {one: {digit: 1}, two: {digit: "22"}}}
    on: {one: found, two: bye, noinput: bye, nomatch: bye}
  found: {play: t1100, next: end}
  bye: {play: t1900, next: end}
`

// A finish key after an entry that its length has ended is not the next node's
// first key: it is thrown away once, and for a while.
func TestLateFinishKey(t *testing.T) {
	for _, c := range []struct {
		name string
		keys []string // a second lies between
		wait time.Duration
		last string // the last node
	}{
		{"with the entry", []string{"1234#"}, 0, "top"},
		{"behind it", []string{"1234", "#"}, 0, "top"},
		{"then a choice", []string{"1234", "#", "1"}, 0, "found"},
		{"all at once", []string{"1234#1"}, 0, "found"},
		{"none", []string{"1234", "1"}, 0, "found"},
		{"twice", []string{"1234", "#", "#"}, 0, "bye"},
		{"after another key", []string{"1234", "2", "#"}, 0, "bye"},
		{"too late", []string{"1234", "#"}, 3 * time.Second, "bye"},
		{"an entry that it ended", []string{"123#", "#"}, 0, "bye"},
	} {
		play(t, entry, func(s *stage) {
			p := s.call("1000", 300)
			after(time.Second)
			for i, keys := range c.keys {
				if i == 1 {
					after(c.wait)
				}
				p.press(keys)
				after(time.Second)
			}
			after(500 * time.Millisecond)
			p.End(leg.CallerHangup)
			if r := s.record(); r.Path[len(r.Path)-1].Node != c.last {
				t.Errorf("%s: path %+v", c.name, r.Path)
			}
		})
	}
}

// The next prompt goes on after the late key, and a key still stops it at once.
func TestLateFinishKeyCutsNoPrompt(t *testing.T) {
	play(t, entry, func(s *stage) {
		p := s.call("1000", 300)
		after(time.Second)
		p.press("1234")
		after(500 * time.Millisecond)
		p.press("#")
		after(time.Second)
		if got := p.hears(500*time.Millisecond, 300, 600, 1100); got != "600" {
			t.Errorf("after the late key the caller hears %q", got)
		}
		p.press("2")
		after(300 * time.Millisecond)
		if got := p.hears(100*time.Millisecond, 300, 600, 1900); got != "" {
			t.Errorf("after a key the caller hears %q", got)
		}
		p.End(leg.CallerHangup)
		s.record()
	})
}
