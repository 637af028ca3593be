package load

import (
	"container/heap"
	"time"
)

// timed is something that is to be woken.
type timed interface {
	// wake comes once the time is there, unless another was set meanwhile.
	wake()
	alarm() *alarm
}

// alarm is the one time that something waits for.
type alarm struct {
	due time.Duration // since the start of the run; 0: none
	at  int           // place in the heap
}

// timers is a heap by time. What waits is a pointer: nothing is allocated for it.
type timers []timed

// set wakes t at a time instead of whatever was set; 0 for never.
func (h *timers) set(t timed, due time.Duration) {
	a := t.alarm()
	if a.due > 0 {
		heap.Remove(h, a.at)
	}
	if a.due = due; due > 0 {
		heap.Push(h, t)
	}
}

// wake wakes all whose time has come.
func (h *timers) wake(now time.Duration) {
	for len(*h) > 0 && (*h)[0].alarm().due <= now {
		t := (*h)[0]
		h.set(t, 0)
		t.wake()
	}
}

// Len implements heap.Interface.
func (h *timers) Len() int { return len(*h) }

// Less implements heap.Interface.
func (h *timers) Less(i, j int) bool { return (*h)[i].alarm().due < (*h)[j].alarm().due }

// Swap implements heap.Interface.
func (h *timers) Swap(i, j int) {
	(*h)[i], (*h)[j] = (*h)[j], (*h)[i]
	(*h)[i].alarm().at, (*h)[j].alarm().at = i, j
}

// Push implements heap.Interface.
func (h *timers) Push(x any) {
	t := x.(timed)
	t.alarm().at = len(*h)
	*h = append(*h, t)
}

// Pop implements heap.Interface.
func (h *timers) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return t
}
