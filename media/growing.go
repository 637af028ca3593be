package media

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Growing makes a Prompt whose sound comes while it is played, as from a voice that
// speaks slower than it is listened to. One goroutine appends; the prompt may be
// played by any number of calls meanwhile.
//
// A player that has come to the end of what is there plays silence until there is
// more, and goes on when Rebuffer has come or the sound has ended: one pause is
// heard rather than many.
type Growing struct {
	prompt  *Prompt
	most    int           // frames
	starved *atomic.Int64 // counts pauses; nil: nobody counts

	mu   sync.Mutex // guards what follows, but for what players read
	rest []int16    // less than a frame
	ways [numCodecs]*way
	pcm  []int16 // the sound itself, for codecs that are asked for later

	heard  atomic.Int64 // frames that are there
	ended  atomic.Bool  // no more will come
	levels *table[[chunkFrames]float32]
}

// Rebuffer is how much sound a player waits for that has run out of it.
const Rebuffer = 100 * time.Millisecond

// chunkFrames are kept together: a second.
const chunkFrames = FramesPerSecond

// table is a list of chunks that grows while it is read: a chunk is reached only by
// those who know that there is something in it.
type table[C any] struct{ chunks []atomic.Pointer[C] }

func newTable[C any](most int) *table[C] {
	return &table[C]{make([]atomic.Pointer[C], (most+chunkFrames-1)/chunkFrames)}
}

// at is the chunk of frame i, which is made when it is not there.
func (t *table[C]) at(i int) *C {
	p := &t.chunks[i/chunkFrames]
	if p.Load() == nil {
		p.Store(new(C))
	}
	return p.Load()
}

// way is the sound in one codec.
type way struct {
	codec   Codec
	encoder Encoder
	bytes   *table[[chunkFrames * MaxFrameBytes]byte]
}

// NewGrowing makes a prompt without sound yet, of at most so much. Starved, where
// it is given, counts the pauses of players that had to wait.
func NewGrowing(name string, most time.Duration, starved *atomic.Int64) *Growing {
	g := &Growing{most: int(most / FrameDuration), starved: starved}
	g.levels = newTable[[chunkFrames]float32](g.most)
	g.prompt = &Prompt{name: name, rate: SampleRate, growing: g}
	return g
}

// Prompt is what is played.
func (g *Growing) Prompt() *Prompt { return g.prompt }

// Append adds PCM at SampleRate, which is copied. It reports false when the longest
// sound has been reached, and leaves out what is beyond; after End it does nothing.
func (g *Growing) Append(pcm []int16) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended.Load() {
		return false
	}
	g.rest = append(g.rest, pcm...)
	for len(g.rest) >= FrameSamples {
		if !g.add(g.rest[:FrameSamples]) {
			return false
		}
		g.rest = g.rest[FrameSamples:]
	}
	g.rest = slices.Clone(g.rest)
	return true
}

// End says that the sound is complete. The last frame is filled up with silence. It
// may be called again.
func (g *Growing) End() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.rest) > 0 && !g.ended.Load() {
		g.add(append(g.rest, make([]int16, FrameSamples-len(g.rest))...))
	}
	g.rest = nil
	g.ended.Store(true)
}

// add appends a frame in every way, and only then lets players know of it.
func (g *Growing) add(frame []int16) bool {
	i := int(g.heard.Load())
	if i >= g.most {
		return false
	}
	g.pcm = append(g.pcm, frame...)
	g.levels.at(i)[i%chunkFrames] = levelOf(frame)
	for _, w := range g.ways {
		if w != nil {
			w.encode(i, frame)
		}
	}
	g.heard.Store(int64(i + 1))
	return true
}

func (w *way) encode(i int, frame []int16) {
	n := w.codec.FrameBytes()
	at := i % chunkFrames * n
	w.encoder.Encode(w.bytes.at(i)[at:at+n], frame)
}

// in is the sound in a codec; what is there already is encoded by the first who asks.
func (g *Growing) in(c Codec) *way {
	g.mu.Lock()
	defer g.mu.Unlock()
	if w := g.ways[c]; w != nil {
		return w
	}
	w := &way{codec: c, bytes: newTable[[chunkFrames * MaxFrameBytes]byte](g.most)}
	_ = w.encoder.Reset(c, SampleRate) // both are valid
	for i := range len(g.pcm) / FrameSamples {
		w.encode(i, g.pcm[i*FrameSamples:(i+1)*FrameSamples])
	}
	g.ways[c] = w
	g.prompt.ways[c].Store(w)
	return w
}

// frame i, which is there.
func (w *way) frame(i int) []byte {
	n := w.codec.FrameBytes()
	at := i % chunkFrames * n
	return w.bytes.chunks[i/chunkFrames].Load()[at : at+n : at+n]
}

func (g *Growing) level(i int) float32 {
	if i < 0 || i >= int(g.heard.Load()) {
		return noLevel
	}
	return g.levels.chunks[i/chunkFrames].Load()[i%chunkFrames]
}
