package main

import (
	"context"
	"sync"
	"time"

	"github.com/ivrd/ivrd/routing"
)

const (
	// absentAfter is how long the phones of an agent who is ready may all be gone:
	// a page that is reloaded, or whose network fails for a moment, is back by then.
	absentAfter = 10 * time.Second
	absentEvery = 2 * time.Second
)

// absence signs agents off whose pages and phones have gone: nobody should count
// on them until an offer finds out. Who never had one is left to the offer.
type absence struct {
	desk interface {
		Agents(context.Context) ([]routing.Agent, error)
		Wish(context.Context, string, routing.State, string) error
	}
	registered func(user string) bool

	mu   sync.Mutex
	seen map[string]time.Time // when a phone was last there
}

// came notes that a phone is there, however shortly.
func (a *absence) came(user string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen[user] = time.Now()
}

// watch looks until ctx ends.
func (a *absence) watch(ctx context.Context) {
	tick := time.NewTicker(absentEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			a.look(ctx, now)
		case <-ctx.Done():
			return
		}
	}
}

func (a *absence) look(ctx context.Context, now time.Time) {
	agents, err := a.desk.Agents(ctx)
	if err != nil {
		return // the next look asks again
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, agent := range agents {
		if a.registered(agent.Name) {
			a.seen[agent.Name] = now
			continue
		}
		last, known := a.seen[agent.Name]
		free := agent.State == routing.Ready || agent.State == routing.WrapUp
		if known && free && now.Sub(last) >= absentAfter {
			delete(a.seen, agent.Name)
			_ = a.desk.Wish(ctx, agent.Name, routing.Offline, routing.ReasonUnreachable) // an offer may have been faster
		}
	}
}
