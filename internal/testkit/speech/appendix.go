package speech

import "math"

// AppendixI is the concealment of ITU-T G.711 Appendix I at 8 kHz, what other
// concealment is compared with. The zero value is ready.
type AppendixI struct {
	history [390 + 160]float64 // newest last; the last 30 are not yet handed out
	pitch   [390]float64       // the history when the loss began
	end     [30]float64        // the newest sound before its overlap with the loss
	erased  int                // frames of 10 ms in a row
	period  int
	cycles  int
	at      int
}

const (
	appendixFrame = 80 // 10 ms
	appendixDelay = 30 // 3.75 ms
	appendixShort = 40
	appendixLong  = 120
	appendixPast  = 390
)

// Frame takes a frame of 20 ms, nil for a lost one, and returns what is played
// then, which is 30 samples late.
func (a *AppendixI) Frame(frame []int16) []int16 {
	out := make([]int16, 0, 2*appendixFrame)
	for k := range 2 {
		var s [appendixFrame]float64
		if frame == nil {
			a.lost(s[:])
		} else {
			for i := range s {
				s[i] = float64(frame[k*appendixFrame+i])
			}
			a.good(s[:])
		}
		for _, x := range a.push(s[:]) {
			out = append(out, int16(math.Round(min(max(x, math.MinInt16), math.MaxInt16))))
		}
	}
	return out
}

// push puts 10 ms into the history and returns the 10 ms that are played.
func (a *AppendixI) push(s []float64) []float64 {
	h := a.history[:]
	copy(h, h[len(s):])
	copy(h[len(h)-len(s):], s)
	return h[len(h)-len(s)-appendixDelay : len(h)-appendixDelay]
}

func (a *AppendixI) lost(s []float64) {
	h := a.history[:]
	quarter := a.period / 4
	switch a.erased {
	case 0:
		copy(a.pitch[:], h[len(h)-appendixPast:])
		a.period = a.findPitch()
		a.cycles, a.at = 1, 0
		quarter = a.period / 4
		copy(a.end[:quarter], a.pitch[appendixPast-quarter:])
		a.loop()
		copy(h[len(h)-quarter:], a.pitch[appendixPast-quarter:])
		a.speak(s)
	case 1, 2:
		old := a.at
		tail := make([]float64, quarter)
		a.speakAt(tail, &old)
		a.at = a.at % a.period
		a.cycles++
		a.loop()
		a.speak(s)
		overlap(tail, s[:quarter], s)
		a.attenuate(s)
	case 3, 4, 5:
		a.speak(s)
		a.attenuate(s)
	default:
		clear(s)
	}
	a.erased++
}

func (a *AppendixI) good(s []float64) {
	if a.erased > 0 {
		n := min(a.period/4+32*(a.erased-1), appendixFrame)
		tail := make([]float64, n)
		if a.erased <= 6 {
			a.speakAt(tail, &a.at)
			g := 1 - 0.2*float64(a.erased-1)
			for i := range tail {
				tail[i] *= max(g, 0)
			}
		}
		overlap(tail, s[:n], s)
	}
	a.erased = 0
}

// loop blends the end of the repeated periods into what comes before them.
func (a *AppendixI) loop() {
	n := a.period / 4
	before := a.pitch[appendixPast-n-a.cycles*a.period:]
	overlap(a.end[:n], before[:n], a.pitch[appendixPast-n:])
}

func (a *AppendixI) speak(s []float64) { a.speakAt(s, &a.at) }

func (a *AppendixI) speakAt(s []float64, at *int) {
	length := a.cycles * a.period
	for i := range s {
		s[i] = a.pitch[appendixPast-length+*at]
		*at = (*at + 1) % length
	}
}

func (a *AppendixI) attenuate(s []float64) {
	g := 1 - 0.2*float64(a.erased-1)
	for i := range s {
		s[i] *= g
		g -= 0.2 / appendixFrame
	}
}

func overlap(left, right, out []float64) {
	for i, l := range left {
		w := float64(i+1) / float64(len(left))
		out[i] = l*(1-w) + right[i]*w
	}
}

func (a *AppendixI) findPitch() int {
	const n = 160
	now := a.pitch[appendixPast-n:]
	search := func(first, last, step int) (best int) {
		top := math.Inf(-1)
		for lag := last; lag >= first; lag -= step {
			then := a.pitch[appendixPast-n-lag:]
			cross, energy := 0.0, 0.0
			for i := 0; i < n; i += step {
				cross += now[i] * then[i]
				energy += then[i] * then[i]
			}
			if c := cross / math.Sqrt(max(energy, 250)); c >= top {
				top, best = c, lag
			}
		}
		return best
	}
	lag := search(appendixShort, appendixLong, 2)
	return search(max(lag-1, appendixShort), min(lag+1, appendixLong), 1)
}
