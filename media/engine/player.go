package engine

import "github.com/ivrd/ivrd/media"

// player plays prompts to one stream, a frame a tick. It waits while the
// stream is not connected or sends keys, and goes on unheard while the peer
// has us on hold. Played during a bridge, it is heard instead of the peer.
type player struct {
	media.Play

	id     media.PlayID
	active bool
	prompt int // which of Prompts
	frame  int // of it
}

// next frame of the prompts; false when nothing is played. The end is
// reported when the last frame has been heard, a tick after it was sent.
func (p *player) next(st *stream, at media.Time) ([]byte, bool) {
	if !p.active {
		return nil, false
	}
	codec := st.remote.Codec
	for restarted := false; ; p.prompt, p.frame = p.prompt+1, 0 {
		if p.prompt == len(p.Prompts) {
			if !p.Loop || restarted || len(p.Prompts) == 0 {
				break
			}
			restarted, p.prompt = true, 0
		}
		if current := p.Prompts[p.prompt]; p.frame < current.Frames(codec) {
			p.frame++
			return current.Frame(codec, p.frame-1), true
		}
	}
	p.finish(st, at, true)
	return nil, false
}

// stop ends what is played, if anything.
func (p *player) stop(st *stream, at media.Time) {
	if p.active {
		p.finish(st, at, false)
	}
}

func (p *player) finish(st *stream, at media.Time, completed bool) {
	id := p.id
	*p = player{}
	st.emit(media.StreamEvent{Kind: media.EventPlayed, At: at, Play: id, Completed: completed})
}
