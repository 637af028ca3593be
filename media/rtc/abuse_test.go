package rtc_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	ivrdmedia "github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/rtc"
	"github.com/ivrd/ivrd/media/rtpio"
)

var loopback = netip.MustParseAddrPort("127.0.0.1:0") //nolint:gochecknoglobals // a constant

func listen(t *testing.T, at string) *rtc.Mux {
	t.Helper()
	return listenOn(t, rtpio.System(), at)
}

func listenOn(t *testing.T, network rtpio.Network, at string) *rtc.Mux {
	t.Helper()
	mux, err := rtc.Listen(rtc.Config{Listen: netip.MustParseAddrPort(at), Network: network})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := mux.Close(); err != nil {
			t.Error(err)
		}
	})
	return mux
}

// end is a path with its endpoint.
type end struct {
	*rtc.Transport

	e    *rtpio.Endpoint
	told chan told
}

func openEnd(t *testing.T, mux *rtc.Mux) *end {
	t.Helper()
	ports, err := rtpio.NewPorts(rtpio.UDP{}, loopback.Addr(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := mux.Open()
	if err != nil {
		t.Fatal(err)
	}
	x := &end{tr, rtpio.Over(tr, rtpio.NewGuard(nil, ports)), make(chan told, 16)}
	tr.Hear(x.e.Deliver)
	t.Cleanup(func() { x.e.Close(); ports.Close() })
	return x
}

func (x *end) start(t *testing.T, r ivrdmedia.WebRemote) {
	t.Helper()
	if err := x.Start(r, func(k *ivrdmedia.SRTPKeys, err error) { x.told <- told{k, err} }); err != nil {
		t.Fatal(err)
	}
}

// remoteOf is what the other end is told of one.
func remoteOf(l ivrdmedia.WebLocal, own ivrdmedia.WebLocal, controlling bool) ivrdmedia.WebRemote {
	return ivrdmedia.WebRemote{
		Ufrag: l.Ufrag, Pwd: l.Pwd, Fingerprint: l.Fingerprint, Candidates: l.Candidates,
		LocalUfrag: own.Ufrag, LocalPwd: own.Pwd, Controlling: controlling, Client: controlling,
	}
}

// stranger is the description of somebody who is nowhere.
func stranger(candidates ...netip.AddrPort) ivrdmedia.WebRemote {
	return ivrdmedia.WebRemote{Ufrag: "none", Pwd: strings.Repeat("n", 24), Fingerprint: strings.Repeat("AB:", 31) + "AB", Candidates: candidates, Controlling: true}
}

func (x *end) connect(t *testing.T, keys *ivrdmedia.SRTPKeys) {
	t.Helper()
	if err := x.e.Connect(ivrdmedia.Remote{Addr: rtc.Peer, RTCP: rtc.Peer, Codec: ivrdmedia.PCMU, SRTP: keys, Signalling: rtc.Peer.Addr()}); err != nil {
		t.Fatal(err)
	}
}

// joined are two ends that hear each other.
func joined(t *testing.T, ours *rtc.Mux) (us, them *end, theirs *rtc.Mux) {
	t.Helper()
	theirs = listen(t, "127.0.0.1:0")
	us, them = openEnd(t, ours), openEnd(t, theirs)
	us.start(t, remoteOf(them.Local(), us.Local(), false))
	them.start(t, remoteOf(us.Local(), them.Local(), true))
	for _, x := range []*end{us, them} {
		got := wait(t, x.told, "keys")
		if got.err != nil {
			t.Fatal(got.err)
		}
		x.connect(t, got.keys)
	}
	return us, them, theirs
}

// TestOthersAddressAsCandidate: who names the address of somebody else's
// browser does not turn that browser's sound away.
func TestOthersAddressAsCandidate(t *testing.T) {
	ours := listen(t, "127.0.0.1:0")
	us, them, theirs := joined(t, ours)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	sound := make([]byte, 160)
	const packets = 60
	for n := range uint32(packets) {
		if n == 10 {
			openEnd(t, ours).start(t, stranger(theirs.Addr()))
		}
		<-tick.C
		them.e.Send(0, n == 0, n*160, sound) // we are silent: only their packets keep the way
	}
	deadline := time.Now().Add(time.Second)
	for us.e.Stats().Received < packets && time.Now().Before(deadline) {
		<-tick.C
	}
	if got := us.e.Stats().Received; got != packets {
		t.Errorf("%d of %d packets came while somebody named their address", got, packets)
	}
}

// TestOurselvesAsCandidate: two paths of ours cannot be joined with each other.
func TestOurselvesAsCandidate(t *testing.T) {
	for _, at := range []string{"127.0.0.1:0", "0.0.0.0:0"} {
		ours := listen(t, at)
		a, b := openEnd(t, ours), openEnd(t, ours)
		names := a.Local().Candidates
		names = append(names, netip.AddrPortFrom(loopback.Addr(), ours.Addr().Port()))
		forA, forB := remoteOf(b.Local(), a.Local(), false), remoteOf(a.Local(), b.Local(), true)
		forA.Candidates, forB.Candidates = names, names
		a.start(t, forA)
		b.start(t, forB)
		select {
		case got := <-a.told:
			if got.keys != nil {
				t.Errorf("%s: we talk to ourselves", at)
			}
		case <-time.After(time.Second):
		}
	}
}

// silentPeer counts what is sent to an address that never answers.
func silentPeer(t *testing.T) (netip.AddrPort, func() int) {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(hostAddress(t), 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.LocalAddr().(*net.UDPAddr).AddrPort(), func() int {
		_ = conn.SetReadDeadline(time.Now().Add(1500 * time.Millisecond))
		for n, buf := 0, make([]byte, 2000); ; n++ {
			if _, _, err := conn.ReadFrom(buf); err != nil {
				return n
			}
		}
	}
}

// hostAddress is one of this machine that is not loopback.
func hostAddress(t *testing.T) netip.Addr {
	t.Helper()
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && !p.Addr().IsLoopback() {
			return p.Addr()
		}
	}
	t.Skip("the machine has no network")
	return netip.Addr{}
}

// TestChecksAreFew: whoever is named as a candidate gets a few packets, however
// many addresses we have.
func TestChecksAreFew(t *testing.T) {
	peer, count := silentPeer(t)
	ours := listen(t, "0.0.0.0:0")
	openEnd(t, ours).start(t, stranger(peer, peer, peer))
	if n := count(); n == 0 || n > 8 {
		t.Errorf("%d checks were sent, want 1 to 8", n)
	}
}

// TestCandidatesAreBounded: new offers and restarts do not buy checks without end.
func TestCandidatesAreBounded(t *testing.T) {
	peer, count := silentPeer(t)
	x := openEnd(t, listen(t, "0.0.0.0:0"))
	x.start(t, stranger())
	for i := range 100 {
		r := stranger()
		r.Ufrag, r.LocalUfrag, r.LocalPwd = fmt.Sprintf("no%04d", i), fmt.Sprintf("us%04d", i), strings.Repeat("u", 24)
		for j := range 100 {
			r.Candidates = append(r.Candidates, netip.AddrPortFrom(peer.Addr(), uint16(1+(100*i+j)%60000)))
		}
		x.start(t, r)
	}
	r := stranger(peer)
	r.Ufrag, r.LocalUfrag, r.LocalPwd = "last", "uslast", strings.Repeat("u", 24)
	x.start(t, r)
	if n := count(); n > 0 {
		t.Errorf("%d checks went to one more candidate after thousands", n)
	}
}

// TestCloseWhileItComesUp: a path that is closed at any moment of its rise leaves
// nothing behind (TestMain looks for it) and does not hold the port. Each pair
// has ports of its own, closed before the next: the readers of dtls share a pool,
// and one that is closed in its handshake gives its buffer back too early.
func TestCloseWhileItComesUp(t *testing.T) {
	for i := range 20 {
		ours, theirs := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
		us, them := openEnd(t, ours), openEnd(t, theirs)
		us.start(t, remoteOf(them.Local(), us.Local(), false))
		them.start(t, remoteOf(us.Local(), them.Local(), true))
		<-time.After(time.Duration(i) * 5 * time.Millisecond)
		us.e.Close()
		them.e.Close()
		done := make(chan error, 1)
		go func() { done <- errors.Join(ours.Close(), theirs.Close()) }()
		if err := wait(t, done, "end of the ports"); err != nil {
			t.Error(err)
		}
	}
}

// TestRestart: a browser that comes with new credentials, over another address,
// is heard again with the keys that it has.
func TestRestart(t *testing.T) {
	for name, network := range networks {
		t.Run(name, func(t *testing.T) { testRestart(t, listenOn(t, network, "127.0.0.1:0")) })
	}
}

func testRestart(t *testing.T, ours *rtc.Mux) {
	t.Helper()
	us, them, _ := joined(t, ours)
	fresh := func(l ivrdmedia.WebLocal, name string) ivrdmedia.WebLocal {
		l.Ufrag, l.Pwd = name+"frag", strings.Repeat(name, 8)
		return l
	}
	a, b := fresh(us.Local(), "usus"), fresh(them.Local(), "them")
	us.start(t, remoteOf(b, a, false))
	them.start(t, remoteOf(a, b, true))
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	before := us.e.Stats().Received
	for n := uint32(0); us.e.Stats().Received < before+20; n++ {
		if n > 250 {
			t.Fatal("nothing is heard after the restart")
		}
		<-tick.C
		them.e.Send(0, n == 0, n*160, make([]byte, 160))
	}
	if len(us.told) > 0 {
		t.Errorf("told %+v", <-us.told)
	}
}

// TestFlood: 20,000 packets a second of strangers on the port of all browsers, of
// each kind, while one talks. None is answered, less than 1 % of the talker's are
// lost, and another browser finds its way meanwhile.
func TestFlood(t *testing.T) {
	for name, network := range networks {
		t.Run(name, func(t *testing.T) { testFlood(t, listenOn(t, network, "127.0.0.1:0")) })
	}
}

func testFlood(t *testing.T, ours *rtc.Mux) {
	t.Helper()
	us, them, _ := joined(t, ours)
	over, flooded, talked := make(chan struct{}), make(chan int, 1), make(chan int, 1)
	go func() { flooded <- flood(t, ours.Addr(), over) }()
	go func() { talked <- talk(us, them, 2*time.Second) }()
	joined(t, ours)
	sent := <-talked
	close(over)
	strangers, got := <-flooded, us.e.Stats()
	t.Logf("%d of strangers; of the talker's %d %d were received", strangers, sent, got.Received)
	if strangers < 10000 {
		t.Errorf("only %d packets were sent: the machine is too busy to say anything", strangers)
	}
	if missing := sent - int(got.Received); missing > sent/100 || got.Invalid+got.Foreign > 0 {
		t.Errorf("%d of %d are missing, %+v", missing, sent, got)
	}
}

// talk sends from one end to the other, which looks each 20 ms, and a while longer.
func talk(to, from *end, d time.Duration) int {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var in rtpio.Intake
	sent, packets := 0, int(d/(20*time.Millisecond))
	for range packets + 10 {
		if sent < packets {
			from.e.Send(0, sent == 0, uint32(sent)*160, make([]byte, 160))
			sent++
		}
		to.e.Take(&in, <-tick.C)
	}
	return sent
}

// flood sends packets that look like sound, reports, handshakes and checks, 20 each
// millisecond, until it is over; it says how many. None may be answered.
func flood(t *testing.T, to netip.AddrPort, over <-chan struct{}) (sent int) {
	t.Helper()
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Error(err)
		return 0
	}
	defer c.Close()
	check := append([]byte{0, 1, 0, 8, 0x21, 0x12, 0xA4, 0x42, 12: 0, 19: 0}, 0, 6, 0, 4, 'a', ':', 'b', 'c') // STUN with a user's name
	sound := append([]byte{0x80, 0}, make([]byte, 170)...)
	kinds := [][]byte{sound, {0x80, 200, 0, 1, 0, 0, 0, 1}, {22, 254, 253, 0, 0}, check, {255, 255}}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for begun := time.Now(); ; {
		select {
		case <-over:
			_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			if n, err := c.Read(make([]byte, 100)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("strangers were answered %d bytes: %v", n, err)
			}
			return sent
		case <-tick.C:
		}
		for due := int(20 * time.Since(begun) / time.Millisecond); sent < due; sent++ {
			if _, err := c.Write(kinds[sent%len(kinds)]); err != nil {
				t.Errorf("a stranger was answered: %v", err)
			}
		}
	}
}

// TestOtherCertificateLater: a description with another certificate is refused
// as often as it comes.
func TestOtherCertificateLater(t *testing.T) {
	x := openEnd(t, listen(t, "127.0.0.1:0"))
	x.start(t, stranger())
	other := stranger()
	other.Fingerprint = strings.Repeat("CD:", 31) + "CD"
	for range 2 {
		err := x.Start(other, func(*ivrdmedia.SRTPKeys, error) {})
		if e, ok := errors.AsType[*rtc.Error](err); !ok || e.Failure != ivrdmedia.FailedFingerprint {
			t.Errorf("got %v", err)
		}
	}
}
