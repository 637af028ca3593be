package api

import (
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

// notes takes what a call's agent says of it.
func (s *Server) notes(w http.ResponseWriter, r *http.Request, v visitor) error {
	var body Notes
	if err := readJSON(r, &body); err != nil {
		return err
	}
	if err := body.check(s.config.Dispositions); err != nil {
		return err
	}
	c, err := s.visibleCall(r.Context(), v, r.PathValue("id"))
	switch {
	case err != nil:
		return err
	case c.Agent != v.Name:
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
