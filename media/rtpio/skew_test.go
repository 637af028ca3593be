package rtpio

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ivrd/ivrd/media"
)

// A line that stays as it is, for an hour, with clocks that differ: what is heard
// stays within 20 ms of where it belongs beside another line, in a talk with
// pauses. Where there is no jitter at all to tell between two ticks, it is 25 ms.
func TestSkewKeepsTracksTogether(t *testing.T) {
	seconds := 3600.0
	if testing.Short() {
		seconds = 600
	}
	for _, jitter := range []int{0, 80, 160, 320} {
		for _, ppm := range []float64{-500, -100, 0, 100, 500} {
			off, late := skewed(seconds, jitter, ppm)
			t.Logf("jitter %d ms, %+.0f ppm: %.1f ms, %d samples made up", jitter/8, ppm, off, late)
			most := 20.5
			if jitter == 0 {
				most = 25
			}
			if off > most || late > int(seconds)*8 {
				t.Errorf("jitter %d ms, %+.0f ppm: off by %.1f ms, %d samples made up", jitter/8, ppm, off, late)
			}
		}
	}
}

// skewed is by how many ms the delay from saying to hearing varies after half a
// minute, with a sender whose clock is fast, and how many samples were too late.
func skewed(seconds float64, jitter int, ppm float64) (off float64, late int) {
	said := slices.Concat(payload(0, 24000), slices.Repeat([]byte{0xff}, 8000))
	rng := rand.New(rand.NewPCG(1, uint64(jitter)))
	slow := 1 - ppm/1e6 // the receiver's samples for one of the sender's
	packets := int(seconds * 50)
	due := make([][]uint32, packets+packets/1000+4)
	for i := range packets {
		tick := int(float64((i+1)*frameSamples)*slow+float64(rng.IntN(jitter+1)))/frameSamples + 1
		due[tick] = append(due[tick], uint32(i*frameSamples))
	}
	j := jitterBuffer{codec: media.PCMU}
	var frame [frameSamples]byte
	low, high := math.Inf(1), math.Inf(-1)
	for tick, packets := range due[:int(float64(packets)*slow)] {
		for _, ts := range packets {
			j.push(ts, false, said[int(ts)%len(said):][:frameSamples])
		}
		start := j.next
		if j.pop(&frame) == Sound && tick > 30*50 {
			delay := float64(tick*frameSamples) - float64(start)*slow
			low, high = min(low, delay), max(high, delay)
		}
	}
	return (high - low) / 8, int(j.count.filled)
}
