package recordings_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/plc"
	"github.com/ivrd/ivrd/recordings"
)

func TestRecordAndPlay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		v := h.open(t)
		visit := begin(t, v)
		rec := record(t, visit, 0)
		end := talk(rec, 0, 2500*time.Millisecond, media.TrackCaller, media.TrackPrompts, media.TrackWhisper)
		// Of a running call the last durable second is heard.
		time.Sleep(time.Second)
		live := listen(t, v, visit.ID(), media.TrackCaller)
		wantSound(t, "live", live, said(media.TrackCaller, 0, end))
		visit.Update(func(c *recordings.Call) { c.Agent = "alice"; c.Language = "zh" })
		finish(t, visit)

		wantSound(t, "whisper", listen(t, v, visit.ID(), media.TrackWhisper), said(media.TrackWhisper, 0, end))
		stereo := listen(t, v, visit.ID(), media.TrackNone)
		left, right := make([]int16, len(stereo)/2), make([]int16, len(stereo)/2)
		for i := range left {
			left[i], right[i] = stereo[2*i], stereo[2*i+1]
		}
		wantSound(t, "left", left, said(media.TrackCaller, 0, end))
		wantSound(t, "right, without the whisper", right, said(media.TrackPrompts, 0, end))
		c := call(t, v, visit.ID())
		if c.Recording.State != "complete" || c.Recording.DurationMS != 2500 || len(c.Recording.Gaps) != 0 {
			t.Errorf("recording: %+v", c.Recording)
		}
		if c.Agent != "alice" || c.From != "+8613800138000" || c.End != leg.CallerHangup || c.EndedAt.IsZero() {
			t.Errorf("record: %+v", c)
		}
		wantWhole(t, v)
		if bytes.Contains(onDisk(t, h.dir), pattern(media.TrackCaller, 0)) {
			t.Error("sound lies on the disk in clear")
		}
		if err := errors.Join(v.Close(), v.Close()); err != nil {
			t.Error(err)
		}
		if err := h.store.Close(); err != nil {
			t.Error(err)
		}
	})
}

// The number that a caller was sent to is as sensitive as the caller's own.
func TestNumbersOutsideAreSealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const number = "+861098765432"
		h := newHouse(t)
		v := h.open(t)
		visit := begin(t, v)
		want := []recordings.Transfer{{AtMS: 1000, By: "alice", Queue: "fraud"}, {AtMS: 9000, By: "bob", Number: number}}
		visit.Update(func(c *recordings.Call) { c.Transfers, c.Connected = want, number })
		finish(t, visit)
		c := call(t, v, visit.ID())
		if got := c.Transfers; !slices.Equal(got, want) || want[1].Number != number || c.Connected != number {
			t.Errorf("transfers %+v, connected %q", got, c.Connected)
		}
		row, err := h.store.Call(context.Background(), visit.ID())
		if err != nil {
			t.Fatal(err)
		}
		if doc := row.Agent + string(row.Doc); strings.Contains(doc, number) || !strings.Contains(doc, `"by":"bob"`) {
			t.Errorf("the number lies open: %s", doc)
		}
		wantWhole(t, v)
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

