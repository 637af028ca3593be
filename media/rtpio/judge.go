package rtpio

import (
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/quality"
)

// judge rates how well the two voices of an endpoint come over: the peer's by
// what each tick has of it, ours by what the peer reports.
type judge struct {
	heard  quality.Meter
	filled uint64 // samples that the jitter buffer has made up so far
	told   quality.Peer
}

func (j *judge) codec(c media.Codec) {
	j.heard.Codec(c)
	j.told.Codec(c)
}

// tick counts what was just taken out of the jitter buffer. Packets of more than
// a frame count as one where nothing has come after them for longer than the
// buffer is deep.
// A frame that the buffer has made up half of is lost.
func (e *Endpoint) tick(kind FrameKind) {
	filled := e.jitter.count.filled
	if kind == Sound && filled-e.judge.filled >= frameSamples/2 {
		kind = Lost
	}
	e.judge.filled = filled
	missing := e.reception.lost() + int64(e.jitter.count.late)
	switch kind {
	case Sound:
		// The newest sample is that much ahead of the first one of this frame.
		ahead := media.Time(int32(e.jitter.end-e.jitter.next) + frameSamples).Duration()
		e.judge.heard.Frame(quality.Heard, missing, e.control.rtt/2+max(ahead, media.FrameDuration))
	case Lost:
		e.judge.heard.Frame(quality.Lost, missing, e.control.rtt/2+startDepth*media.FrameDuration/frameSamples)
	default:
		e.judge.heard.Frame(quality.Silent, missing, 0)
	}
}

// reported takes what the peer says of our voice.
func (e *Endpoint) reported(k ReportBlock) {
	e.judge.told.Report(quality.Block{Fraction: k.FractionLost, Lost: k.Lost, Highest: k.Highest, RTT: e.control.rtt})
}
