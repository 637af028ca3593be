// Package call conducts: it joins a caller's leg, the flow, another party's
// leg, the sound and the record into one call, and ends it exactly once.
//
// A Call is an actor. One goroutine owns its state; the flow's goroutine and
// everybody else post functions to its inbox. Call.run holds the one select
// that lists every way a call can end; Call.finish ends it, in order.
package call

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/asr/emotion"
	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/sip"
	"github.com/ivrd/ivrd/tts/ssml"
)

// Config bounds and directs calls.
type Config struct {
	// Numbers maps what is called to what answers.
	Numbers map[string]Target
	// MaxCalls at once; more are refused with 503. 0 means no cap.
	MaxCalls int
	// Node names this process in records.
	Node string
	// Env is what flows see as ${env.NAME}.
	Env map[string]string
	// Longest is how long a call may take from its answer; 0 means for ever. It
	// frees the place of a call that nobody ends, such as two machines talking.
	Longest time.Duration
	// Activity: each party is listened to for whether they speak.
	Activity bool
	// Emotion: the caller's voice and words are judged for how they seem to feel; needs
	// Activity.
	Emotion bool
	// FinishTimeout bounds what follows the hang-up; 0 means 15 s.
	FinishTimeout time.Duration
}

// Target is what answers a number: a flow, or the echo test line.
type Target struct {
	Flow string
	Echo bool
}

// Media makes the media session of a call; *engine.Engine is one.
type Media interface {
	NewSession(id string) (media.Session, error)
}

// Speaker turns prompts into sound; *tts.Speaker is one.
type Speaker interface {
	// File is a recorded prompt.
	File(language, name string) (*media.Prompt, error)
	// Say is text that was formatted for speaking.
	Say(ctx context.Context, language string, text ssml.Speech) ([]*media.Prompt, error)
}

// Script is what a call is played from: flows, and the speaker and the intents that
// they were checked with.
type Script struct {
	Flows   *ivr.Flows
	Speaker Speaker
	// Words of a recorded prompt, for the transcript; "" where they are not known. nil
	// knows none.
	Words func(language, name string) string
	// Understander understands what the caller says, to the flows and to others; nil
	// when nobody does.
	Understander ivr.Understander
}

// Deps are what calls are made of.
type Deps struct {
	Media   Media
	Archive recordings.Archive
	Dialer  sip.Dialer
	Queues  Queues
	Fetcher ivr.Fetcher
	// Recognizer hears what is said in place of keys; nil when nobody does.
	Recognizer asr.Recognizer
	// Dictation writes down what the parties say to each other, in the languages of its
	// traits; nil when nobody does: the conversation is not transcribed.
	Dictation asr.Recognizer
	// EmotionModel judges the caller's utterances by their sound, after the rules have; nil
	// when none does. It needs Config.Emotion.
	EmotionModel emotion.Model
	// Script gives what a new call is played from; a running call keeps its own.
	Script func() Script
	// Clock tells flows the time; nil means the system's.
	Clock ivr.Clock
	Log   *slog.Logger
	// Ended is told of every call that ended, for metrics; it must not block. Of
	// one that was refused there is End only.
	Ended func(recordings.Call)
	// Overloaded reports that another call would harm those that run; nil: it
	// never does. It is asked for every call, and must not wait.
	Overloaded func() bool
	// Changed is told whenever Statuses or the record of a running call gives
	// something else than before; it must not block. nil: nobody is.
	Changed func()
}

// Conductor answers incoming calls and keeps the running ones. It implements
// sip.Handler.
type Conductor struct {
	cfg  Config
	deps Deps

	mu       sync.Mutex
	calls    map[string]*Call
	entered  int            // calls, with those that are only beginning
	draining bool           // no new call enters
	cut      bool           // what still begins is hung up at once
	idle     sync.WaitGroup // calls that have entered
}

// New returns a conductor.
func New(cfg Config, deps Deps) *Conductor {
	if cfg.FinishTimeout == 0 {
		cfg.FinishTimeout = 15 * time.Second
	}
	if deps.Clock == nil {
		deps.Clock = systemClock{}
	}
	if deps.Ended == nil {
		deps.Ended = func(recordings.Call) {}
	}
	if deps.Overloaded == nil {
		deps.Overloaded = func() bool { return false }
	}
	if deps.Changed == nil {
		deps.Changed = func() {}
	}
	return &Conductor{cfg: cfg, deps: deps, calls: map[string]*Call{}}
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

// Known reports whether a number is answered here.
func (c *Conductor) Known(number string) bool {
	_, ok := c.cfg.Numbers[number]
	return ok
}

// A refused caller's switch is told to wait for retryAfter, and up to
// retrySpread longer: those who were refused together must not come again
// together.
const (
	retryAfter  = 3 * time.Second
	retrySpread = 7 * time.Second
)

// Full refuses new calls while none enters, and under overload.
func (c *Conductor) Full() time.Duration {
	if c.Closed() || c.deps.Overloaded() {
		return retryAfter + rand.N(retrySpread)
	}
	return 0
}

// Closed reports that no call enters: we drain, or have as many as we may.
func (c *Conductor) Closed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.draining || c.full()
}

