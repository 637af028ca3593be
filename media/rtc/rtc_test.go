package rtc_test

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
	"go.uber.org/goleak"

	ivrdmedia "github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/rtc"
	"github.com/ivrd/ivrd/media/rtpio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// browser is a peer of another make: pion/webrtc as it comes.
type browser struct {
	*webrtc.PeerConnection

	track *webrtc.TrackLocalStaticSample
	heard chan []byte
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.GracefulClose() })
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: 8000}, "audio", "browser")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pc.AddTrack(track); err != nil {
		t.Fatal(err)
	}
	b := &browser{pc, track, make(chan []byte, 64)}
	pc.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			p, _, err := remote.ReadRTP()
			if err != nil {
				return
			}
			select {
			case b.heard <- p.Payload:
			default:
			}
		}
	})
	return b
}

// said is the description of a peer once its candidates are in it.
func (b *browser) said(t *testing.T, d webrtc.SessionDescription) ivrdmedia.WebRemote {
	t.Helper()
	done := webrtc.GatheringCompletePromise(b.PeerConnection)
	if err := b.SetLocalDescription(d); err != nil {
		t.Fatal(err)
	}
	<-done
	sdp := b.LocalDescription().SDP
	find := func(pattern string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(sdp)
		if m == nil {
			t.Fatalf("no %s in %s", pattern, sdp)
		}
		return m[1]
	}
	r := ivrdmedia.WebRemote{Ufrag: find(`ice-ufrag:(\S+)`), Pwd: find(`ice-pwd:(\S+)`), Fingerprint: strings.ToUpper(find(`fingerprint:sha-256 (\S+)`))}
	for _, m := range regexp.MustCompile(`candidate:\S+ 1 udp \S+ (\S+) (\d+) typ host`).FindAllStringSubmatch(sdp, -1) {
		if a, err := netip.ParseAddrPort(m[1] + ":" + m[2]); err == nil {
			r.Candidates = append(r.Candidates, a)
		}
	}
	return r
}

// describe writes our end as a browser reads it.
func describe(l ivrdmedia.WebLocal, setup string, ssrc uint32) string {
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 127.0.0.1\r\n"+
		"a=rtpmap:0 PCMU/8000\r\na=mid:0\r\na=rtcp-mux\r\na=sendrecv\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\na=setup:%s\r\n",
		l.Ufrag, l.Pwd, l.Fingerprint, setup)
	for i, c := range l.Candidates {
		fmt.Fprintf(&b, "a=candidate:%d 1 udp 2130706431 %s %d typ host\r\n", i, c.Addr(), c.Port())
	}
	fmt.Fprintf(&b, "a=msid:ivrd audio\r\na=ssrc:%d cname:ivrd\r\n", ssrc) // pion wants to know it before an answerer's sound
	return b.String()
}

type told struct {
	keys *ivrdmedia.SRTPKeys
	err  error
}

// networks are the ways in which the port is read.
var networks = map[string]rtpio.Network{"looked at": rtpio.System(), "waited on": rtpio.UDP{}} //nolint:gochecknoglobals // a constant

// open makes a path with its endpoint, which hears what comes.
func open(t *testing.T) (*rtc.Transport, *rtpio.Endpoint, func(ivrdmedia.WebRemote) <-chan told) {
	t.Helper()
	return openOn(t, rtpio.System())
}

func openOn(t *testing.T, network rtpio.Network) (*rtc.Transport, *rtpio.Endpoint, func(ivrdmedia.WebRemote) <-chan told) {
	t.Helper()
	ports, err := rtpio.NewPorts(rtpio.UDP{}, netip.MustParseAddr("127.0.0.1"), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ports.Close)
	mux, err := rtc.Listen(rtc.Config{Listen: netip.MustParseAddrPort("127.0.0.1:0"), Network: network})
	if err != nil {
		t.Fatal(err)
	}
	tr, err := mux.Open()
	if err != nil {
		t.Fatal(err)
	}
	e := rtpio.Over(tr, rtpio.NewGuard(nil, ports))
	tr.Hear(e.Deliver)
	t.Cleanup(func() {
		e.Close()
		if err := mux.Close(); err != nil {
			t.Error(err)
		}
	})
	return tr, e, func(r ivrdmedia.WebRemote) <-chan told {
		out := make(chan told, 8)
		if err := tr.Start(r, func(k *ivrdmedia.SRTPKeys, err error) { out <- told{k, err} }); err != nil {
			t.Fatal(err)
		}
		return out
	}
}

func wait[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(10 * time.Second):
		t.Fatalf("no %s within 10 s", what)
		panic("unreachable")
	}
}

