package engine_test

import (
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/memnet"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/engine"
)

// Keys that a peer sends in place of sound leave no gap in what is sent on.
func TestKeysAreNoLoss(t *testing.T) {
	for _, c := range media.Codecs() {
		inMemory(t, engine.Config{}, func(l *lab) {
			s := l.session()
			a := l.connect(s, media.StreamOptions{KeepDigits: true}, c, 400)
			b := l.connect(s, media.StreamOptions{}, media.PCMA, 700)
			if _, err := s.Bridge(a.Stream, b.Stream); err != nil {
				l.Fatal(err)
			}
			l.pass(time.Second)
			for range 10 {
				if err := a.phone.Press("5", 1); err != nil {
					l.Fatal(err)
				}
				l.pass(777 * time.Millisecond)
			}
			l.hears(b, 400)
			if got := a.digits(); got != "5555555555" {
				l.Errorf("over %v: heard %q", c, got)
			}
			if n := b.phone.Counts(); n.Missing != 0 || n.Packets < 420 {
				l.Errorf("over %v: %d of %d packets are missing", c, n.Missing, n.Packets)
			}
		})
	}
}

// Who stops in the middle is missed for 60 ms, in the codec of each who hears
// them alone, and is silent then.
func TestStallIsPassedOn(t *testing.T) {
	for _, c := range media.Codecs() {
		inMemory(t, engine.Config{}, func(l *lab) {
			s := l.session()
			a := l.connect(s, media.StreamOptions{}, media.PCMU, 400)
			b := l.connect(s, media.StreamOptions{}, c, 700)
			if _, err := s.Bridge(a.Stream, b.Stream); err != nil {
				l.Fatal(err)
			}
			l.pass(time.Second)
			for range 5 {
				a.phone.Mute()
				l.pass(500 * time.Millisecond)
				l.hears(b)
				a.phone.Unmute()
				l.pass(500 * time.Millisecond)
				l.hears(b, 400)
			}
			if n := b.phone.Counts(); n.Missing != 5*3 || n.SSRCs != 1 {
				l.Errorf("over %v: %d missing after 5 stalls, want 15", c, n.Missing)
			}
		})
	}
}

// A loss is passed on where the codec changes as well.
func TestLossIsPassedOnTranscoded(t *testing.T) {
	for _, c := range [][2]media.Codec{{media.G722, media.PCMU}, {media.PCMA, media.G722}, {media.G722, media.G722}, {media.L16, media.PCMU}, {media.G722, media.L16}} {
		inMemory(t, engine.Config{}, func(l *lab) {
			s := l.session()
			a := l.connect(s, media.StreamOptions{}, c[0], 400)
			b := l.connect(s, media.StreamOptions{}, c[1], 700)
			if _, err := s.Bridge(a.Stream, b.Stream); err != nil {
				l.Fatal(err)
			}
			l.pass(time.Second)
			l.net.Impair(a.phone.Addr().Addr(), a.Local().Addr(), memnet.Line{Loss: 0.1, Delay: 5 * time.Millisecond})
			l.pass(10 * time.Second)
			lost := int(a.Stats().Lost)
			if missing := b.phone.Counts().Missing; lost < 30 || missing < lost*3/4 || missing > lost+3 {
				l.Errorf("%v: %d lost from a, %d missing at b", c, lost, missing)
			}
			l.net.Impair(a.phone.Addr().Addr(), a.Local().Addr(), memnet.Line{})
			l.pass(time.Second)
			l.hears(b, 400)
			l.hears(a, 700)
		})
	}
}

// In a mix a loss is concealed: the tone goes on where the packet is missing.
func TestLossInAMixIsConcealed(t *testing.T) {
	for _, c := range append(media.Codecs(), media.L16) {
		inMemory(t, engine.Config{}, func(l *lab) {
			s := l.session()
			a := l.connect(s, media.StreamOptions{}, media.PCMU, 400)
			b := l.connect(s, media.StreamOptions{}, c, 0)
			quiet := l.connect(s, media.StreamOptions{}, media.PCMU, 0)
			l.mix(s, []*leg{a, b, quiet}, [][]int{nil, {0, 2}, nil})
			l.pass(time.Second)
			l.net.Impair(a.phone.Addr().Addr(), a.Local().Addr(), memnet.Line{Loss: 0.03, Delay: 5 * time.Millisecond})
			l.pass(5 * time.Second)
			if gaps := silences(b.phone.Between(-4*time.Second, 0)); gaps > 0 || a.Stats().Lost < 3 {
				l.Errorf("over %v: %d frames are silent after %d losses", c, gaps, a.Stats().Lost)
			}
			if n := b.phone.Counts(); n.Missing != 0 {
				l.Errorf("over %v: %d missing from a mix", c, n.Missing)
			}
		})
	}
}

// silences counts the stretches of 10 ms in which nearly nothing is heard.
func silences(pcm []int16) (n int) {
	const stretch = media.FrameSamples / 2
	for ; len(pcm) >= stretch; pcm = pcm[stretch:] {
		loudest := 0
		for _, s := range pcm[:stretch] {
			loudest = max(loudest, int(s), -int(s))
		}
		if loudest < 500 { // the tone has 4600
			n++
		}
	}
	return n
}

// A re-INVITE may change the codec, and with it the rate at which a leg hears.
func TestCodecChangesInACall(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		s := l.session()
		a := l.connect(s, media.StreamOptions{}, media.PCMU, 400)
		b := l.connect(s, media.StreamOptions{}, media.PCMA, 700)
		c := l.connect(s, media.StreamOptions{}, media.G722, 1100)
		for _, matrix := range [][][]int{{{1}, {0}, nil}, {{1, 2}, {0, 2}, {0, 1}}} {
			l.mix(s, []*leg{a, b, c}, matrix)
			for _, codec := range []media.Codec{media.G722, media.PCMA, media.L16, media.G722, media.L16, media.PCMU} {
				if err := a.Connect(remote(a.phone, codec)); err != nil {
					l.Fatal(err)
				}
				a.phone.Send(a.Local(), codec, 400)
				l.pass(700 * time.Millisecond)
				want, back := []float64{700}, []float64{400}
				if len(matrix[0]) > 1 {
					want, back = append(want, 1100), append(back, 1100)
				}
				l.hears(a, want...)
				l.hears(b, back...)
			}
		}
	})
}
