package emotion

import (
	"math"

	"github.com/ivrd/ivrd/media"
)

// Features of one utterance. They are a subset inspired by eGeMAPS (Eyben and others
// 2016), not that set: frames are 20 ms on a telephone line, and all is computed from
// frames that were heard; lost ones count nowhere.
type Features struct {
	// Heard, Lost, Speech and Voiced are durations: what arrived, what did not, what
	// of the former was speech, and what of that had a pitch.
	Heard, Lost, Speech, Voiced media.Time

	// Pitch is in semitones above 27.5 Hz: mean, standard deviation, and the range from
	// the 5th to the 95th percentile. What is 9 semitones off the median is left out.
	Pitch, PitchSD, PitchRange float64
	// Level is the mean power of the speech in dBov, LevelSD its frames' standard
	// deviation in dB.
	Level, LevelSD float64
	// VoicedRatio is the part of the speech that has a pitch.
	VoicedRatio float64
	// Rate is peaks of energy that look like syllables, per second of speech.
	Rate float64
	// Pauses are how many stretches of 200 ms and more have no speech, between the
	// first and the last speech; PauseRatio is their part of the time between.
	Pauses     int
	PauseRatio float64
	// Jitter is how much the period of three frames in a row leaves a line, relative to
	// the period; Shimmer the same of the level, in dB. Proxies: the clinical measures
	// compare single periods of the glottis, not frames.
	Jitter, Shimmer float64
	// Harmonicity is harmonics to noise, in dB, at most 20.
	Harmonicity float64
	// Slope of the spectrum of voiced frames from 300 to 3400 Hz, in dB per kHz.
	Slope float64
	// Hammarberg is the peak of 100–2000 Hz over that of 2000–3400 Hz, in dB.
	Hammarberg float64
}

// mean and deviation of what is added, by Welford's method.
type stat struct{ n, mean, m2 float64 }

func (s *stat) add(x float64) {
	s.n++
	d := x - s.mean
	s.mean += d / s.n
	s.m2 += d * (x - s.mean)
}

func (s *stat) sd() float64 {
	if s.n < 2 {
		return 0
	}
	return math.Sqrt(s.m2 / (s.n - 1))
}

// semitones above 27.5 Hz, the lowest A of a piano.
func semitones(hz float64) float64 { return 12 * math.Log2(hz/27.5) }

// summary is how features are gathered, frame by frame.
type summary struct {
	level, slope, hammarb, jitter, shimmer, clarity stat
	power                                           float64 // of the speech, summed
	pitches                                         histogram

	heard, lost, speech, voiced int // frames
	gap                         int // frames without speech since the last speech
	pauses, paused              int
	span                        int    // frames heard from the first speech to the last
	run                         [2]run // the last two voiced frames, newest first
	syllables                   syllables
}

// run is what jitter and shimmer compare.
type run struct{ period, level float64 }

// pauseFrames, or more, without speech are a pause: 200 ms.
const pauseFrames = 10

func (s *summary) add(f *frame) {
	if f.kind == missing {
		s.lost++
		s.run = [2]run{}
		s.syllables.skip()
		return
	}
	s.heard++
	s.syllables.add(f)
	if f.kind == quiet {
		s.run = [2]run{}
		if s.speech > 0 {
			s.gap++
		}
		return
	}
	if s.gap >= pauseFrames {
		s.pauses++
		s.paused += s.gap
	}
	s.span += s.gap + 1
	s.gap = 0
	s.speech++
	s.level.add(f.level.float())
	s.power += math.Pow(10, f.level.float()/10)
	if f.kind >= unpitched {
		s.voiced++
	}
	if f.kind == voiced {
		s.addVoiced(f)
	} else {
		s.run = [2]run{}
	}
}

func (s *summary) addVoiced(f *frame) {
	hz := float64(f.hz())
	s.pitches.add(semitones(hz))
	s.slope.add(f.slope.float())
	s.hammarb.add(f.hammarb.float())
	s.clarity.add(float64(f.clarity) / math.MaxUint8)
	now := run{1 / hz, f.level.float()}
	if a, b := s.run[1], s.run[0]; a.period > 0 && b.period > 0 {
		s.jitter.add(math.Abs(a.period-2*b.period+now.period) / (2 * b.period))
		s.shimmer.add(math.Abs(a.level-2*b.level+now.level) / 2)
	}
	s.run[1], s.run[0] = s.run[0], now
}

