package asr

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/ivrd/ivrd/media"
)

// The pace of a stream.
const (
	// sendEvery makes messages of three frames: results come 30 ms later on average than
	// with messages of one, at a third of the messages.
	sendEvery = 60 * time.Millisecond
	// mostPerMessage: what has waited goes in messages of 200 ms.
	mostPerMessage = media.SampleRate / 5
	// window is how many messages may be unanswered by an engine that answers each.
	window         = 64
	keepAliveEvery = 4 * time.Second
	pingEvery      = 5 * time.Second
	// lagFor is how long a result tells how late the engine is.
	lagFor = 3 * time.Second
)

// stream is a Session over one WebSocket. Its goroutines live in run: one sends, one
// watches, and run itself receives.
//
//	Open ── dial ── start messages ── sound … ── end messages ── last results ── closed
//	          └────────── any error, Close, Finish's limit ──────────────────────┘
type stream struct {
	lifetime

	engine string
	dialer dialer
	asked  Options
	speak  protocol
	acks   bool // the engine answers each binary message

	next    atomic.Uint64 // frame of the ring to be sent; the sender's
	dropped atomic.Uint64
	finals  atomic.Uint64

	mu    sync.Mutex // between sender, receiver and Stats
	clock clock
	sent  []media.Time // ends of binary messages that are not answered
	acked media.Time
	heard media.Time // engine time, as acked
	lag   media.Time // between what was sent and heard, when a message told
	// answered is when the last message came.
	answered time.Time
	floor    media.Time // the receiver's: end of the last final, in engine time
	ended    bool       // the end messages are sent
}

// How a stream ends without fault.
var (
	errClosed = errors.New("closed")
	errDone   = errors.New("done")
)

func openStream(ctx context.Context, engine string, d dialer, o Options, acks bool, p protocol) *stream {
	s := &stream{engine: engine, dialer: d, asked: o, speak: p, acks: acks}
	s.begin(ctx, ringFrames)
	go s.run()
	return s
}

func (s *stream) Finish(ctx context.Context) error {
	return s.finishWithin(ctx, s.dialer.limits.Finish, s.engine)
}

func (s *stream) Stats() Stats {
	queued := media.Time(s.ring.head.Load()-s.next.Load()) * media.FrameSamples
	s.mu.Lock()
	defer s.mu.Unlock()
	behind := s.lag
	switch {
	case s.acks:
		behind = max(s.clock.sent-s.heard, 0)
	case time.Since(s.answered) > lagFor:
		behind = 0
	}
	return Stats{
		Queued: queued, Behind: queued + behind,
		Lost: s.ring.lost.Load(), Dropped: s.dropped.Load(), Finals: s.finals.Load(),
	}
}

// run is the life of the stream. The first cause ends it.
func (s *stream) run() {
	defer close(s.segments)
	defer close(s.done) // first: who finds no more segments asks Err why
	err := s.talk()
	_, late := errors.AsType[*Error](context.Cause(s.ctx)) // by Finish; else it is a wish
	closed := s.ctx.Err() != nil && !late
	if !closed && !errors.Is(err, errDone) {
		s.err = explain(s.engine, err)
	}
	s.stop(errDone) // nobody need write any more
}

func (s *stream) talk() error {
	conn, err := s.dialer.connect(s.ctx, s.asked)
	if err != nil {
		if s.ctx.Err() != nil {
			return context.Cause(s.ctx)
		}
		return err
	}
	defer func() { _ = conn.CloseNow() }() // what is left to be said has been
	s.note(0)
	ctx, stop := context.WithCancelCause(s.ctx)
	var parts sync.WaitGroup
	defer parts.Wait()
	for _, part := range []func(context.Context, *websocket.Conn) error{s.send, s.watch} {
		parts.Go(func() {
			err := part(ctx, conn)
			if _, ours := errors.AsType[*Error](err); err != nil && !ours {
				// The connection is gone: what was received says why, in a moment.
				wait(ctx, time.Second)
			}
			if err != nil {
				stop(err)
			}
		})
	}
	err = s.receive(ctx, conn)
	if errors.Is(err, net.ErrClosed) { // by one of the others, who says why
		wait(ctx, time.Second)
	}
	stop(err) // unless another was first
	return context.Cause(ctx)
}

