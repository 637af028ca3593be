package asr

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/vad"
)

// The pace of a relay.
const (
	feedEvery = media.FrameDuration
	// mostQueued leaves room in the ring of the stream that is fed.
	mostQueued = media.Time(ringFrames * media.FrameSamples / 2)
	// maxAttempts at one engine without a result of it between.
	maxAttempts = 2
	// lateFor is how long lateness must last: a machine that stood still finds all late.
	lateFor = 500 * time.Millisecond
)

// relay is a session of a Failover: it feeds one engine's stream from a ring that keeps
// what the next engine must hear.
//
//	tail ── history ── next ── waiting ── head
type relay struct {
	*Failover
	lifetime

	asked Options

	mu    sync.Mutex
	stats Stats
	shown int    // at, for the counters; -1 without an engine
	lost  uint64 // frames of the ring that were counted

	// What follows belongs to run.
	cur      Session
	at       int // of cur in the list
	attempts []int
	began    time.Time  // when cur was opened
	replayed bool       // cur was given what another had left
	inTime   time.Time  // when cur was not late
	restart  bool       // cur is a second stream, for the silence of the first
	next     uint64     // frame for cur
	judged   uint64     // frame for the detector
	floor    media.Time // end of the last final segment
	unheard  media.Time // speech since the last result
	detector vad.Detector
	ending   *sync.WaitGroup // of Finish of cur
}

func (s *relay) Finish(ctx context.Context) error {
	return s.finishWithin(ctx, s.config.Finish, s.Name())
}

func (s *relay) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Lost += s.ring.lost.Load()
	return st
}

func (s *relay) run() {
	defer close(s.segments)
	defer close(s.done) // first: who finds no more segments asks Err why
	defer s.forget(s)
	err := s.relay()
	if late := s.leave(); err == nil {
		err = late
	}
	if s.ctx.Err() != nil {
		err = context.Cause(s.ctx)
	}
	if ours, ok := errors.AsType[*Error](err); ok { // else a wish
		s.err = ours
	}
	s.stop(errDone)
}

// relay runs until it has an end: nil is a proper one.
func (s *relay) relay() error {
	if err := s.advance(nil); err != nil {
		return err
	}
	tick := time.NewTicker(feedEvery)
	defer tick.Stop()
	finish := s.finish
	for {
		var fault error
		select {
		case <-s.ctx.Done():
			return nil
		case seg, ok := <-s.cur.Segments():
			if ok {
				if err := s.forward(seg); err != nil {
					return err
				}
				continue
			}
			if fault = s.cur.Err(); fault == nil {
				s.breakers[s.at].worked()
				return nil
			}
		case <-finish:
			finish = nil
		case <-tick.C:
			fed := s.feed()
			if finish == nil && fed {
				s.endCurrent()
			}
			fault = s.judge()
		}
		if fault != nil {
			if err := s.replace(fault); err != nil {
				return err
			}
		}
	}
}

// feed gives the stream what waits, as far as it has room, and reports whether that was
// all. Frames stay in the ring as history.
func (s *relay) feed() bool {
	head := s.ring.head.Load()
	for room := (mostQueued - s.cur.Stats().Queued) / media.FrameSamples; s.next < head && room > 0; room-- {
		slot := s.ring.slot(s.next)
		s.listen(slot)
		if f := after(slot.frame(), s.floor); len(f.PCM) > 0 {
			s.cur.Write(f)
		}
		s.next++
	}
	s.ring.tail.Store(max(s.ring.tail.Load(), s.next-min(s.next, uint64(historyFrames))))
	s.publish(head)
	return s.next == head
}

// after is the part of f from t on: what comes before is part of a final segment.
func after(f Frame, t media.Time) Frame {
	if over := int(t - f.At); over > 0 {
		over = min(over, len(f.PCM))
		f.At, f.PCM = f.At+media.Time(over), f.PCM[over:]
	}
	return f
}

// listen counts speech, once for each frame.
func (s *relay) listen(slot *slot) {
	if s.next < s.judged {
		return
	}
	s.judged = s.next + 1
	pcm := slot.pcm[:slot.n]
	if slot.lost {
		pcm = nil
	}
	if s.detector.Frame(pcm).Speech {
		s.unheard += media.Time(slot.n)
	}
}

func (s *relay) publish(head uint64) {
	st := s.cur.Stats()
	queued := media.Time(head-s.next) * media.FrameSamples
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Queued, s.stats.Behind = st.Queued+queued, st.Behind+queued
	if lost := s.ring.lost.Load(); lost > s.lost {
		s.breakers[s.at].lose(lost - s.lost)
		s.lost = lost
	}
}

// where is the engine of now, or -1, and how far behind it is.
func (s *relay) where() (at int, behind media.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown, s.stats.Behind
}

func (s *relay) show(at int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown, s.stats.Behind = at, 0
}

// endCurrent asks the stream for its last results, beside run, which reads them.
func (s *relay) endCurrent() {
	if s.ending != nil {
		return
	}
	s.ending = &sync.WaitGroup{}
	cur := s.cur
	s.ending.Go(func() { _ = cur.Finish(s.ctx) }) // its end is seen in run
}

// judge finds the stream too late or too silent.
func (s *relay) judge() error {
	st := s.Stats()
	if st.Behind <= media.TimeOf(s.config.Late) || s.replayed && time.Since(s.began) < s.config.Grace {
		s.inTime = time.Now()
	}
	if time.Since(s.inTime) > lateFor {
		s.breakers[s.at].count(func(c *EngineCounters) { c.Late++ })
		return &Error{s.config.Recognizers[s.at].Name(), ErrLate, st.Behind.Duration().String() + " behind"}
	}
	if s.unheard < s.silence(s.config.Recognizers[s.at]) {
		return nil
	}
	s.unheard = 0
	return s.wake()
}

