package load

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"
)

const (
	// slots of 1 ms make a frame; legs are spread over them as callers are.
	slots    = 20
	slotTime = time.Millisecond
	// rtpBytes is the largest packet that is sent or heard: 20 ms of G.711 with
	// all that SRTP and extensions add.
	rtpBytes = 512
	sipBytes = 8192
	// portTries is how often a free pair of ports is sought.
	portTries = 100
	// Media ports come from above what servers commonly use.
	firstPort, lastPort = 40000, 60000
)

// side is one of the two ends that calls have: callers, and those who are
// called.
type side struct {
	name  string
	ports []*port
	turn  int

	Heard
	sent uint64
	keys uint64
}

// port is a socket that many legs share: the peer has one for each, and is told
// by it.
type port struct {
	*socket

	control *socket // RTCP: bound, so that nothing comes back from there, and not read
	legs    map[place]*leg
	wheel   wheel
}

// openSide binds n ports, each with the odd one above it for RTCP.
func openSide(name string, at netip.Addr, n int) (*side, error) {
	d := &side{name: name}
	for range n {
		p, err := openPort(at)
		if err != nil {
			d.close()
			return nil, err
		}
		d.ports = append(d.ports, p)
	}
	return d, nil
}

// openPort finds an even port with its neighbour.
func openPort(at netip.Addr) (*port, error) {
	var err error
	for range portTries {
		number := uint16(firstPort+rand.IntN(lastPort-firstPort)) &^ 1
		p := &port{legs: map[place]*leg{}}
		if p.socket, err = openSocket(netip.AddrPortFrom(at, number), rtpBytes); err != nil {
			continue
		}
		if p.control, err = openSocket(netip.AddrPortFrom(at, number+1), rtpBytes); err == nil {
			return p, nil
		}
		p.socket.close()
	}
	return nil, fmt.Errorf("find a pair of ports: %w", err)
}

func (d *side) close() {
	for _, p := range d.ports {
		p.close()
		p.control.close()
	}
}

// pick is the port of the next leg.
func (d *side) pick() *port {
	d.turn = (d.turn + 1) % len(d.ports)
	return d.ports[d.turn]
}

// wheel holds the legs that send, by the slot they send in.
type wheel [slots][]*leg

// add puts a leg where there are the fewest.
func (w *wheel) add(l *leg) {
	best := rand.IntN(slots)
	for i := range w {
		if len(w[i]) < len(w[best]) {
			best = i
		}
	}
	l.slot, l.place = best, len(w[best])
	w[best] = append(w[best], l)
}

func (w *wheel) remove(l *leg) {
	if l.slot < 0 {
		return
	}
	in := w[l.slot]
	last := in[len(in)-1]
	in[l.place], last.place = last, l.place
	in[len(in)-1] = nil
	w[l.slot] = in[:len(in)-1]
	l.slot = -1
}

// studio is all media of a run. One thread has it.
type studio struct {
	sides [2]*side // callers, and the called
	sound *sound
	room  []byte      // of cryptors
	judge bool        // listen to tones
	batch [batch]*leg // whose packets wait for flush
}

const (
	callers = iota
	called
)

func openStudio(at netip.Addr, n int, judge bool) (*studio, error) {
	s := &studio{sound: newSound(), room: make([]byte, 2*rtpBytes), judge: judge}
	for i, name := range []string{"callers", "called"} {
		d, err := openSide(name, at, n)
		if err != nil {
			s.close()
			return nil, err
		}
		s.sides[i] = d
	}
	return s, nil
}

func (s *studio) close() {
	for _, d := range s.sides {
		if d != nil {
			d.close()
		}
	}
}

// newLeg is an end that has a port, and neither sends nor hears.
func (s *studio) newLeg(side int, id uint32) *leg {
	d := s.sides[side]
	return &leg{side: d, port: d.pick(), id: id, ssrc: rand.Uint32(), seq: uint16(rand.Uint32()), stamp: rand.Uint32(), first: true, slot: -1}
}

var errTaken = errors.New("two calls have one media address")

// connect lets a leg send to a place and hear what comes from there. It may be
// called again for another place.
func (l *leg) connect(remote place) error {
	if other := l.port.legs[remote]; other != nil && other != l {
		return fmt.Errorf("connect to %s: %w", remote, errTaken)
	}
	if l.port.legs[l.remote] == l {
		delete(l.port.legs, l.remote)
	}
	l.remote = remote
	l.port.legs[remote] = l
	if l.slot < 0 {
		l.port.wheel.add(l)
	}
	return nil
}

func (l *leg) disconnect() {
	if l.port.legs[l.remote] == l {
		delete(l.port.legs, l.remote)
	}
	l.port.wheel.remove(l)
}

// send lets the legs of a slot send.
func (s *studio) send(slot int) {
	for i := range s.sides[callers].ports {
		for _, d := range s.sides {
			s.sendOf(d.ports[i], slot)
		}
	}
}

// sendOf sends what a slot has for one port.
func (s *studio) sendOf(p *port, slot int) {
	for _, l := range p.wheel[slot] {
		if l.mute {
			continue
		}
		if p.full() {
			s.flush(p)
		}
		i, room := p.add(l.remote)
		p.setLength(i, l.write(room, s.sound))
		s.batch[i] = l
		l.side.sent++
	}
	s.flush(p)
}

// flush stamps and seals a batch as late as can be, and sends it.
func (s *studio) flush(p *port) {
	if p.out.filled == 0 {
		return
	}
	now := time.Now().UnixNano()
	for i, l := range s.batch[:p.out.filled] {
		b, n := p.out.slot(i), p.length(i)
		if n == packetBytes {
			writeMark(b[headerBytes:], l.codec, l.id, now)
		}
		if l.crypto != nil {
			p.setLength(i, l.crypto.seal(b, n))
		}
	}
	p.flush()
}

// hear takes in all that has come.
func (s *studio) hear() {
	for _, d := range s.sides {
		for _, p := range d.ports {
			s.hearOf(d, p)
		}
	}
}

func (s *studio) hearOf(d *side, p *port) {
	for {
		n := p.receive()
		for i := range n {
			from, at, data := p.received(i)
			if l := p.legs[from]; l != nil {
				l.hear(s, data, at)
			} else {
				d.Unclaimed++
			}
		}
		if n < batch {
			return
		}
	}
}

// hear takes one packet that came from the leg's peer.
func (l *leg) hear(s *studio, data []byte, at int64) {
	h := &l.side.Heard
	if l.crypto != nil {
		var ok bool
		if data, ok = l.crypto.open(data); !ok {
			h.Invalid++
			return
		}
	}
	p, ok := parseRTP(data)
	if !ok {
		h.Invalid++
		return
	}
	h.Received++
	if !l.order(h, &p, at) {
		return
	}
	switch p.pt {
	case l.codec.PayloadType():
		l.content(h, s.sound, l.codec, l.id, &p, at)
		if s.judge {
			l.listen(h, s.sound, l.codec, &p)
		}
	case l.event:
		h.Events++
	default:
		h.Invalid++
	}
}
