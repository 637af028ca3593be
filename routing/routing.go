// Package routing joins callers who wait with agents who are free: queues of
// tickets, agents with skills and states, offers with a deadline, and the
// score that says whose turn it is and why.
//
// It imports nothing of ivrd and no network, so that a day can be tested and
// replayed in virtual time. State is kept by a Store; a Dispatcher owns it.
package routing

import (
	"cmp"
	"errors"
	"slices"
	"time"
)

// The errors of a store and of the dispatcher.
var (
	// ErrNotFound: there is no such ticket, agent, queue or offer.
	ErrNotFound = errors.New("not found")
	// ErrExists: a ticket of this ID waits already.
	ErrExists = errors.New("exists already")
	// ErrTaken: the ticket or the agent is not free for an offer.
	ErrTaken = errors.New("taken")
	// ErrStale: the offer was settled before, by its deadline or by somebody else.
	ErrStale = errors.New("stale offer")
	// ErrBusy: the agent is in a call, which must end first.
	ErrBusy = errors.New("busy")
)

// Policy holds the weights of a priority.
type Policy struct {
	// Version names the policy in the ledger.
	Version string
	// UserValue and Difficulty weigh 0–100 each.
	UserValue, Difficulty float64
	// Emotion weighs 0–100, too, for callers who sound angry or afraid again and again:
	// a guess, so that it moves a priority by little.
	Emotion float64
}

// DefaultPolicy is 0.6 × user value + 0.4 × difficulty, and up to 10 for emotion.
func DefaultPolicy() Policy {
	return Policy{Version: "2", UserValue: 0.6, Difficulty: 0.4, Emotion: 0.1}
}

// Score is a priority, 0–100, with the terms that it is the sum of.
type Score struct {
	Policy string  `json:"policy"`
	Total  float64 `json:"score"`
	Terms  []Term  `json:"terms"`
}

// Term is one part of a Score: Weight × Value.
type Term struct {
	Name   string  `json:"name"`
	Weight float64 `json:"weight"`
	Value  float64 `json:"value"`
	// Parts are what Value is the sum of, where that is known.
	Parts []Part `json:"parts,omitempty"`
}

// Part of a Value.
type Part struct {
	Name   string `json:"name"`
	Points int    `json:"points"`
	Why    string `json:"why,omitempty"`
}

// Score weighs a caller's value, the difficulty of the problem, with its parts, and
// their emotion; what is outside 0–100 is taken as its bound. Emotion is a term where
// there is any, and takes the total to 100 at most.
func (p Policy) Score(value, difficulty, emotion float64, parts ...Part) Score {
	terms := []Term{
		{Name: "user_value", Weight: p.UserValue, Value: bounded(value)},
		{Name: "difficulty", Weight: p.Difficulty, Value: bounded(difficulty), Parts: parts},
	}
	if emotion = bounded(emotion); emotion > 0 && p.Emotion > 0 {
		room := 100 - p.UserValue*terms[0].Value - p.Difficulty*terms[1].Value
		terms = append(terms, Term{Name: "emotion", Weight: p.Emotion, Value: min(emotion, bounded(room/p.Emotion))})
	}
	s := Score{Policy: p.Version, Terms: terms}
	for _, t := range terms {
		s.Total += t.Weight * t.Value
	}
	return s
}

func bounded(v float64) float64 {
	if !(v > 0) { // also not a number
		return 0
	}
	return min(v, 100)
}

// Queue is where callers wait for agents of one kind.
type Queue struct {
	Name string
	// Ring is how long an offer stands.
	Ring time.Duration
	// WrapUp is the agent's time after a call; 0 means none.
	WrapUp time.Duration
	// Handle is the length of a call that the expected wait begins with; what
	// is measured moves it.
	Handle time.Duration
	// Target is how soon a caller should be answered: the service level counts by
	// it. 0 means no target.
	Target time.Duration
}

// Ticket is one caller who waits.
type Ticket struct {
	ID    string // the call's
	Queue string
	Score Score
	// Skills that the agent needs, with the least proficiency (1–5).
	Skills map[string]int
	// Language that the agent needs; empty means any.
	Language string
	// At is when the caller entered the queue; Seq breaks ties, drawn by the
	// store.
	At  time.Time
	Seq uint64
}

// before orders tickets: the higher priority, then who came first.
func before(a, b Ticket) int {
	return cmp.Or(cmp.Compare(b.Score.Total, a.Score.Total), a.At.Compare(b.At), cmp.Compare(a.Seq, b.Seq))
}

// SortTickets puts whose turn it is first.
func SortTickets(t []Ticket) { slices.SortFunc(t, before) }

// State of an agent.
type State string

// The states of an agent.
const (
	Offline  State = "offline"  // not signed in at a phone
	Ready    State = "ready"    // takes calls
	Reserved State = "reserved" // has an offer
	Talking  State = "talking"
	WrapUp   State = "wrap-up"
	Away     State = "away" // with a reason
)

// Agent is somebody who takes calls.
type Agent struct {
	Name   string         `json:"name"`
	Queues []string       `json:"queues"`
	Skills map[string]int `json:"skills,omitempty"` // proficiency 1–5
	// Languages that they speak; none means that it was not said: any.
	Languages []string `json:"languages,omitempty"`

	State  State     `json:"state"`
	Reason string    `json:"reason,omitempty"` // of Away and Offline
	Since  time.Time `json:"since"`            // of the state
	// Idle is since when they have not had a call.
	Idle time.Time `json:"idle,omitzero"`
	// Ticket and Token are of the offer or call that they have.
	Ticket string `json:"call,omitempty"`
	Token  uint64 `json:"-"`
	// Until is when the store's owner ends the state: an offer's deadline, the
	// end of wrap-up.
	Until time.Time `json:"until,omitzero"`
	// Then is the state that was asked for during a call and follows it.
	Then       State  `json:"then,omitempty"`
	ThenReason string `json:"-"`
}

// Fits reports whether an agent may take a ticket.
func (a Agent) Fits(t Ticket) bool {
	if !slices.Contains(a.Queues, t.Queue) {
		return false
	}
	if t.Language != "" && len(a.Languages) > 0 && !slices.Contains(a.Languages, t.Language) {
		return false
	}
	for skill, least := range t.Skills {
		if a.Skills[skill] < least {
			return false
		}
	}
	return true
}

// better orders agents who fit a ticket: the higher proficiency in what it
// asks for, then who has been idle longest, then by name.
func better(t Ticket) func(a, b Agent) int {
	return func(a, b Agent) int {
		return cmp.Or(cmp.Compare(proficiency(b, t), proficiency(a, t)), a.Idle.Compare(b.Idle), cmp.Compare(a.Name, b.Name))
	}
}

func proficiency(a Agent, t Ticket) int {
	sum := 0
	for skill := range t.Skills {
		sum += a.Skills[skill]
	}
	return sum
}

// Offer is a ticket that rings at an agent. Its token fences: whoever shows an
// old one is refused.
type Offer struct {
	Ticket   Ticket
	Agent    string
	Token    uint64
	Deadline time.Time
}
