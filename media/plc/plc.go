// Package plc conceals lost packets: it fills what is missing of a stream of
// PCM with what the voice would probably have gone on to say, so that a gap of
// a frame or two is hardly heard and a longer one fades to silence.
//
// The method is waveform substitution by pitch, as ITU-T G.711 Appendix I has
// it, without that one's delay of 3.75 ms: sound that comes passes at once and
// bit-exact; only the beginning of the first frame after a loss is changed. Where
// that frame is known before it is its turn, the gap is filled from both ends, and
// nothing is changed.
package plc

import "math"

// All lengths are in samples at 8 kHz; a Concealer scales them by its rate.
const (
	minPeriod = 30  // 3.75 ms: higher voices are repeated by several of their periods
	maxPeriod = 120 // 15 ms
	maxCycles = 3   // periods that are repeated together at last
	// template is how much of the newest sound is compared with what was before:
	// little, so that it is the newest period that counts.
	template = 48
	past     = maxCycles*maxPeriod + maxPeriod/4
	maxScale = 2 // 16 kHz

	growth    = 160 // one period more is repeated each 20 ms
	fadeStart = 80  // full loudness until then
	fadeEnd   = 560 // silence from there: 70 ms
)

// Concealer conceals the losses of one stream. The zero value is not ready: use
// New or Reset. It holds under 4 kB, allocates nothing, and is used by one
// goroutine.
type Concealer struct {
	scale   int
	history [maxScale * past]int16 // what was handed out, newest last

	// Of the loss that goes on.
	run    int                    // samples concealed
	before [maxScale * past]int16 // the history when it began
	period int
	cycles int // periods in the loop
	pos    int // in the loop
	step   float32
	fade   int     // samples left of the change from the loop of one period less
	oldPos int     // in that one
	share  float32 // of what follows in the newest sound
}

// New makes a Concealer for PCM at a rate of 8000 or 16000 Hz.
func New(rate int) *Concealer {
	c := new(Concealer)
	c.Reset(rate)
	return c
}

// Reset forgets all sound and sets the rate, 8000 or 16000 Hz; any other counts
// as the nearer of the two.
func (c *Concealer) Reset(rate int) {
	*c = Concealer{scale: 1}
	if rate >= 12000 {
		c.scale = maxScale
	}
}

// Good takes a frame that came, of any length. After a loss its first samples,
// at most 4 ms, are blended in place with what was made up.
func (c *Concealer) Good(frame []int16) {
	if c.run > 0 {
		if c.share < 1 {
			c.merge(frame)
		}
		c.run = 0
	}
	c.remember(frame)
}

// Lost fills dst, of any length, for sound that did not come.
func (c *Concealer) Lost(dst []int16) {
	c.start()
	for i := range dst {
		dst[i] = clip(c.next())
	}
	c.remember(dst)
}

func (c *Concealer) remember(frame []int16) {
	h := c.history[:past*c.scale]
	if n := len(frame); n < len(h) {
		copy(h, h[n:])
	} else {
		frame = frame[n-len(h):]
	}
	copy(h[len(h)-len(frame):], frame)
}

// start begins a loss, if none goes on.
func (c *Concealer) start() {
	if c.run == 0 {
		c.begin()
	}
}

// begin looks at what was said before the loss.
func (c *Concealer) begin() {
	c.before = c.history
	c.share = 0
	c.period = c.pitch()
	c.cycles, c.pos, c.fade = 1, 0, 0
	h := c.before[:past*c.scale]
	c.step = float32(h[len(h)-1]) - float32(h[len(h)-1-c.period])
}

// overlap is how many samples two ways of going on are blended over.
func (c *Concealer) overlap() int { return c.period / 4 }

// next is the sample that goes on.
func (c *Concealer) next() float32 {
	if c.run >= fadeEnd*c.scale {
		c.run++
		return 0
	}
	if c.cycles < maxCycles && c.run == c.cycles*growth*c.scale {
		c.cycles++
		c.oldPos, c.fade = c.pos, c.overlap()
	}
	s := c.loop(c.cycles, &c.pos)
	if c.fade > 0 {
		w := float32(c.fade) / float32(c.overlap()+1)
		s += w * (c.loop(c.cycles-1, &c.oldPos) - s)
		c.fade--
	}
	if n := c.overlap(); c.run < n { // the step from the last sound is spread
		s += c.step * float32(n-c.run) / float32(n+1)
	}
	s *= c.gain(c.run)
	c.run++
	return s
}

// loop is one sample of the newest periods repeated; the end of the loop is
// blended into what comes before its beginning.
func (c *Concealer) loop(cycles int, pos *int) float32 {
	length := cycles * c.period
	at := past*c.scale - length + *pos
	s := float32(c.before[at])
	n := c.overlap()
	if over := *pos - (length - n); over >= 0 {
		w := float32(over+1) / float32(n+1)
		s += w * (float32(c.before[at-length]) - s)
	}
	if *pos++; *pos == length {
		*pos = 0
	}
	return s
}

// gain is how loud sound is a number of samples away from what came.
func (c *Concealer) gain(away int) float32 {
	over := min(max(away-fadeStart*c.scale, 0), (fadeEnd-fadeStart)*c.scale)
	return 1 - float32(over)/float32((fadeEnd-fadeStart)*c.scale)
}

// merge blends the sound that has come back with the going on of what was made
// up. A longer overlap, as G.711 Appendix I has it, sounds worse: the two are
// seldom in phase.
func (c *Concealer) merge(frame []int16) {
	n := min(c.overlap(), len(frame))
	for i := range n {
		w := float32(i+1) / float32(n+1)
		s := c.next()
		frame[i] = clip(s + w*(float32(frame[i])-s))
	}
}

func clip(s float32) int16 {
	return int16(min(max(s, math.MinInt16), math.MaxInt16))
}
