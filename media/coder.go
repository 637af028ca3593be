package media

import "fmt"

// The way of a stream from wire to wire:
//
//	bytes → Decoder (codec, then rate) → PCM at the asked rate → Encoder (rate, then codec) → bytes
//
// What needs no state has none: for G.711 at 8 kHz both types are a table. None
// allocates after Reset; each is for one stream and one goroutine.

// Encoder turns PCM at an asked rate into a codec's bytes. The zero Encoder
// encodes nothing until it is Reset.
type Encoder struct {
	codec     Codec
	g722      *G722Encoder
	converter *Resampler // nil when the rate is the codec's
	frame     []int16    // what the resampler makes of a frame
	piece     int        // how many samples a frame has at the asked rate
}

// Reset begins a stream in codec c of PCM at SampleRate or WidebandRate. Another
// rate, or no codec, is an error. It allocates what the stream needs.
func (e *Encoder) Reset(c Codec, rateHz int) error {
	if err := checkStream(c, rateHz); err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	*e = Encoder{codec: c, piece: rateHz / FramesPerSecond}
	if c == G722 {
		e.g722 = new(G722Encoder)
	}
	if rateHz != c.AudioRate() {
		e.converter = resampler(rateHz, c.AudioRate())
		e.frame = make([]int16, MaxFrameSamples)
	}
	return nil
}

// Encode writes pcm to dst, which must hold it, and returns how many bytes
// were written: Codec.FrameBytes for each 20 ms. For G.722 at WidebandRate the
// samples must be even in number; a last odd one is left out.
func (e *Encoder) Encode(dst []byte, pcm []int16) int {
	if e.converter == nil {
		return e.encode(dst, pcm)
	}
	written := 0
	for len(pcm) > 0 {
		n := min(len(pcm), e.piece)
		made := e.converter.Resample(e.frame, pcm[:n])
		written += e.encode(dst[written:], e.frame[:made])
		pcm = pcm[n:]
	}
	return written
}

func (e *Encoder) encode(dst []byte, pcm []int16) int {
	if e.g722 != nil {
		return e.g722.Encode(dst, pcm)
	}
	return e.codec.Encode(dst, pcm)
}

// Decoder turns a codec's bytes into PCM at an asked rate. The zero Decoder
// decodes nothing until it is Reset.
type Decoder struct {
	codec     Codec
	rate      int // Hz, asked
	g722      *G722Decoder
	converter *Resampler // nil when the rate is the codec's
	frame     []int16    // a frame at the codec's rate, for the resampler
}

// Reset begins a stream in codec c to PCM at SampleRate or WidebandRate. Another
// rate, or no codec, is an error. It allocates what the stream needs.
func (d *Decoder) Reset(c Codec, rateHz int) error {
	if err := checkStream(c, rateHz); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	*d = Decoder{codec: c, rate: rateHz}
	if c == G722 {
		d.g722 = new(G722Decoder)
	}
	if rateHz != c.AudioRate() {
		d.converter = resampler(c.AudioRate(), rateHz)
		d.frame = make([]int16, MaxFrameSamples)
	}
	return nil
}

// Restart begins the stream anew, as Reset with the same codec and rate does,
// without allocating.
func (d *Decoder) Restart() {
	if d.g722 != nil {
		d.g722.Reset()
	}
	if d.converter != nil {
		d.converter.Reset()
	}
}

// Codec is what Reset was given; 0 before.
func (d *Decoder) Codec() Codec { return d.codec }

// Samples is how many samples Decode makes of n bytes.
func (d *Decoder) Samples(n int) int {
	if !d.codec.Valid() {
		return 0
	}
	return d.codec.samples(n) * d.rate / d.codec.AudioRate()
}

// Decode writes the sound of payload to dst, which must hold Samples, and
// returns how many samples were written. Any bytes are sound; half a sample at
// the end of L16 is left out. For a frame that was lost, decode nothing: what is
// kept of G.722 is then nearer to the sender than after silence.
func (d *Decoder) Decode(dst []int16, payload []byte) int {
	if d.converter == nil {
		return d.decode(dst, payload)
	}
	written := 0
	for len(payload) > 0 {
		n := min(len(payload), d.codec.FrameBytes())
		made := d.decode(d.frame, payload[:n])
		written += d.converter.Resample(dst[written:], d.frame[:made])
		payload = payload[n:]
	}
	return written
}

// Follow is Decode of a frame in a codec that may have changed, at the rate that
// Reset sets then. Of a frame that was lost, or has no room, nothing is made; ok is
// false of a codec that cannot be decoded.
func (d *Decoder) Follow(dst []int16, c Codec, rateHz int, payload []byte) (n int, ok bool) {
	if c != d.codec && d.Reset(c, rateHz) != nil {
		return 0, false
	}
	if d.Samples(len(payload)) <= len(dst) {
		n = d.Decode(dst, payload)
	}
	return n, true
}

func (d *Decoder) decode(dst []int16, payload []byte) int {
	if d.g722 != nil {
		return d.g722.Decode(dst, payload)
	}
	return d.codec.Decode(dst, payload)
}

func checkStream(c Codec, rateHz int) error {
	switch {
	case !c.Valid():
		return fmt.Errorf("%d is no codec", uint8(c))
	case rateHz != SampleRate && rateHz != WidebandRate:
		return fmt.Errorf("%v at %d Hz: the rates are %d and %d", c, rateHz, SampleRate, WidebandRate)
	}
	return nil
}
