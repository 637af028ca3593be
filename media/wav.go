package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Limits of what ReadWAV takes.
const (
	maxWAVData    = 256 << 20 // bytes of sound
	maxWAVChunk   = 1 << 20   // bytes of any other chunk
	minWAVRate    = 4000      // Hz
	maxWAVRate    = 192000
	wavStreamSize = 0x7FFFF000 // from here on a size means "until the end"
)

// wavHeaderSize is the length of what WAVHeader returns.
const wavHeaderSize = 44

// The formats of a WAV file that we read.
const (
	wavPCM        = 0x0001
	wavALaw       = 0x0006
	wavULaw       = 0x0007
	wavExtensible = 0xFFFE
)

// WAVHeader is the 44-byte head of a WAV file of 16-bit PCM, to be followed by
// dataBytes of interleaved little-endian samples. Sizes that do not fit the
// format's 32 bits are written as the largest that does.
func WAVHeader(rate, channels int, dataBytes int64) []byte {
	size := func(n int64) uint32 { return uint32(min(n, math.MaxUint32)) }
	le := binary.LittleEndian
	frame := channels * 2
	b := make([]byte, 0, wavHeaderSize)
	b = append(b, "RIFF"...)
	b = le.AppendUint32(b, size(dataBytes+wavHeaderSize-8))
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, wavPCM)
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(rate*frame))
	b = le.AppendUint16(b, uint16(frame))
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	return le.AppendUint32(b, size(dataBytes))
}

// AppendWAV appends samples as they follow a WAVHeader.
func AppendWAV(b []byte, pcm []int16) []byte {
	for _, s := range pcm {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return b
}

// ReadWAV reads a WAV file of 8- or 16-bit PCM, µ-law or A-law with one or two
// channels, mixed down to mono, and returns it with its rate in Hz. It is
// strict: a file that ends early, or whose sizes contradict each other, is an
// error. A data size from 0x7FFFF000 on is what programs write into a pipe
// (espeak-ng, sox) and means "until the end".
func ReadWAV(r io.Reader) (pcm []int16, rate int, err error) {
	pcm, rate, err = readWAV(r)
	if err != nil {
		return nil, 0, wavError(err)
	}
	return pcm, rate, nil
}

func wavError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the file ends early")
	}
	return fmt.Errorf("read WAV: %w", err)
}

func readWAV(r io.Reader) ([]int16, int, error) {
	format, size, err := readWAVHead(r)
	if err != nil {
		return nil, 0, err
	}
	data, err := readWAVData(r, size)
	if err != nil {
		return nil, 0, err
	}
	pcm, err := format.decode(data)
	return pcm, format.rate, err
}

// readWAVHead reads up to the sound, which has that many bytes.
func readWAVHead(r io.Reader) (format *wavFormat, size uint32, err error) {
	var riff [12]byte
	if _, err := io.ReadFull(r, riff[:]); err != nil {
		return nil, 0, err
	}
	if string(riff[:4]) != "RIFF" || string(riff[8:]) != "WAVE" {
		return nil, 0, errors.New("not a WAV file")
	}
	for {
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, 0, err
		}
		size := binary.LittleEndian.Uint32(head[4:])
		switch id := string(head[:4]); {
		case id == "data" && format == nil:
			return nil, 0, errors.New("sound before its format")
		case id == "data":
			return format, size, nil
		case id == "fmt ":
			if format != nil {
				return nil, 0, errors.New("two formats")
			}
			chunk, err := readWAVChunk(r, size)
			if err != nil {
				return nil, 0, err
			}
			if format, err = parseWAVFormat(chunk); err != nil {
				return nil, 0, err
			}
		default:
			if _, err := readWAVChunk(r, size); err != nil {
				return nil, 0, err
			}
		}
	}
}

// readWAVChunk reads a chunk and the byte that pads an odd one.
func readWAVChunk(r io.Reader, size uint32) ([]byte, error) {
	if size > maxWAVChunk {
		return nil, fmt.Errorf("a chunk of %d bytes is too large", size)
	}
	b := make([]byte, size+size%2)
	_, err := io.ReadFull(r, b)
	return b[:size], err
}

func readWAVData(r io.Reader, size uint32) ([]byte, error) {
	stream := size >= wavStreamSize
	if !stream && size > maxWAVData {
		return nil, fmt.Errorf("more than %d bytes of sound", maxWAVData)
	}
	limit := int64(size)
	if stream {
		limit = maxWAVData + 1
	}
	var b bytes.Buffer // grows with what comes, not with what is claimed
	n, err := io.Copy(&b, io.LimitReader(r, limit))
	switch {
	case err != nil:
		return nil, err
	case stream && n > maxWAVData:
		return nil, fmt.Errorf("more than %d bytes of sound", maxWAVData)
	case !stream && n < limit:
		return nil, io.ErrUnexpectedEOF
	}
	return b.Bytes(), nil
}

type wavFormat struct {
	tag, channels, bits int
	rate                int
}

func parseWAVFormat(b []byte) (*wavFormat, error) {
	if len(b) < 16 {
		return nil, errors.New("the format chunk is too short")
	}
	le := binary.LittleEndian
	f := &wavFormat{
		tag:      int(le.Uint16(b)),
		channels: int(le.Uint16(b[2:])),
		rate:     int(le.Uint32(b[4:])),
		bits:     int(le.Uint16(b[14:])),
	}
	if f.tag == wavExtensible && len(b) >= 26 {
		f.tag = int(le.Uint16(b[24:])) // the first two bytes of the sub-format
	}
	frame := int(le.Uint16(b[12:]))
	switch {
	case f.channels != 1 && f.channels != 2:
		return nil, fmt.Errorf("%d channels (hint: one or two are read)", f.channels)
	case f.rate < minWAVRate || f.rate > maxWAVRate:
		return nil, fmt.Errorf("a rate of %d Hz", f.rate)
	case !f.known():
		return nil, fmt.Errorf("format %#04x with %d bits (hint: 8- or 16-bit PCM, µ-law and A-law are read)", f.tag, f.bits)
	case frame != f.channels*f.bits/8:
		return nil, fmt.Errorf("%d bytes a frame contradict %d channels of %d bits", frame, f.channels, f.bits)
	}
	return f, nil
}

func (f *wavFormat) known() bool {
	switch f.tag {
	case wavPCM:
		return f.bits == 8 || f.bits == 16
	case wavULaw, wavALaw:
		return f.bits == 8
	default:
		return false
	}
}

func (f *wavFormat) decode(data []byte) ([]int16, error) {
	if frame := f.channels * f.bits / 8; len(data)%frame != 0 {
		return nil, fmt.Errorf("%d bytes of sound are no multiple of a frame's %d", len(data), frame)
	}
	pcm := make([]int16, len(data)*8/f.bits)
	switch {
	case f.tag == wavULaw:
		PCMU.Decode(pcm, data)
	case f.tag == wavALaw:
		PCMA.Decode(pcm, data)
	case f.bits == 8: // unsigned, unlike the rest
		for i, b := range data {
			pcm[i] = int16(int(b)-128) << 8
		}
	default:
		for i := range pcm {
			pcm[i] = int16(binary.LittleEndian.Uint16(data[2*i:]))
		}
	}
	if f.channels == 2 {
		pcm = mixDown(pcm)
	}
	return pcm, nil
}

// mixDown takes the mean of two interleaved channels, in place.
func mixDown(pcm []int16) []int16 {
	mono := pcm[:len(pcm)/2]
	for i := range mono {
		mono[i] = int16((int(pcm[2*i]) + int(pcm[2*i+1])) / 2)
	}
	return mono
}
