package dtmf_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/dtmf"
)

// tally is how presses of one kind are heard.
type tally struct{ once, never, twice, wrong int }

func (c tally) String() string {
	return fmt.Sprintf("once %d, never %d, twice %d, wrong %d", c.once, c.never, c.twice, c.wrong)
}

// try presses all keys n times each through each codec. A press may change l,
// whose chance it should use.
func try(n int, press func(l *line, key byte) press) (c tally) {
	for i := range 16 * n {
		for _, codec := range []media.Codec{media.PCMU, media.PCMA} {
			l := newLine(uint64(i), codec)
			p := press(&l, keys[i%16])
			p.key = keys[i%16]
			switch l.hear(p.render(l.rng, nil)) {
			case string(p.key):
				c.once++
			case "":
				c.never++
			case string(p.key) + string(p.key):
				c.twice++
			default:
				c.wrong++
			}
		}
	}
	return c
}

func (l *line) sign() float64 { return float64(2*l.rng.IntN(2) - 1) }

// within draws frequencies that Q.24 accepts at least: ±(1.5 % + 2 Hz), each at
// its bound.
func (l *line) within(p press, key byte) press {
	low, high := pad(key)
	p.low, p.high = l.sign()*(0.015+2/low), l.sign()*(0.015+2/high)
	return p
}

// TestKeysInTheSound goes over the grid of what must be heard: each value of
// one axis with all of the others drawn at random from their bounds.
func TestKeysInTheSound(t *testing.T) {
	var all tally
	for _, level := range []float64{-36, -30, -20, -12, -7} {
		for _, twist := range []float64{-8, -4, 0, 4} {
			for _, snr := range []float64{15, 20, 100} {
				got := try(1, func(l *line, key byte) press {
					p := l.within(press{level: min(level, -3-math.Abs(twist)), twist: twist}, key)
					p.millis = []float64{40, 45, 60, 100, 300}[l.rng.IntN(5)]
					l.noise = p.noiseFor(snr)
					return p
				})
				if got.once != 32 {
					t.Errorf("level %v dBm0, twist %v dB, noise -%v dB: %v", level, twist, snr, got)
				}
				all.once += got.once
			}
		}
	}
	t.Logf("%d keys heard once each", all.once)
}

