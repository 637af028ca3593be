package engine

import (
	"math"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/rtpio"
)

// wideHz is above what a narrow-band codec carries.
const wideHz = 6000.0

// hear sends a tone above 4 kHz from one leg and returns what the other hears of
// it after half a second, in dB of full scale.
func (r *rig) hear(t *testing.T, ticks int) float64 {
	t.Helper()
	tone := new(media.Encoder)
	if err := tone.Reset(media.G722, media.WidebandRate); err != nil {
		t.Fatal(err)
	}
	var ear media.G722Decoder
	var pcm []int16
	buf := make([]byte, 1500)
	for i := range ticks {
		tone.Encode(r.packet[0].Payload, wave(i*media.MaxFrameSamples))
		r.frame()
		n, _, err := r.far[1].ReadFrom(buf)
		var p rtpio.Packet
		if err != nil || p.Parse(buf[:n]) != nil || len(p.Payload) != media.FrameSamples {
			t.Fatalf("tick %d: %d bytes came (%v)", i, n, err)
		}
		var frame [media.MaxFrameSamples]int16
		ear.Decode(frame[:], p.Payload)
		pcm = append(pcm, frame[:]...)
	}
	return level(pcm[len(pcm)-16*media.MaxFrameSamples:])
}

func wave(from int) []int16 {
	pcm := make([]int16, media.MaxFrameSamples)
	for i := range pcm {
		pcm[i] = int16(6000 * math.Sin(2*math.Pi*wideHz*float64(from+i)/media.WidebandRate))
	}
	return pcm
}

// level of the tone.
func level(pcm []int16) float64 {
	var re, im float64
	for i, v := range pcm {
		a := 2 * math.Pi * wideHz * float64(i) / media.WidebandRate
		re, im = re+float64(v)*math.Cos(a), im+float64(v)*math.Sin(a)
	}
	return 20 * math.Log10(2*math.Hypot(re, im)/float64(len(pcm))/math.MaxInt16)
}

// TestWidebandStaysWide: what is above 4 kHz comes through, forwarded as well as
// mixed, where the slow gain of a voice may change it.
func TestWidebandStaysWide(t *testing.T) {
	for name, speakers := range map[string]int{"forwarded": 1, "mixed": 2} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rtpio.System(), [2]media.Codec{media.G722, media.G722})
			for i := range r.packet[1].Payload {
				r.packet[1].Payload[i] = media.G722.Silence()
			}
			r.begin(speakers, false)
			r.drain(t)
			if got := r.hear(t, 60); math.Abs(got+14.7) > 4 {
				t.Errorf("6 kHz is heard at %.1f dB, want -14.7", got)
			}
		})
	}
}

// drain reads what has been sent to the far ends.
func (r *rig) drain(t *testing.T) {
	t.Helper()
	buf := make([]byte, 1500)
	for _, far := range r.far {
		if err := far.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		for {
			if _, _, err := far.ReadFrom(buf); err != nil {
				break
			}
		}
		if err := far.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
}
