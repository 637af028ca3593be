package load

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

const (
	// hearEvery is how many slots pass between two looks at what has come: the
	// kernel stamps what comes, so that it may wait, and batches are cheaper.
	hearEvery = 2
	// stall is a standstill after which slots are left out instead of sent in a
	// crowd.
	stall = 200 * time.Millisecond
	// dialsASlot bounds how many calls begin in one millisecond.
	dialsASlot = 4
)

// Engine is a load generator that is set up. One goroutine has it.
type Engine struct {
	desk   *desk
	studio *studio
	ctx    context.Context
	start  time.Time
	slot   int64 // the next one, since start

	target int     // calls to be held
	ramp   float64 // calls begun or ended a second
	credit float64
	late   Histogram // of our own slots
	left   uint64    // slots that were left out
	before int64     // the server's memory before any call
}

// Open binds the sockets. The engine's methods must be called by one goroutine,
// which is locked to its thread from here on.
func Open(ctx context.Context, o Options) (*Engine, error) {
	server, keys, err := o.check()
	if err != nil {
		return nil, err
	}
	runtime.LockOSThread()
	if err := exactSleep(); err != nil {
		return nil, err
	}
	studio, err := openStudio(o.Listen.Addr().Unmap(), o.Ports, o.Tone)
	if err != nil {
		return nil, err
	}
	k, err := newDesk(o, keys, server, studio)
	if err != nil {
		studio.close()
		return nil, err
	}
	e := &Engine{desk: k, studio: studio, ctx: ctx, start: time.Now()}
	e.say("signalling on %s, socket buffers of %d kB", k.self, studio.sides[callers].ports[0].buffer>>10)
	if o.Register {
		k.phone = newPhone(k)
		k.phone.register("", "")
	}
	return e, nil
}

// Close closes the sockets; calls that are up are left alone.
func (e *Engine) Close() {
	e.studio.close()
	e.desk.close()
}

func (e *Engine) say(format string, args ...any) {
	if p := e.desk.opts.Progress; p != nil {
		p(fmt.Sprintf(format, args...))
	}
}

// until runs the clock until done, for a time at most, and reports whether it
// was done.
func (e *Engine) until(limit time.Duration, done func() bool) (bool, error) {
	end := time.Since(e.start) + limit
	for !done() {
		now := time.Since(e.start)
		if now >= end {
			return false, nil
		}
		if e.ctx.Err() != nil {
			return false, context.Cause(e.ctx)
		}
		if p := e.desk.phone; p != nil && p.err != nil {
			return false, p.err
		}
		due := time.Duration(e.slot) * slotTime
		if due > now {
			sleep(due - now)
			continue
		}
		e.run(due)
	}
	return true, nil
}

// pass runs the clock for a time.
func (e *Engine) pass(d time.Duration) error {
	_, err := e.until(d, func() bool { return false })
	return err
}

// run does one slot that was due at a time since the start.
func (e *Engine) run(due time.Duration) {
	now := time.Since(e.start)
	e.late.Add(now - due)
	e.studio.send(int(e.slot % slots))
	if e.slot%hearEvery == 0 {
		e.studio.hear()
	}
	e.load()
	e.desk.turn(now)
	e.slot++
	if behind := now - due; behind > stall {
		skip := int64(behind / slotTime)
		e.slot += skip
		e.left += uint64(skip)
	}
}

// load begins and ends calls until there are as many as wanted.
func (e *Engine) load() {
	e.credit = min(e.credit+e.ramp*slotTime.Seconds(), dialsASlot)
	for e.credit >= 1 && len(e.desk.callers) < e.target {
		e.credit--
		e.desk.dial()
	}
	for i := len(e.desk.callers) - 1; e.credit >= 1 && i >= e.target; i-- {
		e.credit--
		e.desk.callers[i].hangUp()
	}
}

// up is how many of our calls are answered.
func (e *Engine) up() int {
	n := 0
	for _, d := range e.desk.callers {
		if d.state == up {
			n++
		}
	}
	return n
}

// ErrRamp says that the server did not take the calls that were to be held.
var ErrRamp = errors.New("the server did not take the calls")

// reach holds so many calls, no more and no less. An error that is ErrRamp
// says that it could not.
func (e *Engine) reach(calls int, ramp float64) error {
	e.target, e.ramp = calls, ramp
	way := max(calls, len(e.desk.callers))
	limit := time.Duration(float64(way)/ramp*float64(time.Second)) + giveUp
	tries := e.desk.Dialled + uint64(2*calls+10)
	ok, err := e.until(limit, func() bool {
		return len(e.desk.callers) == calls && e.up() == calls || e.desk.Dialled > tries
	})
	if err != nil {
		return err
	}
	if !ok || e.desk.Dialled > tries {
		return fmt.Errorf("%w: %d of %d are up (503: %d, failed: %d)", ErrRamp, e.up(), calls, e.desk.Refused, e.desk.Failed())
	}
	return nil
}

// clear ends all calls, those that came to us too when they outlive ours.
func (e *Engine) clear(ramp float64) error {
	if err := e.reach(0, ramp); err != nil && !errors.Is(err, ErrRamp) {
		return err
	}
	if _, err := e.until(2*time.Second, e.silent); err != nil {
		return err
	}
	for _, d := range e.desk.dialogs {
		d.bye()
	}
	_, err := e.until(giveUp, e.silent)
	return err
}

// silent reports whether no dialog is left.
func (e *Engine) silent() bool {
	for _, d := range e.desk.dialogs {
		if d.state != gone {
			return false
		}
	}
	return true
}
