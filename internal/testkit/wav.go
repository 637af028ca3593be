package testkit

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"testing"
	"time"
)

// Tone is a sine of half the full scale, 8 kHz.
func Tone(hertz float64, d time.Duration) []int16 {
	pcm := make([]int16, int(d.Seconds()*8000))
	for i := range pcm {
		pcm[i] = int16(16000 * math.Sin(2*math.Pi*hertz*float64(i)/8000))
	}
	return pcm
}

// wavFile is pcm as a file of 16-bit PCM. It is written here and not
// by the code under test, so that a fault there does not hide itself.
func wavFile(rate int, pcm []int16) []byte {
	le := binary.LittleEndian
	b := append([]byte(nil), "RIFF"...)
	b = le.AppendUint32(b, uint32(36+2*len(pcm)))
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, 1) // PCM
	b = le.AppendUint16(b, 1) // mono
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(2*rate))
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(2*len(pcm)))
	for _, v := range pcm {
		b = le.AppendUint16(b, uint16(v))
	}
	return b
}

// WriteWAV writes pcm at 8 kHz as a file of 16-bit PCM.
func WriteWAV(t testing.TB, path string, pcm []int16) {
	t.Helper()
	if err := os.WriteFile(path, wavFile(8000, pcm), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ReadWAV reads what WriteWAV, SIPp or baresip wrote: mono, 16 bits, with a plain
// header, at 8 kHz, or at 16 kHz, of which it gives the mean of two samples.
func ReadWAV(t testing.TB, path string) []int16 {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pcm, err := parseWAV(b)
	if err != nil {
		t.Fatalf("read %s: %v", path, err)
	}
	return pcm
}

func parseWAV(b []byte) ([]int16, error) {
	le := binary.LittleEndian
	if len(b) < 44 || string(b[:4]) != "RIFF" || string(b[8:16]) != "WAVEfmt " || string(b[36:40]) != "data" {
		return nil, fmt.Errorf("no plain WAV header in %d bytes", len(b))
	}
	rate := le.Uint32(b[24:])
	if le.Uint16(b[20:]) != 1 || le.Uint16(b[22:]) != 1 || rate != 8000 && rate != 16000 || le.Uint16(b[34:]) != 16 {
		return nil, fmt.Errorf("not 8 or 16 kHz mono of 16 bits")
	}
	b = b[44:]
	pcm := make([]int16, len(b)/2)
	for i := range pcm {
		pcm[i] = int16(le.Uint16(b[2*i:]))
	}
	if rate == 8000 {
		return pcm, nil
	}
	for i := range len(pcm) / 2 {
		pcm[i] = int16((int(pcm[2*i]) + int(pcm[2*i+1])) / 2)
	}
	return pcm[:len(pcm)/2], nil
}

// Level is how strong a frequency is in pcm (8 kHz), as a share of the whole
// energy from 0 to 1, within about 10 Hz. It is taken over blocks of 100 ms: a
// lost packet moves a tone's phase, after which the whole cancels itself out.
func Level(pcm []int16, hertz float64) float64 {
	const block = 800
	var tone, energy float64
	for at := 0; at < len(pcm); at += block {
		t, e := goertzel(pcm[at:min(at+block, len(pcm))], hertz)
		tone, energy = tone+t, energy+e
	}
	if energy == 0 {
		return 0
	}
	return tone / energy
}

// goertzel is the energy of one frequency in pcm, and that of all of them.
func goertzel(pcm []int16, hertz float64) (tone, all float64) {
	var s1, s2 float64
	c := 2 * math.Cos(2*math.Pi*hertz/8000)
	for _, v := range pcm {
		x := float64(v)
		all += x * x
		s1, s2 = x+c*s1-s2, s1
	}
	return 2 * (s1*s1 + s2*s2 - c*s1*s2) / float64(len(pcm)), all
}
