package sip

import (
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/sip/wire"
)

// onRequest serves a request inside the dialog.
func (p *party) onRequest(t *serverTx) {
	d, m := p.dlg, t.msg
	if p.stage == ended || d == nil || m.From.Tag() != d.remoteTag {
		t.respond(481, "Call/Transaction Does Not Exist", m.To.Tag())
		return
	}
	if d.remoteSeq > 0 && m.CSeq <= d.remoteSeq { // §12.2.2
		t.respond(500, "CSeq Out Of Order", d.localTag)
		return
	}
	d.remoteSeq = m.CSeq
	d.flow = t.flow
	switch m.Method {
	case "BYE":
		p.onBye(t)
	case "PRACK":
		p.onPrack(t)
	case "UPDATE":
		p.onUpdate(t)
	case "INVITE":
		p.onReinvite(t)
	case "INFO":
		p.onInfo(t)
	default: // OPTIONS
		t.respond(200, "OK", d.localTag, abilities()...)
	}
}

func (p *party) onBye(t *serverTx) {
	t.respond(200, "OK", p.dlg.localTag)
	r := leg.CallerHangup
	if p.info.Direction == leg.Outgoing {
		r = leg.AgentHangup
	}
	if p.stage == asked || p.stage == early { // BYE of an early dialog (§15.1.2)
		p.refuse(leg.CallerCancel)
		return
	}
	if p.ok != nil {
		p.stop(p.ok.alarm)
	}
	if p.stage == answered { // they never said ACK, but they have heard us
		p.invite.cancel()
	}
	p.finish(r)
}

// onPrack matches RAck to the response that waits for it (RFC 3262 §3).
func (p *party) onPrack(t *serverTx) {
	inv := p.invite
	if inv == nil || inv.rel == nil || !ackedBy(inv, t.msg.Get("RAck")) {
		t.respond(481, "Call/Transaction Does Not Exist", p.dlg.localTag)
		return
	}
	r := inv.rel
	p.stop(r.alarm)
	inv.rel = nil
	if r.offered {
		if err := p.takeAnswer(t.msg.Body); err != nil {
			t.respond(200, "OK", p.dlg.localTag)
			p.refuse(reasonOfMedia(err))
			return
		}
	}
	if r.sdp {
		inv.sent = true
	}
	var body []byte
	if !r.offered && len(t.msg.Body) > 0 && inv.sent { // a second offer (RFC 3262 §5)
		if o, err := p.neg.answer(t.msg.Body); err == nil && p.connect(o) == nil {
			body = o.body
		}
	}
	_ = t.send(t.build(200, "OK", p.dlg.localTag, body))
	close(r.done)
	for len(inv.queue) > 0 && inv.rel == nil {
		next := inv.queue[0]
		inv.queue = inv.queue[1:]
		if err := next(); err != nil {
			return // the way back has closed; watch ends the leg
		}
	}
}

func ackedBy(inv *inviteState, rack string) bool {
	f := strings.Fields(rack)
	return len(f) == 3 && f[0] == strconv.Itoa(int(inv.rel.rseq)) &&
		f[1] == strconv.Itoa(int(inv.t.msg.CSeq)) && f[2] == "INVITE"
}

// later asks to come again: two offers cannot cross (RFC 3261 §14.2).
func (p *party) later(t *serverTx) {
	t.respond(500, "Server Internal Error", p.dlg.localTag, wire.Header{Name: "Retry-After", Value: strconv.Itoa(rand.IntN(10))}) //nolint:gosec // spreads load
}

// glare answers a request that meets one of ours; true when it did.
func (p *party) glare(t *serverTx) bool {
	switch {
	case p.offering || p.neg != nil && p.neg.offered != nil && p.ok == nil:
		t.respond(491, "Request Pending", p.dlg.localTag)
	case p.ok != nil:
		p.later(t)
	default:
		return false
	}
	return true
}

// onUpdate changes or refreshes the session at once (RFC 3311).
func (p *party) onUpdate(t *serverTx) {
	if fault := checkInvite(t.msg); fault != nil {
		t.respond(fault.Status, fault.Reason, p.dlg.localTag, fault.Extra...)
		return
	}
	if len(t.msg.Body) == 0 {
		p.refreshTarget(t.msg)
		p.respondRefresh(t, nil)
		return
	}
	if p.stage != up && (p.invite == nil || !p.invite.sent) || p.neg == nil {
		p.later(t) // the first offer has no answer yet (RFC 3311 §5.2)
		return
	}
	if p.glare(t) {
		return
	}
	if o, ok := p.renegotiate(t); ok {
		p.refreshTarget(t.msg)
		p.respondRefresh(t, o.body)
	}
}

// respondRefresh answers 200 to an UPDATE.
func (p *party) respondRefresh(t *serverTx, body []byte) {
	extra := append(abilities(), wire.Header{Name: "Contact", Value: p.dlg.contact})
	if t.msg.Has("Session-Expires") || p.timer.interval > 0 { // a 2xx without it would end the timer for the peer only (RFC 4028 §7.2)
		extra = append(extra, p.timer.agree(t.msg, p.srv.cfg.Limits.SessionExpires)...)
	}
	_ = t.send(t.build(200, "OK", p.dlg.localTag, body, extra...))
	if p.stage == up {
		p.startTimer()
	}
}

// renegotiate takes an offer inside the call. On failure it has answered 488
// and the session goes on as it was (§14.1).
func (p *party) renegotiate(t *serverTx) (*outcome, bool) {
	o, err := p.neg.answer(t.msg.Body)
	if err == nil {
		err = p.connect(o)
	}
	if err != nil {
		t.respond(488, "Not Acceptable Here", p.dlg.localTag)
		return nil, false
	}
	return o, true
}

// onReinvite: hold, resume, a new address or codec, a refresh, or a question
// for our offer.
func (p *party) onReinvite(t *serverTx) {
	if p.stage != up {
		p.later(t)
		return
	}
	if fault := checkInvite(t.msg); fault != nil {
		t.respond(fault.Status, fault.Reason, p.dlg.localTag, fault.Extra...)
		return
	}
	if p.glare(t) {
		return
	}
	var body []byte
	offered := len(t.msg.Body) == 0
	if offered {
		body = p.neg.offer()
	} else {
		o, ok := p.renegotiate(t)
		if !ok {
			return
		}
		body = o.body
	}
	p.refreshTarget(t.msg)
	extra := append(abilities(), wire.Header{Name: "Contact", Value: p.dlg.contact})
	extra = append(extra, p.timer.agree(t.msg, p.srv.cfg.Limits.SessionExpires)...)
	if err := p.sendOK(t, p.dlg.localTag, body, offered, extra); err != nil {
		return // nothing was agreed: the peer will ask again
	}
	p.startTimer()
}

// refreshTarget follows the peer's Contact (§12.2.2).
func (p *party) refreshTarget(m *wire.Message) {
	if m.Has("Contact") {
		p.dlg.target = contactOf(m)
	}
	if allow := methods(m); len(allow) > 0 {
		p.dlg.allow = allow
	}
}
