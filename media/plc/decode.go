package plc

import "github.com/ivrd/ivrd/media"

// Decoder turns the frames of one stream into PCM at media.SampleRate without
// gaps: what was lost is concealed. It follows changes of the codec. The zero
// value is ready. It allocates when a codec with state begins.
type Decoder struct {
	conceal Concealer
	decode  media.Decoder // of a codec with state
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
	if codec.Stateless() {
		codec.Decode(dst, payload)
	} else {
		d.decodeOf(codec).Decode(dst, payload)
	}
	d.conceal.Good(dst)
}

// Between fills dst for a frame that was lost where it is known what follows:
// next in the codec, after samples later. Of codecs with state nothing can be
// known ahead.
func (d *Decoder) Between(dst []int16, after int, codec media.Codec, next []byte) {
	if len(next) == 0 || !codec.Valid() || !codec.Stateless() {
		d.Frame(dst, codec, nil)
		return
	}
	if !d.ready {
		d.Reset()
	}
	var pcm [maxNext]int16
	n := codec.Decode(pcm[:], next[:min(len(next), maxNext)])
	d.conceal.Between(dst, after, pcm[:n])
}

func (d *Decoder) decodeOf(codec media.Codec) *media.Decoder {
	if d.decode.Codec() != codec {
		_ = d.decode.Reset(codec, media.SampleRate) // both are valid
	}
	return &d.decode
}

// Reset forgets what was said: after a seek, or for another stream.
func (d *Decoder) Reset() {
	d.conceal.Reset(media.SampleRate)
	d.decode.Restart()
	d.ready = true
}
