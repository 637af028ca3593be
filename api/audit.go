package api

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/ivrd/ivrd/recordings"
)

// AuditList is a page of the audit log, oldest first.
type AuditList struct {
	Entries    []recordings.AuditEntry `json:"entries"`
	NextCursor string                  `json:"next_cursor,omitempty"`
}

// errFull ends the reading of the log when the page is full.
var errFull = errors.New("page is full")

func (s *Server) listAudit(w http.ResponseWriter, r *http.Request, v visitor) error {
	wanted, limit, from, err := auditQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	if s.AuditLog == nil {
		return unavailable("The audit log cannot be read on this node.")
	}
	if err := s.audit(r.Context(), v, "audit.read", "audit", ""); err != nil {
		return err
	}
	list := AuditList{Entries: []recordings.AuditEntry{}}
	err = s.AuditLog.Audit(r.Context(), from, func(e recordings.AuditEntry) error {
		if !wanted(e) {
			return nil
		}
		if len(list.Entries) == limit {
			list.NextCursor = strconv.FormatInt(e.Seq, 10)
			return errFull
		}
		list.Entries = append(list.Entries, e)
		return nil
	})
	if err != nil && !errors.Is(err, errFull) {
		return err
	}
	return answer(w, http.StatusOK, list)
}

// auditQuery reads the query of the audit log.
func auditQuery(raw string) (wanted func(recordings.AuditEntry) bool, limit int, from int64, err error) {
	p, err := parse(raw, "since", "until", "actor", "limit", "cursor")
	if err != nil {
		return nil, 0, 0, err
	}
	since, until, err := p.span()
	if err != nil {
		return nil, 0, 0, err
	}
	actor := p.Get("actor")
	if limit, err = p.limit(); err != nil {
		return nil, 0, 0, err
	}
	if c := p.Get("cursor"); c != "" {
		if from, err = strconv.ParseInt(c, 10, 64); err != nil || from < 0 {
			return nil, 0, 0, badParameter("cursor", "Give the next_cursor of the page before.")
		}
	}
	return func(e recordings.AuditEntry) bool {
		return (since.IsZero() || !e.At.Before(since)) && (until.IsZero() || e.At.Before(until)) &&
			(actor == "" || e.Actor == actor)
	}, limit, from, nil
}
