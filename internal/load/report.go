package load

import (
	"os"
	"slices"
	"time"
)

// Window is what was measured over a time in which nothing was changed.
type Window struct {
	Seconds float64 `json:"seconds"`
	Calls   int     `json:"calls"` // up at its end
	Sides   []Side  `json:"sides"`
	Signals Signals `json:"signals"` // of this time
	// Ramp is what it took to bring calls up before; nil where calls begin in the
	// window itself.
	Ramp  *Signals `json:"ramp,omitempty"`
	Setup Spread   `json:"setup"` // INVITE to 200 of those that were begun, to 1 ms
	// Share of the frames that should have come and did, of all legs.
	Delivered float64 `json:"delivered"`
	Self      Self    `json:"generator"`
	Server    *Server `json:"server,omitempty"`
}

// idle reports whether there was nothing to hear, and nobody tried.
func (w *Window) idle() bool {
	tried := w.Signals.Dialled > 0 || w.Calls > 0
	return !tried && !slices.ContainsFunc(w.Sides, func(s Side) bool { return s.Sent+s.Received > 0 })
}

// Side is one end of all calls.
type Side struct {
	Heard

	Name   string  `json:"name"`
	Sent   uint64  `json:"sent"`
	Keys   uint64  `json:"keys"`
	Loss   float64 `json:"loss"` // share of what should have come by its sequence numbers
	Jitter Spread  `json:"jitter"`
	Delay  Spread  `json:"delay"`  // from the sender's mark to the kernel's stamp
	Behind Spread  `json:"behind"` // what the server added to its own clock of 20 ms
}

// Self is how well the generator did.
type Self struct {
	CPU         float64 `json:"cpu"` // of a core
	Late        Spread  `json:"late"`
	LeftOut     uint64  `json:"slots_left_out"`
	Unsent      uint64  `json:"unsent"` // packets that the kernel did not take
	Buffer      int     `json:"socket_buffer"`
	BufferSmall bool    `json:"socket_buffer_small"`
	// Unreliable: its slots were so late that what is said of a bridge's jitter
	// and delay may be its own doing.
	Unreliable bool `json:"unreliable"`
}

// Server is what the measured process paid.
type Server struct {
	CPU        float64 `json:"cpu"`      // of a core
	PerCall    float64 `json:"cpu_call"` // of a core, in percent for each call that is up
	PerBegun   float64 `json:"cpu_begun_ms"`
	RSSBefore  int64   `json:"rss_before"` // bytes, before the first call
	RSS        int64   `json:"rss"`
	PSS        int64   `json:"pss"`
	RSSPerCall float64 `json:"rss_call"` // bytes
	RSSAfter   int64   `json:"rss_after"`
}

// smallBuffer is less than 10 ms of 100,000 packets a second need, which the
// kernel counts with 768 bytes each.
const smallBuffer = 768 << 10

// lateLimit is the p99 of our own lateness beyond which we are no judge, in ms.
const lateLimit = 2.0

// meter is what the clocks said when a window began.
type meter struct {
	begun  time.Time
	self   time.Duration
	server time.Duration
}

// meter begins a window: all is counted from here on.
func (e *Engine) meter() (meter, error) {
	self, server, err := e.cpu()
	e.reset()
	return meter{time.Now(), self, server}, err
}

func (e *Engine) cpu() (self, server time.Duration, err error) {
	if self, err = cpuTime(os.Getpid()); err != nil || e.desk.opts.PID == 0 {
		return self, 0, err
	}
	server, err = cpuTime(e.desk.opts.PID)
	return self, server, err
}

// measure runs the clock for a time and tells what was heard in it.
func (e *Engine) measure(d time.Duration) (*Window, error) {
	m, err := e.meter()
	if err != nil {
		return nil, err
	}
	if err := e.pass(d); err != nil {
		return nil, err
	}
	e.studio.hear()
	w, err := e.result(m)
	if err != nil {
		return nil, err
	}
	e.say("%d calls for %.0f s: loss %.3f %%, jitter p99 %.2f ms, delivered %.2f %%", w.Calls, w.Seconds, 100*w.Loss(), w.Jitter(), 100*w.Delivered)
	return w, nil
}

func (e *Engine) reset() {
	for _, s := range e.studio.sides {
		s.Heard, s.sent, s.keys = Heard{}, 0, 0
		for _, p := range s.ports {
			p.unsent = 0
		}
	}
	e.desk.Signals = Signals{Failures: map[string]uint64{}}
	e.late, e.left = Histogram{}, 0
}

func (e *Engine) result(m meter) (*Window, error) {
	self, server, err := e.cpu()
	if err != nil {
		return nil, err
	}
	took := time.Since(m.begun)
	w := &Window{Seconds: took.Seconds(), Calls: e.up(), Signals: e.desk.Signals, Setup: e.desk.setup.spread()}
	w.Self = Self{CPU: (self - m.self).Seconds() / took.Seconds(), Late: e.late.spread(), LeftOut: e.left}
	sent, heard := uint64(0), uint64(0)
	for _, s := range e.studio.sides {
		w.Sides = append(w.Sides, s.told())
		sent, heard = sent+s.sent, heard+s.Received
		for _, p := range s.ports {
			w.Self.Unsent += p.unsent
			w.Self.Buffer = p.buffer
		}
	}
	w.Self.Unreliable = w.Self.Late.P99 > lateLimit || w.Self.LeftOut+w.Self.Unsent > 0
	w.Self.BufferSmall = w.Self.Buffer < smallBuffer
	if sent > 0 {
		w.Delivered = float64(heard) / float64(sent)
	}
	if e.desk.opts.PID == 0 {
		return w, nil
	}
	return w, w.charge(e.desk.opts.PID, (server - m.server).Seconds(), e.before)
}

// charge says what the server paid.
func (w *Window) charge(pid int, seconds float64, before int64) error {
	rss, pss, err := memory(pid)
	s := &Server{CPU: seconds / w.Seconds, RSSBefore: before, RSS: rss, PSS: pss}
	if w.Calls > 0 {
		s.PerCall = 100 * s.CPU / float64(w.Calls)
		s.RSSPerCall = float64(rss-before) / float64(w.Calls)
	}
	if w.Signals.Dialled > 0 {
		s.PerBegun = 1000 * seconds / float64(w.Signals.Dialled)
	}
	w.Server = s
	return err
}

func (d *side) told() Side {
	s := Side{Name: d.name, Sent: d.sent, Keys: d.keys, Heard: d.Heard, Jitter: d.jitter.spread(), Delay: d.delay.spread(), Behind: d.behind.spread()}
	if all := s.Received - s.Duplicate + s.Lost; all > 0 {
		s.Loss = float64(s.Lost) / float64(all)
	}
	return s
}

// Loss is the worse side's share of packets that never came.
func (w *Window) Loss() float64 { return max(w.Sides[0].Loss, w.Sides[1].Loss) }

// Jitter is the worse side's 99th percentile, in milliseconds.
func (w *Window) Jitter() float64 { return max(w.Sides[0].Jitter.P99, w.Sides[1].Jitter.P99) }
