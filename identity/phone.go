package identity

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// The bounds of pages that are telephones.
const (
	phoneLife   = time.Hour // a secret opens nothing after it
	phonesEach  = 8         // of one sign-in; the oldest goes
	maxGuests   = 100       // callers of the demo; the oldest goes
	phoneIDSize = 16        // bytes that make the username of a phone: 128 bits
)

// guest is what the callers of the demo are called. It is no name for a person.
const guest = "guest"

// Phone is what a page proves itself with to SIP while its sign-in lasts. It is
// kept in memory only, and shown once.
type Phone struct {
	// Username is for the credentials only: the person's name, "~" and something
	// random. "~" is in no person's name.
	Username  string
	Secret    Secret
	ExpiresAt time.Time // at the latest
}

// phone is a Phone with whom it belongs to.
type phone struct {
	Phone

	signIn [32]byte // hash of the token of the sign-in; zero: of a guest
	number string   // of a guest
	made   uint64   // order
}

// phones are those that are alive, and some that are not any more.
type phones struct {
	mu     sync.Mutex
	made   uint64
	byName map[string]*phone
}

// NewPhone makes a secret for a page of a sign-in: with it the page's telephone is
// that of the person. It opens nothing after an hour, nor after the sign-in. It
// fails with ErrNoSignIn as Resolve does.
func (p *People) NewPhone(ctx context.Context, token Secret) (Phone, error) {
	person, in, err := p.Resolve(ctx, token)
	if err != nil {
		return Phone{}, err
	}
	until := time.Now().Add(phoneLife)
	if in.ExpiresAt.Before(until) {
		until = in.ExpiresAt
	}
	hash := sha256.Sum256([]byte(token.Reveal()))
	return p.phones.add(person.Name, until, phonesEach, phone{signIn: hash}), nil
}

// NewGuest makes a secret for a caller of the demo who is nobody; number is what
// the house sees as theirs. Production has no guests.
func (p *People) NewGuest(number string) (Phone, error) {
	if p.config.Production {
		return Phone{}, errors.New(`make guest: refused with "mode: production"`)
	}
	return p.phones.add(guest, time.Now().Add(phoneLife), maxGuests, phone{number: number}), nil
}

// add makes a phone; of those with the same owner the oldest go so that no more
// than most are left.
func (t *phones) add(name string, until time.Time, most int, f phone) Phone {
	var id [phoneIDSize]byte
	_, _ = rand.Read(id[:]) // never fails: crypto/rand aborts the process instead
	f.Phone = Phone{Username: name + "~" + hex.EncodeToString(id[:]), Secret: generate(), ExpiresAt: until}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(t.byName, func(_ string, o *phone) bool { return !now.Before(o.ExpiresAt) })
	var same []*phone
	for _, o := range t.byName {
		if o.signIn == f.signIn {
			same = append(same, o)
		}
	}
	slices.SortFunc(same, func(a, b *phone) int { return cmp.Compare(a.made, b.made) })
	for _, o := range same[:max(0, len(same)+1-most)] {
		delete(t.byName, o.Username)
	}
	t.made++
	f.made = t.made
	t.byName[f.Username] = &f
	return f.Phone
}

// find returns a phone whose hour is not over; false when there is none.
func (t *phones) find(username string) (phone, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f, ok := t.byName[username]
	if !ok {
		return phone{}, false
	}
	if !time.Now().Before(f.ExpiresAt) {
		delete(t.byName, username)
		return phone{}, false
	}
	return *f, true
}

func (t *phones) drop(username string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byName, username)
}

// HasPhone reports whether a username that NewPhone or NewGuest gave still opens
// something: its hour is not over, its sign-in lives and its person is let in.
func (p *People) HasPhone(ctx context.Context, username string) bool {
	_, ok := p.phone(ctx, username)
	return ok
}

func (p *People) phone(ctx context.Context, username string) (phone, bool) {
	f, ok := p.phones.find(username)
	if !ok || f.signIn == [32]byte{} {
		return f, ok
	}
	in, err := p.store.SignIn(ctx, f.signIn)
	if errors.Is(err, ErrNoSignIn) {
		p.phones.drop(username)
	}
	if err != nil || !p.valid(in, time.Now()) {
		return phone{}, false
	}
	a, err := p.store.Account(ctx, in.Name)
	return f, err == nil && a.Enabled
}

// phoneHA1 is HA1 for a page's username.
func (p *People) phoneHA1(ctx context.Context, username, realm, algorithm string) (string, bool) {
	f, ok := p.phone(ctx, username)
	if !ok {
		return "", false
	}
	return ha1(username, realm, f.Secret.Reveal(), algorithm), true
}

// isPhone tells the username of a page's telephone from a person's name.
func isPhone(username string) bool { return strings.Contains(username, "~") }

// PhonePerson is whose telephone a username is: the name before "~", or the whole
// of one without. It is empty for a guest's, which is nobody's. Whether the
// username opens anything is for HA1 to say.
func PhonePerson(username string) string {
	name, _, isPage := strings.Cut(username, "~")
	if isPage && name == guest {
		return ""
	}
	return name
}

// Guest gives the number that a guest of the demo calls from; false when the
// username is not, or no longer, a guest's.
func (p *People) Guest(username string) (number string, ok bool) {
	f, ok := p.phones.find(username)
	if !ok || f.signIn != [32]byte{} {
		return "", false
	}
	return f.number, true
}

// checkNew refuses names that nobody new may have.
func checkNew(p Person) error {
	if p.Name == guest {
		return fmt.Errorf("check name %q: it is that of the demo's callers", p.Name)
	}
	return p.check()
}
