package routing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Why an agent is away or offline without having asked for it.
const (
	ReasonNoAnswer    = "no-answer"
	ReasonDeclined    = "declined"
	ReasonBusy        = "busy"
	ReasonUnreachable = "unreachable"
)

// Config is the part of the configuration that routing owns.
type Config struct {
	Queues []Queue
	Policy Policy
	// Now is the clock; nil means the system's.
	Now func() time.Time
	// Changed is told when queues or agents may be other than before; it must
	// not block. nil: nobody is.
	Changed func()
}

// Dispatcher owns tickets, agents and offers. One goroutine matches; whatever
// changes the store wakes it. All deadlines are read from the store, so that
// nothing can stay reserved for ever, also after a fault. It never calls into a
// call: a Place tells that something has changed.
type Dispatcher struct {
	cfg    Config
	queues map[string]*queue
	store  Store
	wake   chan struct{}

	mu     sync.Mutex
	places map[string]*Place

	stop context.CancelFunc
	done chan struct{}
}

// queue is what is measured of a Queue.
type queue struct {
	Queue

	mu     sync.Mutex
	handle time.Duration
	counts Counts
}

// Counts of a queue since the start.
type Counts struct {
	Entered, Answered, Abandoned uint64
	// InTime were answered within the queue's target; Late waited longer,
	// whether they were answered then or not.
	InTime, Late uint64
}

// New makes a dispatcher; Start lets it match.
func New(cfg Config, store Store) *Dispatcher {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Changed == nil {
		cfg.Changed = func() {}
	}
	d := &Dispatcher{
		cfg: cfg, queues: map[string]*queue{}, store: store,
		wake: make(chan struct{}, 1), places: map[string]*Place{}, done: make(chan struct{}),
	}
	for _, q := range cfg.Queues {
		d.queues[q.Name] = &queue{Queue: q, handle: q.Handle}
	}
	return d
}

// Start begins to match until Close.
func (d *Dispatcher) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	d.stop = cancel
	go d.run(ctx)
}

// Close stops matching and waits.
func (d *Dispatcher) Close() {
	d.stop()
	<-d.done
}

func (d *Dispatcher) kick() {
	select {
	case d.wake <- struct{}{}:
	default: // it is awake already
	}
}

// retry is when a store that failed is asked again.
const retry = time.Second

func (d *Dispatcher) run(ctx context.Context) {
	defer close(d.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		case <-timer.C:
		}
		next, err := d.pass(ctx)
		d.cfg.Changed() // whatever changes the store wakes us, or is done by the pass
		switch {
		case err != nil:
			timer.Reset(retry)
		case next.IsZero():
			timer.Stop()
		default:
			timer.Reset(next.Sub(d.cfg.Now()))
		}
	}
}

// pass ends what is overdue, offers what can be offered, tells everybody their
// place, and returns when it must look again.
func (d *Dispatcher) pass(ctx context.Context) (next time.Time, err error) {
	agents, err := d.store.Agents(ctx)
	if err != nil {
		return next, err
	}
	tickets, err := d.store.Waiting(ctx, "")
	if err != nil {
		return next, err
	}
	if agents, err = d.expire(ctx, agents, tickets); err != nil {
		return next, err
	}
	if agents, err = d.match(ctx, tickets, agents); err != nil {
		return next, err
	}
	d.tell(tickets, agents)
	for _, a := range agents {
		if !a.Until.IsZero() && (next.IsZero() || a.Until.Before(next)) {
			next = a.Until
		}
	}
	return next, nil
}

// expire ends offers whose caller has gone, and offers and wrap-ups whose time
// is over.
func (d *Dispatcher) expire(ctx context.Context, agents []Agent, tickets []Ticket) ([]Agent, error) {
	now := d.cfg.Now()
	due := false
	for _, a := range agents {
		over := !a.Until.IsZero() && !a.Until.After(now)
		orphan := !slices.ContainsFunc(tickets, func(t Ticket) bool { return t.ID == a.Ticket })
		var err error
		switch {
		case a.State == Reserved && orphan:
			err = d.store.Release(ctx, a.Name, a.Token, Reserved, after(a, now))
		case a.State == Reserved && over:
			err = d.store.Release(ctx, a.Name, a.Token, Reserved, missed(a, ReasonNoAnswer, now))
		case a.State == WrapUp && over:
			err = d.store.SetState(ctx, a.Name, []State{WrapUp}, after(a, now))
		default:
			continue
		}
		due = true
		if err != nil && !errors.Is(err, ErrStale) && !errors.Is(err, ErrBusy) { // somebody was faster
			return nil, err
		}
	}
	if !due {
		return agents, nil
	}
	return d.store.Agents(ctx)
}

