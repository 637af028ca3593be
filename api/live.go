package api

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ivrd/ivrd/call"
	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/routing"
	"github.com/ivrd/ivrd/transcript"
)

// Statuses tells how the running calls are doing; *call.Conductor does.
type Statuses interface {
	Statuses() []call.Status
	// Words are segments of a running call that are other since a revision.
	Words(id string, since uint64) ([]transcript.Segment, uint64)
}

// Changes is told that something which pages show may be other than before. Its
// zero value is ready for use.
type Changes struct{ n atomic.Uint64 }

// Tell never blocks and costs next to nothing: calls and queues use it at each
// change. Those who look find out at their own pace.
func (c *Changes) Tell() { c.n.Add(1) }

// LiveCall is a call that runs now, as pages are told of it: its record joined
// with what it is doing. Its numbers are masked.
type LiveCall struct {
	ID       string `json:"id"`
	From     string `json:"from"`
	To       string `json:"to"`
	Language string `json:"language,omitempty"`
	// Trusted: From was proved to us.
	Trusted      bool              `json:"trusted"`
	State        call.State        `json:"state"`
	Since        time.Time         `json:"since"` // of State
	StartedAt    time.Time         `json:"started_at"`
	AnsweredAt   time.Time         `json:"answered_at,omitzero"`
	Flow         string            `json:"flow,omitempty"`
	Path         []recordings.Step `json:"path"`
	Queue        string            `json:"queue,omitempty"`
	Agent        string            `json:"agent,omitempty"` // who talks to the caller, or did last
	WaitMS       int64             `json:"wait_ms"`
	WaitingSince time.Time         `json:"waiting_since,omitzero"`
	Position     int               `json:"position,omitempty"` // in Queue, from 1
	Priority     *routing.Score    `json:"priority,omitempty"`
	Offer        *LiveOffer        `json:"offer,omitempty"`
	Recording    string            `json:"recording"` // none, live or paused
	Monitors     []Monitoring      `json:"monitors,omitempty"`
	Detached     bool              `json:"detached"`
	// Transcribed is how much of what is said is written down at the moment. Emotion is
	// what the caller's last utterance seems to express, Intent what they were last
	// understood to want.
	Transcribed transcript.Coverage `json:"transcribed"`
	Emotion     *transcript.Emotion `json:"emotion,omitempty"`
	Escalate    bool                `json:"escalate"`
	Intent      string              `json:"intent,omitempty"`
	// Lines are those of the caller and of whom they talk to, as far as known.
	Lines []LiveLine `json:"lines,omitempty"`
}

// LiveLine is how good a party's line is at the moment; a MOS of 0 is not known.
type LiveLine struct {
	Party        string      `json:"party"` // caller, agent or other
	Grade        media.Grade `json:"grade"` // good, fair or poor: of the worse way
	HeardMOS     float64     `json:"heard_mos,omitempty"`
	PeerHeardMOS float64     `json:"peer_heard_mos,omitempty"`
}

// LiveOffer is an agent who is rung.
type LiveOffer struct {
	Agent    string    `json:"agent"`
	Deadline time.Time `json:"deadline"`
}

// Monitoring is a supervisor who is in a call.
type Monitoring struct {
	Who  string    `json:"who"`
	Mode call.Mode `json:"mode"`
}

// liveCall joins what a call is doing with its record.
func liveCall(s call.Status, c recordings.Call) LiveCall {
	c = whole(c)
	l := LiveCall{
		ID: s.ID, From: transcript.MaskNumber(c.From), To: transcript.MaskNumber(c.To), Language: c.Language, Trusted: s.Trusted,
		State: s.State, Since: s.Since, StartedAt: c.StartedAt, AnsweredAt: c.AnsweredAt, Flow: c.Flow, Path: c.Path,
		Queue: c.Queue, Agent: c.Agent, WaitMS: c.WaitMS, WaitingSince: s.WaitingSince, Position: s.Position, Priority: c.Priority,
		Recording: s.Recording, Detached: s.Detached,
		Transcribed: s.Transcribed, Emotion: s.Emotion, Escalate: s.Escalate, Intent: s.Intent,
	}
	if s.Agent != "" {
		l.Agent = s.Agent
	}
	if c.Recording.State == call.RecordingNone { // the archive has no room, and the call goes on without
		l.Recording = call.RecordingNone
	}
	if s.Offer != nil {
		l.Offer = &LiveOffer{s.Offer.Agent, s.Offer.Deadline}
	}
	for _, m := range s.Monitors {
		l.Monitors = append(l.Monitors, Monitoring(m))
	}
	for _, n := range s.Lines {
		l.Lines = append(l.Lines, LiveLine{n.Party, n.Grade, n.Heard, n.PeerHeard})
	}
	return l
}

