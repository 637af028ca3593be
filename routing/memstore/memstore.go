// Package memstore keeps queues and agents in the memory of one process.
package memstore

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ivrd/ivrd/routing"
)

// Store implements routing.Store. Its zero value is not usable: see New.
type Store struct {
	mu      sync.Mutex
	seq     uint64
	token   uint64
	tickets map[string]*ticket
	agents  map[string]*routing.Agent
}

type ticket struct {
	routing.Ticket

	offered uint64 // token; 0: waits
}

var _ routing.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	return &Store{tickets: map[string]*ticket{}, agents: map[string]*routing.Agent{}}
}

// Enqueue implements routing.Store.
func (s *Store) Enqueue(_ context.Context, t routing.Ticket) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tickets[t.ID] != nil {
		return routing.ErrExists
	}
	s.seq++
	t.Seq, t.Skills = s.seq, maps.Clone(t.Skills)
	s.tickets[t.ID] = &ticket{Ticket: t}
	return nil
}

// Dequeue implements routing.Store.
func (s *Store) Dequeue(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tickets[id] == nil {
		return routing.ErrNotFound
	}
	delete(s.tickets, id)
	return nil
}

// Waiting implements routing.Store.
func (s *Store) Waiting(_ context.Context, queue string) ([]routing.Ticket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []routing.Ticket
	for _, t := range s.tickets {
		if queue == "" || t.Queue == queue {
			c := t.Ticket
			c.Skills = maps.Clone(t.Skills)
			out = append(out, c)
		}
	}
	routing.SortTickets(out)
	return out, nil
}

// PutAgent implements routing.Store.
func (s *Store) PutAgent(_ context.Context, a routing.Agent) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.agents[a.Name]
	if known == nil {
		known = &routing.Agent{Name: a.Name, State: routing.Offline, Since: a.Since}
		s.agents[a.Name] = known
	}
	known.Queues, known.Skills, known.Languages = slices.Clone(a.Queues), maps.Clone(a.Skills), slices.Clone(a.Languages)
	return nil
}

// Agents implements routing.Store.
func (s *Store) Agents(context.Context) ([]routing.Agent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []routing.Agent
	for _, a := range s.agents {
		c := *a
		c.Queues, c.Skills, c.Languages = slices.Clone(a.Queues), maps.Clone(a.Skills), slices.Clone(a.Languages)
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b routing.Agent) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// SetState implements routing.Store.
func (s *Store) SetState(_ context.Context, agent string, from []routing.State, c routing.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.agents[agent]
	switch {
	case a == nil:
		return routing.ErrNotFound
	case !slices.Contains(from, a.State):
		return routing.ErrBusy
	}
	change(a, c)
	return nil
}

// change gives an agent a state; a call or offer that they had is over unless
// the new state goes with one.
func change(a *routing.Agent, c routing.Change) {
	if a.State != c.State || a.Reason != c.Reason {
		a.Since = c.At
	}
	a.State, a.Reason, a.Until = c.State, c.Reason, c.Until
	if c.Rested || a.Idle.IsZero() {
		a.Idle = c.At
	}
	if !c.Keep {
		a.Then, a.ThenReason = c.Then, c.ThenReason
	}
	if c.State != routing.Talking && c.State != routing.Reserved {
		a.Token = 0
		if c.State != routing.WrapUp { // which is still about the call
			a.Ticket = ""
		}
	}
}

// Reserve implements routing.Store.
func (s *Store) Reserve(_ context.Context, id, agent string, at, deadline time.Time) (routing.Offer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, a := s.tickets[id], s.agents[agent]
	switch {
	case t == nil || a == nil:
		return routing.Offer{}, routing.ErrNotFound
	case t.offered != 0 || a.State != routing.Ready:
		return routing.Offer{}, routing.ErrTaken
	}
	s.token++
	t.offered = s.token
	change(a, routing.Change{State: routing.Reserved, At: at, Until: deadline})
	a.Ticket, a.Token = id, s.token
	return routing.Offer{Ticket: t.Ticket, Agent: agent, Token: s.token, Deadline: deadline}, nil
}

// holder is the agent of a token, in a state.
func (s *Store) holder(agent string, token uint64, state routing.State) (*routing.Agent, error) {
	a := s.agents[agent]
	switch {
	case a == nil:
		return nil, routing.ErrNotFound
	case token == 0 || a.Token != token || a.State != state:
		return nil, routing.ErrStale
	}
	return a, nil
}

// Release implements routing.Store.
func (s *Store) Release(_ context.Context, agent string, token uint64, from routing.State, c routing.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.holder(agent, token, from)
	if err != nil {
		return err
	}
	if t := s.tickets[a.Ticket]; t != nil && t.offered == token {
		t.offered = 0
	}
	change(a, c)
	return nil
}

// Accept implements routing.Store.
func (s *Store) Accept(_ context.Context, agent string, token uint64, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.holder(agent, token, routing.Reserved)
	if err != nil {
		return err
	}
	t := s.tickets[a.Ticket]
	if t == nil || t.offered != token {
		return routing.ErrStale
	}
	delete(s.tickets, a.Ticket)
	change(a, routing.Change{State: routing.Talking, At: at, Keep: true})
	return nil
}
