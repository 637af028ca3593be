package recordings

import (
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ivrd/ivrd/internal/seal"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings/blob"
)

// writing is the disk side of one recording. But for the fields said to be
// shared it belongs to the writer's goroutine.
type writing struct {
	visit  *visit
	rec    *recorder
	key    seal.Key
	header seal.Header
	name   string

	synced  atomic.Int64 // shared: bytes that are durable
	endTime atomic.Int64 // shared: the last sample that is sealed
	done    chan struct{}

	file   blob.File
	sealer *seal.Sealer
	// pending is sealed and not yet written, in the writer's room. After a failed
	// write the very same bytes are tried again at the same place, so no nonce is
	// used for others: then the room is this recording's.
	pending []byte
	offset  int64 // where pending goes
	dirty   bool  // written and not yet synced
	// written tells of what is in the file, durable of what cannot be lost.
	written, durable seal.Checkpoint
	noted            time.Time // when the record was last told of durable
	closing          bool
	closed           bool // the last part is in pending or written
	cause            string
	gaps             gapList
	chunks           []*chunk
	spans            []span
}

const (
	// maxPending is the room that the writer keeps.
	maxPending = 64 << 10
	// noteInterval is how often the record is saved for nothing but what is
	// durable. All recordings are told in the same rounds, so that it costs the
	// store one transaction.
	noteInterval = 4 * time.Second
)

// advance seals what was gathered and writes it. On a full disk audio waits,
// in memory of known size.
func (w *writing) advance(out *writer) {
	if out.disk.isFull() {
		w.checkLost("disk full")
		return
	}
	if len(w.pending) == 0 {
		w.pending, out.room = out.room[:0], nil
		if err := w.seal(out.observe); err != nil {
			w.fail(out, err)
			return
		}
	}
	if err := w.write(out); err != nil {
		w.fail(out, err)
	}
}

// seal moves everything gathered into pending.
func (w *writing) seal(observe observer) error {
	if w.sealer == nil {
		s, head, err := seal.NewSealer(w.key, w.header)
		if err != nil {
			return err
		}
		s.Observe = observe
		w.sealer, w.pending = s, append(w.pending, head...)
	}
	w.take()
	for _, s := range w.spans {
		if err := w.sealSpan(s); err != nil {
			return err
		}
	}
	for _, c := range w.chunks {
		p, payload := c.part()
		err := w.add(p, payload)
		w.rec.release(c)
		if err != nil {
			return err
		}
	}
	if w.closing {
		w.closed = true
		return w.add(seal.Part{Flags: seal.FlagLast, First: w.endTime.Load()}, nil)
	}
	return nil
}

func (w *writing) take() {
	var lost bool
	w.chunks, w.spans, lost = w.rec.collect(w.chunks[:0], w.spans[:0])
	if lost && w.cause == "" {
		w.partial("disk slow")
	}
}

// sealSpan seals a gap, in parts of a second at most.
func (w *writing) sealSpan(s span) error {
	for at := s.from; at < s.to; {
		n := min(s.to-at, seal.MaxSamples)
		p := seal.Part{
			Track: uint8(s.track), First: int64(at), Samples: uint32(n),
			Gaps: []seal.Gap{{To: uint16(n), Cause: s.cause}},
		}
		if err := w.add(p, nil); err != nil {
			return err
		}
		at += n
	}
	return nil
}

func (w *writing) add(p seal.Part, payload []byte) error {
	var err error
	if w.pending, err = w.sealer.Seal(w.pending, p, payload); err != nil {
		return err
	}
	w.gaps.add(&p)
	w.endTime.Store(max(w.endTime.Load(), p.First+int64(p.Samples)))
	return nil
}

func (w *writing) write(out *writer) error {
	if len(w.pending) == 0 {
		out.room, w.pending = w.pending, nil
		return nil
	}
	if w.file == nil {
		f, err := out.blobs.Create(w.name)
		if err != nil {
			return err
		}
		w.file = f
	}
	if _, err := w.file.WriteAt(w.pending, w.offset); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	w.offset += int64(len(w.pending))
	w.written = seal.Checkpoint{Parts: w.sealer.Parts(), Chain: w.sealer.Chain()}
	if cap(w.pending) <= maxPending {
		out.room = w.pending[:0]
	}
	w.pending = nil
	w.dirty = true
	return nil
}

// sync makes what was written durable.
func (w *writing) sync() error {
	if !w.dirty {
		return nil
	}
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("sync recording: %w", err)
	}
	w.nowDurable()
	return nil
}

func (w *writing) nowDurable() {
	w.dirty = false
	w.synced.Store(w.offset)
	w.durable = w.written
	w.visit.checkpoint(w.durable)
}

// note has the record saved when what it says of the disk is old. The first
// time is at once, and then when the round comes that is for all.
func (w *writing) note(now time.Time) {
	if w.durable.Parts == 0 || now.Truncate(noteInterval).Equal(w.noted) {
		return
	}
	w.noted = now.Truncate(noteInterval)
	w.visit.recording(func(*Recording) {}) // checkpoint has changed it
}

