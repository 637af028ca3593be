// Package memstore keeps people and sign-ins in memory, for tests and trials.
package memstore

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ivrd/ivrd/identity"
)

// Store is an identity.Store in memory.
type Store struct {
	mu       sync.Mutex
	accounts map[string]identity.Account
	secrets  map[string][]identity.PhoneSecret
	signIns  map[[32]byte]identity.SignIn
}

// New returns an empty store.
func New() *Store {
	return &Store{
		accounts: map[string]identity.Account{},
		secrets:  map[string][]identity.PhoneSecret{},
		signIns:  map[[32]byte]identity.SignIn{},
	}
}

// copied keeps callers' slices apart from the store's.
func copied(a identity.Account) identity.Account {
	a.Roles, a.Groups = slices.Clone(a.Roles), slices.Clone(a.Groups)
	return a
}

// CreateAccount adds a person.
func (s *Store) CreateAccount(_ context.Context, a identity.Account) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.accounts[a.Name]; ok {
		return identity.ErrExists
	}
	s.accounts[a.Name] = copied(a)
	return nil
}

// SavePerson replaces what a person is.
func (s *Store) SavePerson(_ context.Context, p identity.Person) error {
	return s.change(p.Name, func(a *identity.Account) { a.Person = p })
}

// SavePassword replaces a password.
func (s *Store) SavePassword(_ context.Context, name, hash string, demo bool) error {
	return s.change(name, func(a *identity.Account) { a.PasswordHash, a.Demo = hash, demo })
}

func (s *Store) change(name string, f func(*identity.Account)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.accounts[name]
	if !ok {
		return identity.ErrNotFound
	}
	f(&a)
	s.accounts[name] = copied(a)
	return nil
}

// Account returns a person.
func (s *Store) Account(_ context.Context, name string) (identity.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.accounts[name]
	if !ok {
		return identity.Account{}, identity.ErrNotFound
	}
	return copied(a), nil
}

// Accounts lists all, by name.
func (s *Store) Accounts(context.Context) ([]identity.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []identity.Account
	for _, name := range slices.Sorted(maps.Keys(s.accounts)) {
		all = append(all, copied(s.accounts[name]))
	}
	return all, nil
}

// SavePhoneSecrets replaces those of a person.
func (s *Store) SavePhoneSecrets(_ context.Context, name string, secrets []identity.PhoneSecret) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.accounts[name]; !ok {
		return identity.ErrNotFound
	}
	s.secrets[name] = slices.Clone(secrets)
	return nil
}

// PhoneSecret returns one.
func (s *Store) PhoneSecret(_ context.Context, name, realm, algorithm string) (identity.PhoneSecret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range s.secrets[name] {
		if secret.Realm == realm && secret.Algorithm == algorithm {
			return secret, nil
		}
	}
	return identity.PhoneSecret{}, identity.ErrNotFound
}

// CreateSignIn keeps a sign-in.
func (s *Store) CreateSignIn(_ context.Context, hash [32]byte, in identity.SignIn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signIns[hash] = in
	return nil
}

// SignIn returns one by the hash of its token.
func (s *Store) SignIn(_ context.Context, hash [32]byte) (identity.SignIn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in, ok := s.signIns[hash]
	if !ok {
		return identity.SignIn{}, identity.ErrNoSignIn
	}
	return in, nil
}

// TouchSignIn moves the time of last use forward.
func (s *Store) TouchSignIn(_ context.Context, id string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for hash, in := range s.signIns {
		if in.ID != id {
			continue
		}
		if at.After(in.UsedAt) {
			in.UsedAt = at
			s.signIns[hash] = in
		}
		return nil
	}
	return identity.ErrNoSignIn
}

// DeleteSignIn ends one.
func (s *Store) DeleteSignIn(_ context.Context, id string) error {
	s.deleteIf(func(in identity.SignIn) bool { return in.ID == id })
	return nil
}

// DeleteSignIns ends a person's but one.
func (s *Store) DeleteSignIns(_ context.Context, name, except string) error {
	s.deleteIf(func(in identity.SignIn) bool { return in.Name == name && in.ID != except })
	return nil
}

// DeleteExpired ends those that are old or unused.
func (s *Store) DeleteExpired(_ context.Context, created, used time.Time) error {
	s.deleteIf(func(in identity.SignIn) bool { return in.CreatedAt.Before(created) || in.UsedAt.Before(used) })
	return nil
}

func (s *Store) deleteIf(gone func(identity.SignIn) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.signIns, func(_ [32]byte, in identity.SignIn) bool { return gone(in) })
}

// SignIns lists a person's, newest first.
func (s *Store) SignIns(_ context.Context, name string) ([]identity.SignIn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []identity.SignIn
	for _, in := range s.signIns {
		if in.Name == name {
			all = append(all, in)
		}
	}
	slices.SortFunc(all, func(a, b identity.SignIn) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}
