// Package sqlitestore keeps people and sign-ins in SQLite.
package sqlitestore

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/internal/sqlitedb"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is an identity.Store in a database file, which it may share.
type Store struct{ db *sqlitedb.DB }

// Open opens or makes the database file at path and brings the tables of
// identity in it up to date.
func Open(ctx context.Context, path string) (*Store, error) {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("find migrations: %w", err)
	}
	db, err := sqlitedb.Open(ctx, sqlitedb.Config{Path: path, Module: "identity", Migrations: sub})
	if err != nil {
		return nil, err
	}
	return &Store{db}, nil
}

// Close closes the database. It may be called twice.
func (s *Store) Close() error { return s.db.Close() }

const accountColumns = `name, display, roles, groups, enabled, password_hash, demo, created_at`

// CreateAccount adds a person.
func (s *Store) CreateAccount(ctx context.Context, a identity.Account) error {
	roles, groups := list(a.Roles), list(a.Groups)
	n, err := s.db.Exec(ctx, `INSERT INTO people (`+accountColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (name) DO NOTHING`,
		a.Name, a.Display, roles, groups, a.Enabled, a.PasswordHash, a.Demo, a.CreatedAt.UnixMilli())
	return one(n, err, identity.ErrExists)
}

// SavePerson replaces what a person is.
func (s *Store) SavePerson(ctx context.Context, p identity.Person) error {
	n, err := s.db.Exec(ctx, `UPDATE people SET display = ?, roles = ?, groups = ?, enabled = ? WHERE name = ?`,
		p.Display, list(p.Roles), list(p.Groups), p.Enabled, p.Name)
	return one(n, err, identity.ErrNotFound)
}

// SavePassword replaces a password.
func (s *Store) SavePassword(ctx context.Context, name, hash string, demo bool) error {
	n, err := s.db.Exec(ctx, `UPDATE people SET password_hash = ?, demo = ? WHERE name = ?`, hash, demo, name)
	return one(n, err, identity.ErrNotFound)
}

// Account returns a person.
func (s *Store) Account(ctx context.Context, name string) (identity.Account, error) {
	row := s.db.Read().QueryRowContext(ctx, `SELECT `+accountColumns+` FROM people WHERE name = ?`, name)
	a, err := scanAccount(row)
	return a, missing(err, identity.ErrNotFound)
}

// Accounts lists all, by name.
func (s *Store) Accounts(ctx context.Context) ([]identity.Account, error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT `+accountColumns+` FROM people ORDER BY name`)
	return collect(rows, err, scanAccount)
}

