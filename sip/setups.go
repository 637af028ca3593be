package sip

import (
	"container/list"
	"sync"
	"time"
)

const (
	// setupLimit is how long the oldest set-up may have waited for our first
	// word before new calls are refused: half of T1, so that an answer still
	// comes before anybody repeats what it was to be.
	setupLimit = 250 * time.Millisecond
	// setupsAtLeast is how many must be under way for that: fewer are slow for
	// a reason of their own, such as a disk that pauses, and not because there
	// are too many.
	setupsAtLeast = 16
	// setupRetry is what a caller is told to wait: it is over soon.
	setupRetry = 2 * time.Second
)

// setups are the calls that wait for our first word beyond 100, the oldest
// first. They are what a machine has taken on and not yet done: when they grow
// old, more calls would only make each older, until the callers repeat
// themselves and the work is done for nobody.
type setups struct {
	mu  sync.Mutex
	all list.List // of time.Time
}

// begin counts a call in that came at a time.
func (s *setups) begin(since time.Time) *list.Element {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.PushBack(since)
}

// end may be told of a set-up more than once.
func (s *setups) end(e *list.Element) {
	if e == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all.Remove(e)
}

// late reports whether there are too many of them.
func (s *setups) late(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Len() >= setupsAtLeast && now.Sub(s.all.Front().Value.(time.Time)) > setupLimit
}
