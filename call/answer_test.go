package call

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// fickle is a caller who cancels just before the answer.
type fickle struct {
	*party
}

func (f fickle) Accept(session media.Session, o media.StreamOptions) (leg.Leg, error) {
	_, err := f.party.Accept(session, o)
	return f, err
}

func (f fickle) Answer(context.Context) error {
	f.End(leg.CallerCancel)
	return errors.New("the leg has ended")
}

func TestCancelledBeforeTheAnswer(t *testing.T) {
	play(t, menu, func(s *stage) {
		p := s.party(300)
		p.info = leg.Info{Direction: leg.Incoming, From: "+8613800138000", To: "1000"}
		go s.con.serve(context.Background(), fickle{p})
		synctest.Wait()
		if r := s.record(); r.End != leg.CallerCancel || !r.AnsweredAt.IsZero() || len(r.Path) != 0 {
			t.Errorf("record: %+v", r)
		}
	})
}

// A playback that the hang-up cuts off is not one that was heard to its end:
// the flow must not enter the next node.
func TestPathEndsWhereTheCallerLeft(t *testing.T) {
	const flow = head + `
  start: {play: long, next: second}
  second: {play: t500, next: end}
`
	for range 20 { // the end of the sound races with the end of the leg
		play(t, flow, func(s *stage) {
			p := s.call("1000", 300)
			after(300 * time.Millisecond)
			p.End(leg.CallerHangup)
			if r := s.record(); len(r.Path) != 1 || r.Path[0].Node != "start" {
				t.Errorf("path: %+v", r.Path)
			}
		})
	}
}
