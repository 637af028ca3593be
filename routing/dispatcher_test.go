package routing_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/routing"
	"github.com/ivrd/ivrd/routing/memstore"
)

// desk is a dispatcher in virtual time with two queues.
type desk struct {
	*testing.T
	*routing.Dispatcher
}

func onDesk(t *testing.T, test func(*desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{t, routing.New(routing.Config{
			Policy: routing.DefaultPolicy(),
			Queues: []routing.Queue{
				{Name: "payments", Ring: 20 * time.Second, WrapUp: 30 * time.Second, Handle: 3 * time.Minute},
				{Name: "fraud", Ring: 10 * time.Second, Handle: 4 * time.Minute, Target: 20 * time.Second},
			},
		}, memstore.New())}
		d.Start()
		defer d.Close()
		test(d)
	})
}

// ready signs agents in who take both queues.
func (d *desk) ready(names ...string) {
	d.Helper()
	for _, name := range names {
		d.must(d.SetAgent(d.Context(), routing.Agent{Name: name, Queues: []string{"payments", "fraud"}}))
		d.must(d.Wish(d.Context(), name, routing.Ready, ""))
		time.Sleep(time.Second) // one after the other: who was first is idle longest
	}
}

func (d *desk) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

func (d *desk) enter(id, queue string, value, difficulty float64) *routing.Place {
	d.Helper()
	p, err := d.Enter(d.Context(), routing.Request{ID: id, Queue: queue, Value: value, Difficulty: difficulty})
	d.must(err)
	synctest.Wait()
	return p
}

// offered is the offer that a place has for an agent.
func (d *desk) offered(p *routing.Place, agent string) routing.Offer {
	d.Helper()
	synctest.Wait()
	o := p.Status().Offer
	if o == nil {
		d.Fatalf("%s has no offer, want %s", p.Ticket().ID, agent)
	}
	if o.Agent != agent {
		d.Fatalf("%s rings at %s, want %s", p.Ticket().ID, o.Agent, agent)
	}
	return *o
}

func (d *desk) waits(p *routing.Place, position int) {
	d.Helper()
	synctest.Wait()
	if s := p.Status(); s.Offer != nil || s.Position != position {
		d.Errorf("%s: %+v, want to wait at %d", p.Ticket().ID, s, position)
	}
}

func (d *desk) agentIs(name string, want routing.State, reason string) routing.Agent {
	d.Helper()
	synctest.Wait()
	all, err := d.Agents(d.Context())
	d.must(err)
	a := all[slices.IndexFunc(all, func(a routing.Agent) bool { return a.Name == name })]
	if a.State != want || a.Reason != reason {
		d.Errorf("%s is %s %q, want %s %q", name, a.State, a.Reason, want, reason)
	}
	return a
}

func TestScore(t *testing.T) {
	s := routing.DefaultPolicy().Score(90, 80, 0, routing.Part{Name: "intent", Points: 80, Why: "fraud"})
	if s.Total != 86 || len(s.Terms) != 2 || len(s.Terms[1].Parts) != 1 || s.Terms[0].Value != 90 || s.Terms[1].Weight != 0.4 {
		t.Errorf("score %+v", s)
	}
	if s := routing.DefaultPolicy().Score(-1, 1000, 0); s.Total != 40 {
		t.Errorf("out of bounds: %+v", s)
	}
	if s := routing.DefaultPolicy().Score(50, 50, 80); s.Total != 58 || len(s.Terms) != 3 || s.Terms[2].Name != "emotion" || s.Terms[2].Weight != 0.1 || s.Terms[2].Value != 80 {
		t.Errorf("with emotion: %+v", s)
	}
	s = routing.DefaultPolicy().Score(100, 90, 100)
	sum := 0.0
	for _, term := range s.Terms {
		sum += term.Weight * term.Value
	}
	if math.Abs(s.Total-100) > 1e-9 || math.Abs(sum-s.Total) > 1e-9 {
		t.Errorf("emotion takes it beyond 100: %+v", s)
	}
}

func TestOfferAcceptWrapUp(t *testing.T) {
	onDesk(t, func(d *desk) {
		d.ready("alice")
		p := d.enter("a", "payments", 50, 50)
		o := d.offered(p, "alice")
		d.agentIs("alice", routing.Reserved, "")
		d.must(p.Accept(d.Context(), o))
		d.agentIs("alice", routing.Talking, "")
		q := d.enter("b", "payments", 50, 50)
		d.waits(q, 1)
		if w := q.Status().Wait; w != 3*time.Minute {
			d.Errorf("expected wait %v", w)
		}
		time.Sleep(time.Minute)
		d.must(p.Done(d.Context()))
		d.must(p.Done(d.Context())) // harmless
		if a := d.agentIs("alice", routing.WrapUp, ""); a.Ticket != "a" {
			d.Errorf("wraps up %q", a.Ticket)
		}
		d.waits(q, 1)
		time.Sleep(30 * time.Second)
		d.offered(q, "alice")
	})
}

