package media_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/media"
)

func wav(rate, channels int, pcm []int16) []byte {
	b := media.WAVHeader(rate, channels, int64(len(pcm)*2))
	for _, s := range pcm {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return b
}

// custom is a WAV file with a format of its own and the given sound.
func custom(tag, channels, rate, bits int, data []byte) []byte {
	b := media.WAVHeader(rate, channels, int64(len(data)))
	binary.LittleEndian.PutUint16(b[20:], uint16(tag))
	binary.LittleEndian.PutUint16(b[32:], uint16(channels*bits/8))
	binary.LittleEndian.PutUint16(b[34:], uint16(bits))
	return append(b, data...)
}

func TestReadWAV(t *testing.T) {
	for _, c := range []struct {
		name string
		file []byte
		want []int16
		rate int
	}{
		{"mono", wav(8000, 1, []int16{1, -2, 32767, -32768}), []int16{1, -2, 32767, -32768}, 8000},
		{"stereo", wav(44100, 2, []int16{100, 200, -100, -300}), []int16{150, -200}, 44100},
		{"empty", wav(16000, 1, nil), nil, 16000},
		{"eight bits", custom(1, 1, 8000, 8, []byte{0, 128, 255}), []int16{-32768, 0, 127 << 8}, 8000},
		{"µ-law", custom(7, 1, 8000, 8, []byte{0xFF, 0x80}), []int16{0, 32124}, 8000},
		{"A-law", custom(6, 1, 8000, 8, []byte{0xD5, 0xAA}), []int16{8, 32256}, 8000},
		{"after another chunk", insertChunk(wav(8000, 1, []int16{5}), "LIST", []byte("odd")), []int16{5}, 8000},
		{"from a pipe", endless(wav(8000, 1, []int16{5, 6})), []int16{5, 6}, 8000},
	} {
		t.Run(c.name, func(t *testing.T) {
			pcm, rate, err := media.ReadWAV(bytes.NewReader(c.file))
			if err != nil || rate != c.rate || !slices.Equal(pcm, c.want) {
				t.Errorf("got %v at %d Hz, error %v; want %v at %d", pcm, rate, err, c.want, c.rate)
			}
		})
	}
}

func insertChunk(file []byte, id string, body []byte) []byte {
	chunk := binary.LittleEndian.AppendUint32([]byte(id), uint32(len(body)))
	chunk = append(chunk, body...)
	if len(body)%2 == 1 {
		chunk = append(chunk, 0)
	}
	return slices.Insert(slices.Clone(file), 12, chunk...)
}

func endless(file []byte) []byte {
	binary.LittleEndian.PutUint32(file[40:], 0xFFFFFFFF)
	return file
}

func TestReadWAVRefuses(t *testing.T) {
	whole := wav(8000, 1, []int16{1, 2, 3})
	patched := func(at int, v ...byte) []byte {
		b := slices.Clone(whole)
		copy(b[at:], v)
		return b
	}
	for _, c := range []struct{ name, want string }{
		{"short", "ends early"},
		{"riff", "not a WAV"},
		{"channels", "3 channels"},
		{"rate", "a rate of 1 Hz"},
		{"bits", "8- or 16-bit"},
		{"frame", "contradict"},
		{"order", "before its format"},
		{"odd", "no multiple"},
		{"huge", "too large"},
		{"no data", "ends early"},
		{"twice", "two formats"},
		{"claimed", "more than"},
	} {
		file := map[string][]byte{
			"short":    whole[:len(whole)-1],
			"riff":     patched(0, 'J'),
			"channels": patched(22, 3),
			"rate":     patched(24, 1, 0, 0, 0),
			"bits":     patched(34, 24),
			"frame":    patched(32, 4),
			"order":    slices.Concat(whole[:12], whole[36:]),
			"odd":      append(patched(40, 5)[:44], 1, 2, 3, 4, 5),
			"huge":     patched(16, 0, 0, 0, 0x10),
			"no data":  whole[:36],
			"twice":    slices.Concat(whole[:36], whole[12:]),
			"claimed":  patched(40, 0, 0, 0, 0x20),
		}[c.name]
		_, _, err := media.ReadWAV(bytes.NewReader(file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

// What is read can be written and read again to the same sound.
func FuzzReadWAV(f *testing.F) {
	f.Add(wav(8000, 1, []int16{1, -2, 3}))
	f.Add(wav(44100, 2, []int16{1, -2, 3, 4}))
	f.Add(custom(7, 1, 8000, 8, []byte{0xFF, 0x80}))
	f.Add(endless(wav(8000, 1, []int16{5, 6})))
	f.Add(insertChunk(wav(8000, 1, []int16{5}), "LIST", []byte("odd")))
	f.Fuzz(func(t *testing.T, file []byte) {
		pcm, rate, err := media.ReadWAV(bytes.NewReader(file))
		if err != nil {
			return
		}
		if len(pcm) > len(file) {
			t.Fatalf("%d samples from %d bytes", len(pcm), len(file))
		}
		again, rate2, err := media.ReadWAV(bytes.NewReader(wav(rate, 1, pcm)))
		if err != nil || rate2 != rate || !slices.Equal(again, pcm) {
			t.Fatalf("not the same when read again: %v", err)
		}
	})
}
