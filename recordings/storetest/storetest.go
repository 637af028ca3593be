// Package storetest is the conformance suite of recordings.Store.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/seal"
	"github.com/ivrd/ivrd/recordings"
)

// Run proves a store. open gives an empty one; it closes with the test.
func Run(t *testing.T, open func(*testing.T) recordings.Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, recordings.Store)
	}{
		{"Calls", testCalls},
		{"CreateIsAllOrNothing", testCreateAtomic},
		{"SaveIsAllOrNothing", testSavedAtomic},
		{"Segments", testSegments},
		{"Query", testQuery},
		{"Paging", testPaging},
		{"Unfinished", testUnfinished},
		{"Audit", testAudit},
		{"Keys", testKeys},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() {
				if err := errors.Join(s.Close(), s.Close()); err != nil {
					t.Errorf("close twice: %v", err)
				}
			})
			c.test(t, s)
		})
	}
}

func row(n int) recordings.Row {
	at := int64(1700000000000 + n)
	return recordings.Row{
		ID: fmt.Sprintf("PS%d%05d", at, n), Node: "a", StartedAt: at, SavedAt: at, Open: true,
		FromIndex: []byte{byte(n), 1}, Key: "subject/1", Personal: []byte{1}, Doc: []byte(`{}`), MAC: []byte{2},
	}
}

func create(t *testing.T, s recordings.Store, rows ...recordings.Row) {
	t.Helper()
	for _, r := range rows {
		if err := s.CreateCall(context.Background(), r); err != nil {
			t.Fatalf("create %s: %v", r.ID, err)
		}
	}
}

func want(t *testing.T, what string, got, wanted error) {
	t.Helper()
	if !errors.Is(got, wanted) {
		t.Errorf("%s: %v, want %v", what, got, wanted)
	}
}

func testCalls(t *testing.T, s recordings.Store) {
	ctx := context.Background()
	r := row(1)
	create(t, s, r)
	want(t, "create again", s.CreateCall(ctx, r), recordings.ErrExists)
	if got, err := s.Call(ctx, r.ID); err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("got %+v, %v; want %+v", got, err, r)
	}
	_, err := s.Call(ctx, "PS000000000000000000")
	want(t, "a call that is not there", err, recordings.ErrNotFound)
	r.Agent, r.Queue, r.EndedAt, r.Open, r.FromIndex = "alice", "q", 5, false, nil
	if err := s.SaveCalls(ctx, []recordings.Row{r}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Call(ctx, r.ID); err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("saved %+v, %v; want %+v", got, err, r)
	}
}

func testCreateAtomic(t *testing.T, s recordings.Store) {
	ctx := context.Background()
	k := seal.StoredKey{ID: "call/1", Purpose: seal.ForRecording, Wrapped: []byte{1}}
	if err := s.CreateCall(ctx, row(1), k); err != nil {
		t.Fatal(err)
	}
	want(t, "create with a taken key", s.CreateCall(ctx, row(2), k), recordings.ErrExists)
	_, err := s.Call(ctx, row(2).ID)
	want(t, "the row beside the taken key", err, recordings.ErrNotFound)
}

func testSavedAtomic(t *testing.T, s recordings.Store) {
	ctx := context.Background()
	create(t, s, row(1))
	changed := row(1)
	changed.Agent = "bob"
	want(t, "save with a row that is not there",
		s.SaveCalls(ctx, []recordings.Row{changed, row(2)}), recordings.ErrNotFound)
	if got, err := s.Call(ctx, changed.ID); err != nil || got.Agent != "" {
		t.Errorf("half of a save was kept: %q, %v", got.Agent, err)
	}
}

