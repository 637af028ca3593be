package mix

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ivrd/ivrd/media"
)

// track is a speaker whose sound is all there from the start.
type track struct {
	pcm  []int16
	at   int // frames taken
	lost map[int]bool
	mute map[int]bool
}

func (t *track) Frame(dst []int16) Kind {
	i := t.at
	t.at++
	switch {
	case t.lost[i]:
		return Lost
	case t.mute[i] || (i+1)*len(dst) > len(t.pcm):
		return Silent
	}
	copy(dst, t.pcm[i*len(dst):])
	return Sound
}

// sine of a whole number of Hz, at rate samples a second.
func sine(freqHz, levelDBov float64, rate, samples int) []int16 {
	pcm := make([]int16, samples)
	peak := math.Sqrt2 * 32768 * math.Pow(10, levelDBov/20)
	for i := range pcm {
		pcm[i] = int16(math.Round(peak * math.Sin(2*math.Pi*freqHz*float64(i)/float64(rate))))
	}
	return pcm
}

// room plays frames to one listener.
type room struct {
	Listener
	n  int // samples a frame
	at media.Time
	// voices of everybody, who speak also while they are not heard
	voices []*Voice
}

func newRoom(rate int, tracks ...*track) *room {
	r := &room{n: rate / 50}
	for _, t := range tracks {
		r.voices = append(r.voices, &Voice{Speaker: t})
	}
	return r
}

// frame is what the listener hears of some; forwarded says that it was plain.
func (r *room) frame(heard ...int) (pcm []int16, forwarded bool) {
	r.Begin()
	for _, i := range heard {
		r.Hear(r.voices[i])
	}
	for _, v := range r.voices {
		v.Frame(r.at, r.n)
	}
	pcm = make([]int16, r.n)
	only, plain := r.Plain()
	switch {
	case !plain:
		r.Mix(r.at, pcm)
	case only != nil:
		copy(pcm, only.Frame(r.at, r.n))
	}
	r.at += media.FrameSamples
	return pcm, plain
}

func (r *room) frames(n int, heard ...int) (pcm []int16) {
	for range n {
		f, _ := r.frame(heard...)
		pcm = append(pcm, f...)
	}
	return pcm
}

// outside is the power in dB of what is further than width Hz from all of the
// tones, relative to all there is, in a Hann window.
func outside(pcm []int16, rate int, width float64, tones ...float64) float64 {
	n := len(pcm)
	wave, windowed := make([]float64, n), make([]float64, n)
	for i, s := range pcm {
		w := 1 - math.Cos(2*math.Pi*(float64(i)+0.5)/float64(n))
		wave[i], windowed[i] = math.Cos(2*math.Pi*float64(i)/float64(n)), w*float64(s)
	}
	var all, out float64
	for k := range n / 2 {
		var re, im float64
		for i, v := range windowed {
			re, im = re+v*wave[k*i%n], im+v*wave[(k*i+n/4)%n]
		}
		p := re*re + im*im
		all += p
		f := float64(k*rate) / float64(n)
		if !slices.ContainsFunc(tones, func(t float64) bool { return math.Abs(f-t) <= width }) {
			out += p
		}
	}
	return 10 * math.Log10(out/all)
}

func both(t *testing.T, test func(t *testing.T, rate int)) {
	t.Run("8 kHz", func(t *testing.T) { test(t, 8000) })
	t.Run("16 kHz", func(t *testing.T) { test(t, 16000) })
}

// clickBand is how far from a tone a fade of 10 ms may spread, in Hz; click is
// the most that may lie outside, in dB below the tone.
const (
	clickBand = 300
	click     = -50
)

