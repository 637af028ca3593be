package call

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
)

// Call is one visit of one caller. The fields below "actor" belong to the
// goroutine of run.
type Call struct {
	con     *Conductor
	script  Script
	id      string
	visit   recordings.Visit
	session media.Session
	caller  leg.Leg
	log     *slog.Logger
	board   board
	scribe  *scribe

	inbox  chan func()
	hangup chan leg.EndReason // the first one counts
	hung   chan struct{}      // closed when there is one
	hangs  sync.Once
	ended  chan struct{}
	reason leg.EndReason // why it ended; written before ended is closed

	// actor
	doing  activity    // what the flow's node does with the caller; nil between nodes
	typed  []byte      // keys pressed ahead
	late   lateKey     // the finish key of the entry before, which may still come
	timer  *time.Timer // the activity's
	other  leg.Leg     // the party that the caller is connected to, or that rings
	joined leg.Leg     // the party that caller hears and is heard by; nil: nobody
	apart  bool        // joined is there, but on hold
	taken  bool        // other is a supervisor who has taken over
	echo   bool        // the caller hears themselves
	// arriving is a page of the agent that is to take the call back; fetching
	// counts the tries.
	arriving leg.Leg
	fetching int
	// otherEvents are other's; nil while they come by the inbox.
	otherEvents <-chan leg.Event
	monitors    []*monitor
	attendees   []attendee
	line        <-chan media.StreamEvent // of the other party
	sound       tap                      // what the session's frames go to
	rec         recordings.Recorder
	paused      map[string]bool // why the recorder is paused; empty: it runs
	resume      *time.Timer     // the end of a secret, delayed
	stopped     context.CancelCauseFunc
	flow        chan error
}

// activity is one thing that a flow does with the caller: a turn, a
// connection, a message. It gives its result to the flow by a channel.
type activity interface {
	begin(*Call)
	key(*Call, byte)
	played(*Call, media.PlayID)
	expired(*Call)
	other(*Call, leg.Event)
	// abandon ends it because the call ends; no result is given.
	abandon(*Call)
}

// inboxSize bounds what may wait for the actor: the flow posts one thing at a
// time, timers and the monitor a few.
const inboxSize = 16

func newCall(con *Conductor, visit recordings.Visit, session media.Session, caller leg.Leg) *Call {
	c := &Call{
		con: con, script: con.deps.Script(), id: visit.ID(), visit: announced{visit, con.deps.Changed}, session: session, caller: caller,
		log:    con.deps.Log.With("call_id", visit.ID()),
		inbox:  make(chan func(), inboxSize),
		hangup: make(chan leg.EndReason, 1),
		hung:   make(chan struct{}),
		ended:  make(chan struct{}),
		timer:  time.NewTimer(time.Hour),
		paused: map[string]bool{},
		flow:   make(chan error, 1),
	}
	c.timer.Stop()
	c.enlist(caller, recordings.PartyCaller, "")
	c.board.status = Status{ID: c.id, Trusted: proved(caller.Info()), State: Menu, Since: con.deps.Clock.Now(), Recording: RecordingNone}
	c.scribe = newScribe(c)
	if con.hears() {
		c.retap()
	}
	return c
}

// Hangup ends the call for a reason of ours; it does not wait.
func (c *Call) Hangup(r leg.EndReason) {
	c.hangs.Do(func() {
		c.hangup <- r
		close(c.hung)
	})
}

// post runs f on the actor. It fails with ivr.ErrHangup when the call has
// ended.
func (c *Call) post(f func()) error {
	select {
	case c.inbox <- f:
		return nil
	case <-c.ended:
		return ivr.ErrHangup
	}
}

// run answers, runs what was called, and ends the call. ctx is that of the
// invitation and ends with it.
func (c *Call) run(ctx context.Context, target Target) {
	reason := c.answer(ctx)
	if reason.IsZero() {
		c.start(ctx, target)
		reason = c.loop()
	}
	c.finish(reason)
}

// start sets the flow, or the echo, going.
func (c *Call) start(ctx context.Context, target Target) {
	if target.Echo {
		c.echo = true
		c.remix()
		return
	}
	flowCtx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	c.stopped = cancel
	go func() { c.flow <- c.guardFlow(flowCtx, target.Flow) }()
}

// errPanicked is a flow's goroutine that has panicked and told of it.
var errPanicked = errors.New("the flow's goroutine panicked")

