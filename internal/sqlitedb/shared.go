package sqlitedb

import (
	"context"
	"database/sql"
	"sync"
	"time"
)

// together makes writes that come at once share a commit: its wait for the disk
// is the most of what a small write costs.
type together struct {
	mu      sync.Mutex
	waiting []*sharedWrite
	turn    chan struct{} // held by the one who commits for all
	last    time.Time     // when a commit began; of whose turn it is
}

// gather is the least time between two commits. A write after a while of quiet is
// done at once; of many, those of this time share one.
const gather = 5 * time.Millisecond

type sharedWrite struct {
	ctx  context.Context //nolint:containedctx // that of the call that waits
	do   func(*sql.Tx) error
	done chan struct{}
	err  error // written before done is closed
}

func (w *sharedWrite) finish(err error) {
	w.err = err
	close(w.done)
}

// WriteShared is Write whose transaction other writes may share. One that fails
// leaves the others unharmed: all are done again, each alone, so that do must
// have no effects but those on its transaction. ctx counts until the write
// begins, and until its commit where it is alone.
func (db *DB) WriteShared(ctx context.Context, do func(*sql.Tx) error) error {
	w := &sharedWrite{ctx: ctx, do: do, done: make(chan struct{})}
	t := &db.together
	t.mu.Lock()
	t.waiting = append(t.waiting, w)
	t.mu.Unlock()
	select {
	case t.turn <- struct{}{}:
		db.commitWaiting()
		<-t.turn
	case <-w.done:
	}
	<-w.done // by us, or by whose turn it was before
	return w.err
}

// commitWaiting does all writes that wait.
func (db *DB) commitWaiting() {
	t := &db.together
	time.Sleep(gather - time.Since(t.last))
	t.last = time.Now()
	t.mu.Lock()
	list := t.waiting
	t.waiting = nil
	t.mu.Unlock()
	if len(list) > 1 && db.writeAll(list) == nil {
		for _, w := range list {
			w.finish(nil)
		}
		return
	}
	for _, w := range list {
		w.finish(db.Write(w.ctx, w.do))
	}
}

// writeAll does writes in one transaction, or none of them.
func (db *DB) writeAll(list []*sharedWrite) error {
	return db.Write(context.Background(), func(tx *sql.Tx) error {
		for _, w := range list {
			if err := w.ctx.Err(); err != nil {
				return err
			}
			if err := w.do(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

// Statement writes, and is parsed once. It is closed with its database.
type Statement struct{ stmt *sql.Stmt }

// Prepare makes a statement of the writing connection.
func (db *DB) Prepare(ctx context.Context, query string) (Statement, error) {
	stmt, err := db.writer.PrepareContext(ctx, query)
	return Statement{stmt}, err
}

// Exec runs the statement in a transaction of its database.
func (s Statement) Exec(ctx context.Context, tx *sql.Tx, args ...any) (sql.Result, error) {
	return tx.StmtContext(ctx, s.stmt).ExecContext(ctx, args...) //nolint:sqlclosecheck // the transaction closes it
}
