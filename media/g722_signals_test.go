package media_test

import (
	"encoding/binary"
	"math"
	"os"
	"testing"
)

// The signals are made of integers, so that they are the same on every
// machine: a float's last bit would change a vector.

// xorshift is Marsaglia's 32-bit generator.
type xorshift uint32

func (x *xorshift) next() uint32 {
	*x ^= *x << 13
	*x ^= *x >> 17
	*x ^= *x << 5
	return uint32(*x)
}

// turn is a sine wave at 16 kHz that glides from one frequency to another.
func turn(fromHz, toHz float64, peak, n int) []int16 {
	const one = 1 << 30
	pcm := make([]int16, n)
	sin, cos := int64(0), int64(one)
	for i := range pcm {
		f := fromHz + (toHz-fromHz)*float64(i)/float64(n)
		k := int64(math.Round(2 * one * math.Sin(math.Pi*f/16000)))
		sin += cos * k >> 30
		cos -= sin * k >> 30
		pcm[i] = int16(min(max(sin*int64(peak)>>30, math.MinInt16), math.MaxInt16))
	}
	return pcm
}

// noise is evenly spread within peak on both sides of zero.
func noise(seed xorshift, peak, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(int(seed.next()%uint32(2*peak+1)) - peak)
	}
	return pcm
}

// rails jumps between the ends of the scale, each time after at most longest
// samples.
func rails(seed xorshift, longest uint32, n int) []int16 {
	pcm := make([]int16, 0, n)
	for v := int16(math.MaxInt16); len(pcm) < n; v = ^v {
		for range min(1+seed.next()%longest, uint32(n-len(pcm))) {
			pcm = append(pcm, v)
		}
	}
	return pcm
}

// codes are bytes that no encoder sends: any two of them in turns, for at most
// longest turns, then another two.
func codes(seed xorshift, longest uint32, n int) []byte {
	b := make([]byte, 0, n+2)
	for len(b) < n {
		one, two := byte(seed.next()>>8), byte(seed.next()>>8)
		for range 1 + seed.next()%longest {
			b = append(b, one, two)
		}
	}
	return b[:n]
}

// speech is what espeak-ng says, 16 kHz.
func speech(t testing.TB) []int16 {
	t.Helper()
	b, err := os.ReadFile("testdata/g722/speech.s16le")
	if err != nil {
		t.Fatal(err)
	}
	return samples(b)
}

func samples(b []byte) []int16 {
	pcm := make([]int16, len(b)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return pcm
}

func littleEndian(pcm []int16) []byte {
	b := make([]byte, 0, 2*len(pcm))
	for _, s := range pcm {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return b
}
