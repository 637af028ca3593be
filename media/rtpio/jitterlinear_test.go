package rtpio

import (
	"encoding/binary"
	"testing"

	"github.com/ivrd/ivrd/media"
)

// linear is a payload of L16 whose samples tell their timestamp.
func linear(ts uint32, n int) []byte {
	var b []byte
	for i := range uint32(n) {
		b = binary.BigEndian.AppendUint16(b, uint16(ts+i))
	}
	return b
}

// Of a codec with two bytes a sample each sample comes out at its place, whatever
// the length of packets; some come twice, or in part, or with half a sample too
// much, and what is missing is silent.
func TestJitterOfTwoBytesASample(t *testing.T) {
	for _, n := range []int{80, 160, 240, 480, 33} {
		var j jitterBuffer
		j.reset(media.L16)
		var room [media.MaxFrameBytes]byte
		ts, heard, silent := uint32(1<<32-4800), 0, 0
		for i := range 48000 / n {
			switch {
			case i%50 == 49: // is lost
			case i%10 == 9:
				j.push(ts-uint32(n/2), false, append(linear(ts-uint32(n/2), n/2+n), 1))
			default:
				j.push(ts, false, linear(ts, n))
				j.push(ts, false, linear(ts, n))
			}
			ts += uint32(n)
			for int32(ts-j.clock) >= frameSamples-4800 {
				kind, frame := j.view(&room)
				if len(frame) != media.MaxFrameBytes {
					t.Fatalf("a frame has %d bytes", len(frame))
				}
				if kind != Sound {
					continue
				}
				at := j.next - frameSamples
				for k := range uint32(frameSamples) {
					switch got := binary.BigEndian.Uint16(frame[2*k:]); got {
					case uint16(at + k):
						heard++
					case 0:
						silent++
					default:
						t.Fatalf("packets of %d: %d at %d", n, got, uint16(at+k))
					}
				}
			}
		}
		if heard < 43000 || silent > 1000 {
			t.Errorf("packets of %d: heard %d of 48000 samples, %d silent: %+v", n, heard, silent, j.count)
		}
	}
}
