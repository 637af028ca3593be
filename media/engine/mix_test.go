package engine_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/engine"
)

// isolation is how far below its speaker's level a tone must be where it is not
// to be heard, in dB.
const isolation = 40

// mixTones are such that no sum, difference or multiple of some is near
// another: G.711 makes such products of what it codes, 35 to 40 dB down.
func mixTones() []float64 { return []float64{410, 730, 1270, 1930, 2590} }

// TestMixIsolation: a thousand times everybody is told at random whom to hear.
// Each hears them, all of them, and nobody else; each track of the recording
// holds its own voice only.
func TestMixIsolation(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		s := l.session()
		var legs []*leg
		for i, freq := range mixTones() {
			codec := media.Codecs()[(i+2)%3]
			legs = append(legs, l.connect(s, media.StreamOptions{Track: media.Track(i + 1)}, codec, freq))
		}
		l.pass(20 * time.Second) // until the jitter buffers have come to rest
		var rec tap
		s.SetTap(&rec)
		random := rand.New(rand.NewPCG(4, 2))
		for range 1000 {
			matrix := randomMatrix(random, len(legs))
			at := l.mix(s, legs, matrix)
			// At most 20 ms until it holds, 100 ms are listened to.
			l.pass(125 * time.Millisecond)
			synctest.Wait()
			for i, g := range legs {
				l.isolated(g, matrix[i])
				l.tight(s, g, at, matrix[i])
			}
			if l.Failed() {
				return
			}
		}
		for i, freq := range mixTones() {
			pcm, _ := rec.pcm(media.Track(i+1), 0)
			if got := tone.Heard(pcm, isolation, mixTones()...); !slices.Equal(got, []float64{freq}) {
				l.Errorf("track %d holds %v", i+1, got)
			}
		}
	})
}

// randomMatrix says for each of n whom they hear; nobody hears themselves.
func randomMatrix(random *rand.Rand, n int) [][]int {
	m := make([][]int, n)
	for i := range m {
		for j := range n {
			if i != j && random.IntN(2) == 0 {
				m[i] = append(m[i], j)
			}
		}
	}
	return m
}

// mix returns the media time from which it holds.
func (l *lab) mix(s media.Session, legs []*leg, matrix [][]int) media.Time {
	l.Helper()
	var parties []media.Party
	for i, heard := range matrix {
		p := media.Party{Stream: legs[i].Stream, Track: media.Track(i + 1)}
		for _, j := range heard {
			p.Hears = append(p.Hears, legs[j].Stream)
		}
		parties = append(parties, p)
	}
	at, err := s.Mix(parties)
	if err != nil {
		l.Fatal(err)
	}
	return at
}

// isolated checks the last 100 ms of what a leg's phone has heard.
func (l *lab) isolated(g *leg, heard []int) {
	l.Helper()
	pcm := g.phone.Between(-100*time.Millisecond, 0)
	for j, freq := range mixTones() {
		level := tone.Level(pcm, freq)
		switch want := slices.Contains(heard, j); {
		case want && (level < -23 || level > -17):
			l.Errorf("%v Hz is heard at %.0f dBov, want -20", freq, level)
		case !want && level > -20-isolation+g.wander():
			l.Errorf("%v Hz is heard at %.0f dBov by who must not hear it", freq, level)
		}
	}
}

// tight checks each 20 ms that a leg's phone has heard from 10 ms after a change
// on: whoever is not to be heard is in none of them, whoever is to be is in all.
func (l *lab) tight(s media.Session, g *leg, at media.Time, heard []int) {
	l.Helper()
	pcm := g.phone.Heard()
	frames := int(s.Now()-at)/media.FrameSamples + 1
	if pcm = pcm[len(pcm)-frames*media.FrameSamples:]; frames < 6 {
		l.Fatalf("%d frames have come", frames)
	}
	for pcm = pcm[media.FrameSamples/2:]; len(pcm) >= media.FrameSamples; pcm = pcm[media.FrameSamples:] {
		for j, freq := range mixTones() {
			level := tone.Level(pcm[:media.FrameSamples], freq)
			// What the codecs make of two voices comes up to 35 dB near them for so short a time.
			if want := slices.Contains(heard, j); want != (level > -26) || !want && level > -20-isolation+5+g.wander() {
				l.Errorf("%v Hz is heard at %.0f dBov %d samples before the end", freq, level, len(pcm))
			}
		}
	}
}

// TestMixFollowsAtOnce: no frame of who has been left out comes after the time
// that Mix returned.
func TestMixFollowsAtOnce(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		s := l.session()
		legs := []*leg{
			l.connect(s, media.StreamOptions{Track: media.TrackCaller}, media.PCMU, 400),
			l.connect(s, media.StreamOptions{Track: media.TrackAgent}, media.PCMU, 700),
			l.connect(s, media.StreamOptions{Track: media.TrackWhisper}, media.PCMU, 1100),
		}
		l.pass(500 * time.Millisecond)
		for _, matrix := range [][][]int{
			{{1, 2}, {0}, {0, 1}}, {{1}, {0, 2}, {0, 1}}, {{2}, {0}, {0}}, {{}, {}, {}}, {{1}, {0}, {}},
		} {
			l.mix(s, legs, matrix)
			l.pass(20 * time.Millisecond) // the tick that brings it
			l.pass(60 * time.Millisecond)
			for i, g := range legs {
				heard := g.phone.Between(-55*time.Millisecond, 0)
				for j, freq := range tones[:3] {
					if level := tone.Level(heard, freq); slices.Contains(matrix[i], j) != (level > -30) {
						l.Errorf("matrix %v: leg %d hears %v Hz at %.0f dBov 25 ms later", matrix, i, freq, level)
					}
				}
			}
		}
	})
}

// TestMixClosedAndForeign: who has closed is passed over, a stream of another
// call is refused and changes nothing.
func TestMixClosedAndForeign(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		s, other := l.session(), l.session()
		a := l.connect(s, media.StreamOptions{}, media.PCMU, 400)
		b := l.connect(s, media.StreamOptions{}, media.PCMU, 700)
		gone := l.connect(s, media.StreamOptions{}, media.PCMU, 1100)
		stranger := l.connect(other, media.StreamOptions{}, media.PCMU, 1700)
		l.pass(200 * time.Millisecond)
		if err := gone.Close(); err != nil {
			l.Fatal(err)
		}
		l.mix(s, []*leg{a, b, gone}, [][]int{{1, 2}, {0, 2}, {0, 1}})
		l.pass(400 * time.Millisecond)
		l.hears(a, 700)
		l.hears(b, 400)
		if _, err := s.Mix([]media.Party{{Stream: a.Stream, Hears: []media.Stream{stranger.Stream}}}); err == nil {
			l.Error("a stream of another call was mixed in")
		}
		l.pass(400 * time.Millisecond)
		l.hears(a, 700)
	})
}
