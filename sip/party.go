package sip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/sip/sdp"
	"github.com/ivrd/ivrd/sip/wire"
)

// stage of a party's life; it only grows.
type stage uint8

const (
	asked    stage = iota + 1 // incoming: the handler has not decided
	early                     // incoming: accepted, not answered
	answered                  // incoming: 200 sent, no ACK yet
	calling                   // outgoing
	up
	ended
)

const (
	eventBuffer = 64
	inboxSize   = 32
	// farewellTime is how long Close waits for the answer to a last BYE.
	farewellTime = time.Second
)

// party is one telephone call's signalling: a leg.Leg. One goroutine, run,
// owns every field below inbox; others post to it and never wait for the
// network inside.
type party struct {
	srv    *Server
	log    *slog.Logger
	id     string
	info   leg.Info
	events chan leg.Event
	inbox  chan func()
	done   chan struct{} // closed when run is over
	bye    chan struct{} // closed when the last request has had its answer

	streamMu sync.Mutex
	stream   media.Stream // set once; nil until the call is accepted

	stage   stage
	reason  leg.EndReason // why End was asked for while an ACK was due
	dlg     *dialog
	neg     *negotiation
	release func() // gives the caps back, once

	invite   *inviteState // incoming: the first INVITE
	accepted bool         // incoming: it has got its 200
	ok       *okState     // a 2xx of ours without its ACK
	offering bool         // an offer of ours is on its way (UPDATE or re-INVITE)
	timer    sessionTimer
	infos    bucket    // what the peer's INFO have taken of their rate
	keys     keySender // by INFO
	alarms   map[*alarm]struct{}

	attempts []*attempt // outgoing
	codecs   []media.Codec
	secure   bool // offer SRTP
	rang     bool
	sounding bool // early media is connected
	worst    leg.EndReason
}

func (s *Server) newParty(info leg.Info, st stage) *party {
	p := &party{
		srv: s, id: "leg-" + token(), info: info, stage: st,
		events: make(chan leg.Event, eventBuffer), inbox: make(chan func(), inboxSize),
		done: make(chan struct{}), bye: make(chan struct{}), alarms: map[*alarm]struct{}{},
		release: func() {},
	}
	p.log = s.log.With("leg_id", p.id)
	return p
}

// run is the party's goroutine.
func (p *party) run() {
	defer close(p.done)
	for p.stage != ended {
		(<-p.inbox)()
	}
}

// post gives the party something to do; false when it has ended.
func (p *party) post(f func()) bool {
	select {
	case <-p.done:
		return false
	default:
	}
	select {
	case p.inbox <- f:
		return true
	case <-p.done:
		return false
	}
}

// tryPost is post for the network's readers, which must not wait.
func (p *party) tryPost(f func()) bool {
	select {
	case p.inbox <- f:
		return true
	default:
		return false
	}
}

var errEnded = errors.New("the leg has ended")

// do runs f on the party's goroutine and returns its error, or errEnded.
func (p *party) do(f func() error) error {
	result := make(chan error, 1)
	if !p.post(func() { result <- f() }) {
		return errEnded
	}
	select {
	case err := <-result:
		return err
	case <-p.done:
		select { // f may have been what ended it
		case err := <-result:
			return err
		default:
			return errEnded
		}
	}
}

// alarm is a timer whose function runs on the party's goroutine, and never
// after stop.
type alarm struct {
	timer *time.Timer
	off   bool
}

func (p *party) after(d time.Duration, f func()) *alarm {
	a := &alarm{}
	p.alarms[a] = struct{}{}
	a.timer = time.AfterFunc(d, func() {
		p.post(func() {
			if !a.off {
				delete(p.alarms, a)
				f()
			}
		})
	})
	return a
}

func (p *party) stop(a *alarm) {
	if a != nil {
		a.off = true
		a.timer.Stop()
		delete(p.alarms, a)
	}
}

// emit never waits: a reader that sleeps loses the oldest events, but never
// the end.
func (p *party) emit(e leg.Event) {
	for {
		select {
		case p.events <- e:
			return
		default:
		}
		select {
		case <-p.events:
			p.srv.eventsDropped.Add(1)
		default:
		}
	}
}

