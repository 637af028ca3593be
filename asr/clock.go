package asr

import (
	"slices"

	"github.com/ivrd/ivrd/media"
)

const (
	// maxFill is how long a hole in the sound is filled with silence, for the engine to
	// hear a pause as a pause. Of a longer one this much is filled and the rest left out.
	maxFill = media.SampleRate
	// maxJumps is how many holes that were left out are remembered. Results from before
	// the oldest get times that are too late by the hole, not wrong in order.
	maxJumps = 256
)

// clock maps an engine's time, in samples that it was given, to the call's.
type clock struct {
	sent  media.Time // engine: what it was given
	jumps []jump
}

// jump says that from engine on, call time is engine + by.
type jump struct{ engine, by media.Time }

// next is the call time at which what was given ends.
func (c *clock) next() media.Time {
	if len(c.jumps) == 0 {
		return 0
	}
	return c.sent + c.jumps[len(c.jumps)-1].by
}

// take notes that n samples from the call time at on are given, and returns how many of
// silence go before them and how many of them come too late and must be left out.
func (c *clock) take(at media.Time, n int) (fill, late int) {
	if len(c.jumps) == 0 {
		c.jumps = append(c.jumps, jump{0, at})
	}
	hole := int(at - c.next())
	if hole < 0 {
		late = min(-hole, n)
	}
	fill = min(max(hole, 0), maxFill)
	c.sent += media.Time(fill)
	if hole > fill {
		c.jump(at)
	}
	c.sent += media.Time(n - late)
	return fill, late
}

func (c *clock) jump(to media.Time) {
	if len(c.jumps) == maxJumps {
		c.jumps = slices.Delete(c.jumps, 0, 1)
	}
	c.jumps = append(c.jumps, jump{c.sent, to - c.sent})
}

// start is the call time of the sample at engine time t, end that of the end of what
// comes before it: they differ where a hole was left out.
func (c *clock) start(t media.Time) media.Time {
	return c.call(t, func(j jump) bool { return j.engine <= t })
}

func (c *clock) end(t media.Time) media.Time {
	return c.call(t, func(j jump) bool { return j.engine < t })
}

func (c *clock) call(t media.Time, before func(jump) bool) media.Time {
	for _, j := range slices.Backward(c.jumps) {
		if before(j) {
			return t + j.by
		}
	}
	if len(c.jumps) == 0 {
		return t
	}
	return t + c.jumps[0].by
}
