package recordings

import "github.com/ivrd/ivrd/media"

// Space is the room on a disk, for fakes.
type Space = space

// WithSpace sets the room on the disk.
func WithSpace(d Deps, s Space) Deps { d.space = s; return d }

// WithObserver sets the eye on nonces.
func WithObserver(d Deps, o func(salt [32]byte, nonce [12]byte)) Deps { d.observe = o; return d }

// AudioName is where the recording of a call lies.
func AudioName(id string) string {
	name, err := audioName(id)
	if err != nil {
		panic(err)
	}
	return name
}

// NewTap makes a recorder alone, and what takes everything from it.
func NewTap(start media.Time) (Recorder, func() (chunks, spans int)) {
	r := newRecorder(start, newChunkPool())
	var cs []*chunk
	var ss []span
	return r, func() (int, int) {
		cs, ss, _ = r.collect(cs[:0], ss[:0])
		for _, c := range cs {
			r.release(c)
		}
		return len(cs), len(ss)
	}
}
