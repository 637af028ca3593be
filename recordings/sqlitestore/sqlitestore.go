// Package sqlitestore keeps the archive's rows, audit chain and wrapped keys
// in SQLite.
package sqlitestore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/ivrd/ivrd/internal/seal"
	"github.com/ivrd/ivrd/internal/sqlitedb"
	"github.com/ivrd/ivrd/recordings"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store implements recordings.Store.
type Store struct {
	db *sqlitedb.DB
	// Of every call; to parse them costs more than to run them.
	createCall, saveCall, saveSegment, createKey sqlitedb.Statement
}

const (
	createCall = `INSERT INTO calls (` + callColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	saveCall   = `UPDATE calls SET node = ?, started_at = ?, ended_at = ?, saved_at = ?, open = ?,
		queue = ?, agent = ?, from_index = ?, key_id = ?, personal = ?, doc = ?, mac = ? WHERE id = ?`
	saveSegment = `INSERT INTO segments (call_id, seq, sealed) VALUES (?, ?, ?)
		ON CONFLICT (call_id, seq) DO UPDATE SET sealed = excluded.sealed`
	createKey = `INSERT INTO keys (` + keyColumns + `) VALUES (?, ?, ?, ?, ?)`
)

// Open opens the database file and brings its schema up to date.
func Open(ctx context.Context, path string) (*Store, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	db, err := sqlitedb.Open(ctx, sqlitedb.Config{Path: path, Module: "recordings", Migrations: files})
	if err != nil {
		return nil, err
	}
	s := &Store{db: db}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare statements: %w", err), db.Close())
	}
	return s, nil
}

func (s *Store) prepare(ctx context.Context) (err error) {
	if s.createCall, err = s.db.Prepare(ctx, createCall); err != nil {
		return err
	}
	if s.saveCall, err = s.db.Prepare(ctx, saveCall); err != nil {
		return err
	}
	if s.saveSegment, err = s.db.Prepare(ctx, saveSegment); err != nil {
		return err
	}
	s.createKey, err = s.db.Prepare(ctx, createKey)
	return err
}

// Close closes the database; it may be called twice.
func (s *Store) Close() error { return s.db.Close() }

// translate gives the driver's errors the archive's names.
func translate(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return recordings.ErrNotFound
	case sqlitedb.IsTaken(err):
		return recordings.ErrExists
	case sqlitedb.IsFull(err):
		return fmt.Errorf("%w: %w", recordings.ErrFull, err)
	default:
		return err
	}
}

const callColumns = `id, node, started_at, ended_at, saved_at, open, queue, agent,
	from_index, key_id, personal, doc, mac`

func callValues(r *recordings.Row) []any {
	return []any{
		r.ID, r.Node, r.StartedAt, r.EndedAt, r.SavedAt, r.Open, r.Queue, r.Agent,
		r.FromIndex, r.Key, r.Personal, r.Doc, r.MAC,
	}
}

// CreateCall implements recordings.Store.
func (s *Store) CreateCall(ctx context.Context, row recordings.Row, keys ...seal.StoredKey) error {
	err := s.db.WriteShared(ctx, func(tx *sql.Tx) error {
		whole := context.WithoutCancel(ctx) // the transaction is not this call's alone
		if _, err := s.createCall.Exec(whole, tx, callValues(&row)...); err != nil {
			return err
		}
		for _, k := range keys {
			if _, err := s.createKey.Exec(whole, tx, keyValues(k)...); err != nil {
				return err
			}
		}
		return nil
	})
	return translate(err)
}

// SaveCalls implements recordings.Store.
func (s *Store) SaveCalls(ctx context.Context, rows []recordings.Row, segments ...recordings.SegmentRow) error {
	err := s.db.WriteShared(ctx, func(tx *sql.Tx) error {
		whole := context.WithoutCancel(ctx)
		for i := range rows {
			args := append(callValues(&rows[i])[1:], rows[i].ID)
			res, err := s.saveCall.Exec(whole, tx, args...)
			if err := oneRow(res, err); err != nil {
				return err
			}
		}
		for _, g := range segments {
			if _, err := s.saveSegment.Exec(whole, tx, g.Call, g.Seq, g.Sealed); err != nil {
				return err
			}
		}
		return nil
	})
	return translate(err)
}

// Segments implements recordings.Store.
func (s *Store) Segments(ctx context.Context, id string) ([]recordings.SegmentRow, error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT seq, sealed FROM segments WHERE call_id = ? ORDER BY seq`, id)
	if err != nil {
		return nil, translate(err)
	}
	defer rows.Close()
	var list []recordings.SegmentRow
	for rows.Next() {
		g := recordings.SegmentRow{Call: id}
		if err := rows.Scan(&g.Seq, &g.Sealed); err != nil {
			return nil, translate(err)
		}
		list = append(list, g)
	}
	return list, translate(rows.Err())
}

// oneRow makes an update that found nothing an error.
func oneRow(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return sql.ErrNoRows
	}
	return err
}

// Call implements recordings.Store.
func (s *Store) Call(ctx context.Context, id string) (recordings.Row, error) {
	row := s.db.Read().QueryRowContext(ctx, `SELECT `+callColumns+` FROM calls WHERE id = ?`, id)
	r, err := scanCall(row.Scan)
	return r, translate(err)
}

func scanCall(scan func(...any) error) (r recordings.Row, err error) {
	err = scan(&r.ID, &r.Node, &r.StartedAt, &r.EndedAt, &r.SavedAt, &r.Open, &r.Queue, &r.Agent,
		&r.FromIndex, &r.Key, &r.Personal, &r.Doc, &r.MAC)
	return r, err
}

// Calls implements recordings.Store.
func (s *Store) Calls(ctx context.Context, q recordings.RowQuery) ([]recordings.Row, error) {
	where, args := conditions(q)
	return s.calls(ctx, where+` ORDER BY started_at DESC, id DESC LIMIT ?`, append(args, q.Limit)...)
}

// conditions writes the WHERE of a query. The words are constants; values go
// by parameters only.
func conditions(q recordings.RowQuery) (where string, args []any) {
	where = ` WHERE 1`
	add := func(cond string, values ...any) {
		where += ` AND ` + cond
		args = append(args, values...)
	}
	switch q.State {
	case "live":
		add(`ended_at = 0`)
	case "ended":
		add(`ended_at <> 0`)
	}
	if q.Queue != "" {
		add(`queue <> '' AND queue = ?`, q.Queue)
	}
	if q.Agent != "" {
		add(`agent <> '' AND agent = ?`, q.Agent)
	}
	if q.FromIndex != nil {
		add(`from_index = ?`, q.FromIndex)
	}
	if q.Since != 0 {
		add(`started_at >= ?`, q.Since)
	}
	if q.Until != 0 {
		add(`started_at < ?`, q.Until)
	}
	if q.BeforeID != "" {
		add(`(started_at, id) < (?, ?)`, q.BeforeTime, q.BeforeID)
	}
	return where, args
}

func (s *Store) calls(ctx context.Context, where string, args ...any) ([]recordings.Row, error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT `+callColumns+` FROM calls`+where, args...)
	if err != nil {
		return nil, translate(err)
	}
	defer rows.Close()
	var list []recordings.Row
	for rows.Next() {
		r, err := scanCall(rows.Scan)
		if err != nil {
			return nil, translate(err)
		}
		list = append(list, r)
	}
	return list, translate(rows.Err())
}

// Unfinished implements recordings.Store.
func (s *Store) Unfinished(ctx context.Context, node string) ([]recordings.Row, error) {
	return s.calls(ctx, ` WHERE open = 1 AND node = ? ORDER BY id`, node)
}
