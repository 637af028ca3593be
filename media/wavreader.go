package media

import (
	"errors"
	"fmt"
	"io"
)

// SoundReader reads sound as it comes, of a WAV file or of bare PCM.
type SoundReader struct {
	r      io.Reader
	format *wavFormat
	left   int64 // bytes; negative: until the end
	buf    []byte
	kept   int // bytes of a sample that has not come whole
}

// soundPiece is the most that is read at once: 85 ms at 48 kHz.
const soundPiece = 8 << 10

// NewWAVReader reads the head of a WAV file as ReadWAV takes it, and waits for it.
func NewWAVReader(r io.Reader) (*SoundReader, error) {
	format, size, err := readWAVHead(r)
	if err != nil {
		return nil, wavError(err)
	}
	left := int64(size)
	if size >= wavStreamSize {
		left = -1
	}
	return &SoundReader{r: r, format: format, left: left, buf: make([]byte, soundPiece)}, nil
}

// NewPCMReader reads 16-bit little-endian PCM, mono, to the end of r.
func NewPCMReader(r io.Reader, rateHz int) *SoundReader {
	return &SoundReader{r: r, format: &wavFormat{tag: wavPCM, channels: 1, bits: 16, rate: rateHz}, left: -1, buf: make([]byte, soundPiece)}
}

// Rate of the sound, in Hz.
func (s *SoundReader) Rate() int { return s.format.rate }

// Next waits for the next sound, mono, at Rate. Its end is io.EOF; that of a WAV
// file which says that it is longer is another error.
func (s *SoundReader) Next() ([]int16, error) {
	frame := s.format.channels * s.format.bits / 8
	for s.left != 0 {
		room := s.buf[s.kept:]
		if s.left > 0 {
			room = room[:min(int64(len(room)), s.left)]
		}
		n, err := s.r.Read(room)
		have := s.kept + n
		if s.left > 0 {
			s.left -= int64(n)
		}
		if whole := have - have%frame; whole > 0 {
			pcm, bad := s.format.decode(s.buf[:whole])
			s.kept = copy(s.buf, s.buf[whole:have])
			return pcm, bad // an error of Read comes again
		}
		s.kept = have
		switch {
		case errors.Is(err, io.EOF):
			return nil, s.end()
		case err != nil:
			return nil, fmt.Errorf("read sound: %w", err)
		}
	}
	return nil, io.EOF
}

// end is what the end of r means here.
func (s *SoundReader) end() error {
	if s.left > 0 || s.kept > 0 {
		return errors.New("read sound: it ends early")
	}
	return io.EOF
}
