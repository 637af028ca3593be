package identity

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(Argon2{Time: 1, MemoryKiB: 64, Threads: 1}, 1, 3*time.Second)
		h.slots <- struct{}{} // somebody hashes for ever
		begun := time.Now()
		if _, err := h.verify(t.Context(), NewSecret("x"), ""); !errors.Is(err, ErrBusy) {
			t.Errorf("got %v, want ErrBusy", err)
		}
		if waited := time.Since(begun); waited != 3*time.Second {
			t.Errorf("waited %v", waited)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := h.verify(ctx, NewSecret("x"), ""); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		h.waiting.Store(maxWaiting)
		begun = time.Now()
		if _, err := h.verify(t.Context(), NewSecret("x"), ""); !errors.Is(err, ErrBusy) || time.Since(begun) != 0 {
			t.Errorf("a full queue: %v after %v", err, time.Since(begun))
		}
	})
}

// TestGuessesAreBounded: strangers cannot fill the memory.
func TestGuessesAreBounded(t *testing.T) {
	g := newGuesses(Lockout{Entries: 100})
	for i := range 10_000 {
		_ = g.begin(fmt.Sprint("n", i), netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), time.Now())
	}
	if g.pairs.order.Len() > 100 || len(g.pairs.byKey) > 100 || len(g.names.byKey) > 100 {
		t.Errorf("%d pairs, %d names are kept", len(g.pairs.byKey), len(g.names.byKey))
	}
}

// TestUntriedAttemptsAreNoGuesses: a busy server locks nobody out.
func TestUntriedAttemptsAreNoGuesses(t *testing.T) {
	g := newGuesses(Lockout{})
	ip, now := netip.MustParseAddr("192.0.2.1"), time.Now()
	for range 100 {
		if err := g.begin("zoe", ip, now); err != nil {
			t.Fatal(err)
		}
		g.untried("zoe", ip, now)
	}
	for range 9 {
		_ = g.begin("zoe", ip, now)
	}
	if err := g.begin("zoe", ip, now); err != nil {
		t.Fatal(err)
	}
	g.untried("zoe", ip, now)
	if err := g.begin("zoe", ip, now); err != nil {
		t.Errorf("the lock of an untried attempt stays: %v", err)
	}
	if err := g.begin("zoe", ip, now); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v, want ErrLocked", err)
	}
}

// TestRights states the whole matrix: 4 roles × 6 rights.
func TestRights(t *testing.T) {
	want := map[Right][4]Scope{ // agent, supervisor, auditor, admin
		CallsRead:      {Groups, Groups, All, All},
		RecordingsPlay: {Own, Groups, All, None},
		NumbersUnmask:  {None, Groups, All, None},
		MonitorCalls:   {None, Groups, None, None},
		AgentsState:    {Own, Groups, None, None},
		AuditRead:      {None, None, All, None},
		PeopleManage:   {None, None, None, All},
	}
	if len(want) != len(Rights()) {
		t.Fatalf("the matrix has %d rights of %d", len(want), len(Rights()))
	}
	for right, scopes := range want {
		for i, role := range Roles() {
			p := Person{Name: "zoe", Roles: []Role{role}, Enabled: true}
			if got := p.Scope(right); got != scopes[i] {
				t.Errorf("%s, %s: %v, want %v", role, right, got, scopes[i])
			}
			p.Enabled = false
			if p.Scope(right) != None {
				t.Errorf("a disabled %s keeps %s", role, right)
			}
		}
	}
}

func TestMayCall(t *testing.T) {
	for _, c := range []struct {
		role                 Role
		group, queue, agent  string
		read, play, unmasked bool
	}{
		{Agent, "cards", "cards", "zoe", true, true, false},
		{Agent, "cards", "cards", "bob", true, false, false},
		{Agent, "cards", "loans", "zoe", true, true, false},
		{Agent, "cards", "loans", "bob", false, false, false},
		{Agent, "cards", "", "", false, false, false},
		{Supervisor, "cards", "cards", "bob", true, true, true},
		{Supervisor, "cards", "loans", "bob", false, false, false},
		{Supervisor, "cards", "", "", false, false, false},
		{Supervisor, AllGroups, "", "", true, true, true},
		{Auditor, "", "loans", "bob", true, true, true},
		{Admin, "", "loans", "bob", true, false, false},
	} {
		p := Person{Name: "zoe", Roles: []Role{c.role}, Groups: []string{c.group}, Enabled: true}
		read, play := p.MayCall(CallsRead, c.queue, c.agent), p.MayCall(RecordingsPlay, c.queue, c.agent)
		unmasked := p.MayCall(NumbersUnmask, c.queue, c.agent)
		if read != c.read || play != c.play || unmasked != c.unmasked {
			t.Errorf("%+v: read %v, play %v, unmask %v", c, read, play, unmasked)
		}
	}
}

func TestPHC(t *testing.T) {
	h := newHasher(Argon2{Time: 1, MemoryKiB: 64, Threads: 1}, 1, time.Second)
	stored, err := h.hash(t.Context(), NewSecret("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Errorf("stored as %s", stored)
	}
	h.params = Argon2{Time: 3, MemoryKiB: 128, Threads: 2} // new hashes only
	if ok, err := h.verify(t.Context(), NewSecret("correct horse"), stored); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	for _, bad := range []string{
		"", "x", "$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$" + strings.Repeat("A", 43),
		"$argon2id$v=16$m=64,t=1,p=1$c2FsdHNhbHQ$" + strings.Repeat("A", 43),
		"$argon2id$v=19$m=99999999,t=1,p=1$c2FsdHNhbHQ$" + strings.Repeat("A", 43),
		"$argon2id$v=19$m=64,t=0,p=1$c2FsdHNhbHQ$" + strings.Repeat("A", 43),
		"$argon2id$v=19$m=64,t=1,p=256$c2FsdHNhbHQ$" + strings.Repeat("A", 43),
		"$argon2id$v=19$m=64,t=1$c2FsdHNhbHQ$" + strings.Repeat("A", 43),
		"$argon2id$v=19$m=64,t=1,p=1$$" + strings.Repeat("A", 43),
		"$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$AAAA",
	} {
		if _, err := parsePHC(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func FuzzPHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$" + strings.Repeat("A", 43))
	f.Add("$argon2id$v=19$m=+64,t=1,p=1$c2FsdHNhbHQ$" + strings.Repeat("A", 43))
	f.Add("$$$$$")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePHC(s)
		if err != nil {
			return
		}
		if p.MemoryKiB == 0 || p.MemoryKiB > maxMemoryKiB || p.Time == 0 || p.Time > maxTime || p.Threads == 0 {
			t.Errorf("%q: out of bounds", s)
		}
		again, err := parsePHC(p.String())
		if err != nil || again.String() != p.String() {
			t.Errorf("%q does not round-trip", s)
		}
	})
}