// kind of an object that pages are told of.
type kind string

const (
	aCall   kind = "call"
	aQueue  kind = "queue"
	anAgent kind = "agent"
)

// object is a call, a queue or an agent as JSON, with what decides who sees it.
// It is rendered once for all readers.
type object struct {
	kind kind
	id   string
	// queue and agent are those of a call's record, now is who talks to the
	// caller; queues are an agent's.
	queue, agent, now string
	queues            []string
	words             uint64 // the revision of a call's

	text []byte
	// watched is text with the call's monitors; nil where there are none.
	watched []byte
	// same stands for text when two are compared: without what only time changes.
	same []byte
}

func (o *object) key() string { return string(o.kind) + " " + o.id }

// seenBy says whether somebody may see it, by the rights that the lists apply.
func (o *object) seenBy(p identity.Person) bool {
	switch o.kind {
	case aCall:
		return p.MayCall(identity.CallsRead, o.queue, o.agent)
	case aQueue:
		return seesQueue(p, o.id)
	default:
		return p.MayAgent(o.id, o.queues)
	}
}

// as is the object as somebody sees it, and what to compare it by. Who monitors a
// call is shown to those who could, and to its agent where that is announced.
func (o *object) as(p identity.Person, announce bool) (text, same []byte) {
	if o.watched != nil && (p.MayCall(identity.MonitorCalls, o.queue, o.agent) || announce && p.Name == o.now) {
		return o.watched, o.watched
	}
	return o.text, o.same
}

// picture is what is so at one moment: calls, queues, agents, in this order.
type picture struct {
	at         time.Time
	generation uint64 // of Changes, when it was begun
	objects    []*object
}

// studio makes pictures, one for all who look at the same time.
type studio struct {
	mu   sync.Mutex
	last *picture
}

const (
	// pictureEvery is how often there can be a new picture.
	pictureEvery = 100 * time.Millisecond
	// pictureAge is when there is a new one although nobody has told of a change.
	pictureAge = 2 * time.Second
	// pictureLimit is how long one may take.
	pictureLimit = 2 * time.Second
)

// picture is what is so now, or was within pictureEvery.
func (s *Server) picture() *picture {
	s.studio.mu.Lock()
	defer s.studio.mu.Unlock()
	last, generation := s.studio.last, s.Changes.n.Load()
	if last != nil {
		age := time.Since(last.at)
		if age < pictureEvery || last.generation == generation && age < pictureAge {
			return last
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), pictureLimit)
	defer cancel()
	p := &picture{at: time.Now(), generation: generation}
	p.objects = append(p.objects, s.callObjects(ctx)...)
	p.objects = append(p.objects, s.deskObjects(ctx, last)...)
	s.studio.last = p
	return p
}

func (s *Server) callObjects(ctx context.Context) []*object {
	if s.Statuses == nil {
		return nil
	}
	var all []*object
	for _, st := range s.Statuses.Statuses() {
		c, err := s.Archive.Call(ctx, st.ID)
		if err != nil {
			s.Log.Debug("record of a running call not read", "call_id", st.ID, "error", err)
			continue
		}
		l := liveCall(st, c)
		o := &object{kind: aCall, id: st.ID, queue: c.Queue, agent: c.Agent, now: l.Agent, words: st.Words}
		if len(l.Monitors) > 0 {
			o.watched = rendered(l)
			l.Monitors = nil
		}
		o.text = rendered(l)
		o.same = o.text
		all = append(all, o)
	}
	return all
}

// deskObjects are queues and agents. When those cannot be had, they are as they
// were.
func (s *Server) deskObjects(ctx context.Context, last *picture) []*object {
	if s.Desk == nil {
		return nil
	}
	queues, err := s.Desk.Queues(ctx)
	agents, err2 := s.Desk.Agents(ctx)
	if err != nil || err2 != nil {
		s.Log.Warn("queues and agents not read", "error", err, "error_of_agents", err2)
		return last.desk()
	}
	var all []*object
	for _, q := range queues {
		shown := queueOf(q)
		o := &object{kind: aQueue, id: q.Name, text: rendered(shown)}
		shown.LongestMS = 0 // grows by itself
		o.same = rendered(shown)
		all = append(all, o)
	}
	for _, a := range agents {
		text := rendered(a)
		all = append(all, &object{kind: anAgent, id: a.Name, queues: a.Queues, text: text, same: text})
	}
	return all
}

// desk are the objects that are no calls.
func (p *picture) desk() []*object {
	if p == nil {
		return nil
	}
	i := 0
	for i < len(p.objects) && p.objects[i].kind == aCall {
		i++
	}
	return p.objects[i:]
}

// rendered is the JSON of a type of ours, which always has one.
func rendered(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // wrap makes it this connection's fault only
	}
	return b
}
