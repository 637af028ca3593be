package asr

import (
	"sync"
	"time"
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
	// Opened streams, and those that ended by a fault.
	Opened, Failed uint64
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

func (b *breaker) failed(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
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

func (b *breaker) read() EngineCounters {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.counters
	c.Paused = time.Now().Before(b.until)
	return c
}
