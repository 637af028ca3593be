package identity

import (
	"context"
	"errors"
	"fmt"
)

// SeedDemo adds the people of the demo who are not there yet, and returns the
// phone secrets of those it added, by name. Production refuses.
func (p *People) SeedDemo(ctx context.Context) (map[string]Secret, error) {
	if p.config.Production {
		return nil, errors.New(`add demo people: refused with "mode: production"`)
	}
	added := map[string]Secret{}
	for _, person := range demoPeople() {
		_, err := p.store.Account(ctx, person.Name)
		if err == nil {
			continue
		}
		if !errors.Is(err, ErrNotFound) {
			return nil, fmt.Errorf("add demo people: %w", err)
		}
		secret, err := p.Add(ctx, person, NewSecret(demoPassword))
		if err != nil {
			return nil, fmt.Errorf("add demo people: %w", err)
		}
		added[person.Name] = secret
	}
	return added, nil
}

// Demo lists the people who have the demo's password and may sign in, by name, for
// a page that lets a visitor choose; in production there are none.
func (p *People) Demo(ctx context.Context) ([]Person, error) {
	if p.config.Production {
		return nil, nil
	}
	accounts, err := p.store.Accounts(ctx)
	if err != nil {
		return nil, fmt.Errorf("list demo people: %w", err)
	}
	var people []Person
	for _, a := range accounts {
		if a.Demo && a.Enabled {
			people = append(people, a.Person)
		}
	}
	return people, nil
}

func demoPeople() []Person {
	return []Person{
		{Name: "alice", Display: "Alice", Roles: []Role{Agent}, Groups: []string{"payments"}, Enabled: true},
		{Name: "bob", Display: "Bob", Roles: []Role{Agent}, Groups: []string{"fraud"}, Enabled: true},
		{Name: "sue", Display: "Sue", Roles: []Role{Supervisor}, Groups: []string{AllGroups}, Enabled: true},
		{Name: "otto", Display: "Otto", Roles: []Role{Auditor}, Groups: []string{}, Enabled: true},
		{Name: "ada", Display: "Ada", Roles: []Role{Admin}, Groups: []string{}, Enabled: true},
	}
}
