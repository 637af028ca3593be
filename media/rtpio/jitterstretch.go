package rtpio

import "github.com/ivrd/ivrd/media"

const (
	// minLag and maxLag bound what is put into or left out of a voice at once,
	// one or more of its periods: 2.5 to 15 ms.
	minLag = 20
	maxLag = 120
	// alike is how many samples are compared, and blended the number of those
	// over which one place of the voice goes over into the other.
	alike   = 100
	blended = 80
	// quiet is the mean amplitude below which all places are as good: -55 dBov.
	quiet = 58
	// A place is good when the two are correlated by this share; the longer none
	// is found, the less is asked for.
	correlated     = 0.8
	growPatience   = 0.1  // less at each try, one a tick
	shrinkPatience = 0.02 // less at each try, one in three ticks
	shrinkPause    = 3
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
	copy(wire[:maxLag], j.last[frameSamples-maxLag:])
	var pcm [maxLag + frameSamples]int16
	j.codec.Decode(pcm[:], wire[:])
	lag := j.lag(pcm[:], maxLag, -1, growPatience)
	if lag == 0 {
		return false
	}
	now, then := pcm[maxLag:], pcm[maxLag-lag:]
	j.blend(dst, now, then)
	j.count.played += j.pass(frameSamples - lag)
	j.count.stretched += uint64(lag)
	j.want = max(j.want-int32(lag), 0)
	j.changed(dst)
	return true
}

// shrink leaves a period of the voice out.
func (j *jitterBuffer) shrink(dst *[frameSamples]byte) bool {
	if j.want > -2*minLag {
		j.want = 0
		return false
	}
	var wire [frameSamples + maxLag]byte
	if j.peek(wire[:], j.next) > 0 {
		return false
	}
	var pcm [frameSamples + maxLag]int16
	j.codec.Decode(pcm[:], wire[:])
	lag := j.lag(pcm[:], 0, 1, shrinkPatience)
	if lag == 0 {
		j.cool = shrinkPause
		return false
	}
	j.blend(dst, pcm[:], pcm[lag:])
	j.count.played += j.pass(frameSamples)
	j.count.squeezed += j.pass(lag)
	j.want += int32(lag)
	j.changed(dst)
	return true
}

// changed notes a frame that was made here.
func (j *jitterBuffer) changed(dst *[frameSamples]byte) {
	j.last, j.lastSound, j.heard = *dst, true, j.next
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
// resembles itself; 0 when not well enough for the tries that there were.
func (j *jitterBuffer) lag(pcm []int16, at, direction int, patience float32) int {
	most := min(maxLag, max(int(max(j.want, -j.want)), 2*minLag))
	if loudness(pcm[at:at+frameSamples]) < quiet {
		return most
	}
	best, score := 0, float32(-1)
	try := func(lag int, step int) {
		if s := likeness(pcm[at:at+alike], pcm[at+direction*lag:], step); s > score {
			best, score = lag, s
		}
	}
	for lag := minLag; lag <= most; lag += 2 {
		try(lag, 2)
	}
	around := best
	score = -1
	for lag := max(around-1, minLag); lag <= min(around+1, most); lag++ {
		try(lag, 1)
	}
	j.tries++
	if score < correlated-patience*float32(j.tries-1) {
		return 0
	}
	return best
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
