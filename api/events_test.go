package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/ivrd/ivrd/call"
	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/routing"
	"github.com/ivrd/ivrd/routing/memstore"
	"github.com/ivrd/ivrd/transcript"
)

// wire is a network in memory, which virtual time can see.
type wire struct {
	conns chan net.Conn
	over  chan struct{}
	once  sync.Once
}

func newWire() *wire { return &wire{conns: make(chan net.Conn), over: make(chan struct{})} }

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.over:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error   { w.once.Do(func() { close(w.over) }); return nil }
func (w *wire) Addr() net.Addr { return &net.TCPAddr{} }

func (w *wire) dial(context.Context, string, string) (net.Conn, error) {
	a, b := net.Pipe()
	ours, theirs := newBuffered(a), newBuffered(b)
	select {
	case w.conns <- ours:
		return theirs, nil
	case <-w.over:
		return nil, net.ErrClosed
	}
}

// buffered is an end that takes what the other side has not read yet, and delivers
// it after the close, as TCP does.
type buffered struct {
	net.Conn
	mu     sync.Mutex
	closed bool
	out    chan []byte
}

func newBuffered(c net.Conn) *buffered {
	b := &buffered{Conn: c, out: make(chan []byte, 4096)}
	go b.pump()
	return b
}

func (c *buffered) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	c.out <- slices.Clone(b)
	return len(b), nil
}

func (c *buffered) pump() {
	for b := range c.out {
		_, _ = c.Conn.Write(b) // the other side may have gone: then nobody misses it
	}
	_ = c.Conn.Close()
}

func (c *buffered) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		close(c.out)
	}
	return c.SetReadDeadline(time.Now())
}

// statuses are what a conductor would tell.
type statuses struct {
	mu    sync.Mutex
	all   []call.Status
	words map[string][]transcript.Segment // the revision is how many there are
}

func (s *statuses) Words(id string, since uint64) ([]transcript.Segment, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.words[id]
	return slices.Clone(all[since:]), uint64(len(all))
}

// say adds a segment to a call.
func (h *stage) say(i int, g transcript.Segment) {
	h.calls.mu.Lock()
	h.calls.words[callID(i)] = append(h.calls.words[callID(i)], g)
	n := len(h.calls.words[callID(i)])
	h.calls.mu.Unlock()
	h.set(i, func(s *call.Status) { s.Words = uint64(n) })
}

func (s *statuses) Statuses() []call.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

// set adds or changes a call; gone removes it.
func (h *stage) set(i int, change func(*call.Status)) {
	h.calls.mu.Lock()
	at := slices.IndexFunc(h.calls.all, func(s call.Status) bool { return s.ID == callID(i) })
	if at < 0 {
		h.calls.all = append(h.calls.all, call.Status{ID: callID(i), State: call.Menu, Since: time.Now(), Recording: call.RecordingNone})
		at = len(h.calls.all) - 1
	}
	change(&h.calls.all[at])
	h.calls.mu.Unlock()
	h.Changes.Tell()
}

func (h *stage) gone(i int) {
	h.calls.mu.Lock()
	h.calls.all = slices.DeleteFunc(h.calls.all, func(s call.Status) bool { return s.ID == callID(i) })
	h.calls.mu.Unlock()
	h.Changes.Tell()
}

// stage is a house whose pages are connected, in virtual time.
type stage struct {
	*house
	calls *statuses
	desk  *routing.Dispatcher
	wire  *wire
}

