package engine

import (
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/vad"
)

// activity follows whether the peer speaks.
type activity struct {
	vad.Detector
	vad.Endpointer

	wide  *media.G722Narrow // of a peer who speaks it
	delay uint32            // of the last frame: see rtpio.Intake
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
	var room [media.FrameSamples]int16
	switch c := st.remote.Codec; {
	case st.played == nil || st.player.starved:
		a.Sent(nil)
	case c == media.PCMA:
		c.Decode(room[:], st.played)
		a.Sent(room[:])
	default:
		media.PCMU.Decode(room[:], st.player.narrow())
		a.Sent(room[:])
	}
}

// heed looks for speech in a frame of the peer; nil was lost.
func (st *stream) heed(frame []int16, at media.Time) {
	a := st.activity
	if st.missing() || st.stats.FirstMedia < 0 {
		frame = nil // nor is it known that nothing comes back
	}
	a.Shift(int(int32(st.intake.Delay - a.delay))) //nolint:gosec // a difference
	a.delay = st.intake.Delay
	if ev, ok := a.Endpointer.Frame(at, a.Detector.Frame(frame)); ok {
		st.yield(ev, at)
		st.tell(ev)
	}
	st.stats.Talk = a.Talk().Duration()
}

// yield lets what is played wait for a peer who seems to speak, and go on when they do
// not.
func (st *stream) yield(ev vad.Event, at media.Time) {
	p := &st.player
	switch {
	case p.PauseOnSpeech == 0:
	case ev.Kind == vad.Suspected || ev.Kind == vad.Began:
		p.wait(st, at, pause{until: at + media.TimeOf(p.PauseOnSpeech)})
	case ev.Kind == vad.Denied && !p.pause.held:
		p.goOn()
		st.activity.Doubt()
	}
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
	var kind media.EventKind
	switch ev.Kind {
	case vad.Began:
		kind = media.EventSpeechBegan
	case vad.Paused:
		kind = media.EventSpeechPaused
	case vad.Ended:
		kind = media.EventSpeechEnded
	case vad.Suspected, vad.Denied:
		return
	}
	if len(st.events) < eventQueue/2 {
		st.emit(media.StreamEvent{Kind: kind, At: ev.At})
	}
}
