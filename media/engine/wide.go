package engine

import (
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/mix"
	"github.com/ivrd/ivrd/media/rtpio"
)

// source is whose sound of a stream is meant.
type source uint8

const (
	said      source = iota // by the peer
	played                  // to the peer, in the player's turn 0
	playedToo               // in its turn 1
	numSources
)

// stale is how long a codec's state outlives its sound. What was heard longer
// ago says nothing of what comes now.
const stale = 10 * media.FrameSamples

// wide is what a stream needs where the tables of G.711 do not do. It is made
// when its codec has state, or somebody hears it at another rate than its own.
type wide struct {
	voices   [numSources]*mix.Voice // at media.WidebandRate
	decoders [numSources][2]*decoder
	came     past // of the peer
	out      writer
}

// widened makes the stream's wide.
func (st *stream) widened() *wide {
	if st.wide == nil {
		st.wide = new(wide)
	}
	return st.wide
}

// voiceOf is the voice of a source for who hears frames of so many samples.
func (st *stream) voiceOf(from source, samples int) *mix.Voice {
	if samples == media.FrameSamples && from == said {
		return &st.voice
	}
	return st.otherVoice(from, samples)
}

func (st *stream) otherVoice(from source, samples int) *mix.Voice {
	if samples == media.FrameSamples {
		return &st.prompts[from-played]
	}
	v := &st.widened().voices[from]
	if *v == nil {
		*v = st.newVoice(from)
	}
	return *v
}

func (st *stream) newVoice(from source) *mix.Voice {
	if from == said {
		return &mix.Voice{Speaker: speaker{st}}
	}
	return &mix.Voice{Speaker: shown{st, from}, Steady: true}
}

// decode writes the present frame of a source to dst, at the rate that its
// length stands for.
func (st *stream) decode(from source, dst []int16, payload []byte) {
	if c := st.remote.Codec; c.Stateless() && c.FrameSamples() == len(dst) {
		c.Decode(dst, payload)
		return
	}
	st.decoder(from, len(dst)).Decode(dst, payload)
}

// decoder makes the sound of one source at one rate.
type decoder struct {
	media.Decoder

	at    media.Time // of the last frame
	since media.Time // when the sound began
}

// decoder is where the sound of a source has got to by the present frame.
func (st *stream) decoder(from source, samples int) *decoder {
	slot := &st.widened().decoders[from][samples/media.MaxFrameSamples]
	before, since := &st.wide.came, media.Time(0)
	if from != said {
		before, since = &st.wide.out.sent, st.since(from)
	}
	d, at := *slot, st.session.Now()
	switch {
	case d == nil || d.Codec() != st.remote.Codec:
		d = new(decoder)
		*slot = d
		_ = d.Reset(st.remote.Codec, samples*media.FramesPerSecond) // the codec is agreed, the rate one of two
		d.catchUp(before, at, since)
	case d.since != since || before.newest() > d.at && before.newest() >= since:
		d.Restart()
		d.catchUp(before, at, since)
	}
	d.at, d.since = at, since
	return d
}

// catchUp lets a decoder hear what was said while nobody needed it.
func (d *decoder) catchUp(before *past, at, since media.Time) {
	var room [media.MaxFrameSamples]int16
	for payload := range before.recent(at, since) {
		d.Decode(room[:], payload)
	}
}

// since is when what is played in a turn began.
func (st *stream) since(turn source) media.Time {
	if cut := st.rests[turn-played]; cut.at == st.session.Now() {
		return cut.since
	}
	return st.player.since
}

// keep notes what the peer said in the last tick, before the next is taken.
func (w *wide) keep(in *rtpio.Intake, at media.Time) {
	if in.Kind == rtpio.Sound {
		w.came.add(at, in.Payload)
	}
}

// writer encodes for a peer whose codec has state.
type writer struct {
	encoder media.G722Encoder
	sent    past
	apart   bool // what was sent last does not come from the encoder
	held    int  // frames that need not have come from it
	up      *media.Resampler
}

// encode writes what this leg hears in its codec.
func (st *stream) encode(pcm []int16) []byte {
	c := st.remote.Codec
	frame := st.recoded[:c.FrameBytes()]
	if c.Stateless() {
		c.Encode(frame, pcm)
		return frame
	}
	w := &st.widened().out
	if !w.apart {
		w.encoder.Encode(frame, pcm)
		return frame
	}
	w.apart, w.held = false, 0
	for payload := range w.sent.recent(st.session.Now(), 0) {
		w.encoder.Follow(payload)
	}
	w.encoder.Join(frame, pcm)
	return frame
}

// The way through the encoder delays sound by 1.4 ms. Who goes back to a voice as
// it comes does so where the skip is not heard, in a pause, but at last after 2 s.
const (
	pauseLevel = 58 // mean magnitude: -55 dBov
	longest    = 100
)

// asItCame reports whether a voice that is heard alone, and is in this leg's codec,
// may go over undecoded.
func (st *stream) asItCame(v *mix.Voice, at media.Time) bool {
	if st.remote.Codec.Stateless() || st.wide.out.apart {
		return true
	}
	w := &st.wide.out
	if w.held++; w.held > longest {
		return true
	}
	sum := 0
	for _, s := range v.Frame(at, st.samples) {
		sum += max(int(s), -int(s))
	}
	return sum < pauseLevel*st.samples
}

// encodeNarrow is encode of a frame at media.SampleRate.
func (st *stream) encodeNarrow(pcm []int16) []byte {
	if st.samples == len(pcm) {
		return st.encode(pcm)
	}
	w := &st.widened().out
	if w.up == nil {
		w.up, _ = media.NewResampler(media.SampleRate, media.WidebandRate) // both are rates it has
	}
	var room [media.MaxFrameSamples]int16
	return st.encode(room[:w.up.Resample(room[:], pcm)])
}

// wrote notes what was sent to a peer whose codec has state.
func (st *stream) wrote(at media.Time, payload []byte) {
	w := &st.wide.out
	w.sent.add(at, payload)
	w.apart = &payload[0] != &st.recoded[0]
}

// unsent notes that what was made for the peer has not gone there.
func (st *stream) unsent() {
	if st.wide != nil {
		st.wide.out.apart = true
	}
}

// pastFrames of 20 ms are heard until nothing is left of what a G.722 decoder
// began from.
const pastFrames = 5

// past is the newest of a sound in its codec.
type past struct {
	frames [pastFrames][media.MaxFrameBytes]byte
	size   int // of each, in bytes: they are of one codec
	times  [pastFrames]media.Time
	next   int
	n      int
}

func (p *past) add(at media.Time, payload []byte) {
	p.size = copy(p.frames[p.next][:], payload)
	p.times[p.next] = at
	p.next = (p.next + 1) % pastFrames
	p.n = min(p.n+1, pastFrames)
}

// newest is the time of the last frame, if there is one.
func (p *past) newest() media.Time {
	if p.n == 0 {
		return -1
	}
	return p.times[(p.next+pastFrames-1)%pastFrames]
}

// recent are the frames of the last 200 ms, from a time on, oldest first.
func (p *past) recent(at, since media.Time) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for i := p.next + pastFrames - p.n; i < p.next+pastFrames; i++ {
			k := i % pastFrames
			if t := p.times[k]; t >= since && at-t <= stale && !yield(p.frames[k][:p.size]) {
				return
			}
		}
	}
}
