package identity_test

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/identity/memstore"
)

// light makes hashing cheap; the bounds under test do not depend on it.
var light = identity.Argon2{Time: 1, MemoryKiB: 64, Threads: 1}

// boundSealer binds a field to its place, as a real one does.
type boundSealer struct{}

func (boundSealer) Seal(_ context.Context, table, column, key string, plain []byte) ([]byte, error) {
	return []byte(table + "|" + column + "|" + key + "|" + hex.EncodeToString(plain)), nil
}

func (boundSealer) Open(_ context.Context, table, column, key string, sealed []byte) ([]byte, error) {
	rest, ok := strings.CutPrefix(string(sealed), table+"|"+column+"|"+key+"|")
	if !ok {
		return nil, errors.New("sealed for another place")
	}
	return hex.DecodeString(rest)
}

var (
	home  = netip.MustParseAddr("192.0.2.1")
	other = netip.MustParseAddr("192.0.2.2")
)

func directory(t *testing.T, config identity.Config) (*identity.People, *memstore.Store) {
	t.Helper()
	config.Argon2 = light
	config.Realms = append(config.Realms, "ivrd")
	store := memstore.New()
	return identity.New(config, store, boundSealer{}), store
}

func add(t *testing.T, p *identity.People, name, password string) identity.Secret {
	t.Helper()
	secret, err := p.Add(t.Context(), identity.Person{
		Name: name, Roles: []identity.Role{identity.Agent}, Groups: []string{"cards"}, Enabled: true,
	}, identity.NewSecret(password))
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func login(p *identity.People, name, password string, ip netip.Addr) (identity.SignIn, identity.Secret, error) {
	_, s, token, err := p.SignIn(context.Background(), identity.Credentials{Name: name, Password: identity.NewSecret(password), IP: ip, Agent: "test\r\n"})
	return s, token, err
}

func mustLogin(t *testing.T, p *identity.People, name, password string) (identity.SignIn, identity.Secret) {
	t.Helper()
	s, token, err := login(p, name, password, home)
	if err != nil {
		t.Fatal(err)
	}
	return s, token
}

func wantError(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got error %v, want %v", got, want)
	}
}

func TestSignInAndOut(t *testing.T) {
	p, _ := directory(t, identity.Config{})
	add(t, p, "zoe", "correct horse")
	s, token := mustLogin(t, p, "zoe", "correct horse")
	if s.Agent != "test" || s.IP != "192.0.2.1" {
		t.Errorf("sign-in %+v", s)
	}
	person, found, err := p.Resolve(t.Context(), token)
	if err != nil || person.Name != "zoe" || found.ID != s.ID {
		t.Fatalf("resolved %v, %v, %v", person, found, err)
	}
	if err := p.SignOut(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	_, _, err = p.Resolve(t.Context(), token)
	wantError(t, err, identity.ErrNoSignIn)
	wantError(t, p.SignOut(t.Context(), token), identity.ErrNoSignIn)
	for _, bad := range []string{"", "x", strings.Repeat("A", 43)} {
		_, _, err = p.Resolve(t.Context(), identity.NewSecret(bad))
		wantError(t, err, identity.ErrNoSignIn)
	}
}

func TestSignInLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := directory(t, identity.Config{})
		add(t, p, "zoe", "correct horse")
		_, idle := mustLogin(t, p, "zoe", "correct horse")
		_, busy := mustLogin(t, p, "zoe", "correct horse")
		for range 35 {
			time.Sleep(20 * time.Minute)
			if _, _, err := p.Resolve(t.Context(), busy); err != nil {
				t.Fatalf("a busy sign-in ended early: %v", err)
			}
		}
		_, _, err := p.Resolve(t.Context(), idle)
		wantError(t, err, identity.ErrNoSignIn)
		time.Sleep(20 * time.Minute) // 12 h in all
		_, _, err = p.Resolve(t.Context(), busy)
		wantError(t, err, identity.ErrNoSignIn)
	})
}