func (c *Conductor) full() bool { return c.cfg.MaxCalls > 0 && c.entered >= c.cfg.MaxCalls }

// enter counts a call in, or says why there is no place for it. Full was asked
// before, but many calls may have been told of the same last place.
func (c *Conductor) enter() leg.EndReason {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.draining:
		return leg.Shutdown
	case c.full():
		return leg.NoCapacity
	}
	c.entered++
	c.idle.Add(1)
	return leg.EndReason{}
}

func (c *Conductor) leave() {
	c.mu.Lock()
	c.entered--
	c.mu.Unlock()
	c.idle.Done()
}

// invitation is a call that asks to be taken; *sip.Incoming is one.
type invitation interface {
	Info() leg.Info
	Accept(media.Session, media.StreamOptions) (leg.Leg, error)
	Reject(leg.EndReason)
}

// Incoming implements sip.Handler.
func (c *Conductor) Incoming(ctx context.Context, in *sip.Incoming) { c.serve(ctx, in) }

// serve runs one call from its first message to its sealed record.
func (c *Conductor) serve(ctx context.Context, in invitation) {
	info := in.Info()
	target, ok := c.cfg.Numbers[info.To]
	if !ok {
		in.Reject(leg.UnknownNumber)
		return
	}
	if r := c.enter(); !r.IsZero() {
		c.refused(in, &refusal{r, errors.New("no place for the call")})
		return
	}
	defer c.leave()
	call, err := c.open(ctx, in, info)
	if err != nil {
		c.refused(in, err)
		return
	}
	defer c.forget(call)
	call.run(ctx, target)
}

// refused ends a call that never came to be. It counts like any other: its
// caller wanted something and did not get it.
func (c *Conductor) refused(in invitation, err error) {
	r := reasonOf(err)
	in.Reject(r)
	c.deps.Log.Warn("call refused", "reason", r.String(), "err", err)
	c.deps.Ended(recordings.Call{End: r})
}

// open makes the record, the session and the leg of a new call, in this
// order: there is no call without its record.
func (c *Conductor) open(ctx context.Context, in invitation, info leg.Info) (*Call, error) {
	visit, err := c.deps.Archive.Begin(ctx, recordings.Call{
		Channel: "PS", From: info.From, To: info.To, Trunk: info.Trunk, Node: c.cfg.Node, StartedAt: c.deps.Clock.Now(),
	})
	switch {
	case err != nil && ctx.Err() != nil: // it was given up, and did not fail
		return nil, &refusal{leg.CallerCancel, err}
	case err != nil:
		return nil, &refusal{leg.NoStorage, err}
	}
	session, err := c.deps.Media.NewSession(visit.ID())
	if err != nil {
		return nil, c.abort(ctx, visit, &refusal{leg.NoCapacity, err})
	}
	caller, err := in.Accept(session, media.StreamOptions{Name: "caller", Track: media.TrackCaller, PlayTrack: media.TrackPrompts, Activity: c.cfg.Activity})
	if err != nil {
		_ = session.Close() // nothing was opened on it
		return nil, c.abort(ctx, visit, &refusal{reasonOf(err), err})
	}
	call := newCall(c, visit, session, caller)
	defer c.deps.Changed()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[call.id] = call
	if c.cut {
		call.Hangup(leg.Shutdown)
	}
	return call, nil
}

// abort closes the record of a call that never came to be.
func (c *Conductor) abort(ctx context.Context, visit recordings.Visit, r *refusal) error {
	if err := visit.Finish(context.WithoutCancel(ctx), r.reason, c.deps.Clock.Now()); err != nil {
		return errors.Join(r, err)
	}
	return r
}

func (c *Conductor) forget(call *Call) {
	defer c.deps.Changed()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, call.id)
}

// Live lists the IDs of running calls, in order of their beginning.
func (c *Conductor) Live() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := make([]string, 0, len(c.calls))
	for id := range c.calls {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Drain refuses new calls and waits until the running ones have ended. When
// ctx ends first, it hangs them up and waits for their records, but not for
// ever: a call that is stuck must not keep the process.
func (c *Conductor) Drain(ctx context.Context) {
	c.mu.Lock()
	c.draining = true
	c.mu.Unlock()
	idle := make(chan struct{})
	go func() { c.idle.Wait(); close(idle) }()
	select {
	case <-idle:
		return
	case <-ctx.Done():
	}
	c.mu.Lock()
	c.cut = true
	for _, call := range c.calls {
		call.Hangup(leg.Shutdown)
	}
	c.mu.Unlock()
	select {
	case <-idle:
	case <-time.After(c.cfg.FinishTimeout + drainMargin):
		c.deps.Log.Error("calls did not end within the limit", "call_ids", c.Live())
	}
}

// drainMargin is what a call may take to end beyond FinishTimeout.
const drainMargin = 5 * time.Second

// refusal is an error that knows the reason to give to the caller.
type refusal struct {
	reason leg.EndReason
	err    error
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// reasonOf is the reason that an error carries; the fall-back is loud.
func reasonOf(err error) leg.EndReason {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.reason
	}
	return sip.AsReason(err)
}
