package rtpio

import (
	"testing"
	"unsafe"

	"github.com/ivrd/ivrd/media"
)

// FuzzJitter: whatever comes, no sample is invented, none is lost unaccounted
// for, and time does not go back.
func FuzzJitter(f *testing.F) {
	f.Add([]byte{1, 160, 2, 160, 0, 1, 160})
	f.Add([]byte{3, 240, 0, 0, 5, 10, 0, 255, 3, 0, 0, 0, 0})
	f.Add([]byte{1, 160, 2, 160, 6, 0, 0, 4, 6, 10, 1, 255, 0, 7})
	f.Fuzz(func(t *testing.T, script []byte) {
		l := newLine(t)
		script = script[:min(len(script), 1000)]
		at := uint32(1<<32 - 3000)
		for len(script) > 1 {
			op, n := script[0], int(script[1])
			script = script[2:]
			switch op % 7 {
			case 0: // time passes
				for range 1 + n%8 {
					l.pop()
				}
				continue
			case 1, 2: // the next packet
				at += uint32(n)
			case 3: // an old one
				at -= uint32(n) * 16
			case 4: // a jump
				at += uint32(n) << 24
			case 5:
				l.j.skip(n * 20)
				continue
			case 6: // a key in place of sound
				l.j.paused(at-uint32(n)*16, n%2 == 0)
				continue
			}
			size := 1 + n*3%480
			l.j.push(at, op&64 != 0, payload(at, size))
			l.balance()
		}
		for range 40 {
			l.pop()
		}
		l.balance()
	})
}

// Neither the steady way nor those of a bad line allocate: packets of 10 ms, of
// which some are lost, and a sender's clock that is slow.
func TestJitterDoesNotAllocate(t *testing.T) {
	j := jitterBuffer{codec: media.PCMU}
	var frame [frameSamples]byte
	b := payload(0, 80)
	ts, i := uint32(0), 0
	if n := testing.AllocsPerRun(5000, func() {
		for range 2 {
			if i++; i%7 != 0 && i%50 != 49 {
				j.push(ts, false, b)
			}
			if i%50 != 0 {
				ts += 80
			}
		}
		j.pop(&frame)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if c := j.count; c.filled == 0 || c.stretched == 0 {
		t.Errorf("nothing was stretched or made up: %+v", c)
	}
}

func BenchmarkJitter(b *testing.B) {
	j := jitterBuffer{codec: media.PCMU}
	var frame [frameSamples]byte
	p := payload(0, 160)
	ts := uint32(0)
	b.ReportAllocs()
	for b.Loop() {
		j.push(ts, false, p)
		j.pop(&frame)
		ts += 160
	}
}

func TestJitterIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(jitterBuffer{}); n > 6<<10 {
		t.Errorf("%d bytes a stream, want at most 6 kB", n)
	}
}
