package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/transcript"
)

// CallList is a page of calls, newest first, with masked numbers. A page may
// be short of its limit, or empty, and yet have a next one.
type CallList struct {
	Calls      []recordings.Call `json:"calls"`
	NextCursor string            `json:"next_cursor,omitempty"`
}

func (s *Server) listCalls(w http.ResponseWriter, r *http.Request, v visitor) error {
	q, err := callsQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	// Yes or no to a whole number would tell, digit by digit, what is masked.
	if q.From != "" && v.Scope(identity.NumbersUnmask) == identity.None {
		return forbidden()
	}
	list := CallList{}
	if q.State == "live" && s.Live != nil {
		list.Calls = s.liveCalls(v, q)
	} else if list, err = s.visibleCalls(r.Context(), v, q); err != nil {
		return err
	}
	list.Calls = maskedAll(v, list.Calls)
	return answer(w, http.StatusOK, list)
}

// mostPages bounds the work on one page of a reader who may see few calls.
const mostPages = 20

// visibleCalls reads the archive until a page of what the reader may see is
// full. Each read asks for no more than is missing, so that the cursor never
// passes a call that was not returned.
func (s *Server) visibleCalls(ctx context.Context, v visitor, q recordings.Query) (CallList, error) {
	var list CallList
	want := q.Limit
	for range mostPages {
		q.Limit = want - len(list.Calls)
		calls, next, err := s.Archive.Calls(ctx, q)
		if err != nil {
			return CallList{}, err
		}
		for _, c := range calls {
			if v.MayCall(identity.CallsRead, c.Queue, c.Agent) {
				list.Calls = append(list.Calls, c)
			}
		}
		list.NextCursor, q.Cursor = next, next
		if next == "" || len(list.Calls) >= want {
			break
		}
	}
	return list, nil
}

// liveCalls filters the calls that run now. They are few: there is no cursor.
func (s *Server) liveCalls(v visitor, q recordings.Query) []recordings.Call {
	calls := slices.DeleteFunc(slices.Clone(s.Live.Live()), func(c recordings.Call) bool {
		return !v.MayCall(identity.CallsRead, c.Queue, c.Agent) || !matches(c, q)
	})
	slices.SortFunc(calls, func(a, b recordings.Call) int {
		return cmp.Or(b.StartedAt.Compare(a.StartedAt), cmp.Compare(b.ID, a.ID))
	})
	return calls[:min(len(calls), q.Limit)]
}

func matches(c recordings.Call, q recordings.Query) bool {
	return (q.Queue == "" || c.Queue == q.Queue) &&
		(q.Agent == "" || c.Agent == q.Agent) &&
		(q.From == "" || c.From == q.From) &&
		(q.Since.IsZero() || !c.StartedAt.Before(q.Since)) &&
		(q.Until.IsZero() || c.StartedAt.Before(q.Until))
}

func (s *Server) oneCall(w http.ResponseWriter, r *http.Request, v visitor) error {
	p, err := parse(r.URL.RawQuery, "unmask")
	if err != nil {
		return err
	}
	unmask, err := p.choice("unmask", "0", "1")
	if err != nil {
		return err
	}
	c, err := s.visibleCall(r.Context(), v, r.PathValue("id"))
	if err != nil {
		return err
	}
	if unmask != "1" {
		return answer(w, http.StatusOK, masked(v, c))
	}
	if !v.MayCall(identity.NumbersUnmask, c.Queue, c.Agent) {
		return forbidden()
	}
	if err := s.audit(r.Context(), v, "unmask", c.ID, ""); err != nil {
		return err
	}
	return answer(w, http.StatusOK, whole(legsFor(v, c)))
}

// visibleCall finds a call. One that the reader may not see is as absent as
// one that never was.
func (s *Server) visibleCall(ctx context.Context, v visitor, id string) (recordings.Call, error) {
	if !validID(id) {
		return recordings.Call{}, notFound()
	}
	c, err := s.Archive.Call(ctx, id)
	if err != nil {
		return recordings.Call{}, err
	}
	if !v.MayCall(identity.CallsRead, c.Queue, c.Agent) {
		return recordings.Call{}, notFound()
	}
	return c, nil
}

// audibleCall finds a call that the reader may hear, and so read.
func (s *Server) audibleCall(ctx context.Context, v visitor, id string) (recordings.Call, error) {
	c, err := s.visibleCall(ctx, v, id)
	if err == nil && !v.MayCall(identity.RecordingsPlay, c.Queue, c.Agent) {
		return recordings.Call{}, forbidden()
	}
	return c, err
}

// maskedAll is never nil: its JSON is a list.
func maskedAll(v visitor, calls []recordings.Call) []recordings.Call {
	out := make([]recordings.Call, len(calls))
	for i, c := range calls {
		out[i] = masked(v, c)
	}
	return out
}

// masked hides the numbers of a call, also those that its agent has noted; but
// not from themselves, who would save what they see.
func masked(v visitor, c recordings.Call) recordings.Call {
	for _, number := range []*string{&c.From, &c.To, &c.Connected} {
		*number = transcript.MaskNumber(*number)
	}
	c.Transfers = slices.Clone(c.Transfers)
	for i := range c.Transfers {
		c.Transfers[i].Number = transcript.MaskNumber(c.Transfers[i].Number)
	}
	if c.Agent != v.Name {
		c.Notes = transcript.Mask(c.Notes)
	}
	return whole(legsFor(v, c))
}

// legsFor leaves out who has monitored a call for those who may not know.
func legsFor(v visitor, c recordings.Call) recordings.Call {
	if v.MayCall(identity.MonitorCalls, c.Queue, c.Agent) {
		return c
	}
	c.Legs = slices.DeleteFunc(slices.Clone(c.Legs), func(l recordings.Leg) bool { return l.Party == recordings.PartySupervisor })
	return c
}

// whole makes the JSON of a call have its path as a list, even an empty one.
func whole(c recordings.Call) recordings.Call {
	if c.Path == nil {
		c.Path = []recordings.Step{}
	}
	return c
}
