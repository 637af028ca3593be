package engine

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ivrd/ivrd/media"
)

// session is the media of a call. Commands take effect at the next tick, whose
// time they return.
type session struct {
	engine *Engine
	worker *worker
	id     string
	clock  atomic.Int64 // the time of the last tick
	closed atomic.Bool  // set by the worker

	// The worker's.
	first   int64      // the slot of the first tick
	next    media.Time // of the next tick, if the worker is not too late for it
	streams []*stream
	tap     media.PacketTap
}

var _ media.Session = (*session)(nil)

// tick lets 20 ms pass: first everything is taken in, then everything goes
// out, so that a bridge in either direction costs no time.
func (s *session) tick(slot int64, now time.Time) {
	at := media.Time((slot-s.first)/slots) * media.FrameSamples
	missed := int(at-s.next) / media.FrameSamples
	s.next = at + media.FrameSamples
	s.clock.Store(int64(at))
	for _, st := range s.streams {
		st.in(at, missed, now)
	}
	for _, st := range s.streams {
		st.ready(at)
	}
	for _, st := range s.streams {
		st.out(at)
	}
}

func (s *session) Now() media.Time { return media.Time(s.clock.Load()) }

// do runs f on the worker and returns the time at which its effect begins. It
// returns false when the session is closed.
func (s *session) do(f func()) (at media.Time, ok bool) {
	ran := s.worker.do(func() {
		at = s.next
		if ok = !s.closed.Load(); ok {
			f()
		}
	})
	if !ran {
		return s.Now(), false
	}
	return at, ok
}

func (s *session) Open(o media.StreamOptions) (media.Stream, error) {
	if s.closed.Load() {
		return nil, fmt.Errorf("open stream: %w", media.ErrClosed)
	}
	endpoint, k, err := s.engine.open(o)
	if err != nil {
		return nil, fmt.Errorf("open stream: %w", err)
	}
	st := newStream(s, o, endpoint, k)
	if _, ok := s.do(func() {
		s.streams = append(s.streams, st)
		s.engine.opened(st)
	}); !ok {
		if k != nil {
			k.leave()
		}
		endpoint.Close()
		return nil, fmt.Errorf("open stream: %w", media.ErrClosed)
	}
	if k != nil {
		return webStream{st}, nil
	}
	return st, nil
}

// streamOf is our own stream of what Open gave.
func streamOf(s media.Stream) (*stream, bool) {
	if w, ok := s.(webStream); ok {
		return w.stream, true
	}
	st, ok := s.(*stream)
	return st, ok
}

func (s *session) Bridge(a, b media.Stream) (media.Time, error) {
	one, ok1 := streamOf(a)
	two, ok2 := streamOf(b)
	if !ok1 || !ok2 || one.session != s || two.session != s {
		return 0, errors.New("bridge streams: they are not of this session")
	}
	var gone bool
	at, ok := s.do(func() {
		if gone = one.closed || two.closed; gone {
			return
		}
		one.unbridge()
		two.unbridge()
		one.player.stop(one, s.next)
		two.player.stop(two, s.next)
		one.speakers, two.speakers = append(one.speakers, two), append(two.speakers[:0], one)
	})
	if !ok || gone {
		return at, fmt.Errorf("bridge streams: %w", media.ErrClosed)
	}
	return at, nil
}

func (s *session) Mix(parties []media.Party) (media.Time, error) {
	plan := make([]mixed, len(parties))
	for i, p := range parties {
		var err error
		if plan[i], err = s.plan(p); err != nil {
			return 0, err
		}
	}
	at, ok := s.do(func() {
		for _, st := range s.streams {
			st.speakers, st.overheard = nil, nil
		}
		for _, m := range plan {
			if !m.closed {
				gone := func(o *stream) bool { return o.closed }
				m.track, m.speakers, m.overheard = m.to, slices.DeleteFunc(m.others, gone), slices.DeleteFunc(m.prompts, gone)
			}
		}
	})
	if !ok {
		return at, fmt.Errorf("mix streams: %w", media.ErrClosed)
	}
	return at, nil
}

// mixed is a Party, looked up before the worker is asked.
type mixed struct {
	*stream

	to              media.Track
	others, prompts []*stream
}

func (s *session) plan(p media.Party) (mixed, error) {
	m := mixed{to: p.Track}
	one, err := s.own([]media.Stream{p.Stream})
	if err == nil {
		m.stream = one[0]
		m.others, err = s.own(p.Hears)
	}
	if err == nil {
		m.prompts, err = s.own(p.Overhears)
	}
	return m, err
}

// own looks streams up, which must be of this session.
func (s *session) own(all []media.Stream) ([]*stream, error) {
	out := make([]*stream, 0, len(all))
	for _, one := range all {
		st, ok := streamOf(one)
		if !ok || st.session != s {
			return nil, errors.New("mix streams: they are not of this session")
		}
		out = append(out, st)
	}
	return out, nil
}

func (s *session) Unbridge(a media.Stream) media.Time {
	st, ok := streamOf(a)
	if !ok || st.session != s {
		return s.Now()
	}
	at, _ := s.do(st.unbridge)
	return at
}

func (s *session) SetTap(tap media.PacketTap) media.Time {
	at, _ := s.do(func() { s.tap = tap })
	return at
}

func (s *session) Close() error {
	_, first := s.do(func() {
		for _, st := range slices.Clone(s.streams) {
			st.end()
		}
		s.closed.Store(true)
		s.tap = nil
		s.worker.remove(s)
		s.engine.forget(s)
	})
	if first {
		s.engine.log.Debug("media session closed", "call_id", s.id, "duration", s.Now().Duration())
	}
	return nil
}
