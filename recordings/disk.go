package recordings

import (
	"errors"
	"log/slog"
	"sync"
)

// space is the room on the disk of the data directory.
type space interface {
	// Free is how many bytes can be written.
	Free() (int64, error)
	// Hold keeps the reserve; Release gives it free. Both may be repeated.
	Hold() error
	Release() error
}

// disk watches the room. While there is enough it holds a reserve; when the
// disk runs full it gives the reserve free for records and audit, and audio
// stops until there is room again for both.
type disk struct {
	space   space
	reserve int64
	log     *slog.Logger

	mu   sync.Mutex
	full bool
}

// margin is the room under which the disk counts as full.
func (d *disk) margin() int64 { return max(d.reserve/8, 64<<10) }

// isFull tells the state without looking.
func (d *disk) isFull() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.full
}

// ranFull says that a write has failed for want of room.
func (d *disk) ranFull() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.setFull()
}

func (d *disk) setFull() {
	if d.full {
		return
	}
	d.full = true
	err := d.space.Release()
	d.log.Error("disk is full: recording has stopped; records and audit go on in the reserve (hint: free space under data.dir)",
		"reserve_bytes", d.reserve, "err", err)
}

// look measures the room and changes the state when it must.
func (d *disk) look() {
	d.mu.Lock()
	defer d.mu.Unlock()
	free, err := d.space.Free()
	if err != nil {
		return // the writes themselves will tell
	}
	if !d.full {
		if free < d.margin() {
			d.setFull()
		}
		return
	}
	if free < d.reserve+2*d.margin() || d.space.Hold() != nil {
		return
	}
	d.full = false
	d.log.Info("disk has room again: recording goes on")
}

// hold takes the reserve at the start; a disk too full for it is full.
func (d *disk) hold() {
	if err := d.space.Hold(); err != nil {
		d.log.Warn("hold disk reserve", "err", err)
		d.ranFull()
	}
}

// isNoRoom reports whether an error means that the disk or a quota is full.
func isNoRoom(err error) bool {
	if errors.Is(err, ErrFull) {
		return true
	}
	for _, e := range noRoom {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
