//go:build drill

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/ivrd/ivrd/api"
	"github.com/ivrd/ivrd/call"
	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/routing"
)

const (
	sueTone      = 2300.0
	monitorEvery = 8 * time.Second
	// inaudible is what a voice that must not be heard stays below, in dBov: those
	// that are heard have -20.
	inaudible = -50.0
	// settling is how long a voice may be on its way after its end.
	settling = 500 * time.Millisecond
	tickGap  = 5 * time.Second
)

// errOutage is that something was refused because the database cannot be written.
var errOutage = errors.New("unavailable")

// supervisor is sue with her phone; she is with one call at a time.
type supervisor struct {
	phone *exchange
	busy  sync.Mutex
	last  time.Time
	times int
	heard []time.Duration // from the request until she hears both
}

// enter reports whether she has time for a call.
func (s *supervisor) enter() bool {
	if !s.busy.TryLock() {
		return false
	}
	if time.Since(s.last) < monitorEvery {
		s.busy.Unlock()
		return false
	}
	return true
}

func (s *supervisor) leave() {
	s.last = time.Now()
	s.busy.Unlock()
}

// monitored is a talk with an agent on a phone that sue listens to. Everybody's
// ears are looked at in every mode.
func (d *drill) monitored(c *telephone, a *drillAgent) error {
	id, err := d.events.talkOf(a.name)
	if err != nil {
		return err
	}
	agent := a.now.Load()
	if agent == nil {
		return fmt.Errorf("%s is not in a call", a.name)
	}
	before, begun := [2]int{len(c.ear.sound()), len(agent.ear.sound())}, time.Now()
	if err := d.monitor(id, "listen"); err != nil {
		return d.unlessOutage(err, c)
	}
	var sue *telephone
	select {
	case sue = <-d.supervisor.phone.handler.calls:
	case <-time.After(patience):
		return errors.New("sue's phone does not ring")
	}
	defer sue.leg.End(leg.CallerHangup)
	if err := sue.mixes(leaves, a.freq); err != nil {
		return fmt.Errorf("sue listens: %w", err)
	}
	d.supervisor.heard = append(d.supervisor.heard, time.Since(begun))
	<-time.After(time.Second)
	if level := agent.loudest(before[1], sueTone); level > inaudible {
		return fmt.Errorf("the agent hears sue at %.0f dBov, who listens", level)
	}
	err = d.joins(c, agent, a.freq, id)
	if level := c.loudest(before[0], sueTone); err == nil && level < -40 {
		err = fmt.Errorf("the caller does not hear sue, who barges: %.0f dBov", level)
	}
	if err != nil && !errors.Is(err, errOutage) {
		return err
	}
	return errors.Join(d.unlessOutage(err, nil), d.goes(sue, c, id), c.parts(leaves))
}

// joins lets sue, who listens, whisper and then barge.
func (d *drill) joins(c, agent *telephone, agentHz float64, id string) error {
	if level := c.loudest(0, sueTone); level > inaudible {
		return fmt.Errorf("the caller hears sue at %.0f dBov, who listens", level)
	}
	if err := d.monitor(id, "whisper"); err != nil {
		return err
	}
	if err := agent.mixes(leaves, sueTone); err != nil {
		return fmt.Errorf("the agent, to whom sue whispers: %w", err)
	}
	<-time.After(time.Second)
	if level := c.loudest(0, sueTone); level > inaudible {
		return fmt.Errorf("the caller hears sue at %.0f dBov, who whispers", level)
	}
	if err := d.monitor(id, "barge"); err != nil {
		return err
	}
	if err := c.mixes(agentHz, sueTone); err != nil {
		return fmt.Errorf("the caller, when sue barges: %w", err)
	}
	d.count("monitors, all modes")
	return nil
}

// goes lets sue leave, by turns through the API and by her phone.
func (d *drill) goes(sue, c *telephone, id string) error {
	d.supervisor.times++
	byPhone := d.supervisor.times%2 == 0
	if !byPhone {
		status, err := d.ask(d.house.client, http.MethodDelete, "/api/v1/calls/"+id+"/monitor", "")
		switch {
		case err != nil:
			return err
		case status == http.StatusServiceUnavailable:
			byPhone = true
		case status != http.StatusNoContent:
			return fmt.Errorf("end monitor: %d", status)
		}
	}
	if byPhone {
		sue.leg.End(leg.CallerHangup)
	}
	select {
	case <-sue.over:
	case <-time.After(patience):
		return errors.New("sue's phone is still in the call")
	}
	<-time.After(settling)
	from := len(c.ear.sound())
	<-time.After(settling)
	if level := c.loudest(from, sueTone); level > inaudible {
		return fmt.Errorf("the caller hears sue at %.0f dBov, who has gone", level)
	}
	return nil
}

// unlessOutage lets a refusal of an outage pass; then the caller who is given hangs
// up.
func (d *drill) unlessOutage(err error, c *telephone) error {
	if !errors.Is(err, errOutage) {
		return err
	}
	d.count("monitors refused")
	if c == nil {
		return nil
	}
	return c.parts(leaves)
}

