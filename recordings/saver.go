package recordings

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// saver writes changed records, those of many calls in one transaction.
type saver struct {
	store CallStore
	disk  *disk
	log   *slog.Logger
	// over is called with a visit whose last state is durable.
	over func(*visit)

	wake, urgent chan struct{}
	stop, done   chan struct{}

	mu    sync.Mutex
	dirty map[*visit]bool // true: somebody waits for it

	failing bool // of the run goroutine
}

const (
	// saveInterval is how often changed records are saved for which nobody waits.
	saveInterval = 200 * time.Millisecond
	saveRetry    = time.Second
	saveTimeout  = 10 * time.Second
	// saveTogether is how long a record that somebody waits for waits for
	// others that do: of calls that end all the time, many share a commit.
	saveTogether = 10 * time.Millisecond
)

func newSaver(store CallStore, d *disk, log *slog.Logger, over func(*visit)) *saver {
	return &saver{
		store: store, disk: d, log: log, over: over,
		wake: make(chan struct{}, 1), urgent: make(chan struct{}, 1),
		stop: make(chan struct{}), done: make(chan struct{}), dirty: map[*visit]bool{},
	}
}

// mark says that a record has changed.
func (s *saver) mark(v *visit) { s.note(v, false) }

// hurry is mark for a record that somebody waits for.
func (s *saver) hurry(v *visit) {
	s.note(v, true)
	signal(s.urgent)
}

func (s *saver) note(v *visit, hurry bool) {
	s.mu.Lock()
	s.dirty[v] = s.dirty[v] || hurry
	s.mu.Unlock()
	signal(s.wake)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (s *saver) run() {
	defer close(s.done)
	due := time.NewTimer(saveInterval)
	due.Stop()
	for last := (time.Time{}); ; {
		saved := true
		select {
		case <-s.wake:
			due.Reset(saveInterval - time.Since(last))
		case <-due.C:
			last = time.Now()
			saved = s.flush(true)
		case <-s.urgent:
			s.gather()
			saved = s.flush(false)
		case <-s.stop:
			s.flush(true)
			return
		}
		if !saved {
			s.retry()
		}
	}
}

// retry lets what could not be saved be tried again after a while.
func (s *saver) retry() {
	select {
	case <-time.After(saveRetry):
	case <-s.stop:
	}
	signal(s.wake)
}

func (s *saver) gather() {
	select {
	case <-time.After(saveTogether):
	case <-s.stop:
	}
}

// close saves what there is and ends the saver.
func (s *saver) close() {
	close(s.stop)
	<-s.done
}

// flush saves the changed records that somebody waits for, or all, and reports
// whether that worked.
func (s *saver) flush(all bool) bool {
	list := s.take(all)
	if len(list) == 0 {
		return true
	}
	err := s.save(list)
	if err != nil {
		for v, hurry := range list {
			s.note(v, hurry)
		}
		if isNoRoom(err) {
			s.disk.ranFull()
		}
	}
	s.tell(err)
	return err == nil
}

func (s *saver) take(all bool) map[*visit]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.dirty
	if all {
		s.dirty = make(map[*visit]bool, len(list))
		return list
	}
	list = map[*visit]bool{}
	for v, hurry := range s.dirty {
		if hurry {
			list[v] = true
			delete(s.dirty, v)
		}
	}
	return list
}

// tell logs a change between working and failing, once.
func (s *saver) tell(err error) {
	switch {
	case err != nil && !s.failing:
		s.log.Error("save call records: will be tried again each second", "err", err)
	case err == nil && s.failing:
		s.log.Info("call records are saved again")
	}
	s.failing = err != nil
}

type change struct {
	visit    *visit
	row      Row
	segments []SegmentRow
	version  int
}

func (s *saver) save(list map[*visit]bool) error {
	now := time.Now()
	changes := make([]change, 0, len(list))
	for v := range list {
		if !v.unsaved() { // marked while it was saved; later states may be another's
			continue
		}
		c, err := v.state(now)
		if err != nil {
			return err
		}
		changes = append(changes, c)
	}
	if err := s.write(changes); err != nil {
		return err
	}
	for _, c := range changes {
		c.visit.markSaved(c.version)
	}
	for v := range list {
		if v.over() {
			s.over(v)
		}
	}
	return nil
}

func (s *saver) write(changes []change) error {
	if len(changes) == 0 {
		return nil
	}
	rows := make([]Row, 0, len(changes))
	var segments []SegmentRow
	for _, c := range changes {
		rows, segments = append(rows, c.row), append(segments, c.segments...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), saveTimeout)
	defer cancel()
	err := s.store.SaveCalls(ctx, rows, segments...)
	if errors.Is(err, ErrNotFound) {
		err = s.saveEach(ctx, changes)
	}
	return err
}

// saveEach saves one by one, because a row has gone: it must not keep the
// others from being saved.
func (s *saver) saveEach(ctx context.Context, changes []change) error {
	for _, c := range changes {
		err := s.store.SaveCalls(ctx, []Row{c.row}, c.segments...)
		if errors.Is(err, ErrNotFound) {
			s.log.Error("the record of a running call has been removed from the store", "call_id", c.row.ID)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}
