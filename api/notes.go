package api

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ivrd/ivrd/recordings"
)

// Notes is the body of PUT /api/v1/calls/{id}/notes: what the call was, one of
// the site's words or empty, and what else is to be said.
type Notes struct {
	Disposition string `json:"disposition"`
	Notes       string `json:"notes"`
}

// maxNotes of a call, in bytes.
const maxNotes = 4 << 10

// notesTime is how long after a call its agent may write about it.
const notesTime = time.Hour

func (b Notes) check(dispositions []string) error {
	if b.Disposition != "" && !slices.Contains(dispositions, b.Disposition) {
		return badParameter("disposition", "Choose one of "+strings.Join(dispositions, ", ")+".")
	}
	odd := func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
	if len(b.Notes) > maxNotes || !utf8.ValidString(b.Notes) || strings.ContainsFunc(b.Notes, odd) {
		return badParameter("notes", "Want at most 4 kB of printable text and line ends.")
	}
	return nil
}

// notes takes what a call's agent says of it. Who has given the caller away was
// its agent, too, though they may not see any more what became of it.
func (s *Server) notes(w http.ResponseWriter, r *http.Request, v visitor) error {
	var body Notes
	if err := readJSON(r, &body); err != nil {
		return err
	}
	if err := body.check(s.config.Dispositions); err != nil {
		return err
	}
	c, err := s.spokenCall(r.Context(), v, r.PathValue("id"))
	switch {
	case err != nil:
		return err
	case c.Agent != v.Name && !gaveAway(c, v.Name):
		return problem(http.StatusForbidden, "forbidden", "Only the call's agent writes its notes.")
	case !c.EndedAt.IsZero() && time.Since(c.EndedAt) > notesTime:
		return problem(http.StatusConflict, "too-late", "The call ended more than an hour ago.")
	}
	if err := s.Archive.Annotate(r.Context(), c.ID, recordings.Annotation(body)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// spokenCall is a call that the visitor may see, or has given away.
func (s *Server) spokenCall(ctx context.Context, v visitor, id string) (recordings.Call, error) {
	c, err := s.visibleCall(ctx, v, id)
	if err == nil || !validID(id) {
		return c, err
	}
	if c, failed := s.Archive.Call(ctx, id); failed == nil && gaveAway(c, v.Name) {
		return c, nil
	}
	return c, err
}

// gaveAway says whether an agent has transferred a call.
func gaveAway(c recordings.Call, agent string) bool {
	return slices.ContainsFunc(c.Transfers, func(t recordings.Transfer) bool { return t.By == agent })
}

// earlierCalls is how many are shown.
const earlierCalls = 10

// telephone is a number by which calls can belong together. Without one a caller
// is anybody: all who withhold theirs look the same.
var telephone = regexp.MustCompile(`^\+?[0-9]{3,}$`)

// earlier lists the calls of the same caller before a call.
func (s *Server) earlier(w http.ResponseWriter, r *http.Request, v visitor) error {
	c, err := s.visibleCall(r.Context(), v, r.PathValue("id"))
	if err != nil {
		return err
	}
	list := CallList{}
	if telephone.MatchString(c.From) {
		list, err = s.visibleCalls(r.Context(), v, recordings.Query{From: c.From, Until: c.StartedAt, Limit: earlierCalls})
		if err != nil {
			return err
		}
	}
	return answer(w, http.StatusOK, CallList{Calls: maskedAll(v, list.Calls)})
}
