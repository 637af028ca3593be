package tts

import (
	"math"
	"time"

	"github.com/ivrd/ivrd/media"
)

// How speech is made fit to be joined: level, silence around it, and edges.
const (
	targetLevel = -20.0 // dBov of active speech (ITU-T P.56's sense), as voice prompts usually are
	peakLimit   = 0.89  // of full scale: -1 dB
	activeRange = 30.0  // dB below the loudest frame that still count as speech
	edgeSilence = 30 * time.Millisecond
	fadeTime    = 5 * time.Millisecond
)

// shape trims pcm (8 kHz) to its speech with edgeSilence on both sides, brings
// it to targetLevel, and fades its edges so that joints do not click. Silence
// gives an empty result.
func shape(pcm []int16) []int16 {
	out, _ := shapeAt(pcm, targetLevel)
	return out
}

// shapeAt is shape to another level, in dBov. It returns the gain that this took.
func shapeAt(pcm []int16, want float64) ([]int16, float64) {
	out := trim(pcm)
	gain := level(out, want)
	fade(out)
	return out, gain
}

// trim copies the speech in pcm with edgeSilence around it. Frames are 10 ms;
// one is speech when it is within activeRange of the loudest.
func trim(pcm []int16) []int16 {
	const frame = media.SampleRate / 100
	threshold := loudest(pcm, frame) * math.Pow(10, -activeRange/20)
	first, last := -1, 0
	for at := 0; at < len(pcm); at += frame {
		end := min(at+frame, len(pcm))
		if v := rms(pcm[at:end]); v > 0 && v >= threshold {
			if first < 0 {
				first = at
			}
			last = end
		}
	}
	if first < 0 {
		return nil
	}
	edge := samplesOf(edgeSilence)
	return append([]int16(nil), pcm[max(0, first-edge):min(len(pcm), last+edge)]...)
}

// edge is how many samples of a trimmed sound are silence, at its end or its beginning.
func edge(pcm []int16, end bool) int {
	const frame = media.SampleRate / 100
	threshold := loudest(pcm, frame) * math.Pow(10, -activeRange/20)
	for n := 0; n+frame <= len(pcm); n += frame {
		at := n
		if end {
			at = len(pcm) - n - frame
		}
		if rms(pcm[at:at+frame]) >= threshold {
			return n
		}
	}
	return 0
}

// level scales pcm in place so that its active frames have the level that is wanted, in
// dBov, or less where its peaks would be clipped. It returns the gain.
func level(pcm []int16, want float64) float64 {
	active := activeLevel(pcm)
	if active == 0 {
		return 1
	}
	gain := math.Pow(10, want/20) * math.MaxInt16 / active
	gain = min(gain, peakLimit*math.MaxInt16/peak(pcm))
	for i, v := range pcm {
		pcm[i] = int16(math.Round(float64(v) * gain))
	}
	return gain
}

// activeLevel is the RMS of the 20 ms frames that hold speech, in sample units.
func activeLevel(pcm []int16) float64 {
	threshold := loudest(pcm, media.FrameSamples) * math.Pow(10, -activeRange/20)
	var sum float64
	var frames int
	for at := 0; at+media.FrameSamples <= len(pcm); at += media.FrameSamples {
		if v := rms(pcm[at : at+media.FrameSamples]); v >= threshold {
			sum += v * v
			frames++
		}
	}
	if frames == 0 {
		return rms(pcm)
	}
	return math.Sqrt(sum / float64(frames))
}

// fade ramps both edges of pcm in place, linearly over fadeTime.
func fade(pcm []int16) {
	n := min(samplesOf(fadeTime), len(pcm)/2)
	for i := range n {
		gain := float64(i) / float64(n)
		pcm[i] = int16(float64(pcm[i]) * gain)
		pcm[len(pcm)-1-i] = int16(float64(pcm[len(pcm)-1-i]) * gain)
	}
}

// loudest is the greatest RMS of a frame of that many samples.
func loudest(pcm []int16, frame int) float64 {
	var most float64
	for at := 0; at < len(pcm); at += frame {
		most = max(most, rms(pcm[at:min(at+frame, len(pcm))]))
	}
	return most
}

func rms(pcm []int16) float64 {
	if len(pcm) == 0 {
		return 0
	}
	var sum float64
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(len(pcm)))
}

func peak(pcm []int16) float64 {
	var most float64
	for _, v := range pcm {
		most = max(most, math.Abs(float64(v)))
	}
	return most
}

func samplesOf(d time.Duration) int { return int(media.TimeOf(d)) }
