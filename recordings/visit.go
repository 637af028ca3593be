package recordings

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ivrd/ivrd/internal/seal"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// visit is the open record of a call. Changes are made in memory and saved by
// the saver, in order, the newest state only.
type visit struct {
	archive *Vault
	id      string
	keyID   string
	subject seal.Key
	callKey seal.Key

	mu        sync.Mutex
	call      Call
	version   int // of call, rises with each change
	saved     int // the version that is durable
	waiters   []waiter
	rec       *writing
	said      []said // in order of their numbers
	finishing bool   // no more changes from outside
	ended     bool   // the last change is made
}

type waiter struct {
	version int
	done    chan struct{}
}

// ID implements Visit.
func (v *visit) ID() string { return v.id }

// Update implements Visit.
func (v *visit) Update(change func(*Call)) {
	v.mu.Lock()
	if v.finishing {
		v.mu.Unlock()
		return
	}
	v.apply(change)
	v.mu.Unlock()
	v.archive.saver.mark(v)
}

// apply makes a change; what the archive itself keeps is not the caller's to set.
func (v *visit) apply(change func(*Call)) {
	was := v.call
	change(&v.call)
	v.call.ID, v.call.Recording, v.call.Node, v.call.StartedAt = v.id, was.Recording, was.Node, was.StartedAt
	was.Transcript.Coverage = v.call.Transcript.Coverage
	v.call.Transcript = was.Transcript
	v.version++
}

// recording changes what the record says of the sound.
func (v *visit) recording(change func(*Recording)) {
	v.mu.Lock()
	change(&v.call.Recording)
	v.version++
	v.mu.Unlock()
	v.archive.saver.mark(v)
}

// checkpoint notes in the record what is durable of the sound. It goes to the
// store with the next change: by itself it is not worth a write.
func (v *visit) checkpoint(c seal.Checkpoint) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.call.Recording.Parts, v.call.Recording.Chain = c.Parts, chainText(c.Parts, c.Chain)
}

// Record implements Visit.
func (v *visit) Record(start media.Time) (Recorder, error) {
	name, err := audioName(v.id)
	if err != nil {
		return nil, err
	}
	a := v.archive
	if a.disk.isFull() {
		if a.cfg.Policy != PolicyUnrecorded {
			return nil, fmt.Errorf("record call: %w: %w", ErrRefused, ErrFull)
		}
		v.recording(func(r *Recording) { r.Cause = "disk full" })
		return unrecorded{}, nil
	}
	v.mu.Lock()
	if v.finishing || v.rec != nil {
		v.mu.Unlock()
		return nil, errors.New("record call: it is recorded already, or over")
	}
	w := &writing{
		visit: v, rec: newRecorder(start, a.pool), key: v.callKey, name: name,
		header: v.header(), done: make(chan struct{}),
	}
	v.rec = w
	v.mu.Unlock()
	a.writer.begin(w)
	v.recording(func(r *Recording) { r.State, r.Channels = stateLive, 2 })
	return w.rec, nil
}

// header describes the recording. Sample 0 is the beginning of the call.
func (v *visit) header() seal.Header { return headerOf(v.id, v.call.StartedAt) }

func headerOf(id string, started time.Time) seal.Header {
	return seal.Header{
		Call: id, Key: callKeyID(id), Started: started.UnixMilli(), Rate: media.SampleRate,
		Tracks: []seal.TrackChannel{
			{Track: uint8(media.TrackCaller), Channel: 0},
			{Track: uint8(media.TrackAgent), Channel: 1},
			{Track: uint8(media.TrackPrompts), Channel: 1},
			{Track: uint8(media.TrackWhisper), Channel: 2},
			{Track: uint8(media.TrackSupervisor), Channel: 1},
		},
	}
}

// Finish implements Visit.
func (v *visit) Finish(ctx context.Context, end leg.EndReason, at time.Time) error {
	v.mu.Lock()
	if v.finishing {
		v.mu.Unlock()
		return nil
	}
	v.finishing = true
	rec := v.rec
	v.mu.Unlock()
	if rec != nil {
		rec.rec.close()
		v.archive.writer.finish(rec)
		select {
		case <-rec.done:
		case <-v.archive.writer.done: // left open by Close
		case <-ctx.Done(): // the record gets its end now, the sound when the disk answers
		}
	}
	return v.saveEnd(ctx, end, at)
}

func (v *visit) saveEnd(ctx context.Context, end leg.EndReason, at time.Time) error {
	w := waiter{done: make(chan struct{})}
	v.mu.Lock()
	v.apply(func(c *Call) { c.End, c.EndedAt = end, at })
	v.ended = true
	w.version = v.version
	v.waiters = append(v.waiters, w)
	v.mu.Unlock()
	v.archive.saver.hurry(v)
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("finish call %s: it will be saved later: %w", v.id, ctx.Err())
	case <-v.archive.saver.done:
	}
	select { // the saver's last act may have saved it
	case <-w.done:
		return nil
	default:
		return fmt.Errorf("finish call %s: %w", v.id, ErrClosed)
	}
}

// state is what is to be saved.
func (v *visit) state(now time.Time) (change, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	segments, err := v.sealed()
	if err != nil {
		return change{}, err
	}
	row, err := v.archive.house.row(v.call, v.subject, v.keyID, now)
	return change{v, row, segments, v.version}, err
}

// unsaved reports whether the record has changed since it was last saved.
func (v *visit) unsaved() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.saved < v.version
}

// markSaved tells those who wait.
func (v *visit) markSaved(version int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.saved = max(v.saved, version)
	v.waiters = slices.DeleteFunc(v.waiters, func(w waiter) bool {
		if w.version > v.saved {
			return false
		}
		close(w.done)
		return true
	})
}

// over reports whether nothing is left to be saved.
func (v *visit) over() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.ended && v.saved == v.version && !v.writing()
}

func (v *visit) writing() bool {
	if v.rec == nil {
		return false
	}
	select {
	case <-v.rec.done:
		return false
	default:
		return true
	}
}

// Call implements Visit.
func (v *visit) Call() Call {
	v.mu.Lock()
	defer v.mu.Unlock()
	c := v.call
	c.Path, c.Messages, c.Transfers = slices.Clone(c.Path), slices.Clone(c.Messages), slices.Clone(c.Transfers)
	c.Recording.Gaps, c.Legs = slices.Clone(c.Recording.Gaps), slices.Clone(c.Legs)
	c.Transcript.Engines = slices.Clone(c.Transcript.Engines)
	if v.writing() {
		c.Recording.DurationMS = ms(media.Time(v.rec.endTime.Load()))
	}
	return c
}

// durable is how many bytes of a running recording are on the disk.
func (v *visit) durable() (size int64, running bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.writing() {
		return 0, false
	}
	return v.rec.synced.Load(), true
}
