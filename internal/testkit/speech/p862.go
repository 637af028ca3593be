package speech

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/ivrd/ivrd/media"
)

var prediction = regexp.MustCompile(`MOS-LQO\):\s*=\s*[-0-9.]+\s+([0-9.]+)`)

// P862 is the MOS-LQO of ITU-T P.862 and P.862.1 by the Recommendation's program,
// whose path the environment names in IVRD_P862; 0 without it. The program's terms
// do not let it be part of a repository. Both sounds are at 8 kHz; it aligns them.
func P862(t testing.TB, said, heard []int16) float64 {
	t.Helper()
	program := os.Getenv("IVRD_P862")
	if program == "" {
		return 0
	}
	dir := t.TempDir()
	files := []string{filepath.Join(dir, "said.wav"), filepath.Join(dir, "heard.wav")}
	for i, pcm := range [][]int16{said, heard} {
		b := media.WAVHeader(media.SampleRate, 1, int64(2*len(pcm)))
		for _, s := range pcm {
			b = append(b, byte(s), byte(s>>8))
		}
		if err := os.WriteFile(files[i], b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), program, "+8000", files[0], files[1]).Output()
	m := prediction.FindSubmatch(out)
	if err != nil || m == nil {
		t.Fatalf("%s: %v, %s", program, err, out)
	}
	mos, _ := strconv.ParseFloat(string(m[1]), 64)
	return mos
}
