package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
)

// recording serves the sound of a call. The audit entry is durable before the
// recording is opened.
func (s *Server) recording(w http.ResponseWriter, r *http.Request, v visitor) error {
	track, err := trackOf(r.URL.RawQuery)
	if err != nil {
		return err
	}
	c, err := s.audibleCall(r.Context(), v, r.PathValue("id"))
	if err != nil {
		return err
	}
	if c.Recording.State == "" || c.Recording.State == "none" {
		return noRecording()
	}
	select {
	case s.playbacks <- struct{}{}:
		defer func() { <-s.playbacks }()
	default:
		return unavailable("Too many recordings are being played: try again in a moment.")
	}
	if err := s.auditPlay(r, v, c.ID, track); err != nil {
		return err
	}
	return s.play(w, r, v, c, track)
}

func noRecording() *Problem {
	return problem(http.StatusNotFound, "no-recording", "This call has no recording.")
}

// auditPlay writes the entry of a playback. A player fetches a recording in
// ranges: a request for a range that begins later in the file shares the entry
// of the same sign-in, call and track if that is younger than ten minutes.
// Every request for the whole or for its beginning has an entry of its own.
func (s *Server) auditPlay(r *http.Request, v visitor, id string, track media.Track) error {
	key := playKey{v.signIn.ID, id, track}
	if laterRange(r.Header) && s.plays.open(key, time.Now()) {
		return nil
	}
	if err := s.audit(r.Context(), v, "play", id, "track "+trackName(track)); err != nil {
		return err
	}
	s.plays.begin(key, time.Now())
	return nil
}

func trackName(t media.Track) string {
	if t == media.TrackNone {
		return "all"
	}
	return t.String()
}

// laterRange reports whether a request asks for one range that does not begin
// at the first byte. With If-Range it may yet get the whole (RFC 9110 §13.1.5).
func laterRange(h http.Header) bool {
	span, ok := strings.CutPrefix(h.Get("Range"), "bytes=")
	if !ok || strings.Contains(span, ",") || h.Get("If-Range") != "" {
		return false
	}
	first, _, ok := strings.Cut(span, "-")
	return ok && strings.Trim(first, " 0") != ""
}

// play streams an opened recording.
func (s *Server) play(w http.ResponseWriter, r *http.Request, v visitor, c recordings.Call, track media.Track) error {
	p, err := s.Archive.Play(r.Context(), c.ID, track)
	if errors.Is(err, recordings.ErrNotFound) {
		return noRecording()
	}
	if err != nil {
		return fmt.Errorf("play %s: %w", c.ID, err)
	}
	h := w.Header()
	h.Set("Content-Type", "audio/wav")
	h.Set("Content-Disposition", fmt.Sprintf(`inline; filename="%s-%s.wav"`, c.ID, trackName(track)))
	if c.Recording.Chain != "" {
		h.Set("Etag", fmt.Sprintf(`"%s-%s"`, c.Recording.Chain, trackName(track)))
	}
	sound := &source{Playback: p}
	http.ServeContent(s.stream(w, r, v), r, "", time.Time{}, sound)
	// The answer is on its way: what went wrong now can only be logged.
	if err := errors.Join(sound.fault, p.Close()); err != nil {
		s.Log.Error("playback broke off", "call_id", c.ID, "error", err)
	}
	return nil
}

// source remembers why a playback broke off; ServeContent does not tell.
type source struct {
	recordings.Playback
	fault error
}

func (s *source) Read(b []byte) (int, error) {
	n, err := s.Playback.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		s.fault = err
	}
	return n, err
}

const (
	// writeLimit is how long one piece of a recording may take to be sent.
	writeLimit = 30 * time.Second
	// proveEvery is how often a running playback asks whether its sign-in holds.
	proveEvery = time.Second
)

// stream is an answer that may take long: its deadline moves with what is
// sent, and it breaks off when the sign-in ends.
type stream struct {
	http.ResponseWriter
	control *http.ResponseController
	prove   func() error
	proved  time.Time
	refused bool // an error was written instead
}

func (s *Server) stream(w http.ResponseWriter, r *http.Request, v visitor) *stream {
	return &stream{
		ResponseWriter: w, control: http.NewResponseController(w), proved: time.Now(),
		prove: func() error {
			person, _, err := s.People.Resolve(r.Context(), v.token)
			if err == nil && person.Scope(identity.RecordingsPlay) == identity.None {
				return forbidden()
			}
			return err
		},
	}
}

// WriteHeader makes a problem of the one error that http.ServeContent writes
// by itself.
func (s *stream) WriteHeader(status int) {
	if status != http.StatusRequestedRangeNotSatisfiable {
		s.ResponseWriter.WriteHeader(status)
		return
	}
	s.refused = true
	s.Header().Del("Content-Disposition")
	problem(status, "range", "The range is outside the recording.").write(s.ResponseWriter)
}

func (s *stream) Write(b []byte) (int, error) {
	if s.refused {
		return len(b), nil
	}
	now := time.Now()
	if now.Sub(s.proved) >= proveEvery {
		if err := s.prove(); err != nil {
			return 0, err
		}
		s.proved = now
	}
	_ = s.control.SetWriteDeadline(now.Add(writeLimit)) // a recorder in a test has none
	return s.ResponseWriter.Write(b)
}

// playKey names a playback that may be continued.
type playKey struct {
	signIn, call string
	track        media.Track
}

const (
	continueFor  = 10 * time.Minute
	maxContinued = 10_000
)

// continuations are the audit entries that further ranges may share.
type continuations struct {
	mu    sync.Mutex
	begun map[playKey]time.Time
}

func newContinuations() *continuations {
	return &continuations{begun: map[playKey]time.Time{}}
}

func (c *continuations) open(key playKey, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.begun[key]
	return ok && now.Sub(at) < continueFor
}

// begin remembers an entry. A full table forgets: the price is more entries.
func (c *continuations) begin(key playKey, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.begun) >= maxContinued {
		clear(c.begun)
	}
	c.begun[key] = now
}
