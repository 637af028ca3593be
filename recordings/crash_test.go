package recordings_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
)

// crashEnv makes the test binary the victim of TestKill.
const crashEnv = "IVRD_TEST_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashEnv); dir != "" {
		if err := beVictim(dir); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// noteNonces writes each (key, nonce) to a file before it is used.
func noteNonces(path string) (func(salt [32]byte, nonce [12]byte), error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return func(salt [32]byte, nonce [12]byte) {
		if _, err := fmt.Fprintf(f, "%x %x\n", salt, nonce); err != nil {
			panic(err)
		}
	}, err
}

// beVictim records calls in real time until it is killed. It prints the ID of
// each call and then, all the time, the media time up to which it has tapped.
func beVictim(dir string) error {
	h := openHouse(&testing.T{}, dir)
	observe, err := noteNonces(filepath.Join(dir, "nonces"))
	if err != nil {
		return err
	}
	h.deps = recordings.WithObserver(h.deps, observe)
	v, err := recordings.Open(context.Background(), h.cfg, h.deps)
	if err != nil {
		return err
	}
	var recs []recordings.Recorder
	for range 3 {
		visit, err := v.Begin(context.Background(), recordings.Call{Channel: "PS", From: "+8613800138000"})
		if err != nil {
			return err
		}
		rec, err := visit.Record(0)
		if err != nil {
			return err
		}
		recs = append(recs, rec)
		fmt.Println("call", visit.ID())
	}
	start := time.Now()
	tick := time.NewTicker(media.FrameDuration)
	for at := media.Time(0); ; at += media.FrameSamples {
		for media.TimeOf(time.Since(start)) < at {
			<-tick.C
		}
		for _, rec := range recs {
			rec.Frame(media.TrackCaller, at, media.PCMU, pattern(media.TrackCaller, at))
			rec.Frame(media.TrackPrompts, at, media.PCMU, pattern(media.TrackPrompts, at))
		}
		fmt.Println("at", int64(at)+media.FrameSamples)
	}
}

// victim runs this binary on a data directory and kills it in mid-recording.
// It returns the calls, and how far they had come.
func victim(t *testing.T, dir string, after media.Time) (ids []string, at media.Time) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "call":
			ids = append(ids, rest)
		case "at":
			if _, err := fmt.Sscan(rest, &at); err != nil {
				t.Fatal(err)
			}
		case "error":
			t.Errorf("victim: %s", rest)
		}
		if at >= after && !killed {
			killed = true
			if err := cmd.Process.Kill(); err != nil { // SIGKILL
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // says that it was killed
	if !killed {
		t.Fatal("the victim ended by itself")
	}
	return ids, at
}

// Killed in mid-call, twice: each call has one record with reason crash, its
// sound plays up to at most two seconds before the kill, everything verifies,
// and no key was used twice with a nonce.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	for round := range 2 {
		ids, killed := victim(t, dir, media.TimeOf(time.Duration(2300+round*400)*time.Millisecond))
		if len(ids) != 3 {
			t.Fatalf("calls: %v", ids)
		}
		h := openHouse(t, dir)
		observe, err := noteNonces(filepath.Join(dir, "nonces"))
		if err != nil {
			t.Fatal(err)
		}
		h.deps = recordings.WithObserver(h.deps, observe)
		v := h.open(t)
		for _, id := range ids {
			c := call(t, v, id)
			if c.End != leg.Crash || c.EndedAt.IsZero() || c.Recording.State != "crashed" || c.From != "+8613800138000" {
				t.Errorf("record after the crash: %+v", c)
			}
			got := listen(t, v, id, media.TrackCaller)
			if lost := killed - media.Time(len(got)); lost > media.TimeOf(2*time.Second) {
				t.Errorf("lost %v", lost.Duration())
			}
			wantSound(t, "what is left", got, said(media.TrackCaller, 0, media.Time(len(got))))
		}
		calls, _, err := v.Calls(context.Background(), recordings.Query{})
		if err != nil || len(calls) != 3*(round+1) {
			t.Errorf("%d records, %v", len(calls), err)
		}
		wantWhole(t, v)
		before := call(t, v, ids[0])
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		v = h.open(t) // recovery is done once
		if after := call(t, v, ids[0]); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("a second start changed the record: %+v, was %+v", after, before)
		}
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Fatal(err)
		}
	}
	wantNoncesOnce(t, filepath.Join(dir, "nonces"))
}