// pages plays a test with the calls 0 (cards, alice), 1 (cards) and 2 (loans, bob).
func pages(t *testing.T, config Config, test func(*stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &stage{house: build(t, config, identity.Config{}), calls: &statuses{words: map[string][]transcript.Segment{}}, wire: newWire()}
		h.Statuses = h.calls
		h.desk = routing.New(routing.Config{
			Policy: routing.DefaultPolicy(), Changed: h.Changes.Tell,
			Queues: []routing.Queue{{Name: "cards", Ring: time.Minute, Handle: time.Minute}, {Name: "loans", Ring: time.Minute, Handle: time.Minute}},
		}, memstore.New())
		h.Desk = h.desk
		for name, queue := range map[string]string{"alice": "cards", "bob": "loans"} {
			if err := h.desk.SetAgent(t.Context(), routing.Agent{Name: name, Queues: []string{queue}}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 3 {
			h.set(i, func(*call.Status) {})
		}
		h.desk.Start()
		served := make(chan error, 1)
		go func() { served <- h.http.Serve(h.wire) }()
		test(h)
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		h.desk.Close()
	})
}

// signIn gives a token without HTTP.
func (h *stage) signIn(name string) identity.Secret {
	h.t.Helper()
	_, _, token, err := h.people.SignIn(h.t.Context(), identity.Credentials{Name: name, Password: identity.NewSecret(password), IP: netip.MustParseAddr("192.0.2.1")})
	if err != nil {
		h.t.Fatal(err)
	}
	return token
}

// reader is a page of the test.
type reader struct {
	h    *stage
	conn *websocket.Conn
	http *http.Transport

	mu     sync.Mutex
	events []Event
	texts  []string
	err    error // why it ended
	at     time.Time
}

// connect opens a page's socket; headers come in pairs. The reader is nil when the
// answer has another status than 101.
func (h *stage) connect(headers ...string) (r *reader, status int) {
	h.t.Helper()
	r = &reader{h: h, http: &http.Transport{DialContext: h.wire.dial}}
	header := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		header.Set(headers[i], headers[i+1])
	}
	conn, resp, err := websocket.Dial(context.Background(), "ws://house.test/api/v1/events", &websocket.DialOptions{HTTPClient: &http.Client{Transport: r.http}, HTTPHeader: header})
	if resp == nil {
		h.t.Fatal(err)
	}
	if resp.Body != nil { // of a socket it has none
		_ = resp.Body.Close()
	}
	if err != nil {
		r.http.CloseIdleConnections()
		return nil, resp.StatusCode
	}
	r.conn = conn
	r.conn.SetReadLimit(-1)
	return r, resp.StatusCode
}

// page opens a socket and reads it.
func (h *stage) page(token identity.Secret) *reader {
	h.t.Helper()
	r, status := h.connect("Authorization", "Bearer "+token.Reveal())
	if r == nil {
		h.t.Fatalf("a page is answered %d", status)
	}
	go r.read()
	return r
}

func (r *reader) read() {
	for {
		_, text, err := r.conn.Read(context.Background())
		r.mu.Lock()
		if err != nil {
			r.err, r.at = err, time.Now()
			r.mu.Unlock()
			return
		}
		var e Event
		if err := json.Unmarshal(text, &e); err != nil {
			r.h.t.Errorf("not an event: %s", text)
		}
		r.events, r.texts = append(r.events, e), append(r.texts, string(text))
		r.mu.Unlock()
	}
}

// after lets time pass and returns what came meanwhile, without ticks.
func (r *reader) after(d time.Duration) []Event {
	r.h.t.Helper()
	time.Sleep(d)
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	got := slices.DeleteFunc(r.events, func(e Event) bool { return e.Type == "tick" })
	r.events = nil
	return got
}

// told are the types of events, with whom they are about.
func told(events []Event) string {
	var out []string
	for _, e := range events {
		switch {
		case e.Call != nil:
			out = append(out, "call "+e.Call.ID)
		case e.Queue != nil:
			out = append(out, "queue "+e.Queue.Name)
		case e.Agent != nil:
			out = append(out, "agent "+e.Agent.Name)
		default:
			out = append(out, strings.TrimSpace(e.Type+" "+e.ID))
		}
	}
	return strings.Join(out, ", ")
}

// closed is the code with which the server has closed, and when; 0 while it has
// not.
func (r *reader) closed() (websocket.StatusCode, time.Time) {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		return 0, time.Time{}
	}
	return websocket.CloseStatus(r.err), r.at
}

func (r *reader) close() {
	_ = r.conn.CloseNow()
	r.http.CloseIdleConnections()
}

// seen are the calls, queues and agents of a snapshot.
func seen(e Event) string {
	var out []string
	for _, c := range e.Calls {
		out = append(out, c.ID[15:])
	}
	for _, q := range e.Queues {
		out = append(out, q.Name)
	}
	for _, a := range e.Agents {
		out = append(out, a.Name)
	}
	return strings.Join(out, " ")
}