// missed takes an agent who let an offer go out of turn: the next caller must
// not ring in vain, too. Where they wanted to be away, they are.
func missed(a Agent, reason string, now time.Time) Change {
	switch {
	case a.Then == Away || a.Then == Offline:
		return Change{State: a.Then, Reason: a.ThenReason, At: now}
	case reason == ReasonUnreachable:
		return Change{State: Offline, Reason: reason, At: now}
	}
	return Change{State: Away, Reason: reason, At: now}
}

// after is what follows a call: what was asked for meanwhile, or the next.
func after(a Agent, now time.Time) Change {
	if a.Then == "" {
		return Change{State: Ready, At: now}
	}
	return Change{State: a.Then, Reason: a.ThenReason, At: now}
}

// match offers tickets, in their order, each to the best of those who are free.
func (d *Dispatcher) match(ctx context.Context, tickets []Ticket, agents []Agent) ([]Agent, error) {
	now := d.cfg.Now()
	for _, t := range tickets {
		i := best(t, agents)
		q := d.queues[t.Queue]
		if i < 0 || q == nil {
			continue
		}
		o, err := d.store.Reserve(ctx, t.ID, agents[i].Name, now, now.Add(q.Ring))
		switch {
		case errors.Is(err, ErrTaken) || errors.Is(err, ErrNotFound): // offered already, or somebody was faster
			continue
		case err != nil:
			return nil, err
		}
		agents[i].State, agents[i].Ticket, agents[i].Token, agents[i].Until = Reserved, t.ID, o.Token, o.Deadline
	}
	return agents, nil
}

// best of the agents who are ready and fit; -1: nobody, or it is offered.
func best(t Ticket, agents []Agent) int {
	found := -1
	for i, a := range agents {
		if a.State == Reserved && a.Ticket == t.ID {
			return -1
		}
		if a.State == Ready && a.Fits(t) && (found < 0 || better(t)(a, agents[found]) < 0) {
			found = i
		}
	}
	return found
}

// tell gives each caller's place its news. A place whose ticket is gone was
// answered or left, and knows it.
func (d *Dispatcher) tell(tickets []Ticket, agents []Agent) {
	d.mu.Lock()
	defer d.mu.Unlock()
	positions := map[string]int{}
	for _, t := range tickets {
		positions[t.Queue]++
		p := d.places[t.ID]
		if p == nil {
			continue
		}
		s := Status{Position: positions[t.Queue]}
		staffed := 0
		for _, a := range agents {
			if a.State == Reserved && a.Ticket == t.ID {
				s.Offer = &Offer{Ticket: t, Agent: a.Name, Token: a.Token, Deadline: a.Until}
			}
			if a.Fits(t) && a.State != Offline && a.State != Away {
				staffed++
			}
		}
		if q := d.queues[t.Queue]; q != nil && staffed > 0 {
			s.Wait = q.expected(s.Position, staffed)
		}
		p.set(s)
	}
}

// expected is how long it takes until so many calls have ended among so many
// agents.
func (q *queue) expected(position, staffed int) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.handle * time.Duration(position) / time.Duration(staffed)
}

// handled moves the mean of the last ten or so calls.
func (q *queue) handled(took time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.handle += (took - q.handle) / 10
}

func (q *queue) count(f func(*Counts)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	f(&q.counts)
}

// Request asks for a place in a queue.
type Request struct {
	ID, Queue         string
	Value, Difficulty float64 // 0–100
	Emotion           float64 // 0–100: how much it asks for haste
	Parts             []Part  // of Difficulty, where they are known
	Skills            map[string]int
	Language          string
}

