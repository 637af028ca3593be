package sip

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	mrand "math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ivrd/ivrd/sip/digest"
	"github.com/ivrd/ivrd/sip/wire"
)

// door is what every message from outside passes first. It answers without
// keeping state whatever can be answered so: bad requests, OPTIONS, first
// tries without credentials, unknown sources and numbers. Only who has proved
// something (a trunk's address, a nonce that reached them, a dialog's tags)
// gets a transaction, so a flood costs one answer a request at most, and a
// forged source draws no repetitions.
type door struct {
	srv      *Server
	handler  Handler
	verifier *digest.Verifier
	admitted *admitted
	// branch begins the branches of our own requests: responses to others'
	// are not ours.
	branch string
	tagKey []byte
	setups setups

	shut                     atomic.Bool // closing: nothing comes in any more
	dropped, refused, passed atomic.Uint64
	full                     atomic.Uint64 // of refused: INVITEs, because the house is
}

func newDoor(s *Server) *door {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	return &door{
		srv: s, handler: s.deps.Handler, verifier: s.verifier, admitted: newAdmitted(),
		branch: "z9hG4bK" + rand.Text()[:10], tagKey: key,
	}
}

func supports() wire.Supports {
	return wire.Supports{
		Methods: []string{"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER", "PRACK", "UPDATE", "INFO"},
		Options: []string{"100rel", "timer"},
	}
}

// judge returns the message as it may go on, or nil when it ends here.
func (d *door) judge(data []byte, f flow) []byte {
	if d.shut.Load() {
		d.dropped.Add(1)
		return nil
	}
	m, fault := wire.Parse(data)
	if fault != nil {
		d.refuse(m, fault, f)
		return nil
	}
	if m.Status > 0 {
		return d.response(m)
	}
	if fault = m.Judge(supports()); fault != nil {
		d.refuse(m, fault, f)
		return nil
	}
	if d.request(m, f) {
		d.passed.Add(1)
		return m.Bytes()
	}
	return nil
}

// response lets in what answers a request of ours (§8.1.3.3: one Via).
func (d *door) response(m *wire.Message) []byte {
	if !strings.HasPrefix(m.Via.Branch(), d.branch) || len(m.Values("Via")) != 1 {
		d.dropped.Add(1)
		return nil
	}
	return m.Bytes()
}

// request decides about a well-formed request.
func (d *door) request(m *wire.Message, f flow) bool {
	key := txKey(m.Via, m.Method, f)
	switch m.Method {
	case "CANCEL":
		d.cancel(m, key, f)
		return false
	case "ACK":
		if p := d.srv.dialogs.find(m); p != nil {
			detach(m)
			p.tryPost(func() { p.onAck(m) }) // a lost one is repeated
		}
		return d.admitted.find(key) != nil
	}
	if d.admitted.find(key) != nil {
		return true // a repetition
	}
	if m.To.Tag() != "" {
		return d.inDialog(m, key, f)
	}
	switch m.Method {
	case "OPTIONS":
		d.options(m, f)
	case "REGISTER":
		return d.register(m, key, f)
	case "INVITE":
		return d.invite(m, key, f)
	default:
		d.reply(m, f, 481, "Call/Transaction Does Not Exist")
	}
	return false
}

// refuse answers a fault, if it can be answered at all.
func (d *door) refuse(m *wire.Message, fault *wire.Fault, f flow) {
	if fault.Status == 0 || m == nil || m.Method == "ACK" {
		d.dropped.Add(1)
		return
	}
	d.reply(m, f, fault.Status, fault.Reason, fault.Extra...)
}

// reply sends a stateless answer over the flow. A failed write means that the
// peer has gone; there is nobody to tell.
func (d *door) reply(m *wire.Message, f flow, code int, phrase string, extra ...wire.Header) {
	d.refused.Add(1)
	extra = append(extra, serverHeader())
	source := f.source
	if f.udp != nil {
		f = f.to(wire.ReplyTo(m, f.source))
		if f.source.Port() == 0 {
			return
		}
	}
	_ = f.write(wire.Reply(m, source, code, phrase, d.tag(m), extra...))
}

func serverHeader() wire.Header { return wire.Header{Name: "Server", Value: "ivrd"} }