func TestDisableEndsAtOnce(t *testing.T) {
	p, store := directory(t, identity.Config{})
	add(t, p, "zoe", "correct horse")
	_, token := mustLogin(t, p, "zoe", "correct horse")
	if err := p.SetEnabled(t.Context(), "zoe", false); err != nil {
		t.Fatal(err)
	}
	_, _, err := p.Resolve(t.Context(), token)
	wantError(t, err, identity.ErrNoSignIn)
	_, _, err = login(p, "zoe", "correct horse", home)
	wantError(t, err, identity.ErrLogin)
	if _, ok := p.HA1(t.Context(), "zoe", "ivrd", "MD5"); ok {
		t.Error("a disabled person's phone registers")
	}
	if all, _ := store.SignIns(t.Context(), "zoe"); len(all) != 0 {
		t.Errorf("sign-ins are left: %v", all)
	}
}

func TestPasswords(t *testing.T) {
	p, _ := directory(t, identity.Config{})
	add(t, p, "zoe", "correct horse")
	s, token := mustLogin(t, p, "zoe", "correct horse")
	_, elsewhere := mustLogin(t, p, "zoe", "correct horse")
	ctx := t.Context()
	wantError(t, p.ChangePassword(ctx, s, identity.NewSecret("wrong"), identity.NewSecret("battery staple")), identity.ErrLogin)
	if err := p.ChangePassword(ctx, s, identity.NewSecret("correct horse"), identity.NewSecret("battery staple")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Resolve(ctx, token); err != nil {
		t.Errorf("one's own sign-in ended: %v", err)
	}
	_, _, err := p.Resolve(ctx, elsewhere)
	wantError(t, err, identity.ErrNoSignIn)
	_, _, err = login(p, "zoe", "correct horse", home)
	wantError(t, err, identity.ErrLogin)
	if err := p.SetPassword(ctx, "zoe", identity.NewSecret("third password")); err != nil {
		t.Fatal(err)
	}
	_, _, err = p.Resolve(ctx, token)
	wantError(t, err, identity.ErrNoSignIn)
	mustLogin(t, p, "zoe", "third password")
	if err := p.SetPassword(ctx, "zoe", identity.NewSecret(strings.Repeat("x", 257))); err == nil {
		t.Error("a password without bound is accepted")
	}
	if err := p.SetPassword(ctx, "zoe", identity.NewSecret("")); err == nil {
		t.Error("an empty password is accepted")
	}
}

func TestListAndRevoke(t *testing.T) {
	p, _ := directory(t, identity.Config{})
	add(t, p, "zoe", "correct horse")
	a, _ := mustLogin(t, p, "zoe", "correct horse")
	_, token := mustLogin(t, p, "zoe", "correct horse")
	all, err := p.SignIns(t.Context(), "zoe")
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	if err := p.Revoke(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Resolve(t.Context(), token); err != nil {
		t.Errorf("the other sign-in ended: %v", err)
	}
	if err := p.EndSignIns(t.Context(), "zoe"); err != nil {
		t.Fatal(err)
	}
	_, _, err = p.Resolve(t.Context(), token)
	wantError(t, err, identity.ErrNoSignIn)
}

// TestSameWork: who exists does not show in the work, nor in the error.
func TestSameWork(t *testing.T) {
	p, _ := directory(t, identity.Config{})
	add(t, p, "zoe", "correct horse")
	add(t, p, "off", "correct horse")
	if err := p.SetEnabled(t.Context(), "off", false); err != nil {
		t.Fatal(err)
	}
	for name, tried := range map[string][2]string{
		"known, wrong":   {"zoe", "wrong"},
		"unknown":        {"nobody", "wrong"},
		"disabled":       {"off", "correct horse"},
		"no name at all": {"Zoë <script>", "wrong"},
		"empty":          {"", ""},
		"long":           {strings.Repeat("x", 5000), strings.Repeat("y", 5000)},
		"long password":  {"zoe", strings.Repeat("y", 5000)},
	} {
		before := p.Stats().Hashes
		_, _, err := login(p, tried[0], tried[1], home)
		wantError(t, err, identity.ErrLogin)
		if err.Error() != "sign in: "+identity.ErrLogin.Error() {
			t.Errorf("%s: %q tells something", name, err)
		}
		if n := p.Stats().Hashes - before; n != 1 {
			t.Errorf("%s: %d hashes, want 1", name, n)
		}
	}
}

func TestLockout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := directory(t, identity.Config{})
		add(t, p, "zoe", "correct horse")
		fail := func(n int, want error) {
			t.Helper()
			for range n {
				_, _, err := login(p, "zoe", "wrong", home)
				wantError(t, err, want)
			}
		}
		fail(9, identity.ErrLogin)
		mustLogin(t, p, "zoe", "correct horse") // forgets them
		fail(9, identity.ErrLogin)
		time.Sleep(61 * time.Second) // so does time
		fail(10, identity.ErrLogin)
		hashes := p.Stats().Hashes
		fail(1, identity.ErrLocked)
		if p.Stats().Hashes != hashes {
			t.Error("a locked attempt costs a hash")
		}
		_, _, err := login(p, "zoe", "correct horse", home)
		wantError(t, err, identity.ErrLocked)
		if _, _, err := login(p, "zoe", "correct horse", other); err != nil {
			t.Errorf("another address: %v", err)
		}
		time.Sleep(15*time.Minute + time.Second)
		mustLogin(t, p, "zoe", "correct horse")
	})
}

func TestLockoutOfUnknownNamesLooksTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := directory(t, identity.Config{})
		for i := range 12 {
			want := identity.ErrLogin
			if i >= 10 {
				want = identity.ErrLocked
			}
			_, _, err := login(p, "nobody", "wrong", home)
			wantError(t, err, want)
		}
	})
}

// TestParallelGuesses: many at once are no way around the lock.
func TestParallelGuesses(t *testing.T) {
	p, _ := directory(t, identity.Config{HashesAtOnce: 4, HashWait: time.Minute})
	add(t, p, "zoe", "correct horse")
	before := p.Stats().Hashes
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() { _, _, _ = login(p, "zoe", "wrong", home) })
	}
	wg.Wait()
	if n := p.Stats().Hashes - before; n != 10 {
		t.Errorf("%d passwords were tried, want 10", n)
	}
}

func TestSubscriberOfIPv6IsOneAddress(t *testing.T) {
	p, _ := directory(t, identity.Config{})
	var err error
	for i := range 11 {
		_, _, err = login(p, "zoe", "wrong", netip.MustParseAddr(fmt.Sprintf("2001:db8::%d", i+1)))
	}
	wantError(t, err, identity.ErrLocked)
}

func TestAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := directory(t, identity.Config{})
		for i := range 50 {
			if n := p.Stats().Alarms; n != 0 {
				t.Fatalf("alarm after %d failures", i)
			}
			_, _, err := login(p, "zoe", "wrong", netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}))
			wantError(t, err, identity.ErrLogin)
		}
		if n := p.Stats().Alarms; n != 1 {
			t.Errorf("%d alarms after 50 failures, want 1", n)
		}
	})
}

// TestHashesAtOnce: sign-ins at once never hash more than the pool allows.
func TestHashesAtOnce(t *testing.T) {
	p, _ := directory(t, identity.Config{HashesAtOnce: 2, HashWait: time.Minute})
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() { _, _, _ = login(p, fmt.Sprintf("n%d", i), "wrong", home) })
	}
	wg.Wait()
	if s := p.Stats(); s.Peak > 2 || s.Hashes != 100 || s.Waiting != 0 {
		t.Errorf("%+v, want 100 hashes, 2 at once", s)
	}
}

