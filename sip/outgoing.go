package sip

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/sip/wire"
)

// maxTries of one INVITE: once as it is, once with credentials, once more
// when the nonce was stale or the session interval too small.
const maxTries = 4

// route is one place that a call of ours may ring.
type route struct {
	uri     string
	flow    func(context.Context) (flow, error)
	byRoute bool
	web     bool // a page
	page    Page
	// Who we are there.
	from, identity string // From and P-Asserted-Identity values; identity may be empty
	account        account
}

// attempt is one INVITE of a call: its goroutine sees it through, whatever
// becomes of the leg meanwhile.
type attempt struct {
	p           *party
	route       route
	callID, tag string
	seq         uint32
	extra       []wire.Header // Authorization, Session-Expires after 422
	quit        chan struct{} // closed: the leg does not want it any more
	once        sync.Once

	// Owned by the attempt's goroutine.
	ringing   bool // a provisional response has come
	cancelled bool

	// Owned by the party's goroutine.
	failed  bool
	early   map[string]*dialog // by remote tag
	lastSeq map[string]uint64  // highest RSeq seen, by remote tag

	ackMu sync.Mutex
	won   string // the tag that won
}

func newAttempt(p *party, r route) *attempt {
	return &attempt{
		p: p, route: r, callID: token() + "@ivrd", tag: token(), seq: 1, quit: make(chan struct{}),
		early: map[string]*dialog{}, lastSeq: map[string]uint64{},
	}
}

func (a *attempt) stop() { a.once.Do(func() { close(a.quit) }) }

// run is the attempt's goroutine.
func (a *attempt) run() {
	r := a.try()
	_ = a.p.do(func() error { a.p.onFailure(a, r); return nil })
}

// try sends the INVITE until it succeeds (zero reason) or fails for good.
func (a *attempt) try() leg.EndReason {
	s := a.p.srv
	f, err := a.route.flow(s.ctx)
	if err != nil {
		return AsReason(err)
	}
	var offer []byte
	if err := a.p.do(func() (err error) { offer, err = a.p.offerOver(f); return err }); err != nil {
		return AsReason(err)
	}
	for range maxTries {
		m := a.invite(f, offer)
		branch := s.newBranch()
		tx, err := s.begin(s.withVia(m, f, branch), f)
		if err != nil {
			return AsReason(err)
		}
		tx.OnRetransmission(func(res *sipmsg.Response) { a.again(res, f) })
		res := a.wait(tx, f, branch)
		switch {
		case res == nil:
			return reasonOfTx(tx)
		case res.Status < 300:
			a.success(res, f)
			return leg.EndReason{}
		case !a.amend(m, res):
			return reasonOf(res.Status)
		}
		a.seq++
	}
	return reasonOf(401)
}

func reasonOfTx(tx *sipmsg.ClientTx) leg.EndReason {
	if errors.Is(tx.Err(), sipmsg.ErrTransactionTransport) {
		return leg.ConnLost
	}
	return leg.Unreachable
}

// invite builds the request (§8.1.1).
func (a *attempt) invite(f flow, offer []byte) *wire.Message {
	s := a.p.srv
	m := &wire.Message{Method: "INVITE", URI: a.route.uri, Body: offer, CSeq: a.seq, CallID: a.callID}
	m.Headers = []wire.Header{
		{Name: "Max-Forwards", Value: "70"},
		{Name: "From", Value: a.route.from + ";tag=" + a.tag},
		{Name: "To", Value: "<" + bareURI(a.route.uri) + ">"},
		{Name: "Call-ID", Value: a.callID},
		{Name: "CSeq", Value: strconv.Itoa(int(a.seq)) + " INVITE"},
		{Name: "Contact", Value: s.contact(f, "ivrd")},
		{Name: "Content-Type", Value: "application/sdp"},
		{Name: "User-Agent", Value: "ivrd"},
	}
	m.Headers = append(m.Headers, abilities()...)
	if !slices.ContainsFunc(a.extra, func(h wire.Header) bool { return h.Name == "Session-Expires" }) {
		m.Headers = append(m.Headers, (&sessionTimer{}).ask(s.cfg.Limits.SessionExpires)...)
	}
	if a.route.identity != "" {
		m.Headers = append(m.Headers, wire.Header{Name: "P-Asserted-Identity", Value: a.route.identity})
	}
	if a.route.web {
		m.Headers = append(m.Headers, a.route.page.headers()...)
	}
	m.Headers = append(m.Headers, a.extra...)
	return m
}

// headers of our own, see docs/protocol.md.
func (p Page) headers() []wire.Header {
	var out []wire.Header
	if p.CallID != "" {
		out = append(out, wire.Header{Name: "X-Ivrd-Call", Value: p.CallID}, wire.Header{Name: "X-Ivrd-Role", Value: p.Role})
	}
	if p.Auto {
		out = append(out, wire.Header{Name: "X-Ivrd-Answer", Value: "auto"})
	}
	return out
}

