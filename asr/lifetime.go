package asr

import (
	"context"
	"sync"
	"time"
)

// lifetime is what all sessions have in common: sound comes into a ring, segments go
// out, and one goroutine, which is the session's own, ends it.
type lifetime struct {
	ring     *ring
	segments chan Segment
	ctx      context.Context // the first cause ends the session
	stop     context.CancelCauseFunc
	finish   chan struct{}
	finished sync.Once
	done     chan struct{}
	err      error // before done is closed
}

// begin makes a life with room for a number of frames.
func (l *lifetime) begin(ctx context.Context, frames int) {
	l.ring, l.segments = newRing(frames), make(chan Segment, maxBacklog)
	l.finish, l.done = make(chan struct{}), make(chan struct{})
	l.ctx, l.stop = context.WithCancelCause(ctx)
}

// Write implements Session.
func (l *lifetime) Write(f Frame) {
	if l.ctx.Err() == nil {
		l.ring.put(f)
	}
}

// Segments implements Session.
func (l *lifetime) Segments() <-chan Segment { return l.segments }

// finishWithin asks for the end, and brings it about when it has not come in time.
func (l *lifetime) finishWithin(ctx context.Context, limit time.Duration, engine string) error {
	l.finished.Do(func() { close(l.finish) })
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-l.done:
		return l.err
	case <-ctx.Done():
	case <-timer.C:
	}
	l.stop(&Error{engine, ErrLate, "no last result"})
	<-l.done
	return l.err
}

// Close implements Session.
func (l *lifetime) Close() error {
	l.stop(errClosed)
	<-l.done
	return nil
}

// Err implements Session.
func (l *lifetime) Err() error {
	select {
	case <-l.done:
		return l.err
	default:
		return nil
	}
}
