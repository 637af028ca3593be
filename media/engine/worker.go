package engine

import (
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ivrd/ivrd/media/rtpio"
)

const (
	// slots of slotLength make one frame.
	slots      = 20
	slotLength = time.Millisecond
	// maxCatchUp is how many slots a late worker makes up for. Ticks that are
	// older are left out: their sound would come too late to be heard.
	maxCatchUp = 200
	// commandQueue is how many commands wait without blocking who gives them.
	commandQueue = 64
)

// worker owns sessions and ticks them. Everything of a session but what is
// said to be atomic is touched by its worker only.
type worker struct {
	epoch    time.Time
	waiter   waiter
	commands chan command
	stop     chan struct{}
	done     chan struct{}
	load     atomic.Int64  // sessions
	left     atomic.Uint64 // slots that were left out
	late     latenessWindow
	scratch  rtpio.Scratch // of its endpoints

	wheel [slots][]*session
	next  int64 // the next slot to run, counted from the epoch
}

type command struct {
	run  func()
	done chan struct{}
}

func newWorker(w waiter) *worker {
	return &worker{
		epoch:    time.Now(),
		waiter:   w,
		commands: make(chan command, commandQueue),
		stop:     make(chan struct{}),
		done:     make(chan struct{}),
	}
}

func (w *worker) start() {
	w.epoch = time.Now()
	go w.run()
}

// close stops the worker and waits, if it was started.
func (w *worker) close(started bool) {
	close(w.stop)
	if started {
		w.waiter.wake()
		<-w.done
	} else {
		close(w.done)
	}
	w.waiter.close()
}

// do lets the worker run f between two slots and waits for that. It returns
// false when the worker has stopped and f has not run.
func (w *worker) do(f func()) bool {
	c := command{run: f, done: make(chan struct{})}
	select {
	case w.commands <- c:
	case <-w.done:
		return false
	}
	w.waiter.wake()
	select {
	case <-c.done:
		return true
	case <-w.done:
	}
	select { // it may have been the last thing that was done
	case <-c.done:
		return true
	default:
		return false
	}
}

func (w *worker) run() {
	runtime.LockOSThread() // and the thread ends with the worker
	defer close(w.done)
	w.waiter.begin()
	for w.serve() {
		w.tick()
		until := forEver
		if slot, ok := w.occupied(); ok {
			until = time.Duration(slot)*slotLength - w.elapsed()
		}
		w.waiter.wait(until, w.commands)
	}
}

// serve runs the commands that wait; false when the worker is to stop.
func (w *worker) serve() bool {
	for {
		select {
		case c := <-w.commands:
			c.run()
			close(c.done)
		case <-w.stop:
			return false
		default:
			return true
		}
	}
}

func (w *worker) elapsed() time.Duration { return time.Since(w.epoch) }

// occupied finds the next slot that has sessions.
func (w *worker) occupied() (int64, bool) {
	for slot := w.next; slot < w.next+slots; slot++ {
		if len(w.wheel[slot%slots]) > 0 {
			return slot, true
		}
	}
	return 0, false
}

// tick runs all slots that are due.
func (w *worker) tick() {
	if _, busy := w.occupied(); !busy {
		return
	}
	now := int64(w.elapsed() / slotLength)
	if oldest := now - maxCatchUp; w.next < oldest {
		w.left.Add(uint64(oldest - w.next))
		w.next = oldest
	}
	for ; w.next <= now; w.next++ {
		sessions := w.wheel[w.next%slots]
		if len(sessions) == 0 {
			continue
		}
		due := time.Duration(w.next) * slotLength
		w.late.add(due, w.elapsed()-due)
		run(sessions, w.next)
	}
}

// run lets the sessions of a slot tick.
func run(sessions []*session, slot int64) {
	now := time.Now()
	for _, s := range sessions {
		s.tick(slot, now)
	}
}

// add puts a session into the emptiest slot.
func (w *worker) add(s *session) {
	if _, busy := w.occupied(); !busy {
		w.next = int64(w.elapsed()/slotLength) + 1
	}
	best := w.next
	for slot := w.next; slot < w.next+slots; slot++ {
		if len(w.wheel[slot%slots]) < len(w.wheel[best%slots]) {
			best = slot
		}
	}
	s.first = best
	w.wheel[best%slots] = append(w.wheel[best%slots], s)
}

func (w *worker) remove(s *session) {
	slot := &w.wheel[s.first%slots]
	if i := slices.Index(*slot, s); i >= 0 {
		*slot = slices.Delete(*slot, i, i+1)
	}
}