func TestPhoneSecrets(t *testing.T) {
	p, store := directory(t, identity.Config{Realms: []string{"bank.example"}})
	secret := add(t, p, "zoe", "correct horse")
	if n := len(strings.ReplaceAll(secret.Reveal(), "-", "")) * 5; n < 128 {
		t.Errorf("a phone secret of %d bits", n)
	}
	text := []byte("zoe:bank.example:" + secret.Reveal())
	sha, md := sha256.Sum256(text), md5.Sum(text)
	for algorithm, want := range map[string]string{"SHA-256": hex.EncodeToString(sha[:]), "MD5": hex.EncodeToString(md[:])} {
		got, ok := p.HA1(t.Context(), "zoe", "bank.example", algorithm)
		if !ok || got != want {
			t.Errorf("%s: %q, %v, want %q", algorithm, got, ok, want)
		}
	}
	for _, c := range [][3]string{{"nobody", "ivrd", "MD5"}, {"zoe", "other", "MD5"}, {"zoe", "ivrd", "SHA-512"}} {
		if _, ok := p.HA1(t.Context(), c[0], c[1], c[2]); ok {
			t.Errorf("%v has a hash", c)
		}
	}
	moved, _ := store.PhoneSecret(t.Context(), "zoe", "ivrd", "MD5")
	add(t, p, "eve", "correct horse")
	moved.Name = "eve"
	if err := store.SavePhoneSecrets(t.Context(), "eve", []identity.PhoneSecret{moved}); err != nil {
		t.Fatal(err)
	}
	if _, ok := p.HA1(t.Context(), "eve", "ivrd", "MD5"); ok {
		t.Error("a secret moved to another person opens")
	}
	again, err := p.NewPhoneSecret(t.Context(), "zoe")
	if err != nil || again == secret {
		t.Errorf("no new secret: %v", err)
	}
}

func TestDemo(t *testing.T) {
	p, store := directory(t, identity.Config{})
	added, err := p.SeedDemo(t.Context())
	if err != nil || len(added) != 5 {
		t.Fatalf("added %d, %v", len(added), err)
	}
	again, err := p.SeedDemo(t.Context())
	if err != nil || len(again) != 0 {
		t.Fatalf("added %d again, %v", len(again), err)
	}
	people, err := p.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, person := range people {
		names = append(names, person.Name)
		mustLogin(t, p, person.Name, "demo")
	}
	if want := []string{"ada", "alice", "bob", "otto", "sue"}; !slices.Equal(names, want) {
		t.Errorf("people %v, want %v", names, want)
	}

	production := identity.New(identity.Config{Production: true, Argon2: light}, store, boundSealer{})
	if err := production.CheckProduction(t.Context()); err == nil || !strings.Contains(err.Error(), "ivrd user password alice") {
		t.Errorf("production starts with demo passwords, or does not say what to do: %v", err)
	}
	_, _, err = login(production, "alice", "demo", home)
	wantError(t, err, identity.ErrLogin)
	if err := production.SetPassword(t.Context(), "alice", identity.NewSecret("demo")); err == nil {
		t.Error("production sets the demo password")
	}
	if _, err := production.SeedDemo(t.Context()); err == nil {
		t.Error("production seeds the demo")
	}
}

