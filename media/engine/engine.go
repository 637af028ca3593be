// Package engine runs the media of all calls. One worker for each core owns
// whole sessions and ticks each of them every 20 ms, in one of 20 slots of
// 1 ms, so that calls are spread over time. All streams of a session share
// its slot: what a bridge takes in from one leg goes out to the other within
// the same tick, undelayed, and all tracks of a recording share one grid of
// frames.
package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/rtc"
	"github.com/ivrd/ivrd/media/rtpio"
)

// DefaultNoMediaTimeout is how long a silent line is borne.
const DefaultNoMediaTimeout = 30 * time.Second

// Config is the part of the configuration that the engine owns.
type Config struct {
	// Workers is how many there are; 0 means one for each core.
	Workers int
	// Network is where RTP comes from; nil means the machine's, rtpio.System.
	Network rtpio.Network
	// Address to bind; Advertise is what peers are told when that differs: it
	// is one more of our own addresses, which RTP is never sent to.
	Address, Advertise netip.Addr
	// FirstPort and LastPort are the range for RTP and RTCP; both 0 means any
	// free ports.
	FirstPort, LastPort uint16
	// PortRest is how long a pair of ports stays bound after its old peer has
	// fallen silent; 0 means 2 s.
	PortRest time.Duration
	// Web is the port of browsers; nil means that none can take part. It is
	// closed by its maker, after the engine.
	Web *rtc.Mux
	// NoMediaTimeout of each stream; 0 means 30 s.
	NoMediaTimeout time.Duration
	// LatenessLimit is the 99th percentile of the lateness of slots from which
	// on, if it lasts, Overloaded holds; 0 means that it never does.
	LatenessLimit time.Duration
	Log           *slog.Logger
}

// Engine makes sessions. Its methods may be called by any goroutine.
type Engine struct {
	config  Config
	log     *slog.Logger
	ports   *rtpio.Ports
	guard   *rtpio.Guard
	own     *rtc.Identity // in handshakes with phones
	doubts  seldom
	workers []*worker

	mu       sync.Mutex
	state    state
	sessions map[*session]struct{}
	streams  map[*stream]struct{}
	past     Stats // packets of streams that are closed
	stopped  chan struct{}

	overloaded atomic.Bool // what the gate says
	unwatch    chan struct{}
	watching   sync.WaitGroup
}

type state uint8

const (
	fresh state = iota
	running
	closing
)

// New checks the configuration. Nothing is bound before a session opens a
// stream.
func New(c Config) (*Engine, error) {
	if c.Network == nil {
		c.Network = rtpio.System()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Workers <= 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.NoMediaTimeout <= 0 {
		c.NoMediaTimeout = DefaultNoMediaTimeout
	}
	if !c.Address.IsValid() {
		return nil, errors.New("make media engine: no address (hint: set media.address)")
	}
	ports, err := rtpio.NewPorts(c.Network, c.Address, c.FirstPort, c.LastPort)
	if err != nil {
		return nil, fmt.Errorf("make media engine: %w (hint: set media.ports)", err)
	}
	prefixes, err := c.Network.Prefixes()
	if err != nil {
		return nil, fmt.Errorf("make media engine: %w", err)
	}
	own, err := identity(c.Web)
	if err != nil {
		return nil, fmt.Errorf("make media engine: %w", err)
	}
	e := &Engine{
		config:   c,
		own:      own,
		log:      c.Log,
		ports:    ports,
		guard:    rtpio.NewGuard(prefixes, ports, c.Address.Unmap(), c.Advertise.Unmap()),
		sessions: map[*session]struct{}{},
		streams:  map[*stream]struct{}{},
		stopped:  make(chan struct{}),
		unwatch:  make(chan struct{}),
	}
	for range c.Workers {
		w, err := newWaiter(c.Network == rtpio.System())
		if err != nil {
			return nil, errors.Join(fmt.Errorf("make media engine: %w", err), e.Close())
		}
		e.workers = append(e.workers, newWorker(w))
	}
	return e, nil
}

// identity is that of browsers' port, if there is one.
func identity(web *rtc.Mux) (*rtc.Identity, error) {
	if web != nil {
		return web.Identity(), nil
	}
	return rtc.NewIdentity()
}

// Start lets the workers run.
func (e *Engine) Start() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state != fresh {
		return errors.New("start media engine: it was started before")
	}
	e.state = running
	for _, w := range e.workers {
		w.start()
	}
	if limit := e.config.LatenessLimit; limit > 0 {
		e.watching.Go(func() { e.watchLateness(limit) })
	}
	return nil
}

