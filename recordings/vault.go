package recordings

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/ivrd/ivrd/internal/seal"
	"github.com/ivrd/ivrd/recordings/blob"
)

// What happens to calls that ask to be recorded while the disk is full.
const (
	PolicyRefuse     = "refuse"     // Record fails with ErrRefused
	PolicyUnrecorded = "unrecorded" // the call goes on without a recording
)

// DefaultReserve is the room kept for records and audit, in bytes.
const DefaultReserve = 64 << 20

// Config is the part of the configuration that the archive owns.
type Config struct {
	// Dir holds the sealed audio, the head of the audit chain and the reserve.
	Dir string
	// Node names this process; recovery takes up the calls of its node only.
	Node string
	// ReserveBytes is kept free on the disk for records and audit; 0 means
	// DefaultReserve. Less than 16 MiB is for tests: SQLite's write-ahead log
	// alone takes 4 MiB before it starts over.
	ReserveBytes int64
	// Policy is PolicyRefuse or PolicyUnrecorded; "" means PolicyRefuse.
	Policy string
	// Readers is how many searches and playbacks are worked on at once, the
	// others waiting in line; 0 means one fewer than there are cores.
	Readers int
	// Inspect opens beside a running server, to verify or to see keys: nothing
	// is recovered and no call can begin.
	Inspect bool
}

// Deps is what the archive is built on. Store belongs to the caller, who
// closes it after the archive.
type Deps struct {
	Store Store
	Keys  seal.KeyWrapper
	Log   *slog.Logger
	// Blobs keeps the sealed audio; nil means files under Config.Dir.
	Blobs blob.Store

	space   space // of the disk; nil means that of Config.Dir
	observe observer
}

var _ Archive = (*Vault)(nil)

// Vault implements Archive on a Store and files.
type Vault struct {
	cfg     Config
	deps    Deps
	ring    seal.Ring
	house   houseKeys
	pool    *chunkPool
	readers readers
	disk    *disk
	writer  *writer
	saver   *saver
	chain   *auditChain
	blobs   blob.Store
	held    []io.Closer // closed in order at the end

	mu     sync.Mutex
	live   map[string]*visit
	closed bool
}

// Open opens the archive and recovers what a crash left behind.
func Open(ctx context.Context, cfg Config, deps Deps) (*Vault, error) {
	if cfg.ReserveBytes == 0 {
		cfg.ReserveBytes = DefaultReserve
	}
	if cfg.Policy != "" && cfg.Policy != PolicyRefuse && cfg.Policy != PolicyUnrecorded {
		return nil, fmt.Errorf("open archive: policy %q is not %s or %s", cfg.Policy, PolicyRefuse, PolicyUnrecorded)
	}
	a := &Vault{
		cfg: cfg, deps: deps, ring: seal.Ring{Wrapper: deps.Keys, Store: deps.Store},
		pool: newChunkPool(), readers: newReaders(cfg.Readers), blobs: deps.Blobs, live: map[string]*visit{},
	}
	if err := a.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open archive: %w", err), a.release())
	}
	return a, nil
}

func (a *Vault) open(ctx context.Context) error {
	dir, err := blob.OpenDir(a.cfg.Dir)
	if err != nil {
		return err
	}
	a.held = append(a.held, dir)
	if a.blobs == nil {
		a.blobs = dir
	}
	if !a.cfg.Inspect {
		lock, err := lockDir(a.cfg.Dir)
		if err != nil {
			return err
		}
		a.held = append(a.held, lock)
	}
	if err := a.loadKeys(ctx); err != nil {
		return err
	}
	if a.chain, err = openChain(ctx, a); err != nil {
		return err
	}
	a.openDisk()
	if a.cfg.Inspect {
		return nil
	}
	a.disk.hold()
	a.disk.look()
	if err := a.recover(ctx); err != nil {
		return err
	}
	a.writer = newWriter(a.blobs, a.disk, a.deps.Log, a.deps.observe)
	a.saver = newSaver(a.deps.Store, a.disk, a.deps.Log, a.forget)
	go a.writer.run()
	go a.saver.run()
	return nil
}

func (a *Vault) openDisk() {
	sp := a.deps.space
	if sp == nil {
		sp = newSpace(a.cfg.Dir, a.cfg.ReserveBytes)
	}
	a.disk = &disk{space: sp, reserve: a.cfg.ReserveBytes, log: a.deps.Log}
}

func (a *Vault) loadKeys(ctx context.Context) error {
	var err error
	if a.house.index, err = a.ring.Ensure(ctx, keyIndex, seal.ForPII); err != nil {
		return err
	}
	a.house.rows, err = a.ring.Ensure(ctx, keyRows, seal.ForAudit)
	return err
}

// Close writes what there is and waits for it. Visits that were not finished
// are recovered at the next Open, as after a crash. It may be called twice.
func (a *Vault) Close() error {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return nil
	}
	a.closed = true
	a.mu.Unlock()
	if a.writer != nil {
		a.writer.close()
		a.saver.close()
	}
	return a.release()
}

func (a *Vault) release() error {
	var errs []error
	for _, c := range a.held {
		errs = append(errs, c.Close())
	}
	a.held = nil
	return errors.Join(errs...)
}

// maxDraws bounds how often an ID is drawn anew: of 100,000 a millisecond.
const maxDraws = 20