// Whatever ranges are read, in whatever order, they are those of the whole.
func TestRangesEqualTheWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		v := h.open(t)
		visit := begin(t, v)
		rec := record(t, visit, 0)
		at := talk(rec, 0, 1300*time.Millisecond, media.TrackCaller)
		at = talk(rec, at+777, 900*time.Millisecond, media.TrackAgent)
		at = talk(rec, at, 2*time.Second, media.TrackCaller, media.TrackAgent)
		for range 10 { // losses of 100 ms, wherever parts begin
			for range 5 {
				rec.Frame(media.TrackCaller, at, media.PCMU, nil)
				at += media.FrameSamples
			}
			at = talk(rec, at, 140*time.Millisecond, media.TrackCaller)
		}
		finish(t, visit)
		p, err := v.Play(context.Background(), visit.ID(), media.TrackNone)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(3, 4))
		for range 300 {
			from := rng.IntN(len(whole))
			n := 1 + rng.IntN(len(whole)-from)
			if _, err := p.Seek(int64(from), io.SeekStart); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, n)
			if _, err := io.ReadFull(p, got); err != nil || !bytes.Equal(got, whole[from:from+n]) {
				t.Fatalf("range %d+%d differs (%v)", from, n, err)
			}
		}
		if err := errors.Join(p.Close(), p.Close(), v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		v := h.open(t)
		visit := begin(t, v)
		rec := record(t, visit, 0)
		at := talk(rec, 0, 500*time.Millisecond, media.TrackCaller)
		// The pause begins before what was tapped last: that is dropped too.
		pause := at - 3*media.FrameSamples
		rec.Pause(pause, "secret")
		rec.Pause(pause, "off") // does not nest
		resume := talk(rec, at, 3*time.Second, media.TrackCaller)
		rec.Frame(media.TrackCaller, pause-media.FrameSamples, media.PCMU, pattern(media.TrackCaller, 0))
		rec.Resume(resume)
		rec.Frame(media.TrackCaller, resume-media.FrameSamples, media.PCMU, pattern(media.TrackCaller, 5))
		end := talk(rec, resume, 700*time.Millisecond, media.TrackCaller)
		finish(t, visit)

		got := listen(t, v, visit.ID(), media.TrackCaller)
		want := slices.Concat(said(media.TrackCaller, 0, pause), make([]int16, resume-pause), said(media.TrackCaller, resume, end))
		wantSound(t, "caller", got, want)
		gaps := call(t, v, visit.ID()).Recording.Gaps
		if !slices.Equal(gaps, []recordings.Gap{{FromMS: 440, ToMS: 3500, Cause: "secret"}}) {
			t.Errorf("gaps: %+v", gaps)
		}
		wantWhole(t, v)
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestLineLossAndCodecs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		v := h.open(t)
		visit := begin(t, v)
		rec := record(t, visit, 0)
		pcm := media.Tone(1000, -10, 20*time.Millisecond)
		alaw := make([]byte, len(pcm))
		media.PCMA.Encode(alaw, pcm)
		rec.Frame(media.TrackCaller, 0, media.PCMU, pattern(media.TrackCaller, 0))
		rec.Frame(media.TrackCaller, 160, media.PCMU, nil)
		rec.Frame(media.TrackCaller, 320, media.PCMA, alaw)
		rec.Frame(media.TrackCaller, 320, media.PCMA, alaw)      // twice
		rec.Frame(media.TrackCaller, 400, media.PCMA, alaw)      // overlaps by half
		rec.Frame(media.TrackCaller, -160, media.PCMU, alaw)     // before the call
		rec.Frame(media.TrackCaller, 1<<40, media.PCMU, alaw)    // out of all reason
		rec.Frame(media.TrackNone, 0, media.PCMU, alaw)          // no track
		rec.Frame(media.Track(77), 0, media.PCMU, alaw)          // none that we know
		rec.Frame(media.TrackCaller, 560, media.Codec(9), alaw)  // no codec
		rec.Frame(media.TrackCaller, 720, media.PCMU, []byte{})  // empty
		rec.Frame(media.TrackCaller, 720, media.PCMU, alaw[:80]) // short
		finish(t, visit)
		a := make([]int16, 160)
		media.PCMA.Decode(a, alaw)
		u := make([]int16, 80)
		media.PCMU.Decode(u, alaw[:80])
		want := slices.Concat(said(media.TrackCaller, 0, 160), make([]int16, 160), a, a[80:], make([]int16, 160), u)
		// What was lost on the line is concealed, from the part that it ends.
		second := slices.Clone(want[320:560])
		hear := plc.New(media.SampleRate)
		hear.Good(want[:160])
		hear.Lost(want[160:320])
		hear.Good(want[320:560])
		hear.Reset(media.SampleRate)
		hear.Good(second)
		hear.Lost(want[560:720])
		hear.Good(want[720:])
		wantSound(t, "caller", listen(t, v, visit.ID(), media.TrackCaller), want)
		if c := call(t, v, visit.ID()); c.Recording.State != "complete" || len(c.Recording.Gaps) != 0 {
			t.Errorf("a loss on the line is none of the recorder's: %+v", c.Recording)
		}
		wantWhole(t, v)
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

// What was lost between two frames of one part goes over into the second.
func TestLossIsBridged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		v := h.open(t)
		visit := begin(t, v)
		rec := record(t, visit, 0)
		want := media.Tone(300, -10, 100*time.Millisecond)
		coded := make([]byte, len(want))
		media.PCMU.Encode(coded, want)
		media.PCMU.Decode(want, coded)
		for at := 0; at < len(coded); at += media.FrameSamples {
			frame := coded[at:][:media.FrameSamples]
			if at == 2*media.FrameSamples {
				frame = nil
			}
			rec.Frame(media.TrackCaller, media.Time(at), media.PCMU, frame)
		}
		finish(t, visit)
		hear := plc.New(media.SampleRate)
		hear.Good(want[:320])
		hear.Between(want[320:480], 0, want[480:])
		wantSound(t, "caller", listen(t, v, visit.ID(), media.TrackCaller), want)
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

// No number of a caller stands in any file, in any spelling.
func TestNumbersAreSealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		v := h.open(t)
		visit := begin(t, v)
		visit.Update(func(c *recordings.Call) { c.To = "95588077" })
		finish(t, visit)
		for _, q := range []struct {
			from string
			want int
		}{{"+86 138-0013-8000", 1}, {"008613800138000", 1}, {"13800138001", 0}, {"+", 0}} {
			calls, _, err := v.Calls(context.Background(), recordings.Query{From: q.from})
			if err != nil || len(calls) != q.want {
				t.Errorf("from %s: %d calls, %v", q.from, len(calls), err)
			}
			if q.want == 1 && calls[0].To != "95588077" {
				t.Errorf("to is %q", calls[0].To)
			}
		}
		for _, secret := range []string{"13800138000", "95588077"} {
			if bytes.Contains(onDisk(t, h.dir), []byte(secret)) || strings.Contains(h.log.String(), secret) {
				t.Errorf("%s stands in clear", secret)
			}
		}
		// With the subject's key everything that names the person is gone; the
		// record stays and is whole.
		if err := h.store.DeleteKey(context.Background(), "subject/call/"+visit.ID()); err != nil {
			t.Fatal(err)
		}
		if c := call(t, v, visit.ID()); c.From != "" || c.ID != visit.ID() {
			t.Errorf("after the key was destroyed: %+v", c)
		}
		wantWhole(t, v)
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestRecordIsSavedAsTheCallGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		v := h.open(t)
		visit := begin(t, v)
		for i := range 100 {
			visit.Update(func(c *recordings.Call) {
				c.Path = append(c.Path, recordings.Step{Flow: "main", Node: "menu", AtMS: int64(i)})
				c.ID, c.Recording.State, c.Node = "XX", "complete", "b" // not the caller's to set
			})
		}
		time.Sleep(time.Second)
		row, err := h.store.Call(context.Background(), visit.ID())
		if err != nil || !bytes.Contains(row.Doc, []byte(`"at_ms":99`)) || !row.Open || row.Node != "a" {
			t.Errorf("row after a second: %s, %v", row.Doc, err)
		}
		finish(t, visit)
		finish(t, visit) // does nothing
		visit.Update(func(c *recordings.Call) { c.Queue = "late" })
		c := call(t, v, visit.ID())
		if len(c.Path) != 100 || c.Recording.State != "none" || c.Queue != "" {
			t.Errorf("record: %+v", c)
		}
		if _, err := visit.Record(0); err == nil {
			t.Error("a recording began after the end")
		}
		if _, err := v.Play(context.Background(), visit.ID(), media.TrackNone); !errors.Is(err, recordings.ErrNotFound) {
			t.Errorf("play what was not recorded: %v", err)
		}
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
		if _, err := v.Begin(context.Background(), recordings.Call{Channel: "PS"}); !errors.Is(err, recordings.ErrClosed) {
			t.Errorf("begin after Close: %v", err)
		}
	})
}

