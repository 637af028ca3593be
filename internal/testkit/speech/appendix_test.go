package speech

import (
	"math"
	"slices"
	"testing"
)

// Sound that came is handed out as it was, 30 samples later; a tone goes on, and
// has ended 60 ms after a loss began.
func TestAppendixI(t *testing.T) {
	pcm := tone(16000, 400, 8000)
	var a AppendixI
	var got []int16
	for at := 0; at < len(pcm); at += segment {
		frame := pcm[at : at+segment]
		if at == 4000 || at >= 12000 {
			frame = nil
		}
		got = append(got, a.Frame(frame)...)
	}
	if !slices.Equal(got[appendixDelay:3800], pcm[:3800-appendixDelay]) {
		t.Error("sound that came has been changed")
	}
	if level := math.Sqrt(2 * power(got[4030:4110])); math.Abs(level-8000) > 300 {
		t.Errorf("a lost tone has an amplitude of %.0f, want 8000", level)
	}
	if power(got[12000+appendixDelay+480:]) != 0 || power(got[12000:12160]) == 0 {
		t.Error("it does not end 60 ms after a loss began")
	}
}
