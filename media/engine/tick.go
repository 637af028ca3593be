package engine

import (
	"math/rand/v2"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/dtmf"
	"github.com/ivrd/ivrd/media/rtpio"
)

// reportEvery is the mean time between RTCP reports; each is drawn from half
// to one and a half of it (RFC 3550 §6.3.1).
const reportEvery = 5 * media.SampleRate

// hearing follows whether RTP comes.
type hearing struct {
	alive bool
	quiet time.Duration // since the last packet, while the peer may send
	told  bool          // of the silence
}

// in takes what has come for this tick: keys first, then sound.
func (st *stream) in(at media.Time, missed int, now time.Time) {
	if missed > 0 {
		st.endpoint.Skip(missed)
	}
	if st.wide != nil {
		st.wide.keep(&st.intake, at-media.FrameSamples)
	}
	st.endpoint.Take(&st.intake, now)
	if !st.connected {
		return
	}
	st.follow()
	st.unproved()
	st.hear(at, missed)
	for _, key := range st.intake.Keys[:st.intake.N] {
		st.key(dtmf.Event, key, at)
	}
	st.listenIn(at)
	if st.stats.FirstMedia >= 0 && rtpio.Receives(st.remote.Direction) {
		st.record(st.track, at, st.voiced())
	}
}

// voiced is the peer's frame for the record; nil when none has come. Where the peer
// sends a key or comfort noise in place of sound it is silent, and nothing is lost.
func (st *stream) voiced() []byte {
	switch st.intake.Kind {
	case rtpio.Sound:
		return st.intake.Payload
	case rtpio.Quiet:
		return st.quiet()
	default:
		return nil
	}
}

// stalled is how many ticks in a row without a frame are taken for a stall of the
// line, which will turn out to be a loss or a delay, when there was sound before.
// After that the peer has fallen silent. Of one that sends nothing in pauses
// (DTX) the first 60 ms of each are concealed, which fades.
const stalled = 3

// follow counts the ticks since there was sound.
func (st *stream) follow() {
	switch st.intake.Kind {
	case rtpio.Sound:
		st.hush = 0
	case rtpio.Quiet:
		st.hush = stalled + 1
	default:
		st.hush = min(st.hush+1, stalled+1)
	}
}

// missing reports whether something was said that has not come.
func (st *stream) missing() bool {
	return st.intake.Kind == rtpio.Lost || st.intake.Kind == rtpio.NoFrame && st.hush <= stalled
}

// hear tells when media comes, fails to come, and comes back.
func (st *stream) hear(at media.Time, missed int) {
	h := &st.hears
	switch {
	case st.intake.Arrived:
		if st.stats.FirstMedia < 0 {
			st.stats.FirstMedia = at
		}
		st.stats.LastMedia = at
		if !h.alive {
			st.emit(media.StreamEvent{Kind: media.EventMedia, At: at})
		}
		*h = hearing{alive: true}
	case rtpio.Receives(st.remote.Direction):
		h.quiet += time.Duration(1+missed) * media.FrameDuration
		if h.quiet >= st.session.engine.config.NoMediaTimeout && !h.told {
			h.told, h.alive = true, false
			st.emit(media.StreamEvent{Kind: media.EventNoMedia, At: at})
		}
	}
}

// record gives a frame to the tap; nil was lost.
func (st *stream) record(track media.Track, at media.Time, payload []byte) {
	tap := st.session.tap
	if tap == nil || track == media.TrackNone {
		return
	}
	tap.Frame(track, at, st.remote.Codec, payload)
	st.stats.FramesTapped++
	if payload == nil {
		st.stats.TapMissed++
	}
}

// timestamp is session time on the stream's RTP clock.
func (st *stream) timestamp(at media.Time) uint32 { return st.base + uint32(at) }

// ready takes the player's frame, which others may hear as well.
func (st *stream) ready(at media.Time) {
	st.played = nil
	if st.connected && !st.keys.Active() && !st.inBand.active() {
		st.played, _ = st.player.next(st, at)
	}
	if st.activity != nil {
		st.activity.sends(st)
	}
}

// out sends the packet of this tick: a key, else what is played, else what the
// other leg of the bridge says, else silence, which keeps address translators
// open and the peer's jitter buffer running.
func (st *stream) out(at media.Time) {
	if !st.connected {
		return
	}
	timestamp := st.timestamp(at)
	if at >= st.report {
		st.endpoint.Report(time.Now(), timestamp, false)
		st.scheduleReport(at)
	}
	sends := rtpio.Sends(st.remote.Direction)
	if key, ok := st.keys.Next(timestamp); ok {
		if sends {
			st.endpoint.Send(st.remote.EventType, key.Marker, key.Timestamp, key.Payload[:])
		}
		st.pausing = true
		return
	}
	payload := st.sound(at)
	if !sends {
		st.pausing = true
		st.unsent()
		return
	}
	if payload == nil {
		st.endpoint.Miss()
		return
	}
	if !st.remote.Codec.Stateless() {
		st.wrote(at, payload)
	}
	st.endpoint.Send(st.remote.PayloadType, st.pausing, timestamp, payload)
	st.pausing = false
}

// sound is what this leg hears now; nil when it was lost on the other leg's
// line. The loss is passed on as a missing sequence number, so that the peer
// conceals it as its own; where nothing has been sent to us, we send silence.
func (st *stream) sound(at media.Time) []byte {
	if st.inBand.active() {
		return st.tone()
	}
	if st.played != nil {
		st.record(st.options.PlayTrack, at, st.played)
	}
	st.listen()
	only, plain := st.ear.Plain()
	switch {
	case plain && only == nil:
		return st.quiet()
	case plain && st.played != nil:
		if st.asItCame(only, at) {
			return st.played
		}
		return st.sum(at)
	case plain && len(st.speakers) > 0 && only == st.speakers[0].voiceOf(said, st.samples):
		return st.forward(st.speakers[0], at)
	}
	if st.wide != nil {
		st.wide.out.held = 0
	}
	return st.sum(at)
}

// quiet is a frame of silence in the stream's codec.
func (st *stream) quiet() []byte { return st.silence[:st.remote.Codec.FrameBytes()] }

// forward is what one other leg says.
func (st *stream) forward(o *stream, at media.Time) []byte {
	switch {
	case !o.connected:
		return st.quiet()
	case o.intake.Kind == rtpio.Sound:
		return st.recode(o, at)
	case o.missing():
		return nil
	default:
		return st.quiet()
	}
}

// recode is the sound of one other leg in the codec of this one.
func (st *stream) recode(o *stream, at media.Time) []byte {
	to, from := st.remote.Codec, o.remote.Codec
	if to == from && (st.wide == nil || st.asItCame(o.voiceOf(said, st.samples), at)) {
		return o.intake.Payload
	}
	if to != from && media.Transcode(st.recoded[:], to, o.intake.Payload, from) > 0 {
		return st.recoded[:to.FrameBytes()]
	}
	return st.encode(o.voiceOf(said, st.samples).Frame(at, st.samples))
}

func (st *stream) scheduleReport(at media.Time) {
	st.report = at + reportEvery/2 + media.Time(rand.IntN(reportEvery))
}