// TestEventsAreScoped: everybody is told of what the lists show them, first and
// later, and of nothing else.
func TestEventsAreScoped(t *testing.T) {
	for name, want := range map[string]struct{ snapshot, later string }{
		"alice": {"00000 00001 cards alice", "call 0, call 1, queue cards, agent alice, call.gone 1"},
		"sue":   {"00000 00001 cards alice", "call 0, call 1, queue cards, agent alice, call.gone 1"},
		"bob":   {"00002 loans bob", "call 2, queue loans, agent bob, call.gone 2"},
		"sam":   {"00000 00001 00002 cards loans alice bob", "call 0, call 1, call 2, queue cards, queue loans, agent alice, agent bob, call.gone 1, call.gone 2"},
		"otto":  {"00000 00001 00002 cards loans", "call 0, call 1, call 2, queue cards, queue loans, call.gone 1, call.gone 2"},
		"ada":   {"00000 00001 00002 cards loans", "call 0, call 1, call 2, queue cards, queue loans, call.gone 1, call.gone 2"},
	} {
		pages(t, Config{}, func(h *stage) {
			r := h.page(h.signIn(name))
			defer r.close()
			first := r.after(time.Second)
			if told(first) != "hello, snapshot" || first[0].Me.Name != name || seen(first[1]) != want.snapshot {
				t.Fatalf("%s is told %s: %s", name, told(first), seen(first[1]))
			}
			for i := range 3 {
				h.set(i, func(s *call.Status) { s.State = call.Waiting })
			}
			for id, queue := range map[string]string{callID(1): "cards", callID(2): "loans"} {
				if _, err := h.desk.Enter(h.t.Context(), routing.Request{ID: id, Queue: queue}); err != nil {
					t.Fatal(err)
				}
			}
			for _, agent := range []string{"alice", "bob"} {
				if err := h.desk.Wish(h.t.Context(), agent, routing.Away, "lunch"); err != nil {
					t.Fatal(err)
				}
			}
			later := r.after(time.Second)
			h.gone(1)
			h.gone(2)
			gone := told(append(later, r.after(time.Second)...))
			for i := range 3 {
				gone = strings.ReplaceAll(gone, callID(i), fmt.Sprint(i))
			}
			if parts := strings.Split(gone, ", "); len(slices.Compact(parts)) != strings.Count(want.later, ",")+1 || gone != want.later {
				t.Errorf("%s is then told %s, want %s", name, gone, want.later)
			}
			for _, text := range r.texts {
				if strings.Contains(text, "13800138000") {
					t.Errorf("%s is told a number: %s", name, text)
				}
				for i, id := range []string{"00000", "00001", "00002"} {
					if strings.Contains(text, callID(i)) && !strings.Contains(want.snapshot, id) {
						t.Errorf("%s is told of call %d: %s", name, i, text)
					}
				}
			}
		})
	}
}

// TestEventsShowACall: what is sent of a call.
func TestEventsShowACall(t *testing.T) {
	pages(t, Config{}, func(h *stage) {
		r := h.page(h.signIn("alice"))
		defer r.close()
		r.after(time.Second)
		begun := time.Now()
		h.archive.change(1, func(c *recordings.Call) {
			c.Language, c.Path = "zh", []recordings.Step{{Flow: "main", Node: "menu", AtMS: 5}}
			c.Priority, c.Recording.State = &routing.Score{Policy: "1", Total: 86}, "live"
		})
		h.set(1, func(s *call.Status) {
			s.State, s.Since, s.WaitingSince, s.Position, s.Trusted, s.Recording = call.Ringing, begun, begun, 2, true, call.RecordingLive
			s.Offer = &call.Offer{Agent: "alice", Deadline: begun.Add(time.Minute)}
		})
		got := r.after(200 * time.Millisecond)
		if told(got) != "call "+callID(1) {
			t.Fatalf("told %s", told(got))
		}
		c := got[0].Call
		if c.From != "138••••8000" || c.State != call.Ringing || !c.Since.Equal(begun) || c.Offer == nil || c.Offer.Agent != "alice" ||
			!c.Offer.Deadline.Equal(begun.Add(time.Minute)) || c.Position != 2 || c.Priority.Total != 86 || c.Language != "zh" || !c.Trusted ||
			c.Recording != "live" || len(c.Path) != 1 || !c.WaitingSince.Equal(begun) {
			t.Errorf("the call is %+v", c)
		}
		h.archive.change(1, func(c *recordings.Call) { c.Queue = "loans" }) // out of sight
		h.Changes.Tell()
		if got := told(r.after(200 * time.Millisecond)); got != "call.gone "+callID(1) {
			t.Errorf("told %s", got)
		}
	})
}

// TestEventsOfMonitors: who monitors a call is for those who could, and for its
// agent where that is announced.
func TestEventsOfMonitors(t *testing.T) {
	for _, announce := range []bool{true, false} {
		for name, want := range map[string]bool{"sue": true, "sam": true, "alice": announce, "otto": false, "ada": false} {
			pages(t, Config{AnnounceMonitor: announce}, func(h *stage) {
				r := h.page(h.signIn(name))
				defer r.close()
				r.after(time.Second)
				watch := []call.Watch{{Who: "sue", Mode: call.Listen}}
				h.set(0, func(s *call.Status) { s.Monitors = watch })
				shown := false
				for _, e := range r.after(time.Second) {
					shown = shown || e.Call != nil && len(e.Call.Monitors) == 1 && e.Call.Monitors[0].Who == "sue"
				}
				again := h.page(h.signIn(name))
				defer again.close()
				first := again.after(time.Second)
				if shown != want || (len(first[1].Calls[0].Monitors) == 1) != want {
					t.Errorf("announce %v: %s is told %v, want %v", announce, name, shown, want)
				}
				if n := len(r.texts); !want && strings.Contains(strings.Join(r.texts[n-2:], ""), "sue") {
					t.Errorf("%s reads %v", name, r.texts)
				}
			})
		}
	}
}

