package engine_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/memnet"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/engine"
)

// The ports of a call rest until its old peer is quiet; what that peer sends
// meanwhile is not heard by the next call, nor later.
func TestPortsRest(t *testing.T) {
	inMemory(t, engine.Config{FirstPort: 20000, LastPort: 20001}, func(l *lab) {
		s := l.session()
		a := l.connect(s, media.StreamOptions{}, media.PCMU, 400)
		l.pass(time.Second)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		next := l.session()
		for range 5 { // the old phone goes on
			l.pass(time.Second)
			if _, err := next.Open(media.StreamOptions{}); !errors.Is(err, media.ErrNoPorts) {
				t.Fatalf("a port that does not rest: %v", err)
			}
		}
		a.phone.Mute()
		l.pass(1900 * time.Millisecond)
		if _, err := next.Open(media.StreamOptions{}); !errors.Is(err, media.ErrNoPorts) {
			t.Fatalf("a port that rested too little: %v", err)
		}
		l.pass(200 * time.Millisecond)
		b := l.open(next, media.StreamOptions{})
		if err := b.Connect(remote(b.phone, media.PCMU)); err != nil {
			t.Fatal(err)
		}
		var rec tap
		next.SetTap(&rec)
		a.phone.Unmute()
		l.pass(time.Second)
		if st := b.Stats(); st.Received != 0 || st.Foreign < 40 || len(rec.frames) != 0 {
			t.Errorf("the old caller in the next call: %+v, tapped %d tracks", st, len(rec.frames))
		}
	})
}

func TestPortsExhausted(t *testing.T) {
	inMemory(t, engine.Config{FirstPort: 20001, LastPort: 20008}, func(l *lab) {
		s := l.session()
		var open []media.Stream
		for range 3 {
			st, err := s.Open(media.StreamOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if p := st.Local().Port(); p%2 != 0 || p < 20002 || p > 20006 {
				t.Errorf("port %d", p)
			}
			open = append(open, st)
		}
		for range 100 {
			if _, err := s.Open(media.StreamOptions{}); !errors.Is(err, media.ErrNoPorts) {
				t.Fatalf("a fourth pair: %v", err)
			}
		}
		if got := l.net.Open(); got != 6 {
			t.Errorf("%d sockets for 3 pairs", got)
		}
		_ = open[0].Close()
		l.pass(3 * time.Second)
		if st := l.engine.Stats(); st.PortsFree != 1 || st.PortsInUse != 2 || st.PortsResting != 0 {
			t.Errorf("stats %+v", st)
		}
		if _, err := s.Open(media.StreamOptions{}); err != nil {
			t.Errorf("after the rest: %v", err)
		}
	})
}

// 20 % loss in bursts of 4 packets, jitter with reordering, and each event
// packet twice: each key that is not lost whole is heard once, in order.
func TestDigitsOnABadLine(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		a := l.connect(l.session(), media.StreamOptions{}, media.PCMU, 400)
		l.pass(500 * time.Millisecond)
		l.net.Impair(a.phone.Addr().Addr(), a.Local().Addr(), memnet.Line{
			Loss: 0.2, Burst: 4, Delay: 40 * time.Millisecond, Jitter: 20 * time.Millisecond, Duplicate: 0.1,
		})
		sent := strings.Repeat("0123456789", 10)
		if err := a.phone.Press(sent, 1); err != nil {
			t.Fatal(err)
		}
		l.pass(25 * time.Second)
		got := a.digits()
		if len(got) < 97 || !subsequence(got, sent) {
			t.Errorf("heard %d of 100 keys, in order %v: %q", len(got), subsequence(got, sent), got)
		}
	})
}

func subsequence(part, whole string) bool {
	for _, r := range part {
		i := strings.IndexRune(whole, r)
		if i < 0 {
			return false
		}
		whole = whole[i+1:]
	}
	return true
}

// A loss on one leg's line is a missing packet on the other's, so that the
// peer conceals it.
func TestLossIsPassedOn(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		s := l.session()
		a := l.connect(s, media.StreamOptions{}, media.PCMU, 400)
		b := l.connect(s, media.StreamOptions{}, media.PCMU, 700)
		if _, err := s.Bridge(a.Stream, b.Stream); err != nil {
			t.Fatal(err)
		}
		l.pass(time.Second)
		l.net.Impair(a.phone.Addr().Addr(), a.Local().Addr(), memnet.Line{Loss: 0.1, Delay: 5 * time.Millisecond})
		l.pass(20 * time.Second)
		lost := int(a.Stats().Lost)
		// A few losses are seen too late for that: nothing has come after them yet.
		if missing := b.phone.Counts().Missing; lost < 60 || missing < lost*3/4 || missing > lost {
			t.Errorf("%d lost from a, %d missing at b", lost, missing)
		}
		if missing := a.phone.Counts().Missing; missing != 0 {
			t.Errorf("%d missing at a", missing)
		}
	})
}

