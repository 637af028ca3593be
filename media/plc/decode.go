package plc

import "github.com/ivrd/ivrd/media"

// Decoder turns the frames of one stream into PCM at media.SampleRate without
// gaps: what was lost is concealed. It follows changes of the codec. The zero
// value is ready.
type Decoder struct {
	conceal Concealer
	ready   bool
}

// Frame decodes one frame into dst, which has its length in samples. A nil
// payload was lost, or nothing was sent; then what was said last goes on and
// fades to silence within 70 ms.
func (d *Decoder) Frame(dst []int16, codec media.Codec, payload []byte) {
	if !d.ready {
		d.Reset()
	}
	if payload == nil || !codec.Valid() {
		d.conceal.Lost(dst)
		return
	}
	codec.Decode(dst, payload)
	d.conceal.Good(dst)
}

// Concealing reports whether the last frame was made up and can still be heard:
// if it was lost and this is false, the next that is lost will be silent.
func (d *Decoder) Concealing() bool { return d.conceal.Concealing() }

// Reset forgets what was said: after a seek, or for another stream.
func (d *Decoder) Reset() {
	d.conceal.Reset(media.SampleRate)
	d.ready = true
}
