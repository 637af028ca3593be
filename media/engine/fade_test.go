package engine_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/engine"
)

// clickBand is how far from a tone a fade of 10 ms may spread, in Hz.
const clickBand = 300

// excess is by how much what is outside of the tones may be louder around a change
// than the noise of G.711 around it is (38 dB below what is heard), in dB. A tone
// that is cut hard is 15 to 25 dB above that noise.
const excess = 3

// wander is by how much the noise of G.722 comes and goes with the sound, in dB.
func (g *leg) wander() float64 {
	if g.Stats().Codec == media.G722 {
		return 4
	}
	return 0
}

// around is what a leg has heard up to 40 ms around the beginning of the frame of
// media time at, and before and after that: 80 ms each.
func (l *lab) around(s media.Session, g *leg, at media.Time) (before, change, after []int16) {
	l.Helper()
	const n = 4 * media.FrameSamples
	synctest.Wait() // the phone has what was sent
	pcm := g.phone.Heard()
	i := len(pcm) - media.FrameSamples - int(s.Now()-at)
	if i < 3*n/2 || i+3*n/2 > len(pcm) {
		l.Fatalf("of %d samples around %d were asked for", len(pcm), i)
	}
	return pcm[i-3*n/2 : i-n/2], pcm[i-n/2 : i+n/2], pcm[i+n/2 : i+3*n/2]
}

// noise is the power outside of the tones, in dBov, in a Hann window.
func noise(pcm []int16, tones ...float64) float64 {
	n := len(pcm)
	sum, norm := 0.0, 0.0
	wave, windowed := make([]float64, n), make([]float64, n)
	for i, s := range pcm {
		w := 1 - math.Cos(2*math.Pi*(float64(i)+0.5)/float64(n))
		norm += w * w
		wave[i], windowed[i] = math.Cos(2*math.Pi*float64(i)/float64(n)), w*float64(s)
	}
	for k := range n / 2 {
		f := float64(k) * media.SampleRate / float64(n)
		if slices.ContainsFunc(tones, func(t float64) bool { return math.Abs(f-t) <= clickBand }) {
			continue
		}
		var re, im float64
		for i, v := range windowed {
			re, im = re+v*wave[k*i%n], im+v*wave[(k*i+n/4)%n]
		}
		sum += re*re + im*im
	}
	return 10 * math.Log10(max(2*sum/float64(n)/norm, 1)/(1<<30))
}

// smooth checks that a change is not heard as a click, and returns by how much
// it is above the noise, in dB.
func (l *lab) smooth(what string, s media.Session, g *leg, at media.Time, tones ...float64) float64 {
	l.Helper()
	before, change, after := l.around(s, g, at)
	quiet := max(noise(before, tones...), noise(after, tones...), -80)
	over := noise(change, tones...) - quiet
	if over > excess+g.wander() {
		l.Errorf("%s: %.1f dB above the noise", what, over)
	}
	return over
}

// TestMixDoesNotClick: whatever changes, nobody hears that it does.
func TestMixDoesNotClick(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		s := l.session()
		var legs []*leg
		for i, freq := range mixTones() {
			legs = append(legs, l.connect(s, media.StreamOptions{}, media.Codecs()[(i+2)%3], freq))
		}
		l.pass(500 * time.Millisecond)
		random := rand.New(rand.NewPCG(7, 7))
		worst := -100.0
		for range 60 {
			at := l.mix(s, legs, randomMatrix(random, len(legs)))
			l.pass(200 * time.Millisecond)
			for _, g := range legs {
				worst = max(worst, l.smooth("a change", s, g, at, mixTones()...))
			}
		}
		t.Logf("at most %.1f dB above the noise of the codec", worst)
	})
}

// TestClickIsSeen: what the other tests would see of a voice that is cut.
func TestClickIsSeen(t *testing.T) {
	pcm := media.Tone(1010, -20, 80*time.Millisecond)
	payload := make([]byte, len(pcm))
	media.PCMU.Encode(payload, pcm)
	whole := tone.Decode(media.PCMU, payload)
	cut := slices.Clone(whole)
	clear(cut[len(cut)/2+5:])
	if over := noise(cut, 1010) - noise(whole, 1010); over < 4*excess {
		t.Errorf("a cut is only %.1f dB above the noise", over)
	}
}

