package plc

// pitch finds the lag at which the newest sound resembles best what was before
// it, by normalised cross-correlation: every second lag (at 16 kHz every
// fourth) on every second (fourth) sample first, then those around the best.
func (c *Concealer) pitch() int {
	coarse := 2 * c.scale
	first, last := minPeriod*c.scale, maxPeriod*c.scale
	lag := c.bestLag(first, last, coarse)
	return c.bestLag(max(lag-coarse+1, first), min(lag+coarse-1, last), 1)
}

// bestLag tries the lags from first to last in steps, on every step-th sample,
// and returns the best.
func (c *Concealer) bestLag(first, last, step int) int {
	h := c.before[:past*c.scale]
	now := h[len(h)-template*c.scale:]
	lag, top := last, float32(-1)
	for l := last; l >= first; l -= step {
		then := h[len(h)-template*c.scale-l:]
		var cross, energy float32
		for i := 0; i < len(now); i += step {
			a, b := float32(now[i]), float32(then[i])
			cross += a * b
			energy += b * b
		}
		if score := signedSquare(cross) / (energy + 1); score > top {
			lag, top = l, score
		}
	}
	return lag
}

func signedSquare(x float32) float32 {
	if x < 0 {
		return -x * x
	}
	return x * x
}
