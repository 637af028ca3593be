package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/identity/memstore"
	"github.com/ivrd/ivrd/internal/obs"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/transcript"
)

const (
	caller   = "+8613800138000"
	password = "correct horse"
)

// house is a server over real HTTP with a fake archive.
type house struct {
	*Server
	t       *testing.T
	people  *identity.People
	archive *archive
	url     string
	log     *lockedBuffer
}

type noSealer struct{}

func (noSealer) Seal(_ context.Context, _, _, _ string, plain []byte) ([]byte, error) {
	return plain, nil
}

func (noSealer) Open(_ context.Context, _, _, _ string, sealed []byte) ([]byte, error) {
	return sealed, nil
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// staff of the tests: two groups, one of each role, and a supervisor of all.
func staff() []identity.Person {
	p := func(name string, role identity.Role, groups ...string) identity.Person {
		return identity.Person{Name: name, Roles: []identity.Role{role}, Groups: groups, Enabled: true}
	}
	return []identity.Person{
		p("alice", identity.Agent, "cards"), p("bob", identity.Agent, "loans"),
		p("sue", identity.Supervisor, "cards"), p("sam", identity.Supervisor, identity.AllGroups),
		p("otto", identity.Auditor), p("ada", identity.Admin),
	}
}

func build(t *testing.T, config Config, people identity.Config) *house {
	t.Helper()
	people.Argon2 = identity.Argon2{Time: 1, MemoryKiB: 64, Threads: 1}
	h := &house{t: t, archive: newArchive(), log: &lockedBuffer{}}
	h.people = identity.New(people, memstore.New(), noSealer{})
	for _, p := range staff() {
		if _, err := h.people.Add(t.Context(), p, identity.NewSecret(password)); err != nil {
			t.Fatal(err)
		}
	}
	log, err := obs.NewLogger(h.log, "text", slog.LevelDebug)
	if err != nil {
		t.Fatal(err)
	}
	h.Server = New(config, Deps{People: h.people, Archive: h.archive, AuditLog: h.archive.log(), Log: log})
	return h
}

func open(t *testing.T) *house {
	t.Helper()
	h := build(t, Config{}, identity.Config{})
	h.listen()
	return h
}

func (h *house) listen() {
	server := httptest.NewServer(h.Handler())
	h.t.Cleanup(server.Close)
	h.url = server.URL
}

// reply is an answer, read.
type reply struct {
	*http.Response
	body string
}

// ask makes a request; headers come in pairs.
func (h *house) ask(method, path, body string, headers ...string) reply {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, _ := io.ReadAll(resp.Body)
	return reply{resp, string(b)}
}

func loginBody(name, password string) string {
	return fmt.Sprintf(`{"username":%q,"password":%q}`, name, password)
}

// token signs somebody in.
func (h *house) token(name string) string {
	h.t.Helper()
	r := h.ask("POST", "/api/v1/login", loginBody(name, password))
	var in LoggedIn
	if err := json.Unmarshal([]byte(r.body), &in); err != nil || r.StatusCode != http.StatusOK {
		h.t.Fatalf("login of %s: %d %s", name, r.StatusCode, r.body)
	}
	return in.Token
}

// as makes a GET with a token.
func (h *house) as(token, path string, headers ...string) reply {
	h.t.Helper()
	return h.ask("GET", path, "", append(headers, "Authorization", "Bearer "+token)...)
}

func (r reply) want(t *testing.T, status int, slug string) {
	t.Helper()
	if r.StatusCode != status {
		t.Errorf("%s: %d, want %d: %s", r.Request.URL, r.StatusCode, status, r.body)
	}
	if slug == "" {
		return
	}
	var p Problem
	if err := json.Unmarshal([]byte(r.body), &p); err != nil || p.Type != "urn:ivrd:problem:"+slug || p.Status != status ||
		p.Title == "" || p.Detail == "" || r.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: not the problem %s: %s %s", r.Request.URL, slug, r.Header.Get("Content-Type"), r.body)
	}
}

// archive is a fake one: calls in memory, an audit log that can break, sound
// that tells when it is read.
type archive struct {
	mu       sync.Mutex
	calls    []recordings.Call
	entries  []recordings.AuditEntry
	audit    error                // fails Audit
	calls500 error                // fails Calls
	sound    []byte               // of every recording
	steps    []string             // audits and plays in their order
	slow     func()               // before each read
	words    []transcript.Segment // of every call
}

