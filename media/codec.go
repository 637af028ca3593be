package media

import (
	"encoding/binary"
	"strings"
)

// Codec is a way to write sound in RTP packets. The zero Codec is none.
type Codec uint8

// The codecs (RFC 3551 §4.5).
const (
	PCMU Codec = iota + 1 // G.711 µ-law
	PCMA                  // G.711 A-law
	G722                  // G.722 at 64 kbit/s: 16 kHz sound
	L16                   // 16-bit PCM in network byte order, at 8 kHz

	numCodecs = iota + 1 // for arrays indexed by Codec
)

const (
	// MaxFrameBytes is the most that one frame takes in any codec.
	MaxFrameBytes = 2 * FrameSamples
	// MaxFrameSamples is the most samples that one frame has at any AudioRate.
	MaxFrameSamples = 2 * FrameSamples
	// WidebandRate is the rate of wideband sound, in Hz.
	WidebandRate = 2 * SampleRate
)

// Codecs lists the codecs that calls are offered and answered with where nobody
// has said which, in the order in which we offer them to who has no other wish.
// The telephone's come first: they cost least, and wideband is no better than the
// narrower end of a call. L16 must be asked for: it takes twice the line.
func Codecs() []Codec { return []Codec{PCMU, PCMA, G722} }

// CodecByName finds a codec by its name in SDP (case does not matter).
func CodecByName(name string) (Codec, bool) {
	for c := PCMU; c.Valid(); c++ {
		if strings.EqualFold(name, c.Name()) {
			return c, true
		}
	}
	return 0, false
}

// Name is the encoding name in SDP's a=rtpmap.
func (c Codec) Name() string {
	switch c {
	case PCMU:
		return "PCMU"
	case PCMA:
		return "PCMA"
	case G722:
		return "G722"
	case L16:
		return "L16"
	default:
		return "none"
	}
}

func (c Codec) String() string { return c.Name() }

// Valid reports whether c is one of the codecs.
func (c Codec) Valid() bool { return c >= PCMU && c < numCodecs }

// Stateless reports whether each frame stands for itself, so that Codec's own
// Encode and Decode do. The others need an Encoder and a Decoder.
func (c Codec) Stateless() bool { return c.Valid() && c != G722 }

func (c Codec) g711() bool { return c == PCMU || c == PCMA }

// PayloadType is the static RTP payload type (RFC 3551 §6). L16 has none at
// our rate: it is given the first dynamic one, and what SDP says counts.
func (c Codec) PayloadType() uint8 {
	switch c {
	case PCMA:
		return 8
	case G722:
		return 9
	case L16:
		return firstDynamicType
	default:
		return 0
	}
}

const firstDynamicType = 96

// ComfortNoiseType is the static payload type of comfort noise (RFC 3389 §4), which
// a peer may send in its pauses.
const ComfortNoiseType = 13

// ClockRate is the rate of RTP timestamps and that of SDP's a=rtpmap, in Hz.
// For G.722 it is not that of its sound: RFC 3551 §4.5.2 keeps an old mistake.
func (c Codec) ClockRate() int { return SampleRate }

// AudioRate is the rate of the codec's sound, in Hz.
func (c Codec) AudioRate() int {
	if c == G722 {
		return WidebandRate
	}
	return SampleRate
}

// UnitBytes is how many bytes stand for one unit of ClockRate: of L16 2, else 1.
func (c Codec) UnitBytes() int {
	if c == L16 {
		return 2
	}
	return 1
}

// FrameBytes is the length of one frame of FrameDuration, in bytes.
func (c Codec) FrameBytes() int { return FrameSamples * c.UnitBytes() }

// FrameSamples is the length of one frame, in samples at AudioRate.
func (c Codec) FrameSamples() int { return c.samples(c.FrameBytes()) }

// samples is how many samples n bytes hold; half a sample does not count.
func (c Codec) samples(n int) int {
	switch c {
	case G722:
		return 2 * n
	case L16:
		return n / 2
	default:
		return n
	}
}

// Silence is the byte of digital silence (for A-law, which has no zero, of the
// smallest positive value). A G.722 decoder makes of it, whatever came before and
// from 20 ms on, an offset and a tone at half its rate, below -60 dBov and not
// heard; a frame of encoded silence that is repeated is heard as a buzz of 50 Hz.
func (c Codec) Silence() byte {
	switch c {
	case PCMA:
		return 0xD5
	case G722:
		return 0xFD // the smallest positive differences
	case L16:
		return 0
	default:
		return 0xFF
	}
}

// Encode writes pcm, at AudioRate, in a stateless codec to dst, which must
// hold it, and returns how many bytes were written: none in other codecs.
func (c Codec) Encode(dst []byte, pcm []int16) int {
	switch c {
	case PCMU:
		dst = dst[:len(pcm)]
		for i, s := range pcm {
			dst[i] = linearToULaw(s)
		}
	case PCMA:
		dst = dst[:len(pcm)]
		for i, s := range pcm {
			dst[i] = linearToALaw(s)
		}
	case L16:
		return encodeL16(dst, pcm)
	default:
		return 0
	}
	return len(pcm)
}

// Decode writes the sound of payload, in a stateless codec, to dst, which must
// hold it, and returns how many samples at AudioRate were written: none of
// other codecs.
func (c Codec) Decode(dst []int16, payload []byte) int {
	table := &uLawToLinear
	switch c {
	case PCMU:
	case PCMA:
		table = &aLawToLinear
	case L16:
		return decodeL16(dst, payload)
	default:
		return 0
	}
	dst = dst[:len(payload)]
	for i, b := range payload {
		dst[i] = table[b]
	}
	return len(payload)
}

// encodeL16 is RFC 3551 §4.5.11.
func encodeL16(dst []byte, pcm []int16) int {
	for i, s := range pcm {
		binary.BigEndian.PutUint16(dst[2*i:], uint16(s))
	}
	return 2 * len(pcm)
}

// decodeL16 leaves out a last odd byte.
func decodeL16(dst []int16, payload []byte) int {
	dst = dst[:len(payload)/2]
	for i := range dst {
		dst[i] = int16(binary.BigEndian.Uint16(payload[2*i:]))
	}
	return len(dst)
}

// Transcode rewrites src from one kind of G.711 to another into dst, which
// must hold it and may be src itself, and returns how many bytes were written.
// Between other codecs it writes nothing: that takes a Decoder and an Encoder.
func Transcode(dst []byte, to Codec, src []byte, from Codec) int {
	dst = dst[:len(src)]
	if to == from {
		return copy(dst, src)
	}
	if !to.g711() || !from.g711() {
		return 0
	}
	table := &uLawToALaw
	if from == PCMA {
		table = &aLawToULaw
	}
	for i, b := range src {
		dst[i] = table[b]
	}
	return len(src)
}