func TestPages(t *testing.T) {
	h := newHouse(t)
	v := h.open(t)
	at := time.Now()
	for range 7 { // in one millisecond: the random digits tell them apart
		if _, err := v.Begin(context.Background(), recordings.Call{Channel: "WB", StartedAt: at}); err != nil {
			t.Fatal(err)
		}
	}
	seen, q := map[string]bool{}, recordings.Query{Limit: 3, State: "live"}
	for range 3 {
		calls, next, err := v.Calls(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range calls {
			seen[c.ID] = true
		}
		q.Cursor = next
	}
	if len(seen) != 7 || q.Cursor != "" {
		t.Errorf("saw %d calls, cursor %q", len(seen), q.Cursor)
	}
	for _, bad := range []recordings.Query{{Limit: 501}, {Limit: -1}, {State: "x"}, {Cursor: "x"}, {Cursor: "1-x"}} {
		if _, _, err := v.Calls(context.Background(), bad); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
	for _, id := range []string{"", "../../etc/passwd", "PS1", "PS00000000000000000a"} {
		if _, err := v.Play(context.Background(), id, media.TrackNone); !errors.Is(err, recordings.ErrNotFound) {
			t.Errorf("play %q: %v", id, err)
		}
	}
}

func TestOnlyOneServer(t *testing.T) {
	h := newHouse(t)
	v := h.open(t)
	if _, err := recordings.Open(context.Background(), h.cfg, h.deps); !errors.Is(err, recordings.ErrLocked) {
		t.Errorf("a second server: %v", err)
	}
	h.cfg.Inspect = true
	beside := h.open(t)
	if _, err := beside.Begin(context.Background(), recordings.Call{Channel: "PS"}); !errors.Is(err, recordings.ErrClosed) {
		t.Errorf("begin while inspecting: %v", err)
	}
	// Both may write to the audit log.
	for _, one := range []*recordings.Vault{v, beside, v, beside} {
		if err := one.Audit(context.Background(), recordings.AuditEntry{Actor: "ada", Action: "key.rotate"}); err != nil {
			t.Error(err)
		}
	}
	wantWhole(t, v)
	if err := errors.Join(beside.Close(), v.Close()); err != nil {
		t.Error(err)
	}
	h.cfg.Inspect = false
	if err := h.open(t).Close(); err != nil {
		t.Error(err)
	}
}

func TestKeyRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		v := h.open(t)
		old := begin(t, v)
		rec := record(t, old, 0)
		end := talk(rec, 0, time.Second, media.TrackCaller)
		if _, err := h.keys.Rotate(); err != nil {
			t.Fatal(err)
		}
		young := begin(t, v)
		status, err := v.KeyStatus(context.Background())
		if err != nil || len(status) != 2 || status[0].Keys == 0 || status[1].Keys == 0 || !status[1].Newest {
			t.Errorf("status: %+v, %v", status, err)
		}
		if n, err := v.Rewrap(context.Background()); err != nil || n != 4 {
			t.Errorf("rewrapped %d keys, %v", n, err)
		}
		if status, err = v.KeyStatus(context.Background()); err != nil || len(status) != 1 || status[0].Version != 2 {
			t.Errorf("status: %+v, %v", status, err)
		}
		finish(t, old)
		finish(t, young)
		wantSound(t, "old", listen(t, v, old.ID(), media.TrackCaller), said(media.TrackCaller, 0, end))
		wantWhole(t, v)
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}
