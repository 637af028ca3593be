package rtpio

import (
	"math/bits"
	"math/rand/v2"
	"testing"
)

const silence = 0xFF

// sample is what a sender's stream holds at a timestamp; never silence.
func sample(timestamp uint32) byte { return byte(timestamp%251) + byte(timestamp/251%3) }

func payload(timestamp uint32, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = sample(timestamp + uint32(i))
	}
	return b
}

// line pushes packets and pops frames in the order of their times, in samples.
type line struct {
	*testing.T

	j     jitterBuffer
	heard []uint32 // the timestamp of each frame handed out with sound
	kinds map[FrameKind]int
}

func newLine(t *testing.T) *line {
	t.Helper()
	return &line{T: t, j: jitterBuffer{silence: silence}, kinds: map[FrameKind]int{}}
}

// pop checks that a frame is what was sent, at its place, and nothing else.
func (l *line) pop() FrameKind {
	l.Helper()
	var frame [frameSamples]byte
	j := &l.j
	repeated, last := j.count.repeated, j.last
	have := j.have
	before := j.next
	kind := j.pop(&frame)
	l.kinds[kind]++
	start := j.next - frameSamples
	switch {
	case j.count.repeated > repeated:
		if frame != last || j.next != before {
			l.Fatal("a repeated frame is not the last one")
		}
		return kind
	case int32(j.next-before) < 0:
		l.Fatalf("time went back from %d to %d", before, j.next)
	case kind != Sound:
		return kind
	}
	l.heard = append(l.heard, start)
	for i, b := range frame {
		ts := start + uint32(i)
		bit := int(ts % ringSamples)
		want := byte(silence)
		if have[bit/64]>>(bit%64)&1 == 1 {
			want = sample(ts)
		}
		if b != want {
			l.Fatalf("sample %d of the frame at %d is %#x, want %#x", i, start, b, want)
		}
	}
	return kind
}

func (l *line) balance() {
	l.Helper()
	held := uint64(0)
	for _, w := range l.j.have {
		held += uint64(bits.OnesCount64(w))
	}
	if c := l.j.count; c.stored != c.played+c.dropped+held {
		l.Errorf("stored %d samples, but played %d, dropped %d and hold %d", c.stored, c.played, c.dropped, held)
	}
}

// run sends packets of n samples: arrive tells when each comes (in samples,
// negative for never) and ticks are 20 ms of the receiver.
func (l *line) run(packets, n int, arrive func(i int) int) {
	l.Helper()
	due := map[int][]uint32{}
	last := 0
	for i := range packets {
		at := arrive(i)
		if at < 0 {
			continue
		}
		tick := at/frameSamples + 1
		due[tick] = append(due[tick], uint32(i*n))
		last = max(last, tick)
	}
	for tick := 1; tick <= last+10; tick++ {
		for _, ts := range due[tick] {
			l.j.push(ts, false, payload(ts, n))
		}
		l.pop()
	}
	l.balance()
}

func TestJitterRepacketises(t *testing.T) {
	for _, n := range []int{80, 160, 240, 320, 480, 33, 1} {
		l := newLine(t)
		packets := 48000 / n
		l.run(packets, n, func(i int) int { return (i + 1) * n })
		if got := l.j.count; got.played < uint64(packets*n-160) || got.late+got.duplicate+got.dropped+got.repeated+got.resynced != 0 {
			t.Errorf("packets of %d: %+v", n, got)
		}
		if l.kinds[Lost] != 0 {
			t.Errorf("packets of %d: %d frames lost", n, l.kinds[Lost])
		}
	}
}

func TestJitterReordersAndDropsDuplicates(t *testing.T) {
	l := newLine(t)
	l.run(1000, 160, func(i int) int { return (i + 1 + 2*(i%2)) * 160 }) // each second one 40 ms late
	if l.kinds[Lost] != 0 || l.j.count.late != 0 {
		t.Errorf("reordering lost %d, late %d", l.kinds[Lost], l.j.count.late)
	}
	for i, ts := range l.heard[1:] {
		if ts != l.heard[i]+160 {
			t.Fatalf("frame at %d after %d", ts, l.heard[i])
		}
	}
	l.j.push(l.j.next, false, payload(l.j.next, 160))
	l.j.push(l.j.next, false, payload(l.j.next, 160))
	if l.j.count.duplicate != 1 {
		t.Errorf("%d duplicates", l.j.count.duplicate)
	}
}

func TestJitterDropsLate(t *testing.T) {
	l := newLine(t)
	l.run(1000, 160, func(i int) int {
		if i == 500 {
			return (i + 6) * 160
		}
		return (i + 1) * 160
	})
	if l.j.count.late != 1 || l.kinds[Lost] != 1 || l.kinds[Sound] < 999 {
		t.Errorf("late %d, kinds %v", l.j.count.late, l.kinds)
	}
}

func TestJitterSaysLost(t *testing.T) {
	l := newLine(t)
	l.run(1000, 160, func(i int) int {
		if i%10 == 5 {
			return -1
		}
		return (i + 1) * 160
	})
	if l.kinds[Lost] != 100 {
		t.Errorf("%d of 100 are said to be lost", l.kinds[Lost])
	}
}

