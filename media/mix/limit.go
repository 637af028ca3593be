package mix

const (
	// Ceiling is the largest magnitude of a sum. µ-law has no steps above it
	// (ITU-T G.711), so that the codec does not cut it off either.
	Ceiling = 32632
	// release is by how much of full gain the limiter may come back in a frame: 6 dB
	// in 200 ms.
	release = 0.05
)

// limiter turns a sum down that does not fit. It looks at a whole frame, so the
// gain is on its way down before the peak and nothing is ever cut off.
type limiter struct {
	cut float32 // one less the gain at the end of the last frame
}

// open reports whether the limiter does nothing.
func (l *limiter) open() bool { return l.cut == 0 }

// write writes a sum to dst, which is as long.
func (l *limiter) write(dst []int16, total []int32) {
	peak := peakOf(total)
	switch from := 1 - l.cut; {
	case l.open() && peak <= Ceiling:
		for i, v := range total {
			dst[i] = int16(v)
		}
	case float32(peak)*from > Ceiling:
		l.attack(dst, total, from, Ceiling/float32(peak))
	default:
		l.recover(dst, total, from, peak)
	}
}

func peakOf(total []int32) int32 {
	var low, high int32
	for _, v := range total {
		low, high = min(low, v), max(high, v)
	}
	return max(-low, high)
}

// attack lowers the gain by a straight line, the flattest that lets every sample
// fit, down to what the loudest one needs.
func (l *limiter) attack(dst []int16, total []int32, from, to float32) {
	slope := float32(0)
	for i, v := range total {
		if a := float32(max(v, -v)); a*from > Ceiling {
			slope = max(slope, (from-Ceiling/a)/float32(i+1))
		}
	}
	for i, v := range total {
		dst[i] = fit(v, max(from-slope*float32(i+1), to))
	}
	l.cut = 1 - to
}

// recover lets the gain come back as far as this frame allows.
func (l *limiter) recover(dst []int16, total []int32, from float32, peak int32) {
	to := min(from+release, 1)
	if peak > Ceiling {
		to = min(to, max(from, Ceiling/float32(peak)))
	}
	step := (to - from) / float32(len(total))
	for i, v := range total {
		dst[i] = fit(v, from+step*float32(i+1))
	}
	l.cut = 1 - to
}

// fit rounds towards zero. The bounds are for the last bit of the division.
func fit(v int32, gain float32) int16 {
	return int16(min(max(float32(v)*gain, -Ceiling), Ceiling))
}