// Enter puts a caller into a queue. It fails with ErrNotFound when there is no
// such queue.
func (d *Dispatcher) Enter(ctx context.Context, r Request) (*Place, error) {
	q := d.queues[r.Queue]
	if q == nil {
		return nil, fmt.Errorf("enter queue %s: %w", r.Queue, ErrNotFound)
	}
	t := Ticket{
		ID: r.ID, Queue: r.Queue, Score: d.cfg.Policy.Score(r.Value, r.Difficulty, r.Emotion, r.Parts...),
		Skills: r.Skills, Language: r.Language, At: d.cfg.Now(),
	}
	p := &Place{d: d, queue: q, ticket: t, changed: make(chan struct{}, 1)}
	d.mu.Lock()
	d.places[t.ID] = p
	d.mu.Unlock()
	if err := d.store.Enqueue(ctx, t); err != nil {
		d.forget(t.ID)
		return nil, fmt.Errorf("enter queue %s: %w", r.Queue, err)
	}
	q.count(func(c *Counts) { c.Entered++ })
	d.kick()
	return p, nil
}

func (d *Dispatcher) forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.places, id)
}

// SetAgent adds an agent or replaces queues, skills and languages.
func (d *Dispatcher) SetAgent(ctx context.Context, a Agent) error {
	a.Since = d.cfg.Now()
	if err := d.store.PutAgent(ctx, a); err != nil {
		return fmt.Errorf("set agent %s: %w", a.Name, err)
	}
	d.kick()
	return nil
}

// Wish is what an agent may ask for: Ready, Away with a reason, Offline. It
// holds at once, or after the call or offer that they have.
func (d *Dispatcher) Wish(ctx context.Context, agent string, s State, reason string) error {
	defer d.kick()
	if s == Ready {
		reason = ""
	}
	for {
		now := d.cfg.Now()
		free := []State{Offline, Ready, Away, WrapUp}
		err := d.store.SetState(ctx, agent, free, Change{State: s, Reason: reason, At: now})
		if !errors.Is(err, ErrBusy) {
			return err
		}
		a, err := d.agent(ctx, agent)
		if err != nil {
			return err
		}
		then := Change{State: a.State, Reason: a.Reason, At: now, Until: a.Until, Then: s, ThenReason: reason}
		if err := d.store.SetState(ctx, agent, []State{a.State}, then); !errors.Is(err, ErrBusy) {
			return err
		}
	}
}

func (d *Dispatcher) agent(ctx context.Context, name string) (Agent, error) {
	all, err := d.store.Agents(ctx)
	if err != nil {
		return Agent{}, err
	}
	i := slices.IndexFunc(all, func(a Agent) bool { return a.Name == name })
	if i < 0 {
		return Agent{}, fmt.Errorf("agent %s: %w", name, ErrNotFound)
	}
	return all[i], nil
}

// Agents lists all, by name.
func (d *Dispatcher) Agents(ctx context.Context) ([]Agent, error) { return d.store.Agents(ctx) }

// QueueState is what a queue looks like now.
type QueueState struct {
	Name    string
	Target  time.Duration
	Waiting int
	Longest time.Duration // that somebody waits
	// Ready and Talking count the agents of the queue; Staffed those who are not
	// away or offline.
	Ready, Talking, Staffed int
	Counts
}

// Queues describes all queues, in the order of the configuration.
func (d *Dispatcher) Queues(ctx context.Context) ([]QueueState, error) {
	agents, err := d.store.Agents(ctx)
	if err != nil {
		return nil, err
	}
	tickets, err := d.store.Waiting(ctx, "")
	if err != nil {
		return nil, err
	}
	var out []QueueState
	for _, q := range d.cfg.Queues {
		out = append(out, d.queues[q.Name].state(agents, tickets, d.cfg.Now()))
	}
	return out, nil
}

func (q *queue) state(agents []Agent, tickets []Ticket, now time.Time) QueueState {
	s := QueueState{Name: q.Name, Target: q.Target}
	for _, t := range tickets {
		if t.Queue == q.Name {
			s.Waiting++
			s.Longest = max(s.Longest, now.Sub(t.At))
		}
	}
	for _, a := range agents {
		if !slices.Contains(a.Queues, q.Name) || a.State == Offline || a.State == Away {
			continue
		}
		s.Staffed++
		switch a.State {
		case Ready:
			s.Ready++
		case Talking:
			s.Talking++
		}
	}
	q.count(func(c *Counts) { s.Counts = *c })
	return s
}
