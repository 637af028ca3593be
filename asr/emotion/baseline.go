package emotion

import "math"

// trait is a feature by which a caller is compared with themselves.
type trait uint8

const (
	traitPitch trait = iota
	traitPitchSD
	traitLevel
	traitRate
	traitSlope
	numTraits
)

// scales say how far a trait of one person moves between calm utterances, one standard
// deviation, before we know it of this person; and how much of arousal a standard
// deviation is worth. Both are set by hand: signs and order are what the literature on
// vocal arousal agrees on, the sizes are a choice.
var scales = [numTraits]struct{ sd, weight float64 }{
	traitPitch:   {1.5, 0.35}, // semitones
	traitPitchSD: {1.0, 0.15}, // semitones
	traitLevel:   {2.5, 0.30}, // dB
	traitRate:    {0.8, 0.20}, // per second
	traitSlope:   {2.0, 0.15}, // dB per kHz: an effort makes the spectrum flatter
}

func traits(f *Features) [numTraits]float64 {
	return [numTraits]float64{f.Pitch, f.PitchSD, f.Level, f.Rate, f.Slope}
}

const (
	// mostZ bounds what a single trait can say, in standard deviations.
	mostZ = 2.5
	// adaptTime is the speech, in seconds, in which a learnt baseline follows by two
	// thirds; adaptZ bounds an utterance's pull, so that shouting hardly becomes the usual.
	adaptTime, adaptZ = 180, 1
	// leastBaseline is the speech in seconds before anything is said about arousal.
	leastBaseline = 3
	// steepness makes arousal 0.73 of a weighted standard deviation of one.
	steepness = 1
)

// baseline is how a caller usually speaks.
type baseline struct {
	speech float64 // seconds heard
	usual  [numTraits]struct{ mean, m2 float64 }
}

// add an utterance; full is the speech in seconds after which it only adapts.
func (b *baseline) add(f *Features, full float64) {
	seconds := f.Speech.Duration().Seconds()
	for t, x := range traits(f) {
		u := &b.usual[t]
		d := x - u.mean
		if b.speech < full {
			u.mean += d * seconds / (b.speech + seconds)
			u.m2 += seconds * d * (x - u.mean)
			continue
		}
		pull := adaptZ * b.sd(trait(t))
		u.mean += max(-pull, min(d, pull)) * (1 - math.Exp(-seconds/adaptTime))
	}
	if b.speech < full {
		b.speech += seconds
	}
}

// priorTime is how many seconds of speech the first guess at a deviation is worth.
const priorTime = 15

// sd of a trait, by what was expected and what was heard.
func (b *baseline) sd(t trait) float64 {
	prior := scales[t].sd
	return math.Sqrt((prior*prior*priorTime + b.usual[t].m2) / (priorTime + b.speech))
}

// arousal of an utterance against the baseline, 0 to 1, 0.5 being the usual.
func (b *baseline) arousal(f *Features) float64 {
	var sum float64
	for t, x := range traits(f) {
		z := (x - b.usual[t].mean) / b.sd(trait(t))
		sum += scales[t].weight * max(-mostZ, min(z, mostZ))
	}
	return 1 / (1 + math.Exp(-steepness*sum))
}

// knowledge of the caller, 0 to 1.
func (b *baseline) knowledge(full float64) float64 {
	if b.speech < leastBaseline {
		return 0
	}
	return min(b.speech/full, 1)
}
