package ivr

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// Bounds of a run. They are far above what a conversation needs; a flow that
// reaches one ends as a fault.
const (
	maxSteps  = 10_000
	maxQuiet  = 200 // nodes in a row in which the caller has no turn
	maxDepth  = 16  // flows calling flows
	maxFaults = 3   // faults of the house that on_error may catch in a call
)

// Ports are what a run needs of the world.
type Ports struct {
	Caller  Caller
	Fetcher Fetcher
	Clock   Clock
	// Understander understands what is said to an ask; nil: it is asked for keys and
	// phrases only.
	Understander Understander
	// Log takes the faults that a flow's on_error has caught; nil means none.
	Log *slog.Logger
}

// Options say who calls and what the flow may know.
type Options struct {
	From, To string
	Trusted  bool   // From was asserted by a trusted trunk
	Language string // known beforehand, or empty
	Env      map[string]string
	Config   map[string]any
}

// Reason is why a run ended. Its words are those of the call record.
type Reason string

// The reasons.
const (
	FlowHangup   Reason = "flow-hangup"
	CallerHangup Reason = "caller-hangup"
	FlowFault    Reason = "flow-fault"
	Cancelled    Reason = "cancelled"
)

// End is how and where a run ended.
type End struct {
	Reason     Reason
	Flow, Node string
	Language   string // as the caller chose it, or empty
}

// Run is one passage of a caller through flows. It is used once, by one
// goroutine.
type Run struct {
	flows    *Flows
	start    string
	ports    Ports
	options  Options
	vars     map[string]any
	secrets  map[string]Secret
	language string
	stack    []frame
	steps    int
	quiet    int
	faults   int
	position int           // in a queue, while its news are said
	wait     time.Duration // expected, likewise
	// last is the fault that ends the run after the node that tells of it.
	last error
	asked
}

type frame struct {
	flow *Flow
	node *node
}

// errDone ends a run by the flow's own wish.
var errDone = errors.New("the flow is over")

// errLimit is a bound that was reached; on_error does not catch it.
var errLimit = errors.New("the flow goes on without end")

// NewRun prepares a run of flows that loaded without fault.
func NewRun(flows *Flows, start string, ports Ports, options Options) (*Run, error) {
	if !flows.sound {
		return nil, errors.New("run flow: the flows have faults (run check)")
	}
	if flows.Flow(start) == nil {
		return nil, fmt.Errorf("run flow: there is no flow %q", start)
	}
	if ports.Log == nil {
		ports.Log = slog.New(slog.DiscardHandler)
	}
	r := &Run{flows: flows, start: start, ports: ports, options: options, vars: map[string]any{}, secrets: map[string]Secret{}}
	for name, v := range flows.vars {
		if v.secret {
			r.secrets[name] = Secret{}
		} else {
			r.vars[name] = v.zero
		}
	}
	languages := flows.Flow(start).Languages
	if len(languages) == 1 {
		r.language = languages[0]
	} else if slices.Contains(languages, options.Language) {
		r.language = options.Language
	}
	return r, nil
}

// Version is that of the flow that the run starts with.
func (r *Run) Version() string { return r.flows.Flow(r.start).Version }

// Run runs the flow to its end. The error says what went wrong when the
// reason is FlowFault or Cancelled, and is nil otherwise. A context that is
// cancelled with ErrHangup as its cause ends the run as CallerHangup, also in
// the middle of a fetch.
func (r *Run) Run(ctx context.Context) (End, error) {
	defer r.wipe()
	err := r.enter(r.start)
	for err == nil {
		err = r.step(ctx)
	}
	if errors.Is(err, errDone) {
		// That the caller has gone by then is what was asked for.
		if gone := r.ports.Caller.Hangup(ctx); gone != nil && !errors.Is(gone, ErrHangup) {
			err = gone
		}
	}
	return r.end(ctx, err)
}

