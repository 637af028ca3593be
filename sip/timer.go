package sip

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/sip/wire"
)

// sessionTimer is RFC 4028: both sides know when a call has died unseen.
type sessionTimer struct {
	interval time.Duration // 0: none agreed
	ours     bool          // we refresh
	alarm    *alarm
}

// agree settles the timer as the answering side (§9) and returns the headers
// of our 2xx.
func (x *sessionTimer) agree(m *wire.Message, own time.Duration) []wire.Header {
	x.interval, x.ours = max(own, minSE), true
	supported := has(m, "Supported", "timer")
	if d, ok := seconds(m.Get("Session-Expires")); ok {
		x.interval = max(min(d, x.interval), minSE)
	}
	if floor, ok := seconds(m.Get("Min-SE")); ok {
		x.interval = max(x.interval, floor)
	}
	switch refresherOf(m.Get("Session-Expires")) {
	case "uac":
		x.ours = !supported
	case "uas":
	default:
		x.ours = !supported // whoever asked for it, and can, does it
	}
	role := "uac"
	if x.ours {
		role = "uas"
	}
	out := []wire.Header{{Name: "Session-Expires", Value: secondsText(x.interval) + ";refresher=" + role}}
	if role == "uac" {
		out = append(out, wire.Header{Name: "Require", Value: "timer"})
	}
	return out
}

func refresherOf(value string) string {
	for part := range strings.SplitSeq(value, ";") {
		if k, v, _ := strings.Cut(strings.TrimSpace(part), "="); strings.EqualFold(k, "refresher") {
			return strings.ToLower(strings.TrimSpace(v))
		}
	}
	return ""
}

// settle reads the peer's 2xx to our request (§7.2). Without Session-Expires
// the peer knows no timers; media tells when it dies.
func (x *sessionTimer) settle(m *wire.Message) {
	d, ok := seconds(m.Get("Session-Expires"))
	if !ok {
		x.interval = 0
		return
	}
	x.interval, x.ours = max(d, minSE), refresherOf(m.Get("Session-Expires")) != "uas"
}

// ask are the headers of a request of ours that offers a timer.
func (x *sessionTimer) ask(own time.Duration) []wire.Header {
	if x.interval > 0 {
		own = x.interval
	}
	value := secondsText(max(own, minSE))
	if x.interval > 0 { // a refresh keeps the roles (§7.4)
		if x.ours {
			value += ";refresher=uac"
		} else {
			value += ";refresher=uas"
		}
	}
	return []wire.Header{{Name: "Session-Expires", Value: value}, {Name: "Min-SE", Value: secondsText(minSE)}}
}

// startTimer begins a new interval after each refresh: ours at half of it,
// theirs is late shortly before its end (§10).
func (p *party) startTimer() {
	x := &p.timer
	p.stop(x.alarm)
	x.alarm = nil
	switch {
	case x.interval == 0:
	case x.ours:
		x.alarm = p.after(x.interval/2, p.refresh)
	default:
		x.alarm = p.after(x.interval-min(32*time.Second, x.interval/3), p.expire)
	}
}

func (p *party) expire() { p.hangUp(leg.SessionExpiry) }

// refresh renews the session, by UPDATE if the peer knows it. It has until
// the end of the interval.
func (p *party) refresh() {
	x := &p.timer
	if p.offering || p.ok != nil { // an exchange is under way: it may renew the session as well
		x.alarm = p.after(p.srv.t.t2, p.refresh)
		return
	}
	x.alarm = p.after(x.interval/2-min(32*time.Second, x.interval/6), p.expire)
	extra := append(x.ask(p.srv.cfg.Limits.SessionExpires), wire.Header{Name: "Supported", Value: strings.Join(supports().Options, ", ")})
	d := p.dlg
	if slices.Contains(d.allow, "UPDATE") {
		m := d.request("UPDATE", nil, extra...)
		p.exchangeThen(m, func(res *wire.Message, err error) { p.refreshed(res, err) })
		return
	}
	p.offering = true
	m := d.request("INVITE", p.neg.offer(), append(extra, abilities()[0])...)
	p.exchangeThen(m, func(res *wire.Message, err error) {
		p.offering = false
		p.reinvited(m, res, err)
	})
}

// exchangeThen sends a request of the dialog from a goroutine of its own and
// comes back to the party's with the answer, after a challenge with that to m's
// second try.
func (p *party) exchangeThen(m *wire.Message, then func(*wire.Message, error)) {
	d := *p.dlg
	p.srv.wg.Go(func() {
		ctx, cancel := context.WithTimeout(p.srv.ctx, p.srv.t.giveUp+time.Second)
		defer cancel()
		res, err := p.srv.exchange(ctx, &d, m)
		p.post(func() {
			switch {
			case p.stage != up:
			case err == nil && p.dlg.authorize(m, res):
				p.exchangeThen(m, then)
			default:
				then(res, err)
			}
		})
	})
}

// reinvited ends a re-INVITE of ours: ACK, then what the answer says. With an
// answer that we cannot take, each side would think of another session.
func (p *party) reinvited(m, res *wire.Message, err error) {
	if err == nil && res.Status < 300 {
		p.dlg.credentials = credentialsOf(m.Headers)
		p.sendAck(m.CSeq)
		if len(res.Body) > 0 {
			if fault := p.takeAnswer(res.Body); fault != nil {
				p.hangUp(reasonOfMedia(fault))
				return
			}
		}
	}
	p.neg.offered = nil
	p.refreshed(res, err)
}

// refreshed judges the answer to a refresh (§10).
func (p *party) refreshed(res *wire.Message, err error) {
	switch {
	case err != nil:
		return // the alarm ends the call when no other try succeeds
	case res.Status < 300:
		p.timer.settle(res)
		p.refreshTarget(res)
		p.startTimer()
	case res.Status == 481 || res.Status == 408:
		p.hangUp(leg.SessionExpiry)
	case res.Status == 491 || res.Status == 500 || res.Status == 503:
		p.stop(p.timer.alarm)
		p.timer.alarm = p.after(p.srv.t.t2, p.refresh)
	}
}

// sendAck acknowledges a 2xx to an INVITE of the dialog (§13.2.2.4).
func (p *party) sendAck(seq uint32) {
	d := *p.dlg
	m := d.numbered("ACK", seq, nil, d.credentials...)
	p.srv.wg.Go(func() { p.srv.sendDirect(&d, m) })
}

// sendDirect sends what has no transaction: an ACK to a 2xx. If it is lost,
// the peer repeats its 200 and gets another.
func (s *Server) sendDirect(d *dialog, m *wire.Message) {
	ctx, cancel := context.WithTimeout(s.ctx, dialTimeout)
	defer cancel()
	f, err := s.way(ctx, d)
	if err != nil {
		return
	}
	_ = f.write(s.withVia(m, f, s.newBranch()).Bytes())
}
