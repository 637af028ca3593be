package plc_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ivrd/ivrd/internal/testkit/speech"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/plc"
)

const rates = 2

func tone(rate, n int, hz, amplitude float64) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return pcm
}

func power(pcm []int16) float64 {
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return sum / float64(len(pcm))
}

// gain is the ratio, in dB, of what was lost to its difference from what was
// heard instead.
func gain(want, got []int16, lost []bool, frame int) float64 {
	signal, noise := 1.0, 1.0
	for i, l := range lost {
		for n := i * frame; l && n < (i+1)*frame; n++ {
			d := float64(want[n]) - float64(got[n])
			signal, noise = signal+float64(want[n])*float64(want[n]), noise+d*d
		}
	}
	return 10 * math.Log10(signal/noise)
}

func conceal(pcm []int16, lost []bool, rate int) []int16 {
	got, frame := slices.Clone(pcm), rate/50
	c := plc.New(rate)
	for i, l := range lost {
		if f := got[i*frame : (i+1)*frame]; l {
			clear(f)
			c.Lost(f)
		} else {
			c.Good(f)
		}
	}
	return got
}

func TestCleanSoundIsNotTouched(t *testing.T) {
	for rate := range rates {
		rate = 8000 * (rate + 1)
		pcm := tone(rate, rate, 440, 9000)
		if got := conceal(pcm, make([]bool, 50), rate); !slices.Equal(got, pcm) {
			t.Errorf("%d Hz: sound without loss has been changed", rate)
		}
	}
}

// A tone goes on through the loss of one frame, whatever its frequency, without
// a step at either end.
func TestTonesGoOn(t *testing.T) {
	lost := make([]bool, 50)
	for _, i := range []int{20, 30, 41} {
		lost[i] = true
	}
	for rate := range rates {
		rate = 8000 * (rate + 1)
		for hz := 70.0; hz < 1800; hz *= 1.07 {
			pcm := tone(rate, rate, hz, 9000)
			got := conceal(pcm, lost, rate)
			if g := gain(pcm, got, lost, rate/50); g < 6 {
				t.Errorf("%.0f Hz at %d: what is heard is %.1f dB above its error, want 6", hz, rate, g)
			}
			if s, most := steepest(got), steepest(pcm); s > most*1.7+200 {
				t.Errorf("%.0f Hz at %d: a step of %.0f, the tone's steepest is %.0f", hz, rate, s, most)
			}
		}
	}
}

// bridge conceals what it knows the end of.
func bridge(pcm []int16, lost []bool, rate int) []int16 {
	got, frame := slices.Clone(pcm), rate/50
	c := plc.New(rate)
	for i, l := range lost {
		f := got[i*frame : (i+1)*frame]
		if !l {
			c.Good(f)
			continue
		}
		after := 0
		for i+1 < len(lost) && lost[i+1] {
			i, after = i+1, after+frame
		}
		clear(f)
		c.Between(f, after, pcm[(i+1)*frame:])
	}
	return got
}

// Where it is known what follows, sound goes over into it without a step, and what
// follows is not touched.
func TestTonesAreBridged(t *testing.T) {
	lost := make([]bool, 50)
	for _, i := range []int{20, 30, 31, 41} {
		lost[i] = true
	}
	for rate := range rates {
		rate = 8000 * (rate + 1)
		for hz := 70.0; hz < 1800; hz *= 1.07 {
			pcm := tone(rate, rate, hz, 9000)
			got := bridge(pcm, lost, rate)
			if s, most := steepest(got), steepest(pcm); s > most*1.7+200 {
				t.Errorf("%.0f Hz at %d: a step of %.0f, the tone's steepest is %.0f", hz, rate, s, most)
			}
			for i, l := range lost {
				if at := i * rate / 50; !l && !slices.Equal(got[at:at+rate/50], pcm[at:at+rate/50]) {
					t.Errorf("%.0f Hz at %d: frame %d has been changed", hz, rate, i)
				}
			}
		}
	}
}

