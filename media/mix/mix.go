// Package mix adds up what several speakers say at once for one who hears them
// (N−1: nobody is in their own sum unless they are told to hear themselves).
//
// A Voice is a speaker's sound, decoded at most once a frame whoever hears it,
// with a slow automatic gain. A Listener is what one party hears: voices come
// and go by raised cosines of 10 ms, and a sum that does not fit is turned down
// rather than cut off.
//
// Frames are mono PCM of a length that stands for media.FrameDuration: 160
// samples at 8 kHz, 320 at 16 kHz. Nothing allocates once a voice has been heard
// for the first time. A Listener and the voices that it hears belong to one
// goroutine.
package mix

import (
	"slices"

	"github.com/ivrd/ivrd/media"
)

// Listener is what one party hears. The zero Listener hears nobody. Each frame
// is Begin, one Hear for each voice, and then Mix, unless Plain says that there
// is nothing to mix.
type Listener struct {
	parts  []part
	wanted int
	limit  limiter
}

// part is one voice in the ears of one listener.
type part struct {
	voice  *Voice
	gain   float32 // at the end of the last frame
	wanted bool
}

// slewStep bounds how fast a voice that stays gets louder or softer: 0.24 dB a
// frame, 12 dB a second.
const slewStep = 1.028

// Begin begins a frame: whom Hear does not name from here on leaves.
func (l *Listener) Begin() {
	l.wanted = 0
	for i := range l.parts {
		l.parts[i].wanted = false
	}
}

// Hear lets a voice be heard in this frame; twice is once.
func (l *Listener) Hear(v *Voice) {
	for i := range l.parts {
		if p := &l.parts[i]; p.voice == v {
			if !p.wanted {
				p.wanted = true
				l.wanted++
			}
			return
		}
	}
	l.parts = append(l.parts, part{voice: v, wanted: true})
	l.wanted++
}

// Plain reports whether this frame is one voice as it is, or silence (nil): it
// can be forwarded without decoding it, and Mix need not be called. It is not
// plain while a voice comes or goes, and until one that was mixed with others is
// back at its own level, so that going from one to the other is not heard.
func (l *Listener) Plain() (only *Voice, ok bool) {
	switch {
	case len(l.parts) != l.wanted || !l.limit.open():
		return nil, false
	case len(l.parts) == 0:
		return nil, true
	case len(l.parts) == 1 && l.parts[0].gain == 1:
		return l.parts[0].voice, true
	}
	return nil, false
}

// Mix writes the frame of media time at to dst, which is no longer than
// media.MaxFrameSamples. All voices must have frames of its length: one of
// another length is not heard.
func (l *Listener) Mix(at media.Time, dst []int16) {
	var sum [media.MaxFrameSamples]int32
	total := sum[:len(dst)]
	left := false
	for i := range l.parts {
		p := &l.parts[i]
		pcm := p.voice.Frame(at, len(dst))
		to := l.next(p)
		add(total, pcm, fixed(p.gain), fixed(to))
		p.gain = to
		left = left || !p.wanted
	}
	if left {
		l.parts = slices.DeleteFunc(l.parts, func(p part) bool { return !p.wanted })
	}
	l.limit.write(dst, total)
}

// next is a voice's gain at the end of this frame.
func (l *Listener) next(p *part) float32 {
	if !p.wanted {
		return 0
	}
	to := float32(1) // who is heard alone is heard as they are
	if l.wanted > 1 {
		to = p.voice.gain()
	}
	if p.gain == 0 {
		return to
	}
	return min(max(to, p.gain/slewStep), p.gain*slewStep)
}