// SavePhoneSecrets replaces those of a person in one transaction.
func (s *Store) SavePhoneSecrets(ctx context.Context, name string, secrets []identity.PhoneSecret) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		var known int
		err := tx.QueryRowContext(ctx, `SELECT 1 FROM people WHERE name = ?`, name).Scan(&known)
		if err != nil {
			return missing(err, identity.ErrNotFound)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM phone_secrets WHERE name = ?`, name); err != nil {
			return fmt.Errorf("delete phone secrets: %w", err)
		}
		for _, p := range secrets {
			_, err := tx.ExecContext(ctx, `INSERT INTO phone_secrets (name, realm, algorithm, sealed) VALUES (?, ?, ?, ?)`,
				name, p.Realm, p.Algorithm, p.Sealed)
			if err != nil {
				return fmt.Errorf("insert phone secret: %w", err)
			}
		}
		return nil
	})
}

// PhoneSecret returns one.
func (s *Store) PhoneSecret(ctx context.Context, name, realm, algorithm string) (identity.PhoneSecret, error) {
	p := identity.PhoneSecret{Name: name, Realm: realm, Algorithm: algorithm}
	err := s.db.Read().QueryRowContext(ctx, `SELECT sealed FROM phone_secrets WHERE name = ? AND realm = ? AND algorithm = ?`,
		name, realm, algorithm).Scan(&p.Sealed)
	if err != nil {
		return identity.PhoneSecret{}, missing(err, identity.ErrNotFound)
	}
	return p, nil
}

const signInColumns = `id, name, created_at, used_at, expires_at, ip, agent`

// CreateSignIn keeps a sign-in.
func (s *Store) CreateSignIn(ctx context.Context, hash [32]byte, in identity.SignIn) error {
	_, err := s.db.Exec(ctx, `INSERT INTO sign_ins (hash, `+signInColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		hash[:], in.ID, in.Name, in.CreatedAt.UnixMilli(), in.UsedAt.UnixMilli(), in.ExpiresAt.UnixMilli(), in.IP, in.Agent)
	return err
}

// SignIn returns one by the hash of its token.
func (s *Store) SignIn(ctx context.Context, hash [32]byte) (identity.SignIn, error) {
	row := s.db.Read().QueryRowContext(ctx, `SELECT `+signInColumns+` FROM sign_ins WHERE hash = ?`, hash[:])
	in, err := scanSignIn(row)
	return in, missing(err, identity.ErrNoSignIn)
}

// TouchSignIn moves the time of last use forward.
func (s *Store) TouchSignIn(ctx context.Context, id string, at time.Time) error {
	n, err := s.db.Exec(ctx, `UPDATE sign_ins SET used_at = max(used_at, ?) WHERE id = ?`, at.UnixMilli(), id)
	return one(n, err, identity.ErrNoSignIn)
}

// DeleteSignIn ends one.
func (s *Store) DeleteSignIn(ctx context.Context, id string) error {
	_, err := s.db.Exec(ctx, `DELETE FROM sign_ins WHERE id = ?`, id)
	return err
}

// DeleteSignIns ends a person's but one.
func (s *Store) DeleteSignIns(ctx context.Context, name, except string) error {
	_, err := s.db.Exec(ctx, `DELETE FROM sign_ins WHERE name = ? AND id <> ?`, name, except)
	return err
}

// DeleteExpired ends those that are old or unused.
func (s *Store) DeleteExpired(ctx context.Context, created, used time.Time) error {
	_, err := s.db.Exec(ctx, `DELETE FROM sign_ins WHERE created_at < ? OR used_at < ?`,
		created.UnixMilli(), used.UnixMilli())
	return err
}

// SignIns lists a person's, newest first.
func (s *Store) SignIns(ctx context.Context, name string) ([]identity.SignIn, error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT `+signInColumns+` FROM sign_ins WHERE name = ? ORDER BY created_at DESC, id`, name)
	return collect(rows, err, scanSignIn)
}

// scanner is a row, whether of one or of many.
type scanner interface{ Scan(...any) error }

func scanAccount(row scanner) (identity.Account, error) {
	var a identity.Account
	var roles, groups string
	var created int64
	err := row.Scan(&a.Name, &a.Display, &roles, &groups, &a.Enabled, &a.PasswordHash, &a.Demo, &created)
	if err != nil {
		return identity.Account{}, err
	}
	a.CreatedAt = time.UnixMilli(created)
	if err := errors.Join(json.Unmarshal([]byte(roles), &a.Roles), json.Unmarshal([]byte(groups), &a.Groups)); err != nil {
		return identity.Account{}, fmt.Errorf("read roles and groups of %s: %w", a.Name, err)
	}
	return a, nil
}

func scanSignIn(row scanner) (identity.SignIn, error) {
	var in identity.SignIn
	var created, used, expires int64
	err := row.Scan(&in.ID, &in.Name, &created, &used, &expires, &in.IP, &in.Agent)
	if err != nil {
		return identity.SignIn{}, err
	}
	in.CreatedAt, in.UsedAt, in.ExpiresAt = time.UnixMilli(created), time.UnixMilli(used), time.UnixMilli(expires)
	return in, nil
}

// collect reads all rows and closes them.
func collect[T any](rows *sql.Rows, err error, scan func(scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// list is a JSON array, of nothing for nil.
func list[S ~[]E, E ~string](values S) string {
	if values == nil {
		return "[]"
	}
	b, err := json.Marshal(values)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(b)
}

// one turns a write that touched no row into an error.
func one(rows int64, err, none error) error {
	if err == nil && rows == 0 {
		return none
	}
	return err
}

// missing turns the absence of a row into the package's error.
func missing(err, none error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return none
	}
	return err
}
