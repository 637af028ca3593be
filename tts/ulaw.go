package tts

import (
	"bytes"
	"encoding/binary"

	"github.com/ivrd/ivrd/media"
)

// WriteULaw appends pcm (8 kHz) to b as a WAV file in G.711 µ-law, the form
// of the shipped prompts: 8 bytes each millisecond, as they go over the line.
func WriteULaw(b *bytes.Buffer, pcm []int16) {
	const (
		formatMuLaw = 7  // WAVE_FORMAT_MULAW (RFC 2361)
		formatSize  = 18 // with the empty extension that non-PCM formats have
		factSize    = 4
	)
	body := make([]byte, len(pcm), len(pcm)+1)
	media.PCMU.Encode(body, pcm)
	size := uint32(len(body))
	if len(body)%2 == 1 {
		body = append(body, 0) // chunks are padded to an even length
	}
	le := binary.LittleEndian
	h := append([]byte(nil), "RIFF"...)
	h = le.AppendUint32(h, uint32(4+8+formatSize+8+factSize+8+len(body)))
	h = append(h, "WAVEfmt "...)
	h = le.AppendUint32(h, formatSize)
	h = le.AppendUint16(h, formatMuLaw)
	h = le.AppendUint16(h, 1)                // channels
	h = le.AppendUint32(h, media.SampleRate) // samples a second
	h = le.AppendUint32(h, media.SampleRate) // bytes a second
	h = le.AppendUint16(h, 1)                // bytes a sample
	h = le.AppendUint16(h, 8)                // bits a sample
	h = le.AppendUint16(h, 0)                // no extension
	h = append(h, "fact"...)
	h = le.AppendUint32(h, factSize)
	h = le.AppendUint32(h, size)
	h = append(h, "data"...)
	h = le.AppendUint32(h, size)
	b.Write(h)
	b.Write(body)
}
