package digest

import (
	"net/netip"
	"sync"
	"time"
)

// A source that fails this often for one user within the window is refused
// for that user for a while. Other sources are not: nobody can lock a person
// out by guessing.
const (
	maxFailures  = 10
	failWindow   = 60 * time.Second
	blockTime    = 15 * time.Minute
	maxGuarded   = 10000
	sweepEvery   = time.Second // a full table must not cost a walk for each failure
	guardedPerIP = 64          // names that one source may fail with before it counts as a whole
)

type guardKey struct {
	user   string
	source netip.Addr
}

type failures struct {
	count   int
	since   time.Time
	blocked time.Time // until
}

// guard counts failed tries in a bounded table.
type guard struct {
	mu    sync.Mutex
	table map[guardKey]*failures
	names map[netip.Addr]int
	swept time.Time
}

func newGuard() *guard {
	return &guard{table: map[guardKey]*failures{}, names: map[netip.Addr]int{}}
}

func (g *guard) blocked(user string, source netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	return g.isBlocked(guardKey{user, source}, now) || g.isBlocked(guardKey{"", source}, now)
}

func (g *guard) isBlocked(k guardKey, now time.Time) bool {
	f := g.table[k]
	return f != nil && now.Before(f.blocked)
}

func (g *guard) failed(user string, source netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if len(g.table) >= maxGuarded && now.Sub(g.swept) > sweepEvery {
		g.sweep(now)
	}
	// A source that tries many names is counted as one: its table entries must
	// not push out those of others.
	k := guardKey{user, source}
	if g.table[k] == nil && (g.names[source] >= guardedPerIP || len(g.table) >= maxGuarded) {
		k.user = ""
	}
	g.count(k, now)
}

func (g *guard) count(k guardKey, now time.Time) {
	f := g.table[k]
	if f == nil {
		if len(g.table) >= 2*maxGuarded {
			return // every slot is a source under attack: stay bounded
		}
		f = &failures{since: now}
		g.table[k] = f
		g.names[k.source]++
	}
	if now.Sub(f.since) > failWindow {
		f.count, f.since = 0, now
	}
	if f.count++; f.count >= maxFailures {
		f.blocked = now.Add(blockTime)
	}
}

func (g *guard) sweep(now time.Time) {
	g.swept = now
	for k, f := range g.table {
		if now.Sub(f.since) > failWindow && now.After(f.blocked) {
			delete(g.table, k)
			if g.names[k.source]--; g.names[k.source] <= 0 {
				delete(g.names, k.source)
			}
		}
	}
}
