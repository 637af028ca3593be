package engine

import (
	"errors"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/dtmf"
	"github.com/ivrd/ivrd/media/rtpio"
)

// inBand is for keys in the sound.
type inBand struct {
	tones    dtmf.Tones
	detector dtmf.Detector
}

// active reports whether tones are being sent.
func (b *inBand) active() bool { return b != nil && b.tones.Active() }

// press sends keys the way that was agreed.
func (st *stream) press(digits string) error {
	switch {
	case st.remote.SendKey != nil:
		for i := range len(digits) {
			st.remote.SendKey(digits[i])
		}
		return nil
	case st.remote.EventType != 0:
		return st.keys.Queue(digits)
	case st.inBand != nil:
		return st.inBand.tones.Queue(digits)
	}
	return errors.New("send digits: the peer takes none")
}

// TakeDigit implements media.DigitTaker.
func (st *stream) TakeDigit(key byte) {
	st.do(func() { st.key(dtmf.Info, key, st.session.next) })
}

// listenIn looks into the peer's sound for what was asked: keys, of a peer that
// takes no events, and speech. For both it is decoded once.
func (st *stream) listenIn(at media.Time) {
	if st.inBand == nil && st.activity == nil {
		return
	}
	var frame []int16 // of what was lost there is none
	var pcm [media.FrameSamples]int16
	switch {
	case st.intake.Kind == rtpio.Lost:
	case st.intake.Kind != rtpio.Sound:
		frame = pcm[:]
	case st.inBand != nil:
		frame = st.narrow(at, pcm[:])
	default:
		frame = pcm[:]
		st.activity.hears(st.remote.Codec, frame, st.intake.Payload)
	}
	if st.inBand != nil {
		if key, ok := st.inBand.detector.Frame(frame); ok {
			st.key(dtmf.InBand, key, at)
		}
	}
	if st.activity != nil {
		st.heed(frame, at)
	}
}

// narrow is the peer's present frame at media.SampleRate; room is for one.
func (st *stream) narrow(at media.Time, room []int16) []int16 {
	if !st.remote.Codec.Stateless() {
		return st.voice.Frame(at, media.FrameSamples)
	}
	st.remote.Codec.Decode(room, st.intake.Payload)
	return room
}

// key takes a key of the peer.
func (st *stream) key(way dtmf.Way, key byte, at media.Time) {
	if !st.once.Counts(way, key, at) {
		return
	}
	st.emit(media.StreamEvent{Kind: media.EventDigit, At: at, Digit: key})
	if st.player.StopOnDigit {
		st.player.stop(st, at)
	}
	if st.options.KeepDigits {
		return
	}
	for _, o := range st.speakers {
		if st.with(o) && (way != dtmf.InBand || o.inBand == nil) { // else the tone goes over by itself
			_ = o.press(string(rune(key))) // a key that was received is one
		}
	}
}

// tone is the next frame of keys that are sent in the sound.
func (st *stream) tone() []byte {
	var pcm [media.FrameSamples]int16
	st.inBand.tones.Next(pcm[:])
	return st.encodeNarrow(pcm[:])
}
