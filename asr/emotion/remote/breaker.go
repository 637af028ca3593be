package remote

import (
	"sync"
	"time"
)

// breaker is closed while questions are answered, open after several failures in a row,
// and after its rest lets one question try.
//
//	closed ──failures──► open ──rest──► trying ──answer──► closed
//	                      ▲───────failure──┘
type breaker struct {
	failures int
	rest     time.Duration

	mu     sync.Mutex
	inRow  int
	until  time.Time // of the rest
	trying bool
}

// allow reports whether a question may be asked; each one that may is followed by
// succeeded, failed or undecided.
func (b *breaker) allow(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.inRow < b.failures {
		return true
	}
	if b.trying || now.Before(b.until) {
		return false
	}
	b.trying = true
	return true
}

func (b *breaker) succeeded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inRow, b.trying = 0, false
}

func (b *breaker) failed(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trying = false
	if b.inRow++; b.inRow >= b.failures {
		b.until = now.Add(b.rest)
	}
}

// undecided: whoever asked did not wait.
func (b *breaker) undecided() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trying = false
}
