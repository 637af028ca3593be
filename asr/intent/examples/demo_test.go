package examples

import (
	"os"
	"testing"

	"github.com/ivrd/ivrd/asr/intent"
)

func read(t *testing.T, path string) intent.Set {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDemoIsUnderstood judges the demo's intents by the half of the sentences
// that was drawn away before training, by sentences that were written later, and
// by talk that is none of them. docs/intents.md has the figures; here are bounds
// a little below.
func TestDemoIsUnderstood(t *testing.T) {
	demo := read(t, "../../../configs/demo/intents.yaml")
	if w := demo.Check(); len(w) > 0 {
		t.Errorf("the demo warns: %v", w)
	}
	k := intent.Train(demo)
	judge := func(path string) *intent.Confusion {
		c := k.Judge(read(t, path))
		if err := c.Write(t.Output()); err != nil {
			t.Fatal(err)
		}
		return c
	}
	held := judge("../testdata/heldout.yaml")
	if right, n := held.Accuracy(); n != 400 || right < 0.83 || held.Likeliest() < 0.9 || held.Misled() > 0.08 || held.CalibrationError() > 0.1 {
		t.Errorf("held-out half: %d, understood %.3f, likeliest %.3f, misled %.3f, calibration error %.3f", n, right, held.Likeliest(), held.Misled(), held.CalibrationError())
	}
	if accepted, n := held.Accepted(); n != 100 || accepted > 0.15 {
		t.Errorf("idle talk: %.3f of %d accepted", accepted, n)
	}
	if later := judge("../testdata/later.yaml"); later.Likeliest() < 0.8 {
		t.Errorf("later sentences: likeliest %.3f", later.Likeliest())
	}
	if accepted, n := judge("../testdata/otherbusiness.yaml").Accepted(); n != 80 || accepted > 0.35 {
		t.Errorf("other business: %.3f of %d accepted", accepted, n)
	}
}

// TestHalvesAreApart: no sentence that judges was learnt from.
func TestHalvesAreApart(t *testing.T) {
	seen := map[string]bool{}
	for _, i := range read(t, "../../../configs/demo/intents.yaml").Intents {
		for _, es := range i.Examples {
			for _, e := range es {
				seen[e.Text] = true
			}
		}
	}
	for _, path := range []string{"../testdata/heldout.yaml", "../testdata/later.yaml", "../testdata/otherbusiness.yaml"} {
		s := read(t, path)
		s.Intents = append(s.Intents, intent.Intent{Examples: s.None})
		for _, i := range s.Intents {
			for _, es := range i.Examples {
				for _, e := range es {
					if seen[e.Text] {
						t.Errorf("%s: %q is learnt from", path, e.Text)
					}
				}
			}
		}
	}
}
