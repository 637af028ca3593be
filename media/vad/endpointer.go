package vad

import (
	"cmp"
	"time"

	"github.com/ivrd/ivrd/media"
)

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
