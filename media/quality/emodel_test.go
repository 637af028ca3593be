package quality

import (
	"math"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
)

// bare is G.711 with silence in place of what is lost (G.113 Table I.4).
var bare = Impairment{Bpl: 4.3}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.Abs(got-want) > within {
		t.Errorf("%s is %.3f, want %.3f ± %.3f", what, got, want, within)
	}
}

// TestDefaults: with all values of G.107 Table 2 "the calculation results in a
// very high quality with a rating factor of R = 93.2", which is MOS 4.41.
func TestDefaults(t *testing.T) {
	r := Path{Impairment: bare}.R()
	near(t, "R", r, 93.2, 0.05)
	near(t, "MOS", MOS(r), 4.41, 0.005)
}

// TestOpinion: G.107 Annex B, Table B.1, the limits of the categories.
func TestOpinion(t *testing.T) {
	for r, mos := range map[float64]float64{90: 4.34, 80: 4.03, 70: 3.60, 60: 3.10, 50: 2.58} {
		near(t, "MOS", MOS(r), mos, 0.007)
	}
	if MOS(-5) != 1 || MOS(0) != 1 || MOS(3) != 1 || MOS(100) != 4.5 || MOS(120) != 4.5 {
		t.Error("MOS leaves 1 to 4.5")
	}
}

// TestEquipment: equation 7-29 with the Bpl of G.113 Table I.4, by hand: with 4.3
// and 5 % lost at random 95·5/(5+4.3) = 51.08; with 25.1, 95·5/30.1 = 15.78; in
// runs of twice the length of chance 95·5/(2.5+25.1) = 17.21. An Ie of 11 and a
// Bpl of 19 (G.729A with VAD) at 2 %: 11 + 84·2/21 = 19.
func TestEquipment(t *testing.T) {
	for _, c := range []struct {
		path Path
		want float64
	}{
		{Path{Impairment: bare, Loss: 0.05, Burst: 1}, 51.075},
		{Path{Impairment: G711(), Loss: 0.05, Burst: 1}, 15.781},
		{Path{Impairment: G711(), Loss: 0.05, Burst: 2}, 17.210},
		{Path{Impairment: Impairment{Ie: 11, Bpl: 19}, Loss: 0.02, Burst: 1}, 19},
		{Path{Impairment: Impairment{Ie: 11, Bpl: 19}}, 11},
	} {
		near(t, "Ie,eff", c.path.equipment(), c.want, 0.001)
		unspoilt := Path{}.R()
		if unspoilt > c.want {
			near(t, "R", c.path.R(), unspoilt-c.want, 0.001)
		}
	}
}

// TestDelay: R. G. Cole and J. H. Rosenbluth, "Voice over IP performance
// monitoring", ACM CCR 31(2), 2001, fit Id of the default values by
// 0.024·d + 0.11·(d − 177.3) above 177.3 ms. It is a fit by two lines: it is
// near, not the same. Idd of 200 ms is by hand 25·(2^(1/6) − 3·(1+3^−6)^(1/6) + 2), of
// 400 ms 25·(65^(1/6) − 3·(1+(2/3)^6)^(1/6) + 2).
func TestDelay(t *testing.T) {
	unspoilt := Path{}.R()
	for _, d := range []float64{0, 25, 50, 100, 150, 200, 250, 300} {
		want := 0.024*d + 0.11*math.Max(d-177.3, 0)
		got := unspoilt - Path{Delay: time.Duration(d * float64(time.Millisecond))}.R()
		near(t, "Id", got, want, 2.5)
	}
	near(t, "Idd of 100 ms", tooLate(100), 0, 0)
	near(t, "Idd of 200 ms", tooLate(200), 3.044, 0.001)
	near(t, "Idd of 400 ms", tooLate(400), 24.078, 0.01)
}