func wantNoncesOnce(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		if seen[line] {
			t.Fatalf("a (key, nonce) was used twice: %s", line)
		}
		seen[line] = true
	}
	if len(seen) < 20 {
		t.Errorf("only %d uses of a nonce were seen", len(seen))
	}
}

// A recording that was torn anywhere near its end is closed at the next start.
func TestTornTail(t *testing.T) {
	h := newHouse(t)
	v := h.open(t)
	visit := begin(t, v)
	rec := record(t, visit, 0)
	for at := media.Time(0); at < 16000; at += media.FrameSamples {
		rec.Frame(media.TrackCaller, at, media.PCMU, pattern(media.TrackCaller, at))
	}
	row, err := h.store.Call(context.Background(), visit.ID()) // knows of nothing on the disk
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Close(); err != nil { // without Finish: left open
		t.Fatal(err)
	}
	path := filepath.Join(h.dir, recordings.AudioName(visit.ID()))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, tail := range []struct {
		cut  int
		junk string
	}{{0, ""}, {1, ""}, {17, ""}, {8000, ""}, {8030, ""}, {9000, ""}, {0, "junk"}, {5, strings.Repeat("\x00", 4096)}, {len(whole) - 20, ""}, {len(whole), ""}} {
		if err := os.WriteFile(path, append(bytes.Clone(whole[:len(whole)-tail.cut]), tail.junk...), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := h.store.SaveCalls(context.Background(), []recordings.Row{row}); err != nil {
			t.Fatal(err)
		}
		v := h.open(t)
		got := listen(t, v, visit.ID(), media.TrackCaller)
		want := len(whole) - tail.cut // a part more or less
		if len(got) > want || len(got) < want-8700 {
			t.Errorf("cut %d: %d samples left of %d bytes", tail.cut, len(got), want)
		}
		wantSound(t, "torn", got, said(media.TrackCaller, 0, media.Time(len(got))))
		wantWhole(t, v)
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// leftOpen is a recording that nobody finished, as a crash leaves it.
type leftOpen struct {
	*house
	path    string
	row     recordings.Row
	file    []byte
	durable int   // bytes of the parts that the row says are on the disk
	places  []int // bytes to change: all that are not sound, and some that are
}

func leaveOpen(t *testing.T, d time.Duration) *leftOpen {
	t.Helper()
	o := &leftOpen{house: newHouse(t)}
	var id string
	synctest.Test(t, func(t *testing.T) {
		v, err := recordings.Open(context.Background(), o.cfg, o.deps)
		if err != nil {
			t.Fatal(err)
		}
		visit := begin(t, v)
		id = visit.ID()
		talk(record(t, visit, 0), 0, d, media.TrackCaller)
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	})
	o.path = filepath.Join(o.dir, recordings.AudioName(id))
	var err error
	if o.file, err = os.ReadFile(o.path); err != nil {
		t.Fatal(err)
	}
	if o.row, err = o.store.Call(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	var doc recordings.Call
	if err := json.Unmarshal(o.row.Doc, &doc); err != nil {
		t.Fatal(err)
	}
	o.measure(doc.Recording.Parts)
	return o
}

// measure walks over the parts.
func (o *leftOpen) measure(parts int) {
	at := int(binary.BigEndian.Uint16(o.file[6:]))
	for i := range at {
		o.places = append(o.places, i)
	}
	for n := 0; at < len(o.file); n++ {
		next := at + 4 + int(binary.BigEndian.Uint32(o.file[at:]))
		for i := at; i < next; i++ {
			if i < at+26 || i >= next-16 || (i-at)%499 == 0 {
				o.places = append(o.places, i)
			}
		}
		if at = next; n+1 == parts {
			o.durable = at
		}
	}
}

// put makes the file and the row what they were, with the file changed.
func (o *leftOpen) put(t *testing.T, file []byte) {
	t.Helper()
	if err := errors.Join(os.WriteFile(o.path, file, 0o600), o.store.SaveCalls(context.Background(), []recordings.Row{o.row})); err != nil {
		t.Fatal(err)
	}
}

// restart recovers and returns the record, what is found, and the file.
func (o *leftOpen) restart(t *testing.T) (recordings.Call, []recordings.Fault, []byte) {
	t.Helper()
	v, err := recordings.Open(context.Background(), o.cfg, o.deps)
	if err != nil {
		t.Fatal(err)
	}
	c := call(t, v, o.row.ID)
	faults, err := v.Verify(context.Background(), "")
	file, readErr := os.ReadFile(o.path)
	if errors.Is(readErr, os.ErrNotExist) {
		readErr = nil
	}
	if err := errors.Join(err, readErr, v.Close()); err != nil {
		t.Fatal(err)
	}
	return c, faults, file
}

// Whatever byte of what had reached the disk changes in a recording that a
// crash left open, verify finds it before the restart and after it, and the
// restart takes nothing away.
func TestCrashLaundersNoDamage(t *testing.T) {
	o := leaveOpen(t, 5*time.Second)
	if o.durable < len(o.file)/2 {
		t.Fatalf("%d of %d bytes are known to be on the disk", o.durable, len(o.file))
	}
	beside := *o.house
	beside.cfg.Inspect = true
	inspect := beside.open(t)
	wantWhole(t, inspect)
	for _, at := range o.places {
		bad := bytes.Clone(o.file)
		bad[at] ^= 4
		o.put(t, bad)
		before, err := inspect.Verify(context.Background(), "")
		if err != nil || at < o.durable && len(before) == 0 {
			t.Fatalf("byte %d of %d before the restart: %v, %v", at, len(o.file), before, err)
		}
		c, after, left := o.restart(t)
		if at < o.durable && len(after) == 0 {
			t.Fatalf("byte %d of %d after the restart: nothing was found of %+v", at, len(o.file), c.Recording)
		}
		if len(left) < o.durable {
			t.Fatalf("byte %d: %d bytes left of %d", at, len(left), len(o.file))
		}
		if c.Recording.State == "damaged" && (!bytes.Equal(left, bad) || c.End != leg.Crash || len(after) == 0) {
			t.Fatalf("byte %d: the damaged recording was not left as it was: %+v, %v", at, c, after)
		}
	}
	if err := inspect.Close(); err != nil {
		t.Error(err)
	}
}

// One changed bit near the beginning does not cost the seconds after it.
func TestCrashKeepsWhatIsBehindDamage(t *testing.T) {
	o := leaveOpen(t, 28*time.Second)
	head := int(binary.BigEndian.Uint16(o.file[6:]))
	second := head + 4 + int(binary.BigEndian.Uint32(o.file[head:]))
	for _, durable := range []bool{true, false} {
		if !durable { // as before the first sync, or an older ivrd
			o.row = forgetful(t, o)
		}
		bad := bytes.Clone(o.file)
		bad[second+7] ^= 4 // the sequence number
		o.put(t, bad)
		c, faults, left := o.restart(t)
		if c.Recording.State != "damaged" || c.End != leg.Crash || !bytes.Equal(left, bad) {
			t.Errorf("%d bytes left of %d: %+v", len(left), len(bad), c.Recording)
		}
		if len(faults) == 0 || faults[0].Where != "part 1" {
			t.Errorf("faults: %+v", faults)
		}
	}
}

// forgetful is a row of the same call that knows of nothing on the disk.
func forgetful(t *testing.T, o *leftOpen) recordings.Row {
	t.Helper()
	row, err := recordings.Resign(o.deps, o.row, func(c *recordings.Call) {
		c.Recording.Parts, c.Recording.Chain = 0, ""
	})
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// A file that is gone, or shorter than what had reached the disk, is named.
func TestCrashKnowsWhatIsMissing(t *testing.T) {
	o := leaveOpen(t, 5*time.Second)
	beside := *o.house
	beside.cfg.Inspect = true
	inspect := beside.open(t)
	for _, x := range []struct {
		left  int // bytes; -1: no file
		where string
	}{{o.durable - 1, "end"}, {len(o.file) / 3, "end"}, {0, "end"}, {-1, "recording"}, {o.durable, ""}, {o.durable + 40, ""}, {len(o.file), ""}} {
		o.put(t, o.file[:max(0, x.left)])
		if x.left < 0 {
			if err := os.Remove(o.path); err != nil {
				t.Fatal(err)
			}
		}
		before, err := inspect.Verify(context.Background(), "")
		if err != nil || x.where == "" && len(before) > 0 || x.where != "" && (len(before) == 0 || before[0].Where != x.where) {
			t.Errorf("%d bytes before the restart: %+v, %v", x.left, before, err)
		}
		c, after, left := o.restart(t)
		want := "crashed"
		if x.where != "" {
			want = "damaged"
		}
		if c.Recording.State != want || (len(after) > 0) != (x.where != "") {
			t.Errorf("%d bytes after the restart: %+v, %+v", x.left, c.Recording, after)
		}
		if want == "damaged" && len(left) != max(0, x.left) {
			t.Errorf("%d bytes became %d", x.left, len(left))
		}
	}
	if err := inspect.Close(); err != nil {
		t.Error(err)
	}
}

// A full disk at the restart is no damage: what is there plays and is whole,
// though no room was left to close it.
func TestCrashOnAFullDisk(t *testing.T) {
	o := leaveOpen(t, 5*time.Second)
	withDisk(t, o.house, 0)
	c, faults, left := o.restart(t)
	if c.Recording.State != "crashed" || c.Recording.DurationMS < 4000 || len(faults) != 0 || !bytes.Equal(left, o.file) {
		t.Errorf("%d bytes left of %d: %+v, %v", len(left), len(o.file), c.Recording, faults)
	}
}

// What is on the disk is told to the record without a write of its own each
// second.
func TestCheckpointsAreFewWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		count := &countingStore{Store: h.store}
		h.deps.Store = count
		v := h.open(t)
		var at media.Time
		var recs []recordings.Recorder
		for range 5 {
			recs = append(recs, record(t, begin(t, v), 0))
		}
		for range 60 {
			for _, rec := range recs {
				rec.Frame(media.TrackCaller, at, media.PCMU, pattern(media.TrackCaller, at))
			}
			at += 8000
			time.Sleep(time.Second)
		}
		if n := count.saves.Load(); n < 15 || n > 30 { // one a second would be 60; the first ones may come apart
			t.Errorf("%d transactions for a minute of five calls, want one in 4 s", n)
		}
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

type countingStore struct {
	recordings.Store
	saves atomic.Int64
}

func (s *countingStore) SaveCalls(ctx context.Context, rows []recordings.Row, segments ...recordings.SegmentRow) error {
	s.saves.Add(1)
	return s.Store.SaveCalls(ctx, rows, segments...)
}

// Every change of a closed recording or of its row is named; nothing changed
// is ever played.
func TestVerifyNamesWhatIsChanged(t *testing.T) {
	h := newHouse(t)
	v := h.open(t)
	visit := begin(t, v)
	rec := record(t, visit, 0)
	for at := media.Time(0); at < 32000; at += media.FrameSamples {
		rec.Frame(media.TrackCaller, at, media.PCMU, pattern(media.TrackCaller, at))
	}
	finish(t, visit)
	wantWhole(t, v)
	path := filepath.Join(h.dir, recordings.AudioName(visit.ID()))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, where string
		change      func([]byte) []byte
	}{
		{"a bit of sound", "part 0", func(b []byte) []byte { b[len(b)/8] ^= 1; return b }},
		{"a bit of the third part", "part 2", func(b []byte) []byte { b[len(b)*5/8] ^= 1; return b }},
		{"the epoch's salt", "part 0", func(b []byte) []byte { b[180] ^= 1; return b }},
		{"the start time", "part 0", func(b []byte) []byte { b[15] ^= 1; return b }},
		{"the magic", "header", func(b []byte) []byte { b[0] = 'X'; return b }},
		{"the end", "part 4", func(b []byte) []byte { return b[:len(b)-1] }},
		{"the whole last part", "end", func(b []byte) []byte { return b[:len(b)-40] }},
		{"bytes added", "part 5", func(b []byte) []byte { return append(b, 0) }},
		{"nothing left", "end", func(b []byte) []byte { return b[:0] }},
	} {
		if err := os.WriteFile(path, c.change(bytes.Clone(whole)), 0o600); err != nil {
			t.Fatal(err)
		}
		faults, err := v.Verify(context.Background(), visit.ID())
		if err != nil || len(faults) == 0 || faults[0].Where != c.where {
			t.Errorf("%s: %+v, %v", c.name, faults, err)
		}
		if pcm, err := tryListen(v, visit.ID()); err == nil {
			t.Errorf("%s: %d bytes were played", c.name, len(pcm))
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	stray := filepath.Join(filepath.Dir(path), "PS170000000000012345.ivr")
	if err := os.WriteFile(stray, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	faults, err := v.Verify(context.Background(), "")
	if err != nil || len(faults) != 2 || faults[0].What != "is missing" || faults[1].Object != "PS170000000000012345" {
		t.Errorf("removed and stray: %+v, %v", faults, err)
	}
}

func tryListen(v *recordings.Vault, id string) ([]byte, error) {
	p, err := v.Play(context.Background(), id, media.TrackNone)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return io.ReadAll(p)
}

func TestVerifyNamesChangedRows(t *testing.T) {
	h := newHouse(t)
	v := h.open(t)
	visit := begin(t, v)
	finish(t, visit)
	ctx := context.Background()
	row, err := h.store.Call(ctx, visit.ID())
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*recordings.Row){
		"agent":    func(r *recordings.Row) { r.Agent = "mallory" },
		"time":     func(r *recordings.Row) { r.StartedAt++ },
		"end":      func(r *recordings.Row) { r.EndedAt = 0 },
		"doc":      func(r *recordings.Row) { r.Doc = bytes.Replace(r.Doc, []byte("PS"), []byte("AP"), 1) },
		"personal": func(r *recordings.Row) { r.Personal = append(bytes.Clone(r.Personal), 0) },
		"index":    func(r *recordings.Row) { r.FromIndex = nil },
		"key":      func(r *recordings.Row) { r.Key = "subject/other" },
		"open":     func(r *recordings.Row) { r.Open = true },
		"mac":      func(r *recordings.Row) { r.MAC = []byte{} },
	} {
		changed := row
		change(&changed)
		if err := h.store.SaveCalls(ctx, []recordings.Row{changed}); err != nil {
			t.Fatal(err)
		}
		faults, err := v.Verify(ctx, visit.ID())
		if err != nil || len(faults) == 0 || faults[0].Where != "record" {
			t.Errorf("%s: %+v, %v", name, faults, err)
		}
	}
	// A crash does not launder what was changed.
	row.Open, row.Agent = true, "mallory"
	if err := errors.Join(h.store.SaveCalls(ctx, []recordings.Row{row}), v.Close()); err != nil {
		t.Fatal(err)
	}
	v = h.open(t)
	if faults, err := v.Verify(ctx, ""); err != nil || len(faults) != 1 {
		t.Errorf("after a restart: %+v, %v", faults, err)
	}
}

// What somebody wrote into a row is not served, and does not take the other
// calls away.
func TestChangedRowsAreNotServed(t *testing.T) {
	h := newHouse(t)
	v := h.open(t)
	ctx := context.Background()
	good, bad := begin(t, v), begin(t, v)
	rec := record(t, bad, 0)
	rec.Frame(media.TrackCaller, 0, media.PCMU, pattern(media.TrackCaller, 0))
	for _, visit := range []recordings.Visit{good, bad} {
		visit.Update(func(c *recordings.Call) { c.Queue, c.Agent = "cards", "alice" })
		finish(t, visit)
	}
	row, err := h.store.Call(ctx, bad.ID())
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*recordings.Row){
		"agent":    func(r *recordings.Row) { r.Agent = "mallory" },
		"doc":      func(r *recordings.Row) { r.Doc = bytes.Replace(r.Doc, []byte("alice"), []byte("mallory"), 1) },
		"no doc":   func(r *recordings.Row) { r.Doc = []byte("{") },
		"personal": func(r *recordings.Row) { r.Personal = []byte{1, 2} },
		"mac":      func(r *recordings.Row) { r.MAC = []byte{} },
	} {
		changed := row
		change(&changed)
		if err := h.store.SaveCalls(ctx, []recordings.Row{changed}); err != nil {
			t.Fatal(err)
		}
		if c, err := v.Call(ctx, bad.ID()); !errors.Is(err, recordings.ErrDamaged) || c.ID != "" {
			t.Errorf("%s: served %+v, %v", name, c, err)
		}
		if _, err := tryListen(v, bad.ID()); !errors.Is(err, recordings.ErrDamaged) {
			t.Errorf("%s: play: %v", name, err)
		}
		wantListedBare(t, v, good.ID(), bad.ID())
	}
	if !strings.Contains(h.log.String(), "call_id="+bad.ID()) {
		t.Error("nothing was logged")
	}
	if err := h.store.SaveCalls(ctx, []recordings.Row{row}); err != nil {
		t.Fatal(err)
	}
	if err := execSQL(filepath.Join(h.dir, "ivrd.db"), "UPDATE keys SET wrapped = x'0102' WHERE id = 'subject/call/"+bad.ID()+"'"); err != nil {
		t.Fatal(err)
	}
	wantListedBare(t, v, good.ID(), bad.ID())
}

// wantListedBare lists two calls, one of them damaged.
func wantListedBare(t *testing.T, v *recordings.Vault, good, bad string) {
	t.Helper()
	list, _, err := v.Calls(context.Background(), recordings.Query{})
	if err != nil || len(list) != 2 {
		t.Errorf("%d calls are listed, %v", len(list), err)
	}
	for _, c := range list {
		if c.ID == good && c.Agent == "alice" && c.From != "" {
			continue
		}
		if c.ID != bad || c.StartedAt.IsZero() || c.Recording.State != "damaged" || c.Queue+c.Agent+c.From+c.To+c.Node != "" {
			t.Errorf("listed: %+v", c)
		}
	}
}

func TestAuditChain(t *testing.T) {
	h := newHouse(t)
	v := h.open(t)
	ctx := context.Background()
	for i := range 6 {
		if err := v.Audit(ctx, recordings.AuditEntry{Actor: "otto", Role: "auditor", Action: "play", Object: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	wantWhole(t, v)
	if err := errors.Join(v.Close(), h.store.Close()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, sql, where string }{
		{"changed", "UPDATE audit SET actor = 'x' WHERE seq = 3", "entry 3"},
		{"time changed", "UPDATE audit SET at = at + 1 WHERE seq = 3", "entry 3"},
		{"deleted", "DELETE FROM audit WHERE seq = 3", "entry 4"},
		{"reordered", "UPDATE audit SET seq = CASE seq WHEN 2 THEN 30 ELSE seq END", "entry 3"},
		{"tail cut", "DELETE FROM audit WHERE seq = 6", "end"},
		{"all gone", "DELETE FROM audit", "end"},
		{"added", "INSERT INTO audit SELECT 7, at, actor, role, action, object, reason, ip, hash, hash, mac FROM audit WHERE seq = 6", "entry 7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(h.dir)); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(filepath.Join(dir, "root.key"), 0o600); err != nil {
				t.Fatal(err)
			}
			spoil(t, filepath.Join(dir, "ivrd.db"), c.sql)
			wantAuditFault(t, dir, c.where, true)
			// A server that starts and goes on writing does not cover it up.
			own := openHouse(t, dir)
			v := own.open(t)
			if err := v.Audit(ctx, recordings.AuditEntry{Actor: "system", Action: "start"}); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(v.Close(), own.store.Close()); err != nil {
				t.Fatal(err)
			}
			wantAuditFault(t, dir, c.where, false)
		})
	}
	t.Run("head gone", func(t *testing.T) {
		if err := os.Remove(filepath.Join(h.dir, "audit.head")); err != nil {
			t.Fatal(err)
		}
		wantAuditFault(t, h.dir, "head", true)
	})
	t.Run("head changed", func(t *testing.T) {
		if err := os.WriteFile(filepath.Join(h.dir, "audit.head"), []byte("ivrd-audit-head 6 aa "+hex.EncodeToString(make([]byte, 32))), 0o600); err != nil {
			t.Fatal(err)
		}
		wantAuditFault(t, h.dir, "", true)
	})
}

func spoil(t *testing.T, path, query string) {
	t.Helper()
	if err := execSQL(path, query); err != nil {
		t.Fatal(err)
	}
}

// wantAuditFault inspects; exactly says that the fault must be at the place.
func wantAuditFault(t *testing.T, dir, where string, exactly bool) {
	t.Helper()
	h := openHouse(t, dir)
	h.cfg.Inspect = true
	v := h.open(t)
	faults, err := v.VerifyAudit(context.Background())
	if err != nil || len(faults) == 0 || exactly && where != "" && faults[0].Where != where {
		t.Errorf("%+v, %v; want a fault at %q", faults, err, where)
	}
	if err := errors.Join(v.Close(), h.store.Close()); err != nil {
		t.Error(err)
	}
}
