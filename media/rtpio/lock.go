package rtpio

import "net/netip"

// proof is how many consecutive packets a source that was not signalled must
// send before it is believed.
const proof = 5

// formerProof is proof for the source that was locked before the peer's
// address changed. Its stream goes on until the peer has our answer, and must
// not win against the new one, which begins later. (Behind address translation
// it may be the new one's source as well: so it wins in the end.)
const formerProof = 50

// candidates is how many unproved sources are watched at once.
const candidates = 4

// verdict is what the source lock says of a packet.
type verdict uint8

const (
	foreign verdict = iota // not from the peer: count and drop
	pending                // from a source that has not proved itself: drop
	accepted
)

// sourceLock decides whom we hear and where we send. Before proof we send to
// the signalled address. The first valid packet from exactly there, or five in
// a row from another port or from the address that the signalling comes from,
// locks the source: only it is heard from then on, and it is sent to.
type sourceLock struct {
	source     netip.AddrPort
	locked     bool
	signalled  netip.AddrPort
	signalling netip.Addr
	former     netip.AddrPort // the source before signalled changed
	waiting    [candidates]candidate
	turn       int // the next candidate to be replaced
}

type candidate struct {
	source netip.AddrPort
	ssrc   uint32
	seq    uint16
	count  int
}

// signal sets what was signalled. The lock is kept when the address is the
// one before.
func (l *sourceLock) signal(addr netip.AddrPort, signalling netip.Addr) {
	changed := addr != l.signalled
	if !changed && l.locked {
		l.signalling = signalling
		return
	}
	former := l.former
	if l.locked {
		former = l.source
	}
	*l = sourceLock{signalled: addr, signalling: signalling, source: addr, former: former}
}

// mayBe reports whether packets from a source are worth looking into.
func (l *sourceLock) mayBe(from netip.AddrPort) bool {
	if l.locked {
		return from == l.source
	}
	return l.signalled.IsValid() && (from.Addr() == l.signalled.Addr() || from.Addr() == l.signalling)
}

// check takes a valid packet.
func (l *sourceLock) check(from netip.AddrPort, ssrc uint32, seq uint16) verdict {
	switch {
	case !l.mayBe(from):
		return foreign
	case l.locked:
		return accepted
	case from == l.signalled || l.prove(from, ssrc, seq):
		l.locked, l.source = true, from
		return accepted
	default:
		return pending
	}
}

func (l *sourceLock) enough(from netip.AddrPort) int {
	if from == l.former {
		return formerProof
	}
	return proof
}

func (l *sourceLock) prove(from netip.AddrPort, ssrc uint32, seq uint16) bool {
	for i := range l.waiting {
		c := &l.waiting[i]
		if c.source != from {
			continue
		}
		if c.ssrc == ssrc && seq == c.seq+1 {
			c.count++
		} else if c.ssrc != ssrc || seq != c.seq { // a repetition proves nothing and harms nothing
			c.count = 1
		}
		c.ssrc, c.seq = ssrc, seq
		return c.count >= l.enough(from)
	}
	l.waiting[l.turn] = candidate{source: from, ssrc: ssrc, seq: seq, count: 1}
	l.turn = (l.turn + 1) % candidates
	return false
}
