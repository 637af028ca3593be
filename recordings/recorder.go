package recordings

import (
	"sync"

	"github.com/ivrd/ivrd/internal/seal"
	"github.com/ivrd/ivrd/media"
)

const (
	numTracks = int(media.TrackSupervisor) + 1
	// backlog is how many chunks of a track wait for the disk, each a second (of L16
	// half of one); what comes beyond is lost and told by a gap.
	backlog = 10
	// spares are chunks made before the first frame, so that the media worker
	// does not allocate: for two tracks. One that is full before the writer comes
	// is followed by one of the pool.
	spares = 2
	// maxClock is the last time that is recorded: 24 hours.
	maxClock = 24 * 3600 * media.SampleRate
	maxSpans = 4096
)

// recorder is the tap side of a recording: it gathers frames into chunks. The
// mutex is held for copies and swaps only, never over anything that waits.
type recorder struct {
	start media.Time
	pool  *chunkPool

	mu     sync.Mutex
	tracks [numTracks]track
	ready  []*chunk // closed chunks, oldest first
	spans  []span
	spare  []*chunk
	clock  media.Time // the latest time that was seen
	// paused holds since when, and everything before notBefore is refused.
	paused      bool
	pauseCause  seal.Cause
	pausedSince media.Time
	notBefore   media.Time
	closed      bool
	lost        bool // frames were lost for want of a chunk
}

// track is what is gathered of one track.
type track struct {
	cur    *chunk
	end    media.Time // where the next frame is expected
	sealed media.Time // what the writer has taken; it cannot be called back
	queued int        // chunks in use: cur, ready, and at the writer
}

func newRecorder(start media.Time, pool *chunkPool) *recorder {
	r := &recorder{
		start: start, notBefore: start, clock: start, pool: pool,
		ready: make([]*chunk, 0, numTracks*backlog), spans: make([]span, 0, 16),
		spare: make([]*chunk, 0, numTracks*backlog),
	}
	for range spares {
		r.spare = append(r.spare, pool.get())
	}
	return r
}

// Frame implements media.PacketTap.
func (r *recorder) Frame(t media.Track, at media.Time, codec media.Codec, payload []byte) {
	unit := codec.UnitBytes()
	n := len(payload) / unit
	if payload == nil {
		n = media.FrameSamples
	}
	if t == media.TrackNone || int(t) >= numTracks || n == 0 || n > seal.MaxSamples || at < 0 || at > maxClock {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.clock = max(r.clock, at+media.Time(n))
	if r.paused || at < r.notBefore {
		return
	}
	tr := &r.tracks[t]
	if late := tr.end - at; late > 0 { // overlaps what is there: the first stays
		if late >= media.Time(n) {
			return
		}
		at, n = tr.end, n-int(late)
		if payload != nil {
			payload = payload[int(late)*unit:]
		}
	}
	r.gather(t, at, n, codec, payload)
}

// gather spreads one frame over as many chunks as it needs.
func (r *recorder) gather(t media.Track, at media.Time, n int, codec media.Codec, payload []byte) {
	tr := &r.tracks[t]
	lost := payload == nil || !codec.Valid()
	for n > 0 {
		if tr.cur != nil && !tr.cur.takes(at, codec, lost) {
			r.closeChunk(tr)
		}
		if tr.cur == nil && !r.openChunk(t, at) {
			r.lose(t, at, n)
			break
		}
		c := tr.cur
		c.skip(at, seal.CauseIdle)
		if lost {
			codec = c.codec
		}
		k := min(n, holds(codec)-c.n)
		if lost {
			c.skip(at+media.Time(k), seal.CauseLine)
		} else {
			cut := k * codec.UnitBytes()
			c.put(codec, payload[:cut])
			payload = payload[cut:]
		}
		at, n = at+media.Time(k), n-k
	}
	tr.end = at + media.Time(n)
}

func (r *recorder) closeChunk(tr *track) {
	r.ready = append(r.ready, tr.cur)
	tr.cur = nil
}

func (r *recorder) openChunk(t media.Track, at media.Time) bool {
	tr := &r.tracks[t]
	if tr.queued >= backlog {
		return false
	}
	if last := len(r.spare) - 1; last >= 0 {
		tr.cur, r.spare = r.spare[last], r.spare[:last]
	} else {
		tr.cur = r.pool.get()
	}
	tr.cur.track, tr.cur.first = t, at
	tr.queued++
	return true
}

// lose notes what found no chunk.
func (r *recorder) lose(t media.Track, at media.Time, n int) {
	r.lost = true
	r.addSpan(span{track: t, from: at, to: at + media.Time(n), cause: seal.CauseLost})
}

// addSpan joins a span to one that it continues.
func (r *recorder) addSpan(s span) {
	for i := len(r.spans) - 1; i >= 0 && i >= len(r.spans)-numTracks; i-- {
		last := &r.spans[i]
		if last.track == s.track && last.cause == s.cause && last.to == s.from {
			last.to = s.to
			return
		}
	}
	if s.to > s.from && len(r.spans) < maxSpans {
		r.spans = append(r.spans, s)
	}
}

// Pause implements Recorder.
func (r *recorder) Pause(at media.Time, cause string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.paused || r.closed {
		return
	}
	at = max(at, r.start)
	r.paused, r.pauseCause, r.pausedSince = true, causeOf(cause), at
	r.clock = max(r.clock, at)
	r.forget(at)
}

// forget drops what was gathered of the time from at on.
func (r *recorder) forget(at media.Time) {
	for i := range r.tracks {
		tr := &r.tracks[i]
		tr.end = max(min(tr.end, at), tr.sealed)
		if tr.cur == nil {
			continue
		}
		if tr.cur.cut(at); tr.cur.n == 0 {
			r.drop(tr.cur)
			tr.cur = nil
		}
	}
	kept := r.ready[:0]
	for _, c := range r.ready {
		if c.cut(at); c.n == 0 {
			r.drop(c)
			continue
		}
		kept = append(kept, c)
	}
	clear(r.ready[len(kept):])
	r.ready = kept
}

func (r *recorder) drop(c *chunk) {
	r.tracks[c.track].queued--
	c.wipe()
	r.pool.put(c)
}

// Resume implements Recorder.
func (r *recorder) Resume(at media.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.paused || r.closed {
		return
	}
	at = max(at, r.pausedSince)
	r.addSpan(span{from: r.pausedSince, to: at, cause: r.pauseCause})
	r.paused = false
	r.notBefore = max(r.notBefore, at)
	r.clock = max(r.clock, at)
}

// close refuses what comes from now on.
func (r *recorder) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}

