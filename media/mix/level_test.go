package mix

import (
	"math"
	"math/rand/v2"
	"testing"
)

// speech turns a tone on and off as syllables and pauses do: 300 ms of each
// 500, pure silence between.
func speech(pcm []int16) []int16 {
	for i := range pcm {
		if i%4000 >= 2400 {
			pcm[i] = 0
		}
	}
	return pcm
}

// levels plays pcm to a leveller and returns the gain after each frame, in dB.
func levels(pcm []int16) (gains []float64) {
	var l leveller
	for ; len(pcm) >= 160; pcm = pcm[160:] {
		l.hear(pcm[:160])
		gains = append(gains, l.db)
	}
	return gains
}

// TestLevels: speech of any level is brought into the window or as near as the
// bound lets it, in no step that could be heard, and stays there.
func TestLevels(t *testing.T) {
	for _, c := range []struct{ level, want float64 }{
		{-20, 0}, {-22, 0}, {-24, 0}, // in the window
		{-28, 4}, {-30, 6}, {-32, 8}, {-38, MaxGain}, // soft
		{-16, -4}, {-12, -8}, {-6, -MaxGain}, // loud
		{-50, 0}, // not speech
	} {
		gains := levels(speech(sine(1000, c.level, 8000, 8000*20)))
		last := 0.0
		for i, g := range gains {
			if math.Abs(g) > MaxGain || g-last > gainRise+1e-9 || last-g > gainFall+1e-9 {
				t.Fatalf("speech of %v dBov: from %.2f to %.2f dB in frame %d", c.level, last, g, i)
			}
			last = g
		}
		if math.Abs(last-c.want) > 1 {
			t.Errorf("speech of %v dBov gets %.1f dB, want %v", c.level, last, c.want)
		}
	}
}

// TestNoiseIsNotPumped: noise alone, or between words, moves no gain.
func TestNoiseIsNotPumped(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	hiss := make([]int16, 8000*30)
	for i := range hiss {
		hiss[i] = int16(random.NormFloat64() * 32768 * math.Pow(10, -38.0/20))
	}
	for i, g := range levels(hiss) {
		if g != 0 {
			t.Fatalf("noise gets %.2f dB at frame %d", g, i)
		}
	}
	talk := speech(sine(1000, -30, 8000, 8000*20))
	before := levels(talk)
	after := levels(append(talk, make([]int16, 8000*30)...))
	if a, b := before[len(before)-1], after[len(after)-1]; a != b || a < 5 {
		t.Errorf("the gain goes from %.2f to %.2f dB in a pause", a, b)
	}
}

// TestJoiningIsNotHeard: when a voice that was forwarded is mixed with others,
// and when it is alone again, its level goes at no more than 12 dB a second,
// whatever gain it has got meanwhile.
func TestJoiningIsNotHeard(t *testing.T) {
	r := newRoom(8000, &track{pcm: speech(sine(1000, -34, 8000, 8000*40))}, &track{pcm: make([]int16, 8000*40)})
	last := float32(1)
	for i := range 2000 {
		heard := []int{0}
		if i >= 1000 && i < 1500 {
			heard = append(heard, 1)
		}
		r.frame(heard...)
		gain := r.parts[0].gain
		if i > 0 && (gain > last*slewStep*1.0001 || gain < last/slewStep/1.0001) {
			t.Fatalf("frame %d: from %.3f to %.3f", i, last, gain)
		}
		last = gain
		switch {
		case i == 999 && (gain != 1 || r.voices[0].Gain() < 7):
			t.Fatalf("alone it has %.3f, its gain is %.1f dB", gain, r.voices[0].Gain())
		case i == 1499 && gain < 2.4:
			t.Fatalf("in the sum it has %.3f", gain)
		}
	}
	if _, plain := r.frame(0); !plain || last != 1 {
		t.Error("alone again it is not forwarded")
	}
}

// Gain is the automatic gain in dB, between -MaxGain and MaxGain.
func (v *Voice) Gain() float64 { return v.level.db }
