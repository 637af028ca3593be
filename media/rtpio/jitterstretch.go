package rtpio

import "github.com/ivrd/ivrd/media"

const (
	// minLag and maxLag bound what is put into or left out of a voice at once,
	// one or more of its periods: 2.5 to 15 ms.
	minLag = 20
	maxLag = 120
	// alike is how many samples are compared, and blended the number of those
	// over which one place of the voice goes over into the other.
	alike   = 80
	blended = 80
	// quiet is the mean amplitude below which all places are as good: -55 dBov.
	quiet = 58
	// A place in a voice is good when the two are correlated by a share; the
	// longer none is found, the less is asked for. There is no hurry to shrink:
	// for the first six seconds nothing but a pause is good enough, unless the
	// delay is longer than it need be by more than a frame.
	growFrom, growLess     = 0.8, 0.1  // at first, less at each try, one a tick
	shrinkFrom, shrinkLess = 2.0, 0.01 // one in three ticks
	shrinkPause            = 3
	// coolFrames lie between two changes.
	coolFrames = 2
)

// stretchable reports whether single samples of a codec mean something alone,
// so that a frame can be decoded, stretched and encoded in between others. Of
// other codecs whole frames are left out, or lost so that the decoder conceals.
func stretchable(c media.Codec) bool { return c == media.PCMU || c == media.PCMA }

// adapt hands out a frame that changes the delay towards what is wanted, when
// it can be done here without being heard.
func (j *jitterBuffer) adapt(dst *[frameSamples]byte) (kind FrameKind, done bool) {
	switch {
	case !stretchable(j.codec):
		return j.adaptFrames()
	case j.want > 0:
		return Sound, j.grow(dst)
	default:
		return Sound, j.shrink(dst)
	}
}

// adaptFrames adapts by a whole frame.
func (j *jitterBuffer) adaptFrames() (FrameKind, bool) {
	switch {
	case j.want >= frameSamples/2 && j.lastSound:
		j.want -= frameSamples
		j.count.waited += frameSamples
		j.cool = coolFrames
		return Lost, true
	case j.want <= -frameSamples:
		j.want += frameSamples
		j.count.dropped += j.pass(frameSamples)
		j.cool = coolFrames
	}
	return NoFrame, false
}

// grow says a period of the voice twice.
func (j *jitterBuffer) grow(dst *[frameSamples]byte) bool {
	var wire [maxLag + frameSamples]byte
	if !j.lastSound || j.heard != j.next || j.peek(wire[maxLag:], j.next) > 0 {
		return false
	}
	for i := range maxLag { // it was handed out, and is still there
		wire[i] = j.ring[(j.next-maxLag+uint32(i))%ringSamples]
	}
	var pcm [maxLag + frameSamples]int16
	j.codec.Decode(pcm[:], wire[:])
	lag := j.lag(pcm[:], maxLag, -1, growFrom-growLess*float32(j.tries))
	if lag == 0 {
		if j.gentle {
			j.cool = shrinkPause
		}
		return false
	}
	now, then := pcm[maxLag:], pcm[maxLag-lag:]
	j.blend(dst, now, then)
	j.count.played += j.pass(frameSamples - lag)
	j.count.stretched += uint64(lag)
	j.want = max(j.want-int32(lag), 0)
	j.changed()
	return true
}

// shrink leaves a period of the voice out.
func (j *jitterBuffer) shrink(dst *[frameSamples]byte) bool {
	if j.want > -j.least() {
		j.want = 0
		return false
	}
	var wire [frameSamples + maxLag]byte
	if j.peek(wire[:], j.next) > 0 {
		return false
	}
	var pcm [frameSamples + maxLag]int16
	j.codec.Decode(pcm[:], wire[:])
	lag := j.lag(pcm[:], 0, 1, shrinkFrom-shrinkLess*float32(j.tries)+float32(j.want+slack)/frameSamples)
	if lag == 0 {
		j.cool = shrinkPause
		return false
	}
	j.blend(dst, pcm[:], pcm[lag:])
	j.count.played += j.pass(frameSamples)
	j.count.squeezed += j.pass(lag)
	j.want += int32(lag)
	j.changed()
	return true
}

// least is what is worth a change, and the longest that may be looked for: between
// two places in a voice there is some choice.
func (j *jitterBuffer) least() int32 {
	if j.gentle {
		return minLag
	}
	return 2 * minLag
}

// changed notes a frame that was made here.
func (j *jitterBuffer) changed() {
	j.lastSound, j.heard = true, j.next
	j.cool, j.tries = coolFrames, 0
}

// blend goes from one place of the voice over into another, in the codec.
func (j *jitterBuffer) blend(dst *[frameSamples]byte, from, to []int16) {
	var pcm [frameSamples]int16
	copy(pcm[:], to)
	for i := range blended {
		pcm[i] = int16((int32(from[i])*int32(blended-i) + int32(to[i])*int32(i)) / blended)
	}
	j.codec.Encode(dst[:], pcm[:])
}

// lag finds by how many samples, forth or back, the voice from a position on
// resembles itself well enough; else it returns 0.
func (j *jitterBuffer) lag(pcm []int16, at, direction int, enough float32) int {
	most := min(maxLag, int(max(j.want, -j.want, j.least())))
	if loudness(pcm[at:at+frameSamples]) < quiet {
		return j.align(most, direction)
	}
	if j.gentle {
		return 0
	}
	if j.tries++; enough >= 1 {
		return 0
	}
	lag, _ := likest(pcm, at, direction, minLag, most, 2)
	lag, likeness := likest(pcm, at, direction, max(lag-1, minLag), min(lag+1, most), 1)
	if likeness < enough {
		return 0
	}
	return lag
}

// align is a lag after which frames begin where packets do, if there is one: so
// a packet that is lost is a frame that is lost.
func (j *jitterBuffer) align(most, direction int) int {
	lag := int(j.end-j.next) % frameSamples
	if direction < 0 {
		lag = frameSamples - lag
	}
	if lag < minLag || lag > most {
		return most
	}
	return lag
}

// likest is the lag of those from first to last, in steps, that is followed by
// what is most like what follows a position.
func likest(pcm []int16, at, direction, first, last, step int) (best int, most float32) {
	most = -2
	for lag := first; lag <= last; lag += step {
		if l := likeness(pcm[at:at+alike], pcm[at+direction*lag:], step); l > most {
			best, most = lag, l
		}
	}
	return best, most
}

func loudness(pcm []int16) int {
	sum := 0
	for _, s := range pcm {
		sum += max(int(s), -int(s))
	}
	return sum / len(pcm)
}

// likeness is the correlation of two places, on every step-th sample: at most 1.
func likeness(a, b []int16, step int) float32 {
	var cross, left, right float32
	for i := 0; i < len(a); i += step {
		x, y := float32(a[i]), float32(b[i])
		cross += x * y
		left += x * x
		right += y * y
	}
	return 2 * cross / (left + right + 1)
}
