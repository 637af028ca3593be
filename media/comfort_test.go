package media_test

import (
	"math"
	"slices"
	"testing"

	"github.com/ivrd/ivrd/media"
)

func TestComfortNoisePayload(t *testing.T) {
	for _, c := range []struct {
		name    string
		payload []byte
		level   uint8
		want    []float64
	}{
		{"the level alone", []byte{70}, 70, nil},
		{"the unused bit", []byte{0x80 | 3}, 3, nil},
		{"coefficients", []byte{50, 127, 0, 254, 128}, 50, []float64{0, -32766. / 32768, 32766. / 32768, 258. / 32768}},
		{"the byte of no coefficient", []byte{50, 255}, 50, []float64{32766. / 32768}},
		{"more than we keep", append([]byte{9}, slices.Repeat([]byte{100}, 14)...), 9, slices.Repeat([]float64{-27 * 258. / 32768}, 10)},
	} {
		n, err := media.ParseComfortNoise(c.payload)
		if err != nil || n.Level != c.level || n.Order != len(c.want) {
			t.Fatalf("%s: level %d, order %d, error %v", c.name, n.Level, n.Order, err)
		}
		for i, want := range c.want {
			if math.Abs(float64(n.Reflection[i])-want) > 1e-6 {
				t.Errorf("%s: coefficient %d is %v, want %v", c.name, i, n.Reflection[i], want)
			}
		}
	}
	if _, err := media.ParseComfortNoise(nil); err == nil {
		t.Error("an empty payload is taken")
	}
}

func TestComfortNoiseIsLimited(t *testing.T) {
	n := media.ComfortNoise{Level: 200, Order: 2, Reflection: [media.MaxNoiseOrder]float32{-3, 3}}
	if got := n.Append([]byte{1}); !slices.Equal(got, []byte{1, 127, 0, 254}) {
		t.Errorf("%v", got)
	}
}

// generated is a second of the noise that comes when n has been on the wire.
func generated(t *testing.T, n media.ComfortNoise) []int16 {
	t.Helper()
	heard, err := media.ParseComfortNoise(n.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	g := media.NewNoiseGenerator(1)
	g.Set(heard)
	pcm := make([]int16, media.SampleRate)
	g.Fill(pcm)
	return pcm
}

func TestNoiseHasItsLevel(t *testing.T) {
	for _, level := range []uint8{10, 30, 50, 70} {
		for _, k := range [][media.MaxNoiseOrder]float32{{}, {-0.9}, {0.7, -0.5, 0.3}, {-0.5, 0.8}} {
			n := media.ComfortNoise{Level: level, Order: 3, Reflection: k}
			if got := power(generated(t, n), media.SampleRate); math.Abs(got+float64(level)) > 1 {
				t.Errorf("level %d with %v: %.2f dBov", level, k[:3], got)
			}
		}
	}
}

// What is measured of noise makes noise of which the same is measured.
func TestMeasuredNoiseComesBack(t *testing.T) {
	for _, k := range [][media.MaxNoiseOrder]float32{{}, {-0.8}, {0.6, 0.4}, {-0.7, 0.5, -0.3, 0.2}} {
		n := media.ComfortNoise{Level: 40, Order: 4, Reflection: k}
		got := media.MeasureNoise(generated(t, n), 4)
		if got.Order != 4 || got.Level < 39 || got.Level > 41 {
			t.Errorf("%v: level %d, order %d", k[:4], got.Level, got.Order)
		}
		for i := range 4 {
			if math.Abs(float64(got.Reflection[i]-k[i])) > 0.05 {
				t.Errorf("%v: measured %v", k[:4], got.Reflection[:4])
				break
			}
		}
	}
}

// A low-pass noise must not come back as a high-pass one: the sign of the
// coefficients is where implementations could differ.
func TestNoiseSpectrum(t *testing.T) {
	low := stream(t, noise(3, 9000, 96000), 48000, 8000, 960)[4000:12000]
	smooth := make([]int16, len(low))
	for i := 1; i < len(low); i++ {
		smooth[i] = (low[i] + low[i-1]) / 2
	}
	n := media.MeasureNoise(smooth, 1)
	if k := n.Reflection[0]; k > -0.4 || k < -0.6 {
		t.Errorf("the first coefficient of low-pass noise is %v, want about -0.5", k)
	}
	pcm := generated(t, n)
	neighbours, all := 0.0, 0.0
	for i := 1; i < len(pcm); i++ {
		neighbours += float64(pcm[i]) * float64(pcm[i-1])
		all += float64(pcm[i]) * float64(pcm[i])
	}
	if r := neighbours / all; r < 0.4 || r > 0.6 {
		t.Errorf("its neighbours correlate by %.2f, want about 0.5", r)
	}
}

func TestMeasureNoiseOfNone(t *testing.T) {
	for _, pcm := range [][]int16{nil, make([]int16, 160)} {
		if n := media.MeasureNoise(pcm, 4); n != (media.ComfortNoise{Level: 127, Order: 4}) {
			t.Errorf("silence is %+v", n)
		}
	}
	constant := slices.Repeat([]int16{math.MinInt16}, 160)
	if n := media.MeasureNoise(constant, media.MaxNoiseOrder); n.Level != 0 {
		t.Errorf("full scale has level %d", n.Level)
	}
	var silent media.NoiseGenerator
	pcm := noise(1, 100, 160)
	if silent.Fill(pcm); !slices.Equal(pcm, make([]int16, 160)) {
		t.Error("the zero generator is not silent")
	}
}

func TestComfortNoiseDoesNotAllocate(t *testing.T) {
	g, pcm, payload := media.NewNoiseGenerator(1), make([]int16, 160), make([]byte, 0, 16)
	if n := testing.AllocsPerRun(100, func() {
		n, err := media.ParseComfortNoise(media.MeasureNoise(pcm, 4).Append(payload))
		if err != nil {
			t.Fatal(err)
		}
		g.Set(n)
		g.Fill(pcm)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzParseComfortNoise: what is read is in range, comes back as it was
// written, and no noise leaves anything in the generator that spoils the next.
func FuzzParseComfortNoise(f *testing.F) {
	f.Add([]byte{60})
	f.Add([]byte{0, 254, 0, 254, 0, 254, 0, 254, 0, 254, 0})
	f.Add([]byte{0xFF, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Fuzz(func(t *testing.T, payload []byte) {
		n, err := media.ParseComfortNoise(payload)
		if (err != nil) != (len(payload) == 0) {
			t.Fatalf("%x: %v", payload, err)
		}
		if n.Level > 127 || n.Order < 0 || n.Order > media.MaxNoiseOrder {
			t.Fatalf("%x: %+v", payload, n)
		}
		for _, k := range n.Reflection {
			if k <= -1 || k >= 1 {
				t.Fatalf("%x: coefficient %v", payload, k)
			}
		}
		if again, err := media.ParseComfortNoise(n.Append(nil)); err != nil || again != n {
			t.Fatalf("%+v comes back as %+v, %v", n, again, err)
		}
		g, pcm := media.NewNoiseGenerator(1), make([]int16, media.SampleRate)
		g.Set(n)
		g.Fill(pcm)
		g.Set(media.ComfortNoise{Level: 40, Order: media.MaxNoiseOrder})
		g.Fill(pcm)
		if got := power(pcm, media.SampleRate); math.Abs(got+40) > 1 {
			t.Fatalf("after %x, noise of -40 dBov has %.1f", payload, got)
		}
	})
}