func TestWhatIsNoKeyIsRefused(t *testing.T) {
	for name, f := range map[string]func(l *line) press{
		"23 ms":             func(*line) press { return press{millis: 23} },
		"15 ms":             func(*line) press { return press{millis: 15} },
		"low tone 3.5 %":    func(l *line) press { return press{millis: 100, low: 0.035 * l.sign()} },
		"high tone 3.5 %":   func(l *line) press { return press{millis: 100, high: 0.035 * l.sign()} },
		"both 3.5 %":        func(l *line) press { return press{millis: 100, low: 0.035 * l.sign(), high: 0.035 * l.sign()} },
		"between the tones": func(*line) press { return press{millis: 100, low: 0.05} },
		"twist 8 dB":        func(*line) press { return press{millis: 100, twist: 8} },
		"twist -12 dB":      func(*line) press { return press{millis: 100, twist: -12.2} },
		"one tone only":     func(*line) press { return press{millis: 100, twist: 60} },
		"the other only":    func(*line) press { return press{millis: 100, twist: -60} },
		"too quiet":         func(*line) press { return press{millis: 100, level: -44} },
		"below its noise":   func(l *line) press { p := press{millis: 100, level: -20}; l.noise = p.noiseFor(0); return p },
		"torn to 20 ms":     func(*line) press { return press{millis: 60, gapAt: 20, gap: 20} },
		"noise and 3.5 %": func(l *line) press {
			p := press{millis: 100, level: -20, low: 0.036}
			l.noise = p.noiseFor(20)
			return p
		},
		"noise and 22.9 ms": func(l *line) press { p := press{millis: 22.9, level: -20}; l.noise = p.noiseFor(15); return p },
	} {
		got := try(10, func(l *line, _ byte) press {
			p := f(l)
			if p.level == 0 {
				p.level = -12 - max(0, math.Abs(p.twist)-3)
			}
			return p
		})
		if got.never != 320 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestPausesAndInterruptions(t *testing.T) {
	for _, tt := range []struct {
		gap         float64
		once, twice int
	}{{5, 320, 0}, {10, 320, 0}, {20, 320, 0}, {40, 0, 320}, {60, 0, 320}, {200, 0, 320}} {
		got := try(10, func(l *line, _ byte) press {
			p := press{level: -20, millis: 100 + tt.gap, gapAt: 50, gap: tt.gap}
			l.noise = p.noiseFor(15)
			return p
		})
		if got.once != tt.once || got.twice != tt.twice {
			t.Errorf("%v ms within a key: %v", tt.gap, got)
		}
	}
}

// dialled is a number typed as fast as Q.24 allows: 40 ms each way.
func dialled(l line, number string, millis float64) []float64 {
	var sound []float64
	for i := range len(number) {
		p := press{key: number[i], level: -15, millis: millis, pause: millis}
		sound = p.render(l.rng, sound)
	}
	return sound
}

func TestNumbersAsFastAsTheyMayCome(t *testing.T) {
	for seed := range uint64(50) {
		l := newLine(seed, media.PCMU)
		l.noise = press{level: -15}.noiseFor(15)
		number := keys + "5500##"
		if got := l.hear(dialled(l, number, 40)); got != number {
			t.Errorf("seed %d: heard %q", seed, got)
		}
	}
}

// A key as long as a finger stays on it outlives the loss of frames; it is
// never two.
func TestKeysOnALossyLine(t *testing.T) {
	for name, tt := range map[string]struct {
		millis       float64
		hidden       bool
		once, double int // of 400: at least, at most
	}{
		"told, 100 ms":     {100, false, 396, 0},
		"told, 60 ms":      {60, false, 360, 0},
		"told, 40 ms":      {40, false, 330, 0},
		"as silence":       {100, true, 392, 4},
		"as silence, held": {400, true, 380, 20},
	} {
		var c tally
		for i := range 400 {
			l := newLine(uint64(i), media.PCMA)
			l.lose, l.hidden, l.noise = 0.05, tt.hidden, 2
			p := press{key: keys[i%16], level: -20, millis: tt.millis}
			switch got := l.hear(p.render(l.rng, nil)); {
			case got == string(p.key):
				c.once++
			case got == "":
				c.never++
			case strings.Trim(got, string(p.key)) == "":
				c.twice++
			default:
				c.wrong++
			}
		}
		t.Logf("%s, 5 %% lost: %v", name, c)
		if c.once < tt.once || c.twice > tt.double || c.wrong > 0 {
			t.Errorf("%s: %v", name, c)
		}
	}
}

// A key of which no frame of the pause came is one with the next; where any of
// the pause came, it is not.
func TestLostPauseSeparatesByWhatIsLeft(t *testing.T) {
	tone := press{key: '5', level: -20, millis: 60}
	l := line{rng: rand.New(rand.NewPCG(1, 1))}
	frames := tone.render(l.rng, nil)
	feed := func(d *dtmf.Detector, pcm []float64) (got string) {
		for ; len(pcm) > 0; pcm = pcm[160:] {
			var f [160]int16
			for i := range f {
				f[i] = int16(pcm[i])
			}
			if key, ok := d.Frame(f[:]); ok {
				got += string(rune(key))
			}
		}
		return got
	}
	for _, tt := range []struct {
		silent int
		want   string
	}{{0, "5"}, {1, "55"}} {
		var d dtmf.Detector
		got := feed(&d, frames)
		d.Frame(nil)
		got += feed(&d, make([]float64, tt.silent*160))
		if got += feed(&d, frames); got != tt.want {
			t.Errorf("%d silent frames beside a lost one: heard %q", tt.silent, got)
		}
	}
}

func TestKeyIsReportedWhileItIsHeld(t *testing.T) {
	p := press{key: '7', level: -20, millis: 2000}
	pcm := line{rng: rand.New(rand.NewPCG(1, 1))}.pcm(p.render(rand.New(rand.NewPCG(2, 2)), nil))
	var d dtmf.Detector
	for i := 0; len(pcm) >= 160; i, pcm = i+1, pcm[160:] {
		if _, ok := d.Frame(pcm[:160]); ok {
			if i > 2 { // it begins in the first frame
				t.Errorf("reported with frame %d", i)
			}
			d.Reset()
			return
		}
	}
	t.Error("not heard")
}

// TestOtherSoundIsNoKey: noise, chords of music, dial and ring tones, sweeps.
func TestOtherSoundIsNoKey(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	for name, next := range map[string]func(i int) float64{
		"white noise":  func(int) float64 { return 3000 * rng.NormFloat64() },
		"pink noise":   pink(rng),
		"chords":       chords(rng),
		"dial tone":    func(i int) float64 { return sines(i, 6000, 350, 440) },
		"ring tone":    func(i int) float64 { return sines(i, 6000, 440, 480) },
		"busy tone":    func(i int) float64 { return sines(i, 6000, 480, 620) * float64(i/4000%2) },
		"fax":          func(i int) float64 { return sines(i, 9000, 1100, 2100) },
		"sweep":        func(i int) float64 { return 9000 * math.Sin(float64(i%80000)*float64(i%80000)*2e-5) },
		"square waves": func(i int) float64 { return math.Copysign(8000, sines(i, 1, float64(200+i/8000*7))) },
	} {
		pcm := make([]int16, media.TimeOf(time.Minute))
		for i := range pcm {
			pcm[i] = int16(min(max(next(i), math.MinInt16), math.MaxInt16))
		}
		if found := falseKeys(pcm, media.PCMU); found != "" {
			t.Errorf("%s: found %q", name, found)
		}
	}
}

func sines(i int, peak float64, freqs ...float64) (v float64) {
	for _, f := range freqs {
		v += peak * math.Sin(2*math.Pi*math.Mod(f*float64(i)/media.SampleRate, 1))
	}
	return v
}

func pink(rng *rand.Rand) func(int) float64 {
	var rows [12]float64
	return func(i int) (v float64) {
		for r := range rows {
			if i%(1<<r) == 0 {
				rows[r] = 1500 * rng.NormFloat64()
			}
			v += rows[r]
		}
		return v
	}
}

// chords are triads of an organ in equal temperament, four a second.
func chords(rng *rand.Rand) func(int) float64 {
	var notes []float64
	return func(i int) (v float64) {
		if i%2000 == 0 {
			root := 110 * math.Pow(2, float64(rng.IntN(36))/12)
			notes = []float64{root, root * math.Pow(2, float64(3+rng.IntN(2))/12), root * math.Pow(2, 7.0/12)}
		}
		for _, n := range notes {
			for h := 1.0; h < 6 && n*h < 3500; h++ {
				v += 2500 / h * math.Sin(2*math.Pi*n*h*float64(i)/media.SampleRate)
			}
		}
		return v
	}
}

func TestDetectorDoesNotAllocate(t *testing.T) {
	pcm := line{rng: rand.New(rand.NewPCG(1, 1))}.pcm(dialled(newLine(1, 0), keys, 100))
	var d dtmf.Detector
	i := 0
	if n := testing.AllocsPerRun(500, func() {
		at := i % (len(pcm) / 160) * 160
		d.Frame(pcm[at : at+160])
		d.Frame(nil)
		i++
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDetector(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	noise := make([]int16, 160*500)
	for i := range noise {
		noise[i] = int16(3000 * rng.NormFloat64())
	}
	for name, pcm := range map[string][]int16{
		"silence": make([]int16, 160*500),
		"noise":   noise,
		"key":     line{rng: rng}.pcm(press{key: '5', level: -15, millis: 10000}.render(rng, nil)),
	} {
		b.Run(name, func(b *testing.B) {
			var d dtmf.Detector
			b.ReportAllocs()
			for i := range b.N {
				at := i % (len(pcm)/160 - 1) * 160
				d.Frame(pcm[at : at+160])
			}
		})
	}
}

// FuzzDetector: any sound gives keys or none, and the same however it is cut.
func FuzzDetector(f *testing.F) {
	var raw []byte
	for _, v := range sing(f, "5#", 8000) {
		raw = append(raw, byte(v>>8), byte(v))
	}
	f.Add(raw, uint8(37))
	f.Add([]byte{0x80, 0, 0x7F, 0xFF}, uint8(0))
	f.Fuzz(func(t *testing.T, raw []byte, cut uint8) {
		pcm := make([]int16, len(raw)/2)
		for i := range pcm {
			pcm[i] = int16(raw[2*i])<<8 | int16(raw[2*i+1])
		}
		hear := func(step int) (got string) {
			var d dtmf.Detector
			for rest := pcm; len(rest) > 0; rest = rest[min(step, len(rest)):] {
				if key, ok := d.Frame(rest[:min(step, len(rest))]); ok {
					got += string(rune(key))
				}
			}
			return got
		}
		got := hear(160)
		if strings.Trim(got, keys) != "" || got != hear(1+int(cut)%160) {
			t.Errorf("heard %q, and %q in other pieces", got, hear(1+int(cut)%160))
		}
	})
}