// monitor asks for a mode as sue.
func (d *drill) monitor(id, mode string) error {
	status, err := d.ask(d.house.client, http.MethodPost, "/api/v1/calls/"+id+"/monitor", fmt.Sprintf(`{"mode":%q,"reason":"drill"}`, mode))
	switch {
	case err != nil:
		return err
	case status == http.StatusServiceUnavailable:
		return errOutage
	case status != http.StatusNoContent:
		return fmt.Errorf("monitor %s: %d", mode, status)
	}
	return nil
}

// mixes waits until both of two tones are heard, and none of the other voices.
func (c *telephone) mixes(one, other float64) error {
	const window = media.SampleRate / 2
	want := []float64{one, other}
	var heard []float64
	for end := time.Now().Add(patience); time.Now().Before(end); <-time.After(2 * media.FrameDuration) {
		pcm := c.ear.sound()
		heard = tone.Heard(pcm[max(0, len(pcm)-window):], 25, want...)
		if slices.Equal(heard, want) {
			return nil
		}
		select {
		case <-c.over:
			return fmt.Errorf("the call ended (%s) before %v was heard", c.reason, want)
		default:
		}
	}
	return fmt.Errorf("%v is heard, want %v; %s", heard, want, c.ear.story())
}

// loudest is the highest level of a tone in 100 ms since a sample.
func (c *telephone) loudest(from int, freqHz float64) float64 {
	const window = media.SampleRate / 10
	level := -200.0
	for pcm := c.ear.sound(); from+window <= len(pcm); from += window / 2 {
		level = max(level, tone.Level(pcm[from:from+window], freqHz))
	}
	return level
}

// drillEvents is a page of the supervisor that is open all the time.
type drillEvents struct {
	conn *websocket.Conn
	done chan struct{}

	mu      sync.Mutex
	counts  map[string]int
	live    map[string]*api.LiveCall
	last    time.Time     // a tick
	longest time.Duration // between two
	closed  bool          // by us
}

// followEvents opens the page.
func (d *drill) followEvents() *drillEvents {
	t := d.house.t
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, d.house.origin()+"/api/v1/events", &websocket.DialOptions{ //nolint:bodyclose // the library's own
		HTTPClient: &http.Client{Jar: d.house.client.Jar}, HTTPHeader: http.Header{"Origin": {d.house.origin()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(1 << 20)
	e := &drillEvents{conn: conn, done: make(chan struct{}), counts: map[string]int{}, live: map[string]*api.LiveCall{}, last: time.Now()}
	go func() {
		defer close(e.done)
		for {
			var event api.Event
			_, text, err := conn.Read(context.Background())
			if err == nil {
				err = json.Unmarshal(text, &event)
			}
			if err != nil {
				if !e.isClosed() {
					d.fail("events end: %v", err)
				}
				return
			}
			if gap := e.take(&event); gap > tickGap {
				d.fail("%v without a tick", gap)
			}
			if event.Agent != nil {
				d.fellOut(event.Agent)
			}
		}
	}()
	return e
}

func (e *drillEvents) isClosed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed
}

// take notes an event, and returns how long it was since the last tick where it is
// one.
func (e *drillEvents) take(event *api.Event) (gap time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.counts[event.Type]++
	switch event.Type {
	case "snapshot":
		for _, c := range event.Calls {
			e.live[c.ID] = &c
		}
	case "call":
		e.live[event.Call.ID] = event.Call
	case "call.gone":
		delete(e.live, event.ID)
	case "tick":
		gap = time.Since(e.last)
		e.last, e.longest = time.Now(), max(e.longest, gap)
	}
	return gap
}

// fellOut lets an agent be ready again whom the queue has taken out of turn.
func (d *drill) fellOut(a *routing.Agent) {
	i := slices.IndexFunc(d.agents, func(known *drillAgent) bool { return known.name == a.Name })
	if i < 0 || !slices.Contains([]string{routing.ReasonNoAnswer, routing.ReasonDeclined, routing.ReasonBusy, routing.ReasonUnreachable}, a.Reason) {
		return
	}
	d.count(a.Name + " was " + a.Reason)
	go func() {
		<-time.After(time.Second)
		if err := d.wish(d.agents[i], "ready", ""); err != nil {
			d.fail("%v", err)
		}
	}()
}

// talkOf waits until one call is a talk with an agent, and returns it.
func (e *drillEvents) talkOf(agent string) (string, error) {
	find := func() (ids []string) {
		e.mu.Lock()
		defer e.mu.Unlock()
		for id, c := range e.live {
			if c.Agent == agent && c.State == call.Talking {
				ids = append(ids, id)
			}
		}
		return ids
	}
	var ids []string
	for end := time.Now().Add(tickGap); time.Now().Before(end); <-time.After(media.FrameDuration) {
		if ids = find(); len(ids) == 1 {
			return ids[0], nil
		}
	}
	return "", fmt.Errorf("the events show %d talks of %s", len(ids), agent)
}

// close closes the page, which must have been told of the end of all calls.
func (e *drillEvents) close(t *testing.T) {
	t.Helper()
	testkit.Eventually(t, soon, "events of the end of all calls", func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return len(e.live) == 0
	})
	e.mu.Lock()
	e.closed = true
	if gap := time.Since(e.last); gap > tickGap {
		t.Errorf("%v without a tick", gap)
	}
	e.mu.Unlock()
	_ = e.conn.Close(websocket.StatusNormalClosure, "")
	<-e.done
}