// TestFadesDoNotClick: a voice that comes, goes, joins another or is exchanged
// for another leaves nothing outside its own band; a step there is loud.
func TestFadesDoNotClick(t *testing.T) {
	both(t, func(t *testing.T, rate int) {
		for _, c := range []struct {
			name          string
			before, after []int
		}{
			{"comes", nil, []int{0}},
			{"goes", []int{0}, nil},
			{"is joined", []int{0}, []int{0, 1}},
			{"is left", []int{0, 1}, []int{0}},
			{"is exchanged", []int{0}, []int{1}},
		} {
			r := newRoom(rate, &track{pcm: sine(1010, -20, rate, rate)}, &track{pcm: sine(730, -20, rate, rate)})
			pcm := append(r.frames(5, c.before...), r.frames(5, c.after...)...)
			around := pcm[3*r.n : 7*r.n]
			if got := outside(around, rate, clickBand, 1010, 730); got > click {
				t.Errorf("%s: %.1f dB outside of the tones", c.name, got)
			}
			hard := slices.Concat(sine(1010, -20, rate, 2*r.n+13), make([]int16, 2*r.n-13))
			if got := outside(hard, rate, clickBand, 1010, 730); got < -35 {
				t.Errorf("a step measures %.1f dB: the test does not see clicks", got)
			}
		}
	})
}

// TestFadeIsShort: 10 ms after a change nothing is left of who has gone, and who
// has come is there as they are.
func TestFadeIsShort(t *testing.T) {
	both(t, func(t *testing.T, rate int) {
		one, two := sine(1010, -20, rate, rate), sine(730, -20, rate, rate)
		r := newRoom(rate, &track{pcm: one}, &track{pcm: two})
		r.frames(3, 0)
		got, _ := r.frame(1)
		if want := two[3*r.n+r.n/2 : 4*r.n]; !slices.Equal(got[r.n/2:], want) {
			t.Error("10 ms after the exchange it is not the new voice alone")
		}
		if got, plain := r.frame(1); !plain || !slices.Equal(got, two[4*r.n:5*r.n]) {
			t.Error("a frame later the new voice is not forwarded")
		}
		r.frame()
		if _, plain := r.frame(); !plain {
			t.Error("silence is mixed")
		}
	})
}

// TestLinearBelowTheLimit: a sum that fits is the sum, to the bit.
func TestLinearBelowTheLimit(t *testing.T) {
	both(t, func(t *testing.T, rate int) {
		var pcm [3][]int16
		for i, f := range []float64{410, 1270, 2590} {
			pcm[i] = sine(f, -22, rate, rate)
		}
		r := newRoom(rate, &track{pcm: pcm[0]}, &track{pcm: pcm[1]}, &track{pcm: pcm[2]})
		got := r.frames(50, 0, 1, 2)
		for i := r.n; i < len(got); i++ { // after the fade
			if want := pcm[0][i] + pcm[1][i] + pcm[2][i]; got[i] != want {
				t.Fatalf("sample %d is %d, want %d", i, got[i], want)
			}
		}
	})
}

// TestLoudSumsAreTurnedDown: four shouting at once are not cut off, which would
// be heard all over the band, and afterwards the level comes back.
func TestLoudSumsAreTurnedDown(t *testing.T) {
	both(t, func(t *testing.T, rate int) {
		freqs := []float64{410, 730, 1270, 1930}
		var tracks []*track
		var hard []int16
		for _, f := range freqs {
			tracks = append(tracks, &track{pcm: sine(f, -6, rate, rate/2)})
		}
		r := newRoom(rate, tracks...)
		for _, v := range r.voices {
			v.Steady = true
		}
		got := r.frames(20, 0, 1, 2, 3)
		for i := range got {
			sum := 0
			for _, t := range tracks {
				sum += int(t.pcm[i])
			}
			hard = append(hard, int16(min(max(sum, -32768), 32767)))
		}
		soft, cut := outside(got[10*r.n:], rate, 100, freqs...), outside(hard[10*r.n:], rate, 100, freqs...)
		if soft > -40 || soft > cut-25 {
			t.Errorf("%.1f dB of distortion, %.1f if it is cut off", soft, cut)
		}
		r.frames(15, 0) // 9 dB down at 5 % of full gain a frame; the sound ends after five
		if _, plain := r.frame(0); !plain {
			t.Error("the level is not back")
		}
	})
}

// TestSilenceStaysSilence, whatever the gain and however many.
func TestSilenceStaysSilence(t *testing.T) {
	soft := sine(700, -32, 8000, 8000*20)
	quiet := &track{pcm: append(speech(soft), make([]int16, 8000)...)}
	r := newRoom(8000, quiet, &track{pcm: make([]int16, 8000*30)})
	r.frames(50*20, 0, 1)
	if g := r.voices[0].Gain(); g < 5 {
		t.Fatalf("the gain is %.1f dB: nothing is tried", g)
	}
	r.frame(0, 1)
	if pcm := r.frames(48, 0, 1); slices.ContainsFunc(pcm, func(v int16) bool { return v != 0 }) {
		t.Error("silence is heard")
	}
}

