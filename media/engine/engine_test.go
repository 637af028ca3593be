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

// suite is what must hold in virtual time as over real sockets.
var suite = []struct {
	name string
	test func(*lab)
}{
	{"bridge", testBridge},
	{"unbridge", testUnbridge},
	{"player", testPlayer},
	{"loop and stop", testLoopAndStop},
	{"stop on digit", testStopOnDigit},
	{"digits", testDigits},
	{"tap", testTap},
	{"foreign", testForeign},
	{"close", testClose},
}

func TestInMemory(t *testing.T) {
	for _, s := range suite {
		t.Run(s.name, func(t *testing.T) { inMemory(t, engine.Config{}, s.test) })
	}
}

func TestOverUDP(t *testing.T) {
	if testing.Short() {
		t.Skip("takes real time")
	}
	for _, s := range suite {
		t.Run(s.name, func(t *testing.T) { overUDP(t, s.test) })
	}
}

func testBridge(l *lab) {
	s := l.session()
	a := l.connect(s, media.StreamOptions{Name: "a"}, media.PCMU, 400)
	b := l.connect(s, media.StreamOptions{Name: "b"}, media.PCMA, 700)
	c := l.connect(s, media.StreamOptions{Name: "c"}, media.PCMA, 1100)
	l.pass(400 * time.Millisecond)
	l.hears(a)
	l.hears(b)
	if _, err := s.Bridge(a.Stream, b.Stream); err != nil {
		l.Fatal(err)
	}
	l.pass(500 * time.Millisecond)
	l.hears(a, 700) // A-law to µ-law
	l.hears(b, 400) // and back
	l.hears(c)
	if _, err := s.Bridge(b.Stream, c.Stream); err != nil { // undecoded
		l.Fatal(err)
	}
	l.pass(500 * time.Millisecond)
	l.hears(a)
	l.hears(b, 1100)
	l.hears(c, 700)
	for _, g := range []*leg{a, b, c} {
		if n := g.phone.Counts(); n.Missing != 0 || n.SSRCs != 1 || n.Odd != 0 {
			l.Errorf("counts %+v", n)
		}
	}
	other := l.session()
	d := l.connect(other, media.StreamOptions{}, media.PCMU, 0)
	if _, err := s.Bridge(a.Stream, d.Stream); err == nil {
		l.Error("streams of two sessions were bridged")
	}
	if _, err := s.Bridge(a.Stream, a.Stream); err == nil {
		l.Error("a stream was bridged with itself")
	}
}

func testUnbridge(l *lab) {
	s := l.session()
	a := l.connect(s, media.StreamOptions{}, media.PCMU, 400)
	b := l.connect(s, media.StreamOptions{}, media.PCMU, 700)
	_, err := s.Bridge(a.Stream, b.Stream)
	if err != nil {
		l.Fatal(err)
	}
	l.pass(400 * time.Millisecond)
	before := s.Now()
	if at := s.Unbridge(a.Stream); at < before {
		l.Errorf("unbridged at %d, before %d", at, before)
	}
	l.pass(400 * time.Millisecond)
	l.hears(a)
	l.hears(b)
	s.Unbridge(a.Stream)
}

func testPlayer(l *lab) {
	s := l.session()
	a := l.connect(s, media.StreamOptions{}, media.PCMA, 0)
	l.pass(100 * time.Millisecond)
	start := s.Now()
	id := a.Play(media.Play{Prompts: []*media.Prompt{
		media.NewPrompt("one", media.Tone(400, -20, 300*time.Millisecond)),
		media.NewPrompt("none", nil),
		media.NewPrompt("two", media.Tone(700, -20, 300*time.Millisecond)),
	}})
	l.pass(280 * time.Millisecond)
	if got := a.phone.Tones(-200*time.Millisecond, 0, tones...); !slices.Equal(got, []float64{400}) {
		l.Errorf("at first heard %v", got)
	}
	l.pass(300 * time.Millisecond)
	if got := a.phone.Tones(-200*time.Millisecond, 0, tones...); !slices.Equal(got, []float64{700}) {
		l.Errorf("then heard %v", got)
	}
	l.pass(200 * time.Millisecond)
	played := a.events(media.EventPlayed)
	if len(played) != 1 || played[0].Play != id || !played[0].Completed {
		l.Fatalf("ends of playback: %+v", played)
	}
	if took := (played[0].At - start).Duration(); took < 600*time.Millisecond || took > 640*time.Millisecond {
		l.Errorf("600 ms took %v", took)
	}
}