// Begin implements Archive.
func (a *Vault) Begin(ctx context.Context, call Call) (Visit, error) {
	if a.isClosed() || a.cfg.Inspect {
		return nil, fmt.Errorf("begin call: %w", ErrClosed)
	}
	if call.StartedAt.IsZero() {
		call.StartedAt = time.Now()
	}
	call.Node, call.Recording = a.cfg.Node, Recording{State: stateNone}
	if call.Path == nil {
		call.Path = []Step{}
	}
	for range maxDraws {
		v, err := a.begin(ctx, call)
		if errors.Is(err, ErrExists) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("begin call: %w", err)
		}
		return v, nil
	}
	return nil, fmt.Errorf("begin call: no free ID after %d draws", maxDraws)
}

func (a *Vault) begin(ctx context.Context, call Call) (*visit, error) {
	id, err := newID(call.Channel, call.StartedAt)
	if err != nil {
		return nil, err
	}
	call.ID = id
	v := &visit{archive: a, id: id, keyID: subjectKeyID(id), call: call}
	var subject, callKey seal.StoredKey
	if v.subject, subject, err = a.ring.Make(ctx, v.keyID, seal.ForRecording); err != nil {
		return nil, err
	}
	v.callKey, callKey = a.ring.MakeUnder(v.subject, v.keyID, callKeyID(id), seal.ForRecording)
	row, err := a.house.row(call, v.subject, v.keyID, time.Now())
	if err != nil {
		return nil, err
	}
	err = a.retryFull(func() error { return a.deps.Store.CreateCall(ctx, row, subject, callKey) })
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	a.live[id] = v
	a.mu.Unlock()
	return v, nil
}

// retryFull does something that the reserve is kept for.
func (a *Vault) retryFull(do func() error) error {
	err := do()
	if isNoRoom(err) && !a.disk.isFull() {
		a.disk.ranFull()
		err = do()
	}
	return err
}

func (a *Vault) isClosed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closed
}

func (a *Vault) visit(id string) *visit {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.live[id]
}

// forget drops a visit that is over. Somebody may have annotated it since it was
// found to be saved: then it is saved again, and forgotten after that.
func (a *Vault) forget(v *visit) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if v.over() {
		delete(a.live, v.id)
	}
}

// Call implements Archive.
func (a *Vault) Call(ctx context.Context, id string) (Call, error) {
	if v := a.visit(id); v != nil {
		return v.Call(), nil
	}
	row, err := a.deps.Store.Call(ctx, id)
	if err != nil {
		return Call{}, fmt.Errorf("find call %s: %w", id, err)
	}
	return a.decode(ctx, &row)
}

// decode opens a row. The numbers of somebody who was erased stay empty. It
// fails with ErrDamaged where the row is not what was written: what somebody
// put there must not be served as ours.
func (a *Vault) decode(ctx context.Context, row *Row) (Call, error) {
	if !a.house.whole(row) {
		return Call{}, fmt.Errorf("read call %s: its record is changed: %w", row.ID, ErrDamaged)
	}
	c, err := row.call()
	if err != nil {
		return Call{}, fmt.Errorf("%w: %w", err, ErrDamaged)
	}
	subject, err := a.ring.Get(ctx, row.Key)
	if errors.Is(err, seal.ErrNoKey) {
		return c, nil
	}
	if errors.Is(err, seal.ErrOpen) { // the key of this one caller
		return Call{}, fmt.Errorf("read call %s: %w: %w", row.ID, err, ErrDamaged)
	}
	if err != nil {
		return Call{}, err
	}
	defer subject.Zero()
	if err := row.openPersonal(&c, subject); err != nil {
		return Call{}, fmt.Errorf("%w: %w", err, ErrDamaged)
	}
	return c, nil
}

// listed is decode for a list, which one damaged row must not take away: of
// that row it tells that there is one, and nothing that cannot be trusted.
func (a *Vault) listed(ctx context.Context, row *Row) (Call, error) {
	c, err := a.decode(ctx, row)
	if !errors.Is(err, ErrDamaged) {
		return c, err
	}
	a.deps.Log.Error("list calls: a record is not whole", "call_id", row.ID, "err", err)
	return Call{
		ID: row.ID, StartedAt: time.UnixMilli(row.StartedAt).UTC(), Path: []Step{},
		Recording: Recording{State: stateDamaged},
	}, nil
}

// Calls implements Archive.
func (a *Vault) Calls(ctx context.Context, q Query) ([]Call, string, error) {
	rq, err := a.house.rowQuery(q)
	if err != nil {
		return nil, "", err
	}
	if err := a.readers.enter(ctx); err != nil {
		return nil, "", fmt.Errorf("query calls: %w", err)
	}
	defer a.readers.leave()
	page := rq.Limit
	rq.Limit++ // one more tells whether there is a next page
	rows, err := a.deps.Store.Calls(ctx, rq)
	if err != nil {
		return nil, "", fmt.Errorf("query calls: %w", err)
	}
	cursor := ""
	if len(rows) > page {
		rows = rows[:page]
		cursor = rows[page-1].cursor()
	}
	calls := make([]Call, 0, len(rows))
	for i := range rows {
		if v := a.visit(rows[i].ID); v != nil {
			calls = append(calls, v.Call())
			continue
		}
		c, err := a.listed(ctx, &rows[i])
		if err != nil {
			return nil, "", err
		}
		calls = append(calls, c)
	}
	return calls, cursor, nil
}

// Full reports whether there is no room for recordings: new calls are refused
// one, or go on without, as the policy says.
func (a *Vault) Full() bool { return a.disk.isFull() }
