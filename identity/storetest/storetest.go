// Package storetest is the conformance suite of identity.Store.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ivrd/ivrd/identity"
)

// Run checks what the interface promises on stores that open makes, each empty.
func Run(t *testing.T, open func(*testing.T) identity.Store) {
	for name, check := range map[string]func(*testing.T, context.Context, identity.Store){
		"accounts":      accounts,
		"phone secrets": phoneSecrets,
		"sign-ins":      signIns,
		"ends":          ends,
		"expiry":        expiry,
		"one wins":      oneWins,
	} {
		t.Run(name, func(t *testing.T) { check(t, t.Context(), open(t)) })
	}
}

func account(name string) identity.Account {
	return identity.Account{
		Person: identity.Person{
			Name: name, Display: "名 " + name, Enabled: true,
			Roles: []identity.Role{identity.Agent, identity.Supervisor}, Groups: []string{"cards", "loans"},
		},
		PasswordHash: "$argon2id$" + name, Demo: true, CreatedAt: time.UnixMilli(1_700_000_000_000),
	}
}

// must stops the test on an error.
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

func sameAccount(t *testing.T, got, want identity.Account) {
	t.Helper()
	if fmt.Sprint(got.Person) != fmt.Sprint(want.Person) || got.PasswordHash != want.PasswordHash ||
		got.Demo != want.Demo || !got.CreatedAt.Equal(want.CreatedAt) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func accounts(t *testing.T, ctx context.Context, s identity.Store) {
	_, err := s.Account(ctx, "zoe")
	want(t, err, identity.ErrNotFound)
	want(t, s.SavePerson(ctx, account("zoe").Person), identity.ErrNotFound)
	want(t, s.SavePassword(ctx, "zoe", "x", false), identity.ErrNotFound)
	must(t, s.CreateAccount(ctx, account("zoe")))
	must(t, s.CreateAccount(ctx, account("amy")))
	want(t, s.CreateAccount(ctx, account("zoe")), identity.ErrExists)

	changed := account("zoe")
	changed.Enabled, changed.Display = false, "Zoé"
	changed.Roles, changed.Groups = []identity.Role{identity.Auditor}, nil
	must(t, s.SavePerson(ctx, changed.Person))
	got, err := s.Account(ctx, "zoe")
	must(t, err)
	sameAccount(t, got, changed)
	changed.Demo, changed.PasswordHash = false, "other"
	must(t, s.SavePassword(ctx, "zoe", changed.PasswordHash, changed.Demo))
	got, err = s.Account(ctx, "zoe")
	must(t, err)
	sameAccount(t, got, changed)

	_, err = s.Account(ctx, "ZOE")
	want(t, err, identity.ErrNotFound)
	_, err = s.Account(ctx, "zoe' OR '1'='1")
	want(t, err, identity.ErrNotFound)
	all, err := s.Accounts(ctx)
	must(t, err)
	if len(all) != 2 {
		t.Fatalf("%d accounts, want 2", len(all))
	}
	sameAccount(t, all[0], account("amy"))
}

func phoneSecrets(t *testing.T, ctx context.Context, s identity.Store) {
	secret := func(algorithm string, sealed byte) identity.PhoneSecret {
		return identity.PhoneSecret{Name: "zoe", Realm: "r", Algorithm: algorithm, Sealed: []byte{sealed, 0, 255}}
	}
	want(t, s.SavePhoneSecrets(ctx, "zoe", []identity.PhoneSecret{secret("MD5", 1)}), identity.ErrNotFound)
	must(t, s.CreateAccount(ctx, account("zoe")))
	must(t, s.SavePhoneSecrets(ctx, "zoe", []identity.PhoneSecret{secret("MD5", 1), secret("SHA-256", 2)}))
	got, err := s.PhoneSecret(ctx, "zoe", "r", "SHA-256")
	must(t, err)
	if !bytes.Equal(got.Sealed, []byte{2, 0, 255}) || got.Name != "zoe" || got.Realm != "r" || got.Algorithm != "SHA-256" {
		t.Errorf("got %+v", got)
	}
	must(t, s.SavePhoneSecrets(ctx, "zoe", []identity.PhoneSecret{secret("SHA-256", 3)}))
	_, err = s.PhoneSecret(ctx, "zoe", "r", "MD5")
	want(t, err, identity.ErrNotFound)
	_, err = s.PhoneSecret(ctx, "zoe", "other", "SHA-256")
	want(t, err, identity.ErrNotFound)
}

// signIn makes one whose hash and ID follow from n, created n seconds after
// the epoch.
func signIn(name string, n byte) ([32]byte, identity.SignIn) {
	at := time.Unix(int64(n), 0)
	return [32]byte{n}, identity.SignIn{
		ID: fmt.Sprintf("id%03d", n), Name: name, CreatedAt: at, UsedAt: at,
		ExpiresAt: at.Add(time.Hour), IP: "127.0.0.1", Agent: "curl",
	}
}

func create(t *testing.T, ctx context.Context, s identity.Store, name string, ns ...byte) {
	t.Helper()
	for _, n := range ns {
		hash, in := signIn(name, n)
		must(t, s.CreateSignIn(ctx, hash, in))
	}
}

func signIns(t *testing.T, ctx context.Context, s identity.Store) {
	must(t, s.CreateAccount(ctx, account("zoe")))
	_, err := s.SignIn(ctx, [32]byte{9})
	want(t, err, identity.ErrNoSignIn)
	create(t, ctx, s, "zoe", 9)
	got, err := s.SignIn(ctx, [32]byte{9})
	must(t, err)
	_, made := signIn("zoe", 9)
	if got.ID != made.ID || got.Name != "zoe" || !got.CreatedAt.Equal(made.CreatedAt) || !got.UsedAt.Equal(made.UsedAt) ||
		!got.ExpiresAt.Equal(made.ExpiresAt) || got.IP != made.IP || got.Agent != made.Agent {
		t.Errorf("got %+v, want %+v", got, made)
	}
	later := made.UsedAt.Add(time.Minute)
	must(t, s.TouchSignIn(ctx, made.ID, later))
	must(t, s.TouchSignIn(ctx, made.ID, made.UsedAt))
	got, err = s.SignIn(ctx, [32]byte{9})
	must(t, err)
	if !got.UsedAt.Equal(later) {
		t.Errorf("used at %v, want %v", got.UsedAt, later)
	}
	want(t, s.TouchSignIn(ctx, "none", later), identity.ErrNoSignIn)
}

func ids(t *testing.T, ctx context.Context, s identity.Store, name string) []string {
	t.Helper()
	all, err := s.SignIns(ctx, name)
	must(t, err)
	var ids []string
	for _, in := range all {
		ids = append(ids, in.ID)
	}
	return ids
}

func wantIDs(t *testing.T, ctx context.Context, s identity.Store, name string, want ...string) {
	t.Helper()
	if got := ids(t, ctx, s, name); !slices.Equal(got, want) {
		t.Errorf("sign-ins of %s: %v, want %v", name, got, want)
	}
}

func ends(t *testing.T, ctx context.Context, s identity.Store) {
	must(t, s.CreateAccount(ctx, account("zoe")))
	must(t, s.CreateAccount(ctx, account("amy")))
	create(t, ctx, s, "zoe", 1, 2, 3, 4)
	create(t, ctx, s, "amy", 5)
	wantIDs(t, ctx, s, "zoe", "id004", "id003", "id002", "id001")
	must(t, s.DeleteSignIn(ctx, "id002"))
	must(t, s.DeleteSignIn(ctx, "id002"))
	must(t, s.DeleteSignIns(ctx, "zoe", "id003"))
	wantIDs(t, ctx, s, "zoe", "id003")
	must(t, s.DeleteSignIns(ctx, "zoe", ""))
	wantIDs(t, ctx, s, "zoe")
	wantIDs(t, ctx, s, "amy", "id005")
}

func expiry(t *testing.T, ctx context.Context, s identity.Store) {
	must(t, s.CreateAccount(ctx, account("zoe")))
	create(t, ctx, s, "zoe", 10, 20, 30)
	must(t, s.TouchSignIn(ctx, "id010", time.Unix(100, 0)))
	must(t, s.TouchSignIn(ctx, "id030", time.Unix(100, 0)))
	must(t, s.DeleteExpired(ctx, time.Unix(15, 0), time.Unix(50, 0)))
	wantIDs(t, ctx, s, "zoe", "id030")
}

// oneWins creates one name many times at once.
func oneWins(t *testing.T, ctx context.Context, s identity.Store) {
	const tries = 16
	results := make([]error, tries)
	var wg sync.WaitGroup
	for i := range tries {
		wg.Go(func() { results[i] = s.CreateAccount(ctx, account("zoe")) })
	}
	wg.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
		} else {
			want(t, err, identity.ErrExists)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d won, want 1", won, tries)
	}
}