func (r *Run) end(ctx context.Context, err error) (End, error) {
	e := End{Language: r.language}
	if len(r.stack) > 0 {
		top := r.top()
		e.Flow, e.Node = top.flow.Name, top.node.name
	}
	switch {
	case errors.Is(err, ErrHangup):
		e.Reason = CallerHangup
		return e, nil
	case errors.Is(err, errDone):
		e.Reason = FlowHangup
		return e, nil
	case ctx.Err() != nil:
		e.Reason = Cancelled
	default:
		e.Reason = FlowFault
	}
	return e, fmt.Errorf("run flow %s, node %s: %w", e.Flow, e.Node, err)
}

func (r *Run) wipe() {
	for _, s := range r.secrets {
		s.Wipe()
	}
}

func (r *Run) top() *frame { return &r.stack[len(r.stack)-1] }

// enter begins a flow, above the one that calls it.
func (r *Run) enter(name string) error {
	if len(r.stack) >= maxDepth {
		return fmt.Errorf("call flow %s: flows call each other deeper than %d", name, maxDepth)
	}
	f := r.flows.Flow(name)
	if f == nil {
		return fmt.Errorf("call flow %s: there is none", name)
	}
	n := f.byName[f.start.node]
	if n == nil {
		return fmt.Errorf("call flow %s: it has no start", name)
	}
	r.stack = append(r.stack, frame{f, n})
	return nil
}

// step runs one node and goes on to the next.
func (r *Run) step(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	flow, n := r.top().flow, r.top().node
	if err := r.count(n); err != nil {
		return err
	}
	r.ports.Caller.Entered(flow.Name, n.name)
	last := r.last
	outcome, err := r.do(ctx, n)
	if last != nil && !errors.Is(err, ErrHangup) {
		return last
	}
	if err == nil && outcome != "" {
		r.asked.left(outcome)
		err = r.leave(outcome)
	}
	if err != nil {
		return r.rescue(ctx, err)
	}
	return nil
}

// do runs a node's verb and its recording. Recording stops before the node
// and starts after it, so that a notice is heard before anything is kept.
func (r *Run) do(ctx context.Context, n *node) (string, error) {
	if n.recording == "stop" {
		if err := r.record(ctx, "stop"); err != nil {
			return "", err
		}
	}
	outcome, err := n.verb.run(ctx, r, n)
	if err != nil {
		return "", err
	}
	if n.recording == "start" && outcome != "noinput" && outcome != "nomatch" {
		return outcome, r.record(ctx, "start")
	}
	return outcome, nil
}

func (r *Run) record(ctx context.Context, what string) error {
	if what == "" {
		return nil
	}
	return r.ports.Caller.Recording(ctx, what == "start")
}

func (r *Run) count(n *node) error {
	r.steps++
	r.quiet++
	switch n.word {
	case "menu", "ask", "collect", "record", "voicemail", "connect", "enqueue", "transfer":
		r.quiet = 0
	}
	if r.steps > maxSteps || r.quiet > maxQuiet {
		return errLimit
	}
	return nil
}

// leave goes where an outcome of the present node leads.
func (r *Run) leave(outcome string) error {
	top := r.top()
	t, ok := top.flow.resolve(top.node, outcome)
	if !ok {
		return fmt.Errorf("leave node: %s leads nowhere", outcome)
	}
	return r.move(t)
}

func (r *Run) move(t target) error {
	if t.node != end {
		n := r.top().flow.byName[t.node]
		if n == nil {
			return fmt.Errorf("leave node: there is no node %s", t.node)
		}
		r.top().node = n
		return nil
	}
	if len(r.stack) == 1 {
		return errDone
	}
	r.stack = r.stack[:len(r.stack)-1]
	return r.leave("next")
}

// rescue takes a fault of the house to the on_error of this flow, or of the
// nearest flow that called it.
func (r *Run) rescue(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, ErrHangup) || errors.Is(err, errDone) || errors.Is(err, errLimit) {
		return err
	}
	r.faults++
	if r.faults > maxFaults {
		return err
	}
	for depth := len(r.stack); depth > 0; depth-- {
		f := r.stack[depth-1]
		if f.flow.onError.node == "" || f.flow.onError.node == f.node.name {
			continue
		}
		if errors.Is(err, ErrUnrecorded) {
			if !speaks(f.flow.byName[f.flow.onError.node]) {
				return err
			}
			r.last = err
		}
		r.note("on_error", r.top().node, "err", err)
		r.stack = r.stack[:depth]
		return r.move(f.flow.onError)
	}
	return err
}

