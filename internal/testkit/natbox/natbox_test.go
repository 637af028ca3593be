package natbox

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/netns"
)

func endpoint(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// datagram is a packet with wrong checksums, as virtual cards give them.
func datagram(protocol byte, from, to netip.AddrPort) packet {
	p := make(packet, 20+20+3)
	p[0], p[8], p[9] = 0x45, 64, protocol
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	copy(p[12:], from.Addr().AsSlice())
	copy(p[16:], to.Addr().AsSlice())
	binary.BigEndian.PutUint16(p[20:], from.Port())
	binary.BigEndian.PutUint16(p[22:], to.Port())
	copy(p[40:], "abc")
	return p
}

func testTable() *table {
	return newTable(Config{Inside: netip.MustParseAddr("10.0.0.1"), Outside: netip.MustParseAddr("198.51.100.1")})
}

func TestTableIsSymmetric(t *testing.T) {
	tab, now := testTable(), time.Unix(0, 0)
	inside, x, y := endpoint("10.0.0.2:5060"), endpoint("198.51.100.2:5060"), endpoint("198.51.100.2:5062")
	toX, toY := datagram(protocolUDP, inside, x), datagram(protocolUDP, inside, y)
	if !tab.outbound(toX, now) || !tab.outbound(toY, now) {
		t.Fatal("packets from inside were refused")
	}
	seenX, seenY := toX.source(), toY.source()
	if seenX.Addr() != tab.config.Outside || seenX == seenY {
		t.Errorf("seen as %v and as %v", seenX, seenY)
	}
	again := datagram(protocolUDP, inside, x)
	if tab.outbound(again, now); again.source() != seenX {
		t.Errorf("then seen as %v", again.source())
	}
	back := datagram(protocolUDP, x, seenX)
	if !tab.inbound(back, now) || back.destination() != inside {
		t.Errorf("the answer went to %v", back.destination())
	}
	for name, p := range map[string]packet{
		"another port":                      datagram(protocolUDP, y, seenX),
		"another host":                      datagram(protocolUDP, endpoint("198.51.100.3:5060"), seenX),
		"another protocol":                  datagram(protocolTCP, x, seenX),
		"another address":                   datagram(protocolUDP, x, netip.AddrPortFrom(netip.MustParseAddr("10.0.0.2"), seenX.Port())),
		"another protocol than UDP and TCP": datagram(1, x, seenX),
	} {
		if tab.inbound(p, now) {
			t.Errorf("%s was let in", name)
		}
	}
}

func TestTableForgetsIdleMappings(t *testing.T) {
	tab, start := testTable(), time.Unix(0, 0)
	inside, x := endpoint("10.0.0.2:5060"), endpoint("198.51.100.2:5060")
	for protocol, patience := range map[byte]time.Duration{protocolUDP: 30 * time.Second, protocolTCP: 5 * time.Minute} {
		p := datagram(protocol, inside, x)
		tab.outbound(p, start)
		if !tab.inbound(datagram(protocol, x, p.source()), start.Add(patience)) {
			t.Errorf("protocol %d: forgotten before %v", protocol, patience)
		}
		if tab.inbound(datagram(protocol, x, p.source()), start.Add(2*patience+1)) {
			t.Errorf("protocol %d: kept after %v", protocol, patience)
		}
	}
	if len(tab.byFlow) != 0 || len(tab.byDoor) != 0 {
		t.Errorf("%d flows and %d doors are left", len(tab.byFlow), len(tab.byDoor))
	}
}

func TestTableRunsOutOfPorts(t *testing.T) {
	tab := newTable(Config{Outside: netip.MustParseAddr("198.51.100.1"), FirstPort: 65534})
	for port, want := range map[uint16]bool{1: true, 2: true} {
		p := datagram(protocolUDP, netip.AddrPortFrom(netip.MustParseAddr("10.0.0.2"), port), endpoint("198.51.100.2:1"))
		if tab.outbound(p, time.Unix(0, 0)) != want {
			t.Errorf("flow %d", port)
		}
	}
	p := datagram(protocolUDP, endpoint("10.0.0.2:3"), endpoint("198.51.100.2:1"))
	if tab.outbound(p, time.Unix(0, 0)) {
		t.Error("a third flow got one of two ports")
	}
}

func TestChecksumsAreRight(t *testing.T) {
	for _, protocol := range []byte{protocolUDP, protocolTCP} {
		p := datagram(protocol, endpoint("10.0.0.2:1"), endpoint("198.51.100.2:2"))
		p.setSource(endpoint("198.51.100.1:40000"))
		if got := checksum(0, p[:20]); got != 0 {
			t.Errorf("protocol %d: header sums to %#x", protocol, got)
		}
		if got := checksum(p.pseudoHeader(), p.segment()); got != 0 {
			t.Errorf("protocol %d: segment sums to %#x", protocol, got)
		}
	}
}

func TestLineLosesAndDelays(t *testing.T) {
	l := newLine()
	if wait, pass := l.next(); wait != 0 || !pass {
		t.Errorf("a good line: %v %v", wait, pass)
	}
	l.Impairment = Impairment{Loss: 0.1, Delay: 20 * time.Millisecond, Jitter: 30 * time.Millisecond}
	for range 10000 {
		if wait, pass := l.next(); pass && (wait < 20*time.Millisecond || wait >= 50*time.Millisecond) {
			t.Fatalf("delayed by %v", wait)
		}
	}
	if l.dropped < 900 || l.dropped > 1100 {
		t.Errorf("%d of 10000 packets were lost", l.dropped)
	}
}

func FuzzPacket(f *testing.F) {
	f.Add([]byte(datagram(protocolUDP, endpoint("10.0.0.2:5060"), endpoint("198.51.100.2:5060"))))
	f.Add([]byte(datagram(protocolTCP, endpoint("10.0.0.2:5060"), endpoint("198.51.100.2:5060"))))
	f.Add(bytes.Repeat([]byte{0x4f}, 60))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := parsePacket(b)
		if !ok {
			return
		}
		tab := testTable()
		if !tab.outbound(p, time.Unix(0, 0)) {
			return
		}
		// What has left is whole, and its answer finds back.
		if p.source().Addr() != tab.config.Outside || checksum(0, p[:len(p)-len(p.segment())]) != 0 {
			t.Errorf("left as %x", []byte(p))
		}
		if back := datagram(p.protocol(), p.destination(), p.source()); !tab.inbound(back, time.Unix(0, 0)) {
			t.Errorf("no way back for %x", []byte(p))
		}
	})
}

