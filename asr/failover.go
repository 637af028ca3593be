package asr

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ivrd/ivrd/media"
)

// FailoverConfig lists engines.
type FailoverConfig struct {
	// Recognizers, best first.
	Recognizers []Recognizer
	// Late is how far behind the sound an engine may be; zero for 2 s. A stream that is
	// given what another has left has Grace until then; zero for 5 s.
	Late, Grace time.Duration
	// Silent is how much speech may go by without a result; zero for 5 s, and three
	// times as much for an engine without interim results.
	Silent time.Duration
	// Finish is how long the last results may take with all engines together, when the
	// caller of Finish does not say; zero for 8 s.
	Finish time.Duration
	// Log is for sessions that bring none of their own.
	Log *slog.Logger
}

// Failover is a Recognizer that is always the best one left. An engine that fails or is
// late is replaced in the middle of a stream; the next hears all that was said since
// the end of the last final segment (at most 8 s), so that no word is lost and none is
// told twice. With phrases, what is heard is one of them or NoMatch (see Match), as
// engines that take them for hints tell more than that. An engine that tells nothing while somebody speaks gets a new stream
// once, and is replaced if it still does and there is another. A session ends with
// ErrNoEngine when none is left.
type Failover struct {
	config   FailoverConfig
	breakers []breaker // of config.Recognizers

	mu   sync.Mutex
	open map[*relay]struct{}
}

// NewFailover fails without recognizers.
func NewFailover(c FailoverConfig) (*Failover, error) {
	if len(c.Recognizers) == 0 {
		return nil, ErrNoEngine
	}
	for _, d := range []struct {
		limit     *time.Duration
		otherwise time.Duration
	}{{&c.Late, 2 * time.Second}, {&c.Grace, 5 * time.Second}, {&c.Silent, 5 * time.Second}, {&c.Finish, 8 * time.Second}} {
		if *d.limit <= 0 {
			*d.limit = d.otherwise
		}
	}
	f := &Failover{config: c, breakers: make([]breaker, len(c.Recognizers)), open: map[*relay]struct{}{}}
	for i, r := range c.Recognizers {
		f.breakers[i].counters.Engine = r.Name()
	}
	return f, nil
}

// Name lists the engines' names.
func (f *Failover) Name() string {
	var names []string
	for _, r := range f.config.Recognizers {
		names = append(names, r.Name())
	}
	return strings.Join(names, ", ")
}

// Traits has what any engine has. A session goes only to engines that can do what it
// asks for.
func (f *Failover) Traits() Traits {
	var t Traits
	anything := false
	for _, r := range f.config.Recognizers {
		has := r.Traits()
		t = Traits{
			t.Dictation || has.Dictation, t.Grammar || has.Grammar, t.Interim || has.Interim,
			t.Times || has.Times, t.Progress || has.Progress, slices.Concat(t.Languages, has.Languages),
		}
		anything = anything || len(has.Languages) == 0
	}
	if anything {
		t.Languages = nil
	}
	return t
}

// Counters of each engine, best first.
func (f *Failover) Counters() []EngineCounters {
	out := make([]EngineCounters, len(f.breakers))
	for i := range f.breakers {
		out[i] = f.breakers[i].read()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.open {
		if at, behind := s.where(); at >= 0 {
			out[at].Open++
			out[at].Behind = max(out[at].Behind, behind)
		}
	}
	return out
}

// Open implements Recognizer.
func (f *Failover) Open(ctx context.Context, o Options) (Session, error) {
	if err := f.able(&o); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = f.config.Log
	}
	s := &relay{Failover: f, asked: o, at: -1, shown: -1, attempts: make([]int, len(f.config.Recognizers))}
	s.begin(ctx, ringFrames+historyFrames)
	f.mu.Lock()
	f.open[s] = struct{}{}
	f.mu.Unlock()
	go s.run()
	return s, nil
}

// able finds whether any engine can do what is asked; the reason is the last one's.
func (f *Failover) able(o *Options) (why error) {
	for _, r := range f.config.Recognizers {
		t := r.Traits()
		if why = o.check(f.Name(), t); why == nil {
			return nil
		}
	}
	return why
}

func (f *Failover) forget(s *relay) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.open, s)
}

var errSilent = errors.New("no result although somebody speaks")

func (f *Failover) silence(r Recognizer) media.Time {
	limit := media.TimeOf(f.config.Silent)
	if !r.Traits().Interim {
		limit *= 3
	}
	return limit
}
