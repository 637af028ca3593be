package recordings

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ivrd/ivrd/internal/seal"
)

// Annotation is what the agent says of a call: what it was, by one of the
// configured words, and in free text.
type Annotation struct {
	Disposition, Notes string
}

// Annotate replaces what is said of a call; whoever calls it has checked who may
// and what. Of a running call it is saved soon after, like any change; of one
// that has ended it is durable when Annotate returns. It fails with ErrNotFound
// where there is no such call or its caller was erased, and with ErrDamaged where
// the record is not what was written.
func (a *Vault) Annotate(ctx context.Context, id string, n Annotation) error {
	if a.isClosed() || a.cfg.Inspect {
		return fmt.Errorf("annotate call %s: %w", id, ErrClosed)
	}
	if a.annotateOpen(id, n) {
		return nil
	}
	row, err := a.deps.Store.Call(ctx, id)
	if err != nil {
		return fmt.Errorf("annotate call %s: %w", id, err)
	}
	if row, err = a.annotated(ctx, &row, n); err != nil {
		return fmt.Errorf("annotate call %s: %w", id, err)
	}
	return a.retryFull(func() error { return a.deps.Store.SaveCalls(ctx, []Row{row}) })
}

// annotateOpen changes a record that is still in memory: also one that is only
// being closed, whose last state would undo what was written to the store. That
// is why it holds the lock under which forget looks once more.
func (a *Vault) annotateOpen(id string, n Annotation) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	v := a.live[id]
	if v == nil {
		return false
	}
	v.mu.Lock()
	v.apply(func(c *Call) { c.Disposition, c.Notes = n.Disposition, n.Notes })
	v.mu.Unlock()
	a.saver.mark(v)
	return true
}

// annotated is the row of an ended call with other words on it.
func (a *Vault) annotated(ctx context.Context, row *Row, n Annotation) (Row, error) {
	subject, err := a.ring.Get(ctx, row.Key)
	if errors.Is(err, seal.ErrNoKey) {
		return Row{}, fmt.Errorf("its caller was erased: %w", ErrNotFound)
	}
	if err != nil {
		return Row{}, err
	}
	defer subject.Zero()
	c, err := a.decode(ctx, row)
	if err != nil {
		return Row{}, err
	}
	c.Disposition, c.Notes = n.Disposition, n.Notes
	return a.house.row(c, subject, row.Key, time.Now())
}
