package sip

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/ivrd/ivrd/sip/digest"
	"github.com/ivrd/ivrd/sip/wire"
)

// maxBindings of one person; a desk phone, a mobile and some forgotten ones.
const maxBindings = 10

// binding is one contact of a person, with the flow that it registered by:
// calls to it go over that flow and nowhere else.
type binding struct {
	Binding
	flow   flow
	callID string
	cseq   uint32
	// phone is the page's own name for credentials; empty for other phones.
	phone string
	// since orders the pages of a person: who came last is rung.
	since time.Time
}

// bindings is the location table.
type bindings struct {
	mu     sync.Mutex
	byUser map[string][]*binding
}

func newBindings() *bindings { return &bindings{byUser: map[string][]*binding{}} }

// list returns the live bindings of a person.
func (b *bindings) list(user string) []*binding {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	var out []*binding
	for _, x := range b.byUser[user] {
		if now.Before(x.Expires) && x.flow.alive() {
			out = append(out, x)
		}
	}
	return out
}

// phones are those that ring for a person: one page, that which came last or
// has the given name, or all other phones where there is no page.
func (b *bindings) phones(user, phone string) []*binding {
	all := b.list(user)
	var page *binding
	for _, x := range all {
		if !x.flow.web() || phone != "" && x.phone != phone {
			continue
		}
		if page == nil || x.since.After(page.since) {
			page = x
		}
	}
	switch {
	case page != nil:
		return []*binding{page}
	case phone != "":
		return nil
	}
	return all
}

func (b *bindings) size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, list := range b.byUser {
		n += len(list)
	}
	return n
}

// claims reports whether a caller says to be the person whose phone is
// registered from this very source.
func (b *bindings) claims(user string, f flow) bool {
	return slices.ContainsFunc(b.list(userPart(user)), func(x *binding) bool { return x.flow.source == f.source })
}

// use reports whether a phone is registered over a connection.
func (b *bindings) use(c *streamConn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for _, list := range b.byUser {
		if slices.ContainsFunc(list, func(x *binding) bool { return x.flow.conn == c && now.Before(x.Expires) }) {
			return true
		}
	}
	return false
}

// dropConn forgets the bindings of a connection that has closed.
func (b *bindings) dropConn(c *streamConn) {
	b.filter(func(x *binding) bool { return x.flow.conn != c })
}

func (b *bindings) sweep(now time.Time) {
	b.filter(func(x *binding) bool { return now.Before(x.Expires) })
}

func (b *bindings) filter(keep func(*binding) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for user, list := range b.byUser {
		list = slices.DeleteFunc(list, func(x *binding) bool { return !keep(x) })
		if b.byUser[user] = list; len(list) == 0 {
			delete(b.byUser, user)
		}
	}
}

// change is what a REGISTER asks for.
type change struct {
	all bool // "*": remove everything
	set []*binding
}

var (
	errOrder   = errors.New("registration is out of order")
	errTooMany = errors.New("too many bindings")
)

// apply does all of a change or nothing of it (RFC 3261 §10.3).
func (b *bindings) apply(user string, c change, callID string, cseq uint32) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	list := slices.DeleteFunc(slices.Clone(b.byUser[user]), func(x *binding) bool { return !now.Before(x.Expires) })
	if slices.ContainsFunc(list, func(x *binding) bool { return x.callID == callID && cseq <= x.cseq }) && (c.all || len(c.set) > 0) {
		return errOrder
	}
	if c.all {
		list = nil
	}
	for _, n := range c.set {
		list = slices.DeleteFunc(list, func(x *binding) bool {
			if x.Contact != n.Contact {
				return false
			}
			n.since = x.since // a refresh is no news
			return true
		})
		if now.Before(n.Expires) {
			list = append(list, n)
		}
	}
	if len(list) > maxBindings {
		return errTooMany
	}
	if b.byUser[user] = list; len(list) == 0 {
		delete(b.byUser, user)
	}
	return nil
}

// register serves a REGISTER whose nonce has reached its source.
func (s *Server) register(t *serverTx, creds digest.Params) {
	name, ok := s.authenticate(t, creds)
	if !ok {
		return
	}
	if _, ok := s.guest(name, t.flow); ok {
		s.registerGuest(t)
		return
	}
	user, page := splitPhone(name)
	if s.trunkUser(name) != nil || user != userPart(t.msg.To.URI.User) || !t.flow.mayBe(user, page) {
		t.respond(403, "Forbidden", s.door.tag(t.msg))
		return
	}
	c, fault := s.contacts(t, user)
	if fault != nil {
		t.respond(fault.Status, fault.Reason, s.door.tag(t.msg), fault.Extra...)
		return
	}
	if page {
		for _, b := range c.set {
			b.phone = name
		}
	}
	t.flow.prove()
	before := len(s.bindings.list(user))
	switch err := s.bindings.apply(user, c, t.msg.CallID, t.msg.CSeq); {
	case errors.Is(err, errOrder):
		t.respond(500, "Server Internal Error", s.door.tag(t.msg), wire.Header{Name: "Retry-After", Value: "1"})
		return
	case err != nil:
		t.respond(403, "Too Many Contacts", s.door.tag(t.msg))
		return
	}
	t.respond(200, "OK", s.door.tag(t.msg), s.contactHeaders(user)...)
	if s.deps.Registered != nil && (page || len(s.bindings.list(user)) > before) {
		s.deps.Registered(user)
	}
}