// lab is two hosts with a box between them.
func lab(t *testing.T) (inside, outside *netns.Host, box *Box) {
	t.Helper()
	n := netns.New(t)
	inside, nat, outside := n.Host("in"), n.Host("nat"), n.Host("out")
	_, left := n.Link(inside, "10.0.0.2/24", nat, "")
	right, _ := n.Link(nat, "", outside, "198.51.100.2/24")
	inside.DefaultRoute("10.0.0.1")
	return inside, outside, Start(t, left, right, Config{
		Inside: netip.MustParseAddr("10.0.0.1"), Outside: netip.MustParseAddr("198.51.100.1"),
	})
}

func TestUDPThroughABox(t *testing.T) {
	inside, outside, box := lab(t)
	server, err := outside.ListenUDP("198.51.100.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	client, err := inside.Dial("udp4", server.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, c := range []interface{ SetDeadline(time.Time) error }{server, client} {
		c.SetDeadline(time.Now().Add(10 * time.Second))
	}
	b := make([]byte, 2000)
	client.Write([]byte("hello"))
	n, from, err := server.ReadFrom(b)
	if err != nil || string(b[:n]) != "hello" || from.(*net.UDPAddr).IP.String() != "198.51.100.1" {
		t.Fatalf("got %q from %v, %v", b[:n], from, err)
	}
	server.WriteTo([]byte("hello yourself"), from)
	if n, err = client.Read(b); err != nil || string(b[:n]) != "hello yourself" {
		t.Errorf("got %q, %v", b[:n], err)
	}

	// Another host port is not let in, whatever it knows.
	stranger, err := outside.ListenUDP("198.51.100.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	stranger.WriteTo([]byte("let me in"), from)
	server.WriteTo([]byte("last"), from)
	if n, err = client.Read(b); err != nil || string(b[:n]) != "last" || box.Refused() != 1 {
		t.Errorf("got %q, %v; %d refused", b[:n], err, box.Refused())
	}
	box.Forget()
	if box.Mappings() != 0 {
		t.Error("mappings are left")
	}
}

func TestTCPThroughABox(t *testing.T) {
	inside, outside, _ := lab(t)
	l, err := outside.Listen("198.51.100.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sent := bytes.Repeat([]byte("0123456789"), 20_000)
	go func() {
		c, err := l.Accept()
		if err == nil {
			io.Copy(c, c)
			c.Close()
		}
	}()
	client, err := inside.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	client.SetDeadline(time.Now().Add(20 * time.Second))
	go func() {
		client.Write(sent)
		client.(*net.TCPConn).CloseWrite()
	}()
	if got, err := io.ReadAll(client); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d of %d bytes came back, %v", len(got), len(sent), err)
	}
}
