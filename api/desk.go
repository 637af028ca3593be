package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"unicode"

	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/routing"
)

// Desk is where callers wait and agents are ready; cmd/ivrd makes it of
// routing.Dispatcher.
type Desk interface {
	Queues(context.Context) ([]routing.QueueState, error)
	Agents(context.Context) ([]routing.Agent, error)
	// Wish fails with routing.ErrNotFound for who is no agent.
	Wish(ctx context.Context, agent string, s routing.State, reason string) error
}

// QueueList is what the queues look like now.
type QueueList struct {
	Queues []Queue `json:"queues"`
}

// Queue is one of them; counts are since the start of the node.
type Queue struct {
	Name      string `json:"name"`
	Waiting   int    `json:"waiting"`
	LongestMS int64  `json:"longest_ms"`
	// Ready and Talking count agents; Staffed those not away or offline.
	Ready     int    `json:"ready"`
	Talking   int    `json:"talking"`
	Staffed   int    `json:"staffed"`
	Entered   uint64 `json:"entered"`
	Answered  uint64 `json:"answered"`
	Abandoned uint64 `json:"abandoned"`
	// InTime were answered within TargetMS.
	InTime   uint64 `json:"in_time"`
	TargetMS int64  `json:"target_ms"`
}

func queueOf(q routing.QueueState) Queue {
	return Queue{
		Name: q.Name, Waiting: q.Waiting, LongestMS: q.Longest.Milliseconds(), Ready: q.Ready, Talking: q.Talking, Staffed: q.Staffed,
		Entered: q.Entered, Answered: q.Answered, Abandoned: q.Abandoned, InTime: q.InTime, TargetMS: q.Target.Milliseconds(),
	}
}

func (s *Server) listQueues(w http.ResponseWriter, r *http.Request, v visitor) error {
	if s.Desk == nil {
		return unavailable("There are no queues on this node.")
	}
	all, err := s.Desk.Queues(r.Context())
	if err != nil {
		return err
	}
	list := QueueList{Queues: []Queue{}}
	for _, q := range all {
		if seesQueue(v.Person, q.Name) {
			list.Queues = append(list.Queues, queueOf(q))
		}
	}
	return answer(w, http.StatusOK, list)
}

// seesQueue says whether somebody may see a queue: that whose calls they may.
func seesQueue(p identity.Person, name string) bool { return p.MayCall(identity.CallsRead, name, "") }

// AgentList is who takes calls.
type AgentList struct {
	Agents []routing.Agent `json:"agents"`
}

func (s *Server) listAgents(w http.ResponseWriter, r *http.Request, v visitor) error {
	list := AgentList{Agents: []routing.Agent{}}
	all, err := s.agents(r.Context(), v)
	list.Agents = append(list.Agents, all...)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, list)
}

// agents are those whom the reader may see.
func (s *Server) agents(ctx context.Context, v visitor) ([]routing.Agent, error) {
	if s.Desk == nil {
		return nil, unavailable("There are no queues on this node.")
	}
	all, err := s.Desk.Agents(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(a routing.Agent) bool { return !v.MayAgent(a.Name, a.Queues) }), nil
}

// AgentState is the body of PUT /api/v1/agents/{id}/state.
type AgentState struct {
	State  routing.State `json:"state"`
	Reason string        `json:"reason,omitempty"`
}

// maxReason of an agent who is away, in bytes.
const maxReason = 64

func (b AgentState) check() error {
	if !slices.Contains([]routing.State{routing.Ready, routing.Away, routing.Offline}, b.State) {
		return badParameter("state", "Want ready, away or offline.")
	}
	if len(b.Reason) > maxReason || slices.ContainsFunc([]rune(b.Reason), func(r rune) bool { return !unicode.IsPrint(r) }) {
		return badParameter("reason", "Want at most 64 printable bytes.")
	}
	return nil
}

// setAgent is an agent's own wish, or their supervisor's, which is audited.
func (s *Server) setAgent(w http.ResponseWriter, r *http.Request, v visitor) error {
	var body AgentState
	if err := readJSON(r, &body); err != nil {
		return err
	}
	if err := body.check(); err != nil {
		return err
	}
	name := r.PathValue("id")
	if err := s.mayAgent(r.Context(), v, name); err != nil {
		return err
	}
	if name != v.Name {
		if err := s.audit(r.Context(), v, "agent."+string(body.State), name, body.Reason); err != nil {
			return err
		}
	}
	if err := s.Desk.Wish(r.Context(), name, body.State, body.Reason); err != nil {
		if errors.Is(err, routing.ErrNotFound) || errors.Is(err, identity.ErrNotFound) {
			return notFound()
		}
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// mayAgent refuses whom the visitor may not see; who has become an agent since
// the desk was opened is known to it by their own first wish.
func (s *Server) mayAgent(ctx context.Context, v visitor, name string) error {
	all, err := s.agents(ctx, v)
	if err != nil {
		return err
	}
	known := slices.ContainsFunc(all, func(a routing.Agent) bool { return a.Name == name })
	if !known && (name != v.Name || !slices.Contains(v.Roles, identity.Agent)) {
		return notFound()
	}
	return nil
}