// TestNoAnswer: the agent is away with the cause, the caller keeps their place
// and goes to the next.
func TestNoAnswer(t *testing.T) {
	onDesk(t, func(d *desk) {
		d.ready("alice", "bob")
		first := d.enter("a", "payments", 50, 50)
		o := d.offered(first, "alice")
		second := d.enter("b", "payments", 50, 50)
		bobs := d.offered(second, "bob")
		third := d.enter("c", "payments", 50, 50)
		d.must(second.Accept(d.Context(), bobs))
		time.Sleep(20 * time.Second)
		d.agentIs("alice", routing.Away, routing.ReasonNoAnswer)
		d.waits(first, 1)
		d.waits(third, 2)
		if err := first.Accept(d.Context(), o); !errors.Is(err, routing.ErrStale) {
			d.Errorf("a late answer: %v", err)
		}
		d.must(second.Done(d.Context()))
		d.must(d.Wish(d.Context(), "bob", routing.Ready, "")) // ends wrap-up
		d.offered(first, "bob")
		d.must(d.Wish(d.Context(), "alice", routing.Ready, ""))
		d.offered(third, "alice")
	})
}

func TestPriorityBeforeAge(t *testing.T) {
	onDesk(t, func(d *desk) {
		low := d.enter("low", "payments", 10, 10)
		time.Sleep(time.Minute)
		high := d.enter("high", "fraud", 90, 90)
		d.waits(low, 1)
		d.waits(high, 1)
		d.ready("alice")
		d.offered(high, "alice")
		d.waits(low, 1)
	})
}

func TestSkillsAndLanguage(t *testing.T) {
	onDesk(t, func(d *desk) {
		d.must(d.SetAgent(d.Context(), routing.Agent{Name: "alice", Queues: []string{"fraud"}, Skills: map[string]int{"fraud": 2}, Languages: []string{"en"}}))
		d.must(d.SetAgent(d.Context(), routing.Agent{Name: "bob", Queues: []string{"fraud"}, Skills: map[string]int{"fraud": 5}, Languages: []string{"en", "zh"}}))
		d.must(d.SetAgent(d.Context(), routing.Agent{Name: "carol", Queues: []string{"payments"}, Skills: map[string]int{"fraud": 5}}))
		for _, name := range []string{"alice", "bob", "carol"} {
			d.must(d.Wish(d.Context(), name, routing.Ready, ""))
		}
		enter := func(id string, least int, language string) *routing.Place {
			p, err := d.Enter(d.Context(), routing.Request{ID: id, Queue: "fraud", Skills: map[string]int{"fraud": least}, Language: language})
			d.must(err)
			return p
		}
		chinese := enter("zh", 1, "zh")
		d.offered(chinese, "bob")
		hard := enter("hard", 3, "")
		d.waits(hard, 1+1)
		easy := enter("easy", 2, "en")
		d.offered(easy, "alice")
	})
}

// TestLongestIdleFirst, and the more proficient before that.
func TestLongestIdleFirst(t *testing.T) {
	onDesk(t, func(d *desk) {
		d.ready("carol", "bob", "alice")
		a := d.enter("a", "fraud", 0, 0)
		o := d.offered(a, "carol")
		d.must(a.Accept(d.Context(), o))
		time.Sleep(time.Second)
		d.must(a.Done(d.Context())) // no wrap-up in this queue
		d.agentIs("carol", routing.Ready, "")
		d.offered(d.enter("b", "fraud", 0, 0), "bob")
		d.offered(d.enter("c", "fraud", 0, 0), "alice")
		d.offered(d.enter("d", "fraud", 0, 0), "carol")
	})
}

// TestCallerLeaves while it rings: the agent is free at once and not blamed.
func TestCallerLeaves(t *testing.T) {
	onDesk(t, func(d *desk) {
		d.ready("alice")
		a := d.enter("a", "payments", 0, 0)
		o := d.offered(a, "alice")
		b := d.enter("b", "payments", 0, 0)
		d.must(a.Leave(d.Context()))
		d.must(a.Leave(d.Context()))
		d.offered(b, "alice")
		if err := a.Accept(d.Context(), o); !errors.Is(err, routing.ErrStale) {
			d.Errorf("accept after the caller left: %v", err)
		}
		qs, err := d.Queues(d.Context())
		d.must(err)
		if q := qs[0]; q.Name != "payments" || q.Waiting != 1 || q.Staffed != 1 || q.Counts != (routing.Counts{Entered: 2, Abandoned: 1}) {
			d.Errorf("queue: %+v", q)
		}
	})
}