func TestWorseIsNeverBetter(t *testing.T) {
	losses := []float64{0, 0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1}
	var delays []time.Duration
	for _, ms := range []int{5, 20, 50, 99, 100, 101, 150, 200, 300, 400, 800, 3000, 60_000} {
		delays = append(delays, time.Duration(ms)*time.Millisecond)
	}
	bursts := []float64{1, 1.5, 2, 4, 8}
	for _, i := range []Impairment{G711(), bare, G722()} {
		for l, loss := range losses {
			for d, delay := range delays {
				for b, burst := range bursts {
					p := Path{i, loss, burst, delay}
					r := p.R()
					if r < 0 || r > 93.3 && !i.Wide || r > 116 || math.IsNaN(r) {
						t.Fatalf("%+v has R %f", p, r)
					}
					if l > 0 && r > (Path{i, losses[l-1], burst, p.Delay}).R() {
						t.Errorf("%+v: more loss is better", p)
					}
					if d > 0 && r > (Path{i, loss, burst, delays[d-1]}).R()+0.01 {
						t.Errorf("%+v: more delay is better", p)
					}
					if b > 0 && r > (Path{i, loss, bursts[b-1], p.Delay}).R() {
						t.Errorf("%+v: longer runs are better", p)
					}
				}
			}
		}
	}
	for r := 0.0; r < 110; r++ {
		if MOS(r) > MOS(r+1) {
			t.Errorf("R %.0f is better than %.0f", r, r+1)
		}
	}
}

func TestGrades(t *testing.T) {
	for r, want := range map[float64]media.Grade{93.2: media.Good, 80: media.Good, 79: media.Fair, 60: media.Fair, 59: media.Poor, 0: media.Poor} {
		if got := media.GradeOf(MOS(r)); got != want {
			t.Errorf("R %.1f is %q, want %q", r, got, want)
		}
	}
	if media.GradeOf(0) != media.GradeUnknown {
		t.Error("what is not known has a grade")
	}
}

// TestWide: with its default values and no delay G.107.1 has R = 129 (§7.7), which
// Annex A makes 4.5. By hand, of a way of 100 ms: TERV is 65 + 18 − 40·log(11/1.667) =
// 50.22, Re 188.7 and so Idte 0.63; Rle is 1228.5/201^(1/4) = 326.3 and Idle 0.85. Of
// 200 ms Idd is 1.29·3.044.
func TestWide(t *testing.T) {
	clean := Impairment{Bpl: 4.3, Wide: true}
	near(t, "R", Path{Impairment: clean}.R(), 129, 0.2)
	near(t, "MOS", MOS(129/clean.span()), 4.5, 0.001)
	near(t, "R of G.722", Path{Impairment: G722()}.R(), 116, 0.2)
	near(t, "MOS of G.722", MOS(116/1.29), 4.34, 0.01)
	near(t, "Id of 100 ms", wideDelayed(100), 0.63+0.85, 0.02)
	near(t, "Idd of 200 ms", wideDelayed(200)-wideDelayed(100), 1.29*3.044, 1)
	near(t, "Ie,eff", Path{Impairment: G722(), Loss: 0.02, Burst: 1}.equipment(), 13+82*2/6.3, 0.001)
}

// TestScales: R is on the scale of the codec, opinions are not above 4.5 on either,
// and a call that has changed its codec has one mean of the two.
func TestScales(t *testing.T) {
	m := new(Meter)
	hear := func(c media.Codec) {
		m.Codec(c)
		for range 4 * Interval {
			m.Frame(Heard, 0, 0)
		}
	}
	hear(media.G722)
	q := m.Quality()
	near(t, "R", q.R, 116, 0.3)
	near(t, "MOS", q.MOS, 4.34, 0.01)
	near(t, "worst", q.Worst, q.MOS, 1e-9)
	hear(media.PCMA)
	q = m.Quality()
	near(t, "R of both", q.R, (116/1.29+93.2)/2, 0.3)
	near(t, "MOS of both", q.MOS, MOS(q.R), 1e-9)
	near(t, "recent", q.Recent, 4.41, 0.005)
	if got := media.GradeOf(q.Worst); got != media.Good {
		t.Errorf("a clean line is %q", got)
	}
	p := new(Peer)
	p.Codec(media.G722)
	p.Report(Block{Highest: 250})
	near(t, "R of the peer", p.Quality().R, 116, 2)
}
