package seal

import (
	"context"
	"errors"
	"fmt"
)

// ErrNoKey says that a key is not there: never made, or destroyed.
var ErrNoKey = errors.New("key not found")

// StoredKey is a key as it is kept: wrapped by the root for a purpose, or by
// a parent key.
type StoredKey struct {
	ID      string
	Purpose Purpose
	// Parent is the ID of the key that wraps this one; "" means the root, whose
	// version is then Version.
	Parent  string
	Version uint32
	Wrapped []byte
}

// KeyStore keeps wrapped keys.
type KeyStore interface {
	// PutKey adds a key; it fails when the ID is taken.
	PutKey(context.Context, StoredKey) error
	// Key fails with ErrNoKey.
	Key(ctx context.Context, id string) (StoredKey, error)
	// ReplaceKey changes the wrapping of a key that is there.
	ReplaceKey(context.Context, StoredKey) error
	// OldKeys lists up to limit keys wrapped by a root older than version.
	OldKeys(ctx context.Context, version uint32, limit int) ([]StoredKey, error)
	// KeyVersions counts the root-wrapped keys of each root version.
	KeyVersions(context.Context) (map[uint32]int, error)
	// DeleteKey destroys a key; one that is not there is no error.
	DeleteKey(ctx context.Context, id string) error
}

// Ring makes, finds and rewraps stored keys.
type Ring struct {
	Wrapper KeyWrapper
	Store   KeyStore
}

func (s StoredKey) aad() []byte { return appendStrings(nil, "ivrd/key/v1", s.ID) }

// Make draws a key and wraps it by the root. Storing it is the caller's, so
// that it can go into one transaction with what needs it.
func (r Ring) Make(ctx context.Context, id string, p Purpose) (Key, StoredKey, error) {
	k := NewKey()
	s, err := r.wrap(ctx, StoredKey{ID: id, Purpose: p}, k)
	if err != nil {
		return Key{}, StoredKey{}, err
	}
	return k, s, nil
}

func (r Ring) wrap(ctx context.Context, s StoredKey, k Key) (StoredKey, error) {
	var err error
	if s.Wrapped, err = r.Wrapper.Wrap(ctx, s.Purpose, k.b[:], s.aad()); err != nil {
		return StoredKey{}, fmt.Errorf("wrap key %s: %w", s.ID, err)
	}
	if s.Version, err = WrappedVersion(s.Wrapped); err != nil {
		return StoredKey{}, fmt.Errorf("wrap key %s: %w", s.ID, err)
	}
	return s, nil
}

// MakeUnder draws a key and wraps it under its parent.
func (r Ring) MakeUnder(parent Key, parentID, id string, p Purpose) (Key, StoredKey) {
	k := NewKey()
	return k, StoredKey{ID: id, Purpose: p, Parent: parentID, Wrapped: WrapUnder(parent, id, k)}
}

// Get unwraps a stored key, through its parent when it has one.
func (r Ring) Get(ctx context.Context, id string) (Key, error) {
	s, err := r.Store.Key(ctx, id)
	if err != nil {
		return Key{}, fmt.Errorf("find key %s: %w", id, err)
	}
	if s.Parent == "" {
		return r.unwrap(ctx, s)
	}
	ps, err := r.Store.Key(ctx, s.Parent)
	if err != nil {
		return Key{}, fmt.Errorf("find key %s of %s: %w", s.Parent, id, err)
	}
	parent, err := r.unwrap(ctx, ps)
	if err != nil {
		return Key{}, err
	}
	defer parent.Zero()
	return UnwrapUnder(parent, id, s.Wrapped)
}

func (r Ring) unwrap(ctx context.Context, s StoredKey) (Key, error) {
	k, err := keyOf(r.Wrapper.Unwrap(ctx, s.Purpose, s.Wrapped, s.aad()))
	if err != nil {
		return Key{}, fmt.Errorf("key %s: %w", s.ID, err)
	}
	return k, nil
}

// Ensure gets a key of the house, making it the first time.
func (r Ring) Ensure(ctx context.Context, id string, p Purpose) (Key, error) {
	k, err := r.Get(ctx, id)
	if !errors.Is(err, ErrNoKey) {
		return k, err
	}
	k, s, err := r.Make(ctx, id, p)
	if err != nil {
		return Key{}, err
	}
	if err := r.Store.PutKey(ctx, s); err != nil {
		return Key{}, fmt.Errorf("store key %s: %w", id, err)
	}
	return k, nil
}

// Rewrap wraps every key of an older root by the newest, and returns how
// many. What the keys seal is not touched. It may be interrupted and repeated.
func (r Ring) Rewrap(ctx context.Context) (int, error) {
	const batch = 500
	done := 0
	for {
		old, err := r.Store.OldKeys(ctx, r.Wrapper.Version(), batch)
		if err != nil || len(old) == 0 {
			return done, err
		}
		for _, s := range old {
			if err := r.rewrap(ctx, s); err != nil {
				return done, err
			}
			done++
		}
	}
}

func (r Ring) rewrap(ctx context.Context, s StoredKey) error {
	k, err := r.unwrap(ctx, s)
	if err != nil {
		return err
	}
	defer k.Zero()
	s, err = r.wrap(ctx, s, k)
	if err != nil {
		return err
	}
	if err := r.Store.ReplaceKey(ctx, s); err != nil {
		return fmt.Errorf("store key %s: %w", s.ID, err)
	}
	return nil
}