// TestServiceLevel counts who was answered in time, and who was not, answered or
// not; a queue without a target promises nothing.
func TestServiceLevel(t *testing.T) {
	onDesk(t, func(d *desk) {
		after := func(id string, wait time.Duration, answer bool) {
			p := d.enter(id, "fraud", 0, 0)
			time.Sleep(wait)
			if answer {
				d.ready("alice")
				d.must(p.Accept(d.Context(), d.offered(p, "alice")))
				d.must(p.Done(d.Context()))
				d.must(d.Wish(d.Context(), "alice", routing.Away, "break"))
				return
			}
			d.must(p.Leave(d.Context()))
		}
		after("soon", 10*time.Second, true)
		after("late", 25*time.Second, true)
		after("gone soon", 10*time.Second, false)
		after("gone late", 25*time.Second, false)
		p := d.enter("no promise", "payments", 0, 0)
		time.Sleep(time.Hour)
		d.must(p.Leave(d.Context()))
		qs, err := d.Queues(d.Context())
		d.must(err)
		if got, want := qs[1].Counts, (routing.Counts{Entered: 4, Answered: 2, Abandoned: 2, InTime: 1, Late: 2}); got != want {
			d.Errorf("fraud: %+v, want %+v", got, want)
		}
		if qs[0].Late != 0 {
			d.Errorf("payments: %+v", qs[0].Counts)
		}
	})
}

func TestFailures(t *testing.T) {
	for reason, state := range map[string]routing.State{
		routing.ReasonDeclined: routing.Away, routing.ReasonBusy: routing.Away, routing.ReasonUnreachable: routing.Offline,
	} {
		onDesk(t, func(d *desk) {
			d.ready("alice", "bob")
			p := d.enter("a", "payments", 0, 0)
			o := d.offered(p, "alice")
			d.must(p.Fail(d.Context(), o, reason))
			d.must(p.Fail(d.Context(), o, reason)) // somebody was faster: harmless
			d.agentIs("alice", state, reason)
			d.offered(p, "bob")
		})
	}
}

// TestWishDuringACall holds after it; the last one counts.
func TestWishDuringACall(t *testing.T) {
	onDesk(t, func(d *desk) {
		d.ready("alice")
		p := d.enter("a", "payments", 0, 0)
		o := d.offered(p, "alice")
		d.must(p.Accept(d.Context(), o))
		d.must(d.Wish(d.Context(), "alice", routing.Offline, ""))
		d.must(d.Wish(d.Context(), "alice", routing.Away, "lunch"))
		if a := d.agentIs("alice", routing.Talking, ""); a.Then != routing.Away {
			d.Errorf("then %s", a.Then)
		}
		d.must(p.Done(d.Context()))
		d.agentIs("alice", routing.WrapUp, "")
		time.Sleep(30 * time.Second)
		d.agentIs("alice", routing.Away, "lunch")
		d.must(d.Wish(d.Context(), "alice", routing.Ready, ""))
		q := d.enter("b", "payments", 0, 0)
		d.offered(q, "alice")
		d.must(d.Wish(d.Context(), "alice", routing.Away, "lunch"))
		time.Sleep(20 * time.Second) // lets it ring out: away, as was asked for
		d.agentIs("alice", routing.Away, "lunch")
	})
}

func TestUnknown(t *testing.T) {
	onDesk(t, func(d *desk) {
		if _, err := d.Enter(d.Context(), routing.Request{ID: "a", Queue: "sales"}); !errors.Is(err, routing.ErrNotFound) {
			d.Errorf("an unknown queue: %v", err)
		}
		if err := d.Wish(d.Context(), "nobody", routing.Ready, ""); !errors.Is(err, routing.ErrNotFound) {
			d.Errorf("an unknown agent: %v", err)
		}
		d.enter("a", "fraud", 0, 0)
		if _, err := d.Enter(d.Context(), routing.Request{ID: "a", Queue: "fraud"}); !errors.Is(err, routing.ErrExists) {
			d.Errorf("twice: %v", err)
		}
	})
}

// TestADay: at random, callers come and go, agents take calls, decline, miss
// and go away. At no time has an agent two calls, a call two agents, or a
// deadline passed; in the end nobody is stuck.
func TestADay(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			onDesk(t, func(d *desk) { newDay(d, seed).run() })
		})
	}
}

type day struct {
	*desk
	rand    *rand.Rand
	agents  []string
	waiting []*routing.Place
	talking []*routing.Place

	n int
}

