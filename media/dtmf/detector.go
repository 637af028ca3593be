package dtmf

import (
	"math"
	"math/cmplx"

	"github.com/ivrd/ivrd/media"
)

// How sound is looked at: a window of 32 ms, moved on by blocks of 4 ms. A tone
// that fills all blocks of a window lasts 27 ms at least, and one of 36 ms
// fills them wherever it begins.
const (
	blockSamples  = 32
	windowBlocks  = 8
	windowSamples = windowBlocks * blockSamples
	phaseSamples  = windowSamples - blockSamples // two of them, a block apart, tell a frequency
)

// The limits lie between what ITU-T Q.24 wants accepted and refused.
const (
	minLevel     = -40.0 // of each tone, in dBm0
	maxReverse   = 0.1   // -10 dB: power of the high tone by that of the low one
	maxForward   = 4.0   // +6 dB
	maxDeviation = 0.025 // of a frequency
	// maxStretch is how far the interval of both tones may be from a key's. The
	// third and fourth harmonic of a high voice are within 2.5 % of the tones of *,
	// but their interval, a fourth, is 3.8 % wider.
	maxStretch  = 0.036
	minShare    = 0.8  // of all power, in the two tones
	maxOvertone = 0.03 // -15 dB: power of a voice's other harmonics by the weaker tone's
	apart       = 80   // Hz between tones that a window tells apart
	minSteady   = 0.35 // the weakest block's energy by the strongest one's
	quiet       = 0.25 // of a key's energy, below which a block belongs to a pause
)

const (
	// pauseBlocks of quiet end a key: 28 ms. A lost frame is no pause.
	pauseBlocks = 7
	// doubtBlocks end a key that is not found any more although it is not quiet:
	// 200 ms, in which whatever is heard over the key may pass.
	doubtBlocks = 50
)

// Detector finds keys in sound: tones as ITU-T Q.23 has them. Of the values
// that administrations give in Q.24 it keeps those of AT&T, and the Danish ones
// where they are stricter:
//
//   - frequencies within ±(1.5 % + 2 Hz) are accepted, from ±3.5 % on refused;
//   - the high tone may have from 8 dB less to 4 dB more power than the low
//     one; from -12 and +8 dB on it is refused;
//   - tones of -36 dBm0 or more each are accepted, up to all that the codec
//     holds (two of -3 dBm0), and refused below -44 dBm0;
//   - keys of 40 ms are accepted, of 23 ms refused;
//   - a pause of 40 ms separates two keys, an interruption of 20 ms does not.
//
// Against speech: the two tones must have four fifths of all power through the
// whole window, be steady in it, and not be two harmonics of a voice.
//
// A key is reported where it begins, as a telephone-event is: once it has
// lasted for 32 ms, so that a prompt stops before the finger has left the key.
//
// The zero Detector is ready. Its methods do not allocate.
type Detector struct {
	samples [windowSamples]int16
	filled  int                   // samples of the newest block
	energy  [windowBlocks]float64 // per sample, oldest first; lost when unknown

	key    byte    // that is held; 0 for none
	level  float64 // its energy
	pause  int     // blocks of quiet in a row
	unsure int     // blocks lost since the last one that came
	doubt  int     // blocks since it was found last
}

// lost is the energy of a block that has not come.
const lost = -1

// Frame takes the next 20 ms: 160 samples at 8 kHz, or nil for a frame that was
// lost on the line, which neither ends a key nor makes one. It returns a key
// that has begun.
func (d *Detector) Frame(pcm []int16) (key byte, ok bool) {
	if pcm == nil {
		d.miss()
		return 0, false
	}
	for len(pcm) > 0 {
		n := copy(d.samples[windowSamples-blockSamples+d.filled:], pcm)
		pcm = pcm[n:]
		if d.filled += n; d.filled < blockSamples {
			break
		}
		if k := d.block(); k != 0 {
			key, ok = k, true
		}
		d.shift()
	}
	return key, ok
}

// Reset forgets what was heard: a new source begins.
func (d *Detector) Reset() { *d = Detector{} }

