package asr

import (
	"errors"
	"sync"
	"time"

	"github.com/ivrd/ivrd/media"
)

// A breaker keeps sessions from an engine that has failed, for firstPause after
// maxFailures in a row, and twice as long after each failure that follows.
const (
	maxFailures = 3
	firstPause  = time.Second
	longPause   = time.Minute
)

type breaker struct {
	mu       sync.Mutex
	counters EngineCounters
	inARow   int
	pause    time.Duration
	until    time.Time
}

// EngineCounters of a Failover's engine, since its making.
type EngineCounters struct {
	Engine string
	// Open streams now, and the sound that the worst of them is behind.
	Open   int
	Behind media.Time
	// Opened streams, those that ended by a fault, and those that an engine which is well
	// has declined.
	Opened, Failed, Declined uint64
	// Switches: another engine went on in the middle of a stream.
	Switches uint64
	// Finals that had words.
	Finals uint64
	// Lost frames: it took them too late, or not at all.
	Lost uint64
	// Late streams were given up because they were too far behind.
	Late uint64
	// Restarts of streams that told nothing while somebody spoke, and those that stayed
	// silent after it.
	Restarts, Silent uint64
	// Paused: nothing is given to the engine for the time being.
	Paused bool
	// LastError of any stream.
	LastError string
}

// allow reports whether a stream may be opened. After a pause one may be, as a trial.
func (b *breaker) allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if now.Before(b.until) {
		return false
	}
	if b.inARow >= maxFailures {
		b.until = now.Add(b.pause)
	}
	return true
}

// failed counts the end of a stream. Who declines one is not kept from the next.
func (b *breaker) failed(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if errors.Is(err, ErrDeclined) {
		b.counters.Declined++
		return
	}
	b.counters.Failed++
	b.counters.LastError = err.Error()
	if b.inARow++; b.inARow >= maxFailures {
		b.pause = min(max(2*b.pause, firstPause), longPause)
		b.until = time.Now().Add(b.pause)
	}
}

func (b *breaker) worked() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inARow, b.pause, b.until = 0, 0, time.Time{}
}

func (b *breaker) count(f func(*EngineCounters)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.counters)
}

func (b *breaker) lose(frames uint64) { b.count(func(c *EngineCounters) { c.Lost += frames }) }

func (b *breaker) read() EngineCounters {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.counters
	c.Paused = time.Now().Before(b.until)
	return c
}
