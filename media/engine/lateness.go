package engine

import (
	"math/bits"
	"sync"
	"time"
)

const (
	// latenessSeconds of the past count, besides the running one.
	latenessSeconds = 5
	// Buckets are four to an octave of microseconds: a value is known to 25 %.
	subBuckets  = 4
	latenessMax = 26 // octaves: 67 s
)

// Lateness is how late slots ran. The percentiles are upper bounds, at most
// 25 % above the true value.
type Lateness struct {
	P50, P99, Max time.Duration
	Slots         uint64 // how many ran
}

type histogram struct {
	buckets [latenessMax * subBuckets]uint64
	max     time.Duration
	count   uint64
}

func bucketOf(d time.Duration) int {
	us := uint64(max(d, 0) / time.Microsecond)
	octave := bits.Len64(us)
	if octave <= 2 {
		return int(us)
	}
	sub := int(us>>(octave-3)) & (subBuckets - 1)
	return min((octave-2)*subBuckets+sub, latenessMax*subBuckets-1)
}

// upper is the end of a bucket.
func upper(bucket int) time.Duration {
	if bucket < subBuckets {
		return time.Duration(bucket+1) * time.Microsecond
	}
	octave, sub := bucket/subBuckets+2, bucket%subBuckets
	return time.Duration(subBuckets+sub+1) << (octave - 3) * time.Microsecond
}

func (h *histogram) add(d time.Duration) {
	h.buckets[bucketOf(d)]++
	h.max = max(h.max, d)
	h.count++
}

func (h *histogram) merge(o *histogram) {
	for i, n := range o.buckets {
		h.buckets[i] += n
	}
	h.max = max(h.max, o.max)
	h.count += o.count
}

func (h *histogram) percentile(p float64) time.Duration {
	rank := uint64(p * float64(h.count))
	seen := uint64(0)
	for i, n := range h.buckets {
		if seen += n; seen > rank {
			return min(upper(i), h.max)
		}
	}
	return h.max
}

func (h *histogram) summary() Lateness {
	return Lateness{P50: h.percentile(0.50), P99: h.percentile(0.99), Max: h.max, Slots: h.count}
}

// latenessWindow keeps a histogram for each of the last seconds.
type latenessWindow struct {
	mu      sync.Mutex
	seconds [latenessSeconds + 1]struct {
		second int64
		histogram
	}
}

// add notes that a slot that was due at a time since the worker's epoch ran
// late. One slot is not counted when somebody looks just then: a worker never waits.
func (l *latenessWindow) add(due, late time.Duration) {
	second := int64(due / time.Second)
	if !l.mu.TryLock() {
		return
	}
	defer l.mu.Unlock()
	s := &l.seconds[second%int64(len(l.seconds))]
	if s.second != second {
		s.second, s.histogram = second, histogram{}
	}
	s.add(late)
}

func (l *latenessWindow) addTo(h *histogram, now time.Duration) {
	second := int64(now / time.Second)
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.seconds {
		if s := &l.seconds[i]; second-s.second <= latenessSeconds {
			h.merge(&s.histogram)
		}
	}
}

// addSecond adds one of the seconds that are over: ago is 1 for the last.
func (l *latenessWindow) addSecond(h *histogram, now time.Duration, ago int) {
	second := int64(now/time.Second) - int64(ago)
	if second < 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := &l.seconds[second%int64(len(l.seconds))]; s.second == second {
		h.merge(&s.histogram)
	}
}
