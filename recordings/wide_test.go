package recordings_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
)

const wideTone = 1000.0 // Hz

// talkWide taps a tone in G.722, with every lose-th frame lost.
func talkWide(t *testing.T, rec recordings.Recorder, frames, lose int) {
	t.Helper()
	coder := new(media.Encoder)
	if err := coder.Reset(media.G722, media.SampleRate); err != nil {
		t.Fatal(err)
	}
	pcm := media.Tone(wideTone, -20, media.FrameDuration) // whole periods
	payload := make([]byte, media.G722.FrameBytes())
	for i := range frames {
		time.Sleep(media.FrameDuration) // virtual
		at := media.Time(i * media.FrameSamples)
		if i%lose == lose-1 {
			rec.Frame(media.TrackCaller, at, media.G722, nil)
			continue
		}
		coder.Encode(payload, pcm)
		rec.Frame(media.TrackCaller, at, media.G722, payload)
	}
}

// besides is how much there is in pcm beside the tone, in dB relative to it.
func besides(pcm []int16) float64 {
	var re, im, power float64
	for i, v := range pcm {
		a := 2 * math.Pi * wideTone * float64(i) / media.SampleRate
		re, im, power = re+float64(v)*math.Cos(a), im+float64(v)*math.Sin(a), power+float64(v)*float64(v)
	}
	n := float64(len(pcm))
	signal := 2 * (re*re + im*im) / (n * n)
	return 10 * math.Log10((power/n-signal)/signal)
}

// G.722 is kept as it came. Its state goes on where the parts of a second meet,
// and what was lost is concealed, wherever a reader begins.
func TestWidebandGoesOnOverParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		v := h.open(t)
		visit := begin(t, v)
		talkWide(t, record(t, visit, 0), 200, 40)
		finish(t, visit)
		pcm := listen(t, v, visit.ID(), media.TrackCaller)
		if len(pcm) != 200*media.FrameSamples {
			t.Fatalf("%d samples, want %d: 8 kHz as all else", len(pcm), 200*media.FrameSamples)
		}
		const block = media.SampleRate / 20
		for at := 2 * block; at+block <= len(pcm); at += block {
			if noise := besides(pcm[at : at+block]); noise > -22 {
				t.Errorf("at %v: %.1f dB beside the tone", media.Time(at).Duration(), noise)
			}
		}
		wantRangesOfTheWhole(t, v, visit.ID())
		wantWhole(t, v)
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

// wantRangesOfTheWhole reads a recording from its end to its beginning.
func wantRangesOfTheWhole(t *testing.T, v *recordings.Vault, id string) {
	t.Helper()
	p, err := v.Play(context.Background(), id, media.TrackNone)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	whole, err := io.ReadAll(p)
	if err != nil {
		t.Fatal(err)
	}
	const n = 5000
	got := make([]byte, n)
	for from := len(whole) - n; from > 0; from -= n {
		if _, err := p.Seek(int64(from), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(p, got); err != nil || !bytes.Equal(got, whole[from:from+n]) {
			t.Fatalf("range from %d differs (%v)", from, err)
		}
	}
}