// finish is the one end of a leg.
func (p *party) finish(r leg.EndReason) {
	if p.stage == ended {
		return
	}
	p.stage = ended
	for a := range p.alarms {
		p.stop(a)
	}
	p.forget()
	for _, a := range p.attempts {
		a.stop()
	}
	if stream := p.Stream(); stream != nil {
		_ = stream.Close()
	}
	p.release()
	p.emit(leg.Event{Kind: leg.Ended, Reason: r})
	close(p.events)
	p.log.Info("leg ended", "reason", r.String(), "status", r.Status)
}

// uses reports whether the dialog, or an early one, lives on a connection.
func (p *party) uses(c *streamConn) bool {
	if p.dlg != nil && p.dlg.flow.conn == c {
		return true
	}
	for _, a := range p.attempts {
		for _, d := range a.early {
			if d.flow.conn == c {
				return true
			}
		}
	}
	return false
}

// forget takes the party out of the table of dialogs.
func (p *party) forget() {
	if p.dlg != nil {
		p.srv.dialogs.remove(p.dlg.callID, p.dlg.localTag)
	}
	for _, a := range p.attempts {
		p.srv.dialogs.remove(a.callID, a.tag)
	}
}

// hangUp says BYE and ends. The BYE goes on by itself.
func (p *party) hangUp(r leg.EndReason) {
	d := *p.dlg
	m := d.request("BYE", nil, reasonHeader(r)...)
	p.srv.wg.Go(func() {
		defer close(p.bye)
		ctx, cancel := context.WithTimeout(p.srv.ctx, p.srv.t.giveUp)
		defer cancel()
		if err := p.srv.farewell(ctx, &d, m); err != nil {
			p.log.Debug("BYE was not answered", "reason", AsReason(err).Slug)
		}
	})
	p.finish(r)
}

// linger waits until the party has ended and said so to its peer, for a while.
func (p *party) linger() {
	<-p.done
	if p.dlg == nil {
		return
	}
	select {
	case <-p.bye:
	case <-time.After(farewellTime):
	}
}

// ID implements leg.Leg.
func (p *party) ID() string { return p.id }

// Info implements leg.Leg.
func (p *party) Info() leg.Info { return p.info }

// Events implements leg.Leg.
func (p *party) Events() <-chan leg.Event { return p.events }

// Stream implements leg.Leg.
func (p *party) Stream() media.Stream {
	p.streamMu.Lock()
	defer p.streamMu.Unlock()
	return p.stream
}

func (p *party) setStream(s media.Stream) {
	p.streamMu.Lock()
	defer p.streamMu.Unlock()
	p.stream = s
}

// Ring implements leg.Leg.
func (p *party) Ring(early bool) error {
	return harmless(p.do(func() error { return p.ring(early) }))
}

// harmless hides that a leg has ended: its events say so.
func harmless(err error) error {
	if errors.Is(err, errEnded) {
		return nil
	}
	return err
}

// Answer implements leg.Leg.
func (p *party) Answer(ctx context.Context) error {
	for {
		var wait <-chan struct{}
		err := p.do(func() (err error) {
			wait, err = p.answer()
			return err
		})
		if errors.Is(err, errEnded) {
			return p.unanswered()
		}
		if err != nil || wait == nil {
			return err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		case <-p.done:
			return p.unanswered()
		}
	}
}

// unanswered is the error of an ended leg, unless it was answered before.
func (p *party) unanswered() error {
	if p.accepted { // run is over: nobody writes it any more
		return nil
	}
	return fmt.Errorf("answer call: %w", errEnded)
}

// End implements leg.Leg.
func (p *party) End(r leg.EndReason) {
	p.post(func() { p.end(r) })
}

func (p *party) end(r leg.EndReason) {
	switch p.stage {
	case asked, early:
		p.refuse(r)
	case answered:
		// A callee must not send BYE before its 200 is acknowledged (§15).
		if p.reason.IsZero() {
			p.reason = r
		}
		if r == leg.Shutdown {
			p.hangUp(p.reason)
		}
	case calling:
		p.finish(r)
	case up:
		p.hangUp(r)
	}
}