// speaks reports whether a node says something to the caller and does nothing
// else.
func speaks(n *node) bool {
	return n != nil && (n.word == "play" || n.word == "say" || n.word == "hangup")
}

// note logs what a flow has handled itself: a reason in fixed words, then
// what is known about it.
func (r *Run) note(reason string, n *node, args ...any) {
	r.ports.Log.With(args...).Warn("fault handled by the flow", "flow", r.top().flow.Name, "node", n.name, "reason", reason)
}

// keep holds a secret for the run.
func (r *Run) keep(name string, s Secret) {
	r.secrets[name].Wipe()
	r.secrets[name] = s
}

// env is what expressions see now.
func (r *Run) env() map[string]any {
	now := r.ports.Clock.Now()
	flow := r.top().flow
	env := map[string]any{
		"language": r.language,
		"caller":   map[string]any{"from": r.options.From, "to": r.options.To, "trusted": r.options.Trusted},
		"env":      r.options.Env,
		"config":   r.options.Config,
		"now":      nowValue(now.In(flow.zone)),
		"queue":    queueValue(r.position, r.wait),
		"asked":    r.asked.value(),
		"hours":    func(name string) bool { return flow.hours[name].open(now) },
		"holiday":  func(name string) bool { return flow.hours[name].holiday(now) },
	}
	maps.Copy(env, r.vars)
	for name, s := range r.secrets {
		env[name+lengthSuffix] = s.Len()
	}
	return env
}

// assign gives variables values, in order.
func (r *Run) assign(sets []assignment) error {
	for _, a := range sets {
		value, err := a.value(r)
		if err != nil {
			return err
		}
		if a.name != "language" {
			r.vars[a.name] = value
			continue
		}
		name, _ := value.(string)
		if !slices.Contains(r.top().flow.Languages, name) {
			return errors.New("set language: the flow does not speak it")
		}
		r.language = name
	}
	return nil
}

func (a assignment) value(r *Run) (any, error) {
	if a.text == nil {
		return a.literal, nil
	}
	if whole := a.text.whole(); whole != nil {
		return whole.eval(r.env())
	}
	return a.text.plain(r.env())
}

// speak plays prompts to their end.
func (r *Run) speak(ctx context.Context, p prompts) error {
	if p.empty() {
		return nil
	}
	list, err := r.prompts(p)
	if err != nil {
		return err
	}
	_, err = r.ports.Caller.Listen(ctx, Listen{Prompts: list})
	return err
}

// prompts fills in what is to be said: in the caller's language, or, while it
// is unknown, in each of the flow's, one after the other.
func (r *Run) prompts(p prompts) ([]Prompt, error) {
	flow := r.top().flow
	languages := flow.Languages
	if slices.Contains(languages, r.language) {
		languages = []string{r.language}
	}
	var list []Prompt
	for _, language := range languages {
		for _, file := range p.files {
			list = append(list, Prompt{File: file.name, Language: language})
		}
		text := p.say[language]
		if text == nil {
			continue
		}
		speech, err := text.spoken(r.env(), language, flow.zone)
		if err != nil {
			return nil, err
		}
		list = append(list, promptOf(speech, language))
	}
	return list, nil
}

func (t *text) plain(env map[string]any) (string, error) {
	var b strings.Builder
	for _, p := range t.pieces {
		b.WriteString(p.literal)
		if p.expr == nil {
			continue
		}
		value, err := p.plain(env)
		if err != nil {
			return "", err
		}
		b.WriteString(value)
	}
	if b.Len() > maxValue {
		return "", fmt.Errorf("fill text: longer than %d bytes", maxValue)
	}
	return b.String(), nil
}

func (p piece) plain(env map[string]any) (string, error) {
	value, err := p.expr.eval(env)
	if err != nil {
		return "", err
	}
	s, err := plainText(value)
	if err != nil {
		return "", fmt.Errorf("fill %q: %w", p.expr.source, err)
	}
	return s, nil
}
