package media_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
)

var streamRates = []struct{ from, to int }{
	{8000, 16000},
	{16000, 8000},
	{8000, 24000},
	{24000, 8000},
	{8000, 32000},
	{8000, 48000},
	{48000, 8000},
	{16000, 48000},
	{48000, 16000},
	{44100, 8000},
	{22050, 8000},
	{44100, 16000},
	{8000, 44100},
	{44100, 48000},
	{48000, 44100},
}

func newResampler(t testing.TB, from, to int) *media.Resampler {
	t.Helper()
	r, err := media.NewResampler(from, to)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// stream resamples pcm in pieces.
func stream(t testing.TB, pcm []int16, from, to, piece int) []int16 {
	t.Helper()
	r := newResampler(t, from, to)
	var out []int16
	dst := make([]int16, r.Room(piece))
	for part := range slices.Chunk(pcm, piece) {
		out = append(out, dst[:r.Resample(dst, part)]...)
	}
	return out
}

// The figures of Resampler's comment, by the lower of the two rates.
func passBand(from, to int) float64 { return 0.86 * float64(min(from, to)) / 2 }
func stopBand(from, to int) float64 { return 1.14 * float64(min(from, to)) / 2 }

func TestResamplerPassBand(t *testing.T) {
	for _, r := range streamRates {
		for part := 0.02; part <= 1; part += 0.196 {
			freq := part * passBand(r.from, r.to)
			in := sine(freq, r.from, r.from)
			out := stream(t, in, r.from, r.to, r.from/50)
			if len(out) != r.to {
				t.Fatalf("%d to %d: %d samples of one second", r.from, r.to, len(out))
			}
			is := level(out, r.to, freq)
			if gain := is - level(in, r.from, freq); math.Abs(gain) > 0.005 {
				t.Errorf("%d to %d: %.0f Hz gains %.3f dB", r.from, r.to, freq, gain)
			}
			if more := powerBeside(out, r.to, freq); is-more < 60 {
				t.Errorf("%d to %d: %.0f Hz comes with something only %.1f dB lower", r.from, r.to, freq, is-more)
			}
		}
	}
}

// powerBeside is what is left of pcm, in dBov, when the best fit of one tone
// has been taken out.
func powerBeside(pcm []int16, rate int, freqHz float64) float64 {
	pcm = inner(pcm, rate)
	var re, im float64
	for i, s := range pcm {
		sin, cos := math.Sincos(2 * math.Pi * freqHz * float64(i) / float64(rate))
		re += float64(s) * cos
		im += float64(s) * sin
	}
	re, im = 2*re/float64(len(pcm)), 2*im/float64(len(pcm))
	sum := 0.0
	for i, s := range pcm {
		sin, cos := math.Sincos(2 * math.Pi * freqHz * float64(i) / float64(rate))
		d := float64(s) - re*cos - im*sin
		sum += d * d
	}
	return 10 * math.Log10(sum/float64(len(pcm))/(32768*32768)+1e-20)
}

func TestResamplerHasNoAliases(t *testing.T) {
	for _, r := range streamRates {
		for freq := stopBand(r.from, r.to); freq < 0.49*float64(r.from); freq += 0.03 * float64(r.from) {
			in := sine(freq, r.from, r.from)
			if down := power(in, r.from) - power(stream(t, in, r.from, r.to, r.from/50), r.to); down < 70 {
				t.Errorf("%d to %d: %.0f Hz folds back %.1f dB down, want 70", r.from, r.to, freq, down)
			}
		}
	}
}

// The 16-bit output's own noise lies at -98 dBov, spread over the band; an
// image of a -9 dBov tone at -70 dB shows above it.
func TestResamplerHasNoImages(t *testing.T) {
	for _, r := range streamRates {
		for part := 0.1; r.to > r.from && part <= 1; part += 0.3 {
			freq := part * passBand(r.from, r.to)
			out := stream(t, sine(freq, r.from, r.from), r.from, r.to, r.from/50)
			is := level(out, r.to, freq)
			for image := float64(r.from); image-freq < float64(r.to)/2; image += float64(r.from) {
				for _, at := range []float64{image - freq, image + freq} {
					if down := is - level(out, r.to, at); at < float64(r.to)/2 && down < 70 {
						t.Errorf("%d to %d: %.0f Hz has an image at %.0f Hz %.1f dB down, want 70", r.from, r.to, freq, at, down)
					}
				}
			}
		}
	}
}

func TestResamplerInPiecesEqualsOneShot(t *testing.T) {
	pcm := noise(7, math.MaxInt16, 9000)
	for _, r := range streamRates {
		whole := stream(t, pcm, r.from, r.to, len(pcm))
		for _, piece := range []int{1, 7, 160, 320, 961} {
			if !slices.Equal(stream(t, pcm, r.from, r.to, piece), whole) {
				t.Errorf("%d to %d: pieces of %d samples sound different", r.from, r.to, piece)
			}
		}
	}
}

// TestResamplerDelay finds the middle of what a smooth pulse becomes.
func TestResamplerDelay(t *testing.T) {
	const middle = 0.030 // s
	for _, r := range streamRates {
		in := make([]int16, r.from*60/1000)
		for i := range in {
			d := float64(i)/float64(r.from) - middle
			in[i] = int16(20000 * math.Exp(-d*d/(2*0.0005*0.0005)))
		}
		var sum, moment float64
		for i, s := range stream(t, in, r.from, r.to, r.from/50) {
			sum += float64(s)
			moment += float64(s) * float64(i) / float64(r.to)
		}
		want := newResampler(t, r.from, r.to).Delay().Seconds()
		if got := moment/sum - middle; math.Abs(got-want) > 5e-6 || got > 2.1e-3 {
			t.Errorf("%d to %d: delay %.3f ms, stated %.3f", r.from, r.to, 1000*got, 1000*want)
		}
	}
}

func TestResamplerClips(t *testing.T) {
	const rate = 8000
	square := make([]int16, rate)
	for i := range square {
		square[i] = math.MaxInt16
		if i/20%2 == 1 {
			square[i] = math.MinInt16
		}
	}
	out := stream(t, square, rate, 2*rate, 160)
	if slices.Max(out) != math.MaxInt16 || slices.Min(out) != math.MinInt16 {
		t.Errorf("full scale becomes %d to %d", slices.Min(out), slices.Max(out))
	}
	for i := 1; i < len(out); i++ {
		if math.Abs(float64(out[i])-float64(out[i-1])) > 60000 {
			t.Fatalf("sample %d wraps from %d to %d", i, out[i-1], out[i])
		}
	}
}

func TestResamplerReset(t *testing.T) {
	for _, r := range streamRates {
		re := newResampler(t, r.from, r.to)
		first, again := make([]int16, re.Room(123)), make([]int16, re.Room(123))
		in := noise(9, 20000, 123)
		n := re.Resample(first, in)
		re.Reset()
		if m := re.Resample(again, in); n != m || !slices.Equal(first, again) {
			t.Errorf("%d to %d: the past shows after Reset", r.from, r.to)
		}
	}
}

func TestResamplerRates(t *testing.T) {
	for _, bad := range [][2]int{{0, 8000}, {8000, -1}, {8000, 8001}, {22000, 8000}} {
		if _, err := media.NewResampler(bad[0], bad[1]); err == nil {
			t.Errorf("%d to %d is taken", bad[0], bad[1])
		}
	}
	r := newResampler(t, 8000, 8000)
	in, out := noise(1, 100, 160), make([]int16, 160)
	if n := r.Resample(out, in); n != 160 || !slices.Equal(in, out) || r.Delay() != 0 {
		t.Errorf("the same rate: %d samples, delay %v", n, r.Delay())
	}
	if d := newResampler(t, 16000, 8000).Delay(); d > 2*time.Millisecond {
		t.Errorf("delay %v, want at most 2 ms", d)
	}
}

func TestResamplerDoesNotAllocate(t *testing.T) {
	for _, r := range streamRates {
		re := newResampler(t, r.from, r.to)
		in, out := noise(1, 9000, r.from/50), make([]int16, r.to/50)
		if n := testing.AllocsPerRun(50, func() { re.Resample(out, in) }); n != 0 {
			t.Errorf("%d to %d: %v allocations", r.from, r.to, n)
		}
	}
}