func testSegments(t *testing.T, s recordings.Store) {
	ctx := context.Background()
	a, b := row(1), row(2)
	create(t, s, a, b)
	seg := func(id string, seq int, sealed byte) recordings.SegmentRow {
		return recordings.SegmentRow{Call: id, Seq: seq, Sealed: []byte{sealed}}
	}
	save := func(rows []recordings.Row, segments ...recordings.SegmentRow) error {
		return s.SaveCalls(ctx, rows, segments...)
	}
	if got, err := s.Segments(ctx, a.ID); err != nil || len(got) != 0 {
		t.Errorf("of a call without any: %v, %v", got, err)
	}
	err := errors.Join(
		save([]recordings.Row{a, b}, seg(a.ID, 2, 1), seg(a.ID, 10, 2), seg(b.ID, 2, 3)),
		save([]recordings.Row{a}, seg(a.ID, 1, 4), seg(a.ID, 2, 5)))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "save beside a row that is not there", save([]recordings.Row{row(3)}, seg(a.ID, 3, 6)), recordings.ErrNotFound)
	for id, wanted := range map[string][]recordings.SegmentRow{
		a.ID: {seg(a.ID, 1, 4), seg(a.ID, 2, 5), seg(a.ID, 10, 2)},
		b.ID: {seg(b.ID, 2, 3)},
	} {
		if got, err := s.Segments(ctx, id); err != nil || !reflect.DeepEqual(got, wanted) {
			t.Errorf("segments of %s: %v, %v; want %v", id, got, err, wanted)
		}
	}
}

func ids(rows []recordings.Row) []string {
	list := []string{}
	for _, r := range rows {
		list = append(list, r.ID)
	}
	return list
}

func testQuery(t *testing.T, s recordings.Store) {
	a, b, c := row(1), row(2), row(3)
	a.Queue, b.Queue, b.Agent, b.EndedAt, c.FromIndex = "x", "y", "alice", 9, a.FromIndex
	create(t, s, a, b, c)
	for name, q := range map[string]struct {
		q    recordings.RowQuery
		want []recordings.Row
	}{
		"all":         {recordings.RowQuery{}, []recordings.Row{c, b, a}},
		"live":        {recordings.RowQuery{State: "live"}, []recordings.Row{c, a}},
		"ended":       {recordings.RowQuery{State: "ended"}, []recordings.Row{b}},
		"queue":       {recordings.RowQuery{Queue: "x"}, []recordings.Row{a}},
		"agent":       {recordings.RowQuery{Agent: "alice"}, []recordings.Row{b}},
		"from":        {recordings.RowQuery{FromIndex: a.FromIndex}, []recordings.Row{c, a}},
		"since":       {recordings.RowQuery{Since: b.StartedAt}, []recordings.Row{c, b}},
		"until":       {recordings.RowQuery{Until: b.StartedAt}, []recordings.Row{a}},
		"nobody":      {recordings.RowQuery{FromIndex: []byte{0}}, nil},
		"not by SQL":  {recordings.RowQuery{Queue: "x' OR '1'='1"}, nil},
		"all at once": {recordings.RowQuery{State: "live", FromIndex: a.FromIndex, Since: b.StartedAt}, []recordings.Row{c}},
	} {
		q.q.Limit = 50
		got, err := s.Calls(context.Background(), q.q)
		if err != nil || !reflect.DeepEqual(ids(got), ids(q.want)) {
			t.Errorf("%s: %v, %v; want %v", name, ids(got), err, ids(q.want))
		}
	}
}

// testPaging walks pages while calls begin; rows of one millisecond are not
// lost between pages.
func testPaging(t *testing.T, s recordings.Store) {
	for n := range 10 {
		r := row(n)
		r.StartedAt = 1700000000000 + int64(n/4)
		create(t, s, r)
	}
	q := recordings.RowQuery{Limit: 3}
	seen := map[string]bool{}
	for page := range 5 {
		rows, err := s.Calls(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if seen[r.ID] {
				t.Errorf("%s came twice", r.ID)
			}
			seen[r.ID] = true
			q.BeforeTime, q.BeforeID = r.StartedAt, r.ID
		}
		create(t, s, row(100+page))
	}
	if len(seen) != 10 {
		t.Errorf("saw %d of 10 calls", len(seen))
	}
}

