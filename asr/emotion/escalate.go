package emotion

import (
	"cmp"
	"math"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/transcript"
)

// Defaults of an EscalationConfig.
const (
	DefaultHalfLife = 60 * time.Second
	DefaultRaise    = 0.5
	DefaultLower    = 0.25
)

// EscalationConfig says how an Escalation moves. The zero value has the defaults.
type EscalationConfig struct {
	// HalfLife is in what time of the call the level falls to a half.
	HalfLife time.Duration
	// Raise and Lower are the levels at which the signal goes up and down again; Raise must
	// be the higher one.
	Raise, Lower float64
}

// How much of the way to 1 an utterance may go, at full evidence: a single one does not
// raise the signal at its defaults. Excitement that nothing explains counts less: it
// may be joy, or a bad line.
const (
	angerStep, fearStep, arousalStep = 0.7, 0.7, 0.25
	// mostStep bounds them together.
	mostStep = 0.45
	// Less evidence than this is noise.
	leastEvidence = 0.1
)

// Terms are what a level is made of; their sum is the level.
type Terms struct {
	Anger   float64 `json:"anger"`
	Fear    float64 `json:"fear"`
	Arousal float64 `json:"arousal"`
}

func (t Terms) sum() float64 { return t.Anger + t.Fear + t.Arousal }

// Signal is what routing may take into account, as one reason among others.
type Signal struct {
	// Level is from 0 to 1.
	Level float64 `json:"level"`
	// Raised has hysteresis: it goes up at Raise, and down at Lower.
	Raised bool `json:"raised"`
	// Terms say why.
	Terms Terms `json:"terms"`
}

// Escalation follows one call: repeated anger or fear raises it, time lowers it. The zero
// Escalation is ready. It is not for use by several goroutines at once.
type Escalation struct {
	EscalationConfig

	terms  Terms
	raised bool
	last   media.Time
}

// Add takes what was said of an utterance that ended at a time of the call's clock.
func (e *Escalation) Add(at media.Time, em transcript.Emotion) Signal {
	e.decay(at)
	step := Terms{
		Anger:   angerStep * weigh(em, transcript.Anger),
		Fear:    fearStep * weigh(em, transcript.Fear),
		Arousal: arousalStep * floor(within(2*em.Arousal.Value-1)*within(em.Arousal.Confidence)),
	}
	if em.Label == transcript.Happiness {
		step.Arousal = 0
	}
	scale := 1 - e.terms.sum()
	if s := step.sum(); s > mostStep {
		scale *= mostStep / s
	}
	e.terms.Anger += scale * step.Anger
	e.terms.Fear += scale * step.Fear
	e.terms.Arousal += scale * step.Arousal
	return e.signal()
}

// At is the signal at a time of the call's clock. An earlier time than one before counts as
// that.
func (e *Escalation) At(at media.Time) Signal {
	e.decay(at)
	return e.signal()
}

// weigh a feeling, 0 to 1. A label's own confidence counts; what is no label counts
// by half of its share.
func weigh(em transcript.Emotion, f transcript.Feeling) float64 {
	w := within(em.Scores[f]) / 2
	if em.Label == f {
		w = within(em.Confidence)
	}
	return floor(w)
}

func floor(x float64) float64 {
	if x < leastEvidence {
		return 0
	}
	return x
}

// within 0 and 1; a model may say anything, NaN too.
func within(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	return min(x, 1)
}

func (e *Escalation) decay(at media.Time) {
	if at <= e.last {
		return
	}
	half := cmp.Or(e.HalfLife, DefaultHalfLife)
	k := math.Exp2(-(at - e.last).Duration().Seconds() / half.Seconds())
	e.last = at
	e.terms.Anger *= k
	e.terms.Fear *= k
	e.terms.Arousal *= k
}

func (e *Escalation) signal() Signal {
	level := within(e.terms.sum())
	switch {
	case level >= cmp.Or(e.Raise, DefaultRaise):
		e.raised = true
	case level <= cmp.Or(e.Lower, DefaultLower):
		e.raised = false
	}
	return Signal{Level: level, Raised: e.raised, Terms: e.terms}
}
