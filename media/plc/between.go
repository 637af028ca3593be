package plc

// minNext is how much of what follows a loss is needed to go back from it, and
// maxNext how much is of use: 10 and 20 ms.
const (
	minNext = 80
	maxNext = 160
)

// Between is Lost where it is known what follows: next, of any length, which
// begins after samples after the end of dst. What was said goes over into next
// repeated backwards, which ends in it without a step, so that nothing is left to
// blend when it comes. With less than 10 ms of next, and in a gap of more than
// 140 ms, in which either has died away before the other, Between is Lost.
func (c *Concealer) Between(dst []int16, after int, next []int16) {
	if len(next) < minNext*c.scale || c.run+len(dst)+after > 2*fadeEnd*c.scale {
		c.Lost(dst)
		return
	}
	c.start()
	next = next[:min(len(next), maxNext*c.scale)]
	b := backward{next: next, period: c.periodOf(next), left: len(dst) + after}
	slope := (1 - c.share) / float32(b.left+1)
	for i := range dst {
		c.share += slope
		s := c.next()
		dst[i] = clip(s + c.share*(b.sample()*c.gain(b.left)-s))
		b.left--
	}
	if after == 0 {
		c.share = 1
	}
	c.remember(dst)
}

// backward is a sound repeated before it begins.
type backward struct {
	next   []int16
	period int
	left   int // samples until it begins
}

// sample is the one that is left samples before the sound.
func (b *backward) sample() float32 {
	n := b.period / 4
	at := b.period - 1 - (b.left-1)%b.period
	s := float32(b.next[at])
	if at < n { // the end of a period goes over into the beginning of the next
		w := float32(at+1) / float32(n+1)
		s = w*s + (1-w)*float32(b.next[at+b.period])
	}
	if b.left <= n { // the step into the sound is spread
		step := float32(b.next[0]) - float32(b.next[b.period])
		s += step * float32(n+1-b.left) / float32(n+1)
	}
	return s
}

// periodOf is the lag at which the beginning of next resembles best what comes
// after it, found as by pitch.
func (c *Concealer) periodOf(next []int16) int {
	coarse := 2 * c.scale
	first, last := minPeriod*c.scale, min(maxPeriod*c.scale, len(next)*3/4)
	lag := c.likest(next, first, last, coarse)
	return c.likest(next, max(lag-coarse+1, first), min(lag+coarse-1, last), 1)
}

// likest tries the lags from first to last in steps, on every step-th sample,
// and returns the best.
func (c *Concealer) likest(next []int16, first, last, step int) int {
	lag, top := last, float32(-1)
	for l := last; l >= first; l -= step {
		var cross, now, then float32
		for i := 0; i < min(template*c.scale, len(next)-l); i += step {
			a, b := float32(next[i]), float32(next[i+l])
			cross += a * b
			now += a * a
			then += b * b
		}
		if score := signedSquare(cross) / (now*then + 1); score > top {
			lag, top = l, score
		}
	}
	return lag
}