// bareURI is a URI as it stands in To: without the parameters of routing.
func bareURI(s string) string {
	u, ok := wire.ParseURI(s)
	if !ok {
		return s
	}
	u.Params, u.Headers = nil, ""
	return u.String()
}

// wait follows one transaction to its final response; nil when none comes.
// CANCEL waits for a provisional response (§9.1).
func (a *attempt) wait(tx *sipmsg.ClientTx, f flow, branch string) *wire.Message {
	quit := a.quit
	var giveUp <-chan time.Time
	for {
		select {
		case res := <-tx.Responses():
			answer, fault := wire.Parse([]byte(res.String()))
			if fault != nil {
				continue
			}
			if answer.Status >= 200 {
				return answer
			}
			a.provisional(answer, f)
		case <-quit:
			quit, a.cancelled = nil, true
			giveUp = time.After(a.p.srv.t.giveUp)
			if a.ringing {
				a.cancel(f, branch)
			}
		case <-giveUp:
			tx.Terminate()
			return nil
		case <-tx.Done():
			return nil
		case <-a.p.srv.ctx.Done():
			return nil
		}
	}
}

func (a *attempt) provisional(res *wire.Message, f flow) {
	first := !a.ringing
	a.ringing = true
	if a.cancelled && first {
		a.cancel(f, res.Via.Branch())
		return
	}
	_ = a.p.do(func() error { a.p.onProvisional(a, res, f); return nil })
}

// cancel sends CANCEL with the INVITE's own Via (§9.1).
func (a *attempt) cancel(f flow, branch string) {
	s := a.p.srv
	m := &wire.Message{Method: "CANCEL", URI: a.route.uri}
	m.Headers = []wire.Header{
		{Name: "Max-Forwards", Value: "70"},
		{Name: "From", Value: a.route.from + ";tag=" + a.tag},
		{Name: "To", Value: "<" + bareURI(a.route.uri) + ">"},
		{Name: "Call-ID", Value: a.callID},
		{Name: "CSeq", Value: strconv.Itoa(int(a.seq)) + " CANCEL"},
	}
	s.wg.Go(func() {
		tx, err := s.begin(s.withVia(m, f, branch), f)
		if err != nil {
			return
		}
		defer tx.Terminate()
		select { // its answer changes nothing; the INVITE's does
		case <-tx.Responses():
		case <-tx.Done():
		case <-s.ctx.Done():
		}
	})
}

// success is a 2xx: the first wins, every other is acknowledged and hung up.
func (a *attempt) success(res *wire.Message, f flow) {
	won := false
	_ = a.p.do(func() error { won = a.p.onAnswer(a, res, f); return nil })
	if !won {
		a.p.srv.ackAndBye(res, f)
		return
	}
	a.ackMu.Lock()
	a.won = res.To.Tag()
	a.ackMu.Unlock()
}

// again handles a 2xx after the first: a repetition wants its ACK again, that
// of another fork ends there.
func (a *attempt) again(res *sipmsg.Response, f flow) {
	m, fault := wire.Parse([]byte(res.String()))
	if fault != nil {
		return
	}
	a.ackMu.Lock()
	won := a.won == m.To.Tag()
	a.ackMu.Unlock()
	if won {
		a.p.post(func() { a.p.sendAck(m.CSeq) })
		return
	}
	a.p.srv.ackAndBye(m, f)
}

// amend changes the next INVITE as a refusal asks; false when it cannot.
func (a *attempt) amend(m, res *wire.Message) bool {
	if a.cancelled {
		return false
	}
	switch res.Status {
	case 401, 407:
		name := "Authorization"
		if res.Status == 407 {
			name = "Proxy-Authorization"
		}
		return a.authorize(m, res, name)
	case 422:
		floor, ok := seconds(res.Get("Min-SE"))
		if !ok || slices.ContainsFunc(a.extra, func(h wire.Header) bool { return h.Name == "Min-SE" }) {
			return false
		}
		a.extra = append(a.extra, wire.Header{Name: "Session-Expires", Value: secondsText(floor)}, wire.Header{Name: "Min-SE", Value: secondsText(floor)})
		return true
	}
	return false
}

func (a *attempt) authorize(m, res *wire.Message, name string) bool {
	again := slices.ContainsFunc(a.extra, func(h wire.Header) bool { return h.Name == name })
	value, err := a.route.account.answer(res, m.Method, m.URI, again)
	if err != nil {
		return false
	}
	a.extra = slices.DeleteFunc(a.extra, func(h wire.Header) bool { return h.Name == name })
	a.extra = append(a.extra, wire.Header{Name: name, Value: value})
	return true
}

// offerOver is our offer for the way that a call takes.
func (p *party) offerOver(f flow) ([]byte, error) {
	if p.stage != calling {
		return nil, errEnded
	}
	if p.neg == nil {
		p.negotiate(p.codecs, f, p.secure)
		p.neg.offer()
	}
	return p.neg.sent, nil
}

