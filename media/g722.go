package media

// ITU-T G.722 (09/2012) at 64 kbit/s, mode 1: 16 kHz PCM is split by a
// quadrature mirror filter into two bands at 8 kHz, each coded as ADPCM, six
// bits for the lower and two for the upper band in one byte. Names in the
// comments (QMF, SCALEL, UPZERO, ...) are the blocks of the Recommendation.

const (
	// g722Chunk is how many samples of wideband PCM are worked on at a time: one frame.
	g722Chunk = 2 * FrameSamples
	// qmfHistory is how much of the past the 24 taps reach back for.
	qmfHistory = qmfTaps - 2
	qmfTaps    = 24
)

// G722Encoder encodes wideband sound. The zero value is ready; it holds the
// state of one stream and is not for concurrent use.
type G722Encoder struct {
	low, high g722Band
	samples   [qmfHistory + g722Chunk]int16
}

// Follow brings the encoder to where a decoder is that has just heard payload:
// Join goes on from there. After 100 ms of payload nothing is left of how encoder
// and decoder differed before.
func (e *G722Encoder) Follow(payload []byte) {
	d := G722Decoder{low: e.low, high: e.high}
	var pcm [g722Chunk]int16
	for len(payload) > 0 {
		n := min(len(payload), g722Chunk/2)
		heard := pcm[:d.Decode(pcm[:], payload[:n])]
		kept := heard[max(len(heard)-qmfHistory, 0):]
		copy(e.samples[:qmfHistory], e.samples[len(kept):qmfHistory])
		copy(e.samples[qmfHistory-len(kept):], kept)
		payload = payload[n:]
	}
	e.low, e.high = d.low, d.high
}

// Join is Encode of a frame that goes on from what was followed. The filters of
// encoder and decoder delay by 22 samples, so that a decoder, which has heard up to
// pcm, would hear the last 22 samples again: instead 5 ms are blended with what
// is that much ahead.
func (e *G722Encoder) Join(dst []byte, pcm []int16) int {
	const blended = 80
	var room [qmfHistory + g722Chunk]int16
	n := min(len(pcm), g722Chunk)
	if n < blended {
		return e.Encode(dst, pcm)
	}
	copy(room[:], e.samples[:qmfHistory])
	copy(room[qmfHistory:], pcm[:n])
	for i := range blended {
		ahead, now := int(room[i+qmfHistory]), int(room[i])
		room[i] = int16(now + (ahead-now)*(blended-i)/blended)
	}
	copy(e.samples[:qmfHistory], room[:qmfHistory])
	written := e.Encode(dst, room[qmfHistory:qmfHistory+n])
	return written + e.Encode(dst[written:], pcm[n:])
}

// Encode writes pcm, 16 kHz, in G.722 to dst, which must hold half as many
// bytes as pcm has samples, and returns how many bytes were written. A last
// odd sample is ignored.
func (e *G722Encoder) Encode(dst []byte, pcm []int16) int {
	written := 0
	for len(pcm) >= 2 {
		n := min(len(pcm), g722Chunk) &^ 1
		e.chunk(dst[written:written+n/2], pcm[:n])
		pcm, written = pcm[n:], written+n/2
	}
	return written
}

func (e *G722Encoder) chunk(dst []byte, pcm []int16) {
	copy(e.samples[qmfHistory:], pcm)
	for i := range dst {
		even, odd := qmf((*[qmfTaps]int16)(e.samples[2*i:]))
		il := e.low.encodeLow((odd + even) >> qmfEncodeShift)
		ih := e.high.encodeHigh((odd - even) >> qmfEncodeShift)
		dst[i] = ih<<6 | il
	}
	copy(e.samples[:qmfHistory], e.samples[len(pcm):])
}

// G722Decoder decodes to wideband sound. The zero value is ready; it holds the
// state of one stream and is not for concurrent use.
type G722Decoder struct {
	low, high g722Band
	samples   [qmfHistory + g722Chunk]int16
}

// Reset forgets the stream.
func (d *G722Decoder) Reset() { *d = G722Decoder{} }

// Decode writes the sound of payload, 16 kHz, to dst, which must hold two
// samples for each byte, and returns how many samples were written. Every byte
// is valid.
func (d *G722Decoder) Decode(dst []int16, payload []byte) int {
	written := 0
	for len(payload) > 0 {
		n := min(len(payload), g722Chunk/2)
		d.chunk(dst[written:written+2*n], payload[:n])
		payload, written = payload[n:], written+2*n
	}
	return written
}

func (d *G722Decoder) chunk(dst []int16, payload []byte) {
	for i, b := range payload {
		low := d.low.decodeLow(b & 0x3F)
		high := d.high.decodeHigh(b >> 6)
		d.samples[qmfHistory+2*i] = int16(low + high)
		d.samples[qmfHistory+2*i+1] = int16(low - high)
	}
	for i := range payload {
		even, odd := qmf((*[qmfTaps]int16)(d.samples[2*i:]))
		dst[2*i] = clip16(odd >> qmfDecodeShift)
		dst[2*i+1] = clip16(even >> qmfDecodeShift)
	}
	copy(d.samples[:qmfHistory], d.samples[len(dst):])
}

// G722Narrow decodes only what G.722 holds of the telephone's band: the lower half,
// at 8 kHz, for less than half of a G722Decoder's price. It is to be looked at rather
// than heard: what is near 4 kHz folds. The zero value is ready; it holds the state of
// one stream and is not for concurrent use.
type G722Narrow struct{ low g722Band }

// Decode writes the sound of payload, 8 kHz, to dst, which must hold a sample for
// each byte, and returns how many samples were written.
func (d *G722Narrow) Decode(dst []int16, payload []byte) int {
	dst = dst[:len(payload)]
	for i, b := range payload {
		dst[i] = int16(2 * d.low.decodeLow(b&0x3F))
	}
	return len(payload)
}

// The taps have 13 fractional bits and either half of them sums to one half.
// A band has 15 bits, one less than PCM.
const (
	qmfEncodeShift = 14
	qmfDecodeShift = 11
)

// qmf sums the even and the odd samples of x under the two halves of the
// mirror filter: the taps of one are those of the other backwards.
func qmf(x *[qmfTaps]int16) (even, odd int32) {
	even = 3*int32(x[0]) - 11*int32(x[2]) + 12*int32(x[4]) + 32*int32(x[6]) -
		210*int32(x[8]) + 951*int32(x[10]) + 3876*int32(x[12]) - 805*int32(x[14]) +
		362*int32(x[16]) - 156*int32(x[18]) + 53*int32(x[20]) - 11*int32(x[22])
	odd = 3*int32(x[23]) - 11*int32(x[21]) + 12*int32(x[19]) + 32*int32(x[17]) -
		210*int32(x[15]) + 951*int32(x[13]) + 3876*int32(x[11]) - 805*int32(x[9]) +
		362*int32(x[7]) - 156*int32(x[5]) + 53*int32(x[3]) - 11*int32(x[1])
	return even, odd
}

func clip16(v int32) int16 { return int16(saturate(v)) }

func saturate(v int32) int32 { return min(max(v, -1<<15), 1<<15-1) }
