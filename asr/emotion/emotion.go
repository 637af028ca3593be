// Package emotion guesses from voice and words how a caller feels, and says how little
// of that it knows: a label may be unknown, names its method, and its confidence may
// be low. docs/emotion.md says what it can and cannot tell.
//
// An Analyser hears one caller frame by frame and compares each utterance with the
// caller's own first seconds of speech. An Escalation follows a call. Both are pure: no
// clock, no goroutines, nothing that waits. A Model may judge in their place
// (asr/emotion/remote asks one over HTTP).
package emotion

import (
	"cmp"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/transcript"
)

// Defaults of a Config.
const (
	DefaultBaseline  = 12 * time.Second
	DefaultMinVoiced = 400 * time.Millisecond
)

// Config of an Analyser. The zero Config has the defaults.
type Config struct {
	// Baseline is how much speech of the caller makes the usual that later speech is
	// compared with; 10 to 15 s. Until 3 s are heard nothing is said of arousal.
	Baseline time.Duration
	// MinVoiced is the least voiced sound in an utterance of which anything is said.
	MinVoiced time.Duration
}

// keptFrames are 30 s; of a longer utterance its end is judged.
const keptFrames = 30 * 50

// Result is what is said of one utterance.
type Result struct {
	From, To media.Time
	Emotion  transcript.Emotion
	Features Features
}

// Analyser follows one talker. It is not for use by several goroutines at once.
type Analyser struct {
	cfg      Config
	ear      ear
	baseline baseline
	frames   [keptFrames]frame // by number of the frame
	next     int64             // number of the next frame
	begun    bool
}

// New returns an Analyser for one talker. It takes some 25 kB.
func New(cfg Config) *Analyser {
	cfg.Baseline = cmp.Or(cfg.Baseline, DefaultBaseline)
	cfg.MinVoiced = cmp.Or(cfg.MinVoiced, DefaultMinVoiced)
	return &Analyser{cfg: cfg, ear: ear{tables: shared()}}
}

// Reset forgets all, the baseline too: another person talks.
func (a *Analyser) Reset() { *a = Analyser{cfg: a.cfg, ear: ear{tables: a.ear.tables}} }

// Frame takes 20 ms that begin at a time of the call's clock: 160 samples at 8 kHz. A frame
// that is lost is left out, whatever pcm holds; so is one that never comes. Frames come
// in order: an older one is ignored. It does not allocate.
func (a *Analyser) Frame(at media.Time, pcm []int16, lost bool) {
	n := int64(at / media.FrameSamples)
	if at < 0 || a.begun && n < a.next {
		return
	}
	if gap := n - a.next; a.begun && gap > 0 {
		a.ear.hear(nil)
		for i := max(a.next, n-keptFrames); i < n; i++ {
			a.frames[i%keptFrames] = frame{}
		}
	}
	if lost {
		pcm = nil
	}
	a.frames[n%keptFrames] = a.ear.hear(pcm)
	a.next, a.begun = n+1, true
}

// Features of what was heard from one time to another, as far as it is kept (30 s).
func (a *Analyser) Features(from, to media.Time) Features {
	var s summary
	if a.begun {
		first := max(int64(from)/media.FrameSamples, a.next-keptFrames, 0)
		for n := first; n < min(int64(to)/media.FrameSamples, a.next); n++ {
			s.add(&a.frames[n%keptFrames])
		}
	}
	return s.features()
}

// Utterance judges what was heard from one time to another, and what was said there as
// far as it is known: text may be empty. It is to be called once for each utterance, in
// order: each is compared with those before, and then becomes part of them.
func (a *Analyser) Utterance(from, to media.Time, text string) Result {
	r := Result{From: from, To: to, Features: a.Features(from, to)}
	f := &r.Features
	enough := f.Voiced >= media.TimeOf(a.cfg.MinVoiced)
	full := a.cfg.Baseline.Seconds()
	e := evidence{words: read(text)}
	if enough {
		e.arousal = transcript.Measure{Value: a.baseline.arousal(f), Confidence: a.baseline.knowledge(full) * trust(f)}
		a.baseline.add(f, full)
	}
	if e.arousal.Confidence == 0 {
		e.arousal.Value = 0.5
	}
	r.Emotion = e.judge(enough)
	return r
}

// trust in the features of one utterance, 0 to 1: it was long enough, and was not lost.
func trust(f *Features) float64 {
	const enough = 1.5 // seconds of voice
	whole := float64(f.Heard) / float64(f.Heard+f.Lost)
	return min(f.Voiced.Duration().Seconds()/enough, 1) * whole * whole
}
