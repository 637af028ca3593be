package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/routing"
	"github.com/ivrd/ivrd/transcript"
)

// Event is one message of GET /api/v1/events. Which fields it has follows from
// its type: hello (Now, Me), snapshot (Now, Calls, Queues, Agents), call, queue,
// agent, segment (ID, Segment), call.gone (ID), tick (Now).
type Event struct {
	Type   string          `json:"type"`
	Now    time.Time       `json:"now,omitzero"`
	Me     *Me             `json:"me,omitempty"`
	Calls  []LiveCall      `json:"calls,omitempty"`
	Queues []Queue         `json:"queues,omitempty"`
	Agents []routing.Agent `json:"agents,omitempty"`
	Call   *LiveCall       `json:"call,omitempty"`
	Queue  *Queue          `json:"queue,omitempty"`
	Agent  *routing.Agent  `json:"agent,omitempty"`
	ID     string          `json:"id,omitempty"`
	// Segment is new, or replaces the one of its number.
	Segment *transcript.Segment `json:"segment,omitempty"`
}

// The codes with which the server closes, beyond those of RFC 6455.
const (
	closeSignedOut websocket.StatusCode = 4001
	closeRights    websocket.StatusCode = 4003
	closeSlow      websocket.StatusCode = 4008
)

// The pace of a connection.
const (
	eventsEvery = 100 * time.Millisecond // changes are looked for
	signInEvery = time.Second            // the sign-in is looked up
	tickEvery   = 2 * time.Second
	pingEvery   = 5 * time.Second
	// patience is how long a page may take to read what it was sent, and how long
	// the sign-in may be impossible to look up.
	patience = 10 * time.Second
)

// events serves one page until it goes, its sign-in ends or the server stops.
func (s *Server) events(w http.ResponseWriter, r *http.Request, v visitor) error {
	conn, leave, err := s.upgrade(w, r, func() (func(), error) { return s.sockets.enter(v.Name) }, nil)
	if conn == nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithCancel(s.sockets.ctx)
	defer cancel() // closes the connection, whatever happened
	p := &page{Server: s, conn: conn, who: v, checked: time.Now(), sent: map[string][]byte{}, words: map[string]uint64{}}
	code, why := p.serve(ctx)
	s.Log.Debug("events ended", "person", v.Name, "code", int(code), "why", why)
	_ = conn.Close(code, why) // the page may have gone
	return nil
}

// page is one connection. Its fields belong to the goroutine of serve.
type page struct {
	*Server
	conn *websocket.Conn
	who  visitor
	// checked is when the sign-in was last found to be good.
	checked time.Time
	// sent is what the page was told last, by key of the object.
	sent map[string][]byte
	// words are the revisions of the calls' transcripts that it was told.
	words      map[string]uint64
	generation uint64 // of the picture that it was told
}

// closing is an error that says how to close.
type closing struct {
	code websocket.StatusCode
	why  string
}

func (c *closing) Error() string { return fmt.Sprintf("close %d: %s", c.code, c.why) }

// serve says hello and then what changes. It is the one place where a page is
// waited for: every way it can end is here.
func (p *page) serve(ctx context.Context) (websocket.StatusCode, string) {
	// Pages send nothing: CloseRead answers pings, and closes with 1008 when
	// something else comes.
	ctx = p.conn.CloseRead(ctx)
	ctx, stop := context.WithCancel(ctx)
	slow := make(chan struct{})
	pinged := make(chan struct{})
	go func() { defer close(pinged); p.ping(ctx, slow) }()
	defer func() { stop(); <-pinged }()

	err := p.begin(ctx)
	look, check, tick := time.NewTicker(eventsEvery), time.NewTicker(signInEvery), time.NewTicker(tickEvery)
	defer look.Stop()
	defer check.Stop()
	defer tick.Stop()
	for err == nil {
		select {
		case <-ctx.Done():
			return websocket.StatusNormalClosure, "the page has gone"
		case <-p.sockets.closing:
			return websocket.StatusGoingAway, "the server stops"
		case <-slow:
			return closeSlow, "the page reads too slowly"
		case <-check.C:
			err = p.check(ctx)
		case <-tick.C:
			err = p.tick(ctx)
		case <-look.C:
			err = p.look(ctx)
		}
	}
	if c, ok := errors.AsType[*closing](err); ok {
		return c.code, c.why
	}
	return closeSlow, "nothing can be written" // or it has gone
}