// TestSound joins a peer of another make in both roles and looks at the
// payloads that arrive on each side.
func TestSound(t *testing.T) {
	for name, network := range networks {
		for _, we := range []struct {
			name  string
			offer bool
		}{{"answer", false}, {"offer", true}} {
			t.Run(name+"/"+we.name, func(t *testing.T) {
				tr, e, start := openOn(t, network)
				b := newBrowser(t)
				up := join(t, tr, e, start, b, we.offer)
				got := wait(t, up, "keys")
				if got.err != nil {
					t.Fatal(got.err)
				}
				exchange(t, e, b, got.keys)
			})
		}
	}
}

func join(t *testing.T, tr *rtc.Transport, e *rtpio.Endpoint, start func(ivrdmedia.WebRemote) <-chan told, b *browser, offer bool) <-chan told {
	t.Helper()
	if offer {
		if err := b.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: describe(tr.Local(), "actpass", e.SSRC())}); err != nil {
			t.Fatal(err)
		}
		d, err := b.CreateAnswer(nil)
		if err != nil {
			t.Fatal(err)
		}
		r := b.said(t, d)
		r.Controlling = true // the answer says setup:active
		return start(r)
	}
	d, err := b.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := b.said(t, d)
	r.Client = true
	if err := b.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: describe(tr.Local(), "active", e.SSRC())}); err != nil {
		t.Fatal(err)
	}
	return start(r)
}

// exchange sends a payload of its own each way until it has arrived.
func exchange(t *testing.T, e *rtpio.Endpoint, b *browser, keys *ivrdmedia.SRTPKeys) {
	t.Helper()
	if err := e.Connect(ivrdmedia.Remote{Addr: rtc.Peer, RTCP: rtc.Peer, Codec: ivrdmedia.PCMU, SRTP: keys, Signalling: rtc.Peer.Addr()}); err != nil {
		t.Fatal(err)
	}
	ours, theirs := []byte(strings.Repeat("s", 160)), []byte(strings.Repeat("b", 160))
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	heard, heardUs := false, false
	for n := uint32(0); n < 300 && (!heard || !heardUs); n++ {
		<-tick.C
		e.Send(0, n == 0, n*160, ours)
		if err := b.track.WriteSample(media.Sample{Data: theirs, Duration: 20 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		var in rtpio.Intake
		e.Take(&in, time.Now())
		heard = heard || in.Kind == rtpio.Sound && in.Payload[0] == 'b'
		select {
		case p := <-b.heard:
			heardUs = heardUs || string(p) == string(ours)
		default:
		}
	}
	e.Report(time.Now(), 0, false)
	if !heard || !heardUs {
		t.Fatalf("browser heard by us %v, we by the browser %v", heard, heardUs)
	}
	if s := e.Stats(); s.Foreign != 0 || s.Invalid != 0 {
		t.Errorf("foreign %d, invalid %d, want none", s.Foreign, s.Invalid)
	}
}

// TestForeignCertificate shows that a peer with another certificate than the
// one signalled gets no keys, and that it is told apart.
func TestForeignCertificate(t *testing.T) {
	tr, e, start := open(t)
	b := newBrowser(t)
	forged := func(r ivrdmedia.WebRemote) <-chan told {
		r.Fingerprint = strings.Repeat("AB:", 31) + "AB"
		return start(r)
	}
	got := wait(t, join(t, tr, e, forged, b, false), "end of the handshake")
	fault, ok := errors.AsType[*rtc.Error](got.err)
	if !ok || fault.Failure != ivrdmedia.FailedFingerprint || got.keys != nil {
		t.Fatalf("keys %v, error %v; want a fingerprint failure", got.keys != nil, got.err)
	}
}

// TestPeerHangsUp: who says goodbye and hangs up was not lost.
func TestPeerHangsUp(t *testing.T) {
	tr, e, start := open(t)
	b := newBrowser(t)
	up := join(t, tr, e, start, b, false)
	if got := wait(t, up, "keys"); got.err != nil {
		t.Fatal(got.err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, func() { _ = tr.Close() }) // SIP is slower
	select {
	case got := <-up:
		t.Errorf("told of %v", got.err)
	case <-time.After(2 * time.Second):
	}
}

// TestPeerGoes: a peer that says goodbye, and one that falls silent, are noticed;
// but not at once, for who hangs up says goodbye, too.
func TestPeerGoes(t *testing.T) {
	tr, e, start := open(t)
	b := newBrowser(t)
	up := join(t, tr, e, start, b, false)
	got := wait(t, up, "keys")
	if got.err != nil {
		t.Fatal(got.err)
	}
	begun := time.Now()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	gone := wait(t, up, "end of the path")
	if e, ok := errors.AsType[*rtc.Error](gone.err); !ok || e.Failure != ivrdmedia.FailedPath {
		t.Fatalf("error %v, want a lost path", gone.err)
	}
	if took := time.Since(begun); took > 8*time.Second || took < 500*time.Millisecond {
		t.Errorf("noticed after %v", took)
	}
}
