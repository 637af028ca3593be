// Package api is the HTTP surface of ivrd: sign-in, calls, recordings, audit,
// health and metrics. Rights are applied here, in one place, for all of it.
// docs/api.md is its guide, /api/v1/openapi.json its description.
package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/internal/obs"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/transcript"
)

// Config is the part of the configuration that api owns. Zero values mean the
// numbers given.
type Config struct {
	Listen            string // host:port
	CertFile, KeyFile string // TLS 1.3; read again when the files change
	// LoginsPerMinute from one address: 60.
	LoginsPerMinute int
	// MaxInFlight requests at once: 256; more get 503. MaxPlaybacks of them may
	// be recordings: 32.
	MaxInFlight, MaxPlaybacks int
	// Drain is how long Close waits for requests that run: 10 s.
	Drain time.Duration
	// MaxSockets are the pages that may be connected at once: 256, of one person
	// 16; more get 503.
	MaxSockets int
	// AnnounceMonitor lets agents see who monitors their call.
	AnnounceMonitor bool
	// Demo shows its people and Numbers to everybody, and gives phones to callers
	// who are nobody.
	Demo    bool
	Numbers []string
	// Dispositions are the words for what a call was.
	Dispositions []string
	// Queues are the names of all.
	Queues []string
	// Realm is that of SIP: pages register in it.
	Realm string
}

// People proves who somebody is; identity.People does.
type People interface {
	SignIn(context.Context, identity.Credentials) (identity.Person, identity.SignIn, identity.Secret, error)
	Resolve(context.Context, identity.Secret) (identity.Person, identity.SignIn, error)
	SignOut(context.Context, identity.Secret) error
	NewPhone(context.Context, identity.Secret) (identity.Phone, error)
	NewGuest(number string) (identity.Phone, error)
	Demo(context.Context) ([]identity.Person, error)
}

// Archive is what api needs of recordings.Vault. Audit returns when the entry is
// durable.
type Archive interface {
	Call(ctx context.Context, id string) (recordings.Call, error)
	Calls(context.Context, recordings.Query) ([]recordings.Call, string, error)
	Play(ctx context.Context, id string, track media.Track) (recordings.Playback, error)
	Transcript(ctx context.Context, id string) ([]transcript.Segment, error)
	Audit(context.Context, recordings.AuditEntry) error
	Annotate(ctx context.Context, id string, a recordings.Annotation) error
}

// Live lists the calls that run now, as they are this moment.
type Live interface {
	Live() []recordings.Call
}

// AuditLog reads the audit chain; recordings.Store does.
type AuditLog interface {
	Audit(ctx context.Context, from int64, each func(recordings.AuditEntry) error) error
}

// Check is one thing that must be well for the server to be ready. Its name is
// shown to anybody, its error only logged.
type Check struct {
	Name string
	Func func(context.Context) error
	// Advisory checks are shown, and do not count: calls are taken without them.
	Advisory bool
}

// Deps are the parts of the house that api stands on. Live, Statuses, Changes,
// Desk, Monitors, Talks, Phones, Pages, AuditLog, Checks and Metrics may be nil.
type Deps struct {
	People   People
	Archive  Archive
	Live     Live
	Statuses Statuses
	Changes  *Changes
	Desk     Desk
	Monitors Monitor
	Phones   Phones
	Pages    fs.FS // the built pages
	Talks    Talk
	AuditLog AuditLog
	Checks   []Check
	Metrics  *obs.Metrics
	Log      *slog.Logger
}

// Server is the HTTP server.
type Server struct {
	config Config
	Deps
	handler   http.Handler
	http      *http.Server
	logins    *rate
	guests    *rate
	sockets   *sockets
	studio    studio
	inFlight  chan struct{}
	playbacks chan struct{}
	plays     *continuations
	gzipped   sync.Map // of the pages' files, by name
	counts    counts
	draining  atomic.Bool
	mu        sync.Mutex
	listener  net.Listener
	served    chan struct{} // closed when the serving goroutine is over
}

// New makes a server; nothing runs before Start.
func New(config Config, deps Deps) *Server {
	s := &Server{config: config.withDefaults(), Deps: deps}
	if s.Metrics == nil {
		s.Metrics = obs.NewMetrics()
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Changes == nil {
		s.Changes = &Changes{}
	}
	s.logins, s.guests = newRate(s.config.LoginsPerMinute), newRate(s.config.LoginsPerMinute)
	s.sockets = newSockets(s.config.MaxSockets, maxSocketsEach)
	s.inFlight = make(chan struct{}, s.config.MaxInFlight)
	s.playbacks = make(chan struct{}, s.config.MaxPlaybacks)
	s.plays = newContinuations()
	s.counts = newCounts(s.Metrics)
	s.handler = s.wrap(s.mux())
	s.http = &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      60 * time.Second, // a playback moves its own
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	return s
}

// maxSocketsEach are the sockets that one person may have open.
const maxSocketsEach = 16

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		v  *int
		to int
	}{{&c.LoginsPerMinute, 60}, {&c.MaxInFlight, 256}, {&c.MaxPlaybacks, 32}, {&c.MaxSockets, 256}} {
		if *d.v <= 0 {
			*d.v = d.to
		}
	}
	if c.Drain <= 0 {
		c.Drain = 10 * time.Second
	}
	return c
}

func (c Config) secure() bool { return c.CertFile != "" }

// Handler serves without a listener of its own, for tests.
func (s *Server) Handler() http.Handler { return s.handler }

// Start listens and serves until Close.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil || s.draining.Load() {
		return errors.New("start http: started or closed already")
	}
	serve := s.http.Serve
	if s.config.secure() {
		certs, err := newCertificates(s.config.CertFile, s.config.KeyFile, s.Log)
		if err != nil {
			return fmt.Errorf("start http: %w", err)
		}
		s.http.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: certs.get}
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	l, err := net.Listen("tcp", s.config.Listen)
	if err != nil {
		return fmt.Errorf("listen for http: %w", err)
	}
	s.listener, s.served = l, make(chan struct{})
	go func() {
		defer close(s.served)
		if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.Log.Error("http server ended", "error", err)
		}
	}()
	return nil
}

// Addr is where the server listens; nil before Start.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// Drain makes /readyz answer 503, so that no new work comes.
func (s *Server) Drain() { s.draining.Store(true) }

// Close stops listening, says goodbye to the pages that are connected, waits for
// running requests as long as Config.Drain and cuts off the rest. It may be
// called twice.
func (s *Server) Close() error {
	s.Drain()
	ctx, cancel := context.WithTimeout(context.Background(), s.config.Drain)
	defer cancel()
	gone := make(chan struct{})
	go func() { defer close(gone); s.sockets.close(ctx) }()
	defer func() { <-gone }()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	s.mu.Lock()
	served := s.served
	s.mu.Unlock()
	if served != nil {
		<-served
	}
	if err != nil {
		return fmt.Errorf("close http: %w", err)
	}
	return nil
}
