// Package vad tells speech from what else a telephone line carries: noise, hum,
// clicks, tones, and the echo of what we sent. A Detector judges frames of 20 ms, an
// Endpointer makes of its verdicts where speech begins and ends.
//
// A voice is what stands out from the tracked noise, repeats itself with a pitch of
// 60 to 400 Hz, and does not stay as it is. Music and other people in the room are
// voices, too; who whispers is not heard.
package vad

import (
	"math"

	"github.com/ivrd/ivrd/media"
)

// Kind is what a frame holds.
type Kind uint8

// The kinds.
const (
	Noise Kind = iota // or silence, or what a talker does between vowels
	Voice
	Tone // of the telephone: keys, ringing, busy
	Echo // of what we have sent
	Lost // nothing is known
)

// Nothing is the level of silence and of no frame, in dBov.
const Nothing = -100

// Verdict is what is said of a frame of 20 ms.
type Verdict struct {
	Kind Kind
	// Loud: it stands out from the noise, and is neither tone nor echo.
	Loud bool
	// Speech: it has a voice, or comes up to 200 ms after some.
	Speech bool
	// Score is from 0 to 1: how much the frame is like a voice.
	Score float32
	// Level is the power in dBov (RFC 6465 §3), or Nothing.
	Level float32
}

// The limits, by frames of 12 voices of espeak-ng and 4 people in five noises.
const (
	// dB by which the two best bands of a loud frame stand out: at first, and while
	// somebody speaks.
	standsOut, goesOn = 5, 3

	// In dBov: the least noise that is believed in, in a band, and what is expected
	// before any was heard.
	quietest, expected = -66, -55

	// How the noise follows the level, in parts of the difference a frame: down, up,
	// and up while somebody speaks. The noise after a step of 20 dB is known
	// within 3 dB after 360 ms.
	fall, rise, creep = 0.25, 0.1, 0.01

	// A score of one half needs a periodicity of 0.5 at 20 dB over the noise, and of
	// 0.68 at 5 dB. That of noise is below 0.55, of babble below 0.65.
	perDecibel, perPeriodicity    = 0.12, 10
	halfDecibels, halfPeriodicity = 12, 0.6

	// A talker goes on rather than another begins: worth a periodicity of 0.1.
	going = 1

	// What two sines leave unexplained of a telephone's tones is below 0.001 in G.711,
	// of voices above 0.002 in 24 of 25 frames. What is between may be a tone in noise
	// 25 dB below: it does not begin speech.
	pure, doubtful = 0.002, 0.008

	// Machines keep their level, or nearly so and their colour, in dB.
	steadyLevel, nearlySteady, steadyColour = 0.15, 0.5, 1.2

	hangover     = 10 // frames after a voice
	enoughVoices = 3  // frames, to have a hangover
)

// Detector judges one stream. The zero Detector is ready; its methods do not
// allocate.
type Detector struct {
	analyser

	noise  [numBands]float32 // dBov
	heard  bool
	voices int // of the last frames
	hang   int // frames that are left of the hangover

	echo *echo // nil while nothing was sent
}

// Reset forgets what was heard: a new source begins.
func (d *Detector) Reset() { *d = Detector{} }

// Sent tells what goes to the peer: 20 ms, or nil for silence. Where it is called, it is
// called once before each Frame. What comes back of it within 480 ms is no speech; how
// much that may be is learnt within the first half second. The first call with sound
// allocates what the others need.
func (d *Detector) Sent(pcm []int16) {
	switch {
	case d.echo != nil:
		d.echo.send(pcm)
	case pcm != nil:
		d.echo = new(echo)
		d.echo.send(pcm)
	}
}

// Shift tells by how many samples later the peer's sound comes than it did before, or
// earlier where it is negative: the jitter buffer's delay has changed.
func (d *Detector) Shift(samples int) {
	if d.echo != nil && samples != 0 {
		d.echo.shift(samples)
	}
}

