package tts

import (
	"bytes"
	"context"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ivrd/ivrd/media"
)

// tone is speech for tests: a second of 440 Hz at 8 kHz between silences.
func tone(amplitude float64, before, after time.Duration) []int16 {
	pcm := make([]int16, samplesOf(before))
	for i := range media.SampleRate {
		pcm = append(pcm, int16(amplitude*math.Sin(2*math.Pi*440*float64(i)/media.SampleRate)))
	}
	return append(pcm, make([]int16, samplesOf(after))...)
}

func dBov(v float64) float64 { return 20 * math.Log10(v/math.MaxInt16) }

// fakeEngine speaks every text as the same tone and counts how often.
type fakeEngine struct {
	calls atomic.Int32
	speak func(ctx context.Context) ([]int16, int, error)
}

func (*fakeEngine) Name() string { return "fake 1" }

func (e *fakeEngine) Speak(ctx context.Context, _ Utterance, hear Hear) error {
	e.calls.Add(1)
	if e.speak == nil {
		return hear(tone(3000, 0, 0), media.SampleRate)
	}
	pcm, rate, err := e.speak(ctx)
	if err != nil {
		return err
	}
	return hear(pcm, rate)
}

// wav is a prompt file of that length.
func wav(d time.Duration) *fstest.MapFile {
	var b bytes.Buffer
	WriteULaw(&b, tone(5000, 0, 0)[:samplesOf(d)])
	return &fstest.MapFile{Data: b.Bytes()}
}

func TestShapeTrimsAndLevels(t *testing.T) {
	for _, amplitude := range []float64{200, 3000, 30000} {
		got := shape(tone(amplitude, 700*time.Millisecond, 300*time.Millisecond))
		length := media.Time(len(got)).Duration()
		if silence := length - time.Second; silence < 0 || silence > 2*edgeSilence+20*time.Millisecond {
			t.Errorf("amplitude %v: %v left of 1 s of tone and 1 s of silence", amplitude, length)
		}
		if l := dBov(activeLevel(got)); math.Abs(l-targetLevel) > 0.5 {
			t.Errorf("amplitude %v: level %.1f dBov, want %v", amplitude, l, targetLevel)
		}
		if got[0] != 0 || got[len(got)-1] != 0 {
			t.Errorf("amplitude %v: edges %d and %d are not faded", amplitude, got[0], got[len(got)-1])
		}
	}
}

func TestShapeDoesNotClip(t *testing.T) {
	spiky := make([]int16, media.SampleRate)
	for i := 0; i < len(spiky); i += 400 { // a click every 50 ms, almost no energy
		spiky[i] = 20000
	}
	if got := peak(shape(spiky)); got > peakLimit*math.MaxInt16+1 {
		t.Errorf("peak %v is over %v", got, peakLimit*math.MaxInt16)
	}
}

func TestShapeOfSilenceIsEmpty(t *testing.T) {
	for _, pcm := range [][]int16{nil, make([]int16, 8000)} {
		if got := shape(pcm); len(got) != 0 {
			t.Errorf("%d samples of silence became %d", len(pcm), len(got))
		}
	}
}

func TestShapeLeavesItsInputAlone(t *testing.T) {
	in := tone(9000, time.Second, 0)
	before := slices.Clone(in)
	shape(in)
	if !slices.Equal(in, before) {
		t.Error("the input was changed")
	}
}

func TestULawFileReadsBack(t *testing.T) {
	for _, samples := range []int{0, 1, 8001} {
		pcm := make([]int16, samples)
		for i := range pcm {
			pcm[i] = int16(i)
		}
		var b bytes.Buffer
		WriteULaw(&b, pcm)
		got, rate, err := media.ReadWAV(&b)
		if err != nil || rate != media.SampleRate || len(got) != samples {
			t.Fatalf("%d samples: read %d at %d Hz, %v", samples, len(got), rate, err)
		}
		for i := range pcm {
			if diff := math.Abs(float64(got[i]) - float64(pcm[i])); diff > 16+float64(pcm[i])/16 {
				t.Fatalf("sample %d: %d became %d", i, pcm[i], got[i])
			}
		}
	}
}
