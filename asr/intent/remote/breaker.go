package remote

import (
	"sync"
	"time"
)

// The breaker opens after failures in a row and lets one question through after
// a rest.
const (
	breakAfter = 5
	rest       = 30 * time.Second
)

type breaker struct {
	mu       sync.Mutex
	failures int
	until    time.Time // no question before
	trial    bool      // one is under way after a rest
}

// enter reports whether a question may be put; leave must follow it then.
func (b *breaker) enter() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < breakAfter {
		return true
	}
	if b.trial || time.Now().Before(b.until) {
		return false
	}
	b.trial = true
	return true
}

// leave notes how a question went; one that was given up for another reason
// says nothing.
func (b *breaker) leave(well, givenUp bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trial = false
	switch {
	case well:
		b.failures = 0
	case givenUp:
	default:
		if b.failures++; b.failures >= breakAfter {
			b.until = time.Now().Add(rest)
		}
	}
}
