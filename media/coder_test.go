package media_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/ivrd/ivrd/media"
)

var allCodecs = []media.Codec{media.PCMU, media.PCMA, media.G722, media.L16}

func TestCodecFacts(t *testing.T) {
	for _, c := range []struct {
		codec                     media.Codec
		name                      string
		pt                        uint8
		audioRate, bytes, samples int
		stateless, inCodecs       bool
	}{
		{media.PCMU, "PCMU", 0, 8000, 160, 160, true, true},
		{media.PCMA, "PCMA", 8, 8000, 160, 160, true, true},
		{media.G722, "G722", 9, 16000, 160, 320, false, true},
		{media.L16, "L16", 96, 8000, 320, 160, true, false},
	} {
		k := c.codec
		if k.Name() != c.name || k.PayloadType() != c.pt || k.ClockRate() != 8000 {
			t.Errorf("%v: name %q, payload type %d, clock %d", k, k.Name(), k.PayloadType(), k.ClockRate())
		}
		if k.AudioRate() != c.audioRate || k.FrameBytes() != c.bytes || k.FrameSamples() != c.samples {
			t.Errorf("%v: %d Hz, frames of %d bytes, %d samples", k, k.AudioRate(), k.FrameBytes(), k.FrameSamples())
		}
		if !k.Valid() || k.Stateless() != c.stateless || slices.Contains(media.Codecs(), k) != c.inCodecs {
			t.Errorf("%v: valid %v, stateless %v, listed %v", k, k.Valid(), k.Stateless(), slices.Contains(media.Codecs(), k))
		}
	}
	for _, none := range []media.Codec{0, media.L16 + 1} {
		if none.Valid() || none.Stateless() || none.Encode(nil, nil) != 0 || none.Decode(nil, nil) != 0 {
			t.Errorf("%d is a codec", uint8(none))
		}
	}
}

func TestL16IsInNetworkOrder(t *testing.T) {
	pcm := []int16{0, 1, -2, math.MaxInt16, math.MinInt16}
	want := []byte{0, 0, 0, 1, 0xFF, 0xFE, 0x7F, 0xFF, 0x80, 0}
	wire, back := make([]byte, len(want)), make([]int16, len(pcm))
	if n := media.L16.Encode(wire, pcm); n != len(want) || !slices.Equal(wire, want) {
		t.Errorf("%d bytes %x, want %x", n, wire, want)
	}
	if n := media.L16.Decode(back, append(wire, 7)); n != len(pcm) || !slices.Equal(back, pcm) {
		t.Errorf("%d samples %v, want %v", n, back, pcm)
	}
}

// A stateful codec used without its state says so by writing nothing.
func TestCodecWithoutItsState(t *testing.T) {
	pcm, wire := make([]int16, 320), make([]byte, 160)
	if media.G722.Encode(wire, pcm) != 0 || media.G722.Decode(pcm, wire) != 0 {
		t.Error("Codec encodes or decodes G.722 without state")
	}
	if media.Transcode(wire, media.G722, make([]byte, 160), media.PCMU) != 0 {
		t.Error("Transcode writes G.722")
	}
}

func TestSilenceOfG722FollowsAnySound(t *testing.T) {
	var enc media.G722Encoder
	var dec media.G722Decoder
	wire, pcm := make([]byte, 160), make([]int16, 320)
	for seed := range 8 {
		enc.Encode(wire, rails(xorshift(seed+1), 20, 320))
		dec.Decode(pcm, wire)
		for i := range wire {
			wire[i] = media.G722.Silence()
		}
		dec.Decode(pcm, wire)
		if tail := pcm[160:]; slices.Max(tail) > 100 || slices.Min(tail) < -100 {
			t.Errorf("after 10 ms of silence it sounds between %d and %d", slices.Min(tail), slices.Max(tail))
		}
	}
}

// toneIn is a second of a tone in codec c.
func toneIn(t *testing.T, c media.Codec, freqHz float64) []byte {
	t.Helper()
	enc := new(media.Encoder)
	if err := enc.Reset(c, media.WidebandRate); err != nil {
		t.Fatal(err)
	}
	wire := make([]byte, 50*c.FrameBytes())
	if n := enc.Encode(wire, sine(freqHz, media.WidebandRate, media.WidebandRate)); n != len(wire) {
		t.Fatalf("%v: a second is %d bytes, want %d", c, n, len(wire))
	}
	return wire
}

// heard is what wire sounds like at a rate.
func heard(t *testing.T, c media.Codec, rate int, wire []byte) []int16 {
	t.Helper()
	dec := new(media.Decoder)
	if err := dec.Reset(c, rate); err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, dec.Samples(len(wire)))
	if n := dec.Decode(pcm, wire); n != len(pcm) {
		t.Fatalf("%v: %d samples, want %d", c, n, len(pcm))
	}
	return pcm
}

// transcoder is the way of a stream from one codec to another.
type transcoder struct {
	decoder media.Decoder
	encoder media.Encoder
	frame   [media.MaxFrameSamples]int16
}

func newTranscoder(t testing.TB, to, from media.Codec) *transcoder {
	t.Helper()
	tr := new(transcoder)
	if err := errors.Join(tr.decoder.Reset(from, to.AudioRate()), tr.encoder.Reset(to, to.AudioRate())); err != nil {
		t.Fatal(err)
	}
	return tr
}

