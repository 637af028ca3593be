package sqlitestore_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/identity/sqlitestore"
	"github.com/ivrd/ivrd/identity/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) identity.Store { return open(t, filepath.Join(t.TempDir(), "t.db")) })
}

func open(t *testing.T, path string) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// plainSealer hides nothing: the test is about what else is in the file.
type plainSealer struct{}

func (plainSealer) Seal(_ context.Context, _, _, _ string, plain []byte) ([]byte, error) {
	return plain, nil
}

func (plainSealer) Open(_ context.Context, _, _, _ string, sealed []byte) ([]byte, error) {
	return sealed, nil
}

// TestReopen: everything is there after a restart, and no password, token or
// phone secret is in the files.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "t.db")
	config := identity.Config{Realms: []string{"ivrd"}, Argon2: identity.Argon2{Time: 1, MemoryKiB: 64, Threads: 1}}
	const password = "correct horse"
	first := open(t, path)
	people := identity.New(config, first, plainSealer{})
	phone, err := people.Add(t.Context(), identity.Person{
		Name: "zoe", Roles: []identity.Role{identity.Agent}, Groups: []string{"cards"}, Enabled: true,
	}, identity.NewSecret(password))
	if err != nil {
		t.Fatal(err)
	}
	_, _, token, err := people.SignIn(t.Context(), identity.Credentials{Name: "zoe", Password: identity.NewSecret(password)})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	again := identity.New(config, open(t, path), plainSealer{})
	person, s, err := again.Resolve(t.Context(), token)
	if err != nil || person.Name != "zoe" || !person.InGroup("cards") || time.Until(s.ExpiresAt) < 11*time.Hour {
		t.Errorf("after the restart: %+v, %+v, %v", person, s, err)
	}
	if _, ok := again.HA1(t.Context(), "zoe", "ivrd", "SHA-256"); !ok {
		t.Error("the phone secret is gone")
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for what, secret := range map[string]string{"password": password, "token": token.Reveal(), "phone secret": phone.Reveal()} {
			if bytes.Contains(raw, []byte(secret)) {
				t.Errorf("the %s is in %s", what, f.Name())
			}
		}
	}
}
