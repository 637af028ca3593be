package sip

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/sip/sdp"
	"github.com/ivrd/ivrd/sip/wire"
)

// Incoming is a call that waits for the handler's decision.
type Incoming struct {
	p      *party
	once   sync.Once
	codecs []media.Codec
	web    bool // the caller's offer is a browser's
	dtls   bool // its keys come from a handshake without ICE
	secure bool // calls without SRTP are refused
}

// Info says who calls whom.
func (in *Incoming) Info() leg.Info { return in.p.info }

// Accept opens the stream and takes the caller's offer, if there is one. The
// caller hears nothing of it: Ring and Answer of the leg do that. An error
// means that the call has been refused, for AsReason(err).
func (in *Incoming) Accept(session media.Session, opts media.StreamOptions) (leg.Leg, error) {
	decided := true
	in.once.Do(func() { decided = false })
	if decided {
		return nil, failure(leg.Internal, "accept call: it has been decided before")
	}
	if len(opts.Codecs) == 0 {
		opts.Codecs = in.codecs
	}
	opts.Web, opts.DTLS = in.web, in.dtls
	stream, err := session.Open(opts)
	if err != nil {
		r := AsReason(err)
		in.p.End(r)
		return nil, failure(r, "open stream: %w", err)
	}
	err = in.p.do(func() error { return in.p.accept(stream, opts.Codecs, in.secure) })
	if err == nil {
		return in.p, nil
	}
	_ = stream.Close()
	if errors.Is(err, errEnded) {
		err = failure(leg.CallerCancel, "accept call: %w", errEnded)
	}
	return nil, err
}

// Reject refuses the call. Only the first decision counts.
func (in *Incoming) Reject(r leg.EndReason) {
	in.once.Do(func() { in.p.End(r) })
}

// inviteState is an incoming call before its answer.
type inviteState struct {
	t      *serverTx
	tag    string
	cancel context.CancelFunc

	outcome *outcome // answer to the offer, waiting to be sent
	sent    bool     // the peer has our description reliably
	rel     *reliable
	rseq    uint32
	queue   []func() error // provisional responses behind an unacknowledged one
}

// okState is a 2xx that is repeated until its ACK comes (§13.3.1.4).
type okState struct {
	t        *serverTx
	data     []byte
	interval time.Duration
	since    time.Time
	alarm    *alarm
	offered  bool // the ACK must bring an answer
}

// reliable is a provisional response that waits for its PRACK (RFC 3262).
type reliable struct {
	rseq     uint32
	data     []byte
	interval time.Duration
	since    time.Time
	alarm    *alarm
	done     chan struct{}
	sdp      bool
	offered  bool
}

// maxPageCalls are those that one page may have begun and not ended: a person
// speaks with one, and a page that is reloaded leaves some behind for a moment.
const maxPageCalls = 4

// invite serves an INVITE that begins a call.
func (s *Server) invite(t *serverTx, adm *admission, key string) {
	tag := s.door.tag(t.msg)
	info := leg.Info{
		Direction: leg.Incoming, From: userPart(t.msg.From.URI.User), To: dialled(t.msg, adm.trunk),
		DisplayName: displayName(t.msg.From.Display), Transport: t.flow.transport, Source: t.flow.source, CallID: t.msg.CallID,
	}
	tr := adm.trunk
	if adm.creds != nil {
		user, ok := s.authenticate(t, adm.creds)
		if !ok {
			return
		}
		if tr = s.trunkUser(user); !t.flow.mayCall(tr) || tr == nil && !s.identify(&info, user, t.flow) {
			t.respond(403, "Forbidden", tag)
			return
		}
		if !s.deps.Handler.Known(info.To) {
			t.respond(404, "Not Found", tag)
			return
		}
	}
	if tr == nil && info.User == "" && !t.flow.web() { // the door lets nobody in who is neither
		t.respond(403, "Forbidden", tag)
		return
	}
	if tr != nil {
		info.Trunk, info.Trusted = tr.Name, tr.Trusted
		if tr.Trusted {
			info.From = asserted(t.msg)
		}
	}
	if fault := checkInvite(t.msg); fault != nil {
		t.respond(fault.Status, fault.Reason, tag, fault.Extra...)
		return
	}
	release, ok := s.takeCall(t.flow, tr, adm)
	if !ok {
		t.respond(503, "Service Unavailable", tag, wire.Header{Name: "Retry-After", Value: "10"})
		return
	}
	s.offerCall(t, info, tr, key, tag, release)
}