// wake opens the stream again, once; after that it is given up for another, if there is
// one: an engine that hears nothing in music is better than none.
func (s *relay) wake() error {
	b := &s.breakers[s.at]
	if !s.restart {
		b.count(func(c *EngineCounters) { c.Restarts++ })
		s.count(func(st *Stats) { st.Restarts++ })
		s.log("recognizer restarted", errSilent)
		if err := s.leave(); err != nil {
			return err
		}
		if err := s.open(s.at); err != nil {
			return err
		}
		s.restart = true
		return nil
	}
	b.count(func(c *EngineCounters) { c.Silent++ })
	if i := s.candidate(); i < 0 || i == s.at {
		return nil
	}
	return &Error{s.config.Recognizers[s.at].Name(), ErrLate, errSilent.Error()}
}

// replace goes on after a fault, with another engine or once more with the same.
func (s *relay) replace(fault error) error {
	left := s.at
	s.failed(left, fault)
	if err := s.leave(); err != nil {
		return err
	}
	if err := s.advance(fault); err != nil {
		return err
	}
	if s.at == left {
		s.count(func(st *Stats) { st.Restarts++ })
		s.log("recognizer restarted", fault)
		return nil
	}
	s.count(func(st *Stats) { st.Switches++ })
	s.breakers[left].count(func(c *EngineCounters) { c.Switches++ })
	s.log("recognizer replaced", fault)
	return nil
}

// advance opens the next engine that may be tried.
func (s *relay) advance(fault error) error {
	for {
		i := s.candidate()
		if i < 0 {
			detail := "none may be tried now"
			if fault != nil {
				detail = fault.Error()
			}
			return &Error{s.Name(), ErrNoEngine, detail}
		}
		s.attempts[i]++
		if !s.breakers[i].allow() {
			continue
		}
		if fault = s.open(i); fault == nil {
			return nil
		}
		s.failed(i, fault)
	}
}

// failed notes a fault of engine i, which is not asked again when it has declined.
func (s *relay) failed(i int, fault error) {
	s.breakers[i].failed(fault)
	if errors.Is(fault, ErrDeclined) {
		s.attempts[i] = maxAttempts
	}
}

// candidate is the next engine in the list, and around it, that can do what is asked, or
// -1.
func (s *relay) candidate() int {
	n := len(s.attempts)
	for k := 1; k <= n; k++ {
		i := (s.at + k) % n
		r := s.config.Recognizers[i]
		if s.attempts[i] < maxAttempts && s.asked.check(r.Name(), r.Traits()) == nil {
			return i
		}
	}
	return -1
}

// open begins a stream of engine i with what is not in a final segment yet.
func (s *relay) open(i int) error {
	o := s.asked
	o.Interim = true // they are signs of life
	cur, err := s.config.Recognizers[i].Open(s.ctx, o)
	if err != nil {
		return err
	}
	s.replayed = s.at >= 0
	s.cur, s.at, s.began, s.inTime, s.restart = cur, i, time.Now(), time.Now(), false
	s.breakers[i].count(func(c *EngineCounters) { c.Opened++ })
	s.next = s.ring.tail.Load()
	s.show(i)
	return nil
}

// leave closes the stream and takes what it has told before.
func (s *relay) leave() error {
	if s.cur == nil {
		return nil
	}
	_ = s.cur.Close() // it always returns nil
	if s.ending != nil {
		s.ending.Wait()
		s.ending = nil
	}
	s.show(-1)
	lost := s.cur.Stats().Lost
	s.count(func(st *Stats) { st.Lost += lost })
	s.breakers[s.at].lose(lost)
	for seg := range s.cur.Segments() {
		if err := s.forward(seg); err != nil {
			return err
		}
	}
	s.cur = nil
	return nil
}

// forward passes a segment on. What ends before the floor was told by another engine.
func (s *relay) forward(seg Segment) error {
	if len(s.asked.Phrases) > 0 && seg.Text != "" {
		seg.Text = Match(s.asked.Phrases, seg.Text)
		seg.NoMatch = seg.Final && seg.Text == ""
	}
	words := seg.Text != "" || seg.NoMatch
	if words && seg.End <= s.floor {
		return nil
	}
	if words {
		s.unheard, s.restart = 0, false
	}
	if !seg.Final {
		if !s.asked.Interim {
			return nil
		}
		select {
		case s.segments <- seg:
		default:
			s.count(func(st *Stats) { st.Dropped++ })
		}
		return nil
	}
	select {
	case s.segments <- seg:
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
	if words { // not for interim ones: an engine could fail after each for ever
		s.attempts[s.at] = 0
		s.breakers[s.at].worked()
	}
	if seg.Text != "" {
		s.breakers[s.at].count(func(c *EngineCounters) { c.Finals++ })
	}
	s.floor = max(s.floor, seg.End)
	s.count(func(st *Stats) {
		if seg.Text != "" {
			st.Finals++
		}
	})
	return nil
}

func (s *relay) count(f func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.stats)
}

func (s *relay) log(message string, why error) {
	if s.asked.Log != nil {
		s.asked.Log.Warn(message, "engine", s.config.Recognizers[s.at].Name(), "error", why) //nolint:sloglint // both messages are constants
	}
}
