package load

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// settle is how long a new number of calls runs before it is measured.
const settle = 4 * time.Second

// What a good window has, unless a run asks otherwise.
const (
	goodLoss      = 0.001
	goodJitter    = 5.0  // ms, p99
	goodDelivered = 0.9  // a server that pauses while it listens is not a bad one
	goodSetup     = 1000 // ms, p99 of INVITE to 200
	goodFailed    = 0.001
)

// HoldPlan is a number of calls that are brought up, kept and hung up.
type HoldPlan struct {
	Calls    int
	Ramp     float64       // calls a second, up and down
	Duration time.Duration // of the measured window
	After    time.Duration // from the last end to the server's memory then; 0: it is not looked at
}

// RatePlan is a number of calls that begin each second. Options.Talk is how
// long each lasts.
type RatePlan struct {
	Rate     float64
	Duration time.Duration
	After    time.Duration
}

// SearchPlan finds the most that goes well: calls held at once, or with ByRate
// calls begun a second.
type SearchPlan struct {
	ByRate   bool
	From, To float64
	Exact    float64 // share of the result to which it is found: 0.05
	Ramp     float64 // of calls held
	Duration time.Duration
	After    time.Duration
}

// Step is one window of a run.
type Step struct {
	Wanted float64 `json:"wanted"`        // calls at once, or calls a second
	Good   bool    `json:"good"`          // as judged says
	Why    string  `json:"why,omitempty"` // it is not, or that there was nothing to judge
	*Window
}

// Report is what a run gives; its JSON form is public.
type Report struct {
	Mode  string `json:"mode"`
	Steps []Step `json:"steps"`
	// Best is the largest step that went well; nil when none did.
	Best *Step `json:"best,omitempty"`
}

// Hold holds calls.
func Hold(ctx context.Context, o Options, p HoldPlan) (*Report, error) {
	e, err := begin(ctx, o)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	step, err := e.hold(float64(p.Calls), p.Ramp, p.Duration)
	if err != nil {
		return nil, err
	}
	r := newReport("hold", step)
	return r, e.finish(r, p.Ramp, p.After)
}

// Rate begins calls at a rate.
func Rate(ctx context.Context, o Options, p RatePlan) (*Report, error) {
	e, err := begin(ctx, o)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	step, err := e.rate(p.Rate, p.Duration)
	if err != nil {
		return nil, err
	}
	r := newReport("rate", step)
	return r, e.finish(r, max(p.Rate, 1), p.After)
}

// Search raises the load by half until it is too much, and then halves the
// distance to the last that went well.
func Search(ctx context.Context, o Options, p SearchPlan) (*Report, error) {
	e, err := begin(ctx, o)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	r := newReport("search")
	good, bad := 0.0, math.Inf(1)
	for next := p.From; next > good && next < bad; next = nextTry(good, bad, p) {
		step, err := e.tryFairly(next, p)
		if err != nil {
			return nil, err
		}
		r.add(step)
		if step.Good {
			good = next
		} else {
			bad = next
		}
	}
	return r, e.finish(r, p.Ramp, p.After)
}

// nextTry is the next load between what went well and what did not; not above
// good when it is known exactly enough.
func nextTry(good, bad float64, p SearchPlan) float64 {
	switch {
	case good == 0: // even the first was too much
		return math.Floor(bad / 2)
	case math.IsInf(bad, 1):
		return min(math.Ceil(good*1.5), p.To)
	case bad-good <= max(p.Exact*good, 1):
		return good
	}
	return math.Round((good + bad) / 2)
}

// fairTries is how often a step is measured that went wrong while we were late
// ourselves: a machine that is shared must not end the search.
const fairTries = 3

func (e *Engine) tryFairly(load float64, p SearchPlan) (step Step, err error) {
	for range fairTries {
		step, err = e.try(load, p)
		if err != nil || step.Good || !step.Self.Unreliable {
			break
		}
	}
	return step, err
}

func (e *Engine) try(load float64, p SearchPlan) (Step, error) {
	if p.ByRate {
		return e.rate(load, p.Duration)
	}
	return e.hold(load, p.Ramp, p.Duration)
}

// Serve answers calls until ctx ends.
func Serve(ctx context.Context, o Options) (*Report, error) {
	e, err := begin(ctx, o)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	m, err := e.meter()
	if err != nil {
		return nil, err
	}
	if _, err := e.until(math.MaxInt64/2, func() bool { return ctx.Err() != nil }); err != nil && ctx.Err() == nil {
		return nil, err
	}
	w, err := e.result(m)
	if err != nil {
		return nil, err
	}
	for _, d := range e.desk.dialogs {
		d.bye()
	}
	e.desk.turn(time.Since(e.start))
	return newReport("serve", judged(0, w)), nil
}

