package rtpio

import "testing"

// key pushes sound up to a key and pops as many frames as the buffer is behind.
func (l *line) key(from uint32, frames, packets int) {
	l.Helper()
	for i := range frames {
		l.j.push(from+uint32(i)*frameSamples, false, payload(from+uint32(i)*frameSamples, frameSamples))
		l.pop()
	}
	for range packets {
		l.j.paused(from+uint32(frames)*frameSamples, false)
		l.pop()
	}
}

// What a peer leaves out while it sends a key is quiet, not lost, though later
// packets are there; what is missing before and after it is lost.
func TestKeyInPlaceOfSound(t *testing.T) {
	for _, start := range []uint32{0, 1<<32 - 3000} {
		l := newLine(t)
		l.key(start, 20, 7)
		at := start + 27*frameSamples
		for i := range uint32(20) {
			if i != 5 {
				l.j.push(at+i*frameSamples, false, payload(at+i*frameSamples, frameSamples))
			}
			l.pop()
		}
		for range 4 {
			l.pop()
		}
		if l.kinds[Quiet] != 7 || l.kinds[Lost] != 1 {
			t.Errorf("from %d: %v, want 7 quiet and one lost", start, l.kinds)
		}
		l.balance()
	}
}

func TestLossBeforeAKeyIsLost(t *testing.T) {
	l := newLine(t)
	l.key(0, 20, 0)
	l.key(21*frameSamples, 5, 7) // one is missing
	l.key(33*frameSamples, 10, 0)
	if l.kinds[Quiet] != 7 || l.kinds[Lost] != 1 {
		t.Errorf("%v, want 7 quiet and one lost", l.kinds)
	}
}

// A key that never ends in sound is quiet for as long as its packets say, and
// nothing when they stop.
func TestKeyWithoutAnEnd(t *testing.T) {
	l := newLine(t)
	l.key(0, 20, 50)
	quiet := l.kinds[Quiet]
	for range 20 {
		l.pop()
	}
	if more := l.kinds[Quiet] - quiet; quiet < 45 || more > maxDepth/frameSamples || l.kinds[Lost] > 0 {
		t.Errorf("%d quiet during the key, %d after it, %d lost", quiet, more, l.kinds[Lost])
	}
	l.balance()
}

func TestKeyBeforeSound(t *testing.T) {
	var j jitterBuffer
	j.paused(5, false)
	var frame [frameSamples]byte
	if kind := j.pop(&frame); kind != NoFrame {
		t.Errorf("kind %d before anything came", kind)
	}
}

// Comfort noise is quiet until there is sound, however long nobody repeats it.
func TestComfortNoiseLasts(t *testing.T) {
	for _, start := range []uint32{0, 1<<32 - 3000} {
		l := newLine(t)
		l.key(start, 20, 0)
		at := start + 20*frameSamples
		l.j.paused(at, true)
		for range 200 {
			l.pop()
		}
		at += 200 * frameSamples
		l.key(at, 20, 0)
		if l.kinds[Quiet] < 195 || l.kinds[Lost] != 0 {
			t.Errorf("from %d: %v, want 200 quiet and none lost", start, l.kinds)
		}
		l.balance()
	}
}
