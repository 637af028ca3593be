// Package vad tells speech from what else a telephone line carries: noise, hum,
// clicks, tones, and the echo of what we sent. A Detector judges frames of 20 ms, an
// Endpointer makes of its verdicts where speech begins and ends.
//
// A voice is what stands out from the tracked noise, repeats itself with a pitch of
// 60 to 400 Hz, and does not stay as it is. Music and other people in the room are
// voices, too; who whispers is not heard.
package vad

import (
	"cmp"
	"math"
	"time"

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

// Defaults of an Endpointer.
const (
	DefaultMinSpeech  = 100 * time.Millisecond
	DefaultSilenceEnd = 700 * time.Millisecond
	// PauseAfter is how much silence is told as a pause.
	PauseAfter = 300 * time.Millisecond
)

// EventKind tells events apart.
type EventKind uint8

// The events. Suspected is followed by Denied or Began.
const (
	Began EventKind = iota + 1
	Ended
	Suspected // something is loud that may become speech
	Denied    // it has not
	Paused    // speech may go on
)

// Event is where speech, or what may become it, began or ended.
type Event struct {
	Kind EventKind
	At   media.Time
}

// Endpointer finds where speech begins and ends. Its clock is that of the frames. The
// zero Endpointer is ready; its methods do not allocate.
type Endpointer struct {
	// MinSpeech is how long it must last until it is said to have begun; 0 means
	// DefaultMinSpeech. Two thirds of it must be voiced beyond
	// doubt, or more where there is some.
	MinSpeech time.Duration
	// SilenceEnd is how long it must be over until it is said to have ended; 0 means
	// DefaultSilenceEnd.
	SilenceEnd time.Duration

	speaking  bool
	suspected bool
	calm      int // frames since it was loud, while suspected
	burst     burst
	last      media.Time // end of the last frame of speech
	quiet     media.Time // since then, without what was lost
	talk      media.Time
}

// burst is what may become speech.
type burst struct {
	on         bool
	rose       media.Time // it is loud since
	loud       int        // frames that are
	gap        int        // frames that are not
	voiced     float32    // samples of voice, by their scores
	first, end media.Time // of the voices
}

// burstGap frames, or more, end a burst: a stop consonant lasts 60 ms.
const burstGap = 4

// mostly is the part of MinSpeech that must be voiced.
const mostly = 0.65

// suspicion is how many loud frames it takes, one of them voiced, and without any; calms
// are the frames that must be quiet until it was none.
const suspicion, suspicionUnvoiced, calms = 3, 5, 10

// onset is how much may come before the first vowel.
const onset = media.Time(media.SampleRate / 5)

// Frame takes the verdict on the frame that begins at a time. Events tell where, a
// little ago, speech has begun or ended. What was lost neither begins nor ends it.
func (e *Endpointer) Frame(at media.Time, v Verdict) (Event, bool) {
	switch {
	case v.Kind == Lost:
		return Event{}, false
	case e.speaking:
		return e.goOn(at, v)
	}
	if !e.burst.add(at, v) || !e.begins(at) {
		return e.suspect(at, v)
	}
	start, now := e.burst.start(), at+media.FrameSamples
	e.burst, e.suspected = burst{}, false
	e.speaking, e.last, e.quiet = true, now, 0
	e.talk += now - start
	return Event{Began, start}, true
}

// begins reports whether the burst has become speech.
func (e *Endpointer) begins(at media.Time) bool {
	least := media.TimeOf(cmp.Or(e.MinSpeech, DefaultMinSpeech))
	return at+media.FrameSamples-e.burst.start() >= least && float64(e.burst.voiced) >= mostly*float64(least)
}

// suspect tells of a burst as soon as it may become speech, and when it has not.
func (e *Endpointer) suspect(at media.Time, v Verdict) (Event, bool) {
	switch {
	case !e.suspected:
		if b := &e.burst; v.Loud && b.suspicious() {
			e.suspected, e.calm = true, 0
			return Event{Suspected, b.rose}, true
		}
	case v.Loud:
		e.calm = 0
	default:
		if e.calm++; e.calm >= calms {
			e.suspected = false
			return Event{Denied, at - (calms-1)*media.FrameSamples}, true
		}
	}
	return Event{}, false
}

// goOn takes a frame while somebody speaks.
func (e *Endpointer) goOn(at media.Time, v Verdict) (Event, bool) {
	now := at + media.FrameSamples
	if v.Kind == Voice || v.Loud && v.Speech {
		if at-e.last > hangover*media.FrameSamples {
			e.last = at // that was a pause
		}
		e.talk += now - e.last
		e.last, e.quiet = now, 0
		return Event{}, false
	}
	e.quiet += media.FrameSamples
	if e.quiet == media.TimeOf(PauseAfter) {
		return Event{Paused, e.last}, true
	}
	if e.quiet < media.TimeOf(cmp.Or(e.SilenceEnd, DefaultSilenceEnd)) {
		return Event{}, false
	}
	e.speaking = false
	return Event{Ended, e.last}, true
}

// Speaking reports whether speech has begun and not ended.
func (e *Endpointer) Speaking() bool { return e.speaking }

// Talk is how much speech there has been, without its pauses of more than 200 ms.
func (e *Endpointer) Talk() media.Time { return e.talk }

// Reset forgets what has not become speech; of what has, it returns the end.
func (e *Endpointer) Reset() (Event, bool) {
	was := e.speaking
	e.speaking, e.suspected, e.burst = false, false, burst{}
	return Event{Ended, e.last}, was
}

// add reports whether the frame is voiced.
func (b *burst) add(at media.Time, v Verdict) bool {
	switch {
	case v.Kind == Tone || v.Kind == Echo:
		*b = burst{}
		return false
	case !v.Loud:
		if b.gap++; b.gap >= burstGap {
			*b = burst{}
		}
		return false
	case !b.on:
		*b = burst{on: true, rose: at}
	}
	b.gap = 0
	b.loud++
	if v.Kind != Voice {
		return false
	}
	if b.voiced == 0 || at-b.end > onset {
		b.voiced, b.first = 0, at
	}
	b.voiced += media.FrameSamples * v.Score
	b.end = at + media.FrameSamples
	return true
}

func (b *burst) suspicious() bool {
	return b.loud >= suspicionUnvoiced || b.loud >= suspicion && b.voiced > 0
}

// start is where the speech in a burst began: noise may have come before.
func (b *burst) start() media.Time { return max(b.rose, b.first-onset) }
