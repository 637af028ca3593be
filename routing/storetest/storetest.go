// Package storetest is the conformance suite of routing.Store.
package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ivrd/ivrd/routing"
)

// Run checks what the interface promises on stores that open makes, each empty.
func Run(t *testing.T, open func(*testing.T) routing.Store) {
	for name, check := range map[string]func(*testing.T, context.Context, routing.Store){
		"order":           order,
		"agents":          agents,
		"reserve":         reserve,
		"stale tokens":    staleTokens,
		"dequeue offered": dequeueOffered,
		"one wins":        oneWins,
		"copies":          copies,
	} {
		t.Run(name, func(t *testing.T) { check(t, t.Context(), open(t)) })
	}
}

// start is a time without a monotonic reading, as a remote store returns it.
var start = time.UnixMilli(1_700_000_000_000).UTC()

func ticket(id string, score float64, after time.Duration) routing.Ticket {
	return routing.Ticket{ID: id, Queue: "q", Score: routing.Score{Total: score}, At: start.Add(after)}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, got, target error) {
	t.Helper()
	if !errors.Is(got, target) {
		t.Errorf("got error %v, want %v", got, target)
	}
}

func ids(t *testing.T, s routing.Store, queue string, want ...string) {
	t.Helper()
	tickets, err := s.Waiting(t.Context(), queue)
	must(t, err)
	var got []string
	for _, x := range tickets {
		got = append(got, x.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("waiting in %q: %v, want %v", queue, got, want)
	}
}

func agent(t *testing.T, s routing.Store, name string) routing.Agent {
	t.Helper()
	all, err := s.Agents(t.Context())
	must(t, err)
	i := slices.IndexFunc(all, func(a routing.Agent) bool { return a.Name == name })
	if i < 0 {
		t.Fatalf("there is no agent %s", name)
	}
	return all[i]
}

// ready adds an agent who takes calls.
func ready(t *testing.T, s routing.Store, name string) {
	t.Helper()
	must(t, s.PutAgent(t.Context(), routing.Agent{Name: name, Queues: []string{"q"}}))
	must(t, s.SetState(t.Context(), name, []routing.State{routing.Offline}, routing.Change{State: routing.Ready, At: start, Rested: true}))
}

func order(t *testing.T, ctx context.Context, s routing.Store) {
	must(t, s.Enqueue(ctx, ticket("low", 10, 0)))
	must(t, s.Enqueue(ctx, ticket("late", 50, 2*time.Second)))
	must(t, s.Enqueue(ctx, ticket("early", 50, time.Second)))
	must(t, s.Enqueue(ctx, ticket("same", 50, time.Second)))
	must(t, s.Enqueue(ctx, ticket("high", 90, 3*time.Second)))
	other := ticket("other", 99, 0)
	other.Queue = "r"
	must(t, s.Enqueue(ctx, other))
	want(t, s.Enqueue(ctx, ticket("low", 1, 0)), routing.ErrExists)
	ids(t, s, "q", "high", "early", "same", "late", "low")
	ids(t, s, "", "other", "high", "early", "same", "late", "low")
	must(t, s.Dequeue(ctx, "early"))
	want(t, s.Dequeue(ctx, "early"), routing.ErrNotFound)
	ids(t, s, "q", "high", "same", "late", "low")
}

func agents(t *testing.T, ctx context.Context, s routing.Store) {
	must(t, s.PutAgent(ctx, routing.Agent{Name: "bob", Since: start}))
	must(t, s.PutAgent(ctx, routing.Agent{Name: "alice", Queues: []string{"q"}, Skills: map[string]int{"fraud": 3}, Languages: []string{"zh"}, Since: start}))
	all, err := s.Agents(ctx)
	must(t, err)
	if len(all) != 2 || all[0].Name != "alice" || all[1].Name != "bob" || all[0].State != routing.Offline || all[0].Skills["fraud"] != 3 {
		t.Fatalf("agents: %+v", all)
	}
	from := []routing.State{routing.Offline, routing.Ready, routing.Away}
	must(t, s.SetState(ctx, "alice", from, routing.Change{State: routing.Away, Reason: "lunch", At: start.Add(time.Second)}))
	want(t, s.SetState(ctx, "alice", []routing.State{routing.Ready}, routing.Change{State: routing.Offline}), routing.ErrBusy)
	want(t, s.SetState(ctx, "carol", from, routing.Change{State: routing.Ready}), routing.ErrNotFound)
	must(t, s.PutAgent(ctx, routing.Agent{Name: "alice", Queues: []string{"r"}}))
	if a := agent(t, s, "alice"); a.State != routing.Away || a.Reason != "lunch" || !a.Since.Equal(start.Add(time.Second)) || a.Queues[0] != "r" || a.Skills["fraud"] != 0 {
		t.Errorf("alice: %+v", a)
	}
}

func reserve(t *testing.T, ctx context.Context, s routing.Store) {
	ready(t, s, "alice")
	must(t, s.PutAgent(ctx, routing.Agent{Name: "bob", Queues: []string{"q"}}))
	must(t, s.Enqueue(ctx, ticket("a", 1, 0)))
	must(t, s.Enqueue(ctx, ticket("b", 1, time.Second)))
	_, err := s.Reserve(ctx, "a", "bob", start, start)
	want(t, err, routing.ErrTaken) // offline
	_, err = s.Reserve(ctx, "z", "alice", start, start)
	want(t, err, routing.ErrNotFound)
	deadline := start.Add(20 * time.Second)
	o, err := s.Reserve(ctx, "a", "alice", start, deadline)
	must(t, err)
	if o.Ticket.ID != "a" || o.Agent != "alice" || o.Token == 0 || !o.Deadline.Equal(deadline) {
		t.Errorf("offer: %+v", o)
	}
	if a := agent(t, s, "alice"); a.State != routing.Reserved || a.Ticket != "a" || a.Token != o.Token || !a.Until.Equal(deadline) {
		t.Errorf("reserved: %+v", a)
	}
	_, err = s.Reserve(ctx, "b", "alice", start, deadline)
	want(t, err, routing.ErrTaken)
	ids(t, s, "q", "a", "b") // an offered ticket keeps its place

	must(t, s.Release(ctx, "alice", o.Token, routing.Reserved, routing.Change{State: routing.Away, Reason: "no-answer", At: start}))
	if a := agent(t, s, "alice"); a.State != routing.Away || a.Ticket != "" || a.Reason != "no-answer" {
		t.Errorf("released: %+v", a)
	}
	must(t, s.SetState(ctx, "alice", []routing.State{routing.Away}, routing.Change{State: routing.Ready, At: start}))
	o, err = s.Reserve(ctx, "a", "alice", start, deadline)
	must(t, err)
	must(t, s.Accept(ctx, "alice", o.Token, start))
	ids(t, s, "q", "b")
	must(t, s.Release(ctx, "alice", o.Token, routing.Talking, routing.Change{State: routing.WrapUp, At: start, Until: deadline, Rested: true}))
	if a := agent(t, s, "alice"); a.State != routing.WrapUp || a.Ticket != "a" || !a.Until.Equal(deadline) {
		t.Errorf("after the call: %+v", a)
	}
}

func staleTokens(t *testing.T, ctx context.Context, s routing.Store) {
	ready(t, s, "alice")
	must(t, s.Enqueue(ctx, ticket("a", 1, 0)))
	first, err := s.Reserve(ctx, "a", "alice", start, start)
	must(t, err)
	back := routing.Change{State: routing.Ready, At: start}
	must(t, s.Release(ctx, "alice", first.Token, routing.Reserved, back))
	want(t, s.Release(ctx, "alice", first.Token, routing.Reserved, back), routing.ErrStale)
	want(t, s.Accept(ctx, "alice", first.Token, start), routing.ErrStale)
	second, err := s.Reserve(ctx, "a", "alice", start, start)
	must(t, err)
	if second.Token == first.Token {
		t.Error("a token was drawn twice")
	}
	want(t, s.Accept(ctx, "alice", first.Token, start), routing.ErrStale)
	must(t, s.Accept(ctx, "alice", second.Token, start))
	want(t, s.Release(ctx, "alice", second.Token, routing.Reserved, back), routing.ErrStale) // the deadline comes late
	want(t, s.Accept(ctx, "alice", second.Token, start), routing.ErrStale)
}

// dequeueOffered: the caller hangs up while it rings.
func dequeueOffered(t *testing.T, ctx context.Context, s routing.Store) {
	ready(t, s, "alice")
	must(t, s.Enqueue(ctx, ticket("a", 1, 0)))
	o, err := s.Reserve(ctx, "a", "alice", start, start)
	must(t, err)
	must(t, s.Dequeue(ctx, "a"))
	want(t, s.Accept(ctx, "alice", o.Token, start), routing.ErrStale)
	must(t, s.Release(ctx, "alice", o.Token, routing.Reserved, routing.Change{State: routing.Ready, At: start}))
	if a := agent(t, s, "alice"); a.State != routing.Ready || a.Ticket != "" {
		t.Errorf("alice: %+v", a)
	}
}

// oneWins: of many who reserve at once, one gets the ticket and the agent.
func oneWins(t *testing.T, ctx context.Context, s routing.Store) {
	const rivals = 16
	for _, name := range []string{"alice", "bob"} {
		ready(t, s, name)
	}
	must(t, s.Enqueue(ctx, ticket("a", 1, 0)))
	var wg sync.WaitGroup
	errs := make(chan error, rivals)
	for i := range rivals {
		wg.Go(func() {
			_, err := s.Reserve(ctx, "a", []string{"alice", "bob"}[i%2], start, start)
			errs <- err
		})
	}
	wg.Wait()
	close(errs)
	won := 0
	for err := range errs {
		if err == nil {
			won++
			continue
		}
		want(t, err, routing.ErrTaken)
	}
	if won != 1 {
		t.Errorf("%d offers of one ticket", won)
	}
}

// copies: what was given or got is nobody else's.
func copies(t *testing.T, ctx context.Context, s routing.Store) {
	skills := map[string]int{"fraud": 3}
	must(t, s.PutAgent(ctx, routing.Agent{Name: "alice", Skills: skills}))
	x := ticket("a", 1, 0)
	x.Skills = skills
	must(t, s.Enqueue(ctx, x))
	skills["fraud"] = 1
	agent(t, s, "alice").Skills["fraud"] = 1
	tickets, err := s.Waiting(ctx, "q")
	must(t, err)
	if a := agent(t, s, "alice"); a.Skills["fraud"] != 3 || tickets[0].Skills["fraud"] != 3 {
		t.Errorf("skills have changed: %v %v", a.Skills, tickets[0].Skills)
	}
}
