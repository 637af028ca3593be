package rtpio

import (
	"math/bits"

	"github.com/ivrd/ivrd/media"
)

// All lengths and depths of the jitter buffer are in samples at 8 kHz; one
// sample is one unit of the RTP timestamp in each codec we have, and one byte in
// each but L16.
const (
	frameSamples = media.FrameSamples
	ringSamples  = 2048 // 256 ms
	startDepth   = 320  // 40 ms
	maxDepth     = 960  // 120 ms: nothing is stored that would wait longer
	// minMargin and maxMargin bound how long before its frame is due the usual
	// packet of a calm line and the fastest of a bad one come, in ticks: a packet
	// waits for up to a frame longer than its margin.
	minMargin = frameSamples
	maxMargin = maxDepth - frameSamples
	// slack is by how much the buffer may be too deep before it shrinks: less
	// than what the difference of clocks adds at once would not come to rest.
	slack = 120
	// every so many packets the depth is thought over, and shrinks only after
	// as many as settled have told of the line. After wellKnown pauses take up the
	// difference of clocks.
	every     = 25
	settled   = 150
	wellKnown = 500
	// lateRun packets in a row that are late, or strayRun that are far ahead,
	// say that the sender's clock has jumped or the way has become longer.
	lateRun  = 5
	strayRun = 3
	// hopeless is how late a packet is that says nothing of the line.
	hopeless = 1600
	// idleFrames without a packet make the next one a new beginning when it
	// does not fit.
	idleFrames = 10
)

// FrameKind says what a jitter buffer has for a tick.
type FrameKind uint8

// The kinds of a frame.
const (
	// NoFrame: nothing has come: before the first packet, in a silence that the
	// peer does not send (DTX), or because the line is dead or too late.
	NoFrame FrameKind = iota
	// Sound: here it is.
	Sound
	// Lost: later packets have come, this one has not.
	Lost
	// Quiet: nothing has come because the peer sends a key, or comfort noise, in
	// place of sound.
	Quiet
)

// jitterBuffer puts packets of any length in order by their timestamps and
// hands out frames of 20 ms, one a tick. It drops what is repeated or late.
//
// Its only clock is that of the ticks. What it plays is behind that clock by its
// delay, clock - next, which it keeps between the bounds of the delays that it
// sees: at once where nothing is being said or nothing is there to say, else by
// stretching the voice (stretch). That also takes up the difference of clocks.
type jitterBuffer struct {
	codec     media.Codec
	started   bool
	lastSound bool
	clock     uint32 // samples of all ticks
	next      uint32 // timestamp of the next sample to hand out
	end       uint32 // timestamp after the newest sample
	spurt     uint32 // timestamp at which the newest talk spurt began
	heard     uint32 // timestamp after the last frame with sound
	made      uint32 // timestamp after what was last made up ahead

	want   int32     // samples by which the delay should grow, negative: shrink
	gentle bool      // but only in a pause
	same   sameDelay // not yet in delays
	seen   int       // packets since the last beginning
	cool   int       // ticks until the voice may be stretched again
	tries  int       // at finding a place to stretch
	lates  int       // in a row
	strays int       // in a row
	idle   int       // ticks since a packet came
	count  jitterCount

	have      [ringSamples / 64]uint64 // which samples of the ring are filled
	ring      [ringSamples]byte
	wide      *[2 * ringSamples]byte // in place of ring where a sample has two bytes
	delays    delays
	interlude interlude
}

// jitterCount accounts for every sample: stored = played + dropped + squeezed +
// what the ring holds, and handed out as sound = played + stretched + filled.
type jitterCount struct {
	late, early, duplicate  uint64 // packets
	resynced                uint64 // times
	stored, played, dropped uint64 // samples
	stretched, squeezed     uint64 // samples more or less than the peer has said
	filled                  uint64 // samples made up in frames with sound
	waited                  uint64 // samples by which a gap was made longer
}

// push takes the payload of a packet, at most 60 ms.
func (j *jitterBuffer) push(timestamp uint32, marker bool, payload []byte) {
	unit := j.codec.UnitBytes()
	payload = payload[:len(payload)/unit*unit]
	if !j.started {
		j.restart(timestamp)
	}
	if !j.place(timestamp, marker, len(payload)/unit) {
		return
	}
	j.lates, j.strays, j.idle = 0, 0, 0
	j.interlude.end(timestamp)
	if marker {
		j.spurt = timestamp
	}
	if late := int32(j.next - timestamp); late > 0 { // its beginning only
		timestamp, payload = j.next, payload[int(late)*unit:]
	}
	if j.fill(timestamp, payload) == 0 {
		j.count.duplicate++
	}
	if after := timestamp + uint32(len(payload)/unit); int32(after-j.end) > 0 {
		j.end = after
	}
}

// place reports whether a packet has a place, and makes one where it can.
func (j *jitterBuffer) place(timestamp uint32, marker bool, n int) bool {
	margin := int32(timestamp - j.next)
	empty := int32(j.end-j.next) <= 0
	begins := empty && margin > 0 && margin <= maxDepth && (marker || j.idle >= idleFrames)
	switch {
	case begins:
		j.observe(timestamp, n)
		j.begin(timestamp)
	case margin > maxDepth:
		j.strays++
		return j.moves(timestamp, &j.count.early)
	case margin < 0:
		j.observe(timestamp, n)
		j.wait()
		if int32(timestamp-j.next)+int32(n) <= 0 {
			j.lates++
			return j.moves(timestamp, &j.count.late)
		}
	default:
		j.observe(timestamp, n)
	}
	return true
}