// mayCall reports whether a call may come this way: a trunk is no page.
func (f flow) mayCall(tr *trunk) bool { return tr == nil || !f.web() }

// takeCall counts a call against its trunk's limit or its page's.
func (s *Server) takeCall(f flow, tr *trunk, adm *admission) (func(), bool) {
	switch {
	case tr != nil:
		return s.caps.take(capKey{"trunk", tr.Name}, tr.limit())
	case f.web():
		return s.caps.take(capKey{"page", adm.creds["username"]}, maxPageCalls)
	}
	return func() {}, true
}

// identify says who a caller is who has proved a person's secret, or that of
// a demo caller's page.
func (s *Server) identify(info *leg.Info, username string, f flow) bool {
	if number, ok := s.guest(username, f); ok {
		info.From = number
		return true
	}
	person, page := splitPhone(username)
	info.User, info.From = person, person
	return f.mayBe(person, page)
}

// checkInvite looks at what only the call itself needs.
func checkInvite(m *wire.Message) *wire.Fault {
	if len(m.Body) > 0 {
		if _, err := sdp.Parse(m.Body); err != nil {
			return &wire.Fault{Status: 400, Reason: "Bad Session Description"}
		}
	}
	if v := m.Get("Session-Expires"); v != "" {
		d, ok := seconds(v)
		if !ok {
			return &wire.Fault{Status: 400, Reason: "Bad Session-Expires"}
		}
		if d < minSE {
			return &wire.Fault{Status: 422, Reason: "Session Interval Too Small", Extra: []wire.Header{{Name: "Min-SE", Value: secondsText(minSE)}}}
		}
	}
	return nil
}

// offerCall makes the party and asks the handler.
func (s *Server) offerCall(t *serverTx, info leg.Info, tr *trunk, key, tag string, release func()) {
	ctx, cancel := context.WithCancel(s.ctx)
	p := s.newParty(info, asked)
	p.release = release
	p.invite = &inviteState{t: t, tag: tag, cancel: cancel}
	p.dlg = s.uasDialog(t.msg, t.flow, tag, tr != nil)
	t.flow.prove() // first: what a connection carries is looked for at the end of proved ones only
	s.dialogs.add(p.dlg.callID, tag, p)
	if s.door.admitted.attach(key, p) {
		p.inbox <- p.onCancel // nobody else knows the party yet: there is room
	}
	s.incoming.Add(1)
	t.respond(100, "Trying", "")
	p.after(s.cfg.Limits.RingTimeout, p.onRingTimeout)
	s.wg.Go(p.run)
	s.wg.Go(func() { p.watch(t) })
	s.wg.Go(func() {
		defer cancel()
		in := &Incoming{p: p, codecs: s.codecsOf(tr, info.User, t.flow.web())}
		in.secured(s.srtpFrom(info, tr, t.flow), t.msg.Body)
		s.deps.Handler.Incoming(ctx, in)
		in.Reject(leg.Internal)
	})
}

// srtpFrom is how a call to us is to be secured.
func (s *Server) srtpFrom(info leg.Info, tr *trunk, f flow) SRTP {
	switch {
	case tr != nil:
		return tr.SRTP
	case info.User != "" && !f.web():
		return s.srtpOf(info.User)
	default:
		return SRTPOptional
	}
}

// secured chooses the kind of stream that an offer needs, and without an offer
// that which we shall offer.
func (in *Incoming) secured(want SRTP, body []byte) {
	in.secure, in.dtls = want.required(), want == SRTPbyDTLS
	if len(body) == 0 {
		return
	}
	offer, err := sdp.Parse(body)
	in.web = err == nil && offer.OfWeb()
	in.dtls = err == nil && offer.OfDTLS()
}

