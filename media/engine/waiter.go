package engine

import "time"

// forEver is longer than any wait.
const forEver = time.Duration(1 << 62)

// waiter is how a worker spends the time between two slots.
type waiter interface {
	// begin is called once, on the worker's own thread.
	begin()
	// wait returns after d, or before when it is woken or there are commands.
	wait(d time.Duration, commands <-chan command)
	// wake ends a wait that is under way; a command is queued before. Any
	// goroutine may call it, until close.
	wake()
	// close frees what is held, when the worker has ended.
	close()
}

// timerWaiter waits by Go's timers: everywhere, and in virtual time.
type timerWaiter struct {
	timer *time.Timer
	woken chan struct{}
}

func newTimerWaiter() *timerWaiter {
	return &timerWaiter{woken: make(chan struct{}, 1)}
}

func (w *timerWaiter) begin() { w.timer = time.NewTimer(0) }

func (w *timerWaiter) wait(d time.Duration, _ <-chan command) {
	w.timer.Reset(d)
	select {
	case <-w.timer.C:
	case <-w.woken:
	}
}

func (w *timerWaiter) wake() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

func (w *timerWaiter) close() {
	if w.timer != nil {
		w.timer.Stop()
	}
}
