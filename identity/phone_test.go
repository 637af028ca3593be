package identity_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/identity"
)

// opens checks that a phone's secret is, or is not, good for SIP.
func opens(t *testing.T, p *identity.People, f identity.Phone, want bool) {
	t.Helper()
	got, ok := p.HA1(t.Context(), f.Username, "ivrd", "SHA-256")
	sum := sha256.Sum256([]byte(f.Username + ":ivrd:" + f.Secret.Reveal()))
	if ok != want || want && got != hex.EncodeToString(sum[:]) || !want && got != "" {
		t.Errorf("HA1 of %s: %q, %v, want %v", f.Username, got, ok, want)
	}
	if has := p.HasPhone(t.Context(), f.Username); has != want {
		t.Errorf("HasPhone of %s: %v, want %v", f.Username, has, want)
	}
}

func newPhone(t *testing.T, p *identity.People, token identity.Secret) identity.Phone {
	t.Helper()
	f, err := p.NewPhone(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestPhoneEndsWithItsSignIn: by signing out, by being shut out, and with the
// hour.
func TestPhoneEndsWithItsSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := directory(t, identity.Config{})
		own := add(t, p, "zoe", "correct horse")
		_, token := mustLogin(t, p, "zoe", "correct horse")
		_, second := mustLogin(t, p, "zoe", "correct horse")
		a, b := newPhone(t, p, token), newPhone(t, p, second)
		if !strings.HasPrefix(a.Username, "zoe~") || a.Username == b.Username || a.Secret == b.Secret || identity.PhonePerson(a.Username) != "zoe" {
			t.Errorf("phones %s and %s", a.Username, b.Username)
		}
		if s := fmt.Sprintf("%v %+v %#v", a, a, a); strings.Contains(s, a.Secret.Reveal()) {
			t.Errorf("the secret prints: %s", s)
		}
		opens(t, p, a, true)
		if md5, ok := p.HA1(t.Context(), a.Username, "ivrd", "MD5"); !ok || len(md5) != 32 {
			t.Errorf("MD5: %q, %v", md5, ok)
		}
		opens(t, p, identity.Phone{Username: "zoe~" + strings.Repeat("0", 32)}, false)
		if _, ok := p.Guest(a.Username); ok {
			t.Error("zoe is a guest")
		}
		if err := p.SignOut(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		opens(t, p, a, false)
		opens(t, p, b, true)
		if _, err := p.NewPhone(t.Context(), token); err == nil {
			t.Error("a phone for a sign-in that has ended")
		}
		if err := p.SetEnabled(t.Context(), "zoe", false); err != nil {
			t.Fatal(err)
		}
		opens(t, p, b, false)
		if err := p.SetEnabled(t.Context(), "zoe", true); err != nil {
			t.Fatal(err)
		}
		opens(t, p, b, false) // the sign-in is over all the same
		if _, ok := p.HA1(t.Context(), "zoe", "ivrd", "SHA-256"); !ok || own.IsZero() {
			t.Error("zoe's own phone lost its secret")
		}
	})
}

func TestPhoneEndsInAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := directory(t, identity.Config{Idle: 12 * time.Hour, Longest: 90 * time.Minute})
		add(t, p, "zoe", "correct horse")
		in, token := mustLogin(t, p, "zoe", "correct horse")
		first := newPhone(t, p, token)
		time.Sleep(45 * time.Minute)
		late := newPhone(t, p, token)
		if !first.ExpiresAt.Equal(in.CreatedAt.Add(time.Hour)) || !late.ExpiresAt.Equal(in.ExpiresAt) {
			t.Errorf("they expire at %v and %v", first.ExpiresAt, late.ExpiresAt)
		}
		time.Sleep(15*time.Minute - 1)
		opens(t, p, first, true)
		time.Sleep(time.Nanosecond)
		opens(t, p, first, false)
		opens(t, p, late, true)
		time.Sleep(30 * time.Minute)
		opens(t, p, late, false)
	})
}

