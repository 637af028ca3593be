package engine

import (
	"testing"
	"time"
)

func TestLatenessWindow(t *testing.T) {
	var w latenessWindow
	at := func(second int) time.Duration { return time.Duration(second) * time.Second }
	for second := range 20 {
		late := 100 * time.Microsecond
		if second == 3 {
			late = 300 * time.Millisecond
		}
		for i := range 1000 {
			d := late
			if i%50 == 49 {
				d = 7 * time.Millisecond
			}
			w.add(at(second), d)
		}
	}
	var h histogram
	w.addTo(&h, at(19))
	got := h.summary()
	if got.Slots != 6000 || got.Max != 7*time.Millisecond {
		t.Errorf("%+v: want the last 5 s and the running one", got)
	}
	if got.P50 < 100*time.Microsecond || got.P50 > 126*time.Microsecond || got.P99 != 7*time.Millisecond {
		t.Errorf("%+v: want p50 100 µs within 25 %%, p99 7 ms", got)
	}
	h = histogram{}
	w.addTo(&h, at(40))
	if got := h.summary(); got != (Lateness{}) {
		t.Errorf("%+v after the window", got)
	}
}

func TestBucketsHoldTheirValues(t *testing.T) {
	for d := time.Duration(0); d < 10*time.Second; d += d/7 + time.Microsecond {
		b := bucketOf(d)
		if d >= upper(b) || (b > 0 && d < upper(b-1)) {
			t.Fatalf("%v is in bucket %d, which ends at %v", d, b, upper(b))
		}
	}
}
