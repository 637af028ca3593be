// Package breaker keeps questions from a service that has failed.
package breaker

import (
	"sync"
	"time"
)

// Breaker is closed while questions are answered, open after several failures in a row,
// and after its rest lets one question try.
//
//	closed ──failures──► open ──rest──► trying ──answer──► closed
//	                      ▲───────failure──┘
type Breaker struct {
	Failures int // in a row, that open it
	Rest     time.Duration

	mu     sync.Mutex
	inRow  int
	until  time.Time // of the rest
	trying bool
}

// Allow reports whether a question may be asked; each one that may is followed by
// Succeeded, Failed or Undecided.
func (b *Breaker) Allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.inRow < b.Failures {
		return true
	}
	if b.trying || time.Now().Before(b.until) {
		return false
	}
	b.trying = true
	return true
}

// Open reports that questions are kept away, but for one that tries now and then.
func (b *Breaker) Open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.inRow >= b.Failures
}

// Succeeded says that there was an answer.
func (b *Breaker) Succeeded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inRow, b.trying = 0, false
}

// Failed says that there was none.
func (b *Breaker) Failed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trying = false
	if b.inRow++; b.inRow >= b.Failures {
		b.until = time.Now().Add(b.Rest)
	}
}

// Undecided says that whoever asked did not wait.
func (b *Breaker) Undecided() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trying = false
}
