package media_test

import (
	"fmt"
	"testing"

	"github.com/ivrd/ivrd/media"
)

// Each benchmark works on one frame of 20 ms of speech.

func wideband(b *testing.B) []int16 { return speech(b)[8000:8320] }

func BenchmarkG722Encode(b *testing.B) {
	var enc media.G722Encoder
	pcm, dst := wideband(b), make([]byte, 160)
	b.ReportAllocs()
	for b.Loop() {
		enc.Encode(dst, pcm)
	}
}

func BenchmarkG722Decode(b *testing.B) {
	var enc media.G722Encoder
	var dec media.G722Decoder
	pcm, wire := wideband(b), make([]byte, 160)
	enc.Encode(wire, pcm)
	b.ReportAllocs()
	for b.Loop() {
		dec.Decode(pcm, wire)
	}
}

func BenchmarkResample(b *testing.B) {
	for _, r := range []struct{ from, to int }{{8000, 16000}, {16000, 8000}, {48000, 8000}, {44100, 16000}} {
		b.Run(fmt.Sprintf("%d-%d", r.from, r.to), func(b *testing.B) {
			re := newResampler(b, r.from, r.to)
			src, dst := noise(1, 9000, r.from/50), make([]int16, r.to/50)
			b.ReportAllocs()
			for b.Loop() {
				re.Resample(dst, src)
			}
		})
	}
}

func BenchmarkTranscode(b *testing.B) {
	for _, from := range allCodecs {
		for _, to := range allCodecs {
			b.Run(fmt.Sprintf("%v-%v", from, to), func(b *testing.B) {
				tr := newTranscoder(b, to, from)
				src, dst := codes(1, 1, from.FrameBytes()), make([]byte, to.FrameBytes())
				b.ReportAllocs()
				for b.Loop() {
					tr.transcode(dst, src)
				}
			})
		}
	}
}
