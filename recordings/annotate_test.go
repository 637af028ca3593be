package recordings_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/recordings"
)

const noted = "wants a call at 7 c0ffee"

func annotate(t *testing.T, v *recordings.Vault, id, disposition, notes string) {
	t.Helper()
	if err := v.Annotate(context.Background(), id, recordings.Annotation{Disposition: disposition, Notes: notes}); err != nil {
		t.Fatal(err)
	}
}

func wantAnnotation(t *testing.T, v *recordings.Vault, id, disposition, notes string) {
	t.Helper()
	c := call(t, v, id)
	if c.Disposition != disposition || c.Notes != notes || c.From != "+8613800138000" || c.To != "1000" {
		t.Errorf("the record says %q %q, want %q %q: %+v", c.Disposition, c.Notes, disposition, notes, c)
	}
}

// TestAnnotate: during the call, while it is being closed, after it and after
// the archive was opened again; never in clear on the disk.
func TestAnnotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		v := h.open(t)
		visit := begin(t, v)
		annotate(t, v, visit.ID(), "", noted)
		wantAnnotation(t, v, visit.ID(), "", noted)
		time.Sleep(time.Second)
		row, err := h.store.Call(context.Background(), visit.ID())
		if err != nil || bytes.Contains(row.Doc, []byte("c0ffee")) {
			t.Errorf("the row (%v) holds the notes in clear: %s", err, row.Doc)
		}
		finish(t, visit)
		annotate(t, v, visit.ID(), "follow-up", noted+"!")
		wantAnnotation(t, v, visit.ID(), "follow-up", noted+"!")
		time.Sleep(time.Second)
		annotate(t, v, visit.ID(), "resolved", noted+"?")
		wantAnnotation(t, v, visit.ID(), "resolved", noted+"?")
		if c := call(t, v, visit.ID()); c.EndedAt.IsZero() || c.End.IsZero() {
			t.Errorf("the end was lost: %+v", c)
		}
		wantWhole(t, v)
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(onDisk(t, h.dir), []byte("c0ffee")) {
			t.Error("notes lie on the disk in clear")
		}
		again := h.open(t)
		wantAnnotation(t, again, visit.ID(), "resolved", noted+"?")
		if err := errors.Join(again.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

// TestAnnotateWhileClosing: a word that comes while the end is being saved is
// not lost to it.
func TestAnnotateWhileClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		v := h.open(t)
		for range 50 {
			visit := begin(t, v)
			done := make(chan struct{})
			go func() { defer close(done); finish(t, visit) }()
			annotate(t, v, visit.ID(), "resolved", "first")
			<-done
			annotate(t, v, visit.ID(), "complaint", "second")
			time.Sleep(time.Second)
			wantAnnotation(t, v, visit.ID(), "complaint", "second")
		}
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

// TestAnnotatedVisitIsKept: what is said between the last save and the forgetting
// must be saved before a later word is written over it.
func TestAnnotatedVisitIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		v := h.open(t)
		visit := begin(t, v)
		time.Sleep(time.Second)
		if !v.KeptWhenChanged(visit.ID()) {
			t.Error("a change that is not saved is forgotten")
		}
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestAnnotateWhatIsNotThere(t *testing.T) {
	synctest.Test(t, annotateWhatIsNotThere)
}

func annotateWhatIsNotThere(t *testing.T) {
	h := newHouse(t)
	v := h.open(t)
	ctx, said := context.Background(), recordings.Annotation{Notes: "x"}
	if err := v.Annotate(ctx, "PS170000000000000000", said); !errors.Is(err, recordings.ErrNotFound) {
		t.Errorf("an unknown call: %v", err)
	}
	visit := begin(t, v)
	finish(t, visit)
	synctest.Wait() // until it is not in memory any more
	row, err := h.store.Call(ctx, visit.ID())
	if err != nil {
		t.Fatal(err)
	}
	changed := row
	changed.Doc = []byte(strings.Replace(string(row.Doc), `"PS"`, `"WB"`, 1))
	if err := h.store.SaveCalls(ctx, []recordings.Row{changed}); err != nil {
		t.Fatal(err)
	}
	if err := v.Annotate(ctx, visit.ID(), said); !errors.Is(err, recordings.ErrDamaged) {
		t.Errorf("a changed record: %v", err)
	}
	if err := h.store.DeleteKey(ctx, row.Key); err != nil {
		t.Fatal(err)
	}
	if err := h.store.SaveCalls(ctx, []recordings.Row{row}); err != nil {
		t.Fatal(err)
	}
	if err := v.Annotate(ctx, visit.ID(), said); !errors.Is(err, recordings.ErrNotFound) {
		t.Errorf("an erased caller: %v", err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if err := v.Annotate(ctx, visit.ID(), said); !errors.Is(err, recordings.ErrClosed) {
		t.Errorf("a closed archive: %v", err)
	}
	if err := h.store.Close(); err != nil {
		t.Error(err)
	}
}
