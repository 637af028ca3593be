package call

import (
	"context"
	"testing"
	"time"

	"github.com/ivrd/ivrd/leg"
)

// What a person's own phone calls out counts against that person's cap.
func TestCallsOutAreOnSomebodysBehalf(t *testing.T) {
	const flow = head + `
  start:
    connect: {to: "+861012345678", timeout: 10s}
    on: {ok: bye, busy: bye, noanswer: bye, error: bye}
  bye: {play: t1900, next: end}
`
	play(t, flow, func(s *stage) {
		p := s.party(300)
		p.info = leg.Info{Direction: leg.Incoming, From: "bob", User: "bob", To: "1000"}
		go s.con.serve(context.Background(), p)
		out := <-s.dialled
		if out.asked.Number != "+861012345678" || out.asked.FromUser != "bob" || out.asked.From != "bob" {
			t.Errorf("asked to dial %+v", out.asked)
		}
		time.Sleep(time.Second)
		p.End(leg.CallerHangup)
		s.record()
	})
}

// A number that nobody has proved is not asserted to a trunk.
func TestUnprovedNumberIsNotAsserted(t *testing.T) {
	for _, tt := range []struct {
		info leg.Info
		want bool
	}{
		{leg.Info{From: "+8613800138000"}, false},
		{leg.Info{From: "+8613800138000", Trusted: true}, true},
		{leg.Info{From: "bob", User: "bob"}, true},
	} {
		play(t, head+"  start: {connect: {to: \"+861012345678\", timeout: 10s}, on: {ok: end, busy: end, noanswer: end, error: end}}\n", func(s *stage) {
			p := s.party(300)
			tt.info.Direction, tt.info.To = leg.Incoming, "1000"
			p.info = tt.info
			go s.con.serve(context.Background(), p)
			if out := <-s.dialled; out.asked.Asserted != tt.want {
				t.Errorf("asked to dial %+v for %+v", out.asked, tt.info)
			}
			time.Sleep(time.Second)
			p.End(leg.CallerHangup)
			s.record()
		})
	}
}
