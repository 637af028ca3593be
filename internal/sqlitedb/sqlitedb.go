// Package sqlitedb opens SQLite databases the one way that ivrd uses them. It
// is the only home of the driver and of the migration tool.
//
// One connection writes and a few read (WAL), so that a writer never meets
// SQLITE_BUSY and readers never wait for it. A commit is on the disk when it
// returns (synchronous=FULL), deleted rows are overwritten (secure_delete).
package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"sync"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Config says which database to open.
type Config struct {
	// Path of the file; its directory must exist. The file is made 0600.
	Path string
	// Module names the owner of the migrations: several packages may keep their
	// tables in one file, each with its own row of versions.
	Module string
	// Migrations are goose files (0001_name.sql…) at the root of the FS.
	Migrations fs.FS
	// Readers is how many connections read at once; 0 means 4.
	Readers int
}

// DB is an open database.
type DB struct {
	writer, reader *sql.DB
	together       together
	checkpoints    *checkpoints
	closed         sync.Once
}

// Open opens the database and brings its schema up to date.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if err := create(cfg.Path); err != nil {
		return nil, fmt.Errorf("create database: %w", err)
	}
	db := &DB{together: together{turn: make(chan struct{}, 1)}}
	var err error
	if db.writer, err = connect(ctx, cfg.Path, "immediate", 1); err != nil {
		return nil, err
	}
	readers := cfg.Readers
	if readers == 0 {
		readers = 4
	}
	if db.reader, err = connect(ctx, cfg.Path, "deferred", readers); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := migrate(ctx, db.writer, cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("migrate %s: %w", cfg.Path, err), db.Close())
	}
	if err := fill(ctx, db.reader, readers); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", cfg.Path, err), db.Close())
	}
	conn, err := connect(ctx, cfg.Path, "deferred", 1)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	db.checkpoints = newCheckpoints(conn)
	go db.checkpoints.run(db.writer)
	return db, nil
}

// fill opens all connections of a pool now: none is opened, and no file with
// it, while calls run.
func fill(ctx context.Context, pool *sql.DB, n int) error {
	if n == 0 {
		return nil
	}
	c, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	var tables int
	err = c.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables)
	if err == nil {
		err = fill(ctx, pool, n-1) // while this one is held, so that each is another
	}
	return errors.Join(err, c.Close())
}

// create makes the file before the driver does, for its mode.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func connect(ctx context.Context, path, lock string, conns int) (*sql.DB, error) {
	q := url.Values{"_txlock": {lock}, "_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)",
		"foreign_keys(ON)", "secure_delete(ON)", "journal_size_limit(67108864)",
		"wal_autocheckpoint(" + longestLog + ")",
	}}
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	if u.Path[0] != '/' {
		u.Opaque, u.Path = url.PathEscape(path), ""
	}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", path, err), db.Close())
	}
	return db, nil
}

func migrate(ctx context.Context, db *sql.DB, cfg Config) error {
	p, err := goose.NewProvider(goose.DialectSQLite3, db, cfg.Migrations,
		goose.WithTableName("schema_"+cfg.Module), goose.WithDisableGlobalRegistry(true),
		goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// Read is the pool that reads; it sees what was committed.
func (db *DB) Read() *sql.DB { return db.reader }

// Write runs do in a transaction of the one writing connection. It is
// committed, and durable, when Write returns without an error.
func (db *DB) Write(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	if err := do(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit transaction: %w", err)
	}
	db.checkpoints.note()
	return nil
}

// Exec runs one writing statement and returns how many rows it touched.
func (db *DB) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := db.writer.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	db.checkpoints.note()
	return res.RowsAffected()
}

// Close empties the write-ahead log into the database and closes it. It may
// be called twice.
func (db *DB) Close() error {
	var errs []error
	if db.checkpoints != nil {
		db.closed.Do(func() { errs = append(errs, db.checkpoints.close()) })
	}
	if db.reader != nil {
		errs = append(errs, db.reader.Close())
	}
	if db.writer != nil {
		// The last connection checkpoints the log as it closes.
		errs = append(errs, db.writer.Close())
	}
	return errors.Join(errs...)
}

// IsTaken reports whether a row failed a PRIMARY KEY or UNIQUE constraint.
func IsTaken(err error) bool {
	code := codeOf(err)
	return code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || code == sqlite3.SQLITE_CONSTRAINT_UNIQUE
}

// IsFull reports whether the disk or its quota is full.
func IsFull(err error) bool {
	code := codeOf(err) & 0xff
	return code == sqlite3.SQLITE_FULL || code == sqlite3.SQLITE_IOERR
}

func codeOf(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}