func TestHoldAndNoMedia(t *testing.T) {
	inMemory(t, engine.Config{NoMediaTimeout: 2 * time.Second}, func(l *lab) {
		a := l.connect(l.session(), media.StreamOptions{}, media.PCMU, 400)
		l.pass(time.Second)
		hold := remote(a.phone, media.PCMU)
		hold.Direction = media.SendOnly // we send, the peer does not
		if err := a.Connect(hold); err != nil {
			t.Fatal(err)
		}
		a.phone.Mute()
		l.pass(10 * time.Second)
		if n := len(a.events(media.EventNoMedia)); n != 0 {
			t.Errorf("%d times no media while on hold", n)
		}
		hold.Direction = media.RecvOnly
		if err := a.Connect(hold); err != nil {
			t.Fatal(err)
		}
		l.pass(50 * time.Millisecond)
		before := a.phone.Counts().Packets
		l.pass(1900 * time.Millisecond)
		if n := len(a.events(media.EventNoMedia)); n != 0 || a.phone.Counts().Packets != before {
			t.Errorf("no media %d times within the timeout, sent %d", n, a.phone.Counts().Packets-before)
		}
		l.pass(5 * time.Second)
		if n := len(a.events(media.EventNoMedia)); n != 1 {
			t.Errorf("no media is told %d times", n)
		}
		a.phone.Unmute()
		l.pass(100 * time.Millisecond)
		if n := len(a.events(media.EventMedia)); n != 2 {
			t.Errorf("media is told %d times, want at first and when it is back", n)
		}
	})
}

// A phone behind address translation sends from another port than it says.
func TestSymmetricRTP(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		g := l.open(l.session(), media.StreamOptions{})
		r := remote(g.phone, media.PCMU)
		r.Addr = netip.MustParseAddrPort("192.168.1.5:4000") // its own idea of itself
		if err := g.Connect(r); err != nil {
			t.Fatal(err)
		}
		l.pass(100 * time.Millisecond)
		if n := g.phone.Counts().Packets; n != 0 {
			t.Errorf("%d packets before proof", n)
		}
		g.phone.Send(g.Local(), media.PCMU, 400)
		l.pass(500 * time.Millisecond)
		if n := g.phone.Counts().Packets; n < 15 {
			t.Errorf("%d packets after proof", n)
		}
	})
}

func TestSRTP(t *testing.T) {
	for _, suite := range []struct {
		name string
		size int
	}{{"AES_CM_128_HMAC_SHA1_80", 30}, {"AES_CM_128_HMAC_SHA1_32", 30}, {"AEAD_AES_128_GCM", 28}, {"AEAD_AES_256_GCM", 44}} {
		t.Run(suite.name, func(t *testing.T) {
			inMemory(t, engine.Config{}, func(l *lab) { testSRTP(l, suite.name, suite.size) })
		})
	}
}

// testSRTP joins two legs of the engine's with a relay that sees only what is
// on the line.
func testSRTP(l *lab, suite string, size int) {
	one, two := make([]byte, size), make([]byte, size)
	for i := range one {
		one[i], two[i] = byte(i), byte(100+i)
	}
	s := l.session()
	a := l.connect(s, media.StreamOptions{}, media.PCMU, 400)
	b := l.open(s, media.StreamOptions{Track: media.TrackCaller})
	if _, err := s.Bridge(a.Stream, b.Stream); err != nil {
		l.Fatal(err)
	}
	far := l.other("10.0.9.9")
	defer far.Close()
	fs, err := far.NewSession("far")
	if err != nil {
		l.Fatal(err)
	}
	d, err := fs.Open(media.StreamOptions{Track: media.TrackCaller})
	if err != nil {
		l.Fatal(err)
	}
	toFar := media.Remote{Addr: d.Local(), Codec: media.PCMU, SRTP: &media.SRTPKeys{Suite: suite, Send: one, Receive: two}}
	toUs := media.Remote{Addr: b.Local(), Codec: media.PCMU, SRTP: &media.SRTPKeys{Suite: suite, Send: two, Receive: one}}
	if err := errors.Join(b.Connect(toFar), d.Connect(toUs)); err != nil {
		l.Fatal(err)
	}
	var rec tap
	fs.SetTap(&rec)
	mallory := l.phone()
	mallory.Send(b.Local(), media.PCMU, 1700)
	l.pass(12 * time.Second)
	if suite == "AES_CM_128_HMAC_SHA1_80" {
		l.pass(25 * time.Minute) // the sequence numbers go round
	}
	if err := b.Connect(toFar); err != nil { // a re-INVITE: the same keys go on
		l.Fatal(err)
	}
	from := fs.Now()
	l.pass(time.Second)
	pcm, _ := rec.pcm(media.TrackCaller, from)
	if got := tone.Heard(pcm, 30, tones...); !slices.Equal(got, []float64{400}) {
		l.Errorf("heard %v", got)
	}
	if st := d.Stats(); st.Invalid != 0 || st.Lost != 0 || st.Received < 640 || st.RTT > time.Millisecond {
		l.Errorf("stats %+v", st)
	}
	if err := b.Connect(media.Remote{Addr: d.Local(), Codec: media.PCMU, SRTP: &media.SRTPKeys{Suite: "NULL"}}); err == nil {
		l.Error("an unknown suite was taken")
	}
	if err := d.Connect(media.Remote{Addr: b.Local(), Codec: media.PCMU}); err != nil { // sends in clear now
		l.Fatal(err)
	}
	before := b.Stats()
	l.pass(time.Second)
	if st := b.Stats(); st.Invalid < 45 || st.Received > before.Received+1 {
		l.Errorf("plain RTP to a secured stream: %+v", st)
	}
}

