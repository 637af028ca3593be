package engine_test

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/rtpio"
)

// TestFlood: 20,000 packets a second from two strangers on the caller's
// host, while a caller talks to an echo. None is heard or answered, not even that
// the port is closed; less than 0.5 % of the caller's are lost.
func TestFlood(t *testing.T) { floodBoth(t, 4*time.Second) } // so that half a percent is a packet

// TestSoakFlood does so for a minute.
func TestSoakFlood(t *testing.T) { floodBoth(t, min(testkit.Soak(t), time.Minute)) }

func floodBoth(t *testing.T, d time.Duration) {
	t.Helper()
	for name, network := range map[string]rtpio.Network{"polled": rtpio.System(), "waited": rtpio.UDP{}} {
		t.Run(name, func(t *testing.T) { overUDP(t, network, func(l *lab) { testFlood(l, d) }) })
	}
}

func testFlood(l *lab, d time.Duration) {
	s := l.session()
	a := l.connect(s, media.StreamOptions{Track: media.TrackCaller}, media.PCMU, 400)
	if _, err := s.Bridge(a.Stream, a.Stream); err != nil {
		l.Fatal(err)
	}
	l.pass(1500 * time.Millisecond) // more than the caller's source needs to be believed
	var rec tap
	s.SetTap(&rec)
	before, heardBefore := a.Stats(), a.phone.Counts()
	sent, refused := flood(l, a.Local(), d)
	l.pass(1200 * time.Millisecond) // the system's count is looked at each second
	after, heard := a.Stats(), a.phone.Counts()
	l.Logf("%d sent by strangers: %d counted, %d answered; of the caller received %d, lost %d", sent, after.Foreign-before.Foreign, refused, after.Received-before.Received, after.Lost+after.Late-before.Lost-before.Late)
	if sent < int(d.Seconds()*5000) {
		l.Errorf("only %d packets were sent: the machine is too busy to say anything", sent)
	}
	if refused != 0 {
		l.Errorf("%d answers to strangers", refused)
	}
	want := uint64((d + 1200*time.Millisecond) / media.FrameDuration)
	if got := after.Received - before.Received; got > want+10 || got < want*99/100-10 {
		l.Errorf("received %d packets of the caller, %d were sent", got, want)
	}
	if lost := after.Lost + after.Late - before.Lost - before.Late; lost > want/200 {
		l.Errorf("%d of %d packets of the caller are lost", lost, want)
	}
	// Where goroutines read, what the socket has no room for is counted nowhere.
	if n := after.Foreign - before.Foreign; n < uint64(sent)/4 {
		l.Errorf("%d strangers' packets counted of %d", n, sent)
	}
	if missing := heard.Missing - heardBefore.Missing; missing > int(want)/200 || heard.Sources != 1 {
		l.Errorf("the caller misses %d, hears %d sources", missing, heard.Sources)
	}
	l.hears(a, 400)
	if pcm, _ := rec.pcm(media.TrackCaller, 0); len(pcm) == 0 {
		l.Error("nothing was recorded")
	}
}

// flood sends RTP with a tone of its own from two sockets, 20 packets each
// millisecond, and says how many went out and how many answers or refusals came.
func flood(l *lab, to netip.AddrPort, d time.Duration) (sent, refused int) {
	l.Helper()
	var strangers []*net.UDPConn
	for range 2 {
		c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
		if err != nil {
			l.Fatal(err)
		}
		l.Cleanup(func() { _ = c.Close() })
		strangers = append(strangers, c)
	}
	p := rtpio.Packet{SSRC: 666, Payload: make([]byte, media.FrameSamples)}
	media.PCMU.Encode(p.Payload, media.Tone(1700, -10, media.FrameDuration))
	var b []byte
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	begun := time.Now()
	for at := begun; at.Sub(begun) < d; at = <-tick.C {
		for due := int(at.Sub(begun) / time.Millisecond * 20); sent < due; sent++ { // also what a late tick owes
			p.Sequence++
			p.Timestamp += media.FrameSamples
			b = p.Append(b[:0])
			if _, err := strangers[sent%2].Write(b); err != nil {
				refused++
			}
		}
	}
	for _, c := range strangers {
		_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := c.Read(make([]byte, 100)); !isTimeout(err) {
			refused++
		}
	}
	return sent, refused
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}
