package call

import (
	"context"
	"time"

	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/leg"
)

// stretch is one part of a caller's way to somebody: a wait in a queue, or a
// party that is rung, with the talk that follows. A transfer leads from one to
// the next, within one node of the flow.
type stretch interface {
	// activity is the actor's part. It begins before run.
	activity() activity
	// run is the flow's goroutine's part and returns when the stretch is over:
	// how it ended, or where the caller goes on. By then the next has begun.
	run(context.Context) (ivr.ConnectResult, stretch, error)
	// leave gives up what was taken for a stretch that does not run (any more).
	leave(context.Context)
}

// follow goes from stretch to stretch until the last is over.
func (v visitor) follow(ctx context.Context, s stretch) (ivr.ConnectResult, error) {
	if err := v.c.post(func() { v.c.begin(s.activity()) }); err != nil {
		s.leave(ctx)
		return "", err
	}
	for {
		end, next, err := s.run(ctx)
		if next == nil {
			return end, err
		}
		s = next
	}
}

// enqueued is the end of a node that began in a queue, in its own words: who
// was sent on to a number that does not answer has waited in vain, too.
func enqueued(r ivr.ConnectResult) ivr.EnqueueResult {
	switch r {
	case ivr.ConnectEnded:
		return ivr.EnqueueAnswered
	case ivr.ConnectNoAnswer:
		return ivr.EnqueueTimeout
	case ivr.ConnectBusy, ivr.ConnectFailed:
		return ivr.EnqueueFailed
	}
	return "" // an error says more
}

// The wait of a caller who comes to a queue without a word of the flow about it:
// nothing is known of their worth and problem.
const (
	neutral      = 50
	unknownLimit = 10 * time.Minute
)

// unqueued is how the caller of a connect waits, where they are sent to a queue.
func unqueued(r ivr.Connect) ivr.Enqueue {
	return ivr.Enqueue{Value: neutral, Difficulty: neutral, Language: r.Language, Timeout: unknownLimit}
}

// dialled is the flow's part of a caller who is connected to a party.
type dialled struct {
	visitor
	*connect

	ask ivr.Enqueue // how the caller waits, where they are sent to a queue
}

func (d *dialled) activity() activity { return d.connect }

func (d *dialled) run(ctx context.Context) (ivr.ConnectResult, stretch, error) {
	defer d.deny()
	for {
		select {
		case end := <-d.result:
			return end, d.depart(ctx, d.asked(), &d.talk, d.ask), nil
		case t := <-d.transfers:
			if next := d.depart(ctx, t, &d.talk, d.ask); next != nil {
				return "", next, nil
			}
		case <-ctx.Done():
			d.leave(ctx) // whoever was first: the second end does nothing
			return "", nil, context.Cause(ctx)
		case <-d.c.ended:
			d.leave(ctx)
			return "", nil, ivr.ErrHangup
		}
	}
}

func (d *dialled) leave(context.Context) {
	select {
	case <-d.c.ended:
		d.party.End(d.c.farewell())
	default:
		d.party.End(leg.Withdrawn)
	}
}
