package speech

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/media"
)

// Flite has flite speak a text at a rate in Hz, at about -26 dBov while it speaks. Its
// voices (flite -lv) are made of recorded people: slt, rms, awb, kal, kal16.
func Flite(t testing.TB, voice, text string, rate int) []int16 {
	t.Helper()
	testkit.Need(t, "flite")
	name := filepath.Join(t.TempDir(), "said.wav") // to a pipe it writes a wrong length
	if out, err := exec.CommandContext(t.Context(), "flite", "-voice", voice, "-t", text, "-o", name).CombinedOutput(); err != nil {
		t.Fatalf("speak with flite: %v, %s", err, out)
	}
	b, err := os.ReadFile(name) //nolint:gosec // just written
	if err != nil {
		t.Fatal(err)
	}
	pcm, from, err := media.ReadWAV(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return level(media.Resample(pcm, from, rate))
}
