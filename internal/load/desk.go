package load

import "time"

const allowed = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, NOTIFY"

// Signals counts what happened to calls.
type Signals struct {
	Dialled     uint64 `json:"dialled"`
	Answered    uint64 `json:"answered"`
	Served      uint64 `json:"served"`        // calls that came to us
	EndedByPeer uint64 `json:"ended_by_peer"` // of those that we dialled
	Refused     uint64 `json:"refused_503"`
	RetryAfter  int    `json:"retry_after_s"` // the longest that was asked for
	Challenged  uint64 `json:"challenged"`
	Resent      uint64 `json:"resent"`   // by us, for want of an answer
	Repeated    uint64 `json:"repeated"` // by the server: it had not had our answer
	Malformed   uint64 `json:"malformed"`
	// Failures by their reason; a 503 is not among them.
	Failures map[string]uint64 `json:"failures"`

	setup Histogram // INVITE to 200
}

// Failed is how many calls did not come to be, or did not end well.
func (s *Signals) Failed() uint64 {
	n := uint64(0)
	for _, k := range s.Failures {
		n += k
	}
	return n
}

// desk is the signalling of a run: one UDP socket, and the thread that also has
// the media.
type desk struct {
	Signals

	opts    Options
	keys    *script
	socket  *socket
	self    string // address:port in our headers
	contact string
	server  place
	studio  *studio
	timers  timers
	now     time.Duration // since the start; of this turn

	dialogs   map[string]*dialog // by Call-ID
	byNumber  map[uint32]*dialog // callers
	callers   []*dialog          // those that are not over
	number    uint32             // of the last call
	strangers uint32
	phone     *phone
}

func newDesk(o Options, keys *script, server place, s *studio) (*desk, error) {
	socket, err := openSocket(o.Listen, sipBytes)
	if err != nil {
		return nil, err
	}
	k := &desk{
		Signals: Signals{Failures: map[string]uint64{}},
		opts:    o, keys: keys, socket: socket, self: socket.local.String(), server: server, studio: s,
		dialogs: map[string]*dialog{}, byNumber: map[uint32]*dialog{},
	}
	user := o.From
	if o.User != "" {
		user = o.User
	}
	k.contact = "sip:" + user + "@" + k.self
	return k, nil
}

// left takes a caller off the list.
func (k *desk) left(d *dialog) {
	if d.index < 0 {
		return
	}
	last := len(k.callers) - 1
	k.callers[d.index] = k.callers[last]
	k.callers[d.index].index = d.index
	k.callers[last] = nil
	k.callers = k.callers[:last]
	d.index = -1
	delete(k.byNumber, d.number)
}

// send puts a message into the batch that leaves at the end of the turn.
func (k *desk) send(to place, data []byte) {
	if len(data) == 0 || len(data) > sipBytes {
		return
	}
	if k.socket.full() {
		k.socket.flush()
	}
	i, room := k.socket.add(to)
	k.socket.setLength(i, copy(room, data))
}

// answer sends a response without a body.
func (k *desk) answer(to place, m *message, status int, reason string) {
	l := reply(m, status, reason, "ivrload")
	if m.method == "OPTIONS" {
		l.line("Allow: ", allowed)
	}
	k.send(to, l.end("", nil))
}

// turn does what signalling has to do at a time.
func (k *desk) turn(now time.Duration) {
	k.now = now
	for {
		n := k.socket.receive()
		for i := range n {
			from, _, data := k.socket.received(i)
			k.take(from, data)
		}
		if n < batch {
			break
		}
	}
	k.timers.wake(now)
	k.socket.flush()
}

// take handles one datagram.
func (k *desk) take(from place, data []byte) {
	if len(data) <= 4 { // a keep-alive
		return
	}
	m, err := parseMessage(data)
	if err != nil {
		k.Malformed++
		return
	}
	d := k.dialogs[m.get("Call-ID")]
	switch {
	case m.status > 0 && d != nil:
		d.response(m)
	case m.status > 0:
		k.phone.response(m)
	case d != nil:
		d.inDialog(m)
	default:
		k.stranger(m, from)
	}
}

// stranger answers a request outside of our dialogs.
func (k *desk) stranger(m *message, from place) {
	switch {
	case m.method == "ACK":
	case m.method == "INVITE" && param(m.get("To"), "tag") == "":
		k.serve(m, from)
	case m.method == "OPTIONS" || m.method == "NOTIFY":
		k.answer(from, m, 200, "OK")
	default:
		k.answer(from, m, 481, "Call/Transaction Does Not Exist")
	}
}

func (k *desk) close() { k.socket.close() }
