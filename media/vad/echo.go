package vad

import (
	"math"

	"github.com/ivrd/ivrd/media"
)

// What we send may come back: from a hybrid, a loudspeaker, a conference. An echo
// keeps, for each lag, what can come back after so long: in each band at most what was
// heard, by what had been sent. A talker only adds to what is heard, so that talk
// teaches nothing wrong, and a line that is silent while we send is known to have no
// echo within the longest lag.
//
// Powers of what is sent are kept by quarters of a frame. Of a frame that comes after a
// lag three quarters are certain and two more may be in it: bounds are learnt from the
// three, and foretold by the five.
const (
	quarters    = 4
	quarter     = media.FrameSamples / quarters
	echoLags    = 96 // quarters: 480 ms, of which the jitter buffer takes some 60
	echoBands   = 3  // up to 1 kHz, by differences; 1 to 2; 2 to 4 kHz
	certain     = 3
	possible    = certain + 2
	echoLoss    = 9    // dB that an echo has lost at least: believed before anything is known
	echoMargin  = 4    // dB: within a band a path is not flat, and echoes of several lags add up
	coarse      = -68  // dBov: G.711 has steps too coarse for a frame that is softer, and
	swallowed   = -76  // may have made nothing of so much in a band
	echoForgets = 0.02 // dB a frame by which a bound rises: 1 dB a second, as lines change
)

// echo of what is sent to one peer. The zero echo is ready.
type echo struct {
	analyser

	sends int // frames until nothing may come back any more
	ready bool
	late  int // samples by which bounds are not yet shifted

	quarters [echoBands][possible - 1 + quarters]float32 // power: the last quarters
	// By lag, in dBov: the power of what was certainly, and of all that was possibly sent
	// so long before the frame that comes.
	sure, most [echoBands][echoLags]float32
	bound      [echoBands][echoLags]float32 // dB
}

// send tells what goes to the peer; nil is silence.
func (e *echo) send(pcm []int16) {
	if pcm == nil && e.sends == 0 {
		return
	}
	if !e.ready {
		e.ready = true
		e.forget()
		e.hush()
	}
	var w work
	if pcm != nil {
		e.sends = echoLags/quarters + 2
		e.divide(pcm, &w)
	} else {
		e.sends--
		for b := range e.quarters {
			clear(e.older(b))
		}
	}
	for b := range e.quarters {
		e.advance(b)
	}
	if e.sends == 0 {
		e.hush()
	}
}

// forget what was learnt of the line.
func (e *echo) forget() {
	for b := range e.bound {
		for lag := range e.bound[b] {
			e.bound[b][lag] = -echoLoss
		}
	}
}

// hush lets nothing have been sent.
func (e *echo) hush() {
	e.tails = [4][taps]float32{}
	for b := range e.sure {
		for lag := range e.sure[b] {
			e.sure[b][lag], e.most[b][lag] = Nothing, Nothing
		}
	}
}

// divide finds the power of each quarter in each band.
func (e *echo) divide(pcm []int16, w *work) {
	for i, b := range [...][]float32{w.at8k[:], w.at4k[:]} {
		copy(b, e.tails[i][:])
	}
	copy(w.at2k[:], e.tails[2][:])
	w.load(pcm)
	splitQuarters(w.at8k[:], w.at4k[taps:], e.older(2))
	splitQuarters(w.at4k[:], w.at2k[taps:], e.older(1))
	w.differ()
	quartersOf(w.slope[slowFrame:], e.older(0))
	for i, b := range [...][]float32{w.at8k[:], w.at4k[:], w.at2k[:]} {
		copy(e.tails[i][:], b[len(b)-taps:])
	}
}

// older makes the quarters that are there older, and returns the room of the newest.
func (e *echo) older(b int) []float32 {
	q := e.quarters[b][:]
	copy(q, q[quarters:])
	return q[possible-1:]
}

// splitQuarters is split by quarters of the frame: powers.
func splitQuarters(in, low, power []float32) {
	var high [media.FrameSamples / 2]float32
	for i := range low {
		x := in[2*i : 2*i+7 : 2*i+7]
		centre := 0.5 * x[3]
		sides := 9.0/32*(x[2]+x[4]) - 1.0/32*(x[0]+x[6])
		low[i] = centre + sides
		high[i] = centre - sides
	}
	quartersOf(high[:len(low)], power)
}

// quartersOf a frame: their powers.
func quartersOf(x, power []float32) {
	n := len(x) / quarters
	for q := range quarters {
		power[q] = energy(x[q*n:(q+1)*n]) / (float32(n) * fullScale)
	}
}

// shift moves what was learnt to longer lags, or to shorter ones.
func (e *echo) shift(samples int) {
	e.late += samples
	by := int(math.Round(float64(e.late) / quarter))
	if by <= -echoLags || by >= echoLags {
		e.late = 0
		e.forget()
		return
	}
	e.late -= by * quarter
	for b := range e.bound {
		before := e.bound[b]
		for lag := range before {
			if was := lag - by; was >= 0 && was < echoLags {
				e.bound[b][lag] = before[was]
			} else {
				e.bound[b][lag] = -echoLoss
			}
		}
	}
}

// advance lets a frame pass: what was sent at a lag is at a longer one now.
func (e *echo) advance(b int) {
	sure, most, q := &e.sure[b], &e.most[b], &e.quarters[b]
	copy(sure[quarters:], sure[:])
	copy(most[quarters:], most[:])
	for lag := range quarters {
		first := quarters - 1 - lag // of possible quarters; the certain ones begin one later
		in := q[first+1] + q[first+2] + q[first+3]
		sure[lag] = decibels(in / quarters)
		most[lag] = decibels((in + q[first] + q[first+4]) / quarters)
	}
}

// beyond is by how much a frame exceeds what may be an echo, in dB by its bands; it
// learns from what is in it. It reports false when nothing may come back.
func (e *echo) beyond(f *features, w *work) (x [echoBands]float32, may bool) {
	if e.sends == 0 {
		return x, false
	}
	came := [echoBands]float32{decibels(energy(w.slope[slowFrame:]) / (slowFrame * fullScale)), f.bands[3], f.bands[4]}
	for b, level := range came {
		if f.level < coarse {
			level = max(level, swallowed)
		}
		x[b] = level - e.look(b, level) - echoMargin
	}
	return x, true
}

// look at one band of what has come, in dBov.
func (e *echo) look(b int, came float32) float32 {
	sure, most, bound := &e.sure[b], &e.most[b], &e.bound[b]
	loudest := float32(Nothing)
	for lag, u := range bound {
		if back := u + most[lag]; back > loudest {
			loudest = back
		}
		u = min(u+echoForgets, -echoLoss)
		if least := came - sure[lag]; least < u {
			u = least
		}
		bound[lag] = u
	}
	return loudest
}
