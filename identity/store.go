package identity

import (
	"context"
	"time"
)

// Accounts keeps people. A method returns ErrNotFound for a person who is not
// there. Names are compared exactly.
type Accounts interface {
	// CreateAccount fails with ErrExists when the name is taken.
	CreateAccount(context.Context, Account) error
	// SavePerson replaces what a Person is, but the name; SavePassword the
	// password. Neither touches what the other saves: whoever takes their time
	// with one must not undo the other.
	SavePerson(context.Context, Person) error
	SavePassword(ctx context.Context, name, hash string, demo bool) error
	Account(ctx context.Context, name string) (Account, error)
	// Accounts lists all, by name.
	Accounts(context.Context) ([]Account, error)
	// SavePhoneSecrets replaces all phone secrets of a person at once.
	SavePhoneSecrets(ctx context.Context, name string, secrets []PhoneSecret) error
	PhoneSecret(ctx context.Context, name, realm, algorithm string) (PhoneSecret, error)
}

// SignIns keeps sign-ins by the SHA-256 of their token. A method returns
// ErrNoSignIn for what is not there; a deletion of nothing is no error.
type SignIns interface {
	CreateSignIn(ctx context.Context, hash [32]byte, s SignIn) error
	SignIn(ctx context.Context, hash [32]byte) (SignIn, error)
	// TouchSignIn sets the time of last use, unless it is later already.
	TouchSignIn(ctx context.Context, id string, at time.Time) error
	DeleteSignIn(ctx context.Context, id string) error
	// DeleteSignIns ends those of a person but the one with the ID except.
	DeleteSignIns(ctx context.Context, name, except string) error
	// DeleteExpired ends those that were created or last used before these
	// times.
	DeleteExpired(ctx context.Context, created, used time.Time) error
	// SignIns lists those of a person, newest first.
	SignIns(ctx context.Context, name string) ([]SignIn, error)
}

// Store keeps both. Its conformance suite is identity/storetest.
type Store interface {
	Accounts
	SignIns
}

// Sealer encrypts a field for storage, bound to the place where it is kept: a
// field that was moved to another row does not open.
type Sealer interface {
	Seal(ctx context.Context, table, column, key string, plain []byte) ([]byte, error)
	Open(ctx context.Context, table, column, key string, sealed []byte) ([]byte, error)
}
