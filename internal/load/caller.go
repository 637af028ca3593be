package load

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ivrd/ivrd/sip/digest"
)

// newBranch is a name for a transaction (RFC 3261 §8.1.1.7).
func newBranch() string { return "z9hG4bK" + rand.Text()[:16] }

// dial begins one call.
func (k *desk) dial() {
	k.number++
	d := &dialog{
		desk: k, state: calling, number: k.number, peer: k.server, target: k.opts.URI, index: len(k.callers), dialled: k.now,
		leg:    k.studio.newLeg(callers, k.number<<1),
		callID: fmt.Sprintf("%d-%s@ivrload", k.number, rand.Text()[:12]), session: uint64(k.number),
		local:  fmt.Sprintf("<sip:%s@%s>;tag=%s", k.callerName(k.number), k.self, rand.Text()[:10]),
		remote: "<" + k.opts.URI + ">",
	}
	d.leg.keys = k.keys
	if k.opts.SRTP != "" {
		d.key, _ = newKey(k.opts.SRTP) // the name was checked
	}
	k.callers = append(k.callers, d)
	k.dialogs[d.callID], k.byNumber[d.number] = d, d
	k.Dialled++
	d.invite()
}

func (d *dialog) invite() {
	d.cseq++
	d.branch = newBranch()
	l := d.request("INVITE", d.target, d.branch, d.cseq)
	l.line("Contact: <", d.desk.contact, ">")
	l.line("Allow: ", allowed)
	if d.proof[0] != "" {
		l.line(d.proof[0], ": ", d.proof[1])
	}
	var crypto *cryptoLine
	if d.key != nil {
		crypto = &cryptoLine{"1", d.desk.opts.SRTP, d.key}
	}
	d.repeat(l.end("application/sdp", d.describe(d.desk.opts.Codec, eventType, crypto, "sendrecv")))
}

// response takes an answer to one of our requests.
func (d *dialog) response(m *message) {
	n, method := m.cseq()
	switch {
	case method == "INVITE" && m.branch() == d.branch:
		d.invited(m)
	case method == "BYE" && n == d.cseq && d.state == ending && m.status >= 200:
		d.over("")
	}
}

// invited takes an answer to the INVITE.
func (d *dialog) invited(m *message) {
	switch {
	case m.status < 200:
		if d.state == calling {
			d.state = ringing
			d.desk.timers.set(d, d.dialled+d.desk.opts.Ring)
		}
	case m.status < 300:
		d.accepted(m)
	default:
		d.refused(m)
	}
}

func (d *dialog) accepted(m *message) {
	switch d.state {
	case calling, ringing:
		d.answered(m)
	case cancelling: // it crossed our CANCEL
		d.confirm(m)
		d.bye()
	default:
		d.desk.Repeated++
		d.desk.send(d.peer, d.ack)
	}
}

// confirm sends the ACK of a 2xx, which is a request of the new dialog.
func (d *dialog) confirm(m *message) {
	d.remote = m.get("To")
	if uri := uriOf(m.get("Contact")); uri != "" {
		d.target = uri
	}
	for _, r := range slices.Backward(m.all("Record-Route")) {
		d.routes = append(d.routes, r)
	}
	d.ack = d.request("ACK", d.target, newBranch(), d.cseq).end("", nil)
	d.desk.send(d.peer, d.ack)
}

func (d *dialog) answered(m *message) {
	k := d.desk
	k.Answered++
	k.setup.Add(k.now - d.dialled)
	d.confirm(m)
	d.state = up
	s, err := parseSDP(m.body, k.opts.Codec)
	if err == nil && s.secure != (d.key != nil) {
		err = errSDP
	}
	if err == nil {
		err = d.adopt(s)
	}
	if err != nil {
		k.Failures[err.Error()]++
		d.bye()
		return
	}
	due := time.Duration(0)
	if k.opts.Talk > 0 {
		due = k.now + k.opts.Talk
	}
	k.timers.set(d, due)
}

// refused acknowledges a refusal (§17.1.1.3) and proves who we are when that
// was asked.
func (d *dialog) refused(m *message) {
	keep := d.remote
	d.remote = m.get("To")
	d.desk.send(d.peer, d.request("ACK", d.target, d.branch, d.cseq).end("", nil))
	d.remote = keep
	switch {
	case d.state == gone || d.state == ending:
		d.desk.Repeated++
	case (m.status == 401 || m.status == 407) && !d.proved && d.prove(m):
		d.desk.Challenged++
		d.state = calling
		d.invite()
	case m.status == 503:
		seconds, _, _ := strings.Cut(m.get("Retry-After"), ";")
		n, _ := strconv.Atoi(strings.TrimSpace(seconds))
		d.desk.Refused++
		d.desk.RetryAfter = max(d.desk.RetryAfter, n)
		d.over("")
	case d.state == cancelling && d.calledOff:
		d.over("") // the run was over before it was answered: nobody's fault
	case d.state == cancelling:
		d.over("not answered in time")
	default:
		d.over(strings.TrimSpace(strconv.Itoa(m.status) + " " + m.reason))
	}
}

func (d *dialog) prove(m *message) bool {
	d.proved = true
	name, value, ok := credentials(m, d.desk.opts, "INVITE", d.target)
	d.proof = [2]string{name, value}
	return ok
}

// credentials answers a challenge.
func credentials(m *message, o Options, method, uri string) (name, value string, ok bool) {
	challenge, name := "WWW-Authenticate", "Authorization"
	if m.status == 407 {
		challenge, name = "Proxy-Authenticate", "Proxy-Authorization"
	}
	p, ok := digest.Choose(m.all(challenge))
	if !ok || o.User == "" {
		return "", "", false
	}
	value, err := digest.Answer(p, "", o.User, o.Password, method, uri)
	return name, value, err == nil
}

// cancel gives a call up that is not answered (§9.1).
func (d *dialog) cancel() {
	d.state = cancelling
	d.repeat(d.request("CANCEL", d.target, d.branch, d.cseq).end("", nil))
}

// hangUp ends a call in whatever state it is.
func (d *dialog) hangUp() {
	switch d.state {
	case up:
		d.bye()
	case ringing:
		d.calledOff = true
		d.cancel()
	}
}
