package call

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/leg"
)

// A panic under one flow ends that call, and is told of once; others go on.
func TestPanicEndsOnlyItsCall(t *testing.T) {
	play(t, menu, func(s *stage) {
		s.fetch = func(context.Context, ivr.Request) (ivr.Response, error) { panic("a port broke") }
		other := s.call("1000", 300)
		p := s.call("1000", 300)
		after(2 * time.Second)
		p.press("4")
		if r := s.record(); r.End != leg.FlowFault || p.reason != leg.FlowFault || r.Path[len(r.Path)-1].Node != "ask" {
			t.Errorf("record %+v, the caller's leg ended by %v", r, p.reason)
		}
		lines := s.log.errors()
		if len(lines) != 1 || !strings.Contains(lines[0], "a port broke") || !strings.Contains(lines[0], "panic_test.go") {
			t.Errorf("logged %q", lines)
		}
		other.press("9")
		if r := s.record(); r.End != leg.FlowHangup {
			t.Errorf("the other call ended by %v", r.End)
		}
	})
}