func newDay(d *desk, seed uint64) *day {
	y := &day{desk: d, rand: rand.New(rand.NewPCG(seed, 1))}
	for i := range 5 {
		y.agents = append(y.agents, fmt.Sprint("agent", i))
	}
	d.ready(y.agents...)
	return y
}

func (y *day) run() {
	for range 400 {
		time.Sleep(time.Duration(y.rand.IntN(3000)) * time.Millisecond)
		y.step()
		synctest.Wait()
		y.check()
	}
	for _, p := range y.waiting {
		y.must(p.Leave(y.Context()))
	}
	for _, p := range y.talking {
		y.must(p.Done(y.Context()))
	}
	time.Sleep(time.Minute)
	all, err := y.Agents(y.Context())
	y.must(err)
	for _, a := range all {
		if a.State != routing.Ready && a.State != routing.Away && a.State != routing.Offline || a.Ticket != "" {
			y.Errorf("in the end %s is %s with %q", a.Name, a.State, a.Ticket)
		}
	}
}

func (y *day) step() {
	switch y.rand.IntN(6) {
	case 0, 1:
		y.n++
		y.waiting = append(y.waiting, y.enter(fmt.Sprint("call", y.n), []string{"payments", "fraud"}[y.rand.IntN(2)], y.rand.Float64()*100, y.rand.Float64()*100))
	case 2, 3:
		y.answer()
	case 4:
		if len(y.talking) > 0 {
			p := y.talking[0]
			y.talking = y.talking[1:]
			y.must(p.Done(y.Context()))
		} else if len(y.waiting) > 0 {
			i := y.rand.IntN(len(y.waiting))
			y.must(y.waiting[i].Leave(y.Context()))
			y.waiting = slices.Delete(y.waiting, i, i+1)
		}
	case 5:
		wish := []routing.State{routing.Ready, routing.Ready, routing.Away, routing.Offline}[y.rand.IntN(4)]
		y.must(y.Wish(y.Context(), y.agents[y.rand.IntN(len(y.agents))], wish, "at random"))
	}
}

// answer lets one of those who ring take the call, or not.
func (y *day) answer() {
	for i, p := range y.waiting {
		o := p.Status().Offer
		if o == nil {
			continue
		}
		if y.rand.IntN(4) == 0 {
			y.must(p.Fail(y.Context(), *o, routing.ReasonDeclined))
			return
		}
		y.must(p.Accept(y.Context(), *o))
		y.waiting = slices.Delete(y.waiting, i, i+1)
		y.talking = append(y.talking, p)
		return
	}
}

func (y *day) check() {
	all, err := y.Agents(y.Context())
	y.must(err)
	calls := map[string]bool{}
	for _, a := range all {
		if a.State != routing.Reserved && a.State != routing.Talking {
			continue
		}
		if a.Ticket == "" || calls[a.Ticket] {
			y.Errorf("%s has %q, which another has or which is none", a.Name, a.Ticket)
		}
		calls[a.Ticket] = true
		if a.State == routing.Reserved && !a.Until.After(time.Now()) {
			y.Errorf("%s is reserved past the deadline", a.Name)
		}
	}
	if len(calls) < len(y.talking) {
		y.Errorf("%d talk, %d agents have a call", len(y.talking), len(calls))
	}
	for i, p := range y.waiting { // nobody waits while somebody ready could serve them
		for _, a := range all {
			if a.State == routing.Ready && p.Status().Offer == nil && a.Fits(p.Ticket()) {
				y.Errorf("place %d waits although %s is ready", i, a.Name)
			}
		}
	}
}

// TestChangedIsTold: of each change there is word, and of nothing else.
func TestChangedIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told atomic.Int64
		d := &desk{t, routing.New(routing.Config{
			Policy:  routing.DefaultPolicy(),
			Queues:  []routing.Queue{{Name: "payments", Ring: 20 * time.Second, Handle: time.Minute}},
			Changed: func() { told.Add(1) },
		}, memstore.New())}
		d.Start()
		defer d.Close()
		since := func() int64 {
			synctest.Wait()
			return told.Swap(0)
		}
		d.must(d.SetAgent(t.Context(), routing.Agent{Name: "alice", Queues: []string{"payments"}}))
		if since() == 0 {
			t.Error("no word of a new agent")
		}
		p := d.enter("1", "payments", 0, 0)
		if since() == 0 {
			t.Error("no word of a caller")
		}
		time.Sleep(time.Hour)
		if n := since(); n != 0 {
			t.Errorf("word of %d changes while nothing changed", n)
		}
		d.must(d.Wish(t.Context(), "alice", routing.Ready, ""))
		d.offered(p, "alice")
		since()
		time.Sleep(20 * time.Second)
		if since() == 0 {
			t.Error("no word of an offer that is over")
		}
	})
}