func TestInvalidPeople(t *testing.T) {
	p, _ := directory(t, identity.Config{})
	valid := identity.Person{Name: "zoe", Roles: []identity.Role{identity.Agent}}
	for name, spoil := range map[string]func(*identity.Person){
		"no name":      func(p *identity.Person) { p.Name = "" },
		"capital":      func(p *identity.Person) { p.Name = "Zoe" },
		"long":         func(p *identity.Person) { p.Name = strings.Repeat("x", 65) },
		"no role":      func(p *identity.Person) { p.Roles = nil },
		"bad role":     func(p *identity.Person) { p.Roles = []identity.Role{"god"} },
		"bad group":    func(p *identity.Person) { p.Groups = []string{"a b"} },
		"many groups":  func(p *identity.Person) { p.Groups = make([]string, 101) },
		"display line": func(p *identity.Person) { p.Display = "a\nb" },
		"display raw":  func(p *identity.Person) { p.Display = "\xff" },
	} {
		person := valid
		spoil(&person)
		if _, err := p.Add(t.Context(), person, identity.NewSecret("correct horse")); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := p.Add(t.Context(), valid, identity.NewSecret("correct horse")); err != nil {
		t.Error(err)
	}
	_, err := p.Add(t.Context(), valid, identity.NewSecret("correct horse"))
	wantError(t, err, identity.ErrExists)
}

func TestSecretCannotPrint(t *testing.T) {
	const text = "hunter2hunter2"
	s := identity.NewSecret(text)
	holder := struct{ S identity.Secret }{s}
	j, _ := json.Marshal(holder)
	printed := fmt.Sprintf("%s %v %+v %#v %q %x %d %v %+v %#v", s, s, s, s, s, s, s, holder, holder, &holder) + string(j) + s.LogValue().String()
	if strings.Contains(printed, text) || strings.Contains(printed, hex.EncodeToString([]byte(text))) {
		t.Errorf("printed: %s", printed)
	}
	var read struct{ S identity.Secret }
	if err := json.Unmarshal([]byte(`{"S":"`+text+`"}`), &read); err != nil || read.S.Reveal() != text {
		t.Errorf("read %q, %v", read.S.Reveal(), err)
	}
}

// meddled is a store in which something happens right after somebody's account
// was read, once.
type meddled struct {
	*memstore.Store

	meanwhile func()
}

func (m *meddled) Account(ctx context.Context, name string) (identity.Account, error) {
	a, err := m.Store.Account(ctx, name)
	if f := m.meanwhile; f != nil {
		m.meanwhile = nil
		f()
	}
	return a, err
}

// TestPasswordChangeUndoesNothing: who is shut out while their password is
// being hashed stays out.
func TestPasswordChangeUndoesNothing(t *testing.T) {
	store := &meddled{Store: memstore.New()}
	p := identity.New(identity.Config{Argon2: light}, store, boundSealer{})
	add(t, p, "eve", "first password")
	store.meanwhile = func() {
		if err := p.SetEnabled(t.Context(), "eve", false); err != nil {
			t.Error(err)
		}
	}
	if err := p.SetPassword(t.Context(), "eve", identity.NewSecret("second password")); err != nil {
		t.Fatal(err)
	}
	if who, err := p.Person(t.Context(), "eve"); err != nil || who.Enabled {
		t.Errorf("eve is enabled again: %+v %v", who, err)
	}
}

// TestSignInDuringAChange: a sign-in that was being proved while the password
// was replaced, or its person shut out, does not outlive that.
func TestSignInDuringAChange(t *testing.T) {
	for what, change := range map[string]func(*identity.People) error{
		"password": func(p *identity.People) error {
			return p.SetPassword(t.Context(), "eve", identity.NewSecret("second password"))
		},
		"disabled": func(p *identity.People) error { return p.SetEnabled(t.Context(), "eve", false) },
	} {
		store := &meddled{Store: memstore.New()}
		p := identity.New(identity.Config{Argon2: light}, store, boundSealer{})
		add(t, p, "eve", "first password")
		store.meanwhile = func() {
			if err := change(p); err != nil {
				t.Error(err)
			}
		}
		_, _, _, err := p.SignIn(t.Context(), identity.Credentials{Name: "eve", Password: identity.NewSecret("first password"), IP: home})
		if !errors.Is(err, identity.ErrLogin) {
			t.Errorf("%s: signed in: %v", what, err)
		}
		if left, err := store.SignIns(t.Context(), "eve"); err != nil || len(left) != 0 {
			t.Errorf("%s: %d sign-ins are left, %v", what, len(left), err)
		}
	}
}
