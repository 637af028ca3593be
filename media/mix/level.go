package mix

import "math"

// Speech is brought to between LevelLow and LevelHigh, in dBov (active level; 0
// dBov is a full-scale square wave), as far as a gain of MaxGain dB up or down
// does it: from between -32 and -12 dBov. ITU-T P.56 has a nominal level of -26
// for speech in 16 bits; agents' headsets come in at about -20.
const (
	LevelLow  = -24.0
	LevelHigh = -20.0
	MaxGain   = 8.0
)

const (
	// gate in dBov: what is softer is not speech, and neither is what is not
	// gateOver dB above the noise.
	gate     = -45.0
	gateOver = 10.0
	// The noise is the softest frame; it may get louder by so much a frame: 1.5
	// dB a second, which speech outlives until it pauses.
	noiseRise = 0.03
	noiseLow  = -70.0
	// The level follows louder speech with 200 ms, softer with 2 s.
	levelAttack  = 1.0 / 10
	levelRelease = 1.0 / 100
	// The gain falls by 12 dB a second at most and rises by 3; only while somebody
	// speaks.
	gainFall = 0.24
	gainRise = 0.06
)

// leveller is an automatic gain that measures speech, once a frame.
type leveller struct {
	heard bool    // noise is known
	spoke bool    // level is
	noise float64 // dBov
	level float64 // of speech, in dBov
	db    float64
	over  float32 // the gain less one
}

// hear moves the gain by what a frame needs.
func (l *leveller) hear(pcm []int16) {
	p := power(pcm)
	if !l.active(p) {
		return
	}
	if !l.spoke {
		l.spoke, l.level = true, min(max(p, LevelLow), LevelHigh)
	}
	if p > l.level {
		l.level += (p - l.level) * levelAttack
	} else {
		l.level += (p - l.level) * levelRelease
	}
	want := min(max(l.level, LevelLow), LevelHigh) - l.level
	step := min(max(want, -MaxGain), MaxGain) - l.db
	if step = min(max(step, -gainFall), gainRise); step != 0 {
		l.db += step
		l.over = float32(math.Pow(10, l.db/20)) - 1
	}
}

// active reports whether a frame of p dBov is speech.
func (l *leveller) active(p float64) bool {
	if !l.heard || p < l.noise {
		l.heard, l.noise = true, max(p, noiseLow)
	} else {
		l.noise += noiseRise
	}
	return p > gate && p > l.noise+gateOver
}

// power in dBov; -Inf for digital silence.
func power(pcm []int16) float64 {
	var sum int64
	for _, v := range pcm {
		sum += int64(v) * int64(v)
	}
	return 10 * math.Log10(float64(sum)/float64(len(pcm))/(1<<30))
}