// After a long loss nothing is heard before it comes back, and without enough of
// what follows a loss ends as it does if nothing is known.
func TestNothingIsBridged(t *testing.T) {
	for _, line := range []struct{ lost, known int }{{2000, 160}, {160, 79}} {
		a, b := plc.New(8000), plc.New(8000)
		pcm := tone(8000, 160, 300, 8000)
		x, y := make([]int16, line.lost), make([]int16, line.lost)
		a.Good(pcm)
		b.Good(pcm)
		a.Lost(x)
		b.Between(y, 0, pcm[:line.known])
		if !slices.Equal(x, y) {
			t.Errorf("%+v: something was made of what follows", line)
		}
	}
}

func steepest(pcm []int16) (most float64) {
	for i, s := range pcm[1:] {
		most = max(most, math.Abs(float64(s)-float64(pcm[i])))
	}
	return most
}

// A long loss is loud for 10 ms, half as loud at 40, and silent from 70 on.
func TestLongLossFades(t *testing.T) {
	for rate := range rates {
		rate = 8000 * (rate + 1)
		ms := rate / 1000
		c := plc.New(rate)
		c.Good(tone(rate, rate/5, 500, 8000))
		dst := make([]int16, 200*ms)
		c.Lost(dst)
		level := func(from, to int) float64 { return math.Sqrt(2 * power(dst[from*ms:to*ms])) }
		if a, b := level(0, 10), level(36, 44); math.Abs(a-8000) > 500 || math.Abs(b-4000) > 500 {
			t.Errorf("%d Hz: %.0f at first, %.0f at 40 ms", rate, a, b)
		}
		if power(dst[70*ms:]) != 0 || c.Concealing() {
			t.Errorf("%d Hz: it has not ended after 70 ms", rate)
		}
	}
}

// lossOf loses a share of the frames in bursts.
func lossOf(n, burst int, share float64, seed uint64) []bool {
	rng := rand.New(rand.NewPCG(seed, 7))
	lost := make([]bool, n)
	for i := range lost {
		if rng.Float64() < share/float64(burst) {
			for k := i; k < min(i+burst, n); k++ {
				lost[k] = true
			}
		}
	}
	return lost
}

// repeat is what a receiver without concealment may do: the last frame again.
func repeat(pcm []int16, lost []bool, frame int) []int16 {
	got := slices.Clone(pcm)
	for i, l := range lost {
		if l && i > 0 {
			copy(got[i*frame:(i+1)*frame], got[(i-1)*frame:])
		}
	}
	return got
}

func silence(pcm []int16, lost []bool, frame int) []int16 {
	got := slices.Clone(pcm)
	for i, l := range lost {
		if l {
			clear(got[i*frame : (i+1)*frame])
		}
	}
	return got
}

// Speech with losses is nearer to what was said than with silence or repeated
// frames in their place.
func TestSpeechIsConcealed(t *testing.T) {
	var said [][]int16
	for _, v := range speech.Voices() {
		said = append(said, v.Say(t, media.SampleRate))
	}
	for _, line := range []struct {
		burst int
		share float64
	}{{1, 0.05}, {1, 0.2}, {2, 0.1}, {4, 0.2}} {
		var d, g [4]float64
		for i, pcm := range said {
			pcm = pcm[:len(pcm)/160*160]
			lost := lossOf(len(pcm)/160, line.burst, line.share, uint64(i))
			for k, got := range [][]int16{conceal(pcm, lost, 8000), silence(pcm, lost, 160), repeat(pcm, lost, 160), bridge(pcm, lost, 8000)} {
				d[k] += speech.LogSpectralDistance(pcm, got) / 4
				g[k] += gain(pcm, got, lost, 160) / 4
			}
		}
		t.Logf("%v: spectral distance %.2f dB (silence %.2f, repeated %.2f), signal to error %.2f dB (%.2f, %.2f)",
			line, d[0], d[1], d[2], g[0], g[1], g[2])
		// Nobody can tell the phase of a voice for longer than a frame ahead, so
		// the waveform is nearer than silence is only where single frames are lost.
		if d[3] > d[0]*0.9 || g[3] < g[0]+0.3 {
			t.Errorf("%v: known ends are worth nothing: distance %.2f dB, signal to error %.2f dB", line, d[3], g[3])
		}
		if d[0] >= d[1] || d[0] >= d[2] || g[0] <= g[2] || line.burst == 1 && g[0] <= g[1] {
			t.Errorf("%v: concealment is not the best", line)
		}
	}
}

