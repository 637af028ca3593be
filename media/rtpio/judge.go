package rtpio

import (
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/quality"
)

// judge rates how well the two voices of an endpoint come over: the peer's by
// what each tick has of it, ours by what the peer reports.
type judge struct {
	plain   int    // ticks with sound and nothing else to tell that heard has yet to count
	missing int64  // packets, up to the last tick
	filled  uint64 // samples that the jitter buffer has made up so far
	heard   quality.Meter
	told    quality.Peer
}

// plainAtMost is a second: the delay of the last tick stands for all that are
// counted together.
const plainAtMost = 50

func (j *judge) codec(c media.Codec) {
	j.heard.Codec(c)
	j.told.Codec(c)
}

// tick counts what was just taken out of the jitter buffer. Packets of more than
// a frame count as one where nothing has come after them for longer than the
// buffer is deep. A frame that the buffer has made up half of is lost.
func (e *Endpoint) tick(kind FrameKind) {
	j := &e.judge
	filled := e.jitter.count.filled
	if kind == Sound && filled-j.filled >= frameSamples/2 {
		kind = Lost
	}
	missing := e.reception.lost() + int64(e.jitter.count.late)
	if kind == Sound && missing == j.missing && j.plain < plainAtMost {
		j.plain++
		return
	}
	e.settle()
	j.filled, j.missing = filled, missing
	switch kind {
	case Sound:
		j.heard.Frame(quality.Heard, missing, e.delay())
	case Lost:
		j.heard.Frame(quality.Lost, missing, e.control.rtt/2+startDepth*media.FrameDuration/frameSamples)
	default:
		j.heard.Frame(quality.Silent, missing, 0)
	}
}

// delay is from mouth to ear: the newest sample is that much ahead of the first
// one of this frame.
func (e *Endpoint) delay() time.Duration {
	ahead := media.Time(int32(e.jitter.end-e.jitter.next) + frameSamples).Duration()
	return e.control.rtt/2 + max(ahead, media.FrameDuration)
}

// settle counts the plain ticks.
func (e *Endpoint) settle() {
	j := &e.judge
	for range j.plain {
		j.heard.Frame(quality.Heard, j.missing, e.delay())
	}
	j.plain = 0
}

// reported takes what the peer says of our voice.
func (e *Endpoint) reported(k ReportBlock) {
	e.judge.told.Report(quality.Block{Fraction: k.FractionLost, Lost: k.Lost, Highest: k.Highest, RTT: e.control.rtt})
}
