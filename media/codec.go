package media

import "strings"

// Codec is a way to write sound in RTP packets. The zero Codec is none.
type Codec uint8

// The codecs (RFC 3551 §4.5.14).
const (
	PCMU Codec = iota + 1 // G.711 µ-law
	PCMA                  // G.711 A-law

	numCodecs = iota + 1 // for arrays indexed by Codec
)

// Codecs lists all codecs, best first.
func Codecs() []Codec { return []Codec{PCMU, PCMA} }

// CodecByName finds a codec by its name in SDP (case does not matter).
func CodecByName(name string) (Codec, bool) {
	for _, c := range Codecs() {
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
	default:
		return "none"
	}
}

func (c Codec) String() string { return c.Name() }

// Valid reports whether c is one of the codecs.
func (c Codec) Valid() bool { return c == PCMU || c == PCMA }

// PayloadType is the static RTP payload type (RFC 3551 §6).
func (c Codec) PayloadType() uint8 {
	if c == PCMA {
		return 8
	}
	return 0
}

// ClockRate is the rate of RTP timestamps, in Hz.
func (c Codec) ClockRate() int { return SampleRate }

// FrameBytes is the length of one frame of FrameDuration, in bytes.
func (c Codec) FrameBytes() int { return FrameSamples }

// Silence is the byte that decodes to digital silence (for A-law, which has
// no zero, to the smallest positive value).
func (c Codec) Silence() byte {
	if c == PCMA {
		return 0xD5
	}
	return 0xFF
}

// Encode writes pcm in the codec to dst, which must hold it, and returns how
// many bytes were written.
func (c Codec) Encode(dst []byte, pcm []int16) int {
	dst = dst[:len(pcm)]
	if c == PCMA {
		for i, s := range pcm {
			dst[i] = linearToALaw(s)
		}
		return len(pcm)
	}
	for i, s := range pcm {
		dst[i] = linearToULaw(s)
	}
	return len(pcm)
}

// Decode writes the sound of payload to dst, which must hold it, and returns
// how many samples were written.
func (c Codec) Decode(dst []int16, payload []byte) int {
	dst = dst[:len(payload)]
	table := &uLawToLinear
	if c == PCMA {
		table = &aLawToLinear
	}
	for i, b := range payload {
		dst[i] = table[b]
	}
	return len(payload)
}

// Transcode rewrites src from one codec to another into dst, which must hold
// it and may be src itself, and returns how many bytes were written.
func Transcode(dst []byte, to Codec, src []byte, from Codec) int {
	dst = dst[:len(src)]
	if to == from {
		return copy(dst, src)
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
