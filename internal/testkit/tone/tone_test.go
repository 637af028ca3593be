package tone_test

import (
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/memnet"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/media"
)

func TestLevelOfATone(t *testing.T) {
	pcm := media.Tone(800, -20, 200*time.Millisecond)
	if l := tone.Level(pcm, 800); math.Abs(l+20) > 0.1 {
		t.Errorf("level %.2f, want -20", l)
	}
	if l := tone.Level(pcm, 1000); l > -80 {
		t.Errorf("another frequency has %.2f dBov", l)
	}
	if f, _ := tone.Dominant(pcm); f != 800 {
		t.Errorf("dominant is %v Hz", f)
	}
	if l := tone.Power(media.Silence(time.Second)); l != -120 {
		t.Errorf("silence has %v dBov", l)
	}
}

func TestHeardTellsPartiesApart(t *testing.T) {
	mixed := media.Tone(400, -20, time.Second)
	for i, s := range media.Tone(700, -30, time.Second) {
		mixed[i] += s
	}
	payload := make([]byte, len(mixed))
	media.PCMA.Encode(payload, mixed)
	got := tone.Heard(tone.Decode(media.PCMA, payload), 30, 400, 550, 700)
	if !slices.Equal(got, []float64{400, 700}) {
		t.Errorf("heard %v", got)
	}
	if got := tone.Heard(mixed, 5, 400, 700); !slices.Equal(got, []float64{400}) {
		t.Errorf("heard %v within 5 dB", got)
	}
	if got := tone.Heard(media.Silence(time.Second), 30, 400); got != nil {
		t.Errorf("heard %v in silence", got)
	}
}

func TestGaps(t *testing.T) {
	pcm := slices.Concat(media.Tone(400, -20, 100*time.Millisecond), media.Silence(60*time.Millisecond), media.Tone(400, -20, 100*time.Millisecond))
	got := tone.Gaps(pcm, -50, 40*time.Millisecond)
	want := []tone.Gap{{From: 100 * time.Millisecond, To: 160 * time.Millisecond}}
	if !slices.Equal(got, want) {
		t.Errorf("gaps %v, want %v", got, want)
	}
	if got := tone.Gaps(pcm, -50, 80*time.Millisecond); got != nil {
		t.Errorf("gaps %v of 80 ms", got)
	}
}

func TestPhonesHearEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New(1)
		a, b := phone(t, n.Host("10.0.0.1")), phone(t, n.Host("10.0.0.2"))
		a.Send(b.Addr(), media.PCMU, 400)
		b.Send(a.Addr(), media.PCMA, 700)
		time.Sleep(2 * time.Second)
		if err := a.Press("42#", 2); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if got := a.Tones(time.Second, 2*time.Second, 400, 700); !slices.Equal(got, []float64{700}) {
			t.Errorf("a hears %v", got)
		}
		if got := b.Tones(time.Second, 2*time.Second, 400, 700); !slices.Equal(got, []float64{400}) {
			t.Errorf("b hears %v", got)
		}
		if got := b.Digits(); got != "42#" {
			t.Errorf("b hears the keys %q", got)
		}
		if c := a.Counts(); c.Missing != 0 || c.SSRCs != 1 || c.Sources != 1 || c.Packets < 145 {
			t.Errorf("a counts %+v", c)
		}
	})
}

func phone(t *testing.T, h *memnet.Host) *tone.Phone {
	t.Helper()
	p, err := tone.NewPhone(h, h.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}
