package media_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ivrd/ivrd/media"
)

func readAll(s *media.SoundReader) (pcm []int16, err error) {
	for {
		more, err := s.Next()
		if errors.Is(err, io.EOF) {
			return pcm, nil
		}
		if err != nil {
			return pcm, err
		}
		pcm = append(pcm, more...)
	}
}

// Sound that comes a byte at a time is that of the whole file.
func TestSoundReader(t *testing.T) {
	pcm := media.Tone(440, -20, time.Second)
	bare := media.AppendWAV(nil, pcm)
	for name, size := range map[string]int64{"known": int64(len(bare)), "unknown": 1 << 40} {
		file := append(media.WAVHeader(22050, 1, size), bare...)
		for _, r := range []io.Reader{bytes.NewReader(file), iotest.OneByteReader(bytes.NewReader(file)), iotest.DataErrReader(bytes.NewReader(file))} {
			s, err := media.NewWAVReader(r)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := readAll(s); err != nil || s.Rate() != 22050 || !slices.Equal(got, pcm) {
				t.Errorf("%s: %d samples at %d Hz, %v", name, len(got), s.Rate(), err)
			}
		}
	}
	if got, err := readAll(media.NewPCMReader(iotest.OneByteReader(bytes.NewReader(bare)), 24000)); err != nil || !slices.Equal(got, pcm) {
		t.Errorf("bare: %d samples, %v", len(got), err)
	}
	// Two channels are mixed down, and what follows the sound is left out.
	file := append(media.WAVHeader(8000, 2, 8), 1, 0, 3, 0, 5, 0, 7, 0, 'L', 'I', 'S', 'T')
	s, err := media.NewWAVReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readAll(s); err != nil || !slices.Equal(got, []int16{2, 6}) {
		t.Errorf("two channels: %v, %v", got, err)
	}
}

func TestSoundReaderEndsEarly(t *testing.T) {
	file := append(media.WAVHeader(8000, 1, 100), make([]byte, 98)...)
	s, err := media.NewWAVReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readAll(s); err == nil || len(got) != 49 {
		t.Errorf("98 of 100 bytes: %d samples, %v", len(got), err)
	}
	if _, err := readAll(media.NewPCMReader(bytes.NewReader([]byte{1, 2, 3}), 8000)); err == nil {
		t.Error("half a sample was taken")
	}
	broken := errors.New("broken")
	if _, err := readAll(media.NewPCMReader(iotest.ErrReader(broken), 8000)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := media.NewWAVReader(bytes.NewReader([]byte("RIFF"))); err == nil {
		t.Error("half a head was taken")
	}
}

// FuzzSoundReader: what ReadWAV takes, the reader takes alike, however it comes.
func FuzzSoundReader(f *testing.F) {
	f.Add(append(media.WAVHeader(8000, 1, 4), 1, 2, 3, 4))
	f.Add(append(media.WAVHeader(44100, 2, 1<<40), 1, 2, 3, 4))
	f.Add([]byte("RIFF....WAVE"))
	f.Fuzz(func(t *testing.T, file []byte) {
		want, rate, whole := media.ReadWAV(bytes.NewReader(file))
		s, err := media.NewWAVReader(iotest.HalfReader(bytes.NewReader(file)))
		if err != nil {
			if whole == nil {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		got, err := readAll(s)
		if whole == nil && (err != nil || s.Rate() != rate || !slices.Equal(got, want)) {
			t.Fatalf("%d samples at %d Hz, %v; want %d at %d", len(got), s.Rate(), err, len(want), rate)
		}
		if whole != nil && err == nil && len(got) > len(file) {
			t.Fatalf("%d samples of %d bytes", len(got), len(file))
		}
	})
}
