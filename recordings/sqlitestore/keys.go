package sqlitestore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/ivrd/ivrd/internal/seal"
)

const keyColumns = `id, purpose, parent, version, wrapped`

func keyValues(k seal.StoredKey) []any {
	return []any{k.ID, string(k.Purpose), k.Parent, k.Version, k.Wrapped}
}

// PutKey implements recordings.Store.
func (s *Store) PutKey(ctx context.Context, k seal.StoredKey) error {
	_, err := s.db.Exec(ctx, createKey, keyValues(k)...)
	return translate(err)
}

// Key implements recordings.Store.
func (s *Store) Key(ctx context.Context, id string) (seal.StoredKey, error) {
	row := s.db.Read().QueryRowContext(ctx, `SELECT `+keyColumns+` FROM keys WHERE id = ?`, id)
	k, err := scanKey(row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return k, seal.ErrNoKey
	}
	return k, translate(err)
}

func scanKey(scan func(...any) error) (k seal.StoredKey, err error) {
	err = scan(&k.ID, &k.Purpose, &k.Parent, &k.Version, &k.Wrapped)
	return k, err
}

// ReplaceKey implements recordings.Store.
func (s *Store) ReplaceKey(ctx context.Context, k seal.StoredKey) error {
	n, err := s.db.Exec(ctx, `UPDATE keys SET purpose = ?, parent = ?, version = ?, wrapped = ? WHERE id = ?`,
		string(k.Purpose), k.Parent, k.Version, k.Wrapped, k.ID)
	if err == nil && n == 0 {
		return seal.ErrNoKey
	}
	return translate(err)
}

// OldKeys implements recordings.Store.
func (s *Store) OldKeys(ctx context.Context, version uint32, limit int) ([]seal.StoredKey, error) {
	rows, err := s.db.Read().QueryContext(ctx,
		`SELECT `+keyColumns+` FROM keys WHERE parent = '' AND version < ? LIMIT ?`, version, limit)
	if err != nil {
		return nil, translate(err)
	}
	defer rows.Close()
	var list []seal.StoredKey
	for rows.Next() {
		k, err := scanKey(rows.Scan)
		if err != nil {
			return nil, translate(err)
		}
		list = append(list, k)
	}
	return list, translate(rows.Err())
}

// KeyVersions implements recordings.Store.
func (s *Store) KeyVersions(ctx context.Context) (map[uint32]int, error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT version, count(*) FROM keys WHERE parent = '' GROUP BY version`)
	if err != nil {
		return nil, translate(err)
	}
	defer rows.Close()
	counts := map[uint32]int{}
	for rows.Next() {
		var version uint32
		var n int
		if err := rows.Scan(&version, &n); err != nil {
			return nil, translate(err)
		}
		counts[version] = n
	}
	return counts, translate(rows.Err())
}

// DeleteKey implements recordings.Store.
func (s *Store) DeleteKey(ctx context.Context, id string) error {
	_, err := s.db.Exec(ctx, `DELETE FROM keys WHERE id = ?`, id)
	return translate(err)
}