func testLoopAndStop(l *lab) {
	s := l.session()
	a := l.connect(s, media.StreamOptions{}, media.PCMU, 0)
	loop := media.Play{Loop: true, Prompts: []*media.Prompt{media.NewPrompt("ring", media.Tone(400, -20, 100*time.Millisecond))}}
	first := a.Play(loop)
	l.pass(500 * time.Millisecond)
	l.hears(a, 400)
	second := a.Play(loop) // replaces
	l.pass(100 * time.Millisecond)
	before := s.Now()
	a.Stop()
	a.Stop()
	l.pass(400 * time.Millisecond)
	l.hears(a)
	third := a.Play(media.Play{Loop: true}) // nothing, for ever, is over at once
	l.pass(100 * time.Millisecond)
	played := a.events(media.EventPlayed)
	if len(played) != 3 || played[0].Play != first || played[1].Play != second || played[2].Play != third {
		l.Fatalf("ends of playback: %+v", played)
	}
	if played[0].Completed || played[1].Completed {
		l.Error("a stopped playback is said to be completed")
	}
	if d := (played[1].At - before).Duration(); d > 2*media.FrameDuration {
		l.Errorf("stopped after %v", d)
	}
}

func testStopOnDigit(l *lab) {
	s := l.session()
	a := l.connect(s, media.StreamOptions{}, media.PCMU, 0)
	a.Play(media.Play{
		Loop: true, StopOnDigit: true,
		Prompts: []*media.Prompt{media.NewPrompt("menu", media.Tone(400, -20, time.Second))},
	})
	l.pass(400 * time.Millisecond)
	l.hears(a, 400)
	before := s.Now()
	if err := a.phone.Press("5", 1); err != nil {
		l.Fatal(err)
	}
	l.pass(400 * time.Millisecond)
	l.hears(a)
	played, digits := a.events(media.EventPlayed), a.events(media.EventDigit)
	if len(played) != 1 || len(digits) != 1 || played[0].At != digits[0].At || played[0].Completed {
		l.Fatalf("played %+v, keys %d", played, len(digits))
	}
	// The phone sends at its own pace: up to one frame, and one for the tick.
	if d := (digits[0].At - before).Duration(); l.net != nil && d > 2*media.FrameDuration {
		l.Errorf("the key was taken %v after it was pressed", d)
	}
}

func testDigits(l *lab) {
	s := l.session()
	a := l.connect(s, media.StreamOptions{}, media.PCMU, 400)
	b := l.connect(s, media.StreamOptions{KeepDigits: true}, media.PCMU, 700)
	if _, err := s.Bridge(a.Stream, b.Stream); err != nil {
		l.Fatal(err)
	}
	l.pass(200 * time.Millisecond)
	if err := errors.Join(a.phone.Press("159#", 3), b.phone.Press("7", 1)); err != nil {
		l.Fatal(err)
	}
	l.pass(1200 * time.Millisecond)
	if got := a.digits(); got != "159#" {
		l.Errorf("keys %q from a", got)
	}
	if got := b.phone.Digits(); got != "159#" {
		l.Errorf("keys %q relayed to b", got)
	}
	if got := a.phone.Digits(); got != "" || b.digits() != "7" {
		l.Errorf("keys %q relayed to a, %q from b", got, b.digits())
	}
	if err := a.SendDigits("42"); err != nil {
		l.Fatal(err)
	}
	if err := a.SendDigits("4x"); err == nil {
		l.Error("x was taken for a key")
	}
	l.pass(700 * time.Millisecond)
	if got := a.phone.Digits(); got != "42" {
		l.Errorf("a's phone hears the keys %q", got)
	}
	l.hears(a, 700)
}

func testTap(l *lab) {
	s := l.session()
	caller := l.connect(s, media.StreamOptions{Track: media.TrackCaller, PlayTrack: media.TrackPrompts}, media.PCMU, 400)
	agent := l.connect(s, media.StreamOptions{Track: media.TrackAgent}, media.PCMA, 700)
	var rec, after tap
	start := s.SetTap(&rec)
	caller.Play(media.Play{Prompts: []*media.Prompt{media.NewPrompt("p", media.Tone(1100, -20, 500*time.Millisecond))}})
	l.pass(600 * time.Millisecond)
	if _, err := s.Bridge(caller.Stream, agent.Stream); err != nil {
		l.Fatal(err)
	}
	l.pass(600 * time.Millisecond)
	s.SetTap(&after)
	l.pass(100 * time.Millisecond)
	s.SetTap(nil)
	for track, want := range map[media.Track]float64{media.TrackCaller: 400, media.TrackAgent: 700, media.TrackPrompts: 1100} {
		pcm, frames := rec.pcm(track, start)
		if got := tone.Heard(pcm, 30, tones...); !slices.Equal(got, []float64{want}) {
			l.Errorf("%v holds %v, want %v", track, got, want)
		}
		if track == media.TrackPrompts && frames != 25 {
			l.Errorf("%v holds %d frames, want 25", track, frames)
		}
		grid := rec.frames[track]
		for i, f := range grid {
			if f.at < start || f.at%media.FrameSamples != 0 || (i > 0 && f.at <= grid[i-1].at) {
				l.Fatalf("%v: frame %d at %d", track, i, f.at)
			}
		}
	}
	if pcm, frames := after.pcm(media.TrackCaller, 0); frames < 4 || frames > 7 || tone.Power(pcm) < -30 {
		l.Errorf("the second tap got %d frames", frames)
	}
}

