package sqlitedb

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

func schema(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + text)}
	}
	return m
}

func open(t *testing.T, path, module string, files map[string]string) *DB {
	t.Helper()
	db, err := Open(context.Background(), Config{Path: path, Module: module, Migrations: schema(files)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestOpenSetsWhatWePromise(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?#.db")
	db := open(t, path, "x", map[string]string{"0001_a.sql": "CREATE TABLE a (id INTEGER PRIMARY KEY);"})
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1", "busy_timeout": "5000",
	} {
		for _, pool := range []*sql.DB{db.writer, db.reader} {
			var got string
			if err := pool.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s is %q, %v; want %s", pragma, got, err, want)
			}
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file mode: %v, %v", info, err)
	}
}

func TestTwoModulesShareAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	a := map[string]string{"0001_a.sql": "CREATE TABLE a (id INTEGER PRIMARY KEY);"}
	open(t, path, "one", a)
	open(t, path, "two", map[string]string{"0001_b.sql": "CREATE TABLE b (id INTEGER PRIMARY KEY);"})
	a["0002_c.sql"] = "CREATE TABLE c (id INTEGER PRIMARY KEY);"
	db := open(t, path, "one", a)
	for _, table := range []string{"a", "b", "c"} {
		if _, err := db.Exec(context.Background(), "INSERT INTO "+table+" VALUES (1)"); err != nil {
			t.Error(err)
		}
	}
	_, err := db.Exec(context.Background(), "INSERT INTO a VALUES (1)")
	if !IsTaken(err) || IsFull(err) {
		t.Errorf("a taken key: %v", err)
	}
}

func TestWriteRollsBackAndDeletedRowsAreGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := open(t, path, "x", map[string]string{"0001_a.sql": "CREATE TABLE a (v TEXT);"})
	ctx := context.Background()
	stop := errors.New("stop")
	err := db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO a VALUES ('rolled back')")
		return errors.Join(err, stop)
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if _, err := db.Exec(ctx, "INSERT INTO a VALUES ('canary-4711')"); err != nil {
		t.Fatal(err)
	}
	if n, err := db.Exec(ctx, "DELETE FROM a"); n != 1 || err != nil {
		t.Fatalf("deleted %d rows, %v", n, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(path + "*")
	if err != nil || len(left) != 1 {
		t.Errorf("files after Close: %v, %v", left, err)
	}
	data, err := os.ReadFile(path)
	if err != nil || bytes.Contains(data, []byte("canary-4711")) {
		t.Errorf("a deleted row is still in the file (%v)", err)
	}
}

// TestAllConnectionsAreOpen: reading at once opens nothing more.
func TestAllConnectionsAreOpen(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "a.db"), "x", map[string]string{"0001_a.sql": "CREATE TABLE a (id INTEGER PRIMARY KEY);"})
	if s := db.Read().Stats(); s.OpenConnections != 4 || s.Idle != 4 {
		t.Errorf("%d readers are open, %d idle, want 4", s.OpenConnections, s.Idle)
	}
}