func (s *summary) features() Features {
	f := Features{
		Heard: frameTime(s.heard), Lost: frameTime(s.lost), Speech: frameTime(s.speech), Voiced: frameTime(s.voiced),
		LevelSD: s.level.sd(),
		Pauses:  s.pauses,
		Jitter:  s.jitter.mean, Shimmer: s.shimmer.mean,
		Slope: s.slope.mean, Hammarberg: s.hammarb.mean,
	}
	f.Pitch, f.PitchSD, f.PitchRange = s.pitches.guarded()
	if s.speech > 0 {
		f.Level = 10 * math.Log10(s.power/float64(s.speech))
		f.VoicedRatio = float64(s.voiced) / float64(s.speech)
		f.Rate = float64(s.syllables.count) / (float64(s.speech) * media.FrameDuration.Seconds())
		f.PauseRatio = float64(s.paused) / float64(s.span)
	}
	if c := s.clarity.mean; c > 0 {
		f.Harmonicity = 10 * math.Log10(c/max(1-c, 0.01))
	}
	return f
}

func frameTime(n int) media.Time { return media.Time(n * media.FrameSamples) }

// histogram of pitches, by parts of a semitone above 27.5 Hz.
type histogram [perSemitone * 48]uint16

const perSemitone = 8

func (h *histogram) add(st float64) {
	h[int(max(0, min(perSemitone*st, float64(len(h)-1))))]++
}

// percentile in semitones of what lies in the bins from one to another.
func (h *histogram) percentile(p float64, from, to int) float64 {
	n := 0
	for _, c := range h[from:to] {
		n += int(c)
	}
	left := int(p * float64(n))
	for i, c := range h[from:to] {
		if left -= int(c); left < 0 {
			return (float64(from+i) + 0.5) / perSemitone
		}
	}
	return 0
}

// octaveGuard is how far from an utterance's median a pitch may be, in semitones: beyond
// is more often an error of an octave than a voice.
const octaveGuard = 9

// guarded mean, deviation and range from the 5th to the 95th percentile.
func (h *histogram) guarded() (mean, sd, span float64) {
	mid := int(h.percentile(0.5, 0, len(h)) * perSemitone)
	from, to := max(0, mid-octaveGuard*perSemitone), min(len(h), mid+octaveGuard*perSemitone+1)
	var n, sum, squares float64
	for i, c := range h[from:to] {
		st := (float64(from+i) + 0.5) / perSemitone
		n += float64(c)
		sum += float64(c) * st
		squares += float64(c) * st * st
	}
	if n < 2 {
		return sum, 0, 0
	}
	mean = sum / n
	sd = math.Sqrt(max(squares-n*mean*mean, 0) / (n - 1))
	return mean, sd, h.percentile(0.95, from, to) - h.percentile(0.05, from, to)
}

// syllables counts peaks of energy that rise and fall by some dB and have a voice (de
// Jong and Wempe 2009).
type syllables struct {
	count        int
	smooth       [2]float64 // the last levels of 10 ms
	heard        int        // of them
	valley, peak float64
	rising       bool
	voiced       bool // near the peak
}

// swing is how far a syllable rises and falls, in dB.
const swing = 3

func (s *syllables) add(f *frame) {
	for _, h := range f.halves {
		x := h.float()
		s.heard = min(s.heard+1, 3)
		if s.heard == 3 {
			s.step((x+s.smooth[0]+s.smooth[1])/3, f.kind == voiced)
		}
		s.smooth[1], s.smooth[0] = s.smooth[0], x
	}
}

// skip what was lost: the levels around it are no neighbours, but a syllable goes on.
func (s *syllables) skip() { s.heard = 0 }

func (s *syllables) step(level float64, voice bool) {
	if s.valley == 0 {
		s.valley = level
	}
	switch {
	case s.rising:
		if level > s.peak {
			s.peak = level
		}
		s.voiced = s.voiced || voice
		if level < s.peak-swing {
			if s.voiced {
				s.count++
			}
			s.rising, s.voiced, s.valley = false, false, level
		}
	case level > s.valley+swing:
		s.rising, s.peak, s.voiced = true, level, voice
	case level < s.valley:
		s.valley = level
	}
}