// Packets from elsewhere are neither heard nor answered.
func testForeign(l *lab) {
	s := l.session()
	a := l.connect(s, media.StreamOptions{Track: media.TrackCaller}, media.PCMU, 400)
	b := l.connect(s, media.StreamOptions{}, media.PCMU, 700)
	if _, err := s.Bridge(a.Stream, b.Stream); err != nil {
		l.Fatal(err)
	}
	l.pass(200 * time.Millisecond)
	mallory := l.phone()
	mallory.Send(a.Local(), media.PCMU, 1700)
	_ = mallory.Press("666", 1)
	l.pass(time.Second)
	l.hears(b, 400)
	l.hears(a, 700)
	if got := a.digits(); got != "" {
		l.Errorf("keys %q of a stranger", got)
	}
	if n := mallory.Counts().Packets; n != 0 {
		l.Errorf("a stranger was sent %d packets", n)
	}
	if n := a.Stats().Foreign; n < 40 {
		l.Errorf("%d foreign packets are counted", n)
	}
	if st := l.engine.Stats(); st.Foreign < 40 || st.Streams != 2 || st.Sessions != 1 || st.PacketsIn < 80 {
		l.Errorf("engine's stats: %+v", st)
	}
}

func testClose(l *lab) {
	s := l.session()
	a := l.connect(s, media.StreamOptions{}, media.PCMU, 400)
	b := l.connect(s, media.StreamOptions{}, media.PCMU, 700)
	if _, err := s.Bridge(a.Stream, b.Stream); err != nil {
		l.Fatal(err)
	}
	id := a.Play(media.Play{Loop: true, Prompts: []*media.Prompt{media.NewPrompt("p", media.Silence(time.Second))}})
	l.pass(200 * time.Millisecond)
	for range 2 {
		if err := errors.Join(a.Close(), s.Close()); err != nil {
			l.Error(err)
		}
	}
	l.pass(50 * time.Millisecond)
	if played := a.events(media.EventPlayed); len(played) != 1 || played[0].Play != id {
		l.Errorf("ends of playback: %+v", played)
	}
	if _, err := s.Open(media.StreamOptions{}); !errors.Is(err, media.ErrClosed) {
		l.Errorf("opening in a closed session: %v", err)
	}
	if err := b.Connect(remote(b.phone, media.PCMU)); !errors.Is(err, media.ErrClosed) {
		l.Errorf("connecting a closed stream: %v", err)
	}
	if _, err := s.Bridge(a.Stream, b.Stream); !errors.Is(err, media.ErrClosed) {
		l.Errorf("bridging closed streams: %v", err)
	}
	a.Stop()
	a.Play(media.Play{})
	s.SetTap(nil)
	if a.Stats().Sent == 0 {
		l.Error("a closed stream has forgotten its stats")
	}
	if st := l.engine.Stats(); st.PortsInUse != 0 || st.PortsResting != 2 || st.Streams != 0 || st.Sessions != 0 || st.PacketsOut == 0 {
		l.Errorf("engine's stats: %+v", st)
	}
	n := a.phone.Counts().Packets
	l.pass(200 * time.Millisecond)
	if more := a.phone.Counts().Packets - n; more != 0 {
		l.Errorf("%d packets were sent after the end", more)
	}
}

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
	far, err := engine.New(engine.Config{Network: l.net.Host("10.0.9.9"), Address: netip.MustParseAddr("10.0.9.9"), Workers: 1})
	if err != nil {
		l.Fatal(err)
	}
	if err := far.Start(); err != nil {
		l.Fatal(err)
	}
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
	if err := errors.Join(b.Connect(toFar), d.Connect(toUs)); err != nil { // the same keys go on
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
