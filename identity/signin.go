package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Credentials are what somebody signs in with, and from where.
type Credentials struct {
	Name     string
	Password Secret
	IP       netip.Addr
	Agent    string
}

// LoginError is a sign-in that was refused. It wraps ErrLogin, ErrLocked or
// ErrBusy, which is all that the other side may learn; Account is for the
// audit log: the name, when there is such a person.
type LoginError struct {
	Account string
	Err     error
}

func (e *LoginError) Error() string { return "sign in: " + e.Err.Error() }
func (e *LoginError) Unwrap() error { return e.Err }

const (
	tokenLength = 32              // bytes of a token: 256 bits
	touchEvery  = time.Minute     // the last use is stored no more often
	maxAgent    = 200             // bytes of a browser's name that are kept
	idLength    = 12              // bytes of a sign-in's ID
	maxSkew     = time.Second * 5 // a stored time may be this far ahead
)

// SignIn proves a person by password and opens a sign-in. The token is its
// only key and is returned once. Known, unknown and disabled names cost the
// same work: one password hash.
func (p *People) SignIn(ctx context.Context, c Credentials) (Person, SignIn, Secret, error) {
	name := c.Name
	if !ValidName(name) {
		name = "-" // one entry for all that can be nobody's
	}
	begun := time.Now()
	if err := p.guesses.begin(name, c.IP, begun); err != nil {
		return Person{}, SignIn{}, Secret{}, &LoginError{Err: err}
	}
	a, err := p.prove(ctx, name, c.Password)
	if err != nil {
		if !errors.Is(err, ErrLogin) {
			p.guesses.untried(name, c.IP, begun)
		}
		return Person{}, SignIn{}, Secret{}, &LoginError{Account: a.Name, Err: err}
	}
	p.guesses.succeeded(name, c.IP, begun)
	s, token, err := p.open(ctx, a.Name, c)
	if err == nil {
		err = p.confirm(ctx, a, s)
	}
	if err != nil {
		return Person{}, SignIn{}, Secret{}, err
	}
	return a.Person, s, token, nil
}

// confirm ends a sign-in whose password was replaced, or whose person was shut
// out, while it was being proved: those who did it ended the sign-ins that they
// saw, and did not see this one.
func (p *People) confirm(ctx context.Context, proved Account, s SignIn) error {
	now, err := p.store.Account(ctx, proved.Name)
	if err == nil && now.Enabled && now.PasswordHash == proved.PasswordHash {
		return nil
	}
	return &LoginError{Account: proved.Name, Err: errors.Join(ErrLogin, err, p.store.DeleteSignIn(ctx, s.ID))}
}

// prove checks name and password. With an error, the account returned is only
// who was meant.
func (p *People) prove(ctx context.Context, name string, password Secret) (Account, error) {
	a, err := p.store.Account(ctx, name)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Account{}, fmt.Errorf("read account: %w", err)
	}
	ok, err := p.hasher.verify(ctx, password, a.PasswordHash)
	if err != nil {
		return a, err
	}
	if !ok || !a.Enabled || p.config.Production && a.Demo {
		return a, ErrLogin
	}
	return a, nil
}

// open stores a new sign-in.
func (p *People) open(ctx context.Context, name string, c Credentials) (SignIn, Secret, error) {
	now := time.Now()
	if err := p.store.DeleteExpired(ctx, now.Add(-p.config.Longest), now.Add(-p.config.Idle-touchEvery)); err != nil {
		return SignIn{}, Secret{}, fmt.Errorf("end old sign-ins: %w", err)
	}
	token, id := make([]byte, tokenLength), make([]byte, idLength)
	_, _ = rand.Read(token)
	_, _ = rand.Read(id)
	s := SignIn{
		ID: hex.EncodeToString(id), Name: name, CreatedAt: now, UsedAt: now,
		ExpiresAt: now.Add(p.config.Longest), IP: c.IP.String(), Agent: browser(c.Agent),
	}
	secret := NewSecret(base64.RawURLEncoding.EncodeToString(token))
	if err := p.store.CreateSignIn(ctx, sha256.Sum256([]byte(secret.Reveal())), s); err != nil {
		return SignIn{}, Secret{}, fmt.Errorf("store sign-in: %w", err)
	}
	return s, secret, nil
}

func browser(agent string) string {
	if len(agent) > maxAgent {
		agent = agent[:maxAgent]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, agent)
}

// Resolve finds who a token belongs to: ErrNoSignIn when it is unknown, over
// its time, or its person is disabled. Roles and groups are as they are now.
func (p *People) Resolve(ctx context.Context, token Secret) (Person, SignIn, error) {
	if len(token.Reveal()) != base64.RawURLEncoding.EncodedLen(tokenLength) {
		return Person{}, SignIn{}, ErrNoSignIn
	}
	s, err := p.store.SignIn(ctx, sha256.Sum256([]byte(token.Reveal())))
	if err != nil {
		return Person{}, SignIn{}, fmt.Errorf("find sign-in: %w", err)
	}
	now := time.Now()
	if !p.valid(s, now) {
		return Person{}, SignIn{}, ErrNoSignIn
	}
	a, err := p.store.Account(ctx, s.Name)
	if errors.Is(err, ErrNotFound) || err == nil && !a.Enabled {
		return Person{}, SignIn{}, ErrNoSignIn
	}
	if err != nil {
		return Person{}, SignIn{}, fmt.Errorf("find person: %w", err)
	}
	if now.Sub(s.UsedAt) >= touchEvery {
		if err := p.store.TouchSignIn(ctx, s.ID, now); err != nil {
			return Person{}, SignIn{}, fmt.Errorf("keep sign-in: %w", err)
		}
		s.UsedAt = now
	}
	return a.Person, s, nil
}

// valid checks both limits. A clock that was set back must not lengthen them.
func (p *People) valid(s SignIn, now time.Time) bool {
	return now.Before(s.ExpiresAt) && now.Sub(s.UsedAt) < p.config.Idle &&
		now.Sub(s.CreatedAt) > -maxSkew
}

// SignOut ends the sign-in of a token, at once and for good.
func (p *People) SignOut(ctx context.Context, token Secret) error {
	s, err := p.store.SignIn(ctx, sha256.Sum256([]byte(token.Reveal())))
	if err != nil {
		return fmt.Errorf("find sign-in: %w", err)
	}
	return p.Revoke(ctx, s.ID)
}

// Revoke ends a sign-in by its ID.
func (p *People) Revoke(ctx context.Context, id string) error {
	if err := p.store.DeleteSignIn(ctx, id); err != nil {
		return fmt.Errorf("end sign-in: %w", err)
	}
	return nil
}

// EndSignIns ends all of a person's.
func (p *People) EndSignIns(ctx context.Context, name string) error {
	if err := p.store.DeleteSignIns(ctx, name, ""); err != nil {
		return fmt.Errorf("end sign-ins of %s: %w", name, err)
	}
	return nil
}

// SignIns lists a person's, newest first.
func (p *People) SignIns(ctx context.Context, name string) ([]SignIn, error) {
	all, err := p.store.SignIns(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("list sign-ins of %s: %w", name, err)
	}
	now := time.Now()
	var open []SignIn
	for _, s := range all {
		if p.valid(s, now) {
			open = append(open, s)
		}
	}
	return open, nil
}