// NewSession begins the media of a call. The id is for logs.
func (e *Engine) NewSession(id string) (media.Session, error) {
	e.mu.Lock()
	if e.state != running {
		e.mu.Unlock()
		return nil, fmt.Errorf("begin session: %w", media.ErrClosed)
	}
	s := &session{engine: e, worker: e.leastBusy(), id: id}
	e.sessions[s] = struct{}{}
	s.worker.load.Add(1)
	e.mu.Unlock()
	if !s.worker.do(func() { s.worker.add(s) }) {
		return nil, fmt.Errorf("begin session: %w", media.ErrClosed)
	}
	return s, nil
}

// leastBusy worker, by sessions.
func (e *Engine) leastBusy() *worker {
	best := e.workers[0]
	for _, w := range e.workers[1:] {
		if w.load.Load() < best.load.Load() {
			best = w
		}
	}
	return best
}

// Close ends every session, stops the workers, closes the ports that rest and
// waits for all of it. It may be called twice, and before Start.
func (e *Engine) Close() error {
	e.mu.Lock()
	before := e.state
	e.state = closing
	sessions := slices.Collect(maps.Keys(e.sessions))
	e.mu.Unlock()
	if before == closing {
		<-e.stopped
		return nil
	}
	close(e.unwatch)
	e.watching.Wait()
	for _, s := range sessions {
		_ = s.Close() // never fails
	}
	for _, w := range e.workers {
		w.close(before == running)
	}
	e.own.Wait()
	e.ports.Close()
	close(e.stopped)
	return nil
}

func (e *Engine) forget(s *session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.sessions[s]; ok {
		delete(e.sessions, s)
		s.worker.load.Add(-1)
	}
}

func (e *Engine) opened(s *stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.streams[s] = struct{}{}
}

func (e *Engine) closed(s *stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.streams[s]; ok {
		delete(e.streams, s)
		e.past.count(s)
	}
}

// Stats of an engine, for metrics. Packet counts never fall.
type Stats struct {
	Sessions, Streams                   int
	PacketsIn, PacketsOut               uint64
	PacketsLost, PacketsLate            uint64
	Foreign, Invalid                    uint64
	PortsFree, PortsInUse, PortsResting int
	// SlotsLeftOut is how many slots of 1 ms the workers did not run because
	// the machine had stood still for more than 200 ms.
	SlotsLeftOut uint64
}

func (s *Stats) count(st *stream) {
	c := st.endpoint.Stats()
	s.PacketsIn += c.Received
	s.PacketsOut += c.Sent
	s.PacketsLost += c.Lost
	s.PacketsLate += c.Late
	s.Foreign += c.Foreign
	s.Invalid += c.Invalid
}

// Stats is a snapshot. It takes each stream's lock for a moment, and none for
// longer.
func (e *Engine) Stats() Stats {
	s, streams := e.snapshot()
	for _, st := range streams {
		s.count(st)
	}
	for _, w := range e.workers {
		s.SlotsLeftOut += w.left.Load()
	}
	p := e.ports.Counts()
	s.PortsFree, s.PortsInUse, s.PortsResting = p.Free, p.Used, p.Resting
	return s
}

func (e *Engine) snapshot() (Stats, []*stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.past
	s.Sessions, s.Streams = len(e.sessions), len(e.streams)
	return s, slices.Collect(maps.Keys(e.streams))
}

// Lateness says how late slots have run in the last 5 s, over all workers.
func (e *Engine) Lateness() Lateness {
	var h histogram
	for _, w := range e.workers {
		w.late.addTo(&h, w.elapsed())
	}
	return h.summary()
}
