package engine

import (
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/vad"
)

// activity follows whether the peer speaks.
type activity struct {
	vad.Detector
	vad.Endpointer

	wide *media.G722Narrow // of a peer who speaks it
}

// hears decodes a frame that nobody else needs at media.SampleRate.
func (a *activity) hears(c media.Codec, pcm []int16, payload []byte) {
	if c.Stateless() {
		c.Decode(pcm, payload)
		return
	}
	if a.wide == nil {
		a.wide = new(media.G722Narrow)
	}
	a.wide.Decode(pcm, payload)
}

// sends tells of what is being played to the peer: its echo is no speech.
func (a *activity) sends(st *stream) {
	if st.played != nil {
		a.AddFar(st.player.level())
	} else {
		a.AddFar(vad.Nothing)
	}
}

// heed looks for speech in a frame of the peer; nil was lost.
func (st *stream) heed(frame []int16, at media.Time) {
	a := st.activity
	if st.missing() {
		frame = nil
	}
	if ev, ok := a.Endpointer.Frame(at, a.Detector.Frame(frame)); ok {
		st.tell(ev)
	}
	st.stats.Talk = a.Talk().Duration()
}

// hushed ends what the peer was saying: the stream ends.
func (st *stream) hushed() {
	if st.activity == nil {
		return
	}
	if ev, ok := st.activity.Endpointer.Reset(); ok {
		st.tell(ev)
	}
}

// tell leaves half of the room of a slow reader to what cannot be missed.
func (st *stream) tell(ev vad.Event) {
	kind := media.EventSpeechBegan
	if ev.Ended {
		kind = media.EventSpeechEnded
	}
	if len(st.events) < eventQueue/2 {
		st.emit(media.StreamEvent{Kind: kind, At: ev.At})
	}
}
