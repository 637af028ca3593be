package sqlitedb

import (
	"context"
	"database/sql"
	"time"
)

const (
	// checkpointEvery is how often the log goes into the database while there are
	// writes.
	checkpointEvery = time.Second
	// longLog is how many pages the log may have before writes wait until it has
	// gone into the database whole, and begins anew: 16 MB.
	longLog = 4096
	// longestLog is at how many pages a commit does it all by itself, should we fail
	// to: 64 MB.
	longestLog = "16384"
)

// checkpoints moves the log into the database beside the writes: in a commit, as
// SQLite does it, all writers would wait for the disk a second time.
type checkpoints struct {
	wrote      chan struct{} // there is something to move
	stop, done chan struct{}
	conn       *sql.DB // one connection of its own
}

func newCheckpoints(conn *sql.DB) *checkpoints {
	return &checkpoints{wrote: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}), conn: conn}
}

// note says that something was written.
func (c *checkpoints) note() {
	select {
	case c.wrote <- struct{}{}:
	default:
	}
}

func (c *checkpoints) run(writer *sql.DB) {
	defer close(c.done)
	for {
		select {
		case <-c.wrote:
		case <-c.stop:
			return
		}
		select {
		case <-time.After(checkpointEvery):
		case <-c.stop:
			return
		}
		// While writes go on the log never ends: now and then they have to wait for
		// what has been written since.
		if checkpoint(c.conn) > longLog {
			checkpoint(writer)
		}
	}
}

// checkpoint moves what it can without waiting for anybody, and returns how many
// pages the log has. What fails is tried again.
func checkpoint(db *sql.DB) (pages int) {
	var busy, moved int
	_ = db.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &pages, &moved)
	return pages
}

// close ends the checkpoints, once.
func (c *checkpoints) close() error {
	close(c.stop)
	<-c.done
	return c.conn.Close()
}
