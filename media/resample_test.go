package media_test

import (
	"math"
	"testing"

	"github.com/ivrd/ivrd/media"
)

func sine(freqHz float64, rate, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(math.Round(16000 * math.Sin(2*math.Pi*freqHz*float64(i)/float64(rate))))
	}
	return pcm
}

// inner leaves out a tenth of a second at both ends, where the filter runs in
// and out.
func inner(pcm []int16, rate int) []int16 { return pcm[rate/10 : len(pcm)-rate/10] }

// level of one frequency in dBov, under a Hann window.
func level(pcm []int16, rate int, freqHz float64) float64 {
	pcm = inner(pcm, rate)
	var re, im, norm float64
	for i, s := range pcm {
		w := 1 - math.Cos(2*math.Pi*float64(i)/float64(len(pcm)))
		sin, cos := math.Sincos(2 * math.Pi * freqHz * float64(i) / float64(rate))
		re += w * float64(s) * cos
		im += w * float64(s) * sin
		norm += w
	}
	return 10 * math.Log10(2*(re*re+im*im)/(norm*norm)/(32768*32768)+1e-20)
}

// power of everything, in dBov.
func power(pcm []int16, rate int) float64 {
	pcm = inner(pcm, rate)
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return 10 * math.Log10(sum/float64(len(pcm))/(32768*32768)+1e-20)
}

var rates = []struct{ from, to int }{
	{48000, 8000}, {44100, 8000}, {22050, 8000}, {16000, 8000}, {11025, 8000}, {8001, 8000}, {8000, 16000}, {8000, 48000},
}

func TestResamplePassBand(t *testing.T) {
	for _, r := range rates {
		for _, freq := range []float64{200, 1000, 3400} {
			in := sine(freq, r.from, r.from)
			out := media.Resample(in, r.from, r.to)
			if len(out) != r.to {
				t.Fatalf("%d to %d: %d samples of one second", r.from, r.to, len(out))
			}
			was, is := level(in, r.from, freq), level(out, r.to, freq)
			if math.Abs(is-was) > 0.1 {
				t.Errorf("%d to %d: %v Hz was %.2f dBov, is %.2f", r.from, r.to, freq, was, is)
			}
			if more := power(out, r.to) - is; more > 0.1 {
				t.Errorf("%d to %d: %v Hz gained %.2f dB of something else", r.from, r.to, freq, more)
			}
		}
	}
}

func TestResampleStopBand(t *testing.T) {
	for _, r := range rates {
		for _, freq := range []float64{4010, 4500, 7000, 15000, 23000} {
			if freq >= float64(r.from)/2 || freq <= float64(r.to)/2 {
				continue
			}
			in := sine(freq, r.from, r.from)
			if down := power(in, r.from) - power(media.Resample(in, r.from, r.to), r.to); down < 60 {
				t.Errorf("%d to %d: %v Hz aliases %.1f dB down, want 60", r.from, r.to, freq, down)
			}
		}
	}
}

func TestResampleMakesNoImages(t *testing.T) {
	out := media.Resample(sine(3000, 8000, 8000), 8000, 48000)
	for _, image := range []float64{5000, 11000, 13000, 19000} {
		if down := level(out, 48000, 3000) - level(out, 48000, image); down < 60 {
			t.Errorf("the image at %v Hz is %.1f dB down, want 60", image, down)
		}
	}
}

func TestResampleEdges(t *testing.T) {
	constant := make([]int16, 4800)
	for i := range constant {
		constant[i] = 1000
	}
	out := media.Resample(constant, 48000, 8000)
	if v := out[len(out)/2]; v < 999 || v > 1001 {
		t.Errorf("a constant 1000 becomes %d", v)
	}
	if got := media.Resample(nil, 48000, 8000); len(got) != 0 {
		t.Errorf("nothing becomes %d samples", len(got))
	}
	same := media.Resample(constant, 8000, 8000)
	same[0] = 7
	if constant[0] != 1000 {
		t.Error("the input was handed out")
	}
}
