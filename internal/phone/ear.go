package phone

import (
	"sync"

	"github.com/ivrd/ivrd/media"
)

// ear is a tap that keeps what the phone hears.
type ear struct {
	decoder media.Decoder // the worker's

	mu       sync.Mutex
	pcm      []int16
	start    media.Time // of pcm; -1 before the first frame
	answered media.Time
	first    media.Time // of sound after the answer; -1 before
}

// maxHeard bounds what is kept: one hour.
const maxHeard = 3600 * media.SampleRate

// loud is the sample value that counts as sound: about -40 dBov.
const loud = 330

func newEar() *ear { return &ear{start: -1, first: -1, answered: -1} }

// Frame implements media.PacketTap.
func (e *ear) Frame(_ media.Track, at media.Time, codec media.Codec, payload []byte) {
	var frame [media.FrameSamples]int16
	if _, ok := e.decoder.Follow(frame[:], codec, media.SampleRate, payload); !ok {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.start < 0 {
		e.start = at
	}
	// A stretch without frames (nothing arrived) is silence of its length.
	gap := int(at-e.start) - len(e.pcm)
	if gap > 0 && len(e.pcm)+gap <= maxHeard {
		e.pcm = append(e.pcm, make([]int16, gap)...)
	}
	if len(e.pcm) < maxHeard {
		e.pcm = append(e.pcm, frame[:]...)
	}
	if e.first < 0 && e.answered >= 0 && peak(frame[:]) >= loud {
		e.first = at
	}
}

func peak(pcm []int16) int {
	p := 0
	for _, s := range pcm {
		p = max(p, int(s), -int(s))
	}
	return p
}

func (e *ear) answeredAt(at media.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answered = at
}

// heard returns the sound and the milliseconds from the answer to the first
// of it (-1: none).
func (e *ear) heard() ([]int16, int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.first < 0 {
		return e.pcm, -1
	}
	return e.pcm, (e.first - e.answered).Duration().Milliseconds()
}