// A silence that is not sent is no loss, whether or not a marker ends it.
func TestJitterDTX(t *testing.T) {
	l := newLine(t)
	now := uint32(0)
	for range 20 {
		for range 50 { // a second of speech, a second of nothing
			l.j.push(now, now%16000 == 0, payload(now, 160))
			l.pop()
			now += 160
		}
		for range 50 {
			l.pop()
			now += 160
		}
	}
	if l.kinds[Lost] != 0 || l.kinds[Sound] != 20*50 || l.j.count.late+l.j.count.resynced != 0 {
		t.Errorf("kinds %v, %+v", l.kinds, l.j.count)
	}
	l.balance()
}

func TestJitterWrapsAndJumps(t *testing.T) {
	l := newLine(t)
	ts := uint32(1<<32 - 16000)
	send := func(packets int) {
		for range packets {
			l.j.push(ts, false, payload(ts, 160))
			l.pop()
			ts += 160
		}
	}
	send(500) // over the wrap
	if l.kinds[Lost] != 0 || l.kinds[Sound] != 498 {
		t.Fatalf("over the wrap: %v", l.kinds)
	}
	for _, jump := range []uint32{1 << 30, 0xF0000000, 100000} { // forth, back, forth
		before := l.kinds[Sound]
		ts += jump
		send(100)
		if heard := l.kinds[Sound] - before; heard < 93 {
			t.Errorf("after a jump by %d %d of 100 are heard", int32(jump), heard)
		}
	}
	l.balance()
}

// A sender whose clock runs up to 500 ppm fast or slow, for an hour: the depth
// stays, a frame is dropped or repeated where a frame of time was won or lost.
func TestJitterSkew(t *testing.T) {
	for _, ppm := range []int{-500, -100, 100, 500} {
		l := newLine(t)
		const packets = 3600 * 50
		l.run(packets, 160, func(i int) int { return (i + 1) * 160 * (1000000 - ppm) / 1000000 })
		c := l.j.count
		frames := packets * max(ppm, -ppm) / 1000000
		corrections := int(c.dropped/160 + c.repeated)
		if corrections < frames-3 || corrections > frames+3 || c.late != 0 || c.resynced != 0 || l.kinds[Lost] != 0 {
			t.Errorf("%d ppm: %d corrections, want %d; %+v, %v", ppm, corrections, frames, c, l.kinds)
		}
	}
}

// 40 ± 20 ms: after the first seconds nothing is late, and the delay is within
// its bounds.
func TestJitterAdapts(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		l := newLine(t)
		delay := func(i int) int { return (i+1)*160 + 160 + rng.IntN(320) }
		l.run(250, 160, delay)
		early := l.j.count.late
		l = continueLine(t, l, 250, 3000, delay)
		if late := l.j.count.late - early; late > 3 {
			t.Errorf("seed %d: %d of 3000 are late", seed, late)
		}
		if l.j.high > maxDepth {
			t.Errorf("seed %d: packets wait for %d samples", seed, l.j.high)
		}
	}
}

// continueLine goes on with further packets on the same clock.
func continueLine(t *testing.T, l *line, from, packets int, arrive func(i int) int) *line {
	t.Helper()
	due := map[int][]uint32{}
	for i := from; i < from+packets; i++ {
		tick := arrive(i)/frameSamples + 1
		due[tick] = append(due[tick], uint32(i*160))
	}
	first := arrive(from-1)/frameSamples + 1
	l.j.started = false // the run before has drained the buffer
	for tick := first; tick < first+packets; tick++ {
		for _, ts := range due[tick] {
			l.j.push(ts, false, payload(ts, 160))
		}
		l.pop()
	}
	return l
}

// A way that becomes 300 ms longer at once is followed, and the delay shrinks
// again when it becomes shorter.
func TestJitterDelayStep(t *testing.T) {
	l := newLine(t)
	l.run(3000, 160, func(i int) int {
		if i >= 500 && i < 1000 {
			return (i + 16) * 160
		}
		return (i + 1) * 160
	})
	if l.kinds[Sound] < 2900 || l.j.high > maxDepth {
		t.Errorf("heard %d of 3000, %+v, margin %d", l.kinds[Sound], l.j.count, l.j.high)
	}
}

// FuzzJitter: whatever comes, no sample is invented, none is lost unaccounted
// for, and time does not go back.
func FuzzJitter(f *testing.F) {
	f.Add([]byte{1, 160, 2, 160, 0, 1, 160})
	f.Add([]byte{3, 240, 0, 0, 5, 10, 0, 255, 3, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		l := newLine(t)
		script = script[:min(len(script), 1000)]
		at := uint32(1<<32 - 3000)
		for len(script) > 1 {
			op, n := script[0], int(script[1])
			script = script[2:]
			switch op % 6 {
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

func TestJitterDoesNotAllocate(t *testing.T) {
	var j jitterBuffer
	var frame [frameSamples]byte
	b := payload(0, 160)
	ts := uint32(0)
	if n := testing.AllocsPerRun(1000, func() {
		j.push(ts, false, b)
		j.pop(&frame)
		ts += 160
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkJitter(b *testing.B) {
	var j jitterBuffer
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
