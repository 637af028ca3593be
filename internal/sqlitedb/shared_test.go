package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// atOnce lets writes come while another commits, and waits for all of them.
func atOnce(db *DB, writes ...func() error) []error {
	db.together.turn <- struct{}{}
	errs := make([]error, len(writes))
	var all sync.WaitGroup
	for i, write := range writes {
		all.Go(func() { errs[i] = write() })
	}
	for waiting := 0; waiting < len(writes); runtime.Gosched() {
		db.together.mu.Lock()
		waiting = len(db.together.waiting)
		db.together.mu.Unlock()
	}
	<-db.together.turn
	all.Wait()
	return errs
}

func count(t *testing.T, db *DB) (n int) {
	t.Helper()
	if err := db.Read().QueryRow("SELECT count(*) FROM a").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSharedWrites(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"), "x", map[string]string{"0001_a.sql": "CREATE TABLE a (id INTEGER PRIMARY KEY);"})
	insert, err := db.Prepare(t.Context(), "INSERT INTO a VALUES (?)")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	transactions := map[*sql.Tx]int{}
	add := func(ctx context.Context, id int) func() error {
		return func() error {
			return db.WriteShared(ctx, func(tx *sql.Tx) error {
				mu.Lock()
				transactions[tx]++
				mu.Unlock()
				_, err := insert.Exec(ctx, tx, id)
				return err
			})
		}
	}
	var writes []func() error
	for id := range 20 {
		writes = append(writes, add(t.Context(), id))
	}
	if err := errors.Join(atOnce(db, writes...)...); err != nil {
		t.Fatal(err)
	}
	if len(transactions) != 1 || count(t, db) != 20 {
		t.Errorf("%d transactions for 20 writes, %d rows", len(transactions), count(t, db))
	}
	// What one does wrong is its own.
	given, up := context.WithCancel(t.Context())
	up()
	errs := atOnce(db, add(t.Context(), 20), add(t.Context(), 7), add(given, 21), add(t.Context(), 22))
	if errs[0] != nil || !IsTaken(errs[1]) || !errors.Is(errs[2], context.Canceled) || errs[3] != nil || count(t, db) != 22 {
		t.Errorf("errors %v, %d rows", errs, count(t, db))
	}
	if err := add(t.Context(), 23)(); err != nil || count(t, db) != 23 {
		t.Errorf("a write alone: %v, %d rows", err, count(t, db))
	}
}
