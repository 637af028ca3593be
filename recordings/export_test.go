package recordings

import (
	"context"
	"time"

	"github.com/ivrd/ivrd/internal/seal"
	"github.com/ivrd/ivrd/media"
)

// Space is the room on a disk, for fakes.
type Space = space

// WithSpace sets the room on the disk.
func WithSpace(d Deps, s Space) Deps { d.space = s; return d }

// WithObserver sets the eye on nonces.
func WithObserver(d Deps, o func(salt [32]byte, nonce [12]byte)) Deps { d.observe = o; return d }

// AudioName is where the recording of a call lies.
func AudioName(id string) string {
	name, err := audioName(id)
	if err != nil {
		panic(err)
	}
	return name
}

// Resign makes a change in a row as the house itself would have written it.
func Resign(d Deps, r Row, change func(*Call)) (Row, error) {
	ctx, a := context.Background(), &Vault{deps: d, ring: seal.Ring{Wrapper: d.Keys, Store: d.Store}}
	if err := a.loadKeys(ctx); err != nil {
		return r, err
	}
	c, err := a.decode(ctx, &r)
	if err != nil {
		return r, err
	}
	change(&c)
	subject, err := a.ring.Get(ctx, r.Key)
	if err != nil {
		return r, err
	}
	return a.house.row(c, subject, r.Key, time.UnixMilli(r.SavedAt))
}

// NewTap makes a recorder alone, and what takes everything from it.
func NewTap(start media.Time) (Recorder, func() (chunks, spans int)) {
	r := newRecorder(start, newChunkPool())
	var cs []*chunk
	var ss []span
	return r, func() (int, int) {
		cs, ss, _ = r.collect(cs[:0], ss[:0])
		for _, c := range cs {
			r.release(c)
		}
		return len(cs), len(ss)
	}
}

// KeptWhenChanged reports whether a visit that was over, and was changed before it
// could be forgotten, is kept.
func (a *Vault) KeptWhenChanged(id string) bool {
	v := a.visit(id)
	v.mu.Lock()
	v.ended, v.saved = true, v.version
	v.apply(func(*Call) {})
	v.mu.Unlock()
	a.forget(v)
	return a.visit(id) != nil
}

// TakeReader takes a place of those who read, and returns how to give it back.
func (a *Vault) TakeReader() func() {
	_ = a.readers.enter(context.Background())
	return a.readers.leave
}