func testUnfinished(t *testing.T, s recordings.Store) {
	a, b, c := row(1), row(2), row(3)
	b.Open, c.Node = false, "b"
	create(t, s, a, b, c)
	got, err := s.Unfinished(context.Background(), "a")
	if err != nil || !reflect.DeepEqual(ids(got), []string{a.ID}) {
		t.Errorf("unfinished: %v, %v", ids(got), err)
	}
}

func testAudit(t *testing.T, s recordings.Store) {
	ctx := context.Background()
	_, err := s.LastAudit(ctx)
	want(t, "last of none", err, recordings.ErrNotFound)
	var entries []recordings.AuditEntry
	for n := range int64(5) {
		e := recordings.AuditEntry{
			Seq: n + 1, At: time.Unix(100, n).UTC(), Actor: "ada", Role: "admin",
			Action: "play", Object: "PS1", Reason: "why", IP: "::1", PrevHash: "p", Hash: "h", MAC: "m",
		}
		if err := s.AppendAudit(ctx, e); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	want(t, "a taken number", s.AppendAudit(ctx, entries[2]), recordings.ErrExists)
	if last, err := s.LastAudit(ctx); err != nil || last != entries[4] {
		t.Errorf("last %+v, %v", last, err)
	}
	var got []recordings.AuditEntry
	err = s.Audit(ctx, 3, func(e recordings.AuditEntry) error { got = append(got, e); return nil })
	if err != nil || !reflect.DeepEqual(got, entries[2:]) {
		t.Errorf("from 3: %+v, %v", got, err)
	}
	stop := errors.New("stop")
	want(t, "stopped by each", s.Audit(ctx, 1, func(recordings.AuditEntry) error { return stop }), stop)
}

func testKeys(t *testing.T, s recordings.Store) {
	ctx := context.Background()
	root := seal.StoredKey{ID: "subject/1", Purpose: seal.ForRecording, Version: 1, Wrapped: []byte{1}}
	child := seal.StoredKey{ID: "call/1", Purpose: seal.ForRecording, Parent: root.ID, Wrapped: []byte{2}}
	for _, k := range []seal.StoredKey{root, child} {
		if err := s.PutKey(ctx, k); err != nil {
			t.Fatal(err)
		}
	}
	want(t, "put again", s.PutKey(ctx, root), recordings.ErrExists)
	_, err := s.Key(ctx, "none")
	want(t, "a key that is not there", err, seal.ErrNoKey)
	want(t, "replace a key that is not there", s.ReplaceKey(ctx, seal.StoredKey{ID: "none"}), seal.ErrNoKey)
	if got, err := s.Key(ctx, child.ID); err != nil || !reflect.DeepEqual(got, child) {
		t.Errorf("got %+v, %v", got, err)
	}
	if old, err := s.OldKeys(ctx, 2, 10); err != nil || !reflect.DeepEqual(old, []seal.StoredKey{root}) {
		t.Errorf("old keys: %+v, %v", old, err)
	}
	root.Version, root.Wrapped = 2, []byte{3}
	if err := s.ReplaceKey(ctx, root); err != nil {
		t.Fatal(err)
	}
	if old, err := s.OldKeys(ctx, 2, 10); err != nil || len(old) != 0 {
		t.Errorf("old keys after the rewrap: %+v, %v", old, err)
	}
	if n, err := s.KeyVersions(ctx); err != nil || !reflect.DeepEqual(n, map[uint32]int{2: 1}) {
		t.Errorf("versions: %v, %v", n, err)
	}
	if err := errors.Join(s.DeleteKey(ctx, root.ID), s.DeleteKey(ctx, root.ID)); err != nil {
		t.Errorf("delete twice: %v", err)
	}
	_, err = s.Key(ctx, root.ID)
	want(t, "a destroyed key", err, seal.ErrNoKey)
}