// watch notices that the way back closed before the answer.
func (p *party) watch(t *serverTx) {
	select {
	case <-t.final:
	case <-p.done:
	case <-t.tx.Done():
		p.post(func() {
			if p.stage == asked || p.stage == early {
				p.finish(leg.ConnLost)
				p.invite.cancel()
			}
		})
	}
}

func (p *party) onRingTimeout() {
	if p.stage == asked || p.stage == early {
		p.refuse(leg.NoAnswer)
	}
}

// accept takes the offer; the stream is the party's from here on if it
// returns nil.
func (p *party) accept(stream media.Stream, codecs []media.Codec, secure bool) error {
	if p.stage != asked {
		return errEnded
	}
	p.setStream(stream)
	p.negotiate(codecs, p.invite.t.flow, secure)
	if body := p.invite.t.msg.Body; len(body) > 0 {
		o, err := p.neg.answer(body)
		if err != nil {
			p.refuse(reasonOfMedia(err))
			return failure(reasonOfMedia(err), "accept offer: %w", err)
		}
		p.invite.outcome = o
	}
	p.stage = early
	return nil
}

// refuse sends the final answer that a reason means, and ends. Who waits by the
// invitation's context finds the end among the events when that is over.
func (p *party) refuse(r leg.EndReason) {
	st := statusOf(r)
	var extra []wire.Header
	if retryAfter(st.code) {
		extra = append(extra, wire.Header{Name: "Retry-After", Value: strconv.Itoa(1 + rand.IntN(10))}) //nolint:gosec // spreads load
	}
	p.invite.t.respond(st.code, st.phrase, p.invite.tag, extra...)
	p.finish(r)
	p.invite.cancel()
}

// onCancel: after a final response it has no effect (§9.2).
func (p *party) onCancel() {
	if p.stage == asked || p.stage == early {
		p.refuse(leg.CallerCancel)
	}
}

// ring sends 180, or 183 with our description.
func (p *party) ring(sound bool) error {
	if p.stage != early {
		return nil
	}
	inv := p.invite
	if inv.rel != nil {
		inv.queue = append(inv.queue, func() error { return p.ring(sound) })
		return nil
	}
	m := inv.t.msg
	required := has(m, "Require", "100rel")
	can := required || has(m, "Supported", "100rel")
	var body []byte
	switch {
	case !sound || inv.sent:
	case inv.outcome != nil:
		body = inv.outcome.body
	case can: // delayed offer: it may only travel reliably
		body = p.neg.offer()
	}
	code, phrase := 180, "Ringing"
	if body != nil {
		code, phrase = 183, "Session Progress"
	}
	extra := []wire.Header{{Name: "Contact", Value: p.dlg.contact}, abilities()[0]}
	if required || body != nil && can {
		return p.ringReliably(code, phrase, body, extra)
	}
	if err := inv.t.send(inv.t.build(code, phrase, inv.tag, body, extra...)); err != nil {
		return err
	}
	return p.soundOut(body)
}

// soundOut connects the stream once the peer has our answer.
func (p *party) soundOut(body []byte) error {
	if body == nil || p.invite.outcome == nil || p.neg.agreed != nil {
		return nil
	}
	return p.connect(p.invite.outcome)
}

func (p *party) ringReliably(code int, phrase string, body []byte, extra []wire.Header) error {
	inv := p.invite
	if inv.rseq == 0 {
		inv.rseq = 1 + rand.Uint32N(1<<30) //nolint:gosec // only a starting point (RFC 3262 §3)
	} else {
		inv.rseq++
	}
	extra = append(extra, wire.Header{Name: "Require", Value: "100rel"}, wire.Header{Name: "RSeq", Value: strconv.Itoa(int(inv.rseq))})
	r := &reliable{rseq: inv.rseq, interval: p.srv.t.t1, since: time.Now(), done: make(chan struct{}), sdp: body != nil, offered: body != nil && inv.outcome == nil}
	r.data = inv.t.build(code, phrase, inv.tag, body, extra...)
	if err := inv.t.send(r.data); err != nil {
		return err
	}
	inv.rel = r
	r.alarm = p.after(r.interval, func() { p.repeatReliable(r) })
	return p.soundOut(body)
}