// fail notes why a recording is not whole. One line is logged for each.
func (w *writing) fail(out *writer, err error) {
	cause := "write failed"
	if isNoRoom(err) {
		cause = "disk full"
		out.disk.ranFull()
	}
	if w.cause == "" {
		out.log.Error("recording is partial", "call_id", w.visit.id, "cause", cause, "err", err)
	}
	w.partial(cause)
}

// checkLost makes a recording partial once frames were lost.
func (w *writing) checkLost(cause string) {
	w.rec.mu.Lock()
	lost := w.rec.lost
	w.rec.mu.Unlock()
	if lost && w.cause == "" {
		w.partial(cause)
	}
}

func (w *writing) partial(cause string) {
	if w.cause == "" {
		w.cause = cause
		w.visit.recording(func(r *Recording) { r.State, r.Cause = statePartial, cause })
	}
}

// last writes the rest and the end, which is then to be synced.
func (w *writing) last(out *writer) {
	w.closing = true
	for range 2 { // what is pending from before first, then the rest and the end
		if !w.closed || len(w.pending) > 0 {
			w.advance(out)
		}
	}
}

// finish closes the file, whose end was synced if that was possible, and tells
// the record what was kept. It is the last thing that happens to a recording.
func (w *writing) finish(out *writer) {
	if w.closed && len(w.pending) == 0 && !w.dirty {
		w.report(w.sealer.Parts(), w.sealer.Chain(), media.Time(w.endTime.Load()), w.gaps.gaps())
	} else {
		w.abandon(out)
	}
	if w.file != nil {
		if err := w.file.Close(); err != nil {
			out.log.Warn("close recording", "call_id", w.visit.id, "err", err)
		}
	}
	w.rec.discard()
	w.key.Zero()
	close(w.done)
	w.visit.archive.saver.mark(w.visit) // it may be over only now
}

// abandon closes a recording that could not be written to its end: what is on
// the disk is closed as after a crash, within the reserve.
func (w *writing) abandon(out *writer) {
	if w.cause == "" {
		w.partial("disk full")
	}
	lost := Gap{ToMS: ms(w.rec.clock), Cause: gapLost}
	if w.file == nil {
		w.report(0, seal.Hash{}, 0, []Gap{lost})
		return
	}
	ix, err := closeFile(w.file, seal.Recovery{Call: w.key, Header: w.header, Durable: w.durable, Observe: out.observe})
	if err != nil {
		out.log.Error("close recording", "call_id", w.visit.id, "err", err)
	}
	if errors.Is(err, seal.ErrDamaged) {
		w.visit.recording(func(r *Recording) { r.State = stateDamaged })
		return
	}
	gaps := gapsOf(ix)
	if lost.FromMS = ms(media.Time(ix.End())); lost.FromMS < lost.ToMS {
		gaps = append(gaps, lost)
	}
	w.report(len(ix.Parts), ix.Chain, media.Time(ix.End()), gaps)
}

func (w *writing) report(parts int, chain seal.Hash, end media.Time, gaps []Gap) {
	state := stateComplete
	if w.cause != "" {
		state = statePartial
	}
	w.visit.recording(func(r *Recording) {
		*r = Recording{
			State: state, DurationMS: ms(end), Channels: 2, Gaps: gaps,
			Cause: w.cause, Parts: parts, Chain: chainText(parts, chain),
		}
	})
}

// checkpointOf reads what an open record says of the disk. A chain that is none
// is the chain of no recording.
func checkpointOf(r *Recording) seal.Checkpoint {
	c := seal.Checkpoint{Parts: r.Parts}
	if chain, err := hex.DecodeString(r.Chain); err == nil && len(chain) == len(c.Chain) {
		c.Chain = seal.Hash(chain)
	}
	return c
}

func chainText(parts int, chain seal.Hash) string {
	if parts == 0 {
		return ""
	}
	return hex.EncodeToString(chain[:])
}

// closeFile closes a recording that was left open and returns what it holds.
func closeFile(f blob.File, v seal.Recovery) (*seal.Index, error) {
	size, err := f.Size()
	if err != nil {
		return &seal.Index{}, fmt.Errorf("repair recording: %w", err)
	}
	r, err := v.Repair(f, size)
	if err != nil {
		ix, _ := seal.Scan(f, size, v.Header.Call) // what can be read of it is evidence
		return ix, fmt.Errorf("repair recording: %w", err)
	}
	end := r.Cut
	if err = cutAndClose(f, r, size); err == nil {
		end += int64(len(r.Tail))
	}
	ix, scanErr := seal.Scan(f, end, v.Header.Call)
	return ix, errors.Join(err, scanErr)
}

func cutAndClose(f blob.File, r seal.Repair, size int64) error {
	if r.Cut < size {
		if err := f.Truncate(r.Cut); err != nil {
			return fmt.Errorf("cut torn tail: %w", err)
		}
	}
	if len(r.Tail) == 0 {
		return nil
	}
	if _, err := f.WriteAt(r.Tail, r.Cut); err != nil {
		return fmt.Errorf("write end: %w", err)
	}
	return f.Sync()
}
