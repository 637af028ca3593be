package rtpio

import (
	"net/netip"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
)

// fed is an endpoint on a port of its own whose datagrams a test gives to it
// from an address that it names.
func fed(t *testing.T, r media.Remote) (*Endpoint, *Endpoint) {
	t.Helper()
	a, b := pairOf(t, "AEAD_AES_128_GCM")
	r.Addr, r.Codec = b.Local(), media.PCMU
	r.SRTP = keysOf(t, "AEAD_AES_128_GCM", 0)
	if err := a.Connect(r); err != nil {
		t.Fatal(err)
	}
	return a, b
}

// TestDTLSAside: DTLS goes to who has asked for it, and never into the sound;
// what they do not want is somebody else's, and counted.
func TestDTLSAside(t *testing.T) {
	a, b := fed(t, media.Remote{})
	hello := []byte{22, 254, 253, 0, 0}
	a.Deliver(hello, b.Local(), time.Now())
	if s := a.Stats(); s.Invalid != 1 {
		t.Errorf("nobody has asked: %+v", s)
	}
	var got []netip.AddrPort
	a.Aside(func(p []byte, from netip.AddrPort) bool {
		if len(p) != len(hello) || p[0] != 22 {
			t.Errorf("got %v", p)
		}
		got = append(got, from)
		return from == b.Local()
	})
	stranger := netip.MustParseAddrPort("192.0.2.9:9")
	a.Deliver(hello, b.Local(), time.Now())
	a.Deliver(hello, stranger, time.Now())
	if s := a.Stats(); len(got) != 2 || s.Foreign != 1 || s.Invalid != 1 || s.Received != 0 {
		t.Errorf("asked for: %v, %+v", got, s)
	}
	if err := a.SendAside(hello, a.Local()); err == nil {
		t.Error("DTLS was sent to ourselves")
	}
}

// TestReportsOfOnePort: with a=rtcp-mux reports come and go by the RTP port;
// where there are no keys for the other port there are none.
func TestReportsOfOnePort(t *testing.T) {
	for _, mux := range []bool{true, false} {
		a, b := fed(t, media.Remote{RTCPMux: mux, NoRTCP: !mux})
		r := media.Remote{RTCPMux: mux, NoRTCP: !mux, Addr: a.Local(), Codec: media.PCMU, SRTP: keysOf(t, "AEAD_AES_128_GCM", 1)}
		if err := b.Connect(r); err != nil {
			t.Fatal(err)
		}
		b.Send(0, true, 0, make([]byte, 160))
		until(t, "a packet", func() bool { return a.Stats().Received == 1 })
		a.Send(0, true, 0, make([]byte, 160))
		until(t, "a packet", func() bool { return b.Stats().Received == 1 })
		now := time.Now()
		a.Report(now, 0, false)
		if !mux { // what follows on the same socket says that the report never came
			a.Send(0, false, 160, make([]byte, 160))
			until(t, "a packet", func() bool { return b.Stats().Received == 2 })
		} else {
			until(t, "a packet", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return !b.control.lastSRAt.IsZero() })
		}
		b.mu.Lock()
		if told := !b.control.lastSRAt.IsZero(); told != mux {
			t.Errorf("mux %v: reports came %v", mux, told)
		}
		b.mu.Unlock()
		if s := b.Stats(); s.Invalid+s.Foreign > 0 {
			t.Errorf("mux %v: %+v", mux, s)
		}
	}
}

// TestUnproved: packets whose SRTP is not the peer's are counted, and are the
// only ones that are.
func TestUnproved(t *testing.T) {
	a, b := fed(t, media.Remote{RTCPMux: true})
	forged := make([]byte, 200)
	forged[0] = 0x80
	report := make([]byte, 60)
	report[0], report[1] = 0x80, rtcpSR
	a.Deliver(forged, b.Local(), time.Now())
	a.Deliver(report, b.Local(), time.Now())
	a.Deliver(forged, netip.MustParseAddrPort("192.0.2.9:9"), time.Now())
	var in Intake
	a.Take(&in, time.Now())
	if s := a.Stats(); in.Unproved != 2 || s.Invalid != 2 || s.Foreign != 1 {
		t.Errorf("%d unproved, %+v", in.Unproved, s)
	}
}