func TestDecoder(t *testing.T) {
	pcm := tone(8000, 3*4000, 500, 8000)
	var d plc.Decoder
	dst := make([]int16, 160)
	for k, codec := range media.Codecs() {
		coder := new(media.Encoder)
		if err := coder.Reset(codec, media.SampleRate); err != nil {
			t.Fatal(err)
		}
		coded := make([]byte, codec.FrameBytes())
		for i := range 25 {
			at := (25*k + i) * 160
			coder.Encode(coded, pcm[at:at+160])
			if i%10 == 5 {
				d.Frame(dst, codec, nil)
				if !d.Concealing() {
					t.Errorf("%v, frame %d: not concealed", codec, i)
				}
			} else {
				d.Frame(dst, codec, coded)
			}
			if level := math.Sqrt(2 * power(dst)); math.Abs(level-8000) > 900 && i > 0 {
				t.Errorf("%v, frame %d: amplitude %.0f, want 8000", codec, i, level)
			}
		}
	}
}

// FuzzConcealer: any order of frames of any length; never a panic, and silence
// 70 ms after the last sound.
func FuzzConcealer(f *testing.F) {
	f.Add(false, []byte{10, 20, 201, 160, 255, 3, 128, 80})
	f.Add(true, []byte{255, 0, 1, 255, 255, 255, 7, 7})
	f.Fuzz(func(t *testing.T, wide bool, script []byte) {
		rate := 8000
		if wide {
			rate = 16000
		}
		c := plc.New(rate)
		for len(script) > 1 {
			frame := make([]int16, int(script[0]>>1)*9)
			for i := range frame {
				frame[i] = int16(script[(i+1)%len(script)]) << 8
			}
			switch {
			case script[0]&1 == 0:
				c.Good(frame)
			case script[1]&1 == 0:
				c.Between(frame, int(script[1]), frame)
			default:
				c.Lost(frame)
			}
			script = script[1:]
		}
		frame := make([]int16, rate)
		c.Lost(frame)
		if power(frame[rate*7/100:]) != 0 {
			t.Error("sound 70 ms after the last frame")
		}
	})
}

func TestNothingIsAllocated(t *testing.T) {
	var d plc.Decoder
	coded, dst := make([]byte, 160), make([]int16, 160)
	if n := testing.AllocsPerRun(100, func() {
		d.Frame(dst, media.PCMU, coded)
		d.Frame(dst, media.PCMU, nil)
		d.Between(dst, 0, media.PCMU, coded)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkGood(b *testing.B) {
	c := plc.New(8000)
	frame := tone(8000, 160, 300, 8000)
	b.ReportAllocs()
	for b.Loop() {
		c.Good(frame)
	}
}

// BenchmarkLost is one lost frame with the good one after it.
func BenchmarkLost(b *testing.B) {
	c := plc.New(8000)
	frame := tone(8000, 160, 300, 8000)
	c.Good(frame)
	b.ReportAllocs()
	for b.Loop() {
		c.Lost(frame)
		c.Good(frame)
	}
}

// BenchmarkBetween is one lost frame between two.
func BenchmarkBetween(b *testing.B) {
	c := plc.New(8000)
	frame, next := tone(8000, 160, 300, 8000), tone(8000, 160, 300, 8000)
	c.Good(frame)
	b.ReportAllocs()
	for b.Loop() {
		c.Between(frame, 0, next)
		c.Good(frame)
	}
}
