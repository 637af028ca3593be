package api

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
)

// maxValue of a query parameter, in bytes.
const maxValue = 256

// maxPage is the longest page of a list, defaultPage the usual one.
const (
	maxPage     = 500
	defaultPage = 50
)

// parameters are the query of a URL, each given once at most.
type parameters struct{ url.Values }

// parse reads a query and refuses names that are not allowed.
func parse(raw string, allowed ...string) (parameters, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return parameters{}, badParameter("", "The query cannot be read.")
	}
	for name, given := range values {
		switch {
		case !slices.Contains(allowed, name):
			return parameters{}, badParameter(shown(name), "There is no such parameter; there are "+strings.Join(allowed, ", ")+".")
		case len(given) > 1:
			return parameters{}, badParameter(name, "Give it once.")
		case len(given[0]) > maxValue || !printable(given[0]):
			return parameters{}, badParameter(name, "Too long, or not printable.")
		}
	}
	return parameters{values}, nil
}

// shown bounds what is echoed of a hostile name.
func shown(name string) string {
	if len(name) > 32 || !printable(name) {
		return "?"
	}
	return name
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func (p parameters) choice(name string, choices ...string) (string, error) {
	v := p.Get(name)
	if v != "" && !slices.Contains(choices, v) {
		return "", badParameter(name, "Choose one of "+strings.Join(choices, ", ")+".")
	}
	return v, nil
}

func (p parameters) name(name string) (string, error) {
	v := p.Get(name)
	if v != "" && !identity.ValidName(v) {
		return "", badParameter(name, "A name has a-z, 0-9, dot, dash and underscore.")
	}
	return v, nil
}

func (p parameters) time(name string) (time.Time, error) {
	v := p.Get(name)
	if v == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil {
		return time.Time{}, badParameter(name, "Write a time such as 2026-01-31T09:00:00Z (a plus sign as %2B).")
	}
	return t, nil
}

func (p parameters) span() (since, until time.Time, err error) {
	if since, err = p.time("since"); err != nil {
		return since, until, err
	}
	if until, err = p.time("until"); err != nil {
		return since, until, err
	}
	if !since.IsZero() && !until.IsZero() && !since.Before(until) {
		return since, until, badParameter("until", "It must be after since.")
	}
	return since, until, nil
}

func (p parameters) limit() (int, error) {
	v := p.Get("limit")
	if v == "" {
		return defaultPage, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > maxPage {
		return 0, badParameter("limit", "Give a number from 1 to 500.")
	}
	return n, nil
}

// callsQuery reads the query of the list of calls.
func callsQuery(raw string) (recordings.Query, error) {
	p, err := parse(raw, "state", "queue", "agent", "from", "since", "until", "q", "limit", "cursor")
	if err != nil {
		return recordings.Query{}, err
	}
	if p.Get("q") != "" {
		return recordings.Query{}, badParameter("q", "Search by words comes later.")
	}
	q := recordings.Query{From: p.Get("from"), Cursor: p.Get("cursor")}
	if q.Cursor != "" && !validCursor(q.Cursor) {
		return recordings.Query{}, badParameter("cursor", "Give the next_cursor of the page before.")
	}
	if q.State, err = p.choice("state", "live", "ended"); err != nil {
		return recordings.Query{}, err
	}
	if q.Queue, err = p.name("queue"); err != nil {
		return recordings.Query{}, err
	}
	if q.Agent, err = p.name("agent"); err != nil {
		return recordings.Query{}, err
	}
	if q.Since, q.Until, err = p.span(); err != nil {
		return recordings.Query{}, err
	}
	q.Limit, err = p.limit()
	return q, err
}

// trackOf reads which voice of a recording is wanted; none means all, as
// stereo. The whisper is not served: it is for those who may monitor.
func trackOf(raw string) (media.Track, error) {
	p, err := parse(raw, "track")
	if err != nil {
		return media.TrackNone, err
	}
	tracks := []media.Track{media.TrackCaller, media.TrackAgent, media.TrackPrompts, media.TrackSupervisor}
	name, err := p.choice("track", "caller", "agent", "prompts", "supervisor")
	for _, t := range tracks {
		if t.String() == name {
			return t, err
		}
	}
	return media.TrackNone, err
}

// validCursor reports whether a cursor can be the archive's: a time in ms and
// a call ID.
func validCursor(cursor string) bool {
	at, id, ok := strings.Cut(cursor, "-")
	ms, err := strconv.ParseInt(at, 10, 64)
	return ok && err == nil && ms > 0 && validID(id)
}

// validID reports whether an ID can be a call's: channel, 13 digits of Unix
// ms, 5 random digits.
func validID(id string) bool {
	if len(id) != 20 {
		return false
	}
	switch id[:2] {
	case "PS", "WB", "AP":
	default:
		return false
	}
	return strings.Trim(id[2:], "0123456789") == ""
}
