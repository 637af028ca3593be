package identity

import (
	"context"
	"crypto/md5" //nolint:gosec // RFC 7616 needs it for old phones; SHA-256 is offered first
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Config of the people.
type Config struct {
	// Production refuses the demo password and passwords under 10 characters.
	Production bool
	// Realms that phones register to; a phone's secret is kept for each.
	Realms []string
	// Argon2 of new passwords; zero means 19 MiB, 2 passes, 1 thread.
	Argon2 Argon2
	// HashesAtOnce bounds the password hashes that are computed at a time (0:
	// half of the cores), HashWait how long one waits for its turn (0: 3 s).
	HashesAtOnce int
	HashWait     time.Duration
	// Idle and Longest end a sign-in: 30 min without use, 12 h in all.
	Idle, Longest time.Duration
	Lockout       Lockout
}

// People is the directory: who there is, who they prove to be, what they may.
// Its methods may be used from many goroutines. It owns no goroutine.
type People struct {
	config  Config
	store   Store
	sealer  Sealer
	hasher  *hasher
	guesses *guesses
	phones  phones
}

// New makes the directory on a store. The sealer closes phone secrets.
func New(config Config, store Store, sealer Sealer) *People {
	if config.Idle <= 0 {
		config.Idle = 30 * time.Minute
	}
	if config.Longest <= 0 {
		config.Longest = 12 * time.Hour
	}
	return &People{
		config: config, store: store, sealer: sealer,
		hasher:  newHasher(config.Argon2, config.HashesAtOnce, config.HashWait),
		guesses: newGuesses(config.Lockout),
		phones:  phones{byName: map[string]*phone{}},
	}
}

// Stats are counts for the metrics.
type Stats struct {
	Hashes  uint64 // password hashes computed
	Peak    int64  // most of them at once
	Waiting int64  // sign-ins that wait for a hash now
	Alarms  uint64 // names that were guessed at from many addresses
}

// Stats is a snapshot.
func (p *People) Stats() Stats {
	return Stats{
		Hashes: p.hasher.total.Load(), Peak: p.hasher.peak.Load(),
		Waiting: p.hasher.waiting.Load(), Alarms: p.guesses.raised(),
	}
}

// Add creates a person and returns the secret of their phone, which is shown
// once: only its hashes are kept.
func (p *People) Add(ctx context.Context, person Person, password Secret) (Secret, error) {
	if err := checkNew(person); err != nil {
		return Secret{}, err
	}
	a := Account{Person: person, CreatedAt: time.Now()}
	if err := p.setHash(ctx, &a, password); err != nil {
		return Secret{}, err
	}
	if err := p.store.CreateAccount(ctx, a); err != nil {
		return Secret{}, fmt.Errorf("add %s: %w", person.Name, err)
	}
	return p.NewPhoneSecret(ctx, person.Name)
}

// Person returns somebody by name.
func (p *People) Person(ctx context.Context, name string) (Person, error) {
	a, err := p.store.Account(ctx, name)
	return a.Person, err
}

// List returns everybody, by name.
func (p *People) List(ctx context.Context) ([]Person, error) {
	accounts, err := p.store.Accounts(ctx)
	if err != nil {
		return nil, fmt.Errorf("list people: %w", err)
	}
	people := make([]Person, len(accounts))
	for i, a := range accounts {
		people[i] = a.Person
	}
	return people, nil
}

// Update changes display name, roles, groups and whether the person is
// enabled. Disabling ends their sign-ins at once.
func (p *People) Update(ctx context.Context, person Person) error {
	if err := person.check(); err != nil {
		return err
	}
	if err := p.store.SavePerson(ctx, person); err != nil {
		return fmt.Errorf("update %s: %w", person.Name, err)
	}
	if !person.Enabled {
		return p.EndSignIns(ctx, person.Name)
	}
	return nil
}

// SetEnabled lets a person in or shuts them out, at once.
func (p *People) SetEnabled(ctx context.Context, name string, enabled bool) error {
	person, err := p.Person(ctx, name)
	if err != nil {
		return fmt.Errorf("change %s: %w", name, err)
	}
	person.Enabled = enabled
	return p.Update(ctx, person)
}

// SetPassword replaces a password, for an administrator, and ends the person's
// sign-ins.
func (p *People) SetPassword(ctx context.Context, name string, password Secret) error {
	return p.replacePassword(ctx, name, password, "")
}

// ChangePassword replaces one's own password; the other sign-ins end. It fails
// with ErrLogin when the old one is wrong.
func (p *People) ChangePassword(ctx context.Context, current SignIn, old, password Secret) error {
	a, err := p.store.Account(ctx, current.Name)
	if err != nil {
		return fmt.Errorf("change password of %s: %w", current.Name, err)
	}
	ok, err := p.hasher.verify(ctx, old, a.PasswordHash)
	if err != nil {
		return err
	}
	if !ok {
		return ErrLogin
	}
	return p.replacePassword(ctx, current.Name, password, current.ID)
}

func (p *People) replacePassword(ctx context.Context, name string, password Secret, keep string) error {
	a, err := p.store.Account(ctx, name)
	if err != nil {
		return fmt.Errorf("set password of %s: %w", name, err)
	}
	if err := p.setHash(ctx, &a, password); err != nil {
		return err
	}
	if err := p.store.SavePassword(ctx, name, a.PasswordHash, a.Demo); err != nil {
		return fmt.Errorf("set password of %s: %w", name, err)
	}
	if err := p.store.DeleteSignIns(ctx, name, keep); err != nil {
		return fmt.Errorf("end sign-ins of %s: %w", name, err)
	}
	return nil
}

// demoPassword is what the people of the demo have, and nobody else may.
const demoPassword = "demo"

// shortest password in production, in bytes.
const shortest = 10

// setHash checks and hashes a new password.
func (p *People) setHash(ctx context.Context, a *Account, password Secret) error {
	n := len(password.Reveal())
	switch {
	case n > maxPassword:
		return fmt.Errorf("set password of %s: longer than %d bytes", a.Name, maxPassword)
	case n == 0, p.config.Production && n < shortest:
		return fmt.Errorf("set password of %s: too short: choose at least %d characters", a.Name, shortest)
	}
	hash, err := p.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	a.PasswordHash, a.Demo = hash, password.Reveal() == demoPassword
	return nil
}

// CheckProduction names the people whose password is the demo's; a production
// server does not start with them, and they cannot sign in.
func (p *People) CheckProduction(ctx context.Context) error {
	accounts, err := p.store.Accounts(ctx)
	if err != nil {
		return fmt.Errorf("check passwords: %w", err)
	}
	var faults []error
	for _, a := range accounts {
		if a.Demo && a.Enabled {
			faults = append(faults, fmt.Errorf("%s has the demo password: run ivrd user password %s, or ivrd user disable %s", a.Name, a.Name, a.Name))
		}
	}
	return errors.Join(faults...)
}

// Where phone secrets are sealed to.
const (
	phoneTable  = "phone_secrets"
	phoneColumn = "sealed"
)

func phoneKey(name, realm, algorithm string) string {
	return fmt.Sprintf("%q %q %q", name, realm, algorithm)
}

// NewPhoneSecret replaces the secret of a person's phone and returns it, to be
// shown once. Digest needs its hash per realm and algorithm; those are kept
// sealed.
func (p *People) NewPhoneSecret(ctx context.Context, name string) (Secret, error) {
	secret := generate()
	var kept []PhoneSecret
	for _, realm := range p.config.Realms {
		for _, algorithm := range []string{"SHA-256", "MD5"} {
			plain := ha1(name, realm, secret.Reveal(), algorithm)
			sealed, err := p.sealer.Seal(ctx, phoneTable, phoneColumn, phoneKey(name, realm, algorithm), []byte(plain))
			if err != nil {
				return Secret{}, fmt.Errorf("seal phone secret of %s: %w", name, err)
			}
			kept = append(kept, PhoneSecret{Name: name, Realm: realm, Algorithm: algorithm, Sealed: sealed})
		}
	}
	if err := p.store.SavePhoneSecrets(ctx, name, kept); err != nil {
		return Secret{}, fmt.Errorf("save phone secret of %s: %w", name, err)
	}
	return secret, nil
}

// ha1 is H(user:realm:secret) of RFC 7616 §3.4.2.
func ha1(user, realm, secret, algorithm string) string {
	text := []byte(user + ":" + realm + ":" + secret)
	if algorithm == "MD5" {
		sum := md5.Sum(text) //nolint:gosec // as above
		return hex.EncodeToString(sum[:])
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// HA1 gives the digest hash of a person's phone for algorithm "SHA-256" or
// "MD5"; false when there is no such person, they are disabled, or the store
// or the key cannot be had. All cases do the same work, so that time does not
// tell who exists. The username of a page's telephone (see NewPhone, NewGuest)
// has its own secret, which ends with the sign-in.
func (p *People) HA1(ctx context.Context, user, realm, algorithm string) (string, bool) {
	if isPhone(user) {
		return p.phoneHA1(ctx, user, realm, algorithm)
	}
	a, err := p.store.Account(ctx, user)
	known := err == nil && a.Enabled
	s, err := p.store.PhoneSecret(ctx, user, realm, algorithm)
	if err != nil {
		_, _ = p.sealer.Seal(ctx, phoneTable, phoneColumn, phoneKey(user, realm, algorithm), make([]byte, 2*sha256.Size))
		return "", false
	}
	plain, err := p.sealer.Open(ctx, phoneTable, phoneColumn, phoneKey(user, realm, algorithm), s.Sealed)
	if err != nil || !known {
		return "", false
	}
	return string(plain), true
}