// moves makes a new beginning of a packet that does not fit when enough say
// so, or else counts it as dropped.
func (j *jitterBuffer) moves(timestamp uint32, dropped *uint64) bool {
	if j.lates < lateRun && j.strays < strayRun && j.idle < idleFrames {
		*dropped++
		return false
	}
	j.resync(timestamp)
	return true
}

func (j *jitterBuffer) restart(timestamp uint32) {
	j.started = true
	j.next, j.end, j.spurt = timestamp-startDepth, timestamp, timestamp
	j.heard, j.made, j.interlude = j.next, j.next, interlude{}
	j.same, j.delays, j.seen, j.want, j.lastSound = sameDelay{}, delays{}, 0, 0, false
}

func (j *jitterBuffer) resync(timestamp uint32) {
	for i := range j.have {
		j.count.dropped += uint64(bits.OnesCount64(j.have[i]))
		j.have[i] = 0
	}
	j.count.resynced++
	j.restart(timestamp)
}

// reset forgets everything but the counts: another source, another codec.
func (j *jitterBuffer) reset(codec media.Codec) {
	j.resync(0)
	*j = jitterBuffer{codec: codec, count: j.count, wide: j.wide}
	if codec.UnitBytes() > 1 && j.wide == nil {
		j.wide = new([2 * ringSamples]byte)
	}
}

// observe learns from the arrival of a packet.
func (j *jitterBuffer) observe(timestamp uint32, n int) {
	late := int32(j.next - timestamp)
	if late > hopeless {
		return
	}
	if over := j.same.add(j.clock-timestamp, n); over.packets > 0 {
		j.delays.put(over)
	}
	if j.seen++; j.seen%every == 0 || late > 0 {
		j.delays.put(j.same)
		j.same = sameDelay{}
		j.think()
	}
}

// think says by how much the delay should change: at once for what comes late, else
// where it is too long; and in pauses, to stay where it is while clocks differ, so
// that the tracks of a recording stay together.
func (j *jitterBuffer) think() {
	low, high := j.delays.bounds()
	delay := j.clock - j.next
	less, more := int32(low-delay), int32(delay-j.delays.steady(high))
	switch {
	case less > 0:
		j.want, j.gentle = less, false
	case more > slack && j.seen >= settled, j.want < 0 && !j.gentle && more > 0:
		j.want, j.gentle = -more, false
	case j.seen >= wellKnown && stretchable(j.codec) && max(more, -more) >= minLag:
		j.want, j.gentle = -more, true
	default:
		j.want, j.tries, j.gentle = 0, 0, false
	}
}

// wait goes back to what has not been heard, so that a packet that is late by
// a spike still has its place.
func (j *jitterBuffer) wait() {
	back := min(j.want, int32(j.next-j.heard))
	if back <= 0 {
		return
	}
	j.next -= uint32(back)
	j.want -= back
	j.count.waited += uint64(back)
}

// begin lets a talk spurt begin with the delay that the line asks for.
func (j *jitterBuffer) begin(timestamp uint32) {
	j.spurt = timestamp
	low, _ := j.delays.bounds()
	next := j.clock - low
	if int32(timestamp-next) < 0 {
		next = timestamp
	}
	if int32(next-j.heard) >= 0 && int32(timestamp-next) <= maxDepth {
		j.next, j.want = next, 0
	}
}

// view hands out the next frame where it lies in the ring, valid until the next
// call of any method, or what had to be made of it in room.
func (j *jitterBuffer) view(room *[media.MaxFrameBytes]byte) (FrameKind, []byte) {
	unit := j.codec.UnitBytes()
	made := room[:frameSamples*unit]
	j.clock += frameSamples
	if !j.started {
		return NoFrame, made
	}
	j.idle++
	j.cool--
	if j.want != 0 && j.cool <= 0 {
		if kind, done := j.adapt((*[frameSamples]byte)(made)); done {
			return kind, made
		}
	}
	at := int(j.next % ringSamples)
	if at+frameSamples > ringSamples || j.missing(j.next) > 0 {
		return j.plain(made), made
	}
	j.count.played += j.pass(frameSamples)
	j.lastSound, j.heard = true, j.next
	from, to := at*unit, (at+frameSamples)*unit
	return Sound, j.bytes()[from:to:to]
}

// plain hands out the next frame as it was sent.
func (j *jitterBuffer) plain(dst []byte) FrameKind {
	start := j.next
	missing := j.peek(dst, start)
	j.lastSound = missing < frameSamples
	if j.lastSound && missing > 0 {
		j.patch((*[frameSamples]byte)(dst), start, j.held(start))
		j.count.filled += uint64(missing)
	}
	j.count.played += j.pass(frameSamples)
	switch {
	case j.lastSound:
		j.heard = j.next
		return Sound
	case j.interlude.covers(start):
		return Quiet
	case int32(j.end-start) > 0 && int32(j.spurt-start) <= 0:
		return Lost
	default:
		return NoFrame
	}
}

// skip drops samples unheard, of ticks that did not run.
func (j *jitterBuffer) skip(samples int) {
	for range samples / frameSamples {
		j.clock += frameSamples
		if j.started {
			j.count.dropped += j.pass(frameSamples)
		}
	}
}
