package sip

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/sip/wire"
)

// dialog is RFC 3261 §12's state. Its party's goroutine owns it.
type dialog struct {
	callID              string
	localTag, remoteTag string
	local, remote       string // From and To values without tags, ours first
	localSeq, remoteSeq uint32
	routes              []string // Route values, next hop first
	target              wire.URI // the peer's Contact
	// contact is how the peer reaches us; flow the way that it came last.
	contact string
	flow    flow
	// byRoute follows routes and target as RFC 3261 says (trunks); otherwise
	// requests go the way that the peer came (phones, often translated).
	byRoute bool
	allow   []string // the peer's methods, upper case
	// account answers challenges inside of an outgoing call; incoming ones have
	// none. credentials are those of our last INVITE, for its ACK (§22.1).
	account     account
	credentials []wire.Header
}

// uasDialog is what an INVITE makes on our side.
func (s *Server) uasDialog(m *wire.Message, f flow, tag string, byRoute bool) *dialog {
	return &dialog{
		callID: m.CallID, localTag: tag, remoteTag: m.From.Tag(),
		local: bare(m.To), remote: bare(m.From), localSeq: firstSeq(), remoteSeq: m.CSeq,
		routes: m.Values("Record-Route"), target: contactOf(m), contact: s.contact(f, userPart(m.Target.User)),
		flow: f, byRoute: byRoute, allow: methods(m),
	}
}

// firstSeq is where our CSeq begins; any number does.
func firstSeq() uint32 { return 1 }

// bare is an address without its tag.
func bare(a wire.Address) string {
	a.Params = slices.DeleteFunc(slices.Clone(a.Params), func(p wire.Param) bool { return strings.EqualFold(p.Key, "tag") })
	return a.String()
}

// contactOf is the URI of the first Contact; wire has checked its form.
func contactOf(m *wire.Message) wire.URI {
	a, _ := wire.ParseAddress(m.Get("Contact"))
	return a.URI
}

func methods(m *wire.Message) []string {
	var out []string
	for _, v := range m.Values("Allow") {
		out = append(out, strings.ToUpper(v))
	}
	return out
}

// contact is our own Contact for a flow.
func (s *Server) contact(f flow, user string) string {
	u := wire.URI{Scheme: "sip", User: escapeUser(user)}
	at := s.local(f)
	u.Host, u.Port = hostInBrackets(at.Addr().String()), int(at.Port())
	if f.transport != "udp" {
		u.Params = []wire.Param{{Key: "transport", Value: f.transport}}
	}
	return "<" + u.String() + ">"
}

// request makes the next request of the dialog, without Via.
func (d *dialog) request(method string, body []byte, extra ...wire.Header) *wire.Message {
	seq := d.localSeq
	if method != "ACK" { // an ACK has its INVITE's number; see ack
		d.localSeq++
		seq = d.localSeq
	}
	return d.numbered(method, seq, body, extra...)
}

func (d *dialog) numbered(method string, seq uint32, body []byte, extra ...wire.Header) *wire.Message {
	m := &wire.Message{Method: method, URI: d.target.String(), Body: body, CSeq: seq}
	m.Headers = append(m.Headers,
		wire.Header{Name: "Max-Forwards", Value: "70"},
		wire.Header{Name: "From", Value: d.local + ";tag=" + d.localTag},
		wire.Header{Name: "To", Value: withTag(d.remote, d.remoteTag)},
		wire.Header{Name: "Call-ID", Value: d.callID},
		wire.Header{Name: "CSeq", Value: strconv.Itoa(int(seq)) + " " + method},
	)
	for _, r := range d.routes {
		m.Headers = append(m.Headers, wire.Header{Name: "Route", Value: r})
	}
	if method == "INVITE" || method == "UPDATE" {
		m.Headers = append(m.Headers, wire.Header{Name: "Contact", Value: d.contact})
	}
	if len(body) > 0 && !slices.ContainsFunc(extra, func(h wire.Header) bool { return h.Name == "Content-Type" }) {
		m.Headers = append(m.Headers, wire.Header{Name: "Content-Type", Value: "application/sdp"})
	}
	m.Headers = append(m.Headers, extra...)
	m.Headers = append(m.Headers, wire.Header{Name: "User-Agent", Value: "ivrd"})
	return m
}