// Doubt lets all be forgotten that was learnt of the line's echo: what was taken for
// speech was none.
func (d *Detector) Doubt() {
	if d.echo != nil {
		d.echo.forget()
	}
}

// Frame judges 20 ms of sound: 160 samples at 8 kHz, or nil for what was lost on the
// line, which changes nothing.
func (d *Detector) Frame(pcm []int16) Verdict {
	if len(pcm) < media.FrameSamples {
		return Verdict{Kind: Lost, Speech: d.hang > 0, Level: Nothing}
	}
	var w work
	f := d.take(pcm, &w)
	if !d.heard {
		d.heard = true
		for b := range d.noise {
			d.noise[b] = expected
		}
	}
	v := Verdict{Level: f.level}
	var beyond [echoBands]float32
	echoes := false
	if d.echo != nil {
		beyond, echoes = d.echo.beyond(&f, &w)
	}
	if over := d.over(&f, nil); d.loud(over) {
		if echoes {
			over = d.over(&f, &beyond)
		}
		v.Kind, v.Score = d.judge(&w, &f, over)
		v.Loud = v.Kind <= Voice
	}
	d.follow(&f, v.Kind)
	v.Speech = d.extend(v.Kind)
	return v
}

// Level of a frame in dBov, for AddFar.
func Level(pcm []int16) float32 {
	var sum float32
	for _, s := range pcm {
		sum += float32(s) * float32(s)
	}
	return decibels(sum / (float32(max(len(pcm), 1)) * fullScale))
}

func (d *Detector) loud(over float32) bool {
	return over > standsOut || d.hang > 0 && over > goesOn
}

// over is how far the two best bands stand out from the noise, in dB, none further than
// from the echo. The lowest band belongs to hum and cars.
func (d *Detector) over(f *features, echo *[echoBands]float32) float32 {
	var first, second float32
	for b := 1; b < numBands; b++ {
		s := f.bands[b] - d.noise[b]
		if echo != nil {
			s = min(s, echo[max(b-2, 0)])
		}
		if s > first {
			first, second = s, first
		} else if s > second {
			second = s
		}
	}
	return (first + second) / 2
}

// judge is the dear part, for what is loud only; over counts from noise and echo.
func (d *Detector) judge(w *work, f *features, over float32) (Kind, float32) {
	if !d.loud(over) {
		return Echo, 0
	}
	switch rest := w.sines(); {
	case rest < pure:
		return Tone, 0
	case rest < doubtful && d.hang == 0:
		return Noise, 0
	}
	if f.step < steadyLevel || f.step < nearlySteady && f.colour < steadyColour {
		return Noise, 0
	}
	x := perDecibel*(min(over, 20)-halfDecibels) + perPeriodicity*(w.periodicity()-halfPeriodicity)
	if d.hang > 0 {
		x += going
	}
	score := logistic(x)
	if score < 0.5 {
		return Noise, score
	}
	return Voice, score
}

func logistic(x float32) float32 { return 1 / (1 + float32(math.Exp(-float64(x)))) }

// follow learns the noise.
func (d *Detector) follow(f *features, k Kind) {
	up := float32(rise)
	switch {
	case k > Voice:
		up = 0
	case k == Voice || d.hang > 0:
		up = creep
	}
	for b, l := range f.bands {
		if l = max(l, quietest); l < d.noise[b] {
			d.noise[b] += fall * (l - d.noise[b])
		} else {
			d.noise[b] += up * (l - d.noise[b])
		}
	}
}

// extend speech beyond its vowels. A single frame that is like a voice has no
// hangover.
func (d *Detector) extend(k Kind) bool {
	if k == Voice {
		if d.voices = min(d.voices+1, enoughVoices); d.voices == enoughVoices {
			d.hang = hangover
		}
		return true
	}
	d.voices = max(d.voices-1, 0)
	d.hang = max(d.hang-1, 0)
	return d.hang > 0
}
