package natbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ivrd/ivrd/internal/testkit/netns"
)

// Ethernet: two addresses of 6 bytes and a type.
const (
	etherHeader = 14
	etherIPv4   = 0x0800
	etherARP    = 0x0806
	maxFrame    = 1 << 16
)

type hardware [6]byte

func broadcast() hardware { return hardware{0xff, 0xff, 0xff, 0xff, 0xff, 0xff} }

// Box is a running translator. Hosts on its inside have Config.Inside as their
// default gateway; all hosts of the outside are on its one link.
type Box struct {
	inside, outside *card
	running         sync.WaitGroup

	mu    sync.Mutex
	table *table
	line  line
}

// Start runs a box between two links, on the host that both end at; neither end
// may have an address. It ends with the test.
func Start(t testing.TB, inside, outside netns.Port, c Config) *Box {
	t.Helper()
	b := &Box{table: newTable(c), line: newLine()}
	var err error
	if b.inside, err = openCard(inside, c.Inside); err != nil {
		t.Fatal(err)
	}
	if b.outside, err = openCard(outside, c.Outside); err != nil {
		t.Fatal(err)
	}
	b.running.Go(func() { b.inside.run(b.fromInside) })
	b.running.Go(func() { b.outside.run(b.fromOutside) })
	t.Cleanup(b.stop)
	return b
}

func (b *Box) stop() {
	b.inside.close()
	b.outside.close()
	b.running.Wait()
}

// Mappings is how many flows have a port, idle ones that nobody has asked for
// since included.
func (b *Box) Mappings() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.table.byFlow)
}

// Refused is how many packets from outside were let in by no mapping.
func (b *Box) Refused() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.table.refused
}

// Forget drops all mappings, as a router does that was switched off and on.
func (b *Box) Forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.table.byFlow)
	clear(b.table.byDoor)
}

func (b *Box) fromInside(p packet) {
	b.mu.Lock()
	pass := b.table.outbound(p, time.Now())
	b.mu.Unlock()
	if pass {
		b.carry(b.outside, p)
	}
}

func (b *Box) fromOutside(p packet) {
	b.mu.Lock()
	pass := b.table.inbound(p, time.Now())
	b.mu.Unlock()
	if pass {
		b.carry(b.inside, p)
	}
}

// card is one network card, with the little of ARP (RFC 826) that it needs:
// it answers for its address, and learns from whatever it hears.
type card struct {
	file    *os.File // an AF_PACKET socket
	mac     hardware
	address netip.Addr

	mu      sync.Mutex
	known   map[netip.Addr]hardware
	waiting map[netip.Addr][][]byte // frames until the answer, a few for each
}

func openCard(p netns.Port, address netip.Addr) (*card, error) {
	c := &card{address: address, known: map[netip.Addr]hardware{}, waiting: map[netip.Addr][][]byte{}}
	err := p.Host.Do(func() error {
		device, err := net.InterfaceByName(p.Device)
		if err != nil {
			return err
		}
		copy(c.mac[:], device.HardwareAddr)
		all := networkOrder(unix.ETH_P_ALL)
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, int(all))
		if err != nil {
			return err
		}
		// A burst of TCP waits for the relay, which a busy machine runs late.
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20)
		c.file = os.NewFile(uintptr(fd), p.Device)
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: device.Index})
	})
	if err != nil {
		return nil, fmt.Errorf("open card %s: %w", p.Device, err)
	}
	return c, nil
}

func networkOrder(v uint16) uint16 { return v<<8 | v>>8 }

func (c *card) close() { c.file.Close() }

// run hands every packet that comes to the card to each, until close.
func (c *card) run(each func(packet)) {
	b := make([]byte, maxFrame)
	for {
		n, err := c.file.Read(b)
		if errors.Is(err, syscall.ENETDOWN) {
			continue // the cable was pulled out
		}
		if err != nil {
			return
		}
		c.frame(b[:n], each)
	}
}

func (c *card) frame(b []byte, each func(packet)) {
	if len(b) < etherHeader || hardware(b[6:12]) == c.mac {
		return // too short, or what we sent ourselves
	}
	to, payload := hardware(b[:6]), b[etherHeader:]
	switch binary.BigEndian.Uint16(b[12:]) {
	case etherARP:
		c.arp(payload)
	case etherIPv4:
		if p, ok := parsePacket(payload); ok && to == c.mac {
			each(p)
		}
	}
}

// arp answers a request for our address, and sends what waited for an answer.
func (c *card) arp(b []byte) {
	if len(b) < 28 {
		return
	}
	sender, mac := netip.AddrFrom4([4]byte(b[14:18])), hardware(b[8:14])
	target := netip.AddrFrom4([4]byte(b[24:28]))
	c.mu.Lock()
	c.known[sender] = mac
	queued := c.waiting[sender]
	delete(c.waiting, sender)
	c.mu.Unlock()
	for _, frame := range queued {
		copy(frame, mac[:])
		c.write(frame)
	}
	if binary.BigEndian.Uint16(b[6:]) == 1 && target == c.address {
		c.sendARP(2, mac, sender)
	}
}

// sendARP sends a request (1) or an answer (2).
func (c *card) sendARP(operation uint16, to hardware, about netip.Addr) {
	f := c.header(to, etherARP)
	f = append(f, 0, 1, 8, 0, 6, 4) // Ethernet, IPv4, and their lengths
	f = binary.BigEndian.AppendUint16(f, operation)
	f = append(f, c.mac[:]...)
	f = append(f, c.address.AsSlice()...)
	f = append(f, to[:]...)
	f = append(f, about.AsSlice()...)
	c.write(f)
}

func (c *card) header(to hardware, kind uint16) []byte {
	f := make([]byte, 0, 1600)
	f = append(f, to[:]...)
	f = append(f, c.mac[:]...)
	return binary.BigEndian.AppendUint16(f, kind)
}

// sendPacket sends a packet to its destination, which is on this card's link;
// the first waits for ARP.
func (c *card) sendPacket(p packet) {
	const patience = 16 // frames
	to := p.destination().Addr()
	c.mu.Lock()
	mac, known := c.known[to]
	frame := append(c.header(mac, etherIPv4), p...)
	if !known && len(c.waiting[to]) < patience {
		c.waiting[to] = append(c.waiting[to], frame)
	}
	c.mu.Unlock()
	if !known {
		c.sendARP(1, broadcast(), to)
		return
	}
	c.write(frame)
}

// write drops what cannot be sent, as networks do.
func (c *card) write(frame []byte) { _, _ = c.file.Write(frame) }
