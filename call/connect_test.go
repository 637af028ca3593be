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