func newArchive() *archive {
	a := &archive{sound: make([]byte, 100_000)}
	for i := range a.sound {
		a.sound[i] = byte(i * 7)
	}
	for i, c := range []struct{ queue, agent, state string }{
		{"cards", "alice", "complete"},
		{"cards", "", "complete"},
		{"loans", "bob", "complete"},
		{"", "", "complete"},
		{"cards", "alice", "none"},
		{"loans", "alice", "complete"},
	} {
		a.calls = append(a.calls, recordings.Call{
			ID: callID(i), Channel: "PS", From: caller, To: "1000", StartedAt: time.UnixMilli(1_700_000_000_000 + int64(i)).UTC(),
			Queue: c.queue, Agent: c.agent, Recording: recordings.Recording{State: c.state, Chain: "abc"},
		})
	}
	return a
}

func callID(i int) string { return fmt.Sprintf("PS%013d%05d", 1_700_000_000_000+i, i) }

func (a *archive) Call(_ context.Context, id string) (recordings.Call, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.calls {
		if c.ID == id {
			return c, nil
		}
	}
	return recordings.Call{}, fmt.Errorf("find call: %w", recordings.ErrNotFound)
}

func (a *archive) Calls(_ context.Context, q recordings.Query) ([]recordings.Call, string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.calls500 != nil {
		return nil, "", a.calls500
	}
	newest := slices.Clone(a.calls)
	slices.SortFunc(newest, func(x, y recordings.Call) int { return cmp.Compare(y.ID, x.ID) })
	var page []recordings.Call
	for _, c := range newest {
		cursor := fmt.Sprintf("%d-%s", c.StartedAt.UnixMilli(), c.ID)
		if q.Cursor != "" && cursor >= q.Cursor || !matches(c, q) {
			continue
		}
		if len(page) == q.Limit {
			last := page[len(page)-1]
			return page, fmt.Sprintf("%d-%s", last.StartedAt.UnixMilli(), last.ID), nil
		}
		page = append(page, c)
	}
	return page, "", nil
}

func (a *archive) Audit(_ context.Context, e recordings.AuditEntry) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.audit != nil {
		return a.audit
	}
	e.Seq = int64(len(a.entries) + 1)
	a.entries = append(a.entries, e)
	a.steps = append(a.steps, "audit "+e.Action)
	return nil
}

func (a *archive) Annotate(_ context.Context, id string, n recordings.Annotation) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, c := range a.calls {
		if c.ID == id {
			a.calls[i].Disposition, a.calls[i].Notes = n.Disposition, n.Notes
			return nil
		}
	}
	return recordings.ErrNotFound
}

// change changes a call's record.
func (a *archive) change(i int, f func(*recordings.Call)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f(&a.calls[i])
}

// audits lists the entries of an action.
func (a *archive) audits(action string) []recordings.AuditEntry {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(a.entries), func(e recordings.AuditEntry) bool { return e.Action != action })
}

type auditLog struct{ *archive }

func (a *archive) log() AuditLog { return auditLog{a} }

func (l auditLog) Audit(_ context.Context, from int64, each func(recordings.AuditEntry) error) error {
	l.mu.Lock()
	entries := slices.Clone(l.entries)
	l.mu.Unlock()
	for _, e := range entries {
		if e.Seq < from {
			continue
		}
		if err := each(e); err != nil {
			return err
		}
	}
	return nil
}

func (a *archive) Play(_ context.Context, id string, track media.Track) (recordings.Playback, error) {
	a.step("play " + trackName(track))
	return &sounds{Reader: bytes.NewReader(a.sound), a: a}, nil
}

func (a *archive) Transcript(context.Context, string) ([]transcript.Segment, error) {
	a.step("words")
	return a.words, nil
}

func (a *archive) step(s string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.steps); n == 0 || a.steps[n-1] != s {
		a.steps = append(a.steps, s)
	}
}

type sounds struct {
	*bytes.Reader
	a *archive
}

func (s *sounds) Read(b []byte) (int, error) {
	s.a.step("sound")
	if s.a.slow != nil {
		s.a.slow()
	}
	return s.Reader.Read(b)
}

func (s *sounds) Close() error { return nil }

var errDisk = errors.New("disk has gone at 13800138000")
