package call

import (
	"sync"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/media"
)

// ear takes one party's sound for those who write down and who feel. frame is the media
// worker's and never waits: who else holds the lock does so for microseconds.
type ear struct {
	mu      sync.Mutex
	decoder media.Decoder
	pcm     [media.FrameSamples]int16
	session asr.Session // nil: nobody writes down
	sound   *sound      // nil: nobody feels
}

func (e *ear) frame(at media.Time, codec media.Codec, payload []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.session == nil && e.sound == nil {
		return
	}
	n, ok := e.decoder.Follow(e.pcm[:], codec, media.SampleRate, payload)
	if !ok {
		return
	}
	if e.session != nil {
		e.session.Write(asr.Frame{At: at, PCM: e.pcm[:n], Lost: n == 0})
	}
	if e.sound != nil {
		e.sound.put(at, e.pcm[:n])
	}
}

// listen gives the sound to a session from now on; nil to none.
func (e *ear) listen(s asr.Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.session = s
}

// soundFrames is how much waits for the analysis of emotion, which takes it five times
// a second. What finds no room is left out, as what is lost on the line.
const soundFrames = 32

// sound is what waits.
type sound struct {
	frames [soundFrames]soundFrame
	n      int
}

func (s *sound) put(at media.Time, pcm []int16) {
	if s.n == soundFrames {
		return
	}
	f := &s.frames[s.n]
	f.at, f.n = at, copy(f.pcm[:], pcm)
	s.n++
}

// drain takes what waits. The worker waits for the copy only.
func (e *ear) drain(room *sound) {
	e.mu.Lock()
	defer e.mu.Unlock()
	room.n = copy(room.frames[:], e.sound.frames[:e.sound.n])
	e.sound.n = 0
}

// ears are those of a call.
type ears struct{ caller, agent, supervisor ear }

func (e *ears) of(track media.Track) *ear {
	switch track {
	case media.TrackCaller:
		return &e.caller
	case media.TrackAgent:
		return &e.agent
	case media.TrackSupervisor:
		return &e.supervisor
	}
	return nil
}

// hears reports whether anybody listens to the parties of calls.
func (c *Conductor) hears() bool { return c.cfg.Emotion || c.deps.Dictation != nil }
