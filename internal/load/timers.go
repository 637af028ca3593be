package load

import "time"

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

// timers is a heap by time, without allocation for each.
type timers []timed

// set wakes t at a time instead of whatever was set; 0 for never.
func (h *timers) set(t timed, due time.Duration) {
	a := t.alarm()
	waiting := a.due > 0
	switch {
	case due == 0 && waiting:
		h.remove(a.at)
	case due == 0:
	case waiting:
		a.due = due
		h.down(h.up(a.at))
	default:
		a.due = due
		*h = append(*h, t)
		a.at = len(*h) - 1
		h.up(a.at)
	}
	a.due = due
}

// wake wakes all whose time has come.
func (h *timers) wake(now time.Duration) {
	for len(*h) > 0 && (*h)[0].alarm().due <= now {
		t := (*h)[0]
		h.remove(0)
		t.alarm().due = 0
		t.wake()
	}
}

func (h *timers) remove(i int) {
	last := len(*h) - 1
	h.swap(i, last)
	(*h)[last] = nil
	*h = (*h)[:last]
	if i < last {
		h.down(h.up(i))
	}
}

func (h timers) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].alarm().at, h[j].alarm().at = i, j
}

func (h timers) less(i, j int) bool { return h[i].alarm().due < h[j].alarm().due }

func (h timers) up(i int) int {
	for i > 0 && h.less(i, (i-1)/2) {
		h.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
	return i
}

func (h timers) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h.less(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}
