package rtpio

import (
	"bytes"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/ivrd/ivrd/media"
)

// sample is what a sender's stream holds at a timestamp: nearly periodic, as a
// voice is, but different for 244 samples.
func sample(timestamp uint32) byte { return byte(timestamp%61*4) + byte(timestamp/61%4) }

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

	j        jitterBuffer
	heard    []uint32 // the timestamp of each frame handed out with sound
	until    uint32   // after the last of them
	resynced uint64   // at that time
	made     uint64   // samples that were not sent
	margin   int32    // by which the last packet came before its frame
	worst    int32    // the longest that a packet has waited
	kinds    map[FrameKind]int
}

func newLine(t *testing.T) *line {
	t.Helper()
	return &line{T: t, j: jitterBuffer{codec: media.PCMU}, kinds: map[FrameKind]int{}}
}

// pop checks that a frame is what was sent, at its place, and nothing else,
// unless the buffer says that it has stretched it.
func (l *line) pop() FrameKind {
	l.Helper()
	var frame [frameSamples]byte
	j := &l.j
	count, have, start := j.count, j.have, j.next
	kind := j.pop(&frame)
	l.kinds[kind]++
	changed := int(j.count.stretched-count.stretched) - int(j.count.squeezed-count.squeezed)
	dropped := uint32(j.count.dropped - count.dropped)
	if j.started && j.count.waited == count.waited && int(j.next-start-dropped) != frameSamples-changed {
		l.Fatalf("time went from %d to %d, stretched by %d", start, j.next, changed)
	}
	start += dropped
	if kind != Sound || changed != 0 {
		return kind
	}
	if j.count.resynced == count.resynced && l.resynced == count.resynced && len(l.heard) > 0 && int32(start-l.until) < 0 {
		l.Fatalf("what was heard until %d is heard again from %d", l.until, start)
	}
	l.until, l.resynced = j.next, j.count.resynced
	l.heard = append(l.heard, start)
	for i, b := range frame {
		ts := start + uint32(i)
		if bit := int(ts % ringSamples); have[bit/64]>>(bit%64)&1 == 0 {
			l.made++
		} else if j.count.filled == count.filled && b != sample(ts) {
			l.Fatalf("sample %d of the frame at %d is %#x, want %#x", i, start, b, sample(ts))
		}
	}
	if l.made != j.count.filled {
		l.Fatalf("%d samples made up, %d are counted", l.made, j.count.filled)
	}
	return kind
}

func (l *line) balance() {
	l.Helper()
	held := uint64(0)
	for _, w := range l.j.have {
		held += uint64(bits.OnesCount64(w))
	}
	if c := l.j.count; c.stored != c.played+c.dropped+c.squeezed+held {
		l.Errorf("stored %d samples, but hold %d: %+v", c.stored, held, c)
	}
	if n := int32(l.j.end - l.j.next); l.j.started && n > maxDepth+maxPayload {
		l.Errorf("%d samples are held", n)
	}
}

