package sip

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/ivrd/ivrd/internal/secret"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/sip/wire"
)

func parseSource(s string) (netip.AddrPort, bool) {
	ap, err := netip.ParseAddrPort(s)
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), err == nil
}

// capKey names what is counted: calls of a trunk, by a rule, of a person.
type capKey struct{ kind, name string }

// caps counts calls against their limits.
type caps struct {
	mu  sync.Mutex
	now map[capKey]int
}

func newCaps() *caps { return &caps{now: map[capKey]int{}} }

// take counts one call, unless the limit (0: none) is reached. The function
// that it returns gives the place back, once.
func (c *caps) take(k capKey, limit int) (func(), bool) {
	if k.name == "" && k.kind != "rule" {
		return func() {}, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if limit > 0 && c.now[k] >= limit {
		return nil, false
	}
	c.now[k]++
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.now[k]--; c.now[k] == 0 {
			delete(c.now, k)
		}
	}), true
}

func (c *caps) count(k capKey) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now[k]
}

// takeAll takes several places or none.
func (c *caps) takeAll(limits map[capKey]int) (func(), bool) {
	var taken []func()
	all := func() {
		for _, f := range taken {
			f()
		}
	}
	for k, limit := range limits {
		f, ok := c.take(k, limit)
		if !ok {
			all()
			return nil, false
		}
		taken = append(taken, f)
	}
	return all, true
}

// Dial starts a call and returns at once with its leg; events tell the rest.
// An error means that no leg went out; AsReason says why.
func (s *Server) Dial(ctx context.Context, session media.Session, r DialRequest) (leg.Leg, error) {
	if s.ctx.Err() != nil {
		return nil, failure(leg.Shutdown, "dial: the server is closed")
	}
	if err := ctx.Err(); err != nil {
		return nil, failure(leg.Withdrawn, "dial: %w", err)
	}
	routes, trunkName, release, err := s.plan(r)
	if err != nil {
		return nil, err
	}
	r.Options.Web = slices.ContainsFunc(routes, func(x route) bool { return x.web })
	t := s.trunkNamed(trunkName)
	if len(r.Options.Codecs) == 0 {
		r.Options.Codecs = s.codecsOf(t, r.User, r.Options.Web)
	}
	r.Options.Codecs = preferring(r.Prefer, r.Options.Codecs)
	want := s.srtpTo(r, t)
	r.Options.DTLS = want == SRTPbyDTLS && !r.Options.Web
	stream, err := session.Open(r.Options)
	if err != nil {
		release()
		return nil, failure(AsReason(err), "open stream: %w", err)
	}
	info := leg.Info{Direction: leg.Outgoing, From: r.From, To: firstOf(r.User, r.Number, r.URI), DisplayName: displayName(r.DisplayName), Trunk: trunkName, User: r.User}
	p := s.newParty(info, calling)
	p.release, p.codecs, p.secure = release, r.Options.Codecs, want.required()
	p.setStream(stream)
	for _, route := range routes {
		a := newAttempt(p, route)
		p.attempts = append(p.attempts, a)
		s.dialogs.add(a.callID, a.tag, p)
	}
	p.info.CallID = p.attempts[0].callID
	if r.Options.Web {
		p.info.Transport = "ws"
	}
	p.begin(r)
	return p, nil
}

// codecsOf are those of a trunk's calls, or of those of a person; empty for all.
func (s *Server) codecsOf(t *trunk, user string, web bool) []media.Codec {
	switch {
	case t != nil:
		return t.Codecs
	case user != "" && !web:
		return s.cfg.PhoneCodecs
	default:
		return nil
	}
}

// preferring puts a codec before others, where it is among them; empty is all.
func preferring(first media.Codec, codecs []media.Codec) []media.Codec {
	if len(codecs) == 0 {
		codecs = media.Codecs()
	}
	if !slices.Contains(codecs, first) {
		return codecs
	}
	same := func(c media.Codec) bool { return c == first }
	return append([]media.Codec{first}, slices.DeleteFunc(slices.Clone(codecs), same)...)
}

// srtpTo is how a call of ours is secured.
func (s *Server) srtpTo(r DialRequest, t *trunk) SRTP {
	switch {
	case r.User != "":
		return s.srtpOf(r.User)
	case t != nil:
		return t.SRTP
	default:
		return r.SRTP
	}
}

// srtpOf is how a person's phones are secured.
func (s *Server) srtpOf(user string) SRTP {
	if own := s.cfg.PhoneSRTPOf[user]; own != "" {
		return own
	}
	return s.cfg.PhoneSRTP
}

func firstOf(texts ...string) string {
	i := slices.IndexFunc(texts, func(s string) bool { return s != "" })
	return texts[max(i, 0)]
}

func (p *party) begin(r DialRequest) {
	s := p.srv
	s.outgoing.Add(1)
	timeout := r.Timeout
	if timeout <= 0 {
		timeout = s.cfg.Limits.RingTimeout
	}
	p.after(timeout, func() {
		if p.stage == calling {
			p.finish(leg.NoAnswer)
		}
	})
	s.wg.Go(p.run)
	for _, a := range p.attempts {
		s.wg.Go(a.run)
	}
}

