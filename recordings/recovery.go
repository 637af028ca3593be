package recordings

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/ivrd/ivrd/internal/seal"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// recover ends the calls that a crash left open. It may itself be interrupted
// and repeated: each row is saved once its recording is closed.
func (a *Vault) recover(ctx context.Context) error {
	rows, err := a.deps.Store.Unfinished(ctx, a.cfg.Node)
	if err != nil {
		return fmt.Errorf("find unfinished calls: %w", err)
	}
	for i := range rows {
		if err := a.recoverCall(ctx, &rows[i]); err != nil {
			return fmt.Errorf("recover call %s: %w", rows[i].ID, err)
		}
	}
	return nil
}

func (a *Vault) recoverCall(ctx context.Context, row *Row) error {
	log := a.deps.Log.With("call_id", row.ID)
	if !a.house.whole(row) { // saving it would put our MAC under a changed row
		log.Error("a call that a crash left open was changed since: it stays as it is")
		return nil
	}
	call, err := row.call()
	if err != nil {
		log.Error("a call that a crash left open cannot be read: it stays as it is", "err", err)
		return nil
	}
	subject, err := a.ring.Get(ctx, row.Key)
	if err != nil {
		log.Error("the key of a call that a crash left open is missing: it stays as it is", "err", err)
		return nil
	}
	defer subject.Zero()
	if err := row.openPersonal(&call, subject); err != nil {
		log.Error("a call that a crash left open cannot be read: it stays as it is", "err", err)
		return nil
	}
	a.recoverSound(ctx, &call)
	if call.EndedAt.IsZero() {
		call.End = leg.Crash
		call.EndedAt = lastSign(row, &call)
	}
	closed, err := a.house.row(call, subject, row.Key, time.Now())
	if err != nil {
		return err
	}
	log.Warn("recovered a call that a crash left open",
		"recording", call.Recording.State, "duration_ms", call.Recording.DurationMS)
	return a.deps.Store.SaveCalls(ctx, []Row{closed})
}

// lastSign is when a call is last known to have lived.
func lastSign(row *Row, call *Call) time.Time {
	at := time.UnixMilli(row.SavedAt)
	if heard := call.StartedAt.Add(time.Duration(call.Recording.DurationMS) * time.Millisecond); heard.After(at) {
		at = heard
	}
	return at.UTC()
}

// recoverSound closes the recording of a call, if it has one. A recording
// that cannot be closed stays as it is, its record goes on telling what was on
// the disk, and verify will name it.
func (a *Vault) recoverSound(ctx context.Context, call *Call) {
	rec := &call.Recording
	ix, err := a.closeSound(ctx, call)
	if errors.Is(err, fs.ErrNotExist) && rec.Parts == 0 {
		if rec.State == stateLive { // nothing had reached the disk
			*rec = Recording{State: stateCrashed, Channels: 2, Cause: rec.Cause}
		}
		return
	}
	if err != nil {
		a.deps.Log.Error("close recording after a crash", "call_id", call.ID, "err", err)
	}
	// A disk too full for the closing part damages nothing that is there.
	if errors.Is(err, seal.ErrDamaged) || ix == nil || len(ix.Parts) < rec.Parts {
		rec.State = stateDamaged
		return
	}
	*rec = Recording{State: stateCrashed, Channels: 2, Cause: rec.Cause}
	rec.DurationMS, rec.Gaps = ms(media.Time(ix.End())), gapsOf(ix)
	rec.Parts, rec.Chain = len(ix.Parts), chainText(len(ix.Parts), ix.Chain)
}

func (a *Vault) closeSound(ctx context.Context, call *Call) (*seal.Index, error) {
	name, err := audioName(call.ID)
	if err != nil {
		return nil, err
	}
	f, err := a.blobs.Edit(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // what was written is synced
	key, err := a.ring.Get(ctx, callKeyID(call.ID))
	if err != nil {
		return nil, err
	}
	defer key.Zero()
	return closeFile(f, seal.Recovery{
		Call: key, Header: headerOf(call.ID, call.StartedAt),
		Durable: checkpointOf(&call.Recording), Observe: a.deps.observe,
	})
}
