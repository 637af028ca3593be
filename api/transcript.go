package api

import (
	"context"
	"net/http"

	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/transcript"
)

// Transcript is what was said in a call, as far as it is written down. Numbers in it
// are masked since before it was stored.
type Transcript struct {
	CallID   string               `json:"call_id"`
	Coverage transcript.Coverage  `json:"coverage"`
	Engines  []string             `json:"engines,omitempty"`
	Segments []transcript.Segment `json:"segments"`
}

// transcript serves the words of a call to those who may hear it. Who was its agent
// reads what they have heard; anybody else leaves an audit entry.
func (s *Server) transcript(w http.ResponseWriter, r *http.Request, v visitor) error {
	if _, err := parse(r.URL.RawQuery); err != nil {
		return err
	}
	c, err := s.audibleCall(r.Context(), v, r.PathValue("id"))
	if err != nil {
		return err
	}
	if c.Agent != v.Name {
		if err := s.audit(r.Context(), v, "transcript", c.ID, ""); err != nil {
			return err
		}
	}
	all, err := s.Archive.Transcript(r.Context(), c.ID)
	if err != nil {
		return err
	}
	if all == nil {
		all = []transcript.Segment{}
	}
	return answer(w, http.StatusOK, Transcript{c.ID, c.Transcript.Coverage, c.Transcript.Engines, all})
}

// heard sends what was said since the page was told last, in the calls that its reader
// may hear: those that they talk in, or could monitor.
func (p *page) heard(ctx context.Context, o *object) error {
	if o.kind != aCall || o.words == p.words[o.id] {
		return nil
	}
	if p.who.Name != o.now && !p.who.MayCall(identity.MonitorCalls, o.queue, o.agent) {
		return nil
	}
	all, revision := p.Statuses.Words(o.id, p.words[o.id])
	p.words[o.id] = revision
	for i := range all {
		if err := p.send(ctx, Event{Type: "segment", ID: o.id, Segment: &all[i]}); err != nil {
			return err
		}
	}
	return nil
}