// begin opens an engine, registers, and notes what the server has before any
// call.
func begin(ctx context.Context, o Options) (*Engine, error) {
	e, err := Open(ctx, o)
	if err != nil {
		return nil, err
	}
	if o.PID != 0 {
		e.before, _, err = memory(o.PID)
	}
	if err == nil && o.Register {
		_, err = e.until(giveUp, func() bool { return e.desk.phone.held })
	}
	if err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

func newReport(mode string, steps ...Step) *Report {
	r := &Report{Mode: mode}
	for _, s := range steps {
		r.add(s)
	}
	return r
}

func (r *Report) add(s Step) {
	r.Steps = append(r.Steps, s)
	if s.Good && (r.Best == nil || s.Wanted > r.Best.Wanted) {
		r.Best = &s
	}
}

// hold brings up calls and measures.
func (e *Engine) hold(calls, ramp float64, d time.Duration) (Step, error) {
	e.say("holding %.0f calls", calls)
	err := e.reach(int(calls), ramp)
	switch {
	case errors.Is(err, ErrRamp):
		w, e2 := e.measure(time.Second)
		if e2 != nil {
			return Step{}, e2
		}
		return Step{Wanted: calls, Why: err.Error(), Window: w}, nil
	case err != nil:
		return Step{}, err
	}
	if err := e.pass(e.desk.opts.Settle); err != nil {
		return Step{}, err
	}
	setup, onTheWay := e.desk.setup.spread(), e.desk.Signals
	w, err := e.measure(d)
	if err != nil {
		return Step{}, err
	}
	w.Setup, w.Ramp = setup, &onTheWay
	return judged(calls, w), nil
}

// rate begins calls at a rate and measures once as many end as begin.
func (e *Engine) rate(rate float64, d time.Duration) (Step, error) {
	e.say("beginning %.0f calls a second", rate)
	e.target, e.ramp = math.MaxInt, rate
	if err := e.pass(e.desk.opts.Settle + e.desk.opts.Talk); err != nil {
		return Step{}, err
	}
	w, err := e.measure(d)
	if err != nil {
		return Step{}, err
	}
	return judged(rate, w), nil
}

// judged says whether a window went well.
func judged(wanted float64, w *Window) Step {
	s := Step{Wanted: wanted, Window: w}
	signals := w.Signals
	if w.Ramp != nil {
		signals = *w.Ramp
	}
	lost := signals.Failed() + signals.Refused
	begun := max(float64(signals.Dialled), 1)
	switch {
	case wanted == 0 && w.idle():
		s.Good, s.Why = true, "nobody called"
		return s
	case w.Loss() >= goodLoss:
		s.Why = fmt.Sprintf("%.2f %% of packets lost", 100*w.Loss())
	case w.Jitter() >= goodJitter:
		s.Why = fmt.Sprintf("p99 jitter %.1f ms", w.Jitter())
	case w.Delivered < goodDelivered:
		s.Why = fmt.Sprintf("only %.1f %% of frames came", 100*w.Delivered)
	case w.Ramp != nil && float64(w.Calls) < wanted*(1-goodFailed):
		s.Why = fmt.Sprintf("only %d calls are up", w.Calls)
	case float64(lost)/begun >= goodFailed:
		s.Why = fmt.Sprintf("%d calls refused, %d failed", signals.Refused, signals.Failed())
	case w.Setup.P99 >= goodSetup:
		s.Why = fmt.Sprintf("p99 of INVITE to 200: %.0f ms", w.Setup.P99)
	}
	s.Good = s.Why == ""
	return s
}

// finish hangs up, and looks at the server's memory a while later.
func (e *Engine) finish(r *Report, ramp float64, after time.Duration) error {
	e.say("hanging up")
	if err := e.clear(ramp); err != nil {
		return err
	}
	if after == 0 || e.desk.opts.PID == 0 {
		return nil
	}
	e.say("waiting %v for the server's memory", after)
	if err := e.pass(after); err != nil {
		return err
	}
	rss, _, err := memory(e.desk.opts.PID)
	for _, s := range r.Steps {
		if s.Server != nil {
			s.Server.RSSAfter = rss
		}
	}
	return err
}
