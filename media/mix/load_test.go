package mix

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ivrd/ivrd/media"
)

// FuzzMix: whoever comes and goes with whatever sound, at whatever length of
// frame, the sum stays below the ceiling, silence is silence, and who is alone
// long enough is forwarded.
func FuzzMix(f *testing.F) {
	f.Add(uint64(1), uint8(3), uint8(160), []byte{1, 3, 7, 0, 255, 2, 2, 2})
	f.Add(uint64(9), uint8(8), uint8(1), []byte{255, 255, 0, 255, 1, 1})
	f.Fuzz(func(t *testing.T, seed uint64, speakers, samples uint8, heard []byte) {
		random := rand.New(rand.NewPCG(seed, 0))
		n := int(samples) + 1
		var voices []*Voice
		for range speakers%8 + 1 {
			voices = append(voices, &Voice{Speaker: noise{random}})
		}
		var l Listener
		dst := make([]int16, n)
		at := media.Time(0)
		frame := func(set byte) {
			l.Begin()
			for i, v := range voices {
				if set>>i&1 == 1 {
					l.Hear(v)
				}
			}
			l.Mix(at, dst)
			at += media.FrameSamples
			for _, v := range dst {
				if v > Ceiling || v < -Ceiling {
					t.Fatalf("a sum of %d", v)
				}
			}
		}
		for _, set := range heard[:min(len(heard), 200)] {
			frame(set)
		}
		for range 60 { // 8 dB at 0.24 a frame, and the limiter
			frame(1)
		}
		if l.limit.open() {
			if only, ok := l.Plain(); !ok || only != voices[0] {
				t.Fatal("who is alone is not forwarded")
			}
		}
		frame(0)
		for range 22 {
			frame(0)
		}
		if only, ok := l.Plain(); !ok || only != nil || slices.ContainsFunc(dst, func(v int16) bool { return v != 0 }) {
			t.Fatal("nobody is heard, and it is not silent")
		}
	})
}

// noise is anything, often as loud as can be.
type noise struct{ *rand.Rand }

func (n noise) Frame(dst []int16) Kind {
	loud := n.IntN(2) == 0
	for i := range dst {
		dst[i] = int16(n.Uint32())
		if loud {
			dst[i] = []int16{math.MinInt16, math.MaxInt16}[n.IntN(2)]
		}
	}
	return Kind(n.IntN(3))
}

// BenchmarkMix is the price of a frame for one listener: of each voice that is
// only added, and that is decoded and measured as well.
func BenchmarkMix(b *testing.B) {
	for _, c := range []struct {
		name     string
		speakers int
	}{{"2 speakers", 2}, {"5 speakers", 5}, {"16 speakers", 16}} {
		b.Run(c.name, func(b *testing.B) {
			var l Listener
			var dst [160]int16
			var voices []*Voice
			for i := range c.speakers {
				voices = append(voices, &Voice{Speaker: endless{sine(410, -40+float64(i), 8000, 160)}})
			}
			at := media.Time(0)
			b.ReportAllocs()
			for b.Loop() {
				l.Begin()
				for _, v := range voices {
					l.Hear(v)
				}
				l.Mix(at, dst[:])
				at += media.FrameSamples
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(c.speakers), "ns/speaker")
		})
	}
}
