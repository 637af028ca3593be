package engine

import "github.com/ivrd/ivrd/media"

// player plays prompts to one stream, a frame a tick. It waits while the
// stream is not connected or sends keys, and goes on unheard while the peer
// has us on hold. Played during a bridge, it is heard instead of the peer.
type player struct {
	media.Play

	id     media.PlayID
	active bool
	prompt int        // which of Prompts
	frame  int        // of it
	since  media.Time // when that began, or went on
	fresh  bool       // nothing was played since it began or was paused
	pause  pause
	// starved: a prompt that is still growing was at its end; silence is played
	// until there is enough again.
	starved bool
}

// pause of what is played.
type pause struct {
	on    bool
	held  bool       // until Resume
	until media.Time // unless held
}

// turn is which of the stream's two voices of prompts the player speaks with: one
// that replaces another comes while the other goes.
func (p *player) turn() int { return int(p.id % 2) }

// next frame of the prompts; false when nothing is played. The end is
// reported when the last frame has been heard, a tick after it was sent.
func (p *player) next(st *stream, at media.Time) ([]byte, bool) {
	if p.pause.on && !p.pause.held && at >= p.pause.until {
		p.goOn()
	}
	if !p.active || p.pause.on {
		return nil, false
	}
	frame, more := p.advance(st.remote.Codec)
	switch {
	case more && frame == nil:
		return st.quiet(), true
	case more:
		if p.frame == 1 || p.fresh {
			p.since, p.fresh = at, false
		}
		return frame, true
	}
	p.finish(st, at, true)
	return nil, false
}

// narrow is the frame that next gave in a codec without state, for who looks at it.
func (p *player) narrow() []byte {
	return p.Prompts[p.prompt].Frame(media.PCMU, p.frame-1)
}

// advance goes on by a frame; more is false after the last. While starved it stays
// where it is and has none.
func (p *player) advance(codec media.Codec) (frame []byte, more bool) {
	for restarted := false; ; p.prompt, p.frame = p.prompt+1, 0 {
		if p.prompt == len(p.Prompts) {
			if !p.Loop || restarted || len(p.Prompts) == 0 {
				return nil, false
			}
			restarted, p.prompt = true, 0
		}
		current := p.Prompts[p.prompt]
		if p.waits(current) {
			return nil, true
		}
		if p.frame < current.Frames() {
			p.frame++
			return current.Frame(codec, p.frame-1), true
		}
	}
}

// rebuffer is media.Rebuffer in frames.
const rebuffer = int(media.Rebuffer / media.FrameDuration)

// waits reports whether there is no sound to go on with, though more will come.
func (p *player) waits(current *media.Prompt) bool {
	ended := current.Complete() // asked first: frames that came before the end are counted
	more := current.Frames() - p.frame
	switch {
	case ended || more >= rebuffer || more > 0 && !p.starved:
		p.starved = false
	case !p.starved:
		p.starved = true
		current.Starved()
	}
	return p.starved
}

// rest is the frame that a prompt was cut at, to fade out in.
type rest struct {
	at, since media.Time
	payload   []byte
}

// wait pauses what is played. The frame that it fades out in is played again when it
// goes on: none is lost.
func (p *player) wait(st *stream, at media.Time, by pause) {
	if !p.active {
		return
	}
	if !p.pause.on && st.connected && !p.fresh {
		prompt, frame := p.prompt, p.frame
		p.fade(st, at)
		p.prompt, p.frame = prompt, frame
	}
	by.on, by.held = true, by.held || p.pause.held
	p.pause, p.fresh = by, true
}

// goOn ends a pause.
func (p *player) goOn() { p.pause = pause{} }

func (p *player) fade(st *stream, at media.Time) {
	payload, _ := p.advance(st.remote.Codec)
	st.rests[p.turn()] = rest{at: at, since: p.since, payload: payload}
}

// stop ends what is played, if anything.
func (p *player) stop(st *stream, at media.Time) {
	if !p.active {
		return
	}
	if st.connected && !p.pause.on {
		p.fade(st, at)
	}
	p.finish(st, at, false)
}

func (p *player) finish(st *stream, at media.Time, completed bool) {
	id := p.id
	*p = player{}
	st.emit(media.StreamEvent{Kind: media.EventPlayed, At: at, Play: id, Completed: completed})
}