// send gives the engine what is in the ring, until Finish.
func (s *stream) send(ctx context.Context, conn *websocket.Conn) error {
	first, err := s.speak.start()
	if err != nil {
		return err
	}
	if err := s.say(ctx, conn, first...); err != nil {
		return err
	}
	o := outgoing{stream: s, conn: conn, spoke: time.Now()}
	tick := time.NewTicker(sendEvery)
	defer tick.Stop()
	finish := s.finish
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-finish:
			finish = nil
		case <-tick.C:
		}
		empty, err := o.flush(ctx)
		if err != nil {
			return err
		}
		if finish == nil && empty {
			s.mu.Lock()
			s.ended = true
			s.mu.Unlock()
			return s.say(ctx, conn, s.speak.end()...)
		}
		if err := o.keepAlive(ctx); err != nil {
			return err
		}
	}
}

func (s *stream) say(ctx context.Context, conn *websocket.Conn, messages ...string) error {
	for _, m := range messages {
		if err := s.write(ctx, conn, websocket.MessageText, []byte(m)); err != nil {
			return err
		}
	}
	return nil
}

func (s *stream) write(ctx context.Context, conn *websocket.Conn, t websocket.MessageType, b []byte) error {
	ctx, cancel := context.WithTimeout(ctx, s.dialer.limits.Write)
	defer cancel()
	err := conn.Write(ctx, t, b)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &Error{Kind: ErrLate, Detail: "it does not read"}
	}
	return err
}

// outgoing is the sender's own.
type outgoing struct {
	*stream

	conn  *websocket.Conn
	spoke time.Time
	pcm   []int16
	bytes []byte
}

// flush sends what waits, and reports whether all of it could be.
func (o *outgoing) flush(ctx context.Context) (empty bool, err error) {
	for {
		if o.next.Load() == o.ring.head.Load() {
			return true, nil
		}
		if !o.gather() {
			return false, nil
		}
		if len(o.pcm) == 0 {
			continue // it came too late
		}
		o.bytes = o.speak.encode(o.bytes[:0], o.pcm)
		if err := o.write(ctx, o.conn, websocket.MessageBinary, o.bytes); err != nil {
			return false, err
		}
		o.spoke = time.Now()
	}
}

// gather takes the sound of a message from the ring; not while the engine owes too many
// answers.
func (o *outgoing) gather() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.acks && len(o.sent) >= window {
		return false
	}
	o.pcm = o.pcm[:0]
	next, head := o.next.Load(), o.ring.head.Load()
	for ; next < head && len(o.pcm) < mostPerMessage; next++ {
		s := o.ring.slot(next)
		fill, late := o.clock.take(s.at, s.n)
		for range fill {
			o.pcm = append(o.pcm, 0)
		}
		o.pcm = append(o.pcm, s.pcm[late:s.n]...)
		if late == s.n {
			o.ring.lost.Add(1)
		}
	}
	o.next.Store(next)
	o.ring.tail.Store(next)
	if o.acks && len(o.pcm) > 0 {
		o.sent = append(o.sent, o.clock.sent)
	}
	return true
}

func (o *outgoing) keepAlive(ctx context.Context) error {
	m := o.speak.keepAlive()
	if m == "" || time.Since(o.spoke) < keepAliveEvery {
		return nil
	}
	o.spoke = time.Now()
	return o.say(ctx, o.conn, m)
}

