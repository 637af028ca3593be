package load

import (
	"strconv"
	"time"

	"github.com/ivrd/ivrd/media"
)

// RFC 3261 §17.1.1.1.
const (
	t1      = 500 * time.Millisecond
	t2      = 4 * time.Second
	giveUp  = 64 * t1
	lingers = 5 * time.Second // for what is repeated after the end
)

// state of a dialog.
//
//	caller:  calling ─► ringing ─► up ─► ending ─► gone
//	                       └► cancelling ──┘
//	called:  answering ─► up ─► ending ─► gone
//
// The peer's BYE, a refusal and no answer lead from anywhere to gone.
type state uint8

const (
	calling state = iota
	ringing
	cancelling
	answering // 200 was sent, its ACK has not come
	up
	ending // BYE was sent
	gone
)

// dialog is a call as one of its ends has it.
type dialog struct {
	calledOff bool // by us, before an answer
	desk      *desk
	clock     alarm
	state     state
	leg       *leg

	callID        string
	local, remote string // values of From and To in our requests
	target        string
	routes        []string
	peer          place
	cseq          int // of our last request
	number        uint32
	index         int // among the desk's callers; -1: not there

	last     []byte        // what is repeated
	interval time.Duration // to its next repetition
	begun    time.Duration // when it was sent first
	branch   string        // of our INVITE
	ack      []byte
	proof    [2]string // header and value that prove who we are
	proved   bool

	key     []byte // our SRTP key
	answer  []byte // our 200 to an INVITE of the peer
	session uint64 // SDP
	version int
	dialled time.Duration
}

func (d *dialog) alarm() *alarm { return &d.clock }

// wake repeats what has no answer, or does what is due.
func (d *dialog) wake() {
	k := d.desk
	switch d.state {
	case ringing:
		d.cancel()
	case up:
		d.bye()
	case gone:
		delete(k.dialogs, d.callID)
	default:
		if k.now-d.begun >= giveUp {
			d.unanswered()
			return
		}
		k.Resent++
		k.send(d.peer, d.last)
		if d.interval *= 2; d.state != calling { // an INVITE's grow without bound (§17.1.1.2)
			d.interval = min(d.interval, t2)
		}
		k.timers.set(d, k.now+d.interval)
	}
}

// repeat sends something until it is answered.
func (d *dialog) repeat(data []byte) {
	d.last, d.interval, d.begun = data, t1, d.desk.now
	d.desk.send(d.peer, data)
	d.desk.timers.set(d, d.desk.now+t1)
}

func (d *dialog) unanswered() {
	switch d.state {
	case ending, cancelling:
		d.over("no answer to BYE or CANCEL")
	case answering:
		d.over("no ACK")
	default:
		d.over("no answer to INVITE")
	}
}

// over ends the dialog; why is "" for an end that was wanted.
func (d *dialog) over(why string) {
	if d.state == gone {
		return
	}
	if why != "" {
		d.desk.Failures[why]++
	}
	d.leg.disconnect()
	d.state = gone
	d.desk.left(d)
	d.desk.timers.set(d, d.desk.now+lingers)
}

// request begins one of ours within the dialog, or the INVITE that makes it.
func (d *dialog) request(method, uri, branch string, cseq int) *lines {
	l := &lines{}
	l.line(method, " ", uri, " SIP/2.0")
	l.line("Via: SIP/2.0/UDP ", d.desk.self, ";branch=", branch, ";rport")
	l.line("Max-Forwards: 70")
	for _, r := range d.routes {
		l.line("Route: ", r)
	}
	l.line("From: ", d.local)
	l.line("To: ", d.remote)
	l.line("Call-ID: ", d.callID)
	l.line("CSeq: ", strconv.Itoa(cseq), " ", method)
	return l
}

// bye hangs up.
func (d *dialog) bye() {
	if d.state != up && d.state != answering && d.state != cancelling {
		return
	}
	d.cseq++
	d.state = ending
	d.leg.disconnect()
	d.repeat(d.request("BYE", d.target, newBranch(), d.cseq).end("", nil))
}

// describe is our session description.
func (d *dialog) describe(codec media.Codec, event byte, crypto *cryptoLine, direction string) []byte {
	s := description{at: d.leg.port.local, codec: codec, event: event, direction: direction}
	if crypto != nil {
		s.secure, s.crypto = true, *crypto
	}
	return s.write(d.session, d.version)
}

// adopt takes what the peer says of its media.
func (d *dialog) adopt(s description) error {
	d.leg.codec, d.leg.event = s.codec, s.event
	d.leg.mute = s.direction == "sendonly" || s.direction == "inactive"
	if s.secure && d.leg.crypto == nil {
		c, err := newCryptor(s.crypto.suite, d.key, s.crypto.key, d.desk.studio.room)
		if err != nil {
			return err
		}
		d.leg.crypto = c
	}
	return d.leg.connect(placeAt(s.at))
}

// inDialog answers a request of the peer's within the dialog.
func (d *dialog) inDialog(m *message) {
	switch m.method {
	case "ACK":
		if d.state == answering {
			d.state = up
			d.desk.timers.set(d, 0)
		}
	case "BYE":
		d.desk.answer(d.peer, m, 200, "OK")
		d.hungUp()
	case "CANCEL": // we answer at once: it comes too late
		d.desk.answer(d.peer, m, 200, "OK")
	case "INVITE", "UPDATE":
		d.renegotiate(m)
	default:
		d.desk.answer(d.peer, m, 200, "OK")
	}
}

// hungUp is the peer's BYE.
func (d *dialog) hungUp() {
	switch d.state {
	case gone:
		d.desk.Repeated++
		return
	case ending: // both at once
		d.over("")
		return
	}
	if d.leg.side == d.desk.studio.sides[callers] {
		d.desk.EndedByPeer++
	}
	d.over("")
}

// renegotiate answers a new offer, or a refresh of the session without one,
// with what there is.
func (d *dialog) renegotiate(m *message) {
	if d.state == gone {
		d.desk.answer(d.peer, m, 481, "Call/Transaction Does Not Exist")
		return
	}
	if d.state == answering && d.answer != nil {
		d.desk.Repeated++ // the INVITE that made the dialog
		d.desk.send(d.peer, d.answer)
		return
	}
	l := reply(m, 200, "OK", "")
	l.line("Contact: <", d.desk.contact, ">")
	direction := "sendrecv"
	if s, err := parseSDP(m.body, d.leg.codec); err == nil && s.secure == (d.leg.crypto != nil) {
		if err := d.adopt(s); err != nil {
			d.desk.answer(d.peer, m, 488, "Not Acceptable Here")
			return
		}
		direction = mirrored(s.direction)
		d.desk.send(d.peer, l.end("application/sdp", d.redescribe(s.crypto, direction)))
		return
	}
	if m.method == "UPDATE" {
		d.desk.send(d.peer, l.end("", nil))
		return
	}
	d.desk.send(d.peer, l.end("application/sdp", d.redescribe(cryptoLine{tag: "1"}, direction)))
}

// redescribe is our description in a call that is up.
func (d *dialog) redescribe(theirs cryptoLine, direction string) []byte {
	d.version++
	if d.leg.crypto == nil {
		return d.describe(d.leg.codec, d.leg.event, nil, direction)
	}
	theirs.suite, theirs.key = d.leg.crypto.suite, d.key
	return d.describe(d.leg.codec, d.leg.event, &theirs, direction)
}

func mirrored(direction string) string {
	switch direction {
	case "sendonly":
		return "recvonly"
	case "recvonly":
		return "sendonly"
	}
	return direction
}
