package transcript

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestDialoguesAreReadable: the measure finds in each line the digits that were planted in
// it, and nothing in front of it.
func TestDialoguesAreReadable(t *testing.T) {
	for _, w := range slices.Concat(tunedWords(), laterWords(), thirdWords(), heldOutWords(), fifthWords(), sixthWords()) {
		r := rand.New(rand.NewPCG(1, 1))
		for range 300 {
			for _, l := range dialogue(r, w) {
				if l.number == nil || strings.HasSuffix(l.number.how, "awkward") {
					continue
				}
				if l.text == "" || l.text == l.before {
					t.Errorf("nothing is said: %+v", l)
				}
				if got := l.seen(l.text); !slices.Equal(got, slices.DeleteFunc(slices.Clone(l.at), func(i int) bool { return i < 0 })) {
					t.Errorf("%s: %q before %q shows %v, want %v", l.number.how, l.text, l.before, got, l.at)
				}
				symbols := heard(strings.TrimSuffix(strings.TrimPrefix(l.text, l.before), l.behind))
				for i, at := range l.at {
					if at >= 0 && i < len(symbols) && symbols[i] != l.number.digits[at] && !strings.Contains(l.number.how, "corrected") && !strings.Contains(l.number.how, "swapped") {
						t.Errorf("%s: %q reads as %s, not as %v of %s", l.number.how, l.text, symbols, l.at, l.number.digits)
						break
					}
				}
			}
		}
	}
}
