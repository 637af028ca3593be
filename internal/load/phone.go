package load

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// registerFor is what we ask for; what is granted counts.
const registerFor = 5 * time.Minute

// phone keeps our address registered with the server as a person's telephone.
// A nil phone does nothing.
type phone struct {
	desk   *desk
	clock  alarm
	callID string
	tag    string
	cseq   int
	branch string

	last     []byte
	interval time.Duration
	begun    time.Duration
	tried    bool // with credentials
	waiting  bool
	held     bool  // the registration
	err      error // that cannot be mended
}

func newPhone(k *desk) *phone {
	return &phone{desk: k, callID: rand.Text() + "@ivrload", tag: rand.Text()[:10]}
}

func (p *phone) alarm() *alarm { return &p.clock }

// wake repeats a request, or renews the registration.
func (p *phone) wake() {
	k := p.desk
	if !p.waiting {
		p.tried = false
		p.register("", "")
		return
	}
	if k.now-p.begun >= giveUp {
		p.err = fmt.Errorf("register %s: no answer from %s", k.opts.User, k.server)
		return
	}
	k.Resent++
	k.send(k.server, p.last)
	p.interval = min(2*p.interval, t2)
	k.timers.set(p, k.now+p.interval)
}

func (p *phone) register(name, value string) {
	k := p.desk
	p.cseq++
	p.branch = newBranch()
	uri := p.registrar()
	address := "<sip:" + k.opts.User + "@" + hostOf(uri) + ">"
	l := &lines{}
	l.line("REGISTER ", uri, " SIP/2.0")
	l.line("Via: SIP/2.0/UDP ", k.self, ";branch=", p.branch, ";rport")
	l.line("Max-Forwards: 70")
	l.line("From: ", address, ";tag=", p.tag)
	l.line("To: ", address)
	l.line("Call-ID: ", p.callID)
	l.line("CSeq: ", strconv.Itoa(p.cseq), " REGISTER")
	l.line("Contact: <", k.contact, ">")
	l.line("Expires: ", strconv.Itoa(int(registerFor.Seconds())))
	if name != "" {
		l.line(name, ": ", value)
	}
	p.last, p.interval, p.begun, p.waiting = l.end("", nil), t1, k.now, true
	k.send(k.server, p.last)
	k.timers.set(p, k.now+t1)
}

// registrar is the URI of the server's domain.
func (p *phone) registrar() string { return "sip:" + hostOf(p.desk.opts.URI) }

// response takes the registrar's answer.
func (p *phone) response(m *message) {
	if p == nil || m.get("Call-ID") != p.callID || m.branch() != p.branch || m.status < 200 {
		return
	}
	k := p.desk
	p.waiting = false
	switch {
	case m.status < 300:
		p.held = true
		k.timers.set(p, k.now+p.granted(m)/2)
	case (m.status == 401 || m.status == 407) && !p.tried:
		p.tried = true
		k.Challenged++
		if name, value, ok := credentials(m, k.opts, "REGISTER", p.registrar()); ok {
			p.register(name, value)
			return
		}
		fallthrough
	default:
		p.err = fmt.Errorf("register %s: %d %s", k.opts.User, m.status, m.reason)
		k.timers.set(p, 0)
	}
}

func (p *phone) granted(m *message) time.Duration {
	value := m.get("Expires")
	for _, c := range m.all("Contact") {
		if e := param(c, "expires"); e != "" && strings.Contains(c, p.desk.self) {
			value = e
		}
	}
	n, err := strconv.Atoi(value)
	if err != nil || n <= 0 {
		return registerFor
	}
	return time.Duration(n) * time.Second
}