// watch finds an engine that has died without closing its connection.
func (s *stream) watch(ctx context.Context, conn *websocket.Conn) error {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		limit, cancel := context.WithTimeout(ctx, s.dialer.limits.Idle)
		err := conn.Ping(limit)
		late := errors.Is(limit.Err(), context.DeadlineExceeded)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil
		case late:
			return &Error{Kind: ErrLate, Detail: "no answer to a ping"}
		case err != nil:
			return err
		case s.owes():
			return &Error{Kind: ErrLate, Detail: "no answer to sound"}
		}
	}
}

// owes: the engine has answered nothing for too long though it should have.
func (s *stream) owes() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sent) > 0 && time.Since(s.answered) > s.dialer.limits.Idle
}

// receive reads until the engine closes, says so, or fails.
func (s *stream) receive(ctx context.Context, conn *websocket.Conn) error {
	for {
		msg, err := s.read(ctx, conn)
		if err != nil {
			return s.lastWords(err)
		}
		at := s.progress()
		r, err := s.speak.parse(msg, at)
		if err != nil {
			return err
		}
		s.note(r.heard)
		for _, seg := range r.segments {
			if seg, err = settle(seg, at); err != nil {
				return err
			}
			if seg.Final {
				at.floor = seg.End
			}
			if err := s.deliver(ctx, seg); err != nil {
				return err
			}
		}
		if r.done {
			return errDone
		}
	}
}

// read takes one message. Once it has begun it must come to its end.
func (s *stream) read(ctx context.Context, conn *websocket.Conn) ([]byte, error) {
	_, r, err := conn.Reader(ctx)
	if err != nil {
		return nil, err
	}
	slow := time.AfterFunc(s.dialer.limits.Idle, func() { _ = conn.CloseNow() })
	msg, err := io.ReadAll(io.LimitReader(r, maxMessage+1))
	switch {
	case !slow.Stop():
		return nil, &Error{Kind: ErrLate, Detail: "a message without end"}
	case len(msg) > maxMessage:
		return nil, &Error{Kind: ErrTooLong, Detail: "a message of more than 1 MB"}
	}
	return msg, err
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// lastWords tells a proper end from a loss.
func (s *stream) lastWords(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		switch websocket.CloseStatus(err) {
		case websocket.StatusNormalClosure, websocket.StatusGoingAway, websocket.StatusNoStatusRcvd:
			return errDone
		}
	}
	return err
}

// progress is where the stream is as a message comes, which counts as an answer.
func (s *stream) progress() progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := progress{sent: s.clock.sent, floor: s.floor}
	if s.acks {
		p.last = s.ended && len(s.sent) == 0
		if len(s.sent) > 0 {
			s.acked, s.sent = s.sent[0], s.sent[1:]
		}
		p.acked = s.acked
	}
	return p
}

// note tells that a message came, and how far the engine has listened.
func (s *stream) note(heard media.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answered = time.Now()
	if heard > s.heard {
		s.heard, s.lag = heard, s.clock.sent-heard
	}
}

// deliver puts a segment on the call's clock and hands it over.
func (s *stream) deliver(ctx context.Context, seg Segment) error {
	if !seg.Final && !s.asked.Interim {
		return nil
	}
	end := seg.End
	s.place(&seg)
	if !seg.Final {
		select {
		case s.segments <- seg:
		default:
			s.dropped.Add(1)
		}
		return nil
	}
	s.floor = end
	if seg.Text != "" {
		s.finals.Add(1)
	}
	limit := time.NewTimer(s.dialer.limits.Idle)
	defer limit.Stop()
	select {
	case s.segments <- seg:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-limit.C:
		return &Error{Kind: ErrUnread}
	}
	if s.asked.Single && seg.EndOfUtterance {
		return errDone
	}
	return nil
}

// place turns engine time into call time.
func (s *stream) place(seg *Segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seg.Engine = s.engine
	between := func(from, to *media.Time) {
		*from, *to = s.clock.start(*from), s.clock.end(*to)
		*to = max(*from, *to)
	}
	between(&seg.Start, &seg.End)
	for i := range seg.Words {
		between(&seg.Words[i].Start, &seg.Words[i].End)
	}
}
