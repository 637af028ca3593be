package recordings_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/transcript"
)

func words(seq int, text string) transcript.Segment {
	return transcript.Segment{
		Seq: seq, Speaker: transcript.Caller, StartMS: int64(seq) * 1000, EndMS: int64(seq)*1000 + 800,
		Kind: transcript.Spoken, Text: text, Final: true, Engine: "house",
	}
}

func segments(t testing.TB, v *recordings.Vault, id string) []transcript.Segment {
	t.Helper()
	all, err := v.Transcript(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestTranscriptIsKept: what was said is there while the call runs, after its end and
// after a restart; a segment that comes again replaces the first.
func TestTranscriptIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		v := h.open(t)
		visit := begin(t, v)
		visit.Update(func(c *recordings.Call) { c.Transcript.Coverage = transcript.CoverageConversation })
		visit.Say(words(2, "second"))
		time.Sleep(time.Second) // it is saved
		visit.Say(words(3, "third"))
		visit.Say(words(1, "first"))
		visit.Say(words(2, "better"))
		want := []transcript.Segment{words(1, "first"), words(2, "better"), words(3, "third")}
		if got := segments(t, v, visit.ID()); !reflect.DeepEqual(got, want) {
			t.Errorf("while it runs: %+v", got)
		}
		finish(t, visit)
		visit.Say(words(4, "too late"))
		check := func(v *recordings.Vault) {
			t.Helper()
			if got := segments(t, v, visit.ID()); !reflect.DeepEqual(got, want) {
				t.Errorf("afterwards: %+v", got)
			}
			c, err := v.Call(context.Background(), visit.ID())
			w := c.Transcript
			if err != nil || w.Segments != 3 || w.Coverage != transcript.CoverageConversation || !reflect.DeepEqual(w.Engines, []string{"house"}) {
				t.Errorf("the record says %+v, %v", w, err)
			}
			if faults, err := v.Verify(context.Background(), ""); err != nil || len(faults) > 0 {
				t.Errorf("verify: %v, %v", faults, err)
			}
		}
		check(v)
		if err := v.Annotate(context.Background(), visit.ID(), recordings.Annotation{Notes: "n"}); err != nil {
			t.Fatal(err)
		}
		check(v)
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		check(h.open(t))
	})
}

// TestTranscriptSurvivesCrash: what is saved when the process dies is there, and whole.
func TestTranscriptSurvivesCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		v := h.open(t)
		visit := begin(t, v)
		visit.Say(words(1, "before"))
		time.Sleep(time.Second)
		if err := v.Close(); err != nil { // leaves the call open, as a crash does
			t.Fatal(err)
		}
		v = h.open(t)
		if got := segments(t, v, visit.ID()); !reflect.DeepEqual(got, []transcript.Segment{words(1, "before")}) {
			t.Errorf("after the crash: %+v", got)
		}
		if faults, err := v.Verify(context.Background(), ""); err != nil || len(faults) > 0 {
			t.Errorf("verify: %v, %v", faults, err)
		}
	})
}

// TestTranscriptIsSealed: no word is in clear on the disk, and no segment can be
// changed, taken away or put back to what it was.
func TestTranscriptIsSealed(t *testing.T) {
	h := newHouse(t)
	v := h.open(t)
	visit := begin(t, v)
	visit.Say(words(1, "cormorant"))
	visit.Say(words(2, "pelican"))
	ctx := context.Background()
	old := saved(t, h, visit.ID(), 2)
	visit.Say(words(2, "albatross"))
	finish(t, visit)
	if err := v.Close(); err != nil { // else it may still be in memory
		t.Fatal(err)
	}
	v = h.open(t)
	now, err := h.store.Segments(ctx, visit.ID())
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(h.dir, "ivrd.db*"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("cormorant")) || bytes.Contains(b, []byte("albatross")) {
			t.Errorf("words are in clear in %s", f)
		}
	}
	row, err := h.store.Call(ctx, visit.ID())
	if err != nil {
		t.Fatal(err)
	}
	changed := now[0]
	changed.Sealed = append([]byte(nil), changed.Sealed...)
	changed.Sealed[len(changed.Sealed)-1] ^= 1
	swapped := recordings.SegmentRow{Call: visit.ID(), Seq: 2, Sealed: now[0].Sealed}
	added := recordings.SegmentRow{Call: visit.ID(), Seq: 3, Sealed: now[1].Sealed}
	for _, c := range []struct {
		name string
		with recordings.SegmentRow
	}{{"changed", changed}, {"old", old[1]}, {"swapped", swapped}, {"added", added}} {
		if err := h.store.SaveCalls(ctx, []recordings.Row{row}, c.with); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Transcript(ctx, visit.ID()); !errors.Is(err, recordings.ErrDamaged) {
			t.Errorf("%s: it is served: %v", c.name, err)
		}
		faults, err := v.Verify(ctx, visit.ID())
		if err != nil || len(faults) == 0 || !strings.HasPrefix(faults[len(faults)-1].Where, "transcript") {
			t.Errorf("%s: verify says %v, %v", c.name, faults, err)
		}
		if err := h.store.SaveCalls(ctx, []recordings.Row{row}, now...); err != nil {
			t.Fatal(err)
		}
	}
}

// saved waits for segments to be in the store.
func saved(t *testing.T, h *house, id string, n int) []recordings.SegmentRow {
	t.Helper()
	var rows []recordings.SegmentRow
	testkit.Eventually(t, 10*time.Second, "the segments are in the store", func() (done bool) {
		var err error
		if rows, err = h.store.Segments(context.Background(), id); err != nil {
			t.Fatal(err)
		}
		return len(rows) == n
	})
	return rows
}

// TestTranscriptDiesWithItsKey: erased callers have no words left.
func TestTranscriptDiesWithItsKey(t *testing.T) {
	h := newHouse(t)
	v := h.open(t)
	visit := begin(t, v)
	visit.Say(words(1, "forget me"))
	finish(t, visit)
	if err := v.Close(); err != nil { // else it may still be in memory
		t.Fatal(err)
	}
	v = h.open(t)
	if err := h.store.DeleteKey(context.Background(), "subject/call/"+visit.ID()); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Transcript(context.Background(), visit.ID()); !errors.Is(err, recordings.ErrNotFound) {
		t.Errorf("of somebody who was erased: %v", err)
	}
}
