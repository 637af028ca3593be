package asr

import (
	"sync/atomic"

	"github.com/ivrd/ivrd/media"
)

// ring hands frames from one writer to one reader without a lock: neither can hold up
// the other. The reader lets go of frames when it likes, so that it may look back.
type ring struct {
	slots []slot
	head  atomic.Uint64 // the next to be written; the writer's
	tail  atomic.Uint64 // the oldest that is kept; the reader's
	lost  atomic.Uint64
}

// slot is a frame of n samples.
type slot struct {
	at   media.Time
	n    int
	lost bool
	pcm  [media.FrameSamples]int16
}

func (s *slot) frame() Frame { return Frame{s.at, s.pcm[:s.n], s.lost} }

func newRing(frames int) *ring { return &ring{slots: make([]slot, frames)} }

// put copies f, in pieces of a frame. What finds no room is counted.
func (r *ring) put(f Frame) {
	for pcm, at := f.PCM, f.At; len(pcm) > 0; {
		n := min(len(pcm), media.FrameSamples)
		r.putOne(Frame{at, pcm[:n], f.Lost})
		pcm, at = pcm[n:], at+media.Time(n)
	}
}

func (r *ring) putOne(f Frame) {
	head := r.head.Load()
	if head-r.tail.Load() >= uint64(len(r.slots)) {
		r.lost.Add(1)
		return
	}
	s := &r.slots[head%uint64(len(r.slots))]
	s.at, s.lost, s.n = f.At, f.Lost, copy(s.pcm[:], f.PCM)
	r.head.Store(head + 1)
}

// slot i is valid from the tail to before the head.
func (r *ring) slot(i uint64) *slot { return &r.slots[i%uint64(len(r.slots))] }