// shift makes room for the next block.
func (d *Detector) shift() {
	copy(d.samples[:], d.samples[blockSamples:])
	copy(d.energy[:], d.energy[1:])
	d.filled = 0
}

func (d *Detector) miss() {
	for range media.FrameSamples / blockSamples {
		d.energy[windowBlocks-1] = lost
		d.unsure++
		d.shift()
	}
}

// block judges the newest block and returns a key that has begun with it.
func (d *Detector) block() byte {
	e := energy(d.samples[windowSamples-blockSamples:])
	d.energy[windowBlocks-1] = e
	d.follow(e)
	found := d.find()
	if found == 0 {
		return 0
	}
	began := found != d.key
	d.key, d.level, d.doubt = found, mean(d.energy[:]), 0
	if began {
		return found
	}
	return 0
}

// follow ends the key that is held when it should. What was lost beside a quiet
// block was quiet as well, else a loss would make two keys one.
func (d *Detector) follow(e float64) {
	if e < quiet*d.level {
		d.pause += 1 + d.unsure
	} else {
		d.pause = 0
	}
	d.unsure = 0
	d.doubt++
	if d.pause >= pauseBlocks || d.doubt >= doubtBlocks {
		d.key = 0
	}
}

// find names the key that fills the window; 0 for none.
func (d *Detector) find() byte {
	if !d.steady() {
		return 0
	}
	var y [windowSamples]float64
	weigh(y[:], d.samples[:], windowHann[:])
	total := power(y[:])
	lows, highs := bank(&y, &lowFactors), bank(&y, &highFactors)
	low, high := strongest(lows), strongest(highs)
	if lows[low]+highs[high] < minShare/4*total { // a tone at the edge of its tolerance has lost 4 dB here
		return 0
	}
	if keyOf(low, high) == d.key {
		return d.key // it goes on: that was proved when it began
	}
	lowOff, highOff := d.measure(lowTones[low]), d.measure(highTones[high])
	if max(math.Abs(lowOff), math.Abs(highOff)) > maxDeviation || math.Abs(highOff-lowOff) > maxStretch {
		return 0
	}
	if !isPair(y[:], total, lowTones[low]*(1+lowOff), highTones[high]*(1+highOff)) {
		return 0
	}
	return keyOf(low, high)
}

// steady reports whether a sound of one strength fills the window.
func (d *Detector) steady() bool {
	least, most := d.energy[0], d.energy[0]
	for _, e := range d.energy[1:] {
		least, most = min(least, e), max(most, e)
	}
	return least >= minPower && least >= minSteady*most
}

// measure finds how far the tone near a frequency is from it, as a share of it,
// by the phases of two windows.
func (d *Detector) measure(freq float64) float64 {
	var y [phaseSamples]float64
	weigh(y[:], d.samples[:phaseSamples], phaseHann[:])
	a := goertzel(y[:], freq)
	weigh(y[:], d.samples[blockSamples:], phaseHann[:])
	b := goertzel(y[:], freq)
	turn := cmplx.Phase(b * cmplx.Conj(a) * cmplx.Rect(1, -radians(freq)*blockSamples))
	return turn / blockSamples / radians(freq)
}

// isPair judges the two tones by their true frequencies.
func isPair(y []float64, total, lowFreq, highFreq float64) bool {
	low, high := toneAt(y, lowFreq), toneAt(y, highFreq)
	switch {
	case low < minPower || high < minPower:
		return false
	case high < maxReverse*low || high > maxForward*low:
		return false
	case low+high < minShare*total:
		return false
	}
	return !isVoice(y, lowFreq, highFreq, min(low, high))
}

// isVoice looks for what a voice has beside two of its harmonics: their own
// harmonics, and the fundamental of which they are the third and the fourth.
func isVoice(y []float64, lowFreq, highFreq, weaker float64) bool {
	pitch := highFreq - lowFreq
	for _, f := range [...]float64{pitch, 2 * pitch, 2 * lowFreq, 2 * highFreq} {
		// The window cannot tell apart what is near a tone.
		if math.Abs(f-lowFreq) > apart && math.Abs(f-highFreq) > apart && toneAt(y, f) > maxOvertone*weaker {
			return true
		}
	}
	return false
}