func TestConnectRefuses(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		s := l.session()
		a := l.open(s, media.StreamOptions{Codecs: []media.Codec{media.PCMA}})
		b := l.open(s, media.StreamOptions{})
		for _, addr := range []string{
			"224.0.0.1:4000", "255.255.255.255:4000", "10.0.0.255:4000", "0.0.0.0:4000", "10.0.0.5:0", "[ff02::1]:4000", b.Local().String(),
		} {
			r := media.Remote{Addr: netip.MustParseAddrPort(addr), Codec: media.PCMA}
			if err := a.Connect(r); err == nil {
				t.Errorf("%s was taken", addr)
			}
		}
		if err := a.Connect(remote(a.phone, media.PCMU)); err == nil {
			t.Error("a codec that was not offered was taken")
		}
		held := media.Remote{Addr: netip.MustParseAddrPort("0.0.0.0:4000"), Codec: media.PCMA, Direction: media.Inactive}
		if err := a.Connect(held); err != nil {
			t.Errorf("hold as of RFC 2543: %v", err)
		}
		if err := a.SendDigits("1"); err == nil {
			t.Error("keys were taken for a peer without telephone-event")
		}
	})
}

// An hour of a bridged and recorded call: no drift, nothing lost, nothing
// left.
func TestHour(t *testing.T) {
	length := time.Hour
	if testing.Short() {
		length = 2 * time.Minute
	}
	inMemory(t, engine.Config{}, func(l *lab) {
		s := l.session()
		a := l.connect(s, media.StreamOptions{Track: media.TrackCaller}, media.PCMU, 400)
		b := l.connect(s, media.StreamOptions{Track: media.TrackAgent}, media.PCMA, 700)
		if _, err := s.Bridge(a.Stream, b.Stream); err != nil {
			t.Fatal(err)
		}
		var n counter
		s.SetTap(&n)
		start, began := s.Now(), time.Now()
		l.pass(length)
		if drift := (s.Now() - start).Duration() - time.Since(began); drift < -media.FrameDuration || drift > media.FrameDuration {
			t.Errorf("the session's clock drifts by %v", drift)
		}
		l.hears(a, 700)
		l.hears(b, 400)
		frames := int(length / media.FrameDuration)
		for _, track := range []media.Track{media.TrackCaller, media.TrackAgent} {
			if c := n[track]; c.frames < frames-5 || c.frames > frames+1 || c.lost > 5 || c.last > s.Now() {
				t.Errorf("%v: %+v, want %d frames", track, c, frames)
			}
		}
		for _, g := range []*leg{a, b} {
			st := g.Stats()
			if st.Lost != 0 || st.Late != 0 || st.Duplicate != 0 || st.EventsDropped != 0 || st.Jitter > time.Millisecond {
				t.Errorf("stats %+v", st)
			}
		}
		if late := l.engine.Lateness(); late.Max > time.Millisecond || late.Slots < 200 || late.Slots > 310 {
			t.Errorf("lateness %+v", late)
		}
	})
}

// counter is a tap that keeps no sound.
type counter [5]struct {
	frames, lost int
	last         media.Time
}

func (n *counter) Frame(track media.Track, at media.Time, _ media.Codec, payload []byte) {
	c := &n[track]
	c.frames++
	c.last = at
	if payload == nil {
		c.lost++
	}
}

func TestEngineBeforeStartAndAfterClose(t *testing.T) {
	e, err := engine.New(engine.Config{Address: netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.NewSession("early"); !errors.Is(err, media.ErrClosed) {
		t.Errorf("a session before the start: %v", err)
	}
	for range 2 {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := e.Start(); err == nil {
		t.Error("a closed engine was started")
	}
	for _, c := range []engine.Config{{}, {Address: netip.MustParseAddr("127.0.0.1"), FirstPort: 20001, LastPort: 20002}} {
		if _, err := engine.New(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}
