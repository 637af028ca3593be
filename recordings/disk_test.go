package recordings_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/recordings/blob"
)

// fakeDisk is a blob.Store on a directory that can be full, slow or broken,
// and counts. It is its own Space.
type fakeDisk struct {
	blob.Store
	room  atomic.Int64  // bytes that can still be written
	held  atomic.Int64  // of the reserve
	gate  chan struct{} // when set, each sync waits for it
	syncs atomic.Int64
	sick  atomic.Bool  // syncs fail
	slow  atomic.Int64 // what a sync takes, in virtual time
}

const fakeReserve = 1 << 20

func (d *fakeDisk) Free() (int64, error) { return d.room.Load(), nil }

func (d *fakeDisk) Hold() error {
	if d.held.Load() > 0 {
		return nil
	}
	if d.room.Load() < fakeReserve {
		return syscall.ENOSPC
	}
	d.room.Add(-fakeReserve)
	d.held.Store(fakeReserve)
	return nil
}

func (d *fakeDisk) Release() error {
	d.room.Add(d.held.Swap(0))
	return nil
}

func (d *fakeDisk) Create(name string) (blob.File, error) { return d.wrap(d.Store.Create(name)) }
func (d *fakeDisk) Edit(name string) (blob.File, error)   { return d.wrap(d.Store.Edit(name)) }

func (d *fakeDisk) wrap(f blob.File, err error) (blob.File, error) {
	if err != nil {
		return nil, err
	}
	return &fakeFile{File: f, disk: d}, nil
}

type fakeFile struct {
	blob.File
	disk *fakeDisk
}

// WriteAt writes what fits, as a file system does.
func (f *fakeFile) WriteAt(p []byte, at int64) (int, error) {
	size, err := f.Size()
	if err != nil {
		return 0, err
	}
	grow := max(0, at+int64(len(p))-size)
	if room := f.disk.room.Load(); grow > room {
		f.disk.room.Store(0)
		n, _ := f.File.WriteAt(p[:int64(len(p))-grow+room], at)
		return n, syscall.ENOSPC
	}
	f.disk.room.Add(-grow)
	return f.File.WriteAt(p, at)
}

func (f *fakeFile) Truncate(size int64) error {
	old, err := f.Size()
	if err != nil {
		return err
	}
	f.disk.room.Add(old - size)
	return f.File.Truncate(size)
}

func (f *fakeFile) Sync() error {
	f.disk.syncs.Add(1)
	if f.disk.gate != nil {
		<-f.disk.gate
	}
	if d := f.disk.slow.Load(); d > 0 {
		time.Sleep(time.Duration(d)) // callers run in a bubble
	}
	if f.disk.sick.Load() {
		return syscall.EIO
	}
	return f.File.Sync()
}

