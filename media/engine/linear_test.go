package engine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/memnet"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/engine"
)

// A leg in L16 hears and is heard over any other codec, its keys and prompts too, and
// all of it is tapped.
func TestLinearAndTheOthers(t *testing.T) {
	for _, other := range append(media.Codecs(), media.L16) {
		inMemory(t, engine.Config{}, func(l *lab) {
			s := l.session()
			record := new(tap)
			s.SetTap(record)
			a := l.connect(s, media.StreamOptions{Track: media.TrackCaller, PlayTrack: media.TrackPrompts}, media.L16, 400)
			b := l.connect(s, media.StreamOptions{Track: media.TrackAgent}, other, 700)
			a.Play(media.Play{Prompts: []*media.Prompt{media.NewPrompt("a tone", media.Tone(1100, -20, 500*time.Millisecond))}})
			l.pass(400 * time.Millisecond)
			l.hears(a, 1100)
			l.pass(200 * time.Millisecond)
			if _, err := s.Bridge(a.Stream, b.Stream); err != nil {
				l.Fatal(err)
			}
			l.pass(500 * time.Millisecond)
			l.hears(a, 700)
			l.hears(b, 400)
			quiet := l.connect(s, media.StreamOptions{}, media.PCMU, 0)
			l.mix(s, []*leg{a, b, quiet}, [][]int{{1, 2}, {0, 2}, nil})
			l.pass(500 * time.Millisecond)
			l.hears(a, 700)
			l.hears(b, 400)
			if err := a.phone.Press("42", 1); err != nil {
				l.Fatal(err)
			}
			l.pass(time.Second)
			if got := a.digits(); got != "42" {
				l.Errorf("with %v: keys %q came", other, got)
			}
			for _, g := range []*leg{a, b} {
				if n := g.phone.Counts(); n.Missing != 0 || n.SSRCs != 1 || n.Odd != 0 {
					l.Errorf("with %v: counts %+v", other, n)
				}
			}
			for track, want := range map[media.Track]float64{media.TrackCaller: 400, media.TrackAgent: 700, media.TrackPrompts: 1100} {
				pcm, _ := record.pcm(track, 0)
				if got := tone.Heard(pcm, 40, tones...); !slices.Equal(got, []float64{want}) {
					l.Errorf("with %v: %v Hz are tapped of the %v, want %v", other, got, track, want)
				}
			}
		})
	}
}

// Between two legs in L16 each sample goes over as it came.
func TestLinearIsForwardedExactly(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		s := l.session()
		a := l.connect(s, media.StreamOptions{}, media.L16, 0)
		b := l.connect(s, media.StreamOptions{}, media.L16, 0)
		sound := make([]int16, media.SampleRate)
		for i := range sound {
			sound[i] = int16(i*7919 + 1) // each value tells its place
		}
		a.phone.SendPCM(a.Local(), media.L16, sound)
		if _, err := s.Bridge(a.Stream, b.Stream); err != nil {
			l.Fatal(err)
		}
		l.pass(2 * time.Second)
		heard := b.phone.Between(-time.Second, -200*time.Millisecond)
		at := slices.Index(sound, heard[0])
		for i, v := range heard {
			if v != sound[(at+i)%len(sound)] {
				l.Fatalf("sample %d of %d is %d, want %d", i, len(heard), v, sound[(at+i)%len(sound)])
			}
		}
	})
}

// A line that jitters and loses is made up for by whole frames.
func TestLinearOnABadLine(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		s := l.session()
		a := l.connect(s, media.StreamOptions{}, media.L16, 400)
		b := l.connect(s, media.StreamOptions{}, media.PCMU, 0)
		if _, err := s.Bridge(a.Stream, b.Stream); err != nil {
			l.Fatal(err)
		}
		l.net.Impair(a.phone.Addr().Addr(), a.Local().Addr(), memnet.Line{Loss: 0.02, Delay: 20 * time.Millisecond, Jitter: 40 * time.Millisecond})
		l.pass(20 * time.Second)
		l.hears(b, 400)
		n, st := b.phone.Counts().Missing, a.Stats()
		if lost := int(st.Lost + st.Late); lost < 5 || n > 3*lost+20 {
			l.Errorf("%d of 1000 frames are missing after %d losses", n, lost)
		}
	})
}

// Who sends comfort noise in pauses, and then nothing, is heard as silence: nothing
// is missing of it, for the hearer as for the record.
func TestComfortNoiseIsSilence(t *testing.T) {
	for _, codec := range append(media.Codecs(), media.L16) {
		inMemory(t, engine.Config{}, func(l *lab) {
			s := l.session()
			record := new(tap)
			s.SetTap(record)
			a := l.connect(s, media.StreamOptions{Track: media.TrackCaller}, codec, 400)
			b := l.connect(s, media.StreamOptions{}, media.PCMU, 0)
			if _, err := s.Bridge(a.Stream, b.Stream); err != nil {
				l.Fatal(err)
			}
			l.pass(time.Second)
			for range 5 {
				a.phone.Pause()
				l.pass(time.Second)
				if pcm := b.phone.Between(-800*time.Millisecond, 0); tone.Power(pcm) > -60 {
					l.Errorf("%v: the pause is heard at %.0f dBov", codec, tone.Power(pcm))
				}
				a.phone.Unmute()
				l.pass(time.Second)
				l.hears(b, 400)
			}
			if n := b.phone.Counts(); n.Missing != 0 || n.SSRCs != 1 {
				l.Errorf("%v: %d packets are missing for the hearer", codec, n.Missing)
			}
			st := a.Stats()
			if st.Lost+st.Late+st.Invalid != 0 || st.TapMissed > 2 || st.Heard.Loss > 0 {
				l.Errorf("%v: %d lost, %d late, %d invalid, %d missing of the record, a loss of %.3f", codec, st.Lost, st.Late, st.Invalid, st.TapMissed, st.Heard.Loss)
			}
		})
	}
}
