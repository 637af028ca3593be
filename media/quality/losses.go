package quality

// maxBurst bounds the burst ratio: few runs say little.
const maxBurst = 8

// Losses counts frames and runs of lost ones: the two states of a Gilbert
// model, as it is known from what has come. The zero value is ready for use.
type Losses struct {
	Frames, Lost, Runs uint64
	bad                bool // the last frame was lost
}

// Add counts one frame.
func (l *Losses) Add(lost bool) {
	l.Frames++
	if lost {
		l.Lost++
		if !l.bad {
			l.Runs++
		}
	}
	l.bad = lost
}

// Ratio is the share that was lost, 0 to 1.
func (l *Losses) Ratio() float64 {
	if l.Frames == 0 {
		return 0
	}
	return float64(l.Lost) / float64(l.Frames)
}

// Burst is BurstR: the mean length of a run, divided by what it is when frames
// are lost at random, 1/(1−loss) (G.107 §3.6 and §7.1.3). It is from 1, also for
// losses more regular than chance, to 8.
func (l *Losses) Burst() float64 {
	if l.Runs == 0 {
		return 1
	}
	mean := float64(l.Lost) / float64(l.Runs)
	return min(max(mean*(1-l.Ratio()), 1), maxBurst)
}
