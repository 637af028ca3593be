package load

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// callerDigits is how many digits of a caller's name are the call's number.
const callerDigits = 7

// callerName is the user part of a caller's From: the server hands it on to who
// is called, so that both ends of a call know each other.
func (k *desk) callerName(number uint32) string {
	return fmt.Sprintf("%s%0*d", k.opts.From, callerDigits, number)
}

// callerNumber reads what callerName wrote; 0: it is somebody else's name.
func (k *desk) callerNumber(name string) uint32 {
	digits, ok := strings.CutPrefix(name, k.opts.From)
	if !ok || len(digits) != callerDigits {
		return 0
	}
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// serve answers an INVITE that begins a call.
func (k *desk) serve(m *message, from place) {
	if !k.opts.Serve {
		k.answer(from, m, 404, "Not Found")
		return
	}
	offer, err := parseSDP(m.body, k.opts.ServeCodec)
	if err != nil {
		k.answer(from, m, 488, "Not Acceptable Here")
		return
	}
	d := k.callee(m, from)
	if offer.secure {
		d.key, err = newKey(offer.crypto.suite)
	}
	if err == nil {
		err = d.adopt(offer)
	}
	if err != nil {
		k.Failures[err.Error()]++
		k.answer(from, m, 488, "Not Acceptable Here")
		return
	}
	k.dialogs[d.callID] = d
	k.Served++
	d.accept(m, offer)
}

// callee is a dialog as the INVITE makes it (§12.1.1).
func (k *desk) callee(m *message, from place) *dialog {
	number := k.callerNumber(userOf(uriOf(m.get("From"))))
	d := &dialog{
		desk: k, state: answering, peer: from, number: number, index: -1, session: uint64(time.Now().UnixNano()),
		callID: m.get("Call-ID"), remote: m.get("From"), target: uriOf(m.get("Contact")), routes: m.all("Record-Route"),
		leg: k.studio.newLeg(called, 0),
	}
	d.local = m.get("To") + ";tag=" + rand.Text()[:10]
	if number == 0 { // the server hides who calls
		k.strangers++
		d.leg.id = k.strangers<<1 | 1 | 1<<31
		return d
	}
	d.leg.id, d.leg.expect = number<<1|1, number<<1
	if caller := k.byNumber[number]; caller != nil {
		caller.leg.expect = d.leg.id
	}
	return d
}

// accept answers at once, again and again until the ACK comes (§13.3.1.4).
func (d *dialog) accept(m *message, offer description) {
	l := reply(m, 200, "OK", param(d.local, "tag"))
	l.line("Contact: <", d.desk.contact, ">")
	l.line("Allow: ", allowed)
	var crypto *cryptoLine
	if offer.secure {
		crypto = &cryptoLine{offer.crypto.tag, offer.crypto.suite, d.key}
	}
	d.answer = l.end("application/sdp", d.describe(offer.codec, offer.event, crypto, mirrored(offer.direction)))
	d.repeat(d.answer)
}