// TestPromptsAreCutSoftly: by a key, by Stop, by another prompt, by who is joined.
func TestPromptsAreCutSoftly(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		s := l.session()
		a := l.connect(s, media.StreamOptions{PlayTrack: media.TrackPrompts, KeepDigits: true}, media.G722, 0)
		b := l.connect(s, media.StreamOptions{}, media.PCMA, 1930)
		// Half of its frames end high.
		menu := media.Play{Loop: true, StopOnDigit: true, Prompts: []*media.Prompt{media.NewPrompt("menu", media.Tone(1010, -20, time.Second))}}
		other := media.Play{Prompts: []*media.Prompt{media.NewPrompt("other", media.Tone(615, -20, time.Second))}}
		l.pass(500 * time.Millisecond)
		for range 10 {
			for name, cut := range map[string]func() media.Time{
				"key": func() media.Time {
					if err := a.phone.Press("5", 1); err != nil {
						l.Fatal(err)
					}
					l.pass(200 * time.Millisecond)
					keys := a.events(media.EventDigit)
					return keys[len(keys)-1].At
				},
				"stop":     func() media.Time { a.Stop(); return s.Now() + media.FrameSamples },
				"replaced": func() media.Time { a.Play(other); return s.Now() + media.FrameSamples },
				"joined": func() media.Time {
					at, err := s.Bridge(a.Stream, b.Stream)
					if err != nil {
						l.Fatal(err)
					}
					return at
				},
			} {
				a.Play(menu)
				l.pass(313 * time.Millisecond)
				at := cut()
				l.pass(200 * time.Millisecond)
				l.smooth(name, s, a, at, 1010, 615, 1930)
				s.Unbridge(a.Stream)
				a.Stop()
				l.pass(200 * time.Millisecond)
			}
		}
	})
}

// TestHangUpIsSoft: who is left hears the other's voice die away, whether it was
// forwarded or mixed, and wherever in its period it breaks off.
func TestHangUpIsSoft(t *testing.T) {
	for name, parties := range map[string]int{"forwarded": 2, "mixed": 3} {
		t.Run(name, func(t *testing.T) {
			for _, freq := range []float64{373, 730, 1117, 1531, 2231} {
				inMemory(t, engine.Config{}, func(l *lab) { l.hangUp(parties, freq) })
			}
		})
	}
}

func (l *lab) hangUp(parties int, freq float64) {
	s := l.session()
	var legs []*leg
	for _, freq := range []float64{410, freq, 2890}[:parties] {
		legs = append(legs, l.connect(s, media.StreamOptions{}, media.PCMU, freq))
	}
	matrix := [][]int{{1, 2}, {0, 2}, {0, 1}}
	if parties == 2 {
		matrix = [][]int{{1}, {0}}
	}
	l.pass(200 * time.Millisecond)
	l.mix(s, legs, matrix)
	l.pass(517 * time.Millisecond)
	synctest.Wait()
	at := s.Now() + media.FrameSamples
	if err := legs[1].Close(); err != nil {
		l.Fatal(err)
	}
	l.pass(200 * time.Millisecond)
	l.smooth("hang-up", s, legs[0], at, freq, 2890)
}

// TestGainIsForMixesOnly: who speaks softly is brought up for those who hear
// several, and forwarded as they are to who hears only them; from one to the other
// it goes in no step.
func TestGainIsForMixesOnly(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		s := l.session()
		caller := l.connect(s, media.StreamOptions{}, media.PCMU, 0)
		agent := l.connect(s, media.StreamOptions{}, media.PCMU, 0)
		supervisor := l.connect(s, media.StreamOptions{}, media.PCMA, 0)
		caller.phone.SendPCM(caller.Local(), media.PCMU, syllable(1010, -32))
		legs := []*leg{caller, agent, supervisor}
		hears := func(what string, of *leg, level float64) {
			l.Helper()
			l.pass(4100 * time.Millisecond) // so that changes fall into syllables, too
			if got := loudest(of.phone.Between(-time.Second, 0), 1010); math.Abs(got-level) > 1.5 {
				l.Errorf("%s: %.1f dBov, want %v", what, got, level)
			}
		}
		l.mix(s, legs, [][]int{{1}, {0}, {0, 1}})
		hears("forwarded", agent, -32)
		hears("listen", supervisor, -24)
		l.mix(s, legs, [][]int{{1}, {0, 2}, {0, 1}})
		hears("whisper", agent, -24)
		l.mix(s, legs, [][]int{{1}, {0}, {0, 1}})
		hears("forwarded again", agent, -32)
		levels := []float64{}
		for pcm := agent.phone.Heard()[media.SampleRate:]; len(pcm) >= media.FrameSamples; pcm = pcm[media.FrameSamples:] {
			levels = append(levels, tone.Level(pcm[:media.FrameSamples], 1010))
		}
		for ; len(levels) >= 4; levels = levels[1:] { // the first and the last may be the edge of a syllable
			if slices.Min(levels[:4]) > -35 && math.Abs(levels[1]-levels[2]) > 0.6 {
				l.Errorf("from %.1f to %.1f dBov within 20 ms", levels[1], levels[2])
			}
		}
	})
}

// syllable is 300 ms of a tone and a pause of 200.
func syllable(freqHz, level float64) []int16 {
	return append(media.Tone(freqHz, level, 300*time.Millisecond), media.Silence(200*time.Millisecond)...)
}

// loudest is the level of a tone in the frame in which it is loudest.
func loudest(pcm []int16, freqHz float64) float64 {
	level := math.Inf(-1)
	for ; len(pcm) >= media.FrameSamples; pcm = pcm[media.FrameSamples:] {
		level = max(level, tone.Level(pcm[:media.FrameSamples], freqHz))
	}
	return level
}
