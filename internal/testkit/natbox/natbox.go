// Package natbox translates addresses as the router of a small office does, in
// user space, for kernels that cannot and for tests that want it strict. It
// owns both of its network cards: it answers ARP itself and has no other
// network stack, so nothing but its table lets a packet through.
//
// It is a symmetric NAT (RFC 3489 §5; address- and port-dependent mapping and
// filtering in the words of RFC 4787 §4.1 and §5): each pair of an inside and
// an outside endpoint gets a port of its own, and only that outside endpoint is
// let in by it. It knows UDP and TCP, and nothing of SIP.
package natbox

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// Config is a box's two addresses and its patience.
type Config struct {
	Inside, Outside netip.Addr
	// UDPTimeout is how long an idle UDP mapping lives; 0 means 30 s, which
	// many routers have. TCPTimeout is the same for TCP; 0 means 5 min.
	UDPTimeout, TCPTimeout time.Duration
	// FirstPort of the outside address that mappings get; 0 means 40000.
	FirstPort uint16
}

const (
	protocolTCP = 6
	protocolUDP = 17
)

// flow is an inside and an outside endpoint that talk by one protocol.
type flow struct {
	protocol        byte
	inside, outside netip.AddrPort
}

// entry is a mapping of a flow to a port of the outside address.
type entry struct {
	flow flow
	port uint16
	used time.Time
}

// door is how a packet from outside finds its entry.
type door struct {
	protocol byte
	port     uint16
	from     netip.AddrPort
}

// table translates IPv4 packets. It is not safe for use by several goroutines.
type table struct {
	config Config
	byFlow map[flow]*entry
	byDoor map[door]*entry
	next   uint16
	// Refused counts packets from outside that no mapping let in.
	refused int
}

func newTable(c Config) *table {
	if c.UDPTimeout == 0 {
		c.UDPTimeout = 30 * time.Second
	}
	if c.TCPTimeout == 0 {
		c.TCPTimeout = 5 * time.Minute
	}
	if c.FirstPort == 0 {
		c.FirstPort = 40000
	}
	return &table{config: c, byFlow: map[flow]*entry{}, byDoor: map[door]*entry{}, next: c.FirstPort}
}

// outbound rewrites a packet from inside, in place, and reports whether it may
// leave.
func (t *table) outbound(p packet, now time.Time) bool {
	if !p.translatable() {
		return false
	}
	f := flow{p.protocol(), p.source(), p.destination()}
	e := t.live(t.byFlow[f], now)
	if e == nil {
		if e = t.open(f); e == nil {
			return false
		}
	}
	e.used = now
	p.setSource(netip.AddrPortFrom(t.config.Outside, e.port))
	return true
}

// inbound rewrites a packet from outside, in place, and reports whether it may
// come in.
func (t *table) inbound(p packet, now time.Time) bool {
	if !p.translatable() || p.destination().Addr() != t.config.Outside {
		return false
	}
	e := t.live(t.byDoor[door{p.protocol(), p.destination().Port(), p.source()}], now)
	if e == nil {
		t.refused++
		return false
	}
	e.used = now
	p.setDestination(e.flow.inside)
	return true
}

// live returns e unless it has been idle for too long, and then closes it.
func (t *table) live(e *entry, now time.Time) *entry {
	if e == nil {
		return nil
	}
	patience := t.config.UDPTimeout
	if e.flow.protocol == protocolTCP {
		patience = t.config.TCPTimeout
	}
	if now.Sub(e.used) <= patience {
		return e
	}
	delete(t.byFlow, e.flow)
	delete(t.byDoor, door{e.flow.protocol, e.port, e.flow.outside})
	return nil
}

// open maps a flow to the next port that is free for it; nil when all are taken.
func (t *table) open(f flow) *entry {
	for range 65536 - int(t.config.FirstPort) {
		e := &entry{flow: f, port: t.next}
		if t.next++; t.next == 0 {
			t.next = t.config.FirstPort
		}
		d := door{f.protocol, e.port, f.outside}
		if t.byDoor[d] == nil {
			t.byFlow[f], t.byDoor[d] = e, e
			return e
		}
	}
	return nil
}

// packet is an IPv4 packet (RFC 791).
type packet []byte

// parsePacket takes the packet from a frame's payload, without the padding of
// short frames.
func parsePacket(b []byte) (packet, bool) {
	if len(b) < 20 || b[0]>>4 != 4 {
		return nil, false
	}
	length := int(binary.BigEndian.Uint16(b[2:]))
	header := int(b[0]&15) * 4
	if header < 20 || length < header || length > len(b) {
		return nil, false
	}
	return b[:length], true
}

func (p packet) protocol() byte { return p[9] }

// segment is what the IP header carries.
func (p packet) segment() []byte { return p[int(p[0]&15)*4:] }

// fragment reports whether the packet is a part of a larger one.
func (p packet) fragment() bool { return binary.BigEndian.Uint16(p[6:])&0x3fff != 0 }

func (p packet) translatable() bool {
	switch p.protocol() {
	case protocolUDP:
		return len(p.segment()) >= 8 && !p.fragment()
	case protocolTCP:
		return len(p.segment()) >= 20 && !p.fragment()
	}
	return false
}

func (p packet) source() netip.AddrPort      { return p.endpoint(12, 0) }
func (p packet) destination() netip.AddrPort { return p.endpoint(16, 2) }

func (p packet) endpoint(address, port int) netip.AddrPort {
	a, _ := netip.AddrFromSlice(p[address : address+4])
	return netip.AddrPortFrom(a, binary.BigEndian.Uint16(p.segment()[port:]))
}

func (p packet) setSource(to netip.AddrPort)      { p.rewrite(12, 0, to) }
func (p packet) setDestination(to netip.AddrPort) { p.rewrite(16, 2, to) }

// rewrite changes one end, takes a hop away and computes all checksums anew:
// those of packets from a virtual card may not have been computed at all.
func (p packet) rewrite(address, port int, to netip.AddrPort) {
	copy(p[address:], to.Addr().AsSlice())
	binary.BigEndian.PutUint16(p.segment()[port:], to.Port())
	p[8] = max(p[8], 2) - 1
	header := p[:len(p)-len(p.segment())]
	binary.BigEndian.PutUint16(p[10:], 0)
	binary.BigEndian.PutUint16(p[10:], checksum(0, header))
	at := 16 // TCP (RFC 9293 §3.1)
	if p.protocol() == protocolUDP {
		at = 6 // RFC 768
	}
	field := p.segment()[at:]
	binary.BigEndian.PutUint16(field, 0)
	sum := checksum(p.pseudoHeader(), p.segment())
	if sum == 0 && p.protocol() == protocolUDP {
		sum = 0xffff // zero would mean "none"
	}
	binary.BigEndian.PutUint16(field, sum)
}

// pseudoHeader is the sum of what the transport's checksum covers of the IP
// header: both addresses, protocol and length.
func (p packet) pseudoHeader() uint32 {
	sum := uint32(p.protocol()) + uint32(len(p.segment()))
	for i := 12; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	return sum
}

// checksum is the ones' complement sum of RFC 1071.
func checksum(sum uint32, b []byte) uint16 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum>>16 != 0 {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
