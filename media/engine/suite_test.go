package engine_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/memnet"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/engine"
	"github.com/ivrd/ivrd/media/rtpio"
)

// suite is what must hold in virtual time as over real sockets.
var suite = []struct {
	name string
	test func(*lab)
}{
	{"bridge", testBridge},
	{"unbridge", testUnbridge},
	{"echo", testEcho},
	{"player", testPlayer},
	{"loop and stop", testLoopAndStop},
	{"stop on digit", testStopOnDigit},
	{"digits", testDigits},
	{"tap", testTap},
	{"foreign", testForeign},
	{"close", testClose},
}

func TestInMemory(t *testing.T) {
	waited := func(h *memnet.Host) rtpio.Network { return h }
	for _, s := range suite {
		t.Run("polled/"+s.name, func(t *testing.T) { inMemory(t, engine.Config{}, s.test) })
		t.Run("waited/"+s.name, func(t *testing.T) { inMemoryBy(t, waited, engine.Config{}, s.test) })
	}
}

func TestOverUDP(t *testing.T) {
	if testing.Short() {
		t.Skip("takes real time")
	}
	for _, s := range suite {
		t.Run("polled/"+s.name, func(t *testing.T) { overUDP(t, rtpio.System(), s.test) })
	}
	for _, s := range suite[:2] { // the rest of it is seen in memory
		t.Run("waited/"+s.name, func(t *testing.T) { overUDP(t, rtpio.UDP{}, s.test) })
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
		// In real time a busy machine lets phones stall, which is passed on.
		if n := g.phone.Counts(); n.Missing != 0 && l.virtual() || n.SSRCs != 1 || n.Odd != 0 {
			l.Errorf("counts %+v", n)
		}
	}
	other := l.session()
	d := l.connect(other, media.StreamOptions{}, media.PCMU, 0)
	if _, err := s.Bridge(a.Stream, d.Stream); err == nil {
		l.Error("streams of two sessions were bridged")
	}
}

// A stream bridged with itself is an echo.
func testEcho(l *lab) {
	s := l.session()
	a := l.connect(s, media.StreamOptions{}, media.PCMU, 400)
	b := l.connect(s, media.StreamOptions{}, media.PCMU, 700)
	if _, err := s.Bridge(a.Stream, b.Stream); err != nil {
		l.Fatal(err)
	}
	if _, err := s.Bridge(a.Stream, a.Stream); err != nil {
		l.Fatal(err)
	}
	l.pass(500 * time.Millisecond)
	l.hears(a, 400)
	l.hears(b)
	s.Unbridge(a.Stream)
	l.pass(500 * time.Millisecond)
	l.hears(a)
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
	// In real time the machine may stand still between Now and Play.
	if took := (played[0].At - start).Duration(); took < 600*time.Millisecond || l.virtual() && took > 640*time.Millisecond {
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