// push notes how long the packet will wait.
func (l *line) push(ts uint32, n int) {
	stored := l.j.count.stored
	l.j.push(ts, false, payload(ts, n))
	if l.j.count.stored > stored {
		l.margin = int32(ts - l.j.next)
		l.worst = max(l.worst, l.margin)
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
			l.push(ts, n)
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
		if got := l.j.count; got.played < uint64(packets*n-160) || got.late+got.duplicate+got.dropped+got.resynced != 0 {
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
		if ts < l.heard[i]+160 {
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
	if l.j.count.late != 1 || l.kinds[Lost]*160+int(l.j.count.filled) < 160 || l.kinds[Sound] < 999 {
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
	if n := l.kinds[Lost]*160 + int(l.j.count.filled); n < 100*160 || n > 101*160 {
		t.Errorf("%d samples of 100 packets are said to be lost or made up", n)
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

// A sender whose clock runs up to 500 ppm fast or slow, for an hour: what is
// played stays as far behind what is said as in the beginning or up to a frame
// and a half less, nothing is lost, and no more is changed than the clocks differ.
func TestJitterSkew(t *testing.T) {
	for _, ppm := range []int{-500, 0, 100, 500} {
		l := newLine(t)
		const packets = 3600 * 50
		l.run(packets, 160, func(i int) int { return (i + 1) * 160 * (1000000 - ppm) / 1000000 })
		c := l.j.count
		differ := packets * 160 / 1000000 * ppm
		if off := int(c.squeezed) - int(c.stretched) - differ; off < -160 || off > startDepth+slack-minLag {
			t.Errorf("%d ppm: %d samples more have gone than the clocks differ: %+v", ppm, off, c)
		}
		if l.worst > startDepth+160 || c.late+c.resynced+c.dropped+c.waited != 0 || l.kinds[Lost] != 0 {
			t.Errorf("%d ppm: a packet waited for %d samples; %+v, %v", ppm, l.worst, c, l.kinds)
		}
	}
}

// 40 ± 20 ms: hardly anything is late, and the delay is within its bounds.
func TestJitterAdapts(t *testing.T) {
	for _, n := range []int{80, 160, 240, 480} {
		for seed := range uint64(10) {
			rng := rand.New(rand.NewPCG(seed, 0))
			l := newLine(t)
			l.run(480000/n, n, func(i int) int { return (i+1)*n + 160 + rng.IntN(320) })
			if c := l.j.count; c.late*uint64(n) > 480000/200 || c.resynced != 0 || l.worst > 640 {
				t.Errorf("packets of %d, seed %d: worst %d, %+v", n, seed, l.worst, c)
			}
		}
	}
}

// A calm line after a bad one is played with little delay again, and a bad one
// after a calm one is played whole.
func TestJitterFollowsTheLine(t *testing.T) {
	l := newLine(t)
	rng := rand.New(rand.NewPCG(1, 0))
	const part = 3000 // packets: a minute
	l.run(5*part, 160, func(i int) int {
		if i/part%2 == 1 {
			return (i+1)*160 + rng.IntN(640)
		}
		return (i + 1) * 160
	})
	if l.margin > startDepth+binSamples {
		t.Errorf("at last packets wait for %d samples", l.margin)
	}
	if c := l.j.count; c.late > 60 || c.resynced != 0 || l.worst > maxDepth {
		t.Errorf("worst %d, %+v, %v", l.worst, c, l.kinds)
	}
}

// A codec whose samples say nothing alone is only changed by whole frames: its
// decoder conceals one, or one is left out.
func TestJitterLeavesOtherCodecsWhole(t *testing.T) {
	for _, ppm := range []int{-500, 500} {
		l := newLine(t)
		l.j.codec = 0
		const packets = 600 * 50
		l.run(packets, 160, func(i int) int { return (i + 1) * 160 * (1000000 - ppm) / 1000000 })
		c := l.j.count
		frames := packets * 500 / 1000000
		if n := int(c.waited+c.dropped) / 160; n < frames-2 || n > frames+2 || (c.waited+c.dropped)%160 != 0 {
			t.Errorf("%d ppm: %d frames more or less, want %d: %+v", ppm, n, frames, c)
		}
		if c.late+c.resynced+c.stretched+c.squeezed+c.filled != 0 || l.worst > 640 {
			t.Errorf("%d ppm: worst %d, %+v", ppm, l.worst, c)
		}
	}
}

// A spike in which nothing comes for 100 ms, and then all at once, is heard
// whole: the gap becomes longer. Later the delay shrinks again.
func TestJitterSpikes(t *testing.T) {
	l := newLine(t)
	l.run(6000, 160, func(i int) int {
		if i >= 50 && i < 55 || i >= 150 && i < 155 {
			return (i/5*5 + 6) * 160
		}
		return (i + 1) * 160
	})
	c := l.j.count
	if c.late > 3 || c.waited == 0 || c.resynced != 0 {
		t.Errorf("%+v", c)
	}
	if int64(c.squeezed) < int64(c.waited)-200 {
		t.Errorf("the delay has not shrunk again: %+v", c)
	}
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
	if l.kinds[Sound] < 2900 || l.worst > maxDepth {
		t.Errorf("heard %d of 3000, %+v, margin %d", l.kinds[Sound], l.j.count, l.worst)
	}
}

// pop is view that copies.
func (j *jitterBuffer) pop(dst *[frameSamples]byte) FrameKind {
	var room [media.MaxFrameBytes]byte
	kind, frame := j.view(&room)
	copy(dst[:], frame)
	return kind
}

// What follows a loss is told where it has come, and only what is really there;
// a loss that lies across two frames is made up in one go.
func TestLossIsBridged(t *testing.T) {
	for _, offset := range []uint32{0, 60} { // of the frames to the packets
		j := jitterBuffer{codec: media.PCMU}
		var frame, room [frameSamples]byte
		lost := map[uint32]FrameKind{}
		for i := range uint32(30) {
			if i != 10 && i != 20 && i != 21 {
				j.push(i*160, false, payload(i*160, 160))
			}
			if i == 0 {
				j.next -= offset
			}
			start := j.next
			if kind := j.pop(&frame); kind == Sound || i < 5 {
				continue
			}
			lost[start] = Lost
			next, after := j.ahead(&room, j.next)
			if !bytes.Equal(next, payload(j.next+uint32(after), len(next))) || uint32(after) > 22*160-j.next {
				t.Errorf("offset %d: after the loss at %d: %d samples, %d later", offset, start, len(next), after)
			}
			if start == 10*160 && len(next) != 160 {
				t.Errorf("%d samples are known after a frame", len(next))
			}
		}
		if offset == 0 && (len(lost) != 3 || j.count.filled != 0) || offset > 0 && (len(lost) != 1 || j.count.filled != 60+320) { // 60 before the first packet
			t.Errorf("offset %d: lost %v, %d samples made up", offset, lost, j.count.filled)
		}
		if offset > 0 && j.made != 11*160 && j.made != 22*160 {
			t.Errorf("made up until %d", j.made)
		}
		if next, _ := j.ahead(&room, 30*160); next != nil {
			t.Errorf("after the end: %d samples", len(next))
		}
		j.codec = media.G722
		if next, _ := j.ahead(&room, 29*160); next != nil {
			t.Error("G.722 is read ahead")
		}
	}
}