// plan finds the ways of a call and takes its places in the caps.
func (s *Server) plan(r DialRequest) (routes []route, trunkName string, release func(), err error) {
	switch {
	case r.User != "" && r.Number == "" && r.URI == "":
		routes, err = s.userRoutes(r)
		return routes, "", func() {}, err
	case r.Number != "" && r.User == "" && r.URI == "":
		return s.numberRoutes(r)
	case r.URI != "" && r.User == "" && r.Number == "" && r.AllowURI:
		routes, err = s.uriRoutes(r)
		return routes, "", func() {}, err
	}
	return nil, "", nil, failure(leg.Forbidden, "dial: exactly one of user, number and (where allowed) URI is needed")
}

// userRoutes are all phones of a person, each by the flow it registered by.
func (s *Server) userRoutes(r DialRequest) ([]route, error) {
	var out []route
	for _, b := range s.bindings.phones(r.User, r.Page.Phone) {
		out = append(out, route{
			uri: b.Contact, from: s.fromHeader(r, s.cfg.Realm), web: b.flow.web(), page: r.Page,
			flow: func(context.Context) (flow, error) {
				if !b.flow.alive() {
					return flow{}, failure(leg.Unreachable, "reach phone: its connection has gone")
				}
				return b.flow, nil
			},
		})
	}
	if len(out) == 0 {
		return nil, failure(leg.Unreachable, "dial: no phone is registered")
	}
	return out, nil
}

// fromHeader is our From: number and name as far as they are known. Nothing
// of the caller's can leave its place in the header.
func (s *Server) fromHeader(r DialRequest, domain string) string {
	user := escapeUser(r.From)
	if user == "" {
		user = "anonymous"
	}
	a := wire.Address{Display: displayName(r.DisplayName), URI: wire.URI{Scheme: "sip", User: user, Host: hostInBrackets(domain)}}
	return a.String()
}

// numberRoutes goes out by the first rule whose prefix fits best.
func (s *Server) numberRoutes(r DialRequest) ([]route, string, func(), error) {
	if !isNumber(r.Number) {
		return nil, "", nil, failure(leg.Forbidden, "dial number: it is not a telephone number")
	}
	rule, ok := s.ruleFor(r.Number)
	if !ok {
		return nil, "", nil, failure(leg.Forbidden, "dial number: no outbound rule allows it (hint: add one for its prefix)")
	}
	t := s.trunkNamed(rule.Trunk)
	if t.Server == "" {
		return nil, "", nil, failure(leg.Forbidden, "dial number: trunk %q has no server", t.Name)
	}
	release, ok := s.caps.takeAll(map[capKey]int{
		{"trunk", t.Name}: t.MaxCalls, {"rule", rule.Prefix}: rule.MaxCalls, {"user", r.FromUser}: rule.MaxPerUser,
	})
	if !ok {
		return nil, "", nil, failure(leg.NoCapacity, "dial number: a cap of the trunk, the rule or the person is reached")
	}
	from := s.fromHeader(r, t.Domain)
	u := wire.URI{Scheme: "sip", User: escapeUser(r.Number), Host: hostInBrackets(t.Domain)}
	way := route{uri: u.String(), flow: t.flow(s), byRoute: true, from: from, account: t.account()}
	if t.Trusted && r.Asserted && r.From != "" {
		way.identity = wire.Address{URI: wire.URI{Scheme: "sip", User: escapeUser(r.From), Host: hostInBrackets(t.Domain)}}.String()
	}
	return []route{way}, t.Name, release, nil
}

// isNumber is E.164 with or without its plus, or a short internal number.
func isNumber(s string) bool {
	digits := strings.TrimPrefix(s, "+")
	return len(digits) >= 2 && len(digits) <= 20 && strings.Trim(digits, "0123456789") == ""
}

// ruleFor picks the rule with the longest prefix of the number.
func (s *Server) ruleFor(number string) (OutboundRule, bool) {
	var best OutboundRule
	found := false
	for _, r := range s.cfg.Outbound {
		if strings.HasPrefix(number, r.Prefix) && (!found || len(r.Prefix) > len(best.Prefix)) {
			best, found = r, true
		}
	}
	return best, found
}

func (s *Server) uriRoutes(r DialRequest) ([]route, error) {
	u, ok := wire.ParseURI(r.URI)
	if !ok || !u.IsSIP() {
		return nil, failure(leg.BadRequest, "dial: %q is not a SIP URI", r.URI)
	}
	at := placeOf(u, s.defaultTransport())
	return []route{{
		uri: u.String(), from: s.fromHeader(r, firstOf(u.Host)), byRoute: true,
		flow:    func(ctx context.Context) (flow, error) { return s.flowTo(ctx, at) },
		account: account{user: secret.New(r.Username), secret: r.Password},
	}}, nil
}

// defaultTransport is what a URI without transport means here.
func (s *Server) defaultTransport() string {
	switch {
	case s.cfg.UDP != "":
		return "udp"
	case s.cfg.TCP != "":
		return "tcp"
	default:
		return "tls"
	}
}