// guest is the number that a demo caller's page calls from, if a secret is that
// of one. Its browser may have a sign-in, too, whose cookie came along.
func (s *Server) guest(username string, f flow) (string, bool) {
	if s.deps.Guest == nil || !f.web() {
		return "", false
	}
	return s.deps.Guest(username)
}

// registerGuest tells a demo caller's page that it is known. Nothing is bound:
// nobody calls it.
func (s *Server) registerGuest(t *serverTx) {
	t.flow.prove()
	out := abilities()[:1]
	for _, c := range t.msg.Values("Contact") {
		if a, ok := wire.ParseAddress(c); ok && !a.Any {
			out = append(out, wire.Header{Name: "Contact", Value: "<" + a.URI.String() + ">;expires=" + secondsText(s.cfg.Limits.MaxExpires)})
		}
	}
	t.respond(200, "OK", s.door.tag(t.msg), out...)
}

// mayBe reports whether a person's secret may be used here: that of a page over
// the WebSocket of the same person, that of other phones over anything else.
func (f flow) mayBe(person string, page bool) bool {
	return page == f.web() && (!page || f.conn.who == person)
}

// prove lets the connection stay: its peer has shown who it is.
func (f flow) prove() {
	if f.conn != nil {
		f.conn.proved.Store(true)
	}
}

// authenticate verifies credentials and answers whoever fails.
func (s *Server) authenticate(t *serverTx, creds digest.Params) (string, bool) {
	v := s.verifier.Verify(s.ctx, creds, t.msg.Method, t.flow.source.Addr())
	switch v {
	case digest.Proved:
		return creds["username"], true
	case digest.Blocked:
		t.respond(403, "Forbidden", s.door.tag(t.msg))
	default:
		if v == digest.Wrong {
			s.authFailures.Add(1)
		}
		t.respond(401, "Unauthorized", s.door.tag(t.msg), challengeHeaders(s.verifier, t.msg, t.flow, v == digest.Stale)...)
	}
	return "", false
}

// contacts reads what a REGISTER wants to bind.
func (s *Server) contacts(t *serverTx, user string) (change, *wire.Fault) {
	var c change
	def, given := seconds(t.msg.Get("Expires"))
	if !given {
		def = s.cfg.Limits.MaxExpires
	}
	for _, v := range t.msg.Values("Contact") {
		a, _ := wire.ParseAddress(v)
		if a.Any {
			if !given || def != 0 {
				return c, &wire.Fault{Status: 400, Reason: "Bad Contact"}
			}
			return change{all: true}, nil
		}
		expires := def
		if p, ok := a.Param("expires"); ok {
			if e, ok := seconds(p); ok {
				expires = e
			}
		}
		if expires > 0 && expires < s.cfg.Limits.MinExpires {
			return c, &wire.Fault{
				Status: 423, Reason: "Interval Too Brief",
				Extra: []wire.Header{{Name: "Min-Expires", Value: secondsText(s.cfg.Limits.MinExpires)}},
			}
		}
		if !a.URI.IsSIP() {
			return c, &wire.Fault{Status: 400, Reason: "Bad Contact"}
		}
		c.set = append(c.set, s.newBinding(t, user, a.URI, min(expires, s.cfg.Limits.MaxExpires)))
	}
	return c, nil
}

func (s *Server) newBinding(t *serverTx, user string, uri wire.URI, expires time.Duration) *binding {
	return &binding{
		Binding: Binding{
			User: user, Contact: uri.String(), Transport: t.flow.transport, Source: t.flow.source,
			Expires: time.Now().Add(expires), UserAgent: displayName(t.msg.Get("User-Agent")),
		},
		flow: t.flow, callID: t.msg.CallID, cseq: t.msg.CSeq, since: time.Now(),
	}
}

// contactHeaders lists a person's own bindings (§10.3 step 8).
func (s *Server) contactHeaders(user string) []wire.Header {
	out := abilities()[:1]
	for _, b := range s.bindings.list(user) {
		left := max(1, int(time.Until(b.Expires).Round(time.Second)/time.Second))
		out = append(out, wire.Header{Name: "Contact", Value: "<" + b.Contact + ">;expires=" + secondsText(time.Duration(left)*time.Second)})
	}
	return out
}
