package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/ivrd/ivrd/internal/obs"
)

// maxBody of a request, in bytes.
const maxBody = 64 << 10

// counts are the metrics of the server.
type counts struct {
	requests obs.Counter
	seconds  obs.Histogram
	signIns  obs.Counter
}

func newCounts(m *obs.Metrics) counts {
	return counts{
		requests: m.Counter("http_requests_total", "HTTP requests by route and status.", "route", "code"),
		seconds: m.Histogram("http_request_seconds", "Time of HTTP requests by route.",
			[]float64{.001, .005, .01, .05, .1, .5, 1, 5, 30}, "route"),
		signIns: m.Counter("sign_ins_total", "Tries to sign in by result.", "result"),
	}
}

// wrap is what every request passes, from outside in: headers, the log line,
// panics, and the bound on requests at once.
func (s *Server) wrap(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.secureHeaders(w.Header())
		seen := &observed{ResponseWriter: w}
		_, route := mux.Handler(r)
		begun := time.Now()
		defer s.finished(seen, r, route, begun)
		defer s.recovered(seen, route)
		select {
		case s.inFlight <- struct{}{}:
			seen.release = sync.OnceFunc(func() { <-s.inFlight })
			defer seen.release()
		default:
			if r.URL.Path != "/healthz" {
				unavailable("Too many requests at once: try again in a moment.").write(seen)
				return
			}
		}
		mux.ServeHTTP(seen, r)
	})
}

// secureHeaders are right for an API: nothing is embedded, run or kept.
func (s *Server) secureHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if s.config.secure() {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}

// recovered turns a panic into a 500: one request's fault is not the server's.
func (s *Server) recovered(w *observed, route string) {
	fault := recover()
	if fault == nil {
		return
	}
	s.Log.Error("request panicked", "route", route, "fault", fmt.Sprint(fault), "stack", string(debug.Stack()))
	if w.status == 0 {
		problem(http.StatusInternalServerError, "internal", "Something went wrong here; it was logged.").write(w)
		return
	}
	panic(http.ErrAbortHandler) // half an answer must not look whole
}

// finished logs and counts. The route is logged, not the path: that holds what
// the other side likes.
func (s *Server) finished(w *observed, r *http.Request, route string, begun time.Time) {
	took := time.Since(begun)
	status := w.status
	if status == 0 {
		status = http.StatusOK
	}
	level := slog.LevelInfo
	switch r.URL.Path {
	case "/healthz", "/readyz", "/metrics":
		level = slog.LevelDebug
	}
	s.Log.Log(r.Context(), level, "http request", "method", r.Method, "route", route, "status", status,
		"took", took, "ip", address(r).String(), "person", w.person)
	s.counts.requests.Inc(route, strconv.Itoa(status))
	if status != http.StatusSwitchingProtocols { // how long a page stays is not how fast we are
		s.counts.seconds.Observe(took.Seconds(), route)
	}
}

// observed remembers the status of an answer and who asked.
type observed struct {
	http.ResponseWriter
	status  int
	person  string
	release func() // gives the place among the requests at once back; nil: there is none
}

func (o *observed) WriteHeader(status int) {
	if o.status == 0 {
		o.status = status
	}
	o.ResponseWriter.WriteHeader(status)
}

func (o *observed) Write(b []byte) (int, error) {
	if o.status == 0 {
		o.status = http.StatusOK
	}
	return o.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (o *observed) Unwrap() http.ResponseWriter { return o.ResponseWriter }

// note keeps who made the request, for the log line.
func note(w http.ResponseWriter, person string) {
	if o, ok := w.(*observed); ok {
		o.person = person
	}
}

// release lets go of the place among the requests at once: a socket stays, and is
// counted elsewhere.
func release(w http.ResponseWriter) {
	if o, ok := w.(*observed); ok && o.release != nil {
		o.release()
	}
}
