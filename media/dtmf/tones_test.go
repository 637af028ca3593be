package dtmf_test

import (
	"math"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/dtmf"
)

// sing is the sound of digits, in frames of 20 ms.
func sing(t testing.TB, digits string, rate int) []int16 {
	t.Helper()
	s := dtmf.Tones{Rate: rate}
	if err := s.Queue(digits); err != nil {
		t.Fatal(err)
	}
	var out []int16
	for {
		frame := make([]int16, rate/50)
		if !s.Next(frame) {
			return out
		}
		out = append(out, frame...)
	}
}

func TestTonesAreHeardAsTheKeysTheyAre(t *testing.T) {
	digits := keys + "55" + keys
	for _, codec := range media.Codecs() {
		if got := falseKeys(sing(t, digits, 8000), codec); got != digits {
			t.Errorf("over %v: %q", codec, got)
		}
	}
	if got := falseKeys(media.Resample(sing(t, digits, 48000), 48000, 8000), media.PCMU); got != digits {
		t.Errorf("made at 48 kHz: %q", got)
	}
}

// amplitude is that of one tone of a sound.
func amplitude(pcm []int16, freq float64, rate int) float64 {
	var re, im float64
	for i, v := range pcm {
		a := 2 * math.Pi * freq * float64(i) / float64(rate)
		re, im = re+float64(v)*math.Cos(a), im+float64(v)*math.Sin(a)
	}
	return 2 * math.Hypot(re, im) / float64(len(pcm))
}

func TestTonesHaveTheLevelsOfATelephone(t *testing.T) {
	for _, rate := range []int{8000, 48000} {
		for i := range keys {
			pcm := sing(t, keys[i:i+1], rate)
			if len(pcm) != rate/5 {
				t.Fatalf("%c at %d Hz takes %d samples, want 200 ms", keys[i], rate, len(pcm))
			}
			low, high := pad(keys[i])
			middle := pcm[rate/100 : rate*9/100]
			for freq, want := range map[float64]float64{low: -9, high: -7} {
				if got := 20*math.Log10(amplitude(middle, freq, rate)/32767) + 3.17; math.Abs(got-want) > 0.3 {
					t.Errorf("%c at %d Hz: tone of %v Hz has %.2f dBm0, want %v", keys[i], rate, freq, got, want)
				}
			}
			for at, v := range pcm[rate/10:] {
				if v != 0 {
					t.Fatalf("%c at %d Hz: sound %d samples after its end", keys[i], rate, at)
				}
			}
		}
	}
}

// A step in the sound is a click: no sample may be further from the last one
// than in the middle of the key.
func TestTonesBeginAndEndSmoothly(t *testing.T) {
	pcm := sing(t, "1", 8000)
	for i, v := range []int16{pcm[0], pcm[1], pcm[798], pcm[799]} {
		if v > 300 || v < -300 {
			t.Errorf("sample %d of the edges is %d", i, v)
		}
	}
}

func TestTonesRefuseWhatIsNoKey(t *testing.T) {
	var s dtmf.Tones
	frame := []int16{7}
	if err := s.Queue("12x"); err == nil || s.Active() || s.Next(frame) || frame[0] != 7 {
		t.Errorf("error %v, active %v, frame %v", err, s.Active(), frame)
	}
}

func TestTonesKeepABoundedQueue(t *testing.T) {
	var s dtmf.Tones
	for range 10 {
		if err := s.Queue(strings.Repeat("1", 50)); err != nil {
			t.Fatal(err)
		}
	}
	frames := 0
	for frame := make([]int16, 160); s.Next(frame); {
		frames++
	}
	if frames != 128*10 {
		t.Errorf("%d frames, want those of 128 keys", frames)
	}
}

func TestTonesDoNotAllocate(t *testing.T) {
	var s dtmf.Tones
	if err := s.Queue(strings.Repeat("5", 100)); err != nil {
		t.Fatal(err)
	}
	frame := make([]int16, 160)
	if n := testing.AllocsPerRun(500, func() { s.Next(frame) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTones(b *testing.B) {
	var s dtmf.Tones
	frame := make([]int16, 160)
	b.ReportAllocs()
	for range b.N {
		if !s.Next(frame) {
			_ = s.Queue("123456789*")
		}
	}
}
