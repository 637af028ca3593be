package speech

import (
	"math"
	"testing"
)

// Tones inside the band keep their level, those outside of it are gone, and what
// passes is in time.
func TestTelephoneBand(t *testing.T) {
	level := func(hz float64) float64 {
		x := make([]float64, 8000)
		for i := range x {
			x[i] = math.Sin(2 * math.Pi * hz * float64(i) / 8000)
		}
		in, out := 0.0, 0.0
		for i, y := range TelephoneBand(x)[2000:6000] {
			in, out = in+x[2000+i]*x[2000+i], out+y*x[2000+i] // what is late or upside down counts less
		}
		return 20 * math.Log10(max(math.Abs(out/in), 1e-6))
	}
	for _, hz := range []float64{400, 1000, 3300} {
		if db := level(hz); math.Abs(db) > 0.5 {
			t.Errorf("%.0f Hz: %.1f dB", hz, db)
		}
	}
	for _, hz := range []float64{50, 200, 3550, 3900} {
		if db := level(hz); db > -30 {
			t.Errorf("%.0f Hz: %.1f dB", hz, db)
		}
	}
}