func withDisk(t *testing.T, h *house, room int64) *fakeDisk {
	t.Helper()
	dir, err := blob.OpenDir(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	d := &fakeDisk{Store: dir}
	d.room.Store(room)
	h.deps.Blobs = d
	h.cfg.ReserveBytes = fakeReserve
	h.deps = recordings.WithSpace(h.deps, d)
	t.Cleanup(func() { _ = dir.Close() })
	return d
}

// nonces observes and fails on a pair that comes twice.
func nonces(t *testing.T, h *house) {
	var mu sync.Mutex
	seen := map[[44]byte]bool{}
	h.deps = recordings.WithObserver(h.deps, func(salt [32]byte, nonce [12]byte) {
		mu.Lock()
		defer mu.Unlock()
		pair := [44]byte(append(salt[:], nonce[:]...))
		if seen[pair] {
			t.Error("a (key, nonce) was used twice")
		}
		seen[pair] = true
	})
}

// The disk runs full in mid-call. The call is kept up to there, as partial,
// new recordings are refused, records and audit go on; one line is logged.
func TestFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		nonces(t, h)
		d := withDisk(t, h, fakeReserve+fakeReserve/8+30000)
		v := h.open(t)
		visit := begin(t, v)
		rec := record(t, visit, 0)
		talk(rec, 0, 20*time.Second, media.TrackCaller)
		if c := call(t, v, visit.ID()); c.Recording.State != "partial" || c.Recording.Cause != "disk full" {
			t.Errorf("while the disk is full: %+v", c.Recording)
		}
		if d.held.Load() != 0 || d.room.Load() < fakeReserve {
			t.Errorf("the reserve was not given free, or audio took of it: %d", d.room.Load())
		}
		second := begin(t, v) // the record is still written
		if _, err := second.Record(0); !errors.Is(err, recordings.ErrRefused) {
			t.Errorf("a new recording: %v", err)
		}
		finish(t, second)
		finish(t, visit)
		if err := v.Audit(context.Background(), recordings.AuditEntry{Actor: "ada", Action: "play"}); err != nil {
			t.Error(err)
		}
		got := listen(t, v, visit.ID(), media.TrackCaller)
		if len(got) < 16000 || len(got) > 40000 {
			t.Errorf("%d samples were kept", len(got))
		}
		wantSound(t, "kept", got, said(media.TrackCaller, 0, media.Time(len(got))))
		wantWhole(t, v)
		if n := strings.Count(h.log.String(), "disk is full"); n != 1 {
			t.Errorf("%d lines say that the disk is full:\n%s", n, h.log)
		}
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

// When there is room again the same call goes on; what was lost is one gap.
func TestDiskGetsRoomAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		nonces(t, h)
		d := withDisk(t, h, 2*fakeReserve)
		v := h.open(t)
		visit := begin(t, v)
		rec := record(t, visit, 0)
		at := talk(rec, 0, 3*time.Second, media.TrackCaller)
		d.room.Store(100) // so the next write is torn
		at = talk(rec, at, 20*time.Second, media.TrackCaller)
		d.room.Store(10 * fakeReserve)
		began := time.Now()
		for call(t, v, visit.ID()).Recording.DurationMS < ms(at)-1500 {
			at = talk(rec, at, time.Second, media.TrackCaller)
			if time.Since(began) > 10*time.Second {
				t.Fatal("it does not go on within 10 s")
			}
		}
		third := begin(t, v)
		record(t, third, 0)
		finish(t, third)
		finish(t, visit)
		rc := call(t, v, visit.ID()).Recording
		if rc.State != "partial" || len(rc.Gaps) != 1 || rc.Gaps[0].Cause != "lost" || rc.DurationMS != ms(at) {
			t.Fatalf("recording: %+v", rc)
		}
		got := listen(t, v, visit.ID(), media.TrackCaller)
		from, to := media.Time(rc.Gaps[0].FromMS*8), media.Time(rc.Gaps[0].ToMS*8)
		if from < 8*8000 || from > 14*8000 {
			t.Errorf("the loss began at %v: less than 10 s were kept in memory, or far more", from.Duration())
		}
		want := slices.Concat(said(media.TrackCaller, 0, from), make([]int16, to-from), said(media.TrackCaller, to, at))
		wantSound(t, "what is left", got, want)
		wantWhole(t, v)
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

func ms(t media.Time) int64 { return int64(t) / 8 }

func TestPolicyUnrecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		withDisk(t, h, 1000)
		h.cfg.Policy = recordings.PolicyUnrecorded
		v := h.open(t)
		visit := begin(t, v)
		rec := record(t, visit, 0)
		talk(rec, 0, time.Second, media.TrackCaller)
		rec.Pause(0, "secret")
		rec.Resume(5)
		finish(t, visit)
		if c := call(t, v, visit.ID()); c.Recording.State != "none" || c.Recording.Cause != "disk full" {
			t.Errorf("recording: %+v", c.Recording)
		}
		wantWhole(t, v)
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

// A disk that hangs never holds the media worker; ten seconds are kept, then
// frames are lost and told by a gap.
func TestSlowDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		d := withDisk(t, h, 64*fakeReserve)
		d.gate = make(chan struct{})
		v := h.open(t)
		visit := begin(t, v)
		rec := record(t, visit, 0)
		// In virtual time: were Frame to wait for the disk, this would never end.
		start := time.Now()
		at := talk(rec, 0, 30*time.Second, media.TrackCaller)
		if took := time.Since(start); took != 30*time.Second {
			t.Errorf("30 s of frames took %v", took)
		}
		close(d.gate)
		at = talk(rec, at, 3*time.Second, media.TrackCaller)
		finish(t, visit)
		rc := call(t, v, visit.ID()).Recording
		if rc.State != "partial" || rc.Cause != "disk slow" || len(rc.Gaps) != 1 || rc.DurationMS != ms(at) {
			t.Fatalf("recording: %+v", rc)
		}
		if lost := rc.Gaps[0].ToMS - rc.Gaps[0].FromMS; lost < 15000 || lost > 21000 {
			t.Errorf("%d ms were lost", lost)
		}
		wantWhole(t, v)
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestFinishDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		d := withDisk(t, h, 64*fakeReserve)
		d.gate = make(chan struct{})
		v := h.open(t)
		visit := begin(t, v)
		talk(record(t, visit, 0), 0, 3*time.Second, media.TrackCaller)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := visit.Finish(ctx, recordingsEnd, time.Now()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("finish on a hanging disk: %v", err)
		}
		close(d.gate)
		time.Sleep(3 * time.Second)
		if c := call(t, v, visit.ID()); c.End != recordingsEnd || c.Recording.State != "complete" {
			t.Errorf("after the disk came back: %+v", c)
		}
		wantWhole(t, v)
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

// All calls are written together, each file synced once a second.
func TestOneSyncASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		d := withDisk(t, h, 64*fakeReserve)
		v := h.open(t)
		const calls, seconds = 20, 10
		var recs []recordings.Recorder
		for range calls {
			recs = append(recs, record(t, begin(t, v), 0))
		}
		for at := media.Time(0); at < seconds*8000; at += media.FrameSamples {
			time.Sleep(media.FrameDuration)
			for _, r := range recs {
				r.Frame(media.TrackCaller, at, media.PCMU, pattern(media.TrackCaller, at))
				r.Frame(media.TrackAgent, at, media.PCMA, pattern(media.TrackAgent, at))
			}
		}
		if n := d.syncs.Load(); n > calls*(seconds+1) || n < calls*(seconds-1) {
			t.Errorf("%d syncs for %d calls of %d s", n, calls, seconds)
		}
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

// groupDisk can sync all files at once.
type groupDisk struct {
	*fakeDisk
	all atomic.Int64
}

func (d *groupDisk) SyncAll() error {
	d.all.Add(1)
	if d.sick.Load() {
		return syscall.EIO
	}
	return nil
}

func TestOneSyncForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		d := &groupDisk{fakeDisk: withDisk(t, h, 64*fakeReserve)}
		h.deps.Blobs = d
		v := h.open(t)
		var visits []recordings.Visit
		var recs []recordings.Recorder
		for range 20 {
			visits = append(visits, begin(t, v))
			recs = append(recs, record(t, visits[len(visits)-1], 0))
		}
		second := func(from media.Time) {
			for at := from; at < from+8000; at += media.FrameSamples {
				time.Sleep(media.FrameDuration)
				for _, r := range recs {
					r.Frame(media.TrackCaller, at, media.PCMU, pattern(media.TrackCaller, at))
				}
			}
		}
		for n := range media.Time(5) {
			second(n * 8000)
		}
		if all, each := d.all.Load(), d.syncs.Load(); all < 4 || all > 6 || each != 0 {
			t.Errorf("%d syncs of all and %d of single files in 5 s", all, each)
		}
		d.sick.Store(true) // now each file is asked, and says no
		second(5 * 8000)
		time.Sleep(500 * time.Millisecond) // not on the tick
		d.sick.Store(false)
		if d.syncs.Load() == 0 {
			t.Error("after a failed sync of all, no file was synced by itself")
		}
		finish(t, visits[0])
		if c := call(t, v, visits[0].ID()); c.Recording.State != "partial" || c.Recording.Cause != "write failed" {
			t.Errorf("recording: %+v", c.Recording)
		}
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

// A file that was cut while it was recorded is not closed as if it were whole
// when the disk takes no end.
func TestAbandonedDamage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		d := withDisk(t, h, 64*fakeReserve)
		v := h.open(t)
		visit := begin(t, v)
		rec := record(t, visit, 0)
		at := talk(rec, 0, 5300*time.Millisecond, media.TrackCaller) // not on the tick
		path := filepath.Join(h.dir, recordings.AudioName(visit.ID()))
		if err := os.Truncate(path, 9000); err != nil {
			t.Fatal(err)
		}
		d.room.Store(0)
		talk(rec, at, time.Second, media.TrackCaller)
		finish(t, visit)
		if c := call(t, v, visit.ID()); c.Recording.State != "damaged" || c.Recording.Parts < 4 || c.EndedAt.IsZero() {
			t.Errorf("record: %+v", c)
		}
		if info, err := os.Stat(path); err != nil || info.Size() != 9000 {
			t.Errorf("file: %+v, %v", info, err)
		}
		if faults, err := v.Verify(context.Background(), ""); err != nil || len(faults) == 0 {
			t.Errorf("verify: %v, %v", faults, err)
		}
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

// Calls that end together are synced together.
func TestEndsAreSyncedTogether(t *testing.T) {
	const calls, slow = 40, 50 * time.Millisecond
	end := func(t *testing.T, h *house, d *fakeDisk) (took time.Duration) {
		v := h.open(t)
		var visits []recordings.Visit
		var recs []recordings.Recorder
		for range calls {
			visits = append(visits, begin(t, v))
			recs = append(recs, record(t, visits[len(visits)-1], 0))
		}
		for i, r := range recs {
			talk(r, 0, time.Duration(i%2+1)*media.FrameDuration, media.TrackCaller)
		}
		time.Sleep(1300 * time.Millisecond) // not on the tick
		d.slow.Store(int64(slow))
		d.syncs.Store(0)
		begun := time.Now()
		var group sync.WaitGroup
		for _, visit := range visits {
			group.Go(func() { finish(t, visit) })
		}
		group.Wait()
		took = time.Since(begun)
		for _, visit := range visits {
			if c := call(t, v, visit.ID()); c.Recording.State != "complete" || c.Recording.DurationMS == 0 {
				t.Errorf("recording: %+v", c.Recording)
			}
		}
		wantWhole(t, v)
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
		return took
	}
	t.Run("in the same moment", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t)
			// One by one they took calls*slow; eight at once and a first alone take this.
			if took := end(t, h, withDisk(t, h, 64*fakeReserve)); took > (calls/8+2)*slow {
				t.Errorf("%d ends took %v", calls, took)
			}
		})
	})
	t.Run("by one sync of all", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t)
			d := &groupDisk{fakeDisk: withDisk(t, h, 64*fakeReserve)}
			h.deps.Blobs = d
			if end(t, h, d.fakeDisk); d.syncs.Load() > 7 || d.all.Load() == 0 {
				t.Errorf("%d files were synced by themselves, %d times all", d.syncs.Load(), d.all.Load())
			}
		})
	})
}

func TestSickDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		d := withDisk(t, h, 64*fakeReserve)
		v := h.open(t)
		visit := begin(t, v)
		rec := record(t, visit, 0)
		at := talk(rec, 0, 2*time.Second, media.TrackCaller)
		d.sick.Store(true)
		at = talk(rec, at, 2*time.Second, media.TrackCaller)
		d.sick.Store(false)
		talk(rec, at, 2*time.Second, media.TrackCaller)
		finish(t, visit)
		if c := call(t, v, visit.ID()); c.Recording.State != "partial" || c.Recording.Cause != "write failed" {
			t.Errorf("recording: %+v", c.Recording)
		}
		wantWhole(t, v)
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}