// ping finds out whether the page reads what it is sent: its answer comes after
// all that was sent before.
func (p *page) ping(ctx context.Context, slow chan<- struct{}) {
	every := time.NewTicker(pingEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		waiting, cancel := context.WithTimeout(ctx, patience)
		err := p.conn.Ping(waiting)
		cancel()
		if err != nil {
			close(slow)
			return
		}
	}
}

// write sends one message. A page that does not let it go out in time is cut off.
func (p *page) write(ctx context.Context, text []byte) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return p.conn.Write(ctx, websocket.MessageText, text)
}

func (p *page) send(ctx context.Context, e Event) error { return p.write(ctx, rendered(e)) }

// begin says hello, and what is so now.
func (p *page) begin(ctx context.Context) error {
	me := p.meOf(p.who.Person)
	if err := p.send(ctx, Event{Type: "hello", Now: time.Now(), Me: &me}); err != nil {
		return err
	}
	now := p.picture()
	p.generation = now.generation
	lists := map[kind][]byte{}
	for _, o := range now.objects {
		if !o.seenBy(p.who.Person) {
			continue
		}
		text, same := o.as(p.who.Person, p.config.AnnounceMonitor)
		p.sent[o.key()], p.words[o.id] = same, o.words
		if len(lists[o.kind]) > 0 {
			lists[o.kind] = append(lists[o.kind], ',')
		}
		lists[o.kind] = append(lists[o.kind], text...)
	}
	text := fmt.Appendf(nil, `{"type":"snapshot","now":%s,"calls":[%s],"queues":[%s],"agents":[%s]}`,
		rendered(now.at), lists[aCall], lists[aQueue], lists[anAgent])
	return p.write(ctx, text)
}

// look sends what is other than what the page knows, when there may be something.
func (p *page) look(ctx context.Context) error {
	if p.generation == p.Changes.n.Load() {
		return nil
	}
	return p.tell(ctx)
}

// tick tells the page that it is up to date. What nobody has told us of is found
// here, late.
func (p *page) tick(ctx context.Context) error {
	if err := p.tell(ctx); err != nil {
		return err
	}
	return p.send(ctx, Event{Type: "tick", Now: time.Now()})
}

func (p *page) tell(ctx context.Context) error {
	now := p.picture()
	p.generation = now.generation
	seen := make(map[string]bool, len(p.sent))
	for _, o := range now.objects {
		if !o.seenBy(p.who.Person) {
			continue
		}
		key := o.key()
		seen[key] = true
		text, same := o.as(p.who.Person, p.config.AnnounceMonitor)
		if was, known := p.sent[key]; !known || !bytes.Equal(was, same) {
			p.sent[key] = same
			if err := p.write(ctx, fmt.Appendf(nil, `{"type":%q,%q:%s}`, o.kind, o.kind, text)); err != nil {
				return err
			}
		}
		if err := p.heard(ctx, o); err != nil {
			return err
		}
	}
	return p.forget(ctx, seen)
}

// forget tells of calls that are over, or not the reader's to see any more. A
// queue or an agent never goes, but out of the reader's sight.
func (p *page) forget(ctx context.Context, seen map[string]bool) error {
	var gone []string
	for key := range p.sent {
		if !seen[key] {
			gone = append(gone, key)
		}
	}
	slices.Sort(gone)
	for _, key := range gone {
		id, isCall := strings.CutPrefix(key, string(aCall)+" ")
		if !isCall {
			return &closing{closeRights, "what you see has changed"}
		}
		delete(p.sent, key)
		delete(p.words, id)
		if err := p.send(ctx, Event{Type: "call.gone", ID: id}); err != nil {
			return err
		}
	}
	return nil
}

// check looks up the sign-in. An open page counts as use of it.
func (p *page) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, signInEvery)
	defer cancel()
	person, _, err := p.People.Resolve(ctx, p.who.token)
	switch {
	case errors.Is(err, identity.ErrNoSignIn):
		return &closing{closeSignedOut, "the sign-in has ended"}
	case err != nil && time.Since(p.checked) > patience:
		p.Log.Error("sign-in of an open page not looked up", "error", err)
		return &closing{websocket.StatusInternalError, "the sign-in cannot be looked up"}
	case err != nil:
		return nil
	case !slices.Equal(person.Roles, p.who.Roles) || !slices.Equal(person.Groups, p.who.Groups):
		return &closing{closeRights, "your rights have changed"}
	}
	p.checked = time.Now()
	return nil
}