// collect takes everything gathered so far into the given lists and refills
// the spares. The writer gives chunks back by release.
func (r *recorder) collect(chunks []*chunk, spans []span) ([]*chunk, []span, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.tracks {
		tr := &r.tracks[i]
		tr.sealed = tr.end
		if tr.cur != nil {
			r.closeChunk(tr)
		}
	}
	chunks = append(chunks, r.ready...)
	clear(r.ready)
	r.ready = r.ready[:0]
	if r.paused && r.clock > r.pausedSince {
		r.addSpan(span{from: r.pausedSince, to: r.clock, cause: r.pauseCause})
		r.pausedSince = r.clock
	}
	spans = append(spans, r.spans...)
	r.spans = r.spans[:0]
	for len(r.spare) < spares {
		r.spare = append(r.spare, r.pool.get())
	}
	return chunks, spans, r.lost
}

// release gives a chunk back whose sound is sealed.
func (r *recorder) release(c *chunk) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(c)
}

// discard gives everything back at the end.
func (r *recorder) discard() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for i := range r.tracks {
		if c := r.tracks[i].cur; c != nil {
			r.tracks[i].cur = nil
			r.drop(c)
		}
	}
	for _, c := range append(r.ready, r.spare...) {
		c.wipe()
		r.pool.put(c)
	}
	r.ready, r.spare = nil, nil
}

// chunkPool keeps wiped chunks for the recorders of all calls.
type chunkPool struct{ free chan *chunk }

// pooled bounds what is kept of chunks that are not in use (8 MB).
const pooled = 1024

func newChunkPool() *chunkPool { return &chunkPool{free: make(chan *chunk, pooled)} }

func (p *chunkPool) get() *chunk {
	select {
	case c := <-p.free:
		return c
	default:
		return newChunk()
	}
}

func (p *chunkPool) put(c *chunk) {
	select {
	case p.free <- c:
	default:
	}
}

// unrecorded is the recorder of a call that policy lets go on without one.
type unrecorded struct{}

func (unrecorded) Frame(media.Track, media.Time, media.Codec, []byte) {}
func (unrecorded) Pause(media.Time, string)                           {}
func (unrecorded) Resume(media.Time)                                  {}
