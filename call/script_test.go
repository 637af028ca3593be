package call

import (
	"testing"
	"time"

	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// higher speaks like tones, a fifth higher.
type higher struct{ tones }

func (higher) File(language, name string) (*media.Prompt, error) {
	if name == "t500" {
		name = "t750"
	}
	return tones{}.File(language, name)
}

// A call keeps the flows and the prompts that it began with; the next one has
// the new ones.
func TestRunningCallKeepsItsScript(t *testing.T) {
	const before = head + `
  start: {collect: {play: t900, digits: 1, into: key, timeout: 1m}, on: {ok: told, noinput: end, nomatch: end}}
  told: {play: t500, next: end}
`
	const later = head + `
  start: {play: t500, next: end}
`
	play(t, before, func(s *stage) {
		old := s.call("1000", 300)
		after(2 * time.Second)
		flows, _ := ivr.CheckFiles(map[string][]byte{"f.yaml": []byte(later)}, ivr.CheckOptions{})
		s.script = Script{Flows: flows, Speaker: higher{}}
		young := s.call("1000", 300)
		old.press("1")
		after(500 * time.Millisecond)
		if got := old.hears(300*time.Millisecond, 300, 500, 750); got != "500" {
			t.Errorf("the call that ran hears %q", got)
		}
		if got := young.hears(300*time.Millisecond, 300, 500, 750); got != "750" {
			t.Errorf("the new call hears %q", got)
		}
		for range 2 {
			if r := s.record(); r.End != leg.FlowHangup {
				t.Errorf("record %+v", r)
			}
		}
	})
}
