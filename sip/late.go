package sip

import (
	"context"
	"slices"
	"strings"

	sipmsg "github.com/emiago/sipgo/sip"

	"github.com/ivrd/ivrd/sip/wire"
)

// ackAndBye ends a call that was answered too late or twice (§13.2.2.4, §9.1).
func (s *Server) ackAndBye(res *wire.Message, f flow) {
	routes := res.Values("Record-Route")
	slices.Reverse(routes)
	d := &dialog{
		callID: res.CallID, localTag: res.From.Tag(), remoteTag: res.To.Tag(), local: bare(res.From), remote: bare(res.To),
		localSeq: res.CSeq, routes: routes, target: contactOf(res), flow: f,
	}
	if d.target.Host == "" {
		d.target = res.To.URI
	}
	ack, bye := d.numbered("ACK", res.CSeq, nil), d.numbered("BYE", res.CSeq+1, nil)
	s.wg.Go(func() {
		s.sendDirect(d, ack)
		ctx, cancel := context.WithTimeout(s.ctx, s.t.giveUp)
		defer cancel()
		_, _ = s.exchange(ctx, d, bye) // whoever does not answer it has gone as well
	})
}

// onStray sees responses that match no transaction: a 200 that is repeated,
// or that comes after we gave up.
func (s *Server) onStray(res *sipmsg.Response) {
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return
	}
	m, fault := wire.Parse([]byte(res.String()))
	if fault != nil || !strings.HasSuffix(m.Get("CSeq"), " INVITE") {
		return
	}
	s.dialogs.mu.Lock()
	p := s.dialogs.m[dialogKey(m.CallID, m.From.Tag())]
	s.dialogs.mu.Unlock()
	if p != nil {
		p.tryPost(func() {
			if p.dlg != nil && p.dlg.remoteTag == m.To.Tag() {
				p.sendAck(m.CSeq)
			}
		})
		return
	}
	if f, ok := s.strayFlow(res); ok {
		s.ackAndBye(m, f)
	}
}

// strayFlow is the way that a late response came.
func (s *Server) strayFlow(res *sipmsg.Response) (flow, bool) {
	source, ok := parseSource(res.Source())
	transport := strings.ToLower(res.Transport())
	switch {
	case !ok:
		return flow{}, false
	case transport == "udp" && s.udp != nil:
		return flow{transport: "udp", source: source, udp: s.udp.PacketConn}, true
	}
	c := s.conns.find(transport, source)
	if c == nil {
		return flow{}, false
	}
	return c.flow(), true
}