// TestVoiceBreaksOffWithoutClick: without a concealer, a lost frame dies away and
// the next comes up.
func TestVoiceBreaksOffWithoutClick(t *testing.T) {
	both(t, func(t *testing.T, rate int) {
		for _, freq := range []float64{190, 410, 1010, 1270, 1930, 2590, 3010} {
			for i := range 2 { // another phase at the frame's end each
				end := &track{pcm: sine(freq, -20, rate, rate)[21*i:], lost: map[int]bool{5: true}}
				if i%2 == 1 {
					end.lost, end.mute = nil, end.lost
				}
				r := newRoom(rate, end)
				pcm := r.frames(10, 0)
				if got := outside(pcm[3*r.n:7*r.n], rate, clickBand, freq); got > click+10 {
					t.Errorf("%v Hz: %.1f dB outside of the tone", freq, got)
				}
				if rest := pcm[5*r.n+r.n/fadePart : 6*r.n]; slices.ContainsFunc(rest, func(v int16) bool { return v != 0 }) {
					t.Errorf("%v Hz: 10 ms later it is not silent", freq)
				}
			}
		}
	})
}

// parrot is a concealer that says what it is told to.
type parrot struct{ good, lost int }

func (p *parrot) Good([]int16) { p.good++ }
func (p *parrot) Lost(dst []int16) {
	p.lost++
	for i := range dst {
		dst[i] = 77
	}
}

func TestConcealer(t *testing.T) {
	s := &track{pcm: sine(400, -20, 8000, 8000), lost: map[int]bool{0: true, 3: true, 4: true, 8: true}}
	p := &parrot{}
	v := &Voice{Speaker: s, Concealer: p}
	for i := range 8 {
		pcm := v.Frame(media.Time(i*160), 160)
		if again := v.Frame(media.Time(i*160), 160); &again[0] != &pcm[0] || s.at != i+1 {
			t.Fatal("a frame was decoded twice")
		}
		if got, want := pcm[9] == 77, i == 3 || i == 4; got != want {
			t.Errorf("frame %d is made up: %v", i, got)
		}
	}
	if pcm := v.Frame(99*160, 160); pcm[9] != 0 { // nobody listened for a while
		t.Errorf("what was long ago is made up from: %d", pcm[9])
	}
	v.Frame(100*160, 160)
	s.mute = map[int]bool{10: true}
	if pcm := v.Frame(101*160, 160); pcm[0] != 77 || pcm[80] != 0 { // it breaks off
		t.Errorf("the end is made up of %d and %d", pcm[0], pcm[80])
	}
	if p.good != 6 || p.lost != 3 {
		t.Errorf("the concealer was shown %d frames and asked for %d", p.good, p.lost)
	}
}

// TestWrongLength: a voice of another rate is not heard, and does no harm.
func TestWrongLength(t *testing.T) {
	r := newRoom(8000, &track{pcm: sine(400, -20, 8000, 8000)}, &track{pcm: sine(400, -20, 16000, 16000)})
	r.voices[1].Frame(0, 320)
	alone := newRoom(8000, &track{pcm: sine(400, -20, 8000, 8000)})
	if !slices.Equal(r.frames(10, 0, 1), alone.frames(10, 0)) {
		t.Error("it is heard")
	}
}

func TestMixDoesNotAllocate(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var voices []*Voice
	for range 5 {
		voices = append(voices, &Voice{Speaker: endless{sine(410, -3, 8000, 160)}})
	}
	var l Listener
	var dst [160]int16
	at := media.Time(0)
	turn := func() {
		l.Begin()
		for _, v := range voices {
			if random.IntN(2) == 0 {
				l.Hear(v)
			}
		}
		l.Mix(at, dst[:])
		at += media.FrameSamples
	}
	for range 100 {
		turn()
	}
	if n := testing.AllocsPerRun(1000, turn); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

type endless struct{ pcm []int16 }

func (e endless) Frame(dst []int16) Kind {
	copy(dst, e.pcm)
	return Sound
}
