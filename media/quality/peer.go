package quality

import (
	"time"

	"github.com/ivrd/ivrd/media"
)

// PeerDelay is what the peer is taken to add to half the round trip: a packet of
// 20 ms, and 40 ms in its jitter buffer. RTCP does not tell.
const PeerDelay = 60 * time.Millisecond

// maxStep is how many packets a report may be ahead of the one before; more is a
// peer that has begun anew, or one that makes things up.
const maxStep = 1 << 14

// Block is what a report of the peer says of our stream (RFC 3550 §6.4.1).
type Block struct {
	Fraction uint8 // lost since the report before, in 256ths
	Lost     int32 // since the beginning
	Highest  uint32
	RTT      time.Duration // as known now; 0 where it is not
}

// Peer judges what the peer hears of us, by its RTCP. How losses come in runs
// it does not say: they are taken to be random, which is kind. The zero value
// is ready once Codec was called.
type Peer struct {
	codec Impairment
	last  Block
	total total
	begun bool
}

// Codec says what is sent from now on.
func (p *Peer) Codec(c media.Codec) { p.codec = Of(c) }

// Report takes one block.
func (p *Peer) Report(b Block) {
	packets, lost := int64(b.Highest)-int64(p.last.Highest), int64(b.Lost)-int64(p.last.Lost)
	if !p.begun || packets < 0 || packets > maxStep {
		packets, lost = Interval, int64(b.Fraction)*Interval/256
	}
	p.begun, p.last = true, b
	lost = min(max(lost, 0), packets)
	if packets == 0 {
		return
	}
	l := Losses{Frames: uint64(packets), Lost: uint64(lost)}
	p.total.add(part{path: Path{Impairment: p.codec, Loss: l.Ratio(), Burst: 1, Delay: b.RTT/2 + PeerDelay}, losses: l}, packets >= fewest)
}

// Quality is the sum of all reports.
func (p *Peer) Quality() media.Quality { return p.total.quality(p.codec) }
