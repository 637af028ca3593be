package recordings

import (
	"context"
	"runtime"
)

// readers are places for what people read: searches, and seconds of sound that
// are decoded. It takes a core for milliseconds, many times over, and calls
// need one too; whoever finds no place waits in line.
type readers chan struct{}

// newReaders makes n places; 0 means one fewer than there are cores, and one
// at least.
func newReaders(n int) readers {
	if n <= 0 {
		n = max(1, runtime.GOMAXPROCS(0)-1)
	}
	return make(readers, n)
}

// enter takes a place, which leave gives back.
func (r readers) enter(ctx context.Context) error {
	select {
	case r <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r readers) leave() { <-r }
