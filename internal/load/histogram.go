package load

import (
	"math/bits"
	"time"
)

const (
	// Buckets are 16 to an octave of microseconds: a value is known to 6 %.
	subBits    = 4
	subBuckets = 1 << subBits
	octaves    = 28 // up to four minutes
)

// Histogram counts durations. Its percentiles are upper bounds, at most 6 %
// above the true value and never above the largest one. The zero value is empty.
type Histogram struct {
	buckets [octaves * subBuckets]uint64
	count   uint64
	max     time.Duration
}

func bucketOf(d time.Duration) int {
	us := uint64(max(d, 0) / time.Microsecond)
	if us < subBuckets {
		return int(us)
	}
	octave := bits.Len64(us) - subBits // 1 from subBuckets on
	sub := int(us>>(octave-1)) - subBuckets
	return min(octave*subBuckets+sub, octaves*subBuckets-1)
}

// upper is the end of a bucket.
func upper(bucket int) time.Duration {
	octave, sub := bucket/subBuckets, bucket%subBuckets
	if octave == 0 {
		return time.Duration(sub+1) * time.Microsecond
	}
	return time.Duration(subBuckets+sub+1) << (octave - 1) * time.Microsecond
}

// Add counts one duration; what is negative counts as zero.
func (h *Histogram) Add(d time.Duration) {
	h.buckets[bucketOf(d)]++
	h.count++
	h.max = max(h.max, d)
}

// Count is how many were added.
func (h *Histogram) Count() uint64 { return h.count }

// Percentile is the duration that a share p (0 to 1) of all do not exceed.
func (h *Histogram) Percentile(p float64) time.Duration {
	rank := uint64(p * float64(h.count))
	seen := uint64(0)
	for i, n := range h.buckets {
		if seen += n; seen > rank {
			return min(upper(i), h.max)
		}
	}
	return h.max
}

// Spread is what is told of a histogram, in milliseconds.
type Spread struct {
	P50  float64 `json:"p50_ms"`
	P99  float64 `json:"p99_ms"`
	P999 float64 `json:"p999_ms"`
	Max  float64 `json:"max_ms"`
	N    uint64  `json:"count"`
}

func (h *Histogram) spread() Spread {
	return Spread{millis(h.Percentile(0.5)), millis(h.Percentile(0.99)), millis(h.Percentile(0.999)), millis(h.max), h.count}
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
