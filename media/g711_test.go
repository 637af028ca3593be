package media_test

import (
	"math"
	"slices"
	"testing"

	"github.com/ivrd/ivrd/media"
)

// The positive halves of tables 1a and 2a of ITU-T G.711 at the segment ends:
// the byte on the line and the value it decodes to, in 16 bits.
func TestG711DecodesTheTablesOfTheStandard(t *testing.T) {
	for _, c := range []struct {
		codec media.Codec
		b     byte
		want  int16
	}{
		{media.PCMU, 0x80, 4 * 8031},
		{media.PCMU, 0x8F, 4 * 4191},
		{media.PCMU, 0x9F, 4 * 2079},
		{media.PCMU, 0xAF, 4 * 1023},
		{media.PCMU, 0xBF, 4 * 495},
		{media.PCMU, 0xCF, 4 * 231},
		{media.PCMU, 0xDF, 4 * 99},
		{media.PCMU, 0xEF, 4 * 33},
		{media.PCMU, 0xFE, 4 * 2},
		{media.PCMU, 0xFF, 0},
		{media.PCMU, 0x00, -4 * 8031},
		{media.PCMU, 0x7E, -4 * 2},
		{media.PCMU, 0x7F, 0},
		{media.PCMA, 0xD5, 8 * 1},
		{media.PCMA, 0xD4, 8 * 3},
		{media.PCMA, 0x55, -8 * 1},
		{media.PCMA, 0xAA, 8 * 4032},
		{media.PCMA, 0x2A, -8 * 4032},
		{media.PCMA, 0xA5, 8 * 2112},
	} {
		var got [1]int16
		c.codec.Decode(got[:], []byte{c.b})
		if got[0] != c.want {
			t.Errorf("%v %#02x decodes to %d, want %d", c.codec, c.b, got[0], c.want)
		}
	}
}

// The standard's output values lie in the middle of the intervals between its
// decision values, and the values rise with the sound.
func TestG711DecisionIntervals(t *testing.T) {
	for _, c := range []struct {
		codec  media.Codec
		step   int // of the input that counts
		values int
	}{{media.PCMU, 4, 255}, {media.PCMA, 16, 256}} {
		var code [1]byte
		var value [1]int16
		start, previous, intervals := math.MinInt16, math.MinInt16, 0
		for s := math.MinInt16; s <= math.MaxInt16; s++ {
			c.codec.Encode(code[:], []int16{int16(s)})
			c.codec.Decode(value[:], code[:])
			v := int(value[0])
			if v == previous {
				continue
			}
			if v < previous {
				t.Fatalf("%v: the value for %d falls to %d", c.codec, s, v)
			}
			// The end of the axis is clipped, and µ-law's two zeros meet.
			middle := (start + s - 1) / 2
			if intervals > 1 && previous != 0 && max(middle-previous, previous-middle) > c.step/2 {
				t.Errorf("%v: inputs %d to %d become %d", c.codec, start, s-1, previous)
			}
			start, previous = s, v
			intervals++
		}
		if intervals != c.values {
			t.Errorf("%v: %d values, want %d", c.codec, intervals, c.values)
		}
	}
}

func g711() []media.Codec { return []media.Codec{media.PCMU, media.PCMA} }

func TestG711RoundTrip(t *testing.T) {
	for _, c := range g711() {
		for b := range 256 {
			var pcm [1]int16
			var back [1]byte
			c.Decode(pcm[:], []byte{byte(b)})
			c.Encode(back[:], pcm[:])
			if want := byte(b); back[0] != want && (c != media.PCMU || want != 0x7F) { // µ-law has two zeros
				t.Errorf("%v: %#02x comes back as %#02x", c, want, back[0])
			}
		}
	}
}

func TestSilence(t *testing.T) {
	for _, c := range g711() {
		var b [1]byte
		c.Encode(b[:], []int16{0})
		if b[0] != c.Silence() {
			t.Errorf("%v: silence is %#02x, want %#02x", c, b[0], c.Silence())
		}
	}
}

func TestTranscodeEqualsDecodeAndEncode(t *testing.T) {
	src := make([]byte, 256)
	for i := range src {
		src[i] = byte(i)
	}
	for _, from := range g711() {
		for _, to := range g711() {
			pcm, want, got := make([]int16, 256), make([]byte, 256), make([]byte, 256)
			from.Decode(pcm, src)
			to.Encode(want, pcm)
			if from == to {
				want = src
			}
			if n := media.Transcode(got, to, src, from); n != 256 || !slices.Equal(got, want) {
				t.Errorf("%v to %v: %d bytes, equal %v", from, to, n, slices.Equal(got, want))
			}
			same := slices.Clone(src)
			media.Transcode(same, to, same, from)
			if !slices.Equal(same, want) {
				t.Errorf("%v to %v in place differs", from, to)
			}
		}
	}
}

func TestCodecNames(t *testing.T) {
	for _, c := range media.Codecs() {
		if got, ok := media.CodecByName(c.String()); !ok || got != c || !c.Valid() {
			t.Errorf("%v is not found by its name", c)
		}
	}
	if c, ok := media.CodecByName("pcma"); !ok || c != media.PCMA || c.PayloadType() != 8 {
		t.Error("pcma is not PCMA with payload type 8")
	}
	if c, ok := media.CodecByName("opus"); ok || c.Valid() {
		t.Error("opus is known")
	}
}
