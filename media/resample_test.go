package media_test

import (
	"math"
	"testing"

	"github.com/ivrd/ivrd/media"
)

// level measures the power of one frequency in dBov, the ends left out.
func level(pcm []int16, rate int, freq float64) float64 {
	pcm = pcm[rate/10 : len(pcm)-rate/10]
	var re, im, norm float64
	for i, s := range pcm {
		w := 1 - math.Cos(2*math.Pi*float64(i)/float64(len(pcm))) // Hann
		sin, cos := math.Sincos(2 * math.Pi * freq * float64(i) / float64(rate))
		re += w * float64(s) * cos
		im += w * float64(s) * sin
		norm += w
	}
	return 10 * math.Log10(2*(re*re+im*im)/(norm*norm)/(32768*32768)+1e-20)
}

func sine(freq float64, rate, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(math.Round(16000 * math.Sin(2*math.Pi*freq*float64(i)/float64(rate))))
	}
	return pcm
}

func total(pcm []int16, rate int) float64 {
	power := 0.0
	pcm = pcm[rate/10 : len(pcm)-rate/10]
	for _, s := range pcm {
		power += float64(s) * float64(s)
	}
	return 10 * math.Log10(power/float64(len(pcm))/(32768*32768)+1e-20)
}

func TestResamplePassBandAndStopBand(t *testing.T) {
	for _, r := range []struct{ from, to int }{{48000, 8000}, {44100, 8000}, {22050, 8000}, {16000, 8000}, {8000, 48000}, {8000, 16000}, {11025, 8000}, {8001, 8000}} {
		for _, freq := range []float64{200, 1000, 3400} {
			in := sine(freq, r.from, r.from)
			out := media.Resample(in, r.from, r.to)
			if want := r.to; len(out) != want {
				t.Fatalf("%d to %d: %d samples, want %d", r.from, r.to, len(out), want)
			}
			got, want := level(out, r.to, freq), level(in, r.from, freq)
			if math.Abs(got-want) > 0.1 {
				t.Errorf("%d to %d: %v Hz at %.2f dBov, was %.2f", r.from, r.to, freq, got, want)
			}
			if rest := total(out, r.to) - want; rest > 0.1 {
				t.Errorf("%d to %d: %v Hz gained %.2f dB of something", r.from, r.to, freq, rest)
			}
		}
		for _, freq := range []float64{4100, 5000, 7000, 15000} {
			if freq >= float64(r.from)/2 || freq < float64(r.to)/2 {
				continue
			}
			in := sine(freq, r.from, r.from)
			out := media.Resample(in, r.from, r.to)
			if left := total(out, r.to) - total(in, r.from); left > -60 {
				t.Errorf("%d to %d: %v Hz aliases %.1f dB down, want 60", r.from, r.to, freq, -left)
			}
		}
	}
}

func TestResampleUpMakesNoImages(t *testing.T) {
	in := sine(3000, 8000, 8000)
	out := media.Resample(in, 8000, 48000)
	for _, image := range []float64{5000, 11000, 13000} {
		if d := level(out, 48000, 3000) - level(out, 48000, image); d < 60 {
			t.Errorf("the image at %v Hz is %.1f dB down, want 60", image, d)
		}
	}
}

func TestResampleKeepsLengthAndDC(t *testing.T) {
	in := make([]int16, 4800)
	for i := range in {
		in[i] = 1000
	}
	out := media.Resample(in, 48000, 8000)
	if v := out[len(out)/2]; v < 999 || v > 1001 {
		t.Errorf("a constant 1000 becomes %d", v)
	}
	if got := media.Resample(nil, 48000, 8000); len(got) != 0 {
		t.Errorf("nothing becomes %d samples", len(got))
	}
	same := media.Resample(in, 8000, 8000)
	same[0] = 7
	if in[0] != 1000 {
		t.Error("the input was handed out")
	}
}
