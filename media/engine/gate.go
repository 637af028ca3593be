package engine

import "time"

const (
	// gateInterval is how often the gate is looked at.
	gateInterval = 250 * time.Millisecond
	// lateSeconds of the window must be late before the gate shuts: a machine
	// that stands still for up to a second makes two of them late at most.
	lateSeconds = 3
	// crowd is how many sessions must run before the gate shuts. Fewer are not
	// what makes a machine late, and to refuse callers would not help.
	crowd = 20
)

// recent is what the gate looks at: the 99th percentiles of lateness over the
// whole window, and of each of its seconds that are over.
type recent struct {
	window   time.Duration
	seconds  [latenessSeconds]time.Duration
	sessions int
}

// lateFor counts the seconds whose percentile is above a limit.
func (p *recent) lateFor(limit time.Duration) (n int) {
	for _, s := range p.seconds {
		if s > limit {
			n++
		}
	}
	return n
}

// gate says whether the engine has as many sessions as it can tick in time:
//
//	open → shut: the window is above the limit, and so are three of its seconds
//	shut → open: at most one of the seconds is above 3/5 of the limit
//
// The calls that it keeps out are what brings the lateness down, so the two
// limits are apart: else it would swing.
type gate struct {
	limit time.Duration
	shut  bool
}

// judge takes what has been and reports whether the gate has moved.
func (g *gate) judge(p recent) (moved bool) {
	before := g.shut
	switch {
	case p.sessions < crowd/2:
		g.shut = false
	case g.shut:
		g.shut = p.lateFor(g.limit*3/5) > 1
	default:
		g.shut = p.sessions >= crowd && p.window > g.limit && p.lateFor(g.limit) >= lateSeconds
	}
	return g.shut != before
}

// recent merges what the workers know.
func (e *Engine) recent() recent {
	p := recent{window: e.Lateness().P99}
	for i := range p.seconds {
		var h histogram
		for _, w := range e.workers {
			w.late.addSecond(&h, w.elapsed(), i+1)
		}
		p.seconds[i] = h.percentile(0.99)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	p.sessions = len(e.sessions)
	return p
}

// Overloaded reports whether media has been late for seconds, so that another
// call would harm those that run. It costs no more than an atomic load.
func (e *Engine) Overloaded() bool { return e.overloaded.Load() }

// watchLateness moves the gate until the engine stops.
func (e *Engine) watchLateness(limit time.Duration) {
	tick := time.NewTicker(gateInterval)
	defer tick.Stop()
	g := gate{limit: limit}
	for {
		select {
		case <-tick.C:
		case <-e.unwatch:
			return
		}
		p := e.recent()
		if !g.judge(p) {
			continue
		}
		e.overloaded.Store(g.shut)
		if g.shut {
			e.log.Warn("media runs late: new calls are refused", "p99", p.window, "limit", limit, "sessions", p.sessions,
				"hint", "give it more cores or lower calls.max")
		} else {
			e.log.Info("media runs in time again: new calls are taken", "p99", p.window, "sessions", p.sessions)
		}
	}
}
