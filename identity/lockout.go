package identity

import (
	"container/list"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Lockout says when guessing stops. Zero values mean the numbers given.
type Lockout struct {
	Failures int           // 10 failures of one name from one address …
	Window   time.Duration // … within 60 s …
	For      time.Duration // … lock that pair for 15 min
	Alarm    int           // 50 failures of one name, from anywhere within For
	Entries  int           // 10 000 pairs are remembered, the latest used
}

func (l Lockout) withDefaults() Lockout {
	set := func(v *int, to int) {
		if *v <= 0 {
			*v = to
		}
	}
	set(&l.Failures, 10)
	set(&l.Alarm, 50)
	set(&l.Entries, 10_000)
	if l.Window <= 0 {
		l.Window = time.Minute
	}
	if l.For <= 0 {
		l.For = 15 * time.Minute
	}
	return l
}

// guesses counts failures, by name and address and by name alone. An attempt
// counts as a failure from its start, so that many at once gain nothing.
type guesses struct {
	Lockout
	mu     sync.Mutex
	pairs  recent[pair]
	names  recent[string]
	alarms uint64
}

type pair struct {
	name string
	from netip.Prefix
}

func newGuesses(l Lockout) *guesses {
	l = l.withDefaults()
	return &guesses{Lockout: l, pairs: newRecent[pair](l.Entries), names: newRecent[string](l.Entries)}
}

// network is the address, or the /64 that one IPv6 subscriber owns.
func network(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// begin counts an attempt, or refuses it with the pair's lock.
func (g *guesses) begin(name string, ip netip.Addr, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.pairs.get(pair{name, network(ip)})
	if now.Before(e.until) {
		return ErrLocked
	}
	e.forget(now.Add(-g.Window))
	e.times = append(e.times, now)
	if len(e.times) >= g.Failures {
		e.until = now.Add(g.For)
		e.times = nil
	}
	g.count(name, now)
	return nil
}

// count raises the alarm when one name is tried from everywhere.
func (g *guesses) count(name string, now time.Time) {
	e := g.names.get(name)
	e.forget(now.Add(-g.For))
	e.times = append(e.times, now)
	if len(e.times) >= g.Alarm {
		g.alarms++
		e.times = nil
	}
}

// succeeded forgets the failures of the pair: the attempt begun at the time
// was right, or was never tried.
func (g *guesses) succeeded(name string, ip netip.Addr, begun time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pairs.remove(pair{name, network(ip)})
	g.names.get(name).undo(begun)
}

// untried takes back an attempt that came to no verdict.
func (g *guesses) untried(name string, ip netip.Addr, begun time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.pairs.get(pair{name, network(ip)})
	if e.times == nil && e.until.Equal(begun.Add(g.For)) {
		e.until = time.Time{}
		for range g.Failures - 1 {
			e.times = append(e.times, begun)
		}
	} else {
		e.undo(begun)
	}
	g.names.get(name).undo(begun)
}

func (g *guesses) raised() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.alarms
}

// attempts are those of one key.
type attempts struct {
	times []time.Time
	until time.Time // locked
}

func (a *attempts) forget(before time.Time) {
	a.times = slices.DeleteFunc(a.times, before.After)
}

func (a *attempts) undo(at time.Time) {
	if i := slices.IndexFunc(a.times, at.Equal); i >= 0 {
		a.times = slices.Delete(a.times, i, i+1)
	}
}

// recent is a table of bounded size that forgets what was used longest ago.
type recent[K comparable] struct {
	limit int
	order *list.List
	byKey map[K]*list.Element
}

type entry[K comparable] struct {
	key K
	attempts
}

func newRecent[K comparable](limit int) recent[K] {
	return recent[K]{limit: limit, order: list.New(), byKey: map[K]*list.Element{}}
}

// get returns the entry of a key, making it when it is new.
func (r *recent[K]) get(key K) *attempts {
	if e, ok := r.byKey[key]; ok {
		r.order.MoveToFront(e)
		return &e.Value.(*entry[K]).attempts
	}
	if r.order.Len() >= r.limit {
		r.drop(r.order.Back())
	}
	e := &entry[K]{key: key}
	r.byKey[key] = r.order.PushFront(e)
	return &e.attempts
}

func (r *recent[K]) remove(key K) {
	if e, ok := r.byKey[key]; ok {
		r.drop(e)
	}
}

func (r *recent[K]) drop(e *list.Element) {
	delete(r.byKey, e.Value.(*entry[K]).key)
	r.order.Remove(e)
}