// transcode rewrites a frame.
func (tr *transcoder) transcode(dst, src []byte) int {
	return tr.encoder.Encode(dst, tr.frame[:tr.decoder.Decode(tr.frame[:], src)])
}

func TestTranscodingKeepsTones(t *testing.T) {
	for _, from := range allCodecs {
		for _, to := range allCodecs {
			for _, freq := range []float64{300, 1000, 3300} {
				tr := newTranscoder(t, to, from)
				out := inFrames(tr, to, from, toneIn(t, from, freq))
				for _, rate := range []int{media.SampleRate, media.WidebandRate} {
					pcm := heard(t, to, rate, out)
					if got := level(pcm, rate, freq); math.Abs(got - -9.23) > 0.2 {
						t.Errorf("%v to %v: %v Hz at %d Hz has %.2f dBov, want -9.23", from, to, freq, rate, got)
					}
					if noise := powerBeside(pcm, rate, freq); noise > -40 {
						t.Errorf("%v to %v: %v Hz at %d Hz comes with %.1f dBov of noise", from, to, freq, rate, noise)
					}
				}
			}
		}
	}
}

// inFrames transcodes wire frame by frame.
func inFrames(tr *transcoder, to, from media.Codec, wire []byte) []byte {
	var out []byte
	frame := make([]byte, media.MaxFrameBytes)
	for part := range slices.Chunk(wire, from.FrameBytes()) {
		out = append(out, frame[:tr.transcode(frame, part)]...)
	}
	return out[:len(wire)/from.FrameBytes()*to.FrameBytes()]
}

// What only wideband has does not fold into narrowband.
func TestWidebandDoesNotFoldIntoNarrowband(t *testing.T) {
	wire := toneIn(t, media.G722, 6000)
	if got := power(heard(t, media.G722, media.WidebandRate, wire), media.WidebandRate); got < -10 {
		t.Errorf("6 kHz in G.722 has %.1f dBov", got)
	}
	if got := power(heard(t, media.G722, media.SampleRate, wire), media.SampleRate); got > -45 {
		t.Errorf("6 kHz folds down with %.1f dBov", got)
	}
}

func TestG711ByDecodingEqualsTranscode(t *testing.T) {
	src := codes(1, 1, 160)
	for _, from := range g711() {
		for _, to := range g711() {
			if to == from {
				continue // of two codes for zero, Transcode keeps which it was
			}
			tr := newTranscoder(t, to, from)
			got, want := make([]byte, 160), make([]byte, 160)
			media.Transcode(want, to, src, from)
			if n := tr.transcode(got, src); n != 160 || !slices.Equal(got, want) {
				t.Errorf("%v to %v differs", from, to)
			}
		}
	}
}

func TestWhatIsNoCodecIsRefused(t *testing.T) {
	if err := new(media.Decoder).Reset(0, media.SampleRate); err == nil {
		t.Error("from no codec")
	}
	if err := new(media.Encoder).Reset(media.L16+1, media.SampleRate); err == nil {
		t.Error("to no codec")
	}
	if err := new(media.Decoder).Reset(media.PCMU, 44100); err == nil {
		t.Error("a decoder at 44.1 kHz")
	}
	if err := new(media.Encoder).Reset(media.G722, 0); err == nil {
		t.Error("an encoder at 0 Hz")
	}
	if n := new(media.Decoder).Decode(nil, []byte{1}) + new(media.Decoder).Samples(5); n != 0 {
		t.Errorf("the zero decoder makes %d samples", n)
	}
	if n := new(media.Encoder).Encode(make([]byte, 1), []int16{1}); n != 0 {
		t.Errorf("the zero encoder makes %d bytes", n)
	}
}

func TestTranscodingDoesNotAllocate(t *testing.T) {
	dst, src := make([]byte, media.MaxFrameBytes), codes(1, 1, media.MaxFrameBytes)
	for _, from := range allCodecs {
		for _, to := range allCodecs {
			tr := newTranscoder(t, to, from)
			if n := testing.AllocsPerRun(20, func() { tr.transcode(dst, src[:from.FrameBytes()]) }); n != 0 {
				t.Errorf("%v to %v: %v allocations", from, to, n)
			}
		}
	}
}

// FuzzDecoder: any payload is sound of the length that was foretold, and it
// sounds the same however it is cut.
func FuzzDecoder(f *testing.F) {
	for c := range allCodecs {
		f.Add(uint8(c), false, uint16(3), codes(xorshift(c+1), 3, 400))
		f.Add(uint8(c), true, uint16(160), codes(xorshift(c+9), 1, 321))
	}
	f.Fuzz(func(t *testing.T, codec uint8, wideband bool, cut uint16, payload []byte) {
		c, rate := allCodecs[int(codec)%len(allCodecs)], media.SampleRate
		if wideband {
			rate = media.WidebandRate
		}
		whole := heard(t, c, rate, payload)
		dec := new(media.Decoder)
		if err := dec.Reset(c, rate); err != nil {
			t.Fatal(err)
		}
		at := min(int(cut), len(payload)) &^ 1 // L16 has two bytes for a sample
		parts := make([]int16, len(whole))
		n := dec.Decode(parts, payload[:at])
		n += dec.Decode(parts[n:], payload[at:])
		if n != len(whole) || !slices.Equal(parts, whole) {
			t.Errorf("%v at %d Hz cut at %d: %d samples of %d", c, rate, at, n, len(whole))
		}
	})
}