// authorize turns a request into its second try, with credentials for the
// challenge that was its answer and the next number (§22.2); false when there
// was none, no account answers it, or it had its second try already.
func (d *dialog) authorize(m, res *wire.Message) bool {
	if res.Status != 401 && res.Status != 407 || len(credentialsOf(m.Headers)) > 0 {
		return false
	}
	h, err := d.account.header(res, m, false)
	if err != nil {
		return false
	}
	d.localSeq++
	m.CSeq = d.localSeq
	m.Headers = append(slices.Clone(m.Headers), h)
	for i := range m.Headers {
		if m.Headers[i].Name == "CSeq" {
			m.Headers[i].Value = strconv.Itoa(int(m.CSeq)) + " " + m.Method
		}
	}
	return true
}

// credentialsOf are the headers that hold credentials.
func credentialsOf(headers []wire.Header) []wire.Header {
	var out []wire.Header
	for _, h := range headers {
		if h.Name == "Authorization" || h.Name == "Proxy-Authorization" {
			out = append(out, h)
		}
	}
	return out
}

func withTag(value, tag string) string {
	if tag == "" {
		return value
	}
	return value + ";tag=" + tag
}

// way is the flow of the dialog's next request: the connection that it lives
// on while that lasts, the source for phones, RFC 3261 §12.2.1.1 for trunks.
func (s *Server) way(ctx context.Context, d *dialog) (flow, error) {
	if d.flow.conn != nil && d.flow.alive() {
		return d.flow, nil
	}
	if !d.byRoute {
		if d.flow.conn != nil {
			return flow{}, failure(leg.ConnLost, "reach peer: its connection has gone")
		}
		return d.flow, nil
	}
	next := d.target
	if len(d.routes) > 0 {
		if a, ok := wire.ParseAddress(d.routes[0]); ok {
			next = a.URI
		}
	}
	p := placeOf(next, d.flow.transport)
	if s.misleading(p, d) {
		return d.flow, nil
	}
	return s.flowTo(ctx, p)
}

// misleading are contacts that cannot be the way back: private addresses of a
// peer that came from elsewhere, and names that never resolve.
func (s *Server) misleading(p place, d *dialog) bool {
	if d.flow.conn != nil || len(d.routes) > 0 {
		return false
	}
	a, err := netip.ParseAddr(strings.Trim(p.host, "[]"))
	if err != nil {
		return strings.HasSuffix(strings.ToLower(p.host), ".invalid")
	}
	return a.Unmap() != d.flow.source.Addr() && (a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified())
}

// dialogs finds the party of a request by Call-ID and our tag.
type dialogs struct {
	mu sync.Mutex
	m  map[string]*party
}

func newDialogs() *dialogs { return &dialogs{m: map[string]*party{}} }

func dialogKey(callID, localTag string) string { return callID + "\x00" + localTag }

func (t *dialogs) add(callID, localTag string, p *party) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m[dialogKey(callID, localTag)] = p
}

func (t *dialogs) remove(callID, localTag string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.m, dialogKey(callID, localTag))
}

// find returns the party of an in-dialog request.
func (t *dialogs) find(m *wire.Message) *party {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.m[dialogKey(m.CallID, m.To.Tag())]
}

func (t *dialogs) size() int { return len(t.all()) }

// all are the living legs.
func (t *dialogs) all() map[*party]struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := map[*party]struct{}{}
	for _, p := range t.m {
		out[p] = struct{}{}
	}
	return out
}

// use asks the legs whether one of them lives on a connection.
func (t *dialogs) use(c *streamConn) bool {
	for p := range t.all() {
		used := false
		if err := p.do(func() error { used = p.uses(c); return nil }); err == nil && used {
			return true
		}
	}
	return false
}

// endAll ends the legs that their owner has forgotten, and waits for them.
func (t *dialogs) endAll() {
	all := t.all()
	for p := range all {
		p.End(leg.Shutdown)
	}
	for p := range all {
		p.linger()
	}
}