// tag is the same for each repetition of a request (§8.2.7).
func (d *door) tag(m *wire.Message) string {
	h := hmac.New(sha256.New, d.tagKey)
	h.Write([]byte(m.Get("Call-ID") + "\x00" + m.Get("From") + "\x00" + m.Via.Branch()))
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func (d *door) admit(m *wire.Message, key string, f flow, adm *admission) bool {
	adm.msg, adm.flow = detach(m), f
	// The end of the transaction sets this anew; one that the library cannot
	// read never has an end.
	now := time.Now()
	adm.since = now.Add(-f.waited(now))
	adm.until = now.Add(d.srv.cfg.Limits.RingTimeout + lingering)
	if !d.admitted.add(key, adm) {
		d.busy(m, f, 5*time.Second)
		return false
	}
	return true
}

// detach copies the body out of the read buffer.
func detach(m *wire.Message) *wire.Message {
	m.Body = append([]byte(nil), m.Body...)
	return m
}

func (d *door) inDialog(m *wire.Message, key string, f flow) bool {
	p := d.srv.dialogs.find(m)
	if p == nil {
		d.reply(m, f, 481, "Call/Transaction Does Not Exist")
		return false
	}
	return d.admit(m, key, f, &admission{party: p})
}

// cancel answers hop by hop and at once (§9.2): 200 whenever the INVITE is
// known, although it has no effect after a final response.
func (d *door) cancel(m *wire.Message, key string, f flow) {
	p, ok := d.admitted.cancel(key)
	if !ok {
		d.reply(m, f, 481, "Call/Transaction Does Not Exist")
		return
	}
	if p != nil && !p.tryPost(p.onCancel) {
		d.busy(m, f, time.Second)
		return
	}
	d.reply(m, f, 200, "OK")
}

func (d *door) busy(m *wire.Message, f flow, wait time.Duration) {
	seconds := max(1, int(wait.Round(time.Second)/time.Second))
	d.reply(m, f, 503, "Service Unavailable", wire.Header{Name: "Retry-After", Value: strconv.Itoa(seconds)})
}

func (d *door) options(m *wire.Message, f flow) {
	if wait := d.wait(f); wait > 0 {
		d.busy(m, f, wait)
		return
	}
	d.reply(m, f, 200, "OK", abilities()...)
}

// wait is what new calls are told to; 0: they may come in.
func (d *door) wait(f flow) time.Duration {
	if now := time.Now(); f.waited(now) > setupLimit || d.setups.late(now) {
		return setupRetry + mrand.N(setupRetry)
	}
	return d.handler.Full()
}

func (d *door) challenge(m *wire.Message, f flow, stale bool) {
	d.reply(m, f, 401, "Unauthorized", challengeHeaders(d.verifier, m, f, stale)...)
}

func challengeHeaders(v *digest.Verifier, m *wire.Message, f flow, stale bool) []wire.Header {
	challenges := v.Challenges(f.source.Addr(), stale)
	if oldPhone(m.Get("User-Agent")) {
		challenges = challenges[len(challenges)-1:]
	}
	var out []wire.Header
	for _, c := range challenges {
		out = append(out, wire.Header{Name: "WWW-Authenticate", Value: c})
	}
	return out
}

// oldPhone knows phones that give up when they are offered anything beside
// MD5: libre before version 3, which is in the baresip of Debian 12. Nothing is
// lost by it, since MD5 is offered to everybody.
func oldPhone(userAgent string) bool {
	for _, name := range []string{"baresip v0.", "baresip v1.", "baresip v2."} {
		if strings.HasPrefix(userAgent, name) {
			return true
		}
	}
	return false
}

// credentials are those for our realm, under either name.
func (d *door) credentials(m *wire.Message) (digest.Params, bool) {
	var values []string
	for _, h := range m.Headers {
		if h.Name == "Authorization" || h.Name == "Proxy-Authorization" {
			values = append(values, h.Value)
		}
	}
	return d.verifier.Credentials(values)
}

// register asks everybody for credentials in the same words; only a nonce of
// ours that has reached the source opens a transaction.
func (d *door) register(m *wire.Message, key string, f flow) bool {
	creds, ok := d.credentials(m)
	switch {
	case !ok || !creds.Usable():
		d.challenge(m, f, false)
		return false
	case !d.verifier.Fresh(creds, f.source.Addr()):
		d.challenge(m, f, true)
		return false
	}
	return d.enter(m, key, f, &admission{creds: creds})
}

// invite decides who may call. Whoever shows or claims to be one of our
// people is taken at their word and must prove it, also when they share an
// address with a trunk; then trunks by address; then nobody.
func (d *door) invite(m *wire.Message, key string, f flow) bool {
	if wait := d.wait(f); wait > 0 {
		d.full.Add(1)
		d.busy(m, f, wait)
		return false
	}
	creds, shown := d.credentials(m)
	switch {
	case shown && !creds.Usable():
		d.challenge(m, f, false)
		return false
	case shown && !d.verifier.Fresh(creds, f.source.Addr()):
		d.challenge(m, f, true)
		return false
	case shown:
		return d.enter(m, key, f, &admission{creds: creds})
	case f.web() || d.srv.bindings.claims(m.From.URI.User, f):
		d.challenge(m, f, false)
		return false
	}
	if t := d.srv.trunkAt(f); t != nil {
		return d.trunkInvite(m, key, f, t)
	}
	if d.claimsUs(m) {
		d.challenge(m, f, false)
		return false
	}
	d.reply(m, f, 403, "Forbidden")
	return false
}

func (d *door) trunkInvite(m *wire.Message, key string, f flow, t *trunk) bool {
	if !d.handler.Known(dialled(m, t)) {
		d.reply(m, f, 404, "Not Found")
		return false
	}
	return d.enter(m, key, f, &admission{trunk: t})
}

// enter opens a transaction for whoever has shown that much.
func (d *door) enter(m *wire.Message, key string, f flow, adm *admission) bool {
	switch {
	case adm.creds != nil && d.verifier.Blocked(adm.creds, f.source.Addr()):
		d.reply(m, f, 403, "Forbidden")
		return false
	case d.admitted.merged(m, key):
		d.reply(m, f, 482, "Loop Detected")
		return false
	}
	return d.admit(m, key, f, adm)
}

// claimsUs reports whether the caller may be somebody who has a secret with
// us. Nothing is looked up: every name is asked.
func (d *door) claimsUs(m *wire.Message) bool {
	host := strings.Trim(m.From.URI.Host, "[]")
	if strings.EqualFold(host, d.srv.cfg.Realm) || d.srv.isOurHost(host) {
		return true
	}
	// A trunk by digest may come from anywhere and call itself anything: where
	// there is one, everybody is asked, so that nobody learns its name.
	return slices.ContainsFunc(d.srv.trunks, (*trunk).byDigest)
}

// dialled is the number that a request asks for. A trunk that we have
// registered with calls our contact and puts the number into To.
func dialled(m *wire.Message, t *trunk) string {
	user := userPart(m.Target.User)
	if t != nil && t.Register && user == userPart(t.Username.Reveal()) && m.To.URI.User != "" {
		return userPart(m.To.URI.User)
	}
	return user
}