// TestEventsComeAtTheirPace: at most ten times a second whatever happens, a tick
// each two seconds, and nothing else while nothing changes.
func TestEventsComeAtTheirPace(t *testing.T) {
	pages(t, Config{}, func(h *stage) {
		r := h.page(h.signIn("alice"))
		defer r.close()
		r.after(time.Second)
		for i := range 1000 {
			h.set(0, func(s *call.Status) { s.Position = i + 1 })
			time.Sleep(time.Millisecond)
		}
		got := r.after(300 * time.Millisecond)
		if len(got) < 5 || len(got) > 12 || got[len(got)-1].Call.Position != 1000 {
			t.Errorf("%d events of 1000 changes in a second, the last %+v", len(got), got[len(got)-1].Call)
		}
		r.mu.Lock()
		r.texts = nil
		r.mu.Unlock()
		if got := r.after(10 * time.Minute); len(got) != 0 { // beyond all deadlines of HTTP, and the idle time of a sign-in is reset
			t.Errorf("told %s while nothing changed", told(got))
		}
		if n := len(r.texts); n < 299 || n > 301 {
			t.Errorf("%d ticks in 10 minutes", n)
		}
		if code, _ := r.closed(); code != 0 {
			t.Errorf("closed with %d", code)
		}
		if got := r.after(50 * time.Minute); len(got) != 0 { // the sign-in is in use
			t.Errorf("told %s", told(got))
		}
		if code, _ := r.closed(); code != 0 {
			t.Errorf("closed with %d", code)
		}
	})
}

// TestEventsEndWithTheRight: signing out, being shut out and losing a role close
// within a second, each with its code; other pages stay.
func TestEventsEndWithTheRight(t *testing.T) {
	for what, c := range map[string]struct {
		end  func(*stage, identity.Secret) error
		want websocket.StatusCode
	}{
		"signed out": {func(h *stage, token identity.Secret) error { return h.people.SignOut(h.t.Context(), token) }, 4001},
		"shut out":   {func(h *stage, _ identity.Secret) error { return h.people.SetEnabled(h.t.Context(), "alice", false) }, 4001},
		"role": {func(h *stage, _ identity.Secret) error {
			return h.people.Update(h.t.Context(), identity.Person{Name: "alice", Roles: []identity.Role{identity.Admin}, Groups: []string{"cards"}, Enabled: true})
		}, 4003},
		"group": {func(h *stage, _ identity.Secret) error {
			return h.people.Update(h.t.Context(), identity.Person{Name: "alice", Roles: []identity.Role{identity.Agent}, Enabled: true})
		}, 4003},
	} {
		pages(t, Config{}, func(h *stage) {
			token := h.signIn("alice")
			r, other := h.page(token), h.page(h.signIn("sue"))
			defer r.close()
			defer other.close()
			r.after(1300 * time.Millisecond)
			if err := c.end(h, token); err != nil {
				t.Fatal(err)
			}
			ended := time.Now()
			r.after(5 * time.Second)
			if code, at := r.closed(); code != c.want || at.Sub(ended) > time.Second {
				t.Errorf("%s: closed with %d after %v", what, code, at.Sub(ended))
			}
			if code, _ := other.closed(); code != 0 {
				t.Errorf("%s: the other page is closed with %d", what, code)
			}
		})
	}
}

// TestSlowReader: a page that does not read is told so and let go, and another
// does not notice.
func TestSlowReader(t *testing.T) {
	pages(t, Config{}, func(h *stage) {
		slow, _ := h.connect("Authorization", "Bearer "+h.signIn("sue").Reveal())
		defer slow.close()
		quick := h.page(h.signIn("alice"))
		defer quick.close()
		quick.after(time.Second)
		for i := range 30 {
			h.set(0, func(s *call.Status) { s.Position = i + 1 })
			if got := quick.after(time.Second); told(got) != "call "+callID(0) {
				t.Fatalf("after %d s the other page is told %s", i, told(got))
			}
		}
		go slow.read()
		slow.after(time.Minute)
		if code, _ := slow.closed(); code != 4008 {
			t.Errorf("the slow page is closed with %d (%v)", code, slow.err)
		}
		if n := len(slow.texts); n < 2 || n > 40 { // about 15 seconds of events, no more
			t.Errorf("%d messages were kept for the slow page", n)
		}
		if code, _ := quick.closed(); code != 0 {
			t.Errorf("the other page is closed with %d", code)
		}
	})
}

