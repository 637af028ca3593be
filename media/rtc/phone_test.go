package rtc_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/memnet"
	ivrdmedia "github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/rtc"
	"github.com/ivrd/ivrd/media/rtpio"
)

// desk is one end of DTLS-SRTP without ICE, in memory.
type desk struct {
	*rtc.Handshake

	own  *rtc.Identity
	e    *rtpio.Endpoint
	told chan told
}

// desks are a network of two hosts with an end each, in virtual time.
func desks(t *testing.T, test func(t *testing.T, net *memnet.Network, a, b *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		net := memnet.New(1)
		a, b := newDesk(t, net.Host("10.0.0.1")), newDesk(t, net.Host("10.0.0.2"))
		test(t, net, a, b)
	})
}

func newDesk(t *testing.T, host *memnet.Host) *desk {
	t.Helper()
	own, err := rtc.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	ports, err := rtpio.NewPorts(host, host.Addr(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	prefixes, _ := host.Prefixes()
	e, err := rtpio.Open(ports, rtpio.NewGuard(prefixes, ports), 0)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{rtc.NewHandshake(own, e), own, e, make(chan told, 8)}
	t.Cleanup(func() {
		d.Close()
		e.Close()
		own.Wait()
		ports.Close()
	})
	return d
}

// of is how another end is described to this one.
func (d *desk) of(client bool) ivrdmedia.Remote {
	at := d.e.Local()
	return ivrdmedia.Remote{
		Addr: at, Signalling: at.Addr(), Codec: ivrdmedia.PCMU, RTCPMux: true,
		Web: &ivrdmedia.WebRemote{Fingerprint: d.Local().Fingerprint, Client: client},
	}
}

func (d *desk) start(t *testing.T, r ivrdmedia.Remote) {
	t.Helper()
	if err := d.Start(r, func(k *ivrdmedia.SRTPKeys, err error) { d.told <- told{k, err} }); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) keys(t *testing.T) *ivrdmedia.SRTPKeys {
	t.Helper()
	got := wait(t, d.told, "keys")
	if got.err != nil {
		t.Fatal(got.err)
	}
	return got.keys
}

// hears sends 50 packets from one to the other, of which at least 45 are heard.
func (d *desk) hears(t *testing.T, from *desk) {
	t.Helper()
	before := d.e.Stats().Received
	for n := range uint32(50) {
		from.e.Send(0, n == 0, n*160, make([]byte, 160))
		time.Sleep(20 * time.Millisecond)
	}
	if got := d.e.Stats(); got.Received-before < 45 || got.Invalid != 0 || got.Foreign != 0 {
		t.Errorf("of 50 packets: %+v", got)
	}
}

func (d *desk) connect(t *testing.T, r ivrdmedia.Remote, k *ivrdmedia.SRTPKeys) {
	t.Helper()
	r.SRTP = k
	if err := d.e.Connect(r); err != nil {
		t.Fatal(err)
	}
	d.e.Take(new(rtpio.Intake), time.Now())
}

// TestPhoneHandshake: keys meet in both roles, sound and reports come by the one
// port, and a new address alone keeps the keys.
func TestPhoneHandshake(t *testing.T) {
	for _, client := range []bool{false, true} {
		desks(t, func(t *testing.T, net *memnet.Network, a, b *desk) {
			one, two := a.e.Local().Addr(), b.e.Local().Addr()
			net.Impair(one, two, memnet.Line{Delay: 10 * time.Millisecond})
			net.Impair(two, one, memnet.Line{Delay: 10 * time.Millisecond})
			toB, toA := b.of(client), a.of(!client)
			a.start(t, toB)
			b.start(t, toA)
			a.connect(t, toB, a.keys(t))
			b.connect(t, toA, b.keys(t))
			a.hears(t, b)
			b.hears(t, a)
			a.e.Report(time.Now(), 0, false)
			time.Sleep(20 * time.Millisecond)
			b.e.Report(time.Now(), 0, false) // tells what it knows of ours
			time.Sleep(20 * time.Millisecond)
			if s := a.e.Stats(); s.RTT < 19*time.Millisecond || s.RTT > 21*time.Millisecond || s.Invalid+s.Foreign > 0 {
				t.Errorf("reports did not come: %+v", s)
			}
			toB.Direction = ivrdmedia.SendOnly
			a.start(t, toB)
			time.Sleep(20 * time.Second)
			if len(a.told)+len(b.told) > 0 {
				t.Errorf("shaken again: %+v", <-a.told)
			}
		})
	}
}

// TestPhoneOfAnotherCertificate gets no keys, and is told apart.
func TestPhoneOfAnotherCertificate(t *testing.T) {
	for _, client := range []bool{false, true} {
		desks(t, func(t *testing.T, _ *memnet.Network, a, b *desk) {
			toB := b.of(client)
			toB.Web.Fingerprint = strings.Repeat("AB:", 31) + "AB"
			a.start(t, toB)
			b.start(t, a.of(!client))
			got := wait(t, a.told, "end")
			if e, ok := errors.AsType[*rtc.Error](got.err); !ok || e.Failure != ivrdmedia.FailedFingerprint || got.keys != nil {
				t.Errorf("we are %v: %+v", client, got)
			}
		})
	}
}

// TestPhoneBehindAnother: a call that goes on with another certificate (a transfer
// behind the peer) gets new keys, and the old ones are not asked for any more.
func TestPhoneBehindAnother(t *testing.T) {
	desks(t, func(t *testing.T, net *memnet.Network, a, b *desk) {
		c := newDesk(t, net.Host("10.0.0.3"))
		a.start(t, b.of(false))
		b.start(t, a.of(true))
		first := a.keys(t)
		b.keys(t)
		a.start(t, c.of(false))
		c.start(t, a.of(true))
		second := a.keys(t)
		a.connect(t, c.of(false), second)
		c.connect(t, a.of(true), c.keys(t))
		a.hears(t, c)
		if string(first.Receive) == string(second.Receive) {
			t.Error("the keys are the old ones")
		}
	})
}

// TestStrangersHandshake: DTLS from hosts that nobody has named is dropped and
// counted, and gets no packet; from another port of the peer's host it is taken
// until the signalled one speaks.
func TestStrangersHandshake(t *testing.T) {
	desks(t, func(t *testing.T, net *memnet.Network, a, b *desk) {
		stranger := newDesk(t, net.Host("10.0.0.9"))
		neighbour := newDesk(t, net.Host("10.0.0.2")) // at another port
		a.start(t, b.of(false))
		stranger.start(t, a.of(true))
		time.Sleep(time.Second)
		if s := a.e.Stats(); s.Foreign == 0 || len(stranger.told)+len(a.told) > 0 {
			t.Errorf("a stranger is %+v", s)
		}
		neighbour.start(t, a.of(true))
		if got := wait(t, neighbour.told, "end"); got.err == nil {
			t.Error("a neighbour with a certificate of its own has got keys")
		}
		b.start(t, a.of(true))
		if string(a.keys(t).Send) != string(b.keys(t).Receive) {
			t.Error("the keys do not meet")
		}
	})
}

// TestUnbelievedAddress: nothing is sent to an address that is not where the
// signalling comes from, until it has spoken.
func TestUnbelievedAddress(t *testing.T) {
	desks(t, func(t *testing.T, net *memnet.Network, a, b *desk) {
		toB := b.of(true)
		toB.Signalling = netip.MustParseAddr("10.0.0.7")
		b.start(t, a.of(false))
		a.start(t, toB)
		time.Sleep(20 * time.Second)
		got := wait(t, a.told, "end")
		if e, ok := errors.AsType[*rtc.Error](got.err); !ok || e.Failure != ivrdmedia.FailedKeys {
			t.Errorf("told %+v", got)
		}
		if s := b.e.Stats(); s.Foreign != 0 {
			t.Errorf("%d packets came", s.Foreign)
		}
	})
}

// TestLostHandshake: a tenth of all packets lost is repaired.
func TestLostHandshake(t *testing.T) {
	desks(t, func(t *testing.T, net *memnet.Network, a, b *desk) {
		one, two := a.e.Local().Addr(), b.e.Local().Addr()
		for _, way := range [][2]netip.Addr{{one, two}, {two, one}} {
			net.Impair(way[0], way[1], memnet.Line{Loss: 0.1, Delay: 40 * time.Millisecond})
		}
		a.start(t, b.of(false))
		b.start(t, a.of(true))
		if string(a.keys(t).Send) != string(b.keys(t).Receive) {
			t.Error("the keys do not meet")
		}
	})
}