// guardFlow keeps a panic within its call: the others go on.
func (c *Call) guardFlow(ctx context.Context, name string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("flow panicked", "panic", p, "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	return c.runFlow(ctx, name)
}

func (c *Call) answer(ctx context.Context) leg.EndReason {
	if err := c.caller.Ring(false); err != nil {
		c.log.Debug("ring caller", "err", err)
	}
	answering, cancel := c.untilHangup(ctx)
	defer cancel()
	if err := c.caller.Answer(answering); err != nil {
		return c.unanswered(ctx, err)
	}
	c.visit.Update(func(r *recordings.Call) { r.AnsweredAt = c.con.deps.Clock.Now() })
	c.log.Info("call answered", "leg_id", c.caller.ID())
	return leg.EndReason{}
}

// untilHangup gives a context that ends also when the call is to be hung up:
// the answer may wait long for the far end.
func (c *Call) untilHangup(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-c.hung:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// unanswered is why there was no answer: the end of the leg, if it has ended,
// says more than the error that this caused, and so does a hang-up of ours.
func (c *Call) unanswered(ctx context.Context, err error) leg.EndReason {
	for {
		select {
		case ev, ok := <-c.caller.Events():
			if !ok || ev.Kind == leg.Ended {
				return endOf(ev, ok)
			}
			continue
		default:
		}
		select {
		case r := <-c.hangup:
			return r
		default:
		}
		if r := reasonOf(err); r != leg.Internal {
			return r
		}
		if ctx.Err() != nil {
			return leg.CallerCancel
		}
		c.log.Warn("answer call", "err", err)
		return leg.Internal
	}
}

// loop is the one place where a call waits: every way it can end is here.
func (c *Call) loop() leg.EndReason {
	callerEvents, sounds := c.caller.Events(), c.caller.Stream().Events()
	longest, stop := c.longest()
	defer stop()
	listen := time.NewTicker(linesEvery)
	defer listen.Stop()
	for {
		select {
		case ev, ok := <-callerEvents:
			if !ok || ev.Kind == leg.Ended {
				return endOf(ev, ok)
			}
		case ev, ok := <-sounds:
			if !ok {
				sounds = nil // the leg is ending; its Ended event follows
			} else if ev.Kind == media.EventNoMedia {
				return leg.NoMedia
			} else if ev.Kind == media.EventFailed {
				return failed(ev.Failure)
			} else {
				c.heard(ev)
			}
		case ev, ok := <-c.otherEvents:
			c.fromOther(ev, ok)
		case ev, ok := <-c.line:
			c.fromLine(ev, ok)
		case <-c.timer.C:
			if c.doing != nil {
				c.doing.expired(c)
			}
		case f := <-c.inbox:
			f()
		case err := <-c.flow:
			c.stopped = nil
			return c.flowEnd(err)
		case <-listen.C:
			c.showLines()
		case r := <-c.hangup:
			return r
		case <-longest:
			c.log.Warn("call ended: it took too long", "limit", c.con.cfg.Longest)
			return leg.TooLong
		}
	}
}

// longest tells when the call has taken as long as it may.
func (c *Call) longest() (<-chan time.Time, func() bool) {
	if c.con.cfg.Longest == 0 {
		return nil, func() bool { return false }
	}
	t := time.NewTimer(c.con.cfg.Longest)
	return t.C, t.Stop
}

func endOf(ev leg.Event, ok bool) leg.EndReason {
	if !ok || ev.Reason.IsZero() {
		return leg.Internal
	}
	return ev.Reason
}

// flowEnd says what the end of a flow means for the call.
func (c *Call) flowEnd(err error) leg.EndReason {
	switch {
	case err == nil:
		return leg.FlowHangup
	case errors.Is(err, errPanicked):
		return leg.FlowFault
	case errors.Is(err, recordings.ErrRefused):
		c.log.Error("call ended: it cannot be recorded", "err", err)
		return leg.NoStorage
	default:
		c.log.Error("flow failed", "err", err)
		return leg.FlowFault
	}
}

// heard gives a key, speech or the end of a playback to the activity.
func (c *Call) heard(ev media.StreamEvent) {
	switch {
	case ev.Kind == media.EventDigit && c.late.is(ev.Digit):
	case ev.Kind == media.EventDigit && c.doing != nil:
		c.doing.key(c, ev.Digit)
	case ev.Kind == media.EventDigit:
		c.typeAhead(ev.Digit)
	case ev.Kind == media.EventSpeechBegan || ev.Kind == media.EventSpeechPaused || ev.Kind == media.EventSpeechEnded:
		c.scribe.speaks(ev)
		if t, ok := c.doing.(*turn); ok {
			t.speaks(c, ev)
		}
	case ev.Kind == media.EventPlayed && ev.Completed && c.doing != nil:
		// A playback that was cut off ends nothing: a key follows, or the end
		// of the leg, whose path must not have nodes that nobody has heard.
		c.doing.played(c, ev.Play)
	}
}

// maxTypeAhead bounds the keys that wait for the next turn.
const maxTypeAhead = 32

func (c *Call) typeAhead(key byte) {
	if len(c.typed) < maxTypeAhead {
		c.typed = append(c.typed, key)
	}
}

func (c *Call) fromOther(ev leg.Event, ok bool) {
	if !ok {
		ev = leg.Event{Kind: leg.Ended, Reason: leg.Internal}
	}
	if ev.Kind == leg.Ended {
		defer func() { c.other, c.otherEvents, c.line = nil, nil, nil }()
	}
	if c.doing != nil {
		c.doing.other(c, ev)
	}
}

// fromLine hangs up on a party who has gone silent without a word: nobody must
// talk to a phone that has lost its network.
func (c *Call) fromLine(ev media.StreamEvent, ok bool) {
	if !ok {
		c.line = nil // the leg is ending; its Ended event follows
		return
	}
	p := c.partner()
	switch {
	case p == nil:
	case ev.Kind == media.EventNoMedia:
		p.End(leg.NoMedia)
	case ev.Kind == media.EventFailed:
		p.End(failed(ev.Failure))
	}
}

// begin starts an activity; the flow does one at a time.
func (c *Call) begin(a activity) {
	c.doing = a
	a.begin(c)
}

// done ends the activity; its result has been given.
func (c *Call) done() {
	c.timer.Stop()
	c.doing = nil
}

// after sets the activity's timer.
func (c *Call) after(d time.Duration) { c.timer.Reset(d) }

// finish ends the call, once, in order: the flow, the legs, the last frames,
// media, record. It runs on a context of its own, with a limit.
func (c *Call) finish(reason leg.EndReason) {
	ctx, cancel := context.WithTimeout(context.Background(), c.con.cfg.FinishTimeout)
	defer cancel()
	c.reason = reason
	close(c.ended)
	if c.doing != nil {
		c.doing.abandon(c)
		c.done()
	}
	c.stopFlow(ctx)
	c.caller.End(reason)
	if c.other != nil {
		c.other.End(c.farewell())
	}
	if c.arriving != nil {
		c.arriving.End(c.farewell())
	}
	c.endMonitors()
	c.stopRecording()
	c.scribe.close(ctx)
	c.closeMedia(ctx)
	if err := c.visit.Finish(ctx, reason, c.con.deps.Clock.Now()); err != nil {
		c.log.Error("finish record", "err", err)
	}
	c.log.Info("call ended", "class", reason.Class, "reason", reason.Slug)
	c.con.deps.Ended(c.visit.Call())
}

// farewell is why the other parties of a call that has ended are hung up on: the
// house that closes is not the caller, and ends a leg at once (see sip).
func (c *Call) farewell() leg.EndReason {
	if c.reason == leg.Shutdown {
		return leg.Shutdown
	}
	return leg.CallerHangup
}

// closeMedia enters the figures of the lines in the record and waits for the
// session's end, but not for all of the time that is left: the record must still
// be finished.
func (c *Call) closeMedia(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, c.con.cfg.FinishTimeout/2)
	defer cancel()
	closed := make(chan error, 1)
	var legs []recordings.Leg
	go func() {
		legs = c.measured()
		closed <- c.session.Close()
	}()
	select {
	case err := <-closed:
		c.visit.Update(func(r *recordings.Call) { r.Legs = legs })
		if err != nil {
			c.log.Warn("close media", "err", err)
		}
	case <-ctx.Done():
		c.log.Error("media did not close within the limit")
	}
}

// flowStop bounds how long the caller's BYE waits for the flow.
const flowStop = 2 * time.Second

// stopFlow cancels the flow's goroutine and waits for it. What it posted
// meanwhile is dropped with the inbox.
func (c *Call) stopFlow(ctx context.Context) {
	if c.stopped == nil { // echo, or never answered
		return
	}
	ctx, cancel := context.WithTimeout(ctx, flowStop)
	defer cancel()
	c.stopped(ivr.ErrHangup)
	select {
	case err := <-c.flow:
		if err != nil && !errors.Is(err, ivr.ErrHangup) {
			c.log.Debug("flow ended with its call", "err", err)
		}
	case <-ctx.Done():
		c.log.Error("flow did not stop within the limit")
	}
}
