package quality

import (
	"math"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
)

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.Abs(got-want) > within {
		t.Errorf("%s is %.3f, want %.3f ± %.3f", what, got, want, within)
	}
}

// TestDefaults: with all values of G.107 Table 2 "the calculation results in a
// very high quality with a rating factor of R = 93.2", which is MOS 4.41.
func TestDefaults(t *testing.T) {
	r := Path{Impairment: G711Bare()}.R()
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
		{Path{Impairment: G711Bare(), Loss: 0.05, Burst: 1}, 51.075},
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
	for _, i := range []Impairment{G711(), G711Bare()} {
		for l, loss := range losses {
			for d, delay := range delays {
				for b, burst := range bursts {
					p := Path{i, loss, burst, delay}
					r := p.R()
					if r < 0 || r > 93.3 || math.IsNaN(r) {
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