// TestPhoneOfAnIdleSignIn: who has not used the sign-in for half an hour has no
// phone either.
func TestPhoneOfAnIdleSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := directory(t, identity.Config{})
		add(t, p, "zoe", "correct horse")
		_, token := mustLogin(t, p, "zoe", "correct horse")
		f := newPhone(t, p, token)
		time.Sleep(30*time.Minute - time.Nanosecond)
		opens(t, p, f, true)
		time.Sleep(time.Nanosecond)
		opens(t, p, f, false)
	})
}

// TestPhonesAreBounded: of a ninth the first goes, of others none.
func TestPhonesAreBounded(t *testing.T) {
	p, _ := directory(t, identity.Config{})
	add(t, p, "zoe", "correct horse")
	_, token := mustLogin(t, p, "zoe", "correct horse")
	_, second := mustLogin(t, p, "zoe", "correct horse")
	apart := newPhone(t, p, second)
	var all []identity.Phone
	for range 10 {
		all = append(all, newPhone(t, p, token))
	}
	for i, f := range all {
		opens(t, p, f, i >= 2)
	}
	opens(t, p, apart, true)
	var guests []identity.Phone
	for i := range 103 {
		g, err := p.NewGuest(fmt.Sprintf("+86138%08d", i))
		if err != nil {
			t.Fatal(err)
		}
		guests = append(guests, g)
	}
	for i, g := range guests {
		if number, ok := p.Guest(g.Username); ok != (i >= 3) || ok && number != fmt.Sprintf("+86138%08d", i) {
			t.Errorf("guest %d: %q, %v", i, number, ok)
		}
	}
	opens(t, p, apart, true)
}

// TestGuests: nobody's phone, for an hour, and not in production; "guest" is no
// person's name.
func TestGuests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := directory(t, identity.Config{})
		g, err := p.NewGuest("+8613800138000")
		if err != nil {
			t.Fatal(err)
		}
		opens(t, p, g, true)
		if who := identity.PhonePerson(g.Username); who != "" || !strings.HasPrefix(g.Username, "guest~") {
			t.Errorf("%s is %q", g.Username, who)
		}
		time.Sleep(time.Hour)
		opens(t, p, g, false)
		if _, ok := p.Guest(g.Username); ok {
			t.Error("a guest after the hour")
		}
		if _, err := p.Add(t.Context(), identity.Person{Name: "guest", Roles: []identity.Role{identity.Agent}, Enabled: true}, identity.NewSecret("correct horse")); err == nil {
			t.Error("a person is called guest")
		}
		production, _ := directory(t, identity.Config{Production: true})
		if _, err := production.NewGuest("+8613800138000"); err == nil {
			t.Error("a guest in production")
		}
	})
}

func TestPhonePerson(t *testing.T) {
	for username, want := range map[string]string{"alice": "alice", "alice~5f": "alice", "~x": "", "": "", "guest": "guest", "guest~1": ""} {
		if got := identity.PhonePerson(username); got != want {
			t.Errorf("PhonePerson(%q) = %q", username, got)
		}
	}
	if identity.ValidName("alice~5f") {
		t.Error("~ can be in a name")
	}
}

// TestDemoIsForTheDemo: only those with the demo's password are shown.
func TestDemoIsForTheDemo(t *testing.T) {
	p, _ := directory(t, identity.Config{})
	if _, err := p.SeedDemo(t.Context()); err != nil {
		t.Fatal(err)
	}
	add(t, p, "zoe", "correct horse")
	if err := p.SetEnabled(t.Context(), "bob", false); err != nil {
		t.Fatal(err)
	}
	people, err := p.Demo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, x := range people {
		names = append(names, x.Name)
	}
	if got := strings.Join(names, " "); got != "ada alice otto sue" {
		t.Errorf("the demo shows %s", got)
	}
}