// onProvisional: ringing, early media, PRACK.
func (p *party) onProvisional(a *attempt, res *wire.Message, f flow) {
	if p.stage != calling || res.Status == 100 || res.To.Tag() == "" {
		return
	}
	if has(res, "Require", "100rel") && !p.prack(a, res, f) {
		return // a repetition, or out of order
	}
	if res.Status == 180 && !p.rang {
		p.rang = true
		p.emit(leg.Event{Kind: leg.Ringing})
	}
	// With several phones ringing there is no telling whose sound to let in.
	if len(res.Body) == 0 || p.sounding || len(p.attempts) > 1 {
		return
	}
	if o, err := p.neg.accept(res.Body); err == nil {
		p.neg.signal = f.source.Addr()
		offered := p.neg.offered
		if p.connect(o) == nil {
			p.sounding = true
			p.emit(leg.Event{Kind: leg.EarlyMedia})
		}
		p.neg.offered = offered // the 2xx says it again, and only that is final
	}
}

// prack acknowledges a reliable provisional response in its order (RFC 3262
// §4); false when it is not the next one.
func (p *party) prack(a *attempt, res *wire.Message, f flow) bool {
	tag := res.To.Tag()
	rseq, err := strconv.ParseUint(res.Get("RSeq"), 10, 32)
	last, seen := a.lastSeq[tag]
	if err != nil || seen && rseq != last+1 {
		return false
	}
	a.lastSeq[tag] = rseq
	d := p.dialogOf(a, res, f)
	m := d.request("PRACK", nil, wire.Header{Name: "RAck", Value: strings.Join([]string{res.Get("RSeq"), strconv.Itoa(int(a.seq)), "INVITE"}, " ")})
	copied := *d
	p.srv.wg.Go(func() {
		ctx, cancel := context.WithTimeout(p.srv.ctx, p.srv.t.giveUp)
		defer cancel()
		// A PRACK that nobody answers shows by the INVITE's own end.
		_, _ = p.srv.exchange(ctx, &copied, m)
	})
	return true
}

// dialogOf finds or makes the dialog of a response (§12.1.2).
func (p *party) dialogOf(a *attempt, res *wire.Message, f flow) *dialog {
	tag := res.To.Tag()
	d := a.early[tag]
	if d == nil {
		routes := res.Values("Record-Route")
		slices.Reverse(routes)
		d = &dialog{
			callID: a.callID, localTag: a.tag, remoteTag: tag, local: a.route.from,
			remote: bare(res.To), localSeq: a.seq, routes: routes, contact: p.srv.contact(f, "ivrd"), flow: f, byRoute: a.route.byRoute,
		}
		d.target, _ = wire.ParseURI(a.route.uri)
		a.early[tag] = d
	}
	if res.Has("Contact") {
		d.target = contactOf(res)
	}
	if allow := methods(res); len(allow) > 0 {
		d.allow = allow
	}
	d.account, d.credentials = a.route.account, credentialsOf(a.extra)
	d.localSeq = max(d.localSeq, a.seq)
	p.dlg = d
	return d
}

// onAnswer takes a 2xx; false when the call has been won or given up.
func (p *party) onAnswer(a *attempt, res *wire.Message, f flow) bool {
	if p.stage != calling {
		return false
	}
	d := p.dialogOf(a, res, f)
	p.sendAck(a.seq)
	p.stage = up
	for _, other := range p.attempts {
		if other != a {
			other.stop()
		}
	}
	if !f.alive() { // it went with its answer: whoever looked for its legs came too early for this one
		p.disconnected()
		return true
	}
	p.neg.signal = f.source.Addr()
	if err := p.finalAnswer(res.Body); err != nil {
		p.hangUp(reasonOfMedia(err))
		return true
	}
	p.timer.settle(res)
	p.startTimer()
	p.log.Debug("call answered", "transport", d.flow.transport)
	p.emit(leg.Event{Kind: leg.Answered})
	return true
}

// finalAnswer takes the SDP of the 2xx. There need be none when a reliable
// provisional response has brought it (RFC 3262 §5).
func (p *party) finalAnswer(body []byte) error {
	if len(body) == 0 && p.neg.agreed != nil {
		p.neg.offered = nil
		return nil
	}
	o, err := p.neg.accept(body)
	if err != nil {
		return err
	}
	return p.connect(o)
}

// onFailure counts an attempt out; the last one ends the leg with the reason
// that says most.
func (p *party) onFailure(a *attempt, r leg.EndReason) {
	if p.stage != calling || r.IsZero() {
		return
	}
	a.failed = true
	if p.worst.IsZero() || weight(r) > weight(p.worst) {
		p.worst = r
	}
	if !slices.ContainsFunc(p.attempts, func(x *attempt) bool { return !x.failed }) {
		p.finish(p.worst)
	}
}

// weight orders the reasons of several phones: a person's decision says more
// than a silent phone.
func weight(r leg.EndReason) int {
	switch r.Slug {
	case leg.Busy.Slug:
		return 4
	case leg.Refused.Slug, leg.NoCodec.Slug:
		return 3
	case leg.NoAnswer.Slug:
		return 2
	default:
		return 1
	}
}
