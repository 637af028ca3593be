package recordings_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/seal"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/recordings/sqlitestore"
)

// house is a data directory that archives are opened in, one after another.
type house struct {
	dir   string
	store *sqlitestore.Store
	keys  *seal.RootFile
	cfg   recordings.Config
	deps  recordings.Deps
	log   *logBuffer
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newHouse(t testing.TB) *house { return openHouse(t, t.TempDir()) }

func openHouse(t testing.TB, dir string) *house {
	t.Helper()
	h := &house{dir: dir, log: &logBuffer{}}
	log := slog.New(slog.NewTextHandler(h.log, nil))
	var err error
	if h.keys, err = seal.CreateRootFile(filepath.Join(dir, "root.key"), log); err != nil {
		t.Fatal(err)
	}
	if h.store, err = sqlitestore.Open(context.Background(), filepath.Join(dir, "ivrd.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.store.Close() })
	h.cfg = recordings.Config{Dir: dir, Node: "a", ReserveBytes: 1 << 20}
	h.deps = recordings.Deps{Store: h.store, Keys: h.keys, Log: log}
	return h
}

func (h *house) open(t testing.TB) *recordings.Vault {
	t.Helper()
	v, err := recordings.Open(context.Background(), h.cfg, h.deps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return v
}

func begin(t testing.TB, v *recordings.Vault) recordings.Visit {
	t.Helper()
	visit, err := v.Begin(context.Background(), recordings.Call{
		Channel: "PS", From: "+8613800138000", To: "1000", StartedAt: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return visit
}

func record(t testing.TB, visit recordings.Visit, start media.Time) recordings.Recorder {
	t.Helper()
	rec, err := visit.Record(start)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func finish(t testing.TB, visit recordings.Visit) {
	t.Helper()
	if err := visit.Finish(context.Background(), leg.CallerHangup, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// pattern is a payload that tells when and on which track it was tapped.
func pattern(track media.Track, at media.Time) []byte {
	b := make([]byte, media.FrameSamples)
	for i := range b {
		b[i] = byte(track)*50 + byte((int(at)+i)/7%50)
	}
	return b
}

// talk taps frames of tracks for a time, in real or virtual time.
func talk(rec recordings.Recorder, from media.Time, d time.Duration, tracks ...media.Track) media.Time {
	at := from
	for ; at < from+media.TimeOf(d); at += media.FrameSamples {
		time.Sleep(media.FrameDuration) // virtual: callers run in a bubble
		for _, t := range tracks {
			rec.Frame(t, at, media.PCMU, pattern(t, at))
		}
	}
	return at
}

// listen reads a whole playback as samples.
func listen(t testing.TB, v *recordings.Vault, id string, track media.Track) []int16 {
	t.Helper()
	p, err := v.Play(context.Background(), id, track)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	wav, err := io.ReadAll(p)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(wav)) != p.Size() || string(wav[:4]) != "RIFF" {
		t.Fatalf("playback has %d bytes, says %d", len(wav), p.Size())
	}
	pcm := make([]int16, (len(wav)-44)/2)
	if err := binary.Read(bytes.NewReader(wav[44:]), binary.LittleEndian, pcm); err != nil {
		t.Fatal(err)
	}
	return pcm
}

// said is what a track must decode to between two times.
func said(track media.Track, from, to media.Time) []int16 {
	var pcm []int16
	for at := from; at < to; at += media.FrameSamples {
		frame := make([]int16, media.FrameSamples)
		media.PCMU.Decode(frame, pattern(track, at))
		pcm = append(pcm, frame...)
	}
	return pcm
}

func wantSound(t testing.TB, what string, got, want []int16) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d samples, want %d", what, len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s: sample %d is %d, want %d", what, i, got[i], want[i])
		}
	}
}

func wantWhole(t testing.TB, v *recordings.Vault) {
	t.Helper()
	faults, err := v.Verify(context.Background(), "")
	if err != nil || len(faults) != 0 {
		t.Fatalf("verify: %v, %v", faults, err)
	}
	if faults, err = v.VerifyAudit(context.Background()); err != nil || len(faults) != 0 {
		t.Fatalf("verify audit: %v, %v", faults, err)
	}
}

func call(t testing.TB, v *recordings.Vault, id string) recordings.Call {
	t.Helper()
	c, err := v.Call(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// onDisk reads every file under the data directory.
func onDisk(t testing.TB, dir string) []byte {
	t.Helper()
	var all []byte
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == "reserve" {
			return err
		}
		data, err := os.ReadFile(path)
		all = append(all, data...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
