package rtpio

const (
	// binSamples is the width of a bin of delays: 5 ms. All of them span 320 ms.
	binSamples = 40
	delayBins  = 64
	// memory is how many samples of sound weigh as much as all before: 6 s.
	memory = 48000
	// tooLate is the share of packets that may come late: with more the buffer
	// grows. It shrinks to where seldomLate would have been late, so that a
	// spike is remembered for a while and the depth does not swing.
	tooLate    = 0.005
	seldomLate = 0.001
	// steadily is by what share of their difference the spread comes down to that
	// of the moment at each look: half in 40 s, in which 500 ppm are a frame.
	steadily = 1.0 / 120
	// heaviest is the weight at which all weights are scaled down.
	heaviest = 1 << 20
)

// delays is an exponentially forgotten histogram of how late packets come: of
// the difference between the buffer's clock at the arrival and the timestamp.
// That clock goes by whole frames, which is coarser than the time of arrival
// but just what decides whether a packet is there when its frame is due,
// whatever the readers and the ticks do.
type delays struct {
	bins   [delayBins]float32
	base   uint32  // the delay at which bin 0 begins
	total  float32 // of bins
	spread float32 // from the mean to where the buffer plays
	weight float32 // of the next packet: it grows, rather than that the bins shrink
}

// sameDelay is packets of one delay in a row, which most are: they are added to the
// histogram together.
type sameDelay struct {
	delay   uint32
	samples int32 // of them all; 0 before the first
	packets int32
}

// add notes a packet, and returns what is over with it.
func (s *sameDelay) add(delay uint32, n int) (over sameDelay) {
	if s.packets > 0 && s.delay != delay {
		over, *s = *s, sameDelay{}
	}
	s.delay = delay
	s.samples += int32(n)
	s.packets++
	return over
}

// put counts a run of packets.
func (d *delays) put(s sameDelay) {
	for range s.packets {
		d.add(s.delay, int(s.samples/s.packets))
	}
}

// add counts a packet of n samples.
func (d *delays) add(delay uint32, n int) {
	if d.total == 0 {
		d.base, d.weight = delay, 1
	}
	at := int(int32(delay - d.base))
	if at < 0 {
		at += d.shift((at - binSamples + 1) / binSamples)
	} else if at >= binSamples*delayBins {
		at += d.shift(d.unused())
	}
	d.bins[min(max(at, 0)/binSamples, delayBins-1)] += d.weight
	d.total += d.weight
	if d.weight *= 1 + float32(n)/memory; d.weight > heaviest {
		d.scale()
	}
}

// shift moves the range up by a number of bins, or down, and returns by how
// many samples delays are nearer to its beginning then. What falls out counts
// at that end.
func (d *delays) shift(by int) int {
	by = max(by, -delayBins)
	old := d.bins
	d.bins = [delayBins]float32{}
	for i, w := range old {
		d.bins[min(max(i-by, 0), delayBins-1)] += w
	}
	d.base += uint32(by * binSamples)
	return -by * binSamples
}

// unused is how many of the lowest bins hold next to nothing.
func (d *delays) unused() int {
	var sum float32
	for i, w := range d.bins {
		if sum += w; sum > seldomLate*d.total {
			return i
		}
	}
	return 0
}

func (d *delays) scale() {
	d.total = 0
	for i := range d.bins {
		d.bins[i] /= d.weight
		d.total += d.bins[i]
	}
	d.weight = 1
}

// exceeded is the delay that no more than a share of the packets exceeds.
func (d *delays) exceeded(by float32) uint32 {
	var sum float32
	i := delayBins - 1
	for ; i > 0; i-- {
		if sum += d.bins[i]; sum > by*d.total {
			break
		}
	}
	return d.base + uint32((i+1)*binSamples)
}

// bounds are the delays between which a buffer should play: below low too much
// comes late, above high nothing is gained.
func (d *delays) bounds() (low, high uint32) {
	fast := d.exceeded(1-tooLate) - binSamples
	floor := int32(d.exceeded(0.5) - binSamples + minMargin - fast)
	clamp := func(delay uint32) uint32 { return fast + uint32(min(max(int32(delay-fast), floor), maxMargin)) }
	return clamp(d.exceeded(tooLate)), clamp(d.exceeded(seldomLate))
}

// steady is the delay to play at while the line stays as it is. When clocks differ
// high jumps by a frame, the tick of an arrival, and the mean goes evenly: so it is
// the mean and as much above it as high was of late, at most a frame more than now.
func (d *delays) steady(high uint32) uint32 {
	var sum float32
	for i, w := range d.bins {
		sum += w * float32(i)
	}
	mean := sum / d.total * binSamples
	spread := float32(int32(high-d.base)) - mean
	d.spread = min(max(spread, d.spread-(d.spread-spread)*steadily), spread+frameSamples)
	return d.base + uint32(int32(mean+d.spread))
}