// TestEventsFromElsewhere: the cookie opens nothing for a page of another site.
func TestEventsFromElsewhere(t *testing.T) {
	pages(t, Config{}, func(h *stage) {
		token := h.signIn("alice").Reveal()
		cookie, bearer := "ivrd="+token, "Bearer "+token
		for _, c := range []struct {
			headers []string
			want    int
		}{
			{[]string{"Cookie", cookie, "Origin", "http://house.test"}, 101},
			{[]string{"Authorization", bearer}, 101},
			{[]string{"Authorization", bearer, "Origin", "http://house.test"}, 101},
			{[]string{"Cookie", cookie}, 403},
			{[]string{"Cookie", cookie, "Origin", "null"}, 403},
			{[]string{"Cookie", cookie, "Origin", "http://evil.test"}, 403},
			{[]string{"Cookie", cookie, "Origin", "http://house.test.evil.test"}, 403},
			{[]string{"Cookie", cookie, "Origin", "http://house.test:81"}, 403},
			{[]string{"Authorization", bearer, "Origin", "http://evil.test"}, 403},
			{[]string{"Cookie", "ivrd=x", "Origin", "http://house.test"}, 401},
			{nil, 401},
		} {
			r, status := h.connect(c.headers...)
			if status != c.want {
				t.Errorf("%v: %d, want %d", c.headers, status, c.want)
			}
			if r != nil {
				r.close()
			}
			time.Sleep(time.Minute) // until it is forgotten
		}
	})
}

func TestEventsArePlainHTTPNot(t *testing.T) {
	h := open(t)
	h.as(h.token("alice"), "/api/v1/events").want(t, http.StatusUpgradeRequired, "upgrade")
}

// TestPageSaysNothing: what a page sends is refused.
func TestPageSaysNothing(t *testing.T) {
	pages(t, Config{}, func(h *stage) {
		r := h.page(h.signIn("alice"))
		defer r.close()
		r.after(time.Second)
		if err := r.conn.Write(h.t.Context(), websocket.MessageText, []byte(`{"type":"hello"}`)); err != nil {
			t.Fatal(err)
		}
		r.after(time.Second)
		if code, _ := r.closed(); code != websocket.StatusPolicyViolation {
			t.Errorf("closed with %d", code)
		}
	})
}

// TestServerSaysGoodbye: Close ends the pages and waits for them, also for one
// that does not answer.
func TestServerSaysGoodbye(t *testing.T) {
	pages(t, Config{}, func(h *stage) {
		r := h.page(h.signIn("alice"))
		defer r.close()
		mute, _ := h.connect("Authorization", "Bearer "+h.signIn("sue").Reveal())
		defer mute.close()
		r.after(time.Second)
		begun := time.Now()
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > 11*time.Second {
			t.Errorf("Close took %v", took)
		}
		if code, _ := r.closed(); code != websocket.StatusGoingAway {
			t.Errorf("closed with %d", code)
		}
		if log := h.log.String(); !strings.Contains(log, `route="GET /api/v1/events" status=101`) {
			t.Errorf("the log says %s", log)
		}
		if h.sockets.count != 0 {
			t.Errorf("%d pages are left", h.sockets.count)
		}
	})
}

// TestSocketsAreBounded: in all and of one person; and they take no place among
// the requests at once.
func TestSocketsAreBounded(t *testing.T) {
	pages(t, Config{MaxSockets: 3, MaxInFlight: 1}, func(h *stage) {
		h.sockets.each = 2
		token := h.signIn("alice")
		a, b := h.page(token), h.page(token)
		defer b.close()
		if _, status := h.connect("Authorization", "Bearer "+token.Reveal()); status != http.StatusServiceUnavailable {
			t.Errorf("a third page of alice's: %d", status)
		}
		sue := h.signIn("sue")
		c := h.page(sue)
		defer c.close()
		if _, status := h.connect("Authorization", "Bearer "+sue.Reveal()); status != http.StatusServiceUnavailable {
			t.Errorf("a fourth page: %d", status)
		}
		a.close()
		time.Sleep(time.Minute)
		synctest.Wait()
		d := h.page(sue)
		defer d.close()
		if got := told(d.after(time.Second)); got != "hello, snapshot" {
			t.Errorf("after one has gone another is told %q", got)
		}
	})
}