// connect gives media what an exchange has settled.
func (p *party) connect(o *outcome) error {
	before := *p.neg
	remote, changed := p.neg.commit(o)
	if !changed {
		return nil
	}
	remote.Vouched = p.vouched()
	p.agreeDigits(&remote)
	if err := p.Stream().Connect(remote); err != nil {
		*p.neg = before // what media refuses is not agreed, also when it is asked for again
		return failure(leg.Internal, "connect stream: %w", err)
	}
	if held := p.neg.agreed.Hold; held != p.neg.held {
		p.neg.held = held
		kind := leg.Resumed
		if held {
			kind = leg.Held
		}
		if p.stage == up {
			p.emit(leg.Event{Kind: kind})
		}
	}
	return nil
}

// vouched reports whether an address in the peer's description is believed
// although its signalling comes from elsewhere: of those we have called
// ourselves, and of trusted trunks. Anybody else could name a third party.
func (p *party) vouched() bool { return p.info.Direction == leg.Outgoing || p.info.Trusted }

// negotiate prepares offers and answers once the stream is open.
func (p *party) negotiate(codecs []media.Codec, f flow, secure bool) {
	p.neg = newNegotiation(p.mediaAddr(f), codecs, secure, p.srv.isOurs)
	p.neg.signal = f.source.Addr()
	p.neg.local.Web = webOf(p.Stream())
	if way := p.dtmf(); way == dtmfInfo || way == dtmfInBand {
		p.neg.local.EventPT = 0
	}
}

// mediaAddr is what SDP says of our RTP port.
func (p *party) mediaAddr(f flow) netip.AddrPort {
	local := p.Stream().Local()
	switch {
	case p.srv.cfg.MediaAdvertise.IsValid():
		return netip.AddrPortFrom(p.srv.cfg.MediaAdvertise, local.Port())
	case local.Addr().IsUnspecified():
		return netip.AddrPortFrom(localAddrTo(f), local.Port())
	}
	return local
}

// isOurs keeps RTP away from our own signalling ports.
func (s *Server) isOurs(a netip.AddrPort) bool {
	for _, transport := range []string{"udp", "tcp", "tls"} {
		if own := s.Addr(transport); own.IsValid() && own.Port() == a.Port() && (own.Addr() == a.Addr() || own.Addr().IsUnspecified() && a.Addr().IsLoopback()) {
			return true
		}
	}
	return false
}

// reasonOfMedia maps why an offer cannot be taken.
func reasonOfMedia(err error) leg.EndReason {
	switch {
	case errors.Is(err, sdp.ErrNoCodec), errors.Is(err, sdp.ErrAddress), errors.Is(err, sdp.ErrAnswer):
		return leg.NoCodec
	case AsReason(err) != leg.Internal:
		return AsReason(err)
	}
	return leg.BadRequest
}

// exchange sends a request of a dialog and waits for its final answer.
func (s *Server) exchange(ctx context.Context, d *dialog, m *wire.Message) (*wire.Message, error) {
	f, err := s.way(ctx, d)
	if err != nil {
		return nil, err
	}
	return s.roundTrip(ctx, m, f)
}

// farewell sends the BYE of a dialog that nobody else uses any more.
func (s *Server) farewell(ctx context.Context, d *dialog, m *wire.Message) error {
	res, err := s.exchange(ctx, d, m)
	if err == nil && d.authorize(m, res) {
		_, err = s.exchange(ctx, d, m)
	}
	return err
}

// roundTrip sends a request over a flow and waits for its final answer.
func (s *Server) roundTrip(ctx context.Context, m *wire.Message, f flow) (*wire.Message, error) {
	tx, err := s.begin(s.withVia(m, f, s.newBranch()), f)
	if err != nil {
		return nil, err
	}
	defer tx.Terminate()
	for {
		select {
		case res := <-tx.Responses():
			if res.StatusCode < 200 {
				continue
			}
			if answer, fault := wire.Parse([]byte(res.String())); fault == nil {
				return answer, nil
			}
			return nil, failure(leg.Unreachable, "read answer: it is malformed")
		case <-tx.Done():
			return nil, failure(leg.Unreachable, "wait for answer: %w", context.DeadlineExceeded)
		case <-ctx.Done():
			return nil, failure(leg.Unreachable, "wait for answer: %w", ctx.Err())
		}
	}
}