// repeatReliable doubles its interval without a limit other than 64*T1, after
// which the call is refused (RFC 3262 §3).
func (p *party) repeatReliable(r *reliable) {
	if time.Since(r.since) >= p.srv.t.giveUp {
		p.refuse(leg.NoAck)
		return
	}
	p.invite.t.resend(r.data)
	r.interval *= 2
	r.alarm = p.after(r.interval, func() { p.repeatReliable(r) })
}

// answer sends the 200. It returns a channel to wait for when a PRACK is due
// first.
func (p *party) answer() (<-chan struct{}, error) {
	if p.stage != early {
		return nil, nil
	}
	inv := p.invite
	if inv.rel != nil && inv.rel.sdp {
		return inv.rel.done, nil
	}
	if inv.rel != nil { // a plain 180 need not be waited for
		p.stop(inv.rel.alarm)
	}
	body := p.answerBody()
	offered := inv.outcome == nil && !inv.sent
	extra := append(abilities(), wire.Header{Name: "Contact", Value: p.dlg.contact})
	extra = append(extra, p.timer.agree(inv.t.msg, p.srv.cfg.Limits.SessionExpires)...)
	if err := p.sendOK(inv.t, inv.tag, body, offered, extra); err != nil {
		return nil, err
	}
	p.stage, p.accepted = answered, true
	if err := p.soundOut(body); err != nil {
		p.reason = leg.Internal
		return nil, err
	}
	return nil, nil
}

func (p *party) answerBody() []byte {
	switch inv := p.invite; {
	case inv.sent:
		return nil
	case inv.outcome != nil:
		return inv.outcome.body
	default:
		return p.neg.offer()
	}
}

// sendOK sends a 2xx to an INVITE and repeats it until its ACK.
func (p *party) sendOK(t *serverTx, tag string, body []byte, offered bool, extra []wire.Header) error {
	data := t.build(200, "OK", tag, body, extra...)
	if err := t.send(data); err != nil {
		return err
	}
	ok := &okState{t: t, data: data, interval: p.srv.t.t1, since: time.Now(), offered: offered}
	ok.alarm = p.after(ok.interval, func() { p.repeatOK(ok) })
	p.ok = ok
	return nil
}

func (p *party) repeatOK(ok *okState) {
	if time.Since(ok.since) >= p.srv.t.giveUp {
		r := p.reason
		if r.IsZero() {
			r = leg.NoAck
		}
		p.hangUp(r)
		return
	}
	ok.t.resend(ok.data)
	ok.interval = min(2*ok.interval, p.srv.t.t2)
	ok.alarm = p.after(ok.interval, func() { p.repeatOK(ok) })
}

// onAck ends the repetition of a 2xx, and for delayed offers brings the
// answer.
func (p *party) onAck(m *wire.Message) {
	ok := p.ok
	if ok == nil || m.CSeq != ok.t.msg.CSeq || m.From.Tag() != p.dlg.remoteTag {
		return
	}
	p.stop(ok.alarm)
	p.ok = nil
	if ok.offered {
		if err := p.takeAnswer(m.Body); err != nil {
			p.hangUp(reasonOfMedia(err))
			return
		}
	}
	if p.stage == answered {
		p.confirmed()
	}
}

// confirmed: the call is up on both sides.
func (p *party) confirmed() {
	p.stage = up
	p.invite.cancel()
	if !p.reason.IsZero() {
		p.hangUp(p.reason)
		return
	}
	p.emit(leg.Event{Kind: leg.Answered})
	if p.neg.held {
		p.emit(leg.Event{Kind: leg.Held})
	}
	p.startTimer()
}

// takeAnswer reads the answer to our offer.
func (p *party) takeAnswer(body []byte) error {
	if p.neg.offered == nil {
		return nil
	}
	o, err := p.neg.accept(body)
	if err != nil {
		return err
	}
	return p.connect(o)
}