// TestDeliverAllocates nothing, whatever comes.
func TestDeliverAllocates(t *testing.T) {
	a, b := pairOf(t, "")
	p := Packet{SSRC: 1, Payload: make([]byte, 160)}
	buf := make([]byte, 0, 200)
	forged := []byte{22, 254, 253}
	a.Aside(func([]byte, netip.AddrPort) bool { return false })
	from, now := b.Local(), time.Now()
	var in Intake
	n := testing.AllocsPerRun(200, func() {
		p.Sequence++
		p.Timestamp += 160
		a.Deliver(p.Append(buf), from, now)
		a.Deliver(forged, from, now)
		a.Take(&in, time.Now())
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
	if s := a.Stats(); s.Received != 201 || s.Foreign != 201 {
		t.Errorf("%+v", s)
	}
}

// FuzzKind: each datagram is of one kind, as RFC 7983 has it; what an RTP or an
// RTCP parser reads is never taken for DTLS or STUN; and whatever comes from
// strangers changes nothing but a count.
func FuzzKind(f *testing.F) {
	f.Add([]byte{22, 254, 253, 0, 0})
	f.Add([]byte{0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42})
	f.Add((&Packet{SSRC: 7, Payload: make([]byte, 160)}).Append(nil))
	f.Add((&Report{SSRC: 7, CNAME: "x"}).Append(nil))
	f.Add([]byte{})
	ports, err := NewPorts(UDP{}, loopback, 0, 0)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(ports.Close)
	f.Fuzz(func(t *testing.T, b []byte) {
		kind := KindOf(b)
		var p Packet
		var r Report
		switch {
		case len(b) == 0 && kind != Unknown, len(b) > 0 && kind != kindByTable(b[0], b):
			t.Fatalf("%v is taken for %v", b, kind)
		case p.Parse(b) == nil && kind != RTP && kind != RTCP, r.ParseReport(b) == nil && len(b) > 0 && kind != RTCP:
			t.Fatalf("%v reads as RTP or RTCP and is taken for %v", b, kind)
		}
		e := newEndpoint(&pair{rtp: nowhere{}, rtcp: nowhere{}}, NewGuard(nil, ports), 0)
		peer, stranger := netip.MustParseAddrPort("192.0.2.1:4000"), netip.MustParseAddrPort("192.0.2.9:4000")
		if err := e.Connect(media.Remote{Addr: peer, Codec: media.PCMU, RTCPMux: true}); err != nil {
			t.Fatal(err)
		}
		e.Aside(func([]byte, netip.AddrPort) bool { return false })
		e.Deliver(b, stranger, time.Now())
		var in Intake
		e.Take(&in, time.Now())
		if s := e.Stats(); s.Foreign != 1 || s.Received != 0 || s.Invalid != 0 || in.Arrived || e.peer != peer {
			t.Fatalf("from a stranger: %+v, sending to %v", s, e.peer)
		}
	})
}

// kindByTable is the table of RFC 7983 §7, with RFC 5761 §4 for RTCP.
func kindByTable(first byte, b []byte) Kind {
	for _, row := range []struct {
		from, to byte
		kind     Kind
	}{{0, 3, STUN}, {20, 63, DTLS}, {128, 191, RTP}} {
		if first < row.from || first > row.to {
			continue
		}
		if row.kind == RTP && len(b) > 1 && b[1] >= 192 && b[1] <= 223 {
			return RTCP
		}
		return row.kind
	}
	return Unknown
}

// nowhere is a connection to nobody.
type nowhere struct{ PacketConn }

func (nowhere) WriteTo([]byte, netip.AddrPort) error { return nil }
