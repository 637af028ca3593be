package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/internal/config"
	"github.com/ivrd/ivrd/routing"
	"github.com/ivrd/ivrd/routing/memstore"
)

// desk is the dispatcher and who may take its calls: the people who are agents,
// each in the queues of their groups.
type desk struct {
	*routing.Dispatcher

	file   config.File
	people *identity.People
}

// openDesk makes the queues and signs nobody in; changed is told of what changes.
func openDesk(ctx context.Context, f config.File, people *identity.People, changed func()) (*desk, error) {
	c := routing.Config{Policy: routing.DefaultPolicy(), Changed: changed}
	for _, q := range f.Queues {
		c.Queues = append(c.Queues, routing.Queue{Name: q.Name, Ring: q.Ring, WrapUp: q.WrapUp, Handle: q.Handle, Target: q.Target})
	}
	d := &desk{Dispatcher: routing.New(c, memstore.New()), file: f, people: people}
	all, err := people.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list agents: %w", err)
	}
	for _, p := range all {
		if err := d.admit(ctx, p); err != nil {
			return nil, err
		}
	}
	d.Start()
	return d, nil
}

// admit tells the dispatcher what is known of a person who is an agent.
func (d *desk) admit(ctx context.Context, p identity.Person) error {
	if !p.Enabled || !slices.Contains(p.Roles, identity.Agent) {
		return nil
	}
	a := routing.Agent{Name: p.Name}
	for _, queue := range queueNames(d.file) {
		if p.InGroup(queue) {
			a.Queues = append(a.Queues, queue)
		}
	}
	if i := slices.IndexFunc(d.file.Agents, func(x config.Agent) bool { return x.Name == p.Name }); i >= 0 {
		a.Languages, a.Skills = d.file.Agents[i].Languages, map[string]int{}
		for _, s := range d.file.Agents[i].Skills {
			name, proficiency, _ := config.Skill(s) // checked
			a.Skills[name] = proficiency
		}
	}
	return d.SetAgent(ctx, a)
}

// Wish implements api.Desk. Who was added, or put into other groups, since the
// start is looked up: it is asked for when somebody's shift begins.
func (d *desk) Wish(ctx context.Context, agent string, s routing.State, reason string) error {
	p, err := d.people.Person(ctx, agent)
	if err != nil {
		return fmt.Errorf("look up agent: %w", err)
	}
	if err := d.admit(ctx, p); err != nil {
		return err
	}
	return d.Dispatcher.Wish(ctx, agent, s, reason)
}

func queueNames(f config.File) []string {
	names := []string{} // none is not the same as not to ask
	for _, q := range f.Queues {
		names = append(names, q.Name)
	}
	return names
}
