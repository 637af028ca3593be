package sphinx

import (
	"math"
	"testing"
)

// What phones fit by 10 a frame better than the words is that much less like them;
// silence is no part of it, and phones after the words' end are not counted.
func TestLikeness(t *testing.T) {
	words := []part{{"<sil>", 0, 9, -100}, {"lost", 10, 19, -500}, {"card(2)", 20, 29, -500}, {"<sil>", 30, 39, -100}}
	phones := []part{{"SIL", 0, 9, -100}, {"L", 10, 19, -400}, {"AO", 20, 29, -400}, {"SIL", 30, 39, -100}}
	none := math.Inf(-1)
	for name, c := range map[string]struct {
		words, phones []part
		want          float64
	}{
		"the same":        {words, words, atLeast + 20*perFrame},
		"phones fit":      {words, phones, atLeast - 10*(perFit+perWorst) + 20*perFrame},
		"in mid-word":     {words[:2], []part{{"SIL", 0, 9, -100}, {"L", 10, 29, -800}}, atLeast - 10*(perFit+perWorst) + 10*perFrame},
		"silence":         {words[:1], phones, none},
		"nothing":         {nil, phones, none},
		"noise, no words": {[]part{{"[NOISE]", 0, 9, -10}, {"++COUGH++", 10, 19, -10}}, phones, none},
	} {
		if got := likeness(c.words, c.phones); got != c.want && !(math.Abs(got-c.want) < 1e-9) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
