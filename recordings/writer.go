package recordings

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ivrd/ivrd/recordings/blob"
)

type observer = func(salt [32]byte, nonce [12]byte)

// writer seals and writes the recordings of all calls: once a second it takes
// what each recorder gathered, then makes all of it durable together. With the
// second that a recorder gathers at most two seconds are lost in a crash.
type writer struct {
	blobs   blob.Store
	disk    *disk
	log     *slog.Logger
	observe observer

	room []byte        // for one second of one call at a time
	wake chan struct{} // something is to be finished
	stop chan struct{}
	done chan struct{}

	mu       sync.Mutex
	active   map[*writing]struct{}
	finishes []*writing
}

const (
	writeInterval = time.Second
	// syncs is how many files are synced at once: the file system makes one
	// commit of those that come together.
	syncs = 8
	// groupFrom is from how many files on one sync of all is cheaper.
	groupFrom = 8
)

func newWriter(blobs blob.Store, d *disk, log *slog.Logger, observe observer) *writer {
	return &writer{
		blobs: blobs, disk: d, log: log, observe: observe,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
		active: map[*writing]struct{}{},
	}
}

// begin takes a recording in.
func (w *writer) begin(one *writing) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.active[one] = struct{}{}
}

// finish asks for the end of a recording; its done channel tells when.
func (w *writer) finish(one *writing) {
	w.mu.Lock()
	w.finishes = append(w.finishes, one)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *writer) run() {
	defer close(w.done)
	tick := time.NewTicker(writeInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			w.round()
			w.end()
		case <-w.wake:
			w.end()
		case <-w.stop:
			w.end()
			w.round()
			w.leave()
			return
		}
	}
}

// close writes what there is and leaves recordings that were not finished
// open, to be recovered as after a crash.
func (w *writer) close() {
	close(w.stop)
	<-w.done
}

func (w *writer) list() []*writing {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := make([]*writing, 0, len(w.active))
	for one := range w.active {
		list = append(list, one)
	}
	return list
}

// round writes the second that has passed, of all calls.
func (w *writer) round() {
	w.disk.look()
	list := w.list()
	for _, one := range list {
		one.advance(w)
	}
	w.sync(list)
	now := time.Now()
	for _, one := range list {
		one.note(now)
	}
}

func (w *writer) sync(list []*writing) {
	list = slices.DeleteFunc(slices.Clone(list), func(one *writing) bool { return !one.dirty })
	if len(list) < groupFrom || !w.syncAll(list) {
		w.syncEach(list)
	}
}

// syncAll makes all files durable at once, where the files can do that. When
// it fails, syncing each will tell which.
func (w *writer) syncAll(list []*writing) bool {
	group, ok := w.blobs.(blob.Group)
	if !ok || group.SyncAll() != nil {
		return false
	}
	for _, one := range list {
		one.nowDurable()
	}
	return true
}

func (w *writer) syncEach(list []*writing) {
	var group sync.WaitGroup
	slots := make(chan struct{}, syncs)
	for _, one := range list {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			if err := one.sync(); err != nil {
				one.fail(w, err)
			}
		})
	}
	group.Wait()
}

// end finishes what has asked for it. The ends of all are synced together, as
// the seconds are: when many hang up at once, none waits for a sync of each of
// the others.
func (w *writer) end() {
	w.mu.Lock()
	list := w.finishes
	w.finishes = nil
	for _, one := range list {
		delete(w.active, one)
	}
	w.mu.Unlock()
	for _, one := range list {
		one.last(w)
	}
	w.sync(list)
	for _, one := range list {
		one.finish(w)
	}
}

func (w *writer) leave() {
	for _, one := range w.list() {
		if one.file != nil {
			_ = one.file.Close() // synced already; recovery finds what is there
		}
		one.rec.discard()
	}
}
