package engine

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/dtmf"
	"github.com/ivrd/ivrd/media/mix"
	"github.com/ivrd/ivrd/media/rtpio"
)

// eventQueue is how many events wait for a slow reader.
const eventQueue = 64

// stream is the media of one leg. What each tick needs stands first: see
// rtpio.Endpoint.
type stream struct {
	session  *session
	endpoint *rtpio.Endpoint

	// The worker's.
	closed    bool
	connected bool
	pausing   bool        // the next packet begins a talk spurt
	track     media.Track // where its voice is recorded
	base      uint32      // RTP timestamp at session time 0
	hush      uint8       // ticks since there was sound, up to stalled+1
	report    media.Time
	inBand    *inBand   // of a peer that takes no events; else nil
	activity  *activity // nil where nobody asks for it
	doubted   uint64    // packets that did not authenticate and have been told
	hears     hearing
	speakers  []*stream // whom this leg hears, in a bridge one
	overheard []*stream // whose prompts it hears
	ear       mix.Listener
	played    []byte // the player's frame of this tick
	player    player
	keys      dtmf.Sender
	intake    rtpio.Intake
	remote    media.Remote
	stats     media.Stats  // what the endpoint does not know
	voice     mix.Voice    // of the peer
	prompts   [2]mix.Voice // of what is played, taking turns
	rests     [2]rest
	once      dtmf.Once
	agreed    media.Remote              // with a peer whose keys may not be there yet
	shaken    *media.SRTPKeys           // of its handshake
	silence   [media.MaxFrameBytes]byte // of which a frame is sent
	recoded   [media.MaxFrameBytes]byte
	samples   int   // of a frame as this leg hears it
	wide      *wide // where the tables of G.711 do not do; else nil

	options media.StreamOptions
	keyed   keyed // of a peer whose keys come from a handshake; else nil
	events  chan media.StreamEvent
	plays   atomic.Uint64
	codec   atomic.Uint32 // media.Codec, once connected
}

var _ media.Stream = (*stream)(nil)

func newStream(s *session, o media.StreamOptions, endpoint *rtpio.Endpoint, k keyed) *stream {
	endpoint.Use(&s.worker.scratch)
	st := &stream{
		session:  s,
		options:  o,
		endpoint: endpoint,
		keyed:    k,
		events:   make(chan media.StreamEvent, eventQueue),
		track:    o.Track,
		base:     rand.Uint32(),
		pausing:  true,
		hush:     stalled,
		stats:    media.Stats{FirstMedia: -1},
	}
	st.voice.Speaker = speaker{st}
	if o.Activity {
		st.activity = new(activity)
	}
	for i := range st.prompts {
		st.prompts[i] = mix.Voice{Speaker: shown{st, played + source(i)}, Steady: true}
	}
	return st
}

func (st *stream) Local() netip.AddrPort { return st.endpoint.Local() }

func (st *stream) Events() <-chan media.StreamEvent { return st.events }

// do runs f on the worker unless the stream is closed.
func (st *stream) do(f func()) bool {
	open := false
	_, ok := st.session.do(func() {
		if open = !st.closed; open {
			f()
		}
	})
	return ok && open
}

func (st *stream) Connect(r media.Remote) error {
	if st.keyed != nil {
		return st.connectKeyed(r)
	}
	var err error
	if !st.do(func() { err = st.connect(r) }) {
		return fmt.Errorf("connect stream: %w", media.ErrClosed)
	}
	return err
}

func (st *stream) connect(r media.Remote) error {
	if len(st.options.Codecs) > 0 && !slices.Contains(st.options.Codecs, r.Codec) {
		return fmt.Errorf("connect stream: codec %v was not offered", r.Codec)
	}
	if err := st.endpoint.Connect(r); err != nil {
		return err
	}
	if !st.connected {
		st.scheduleReport(st.session.next)
	}
	if before := &st.remote; r.Addr != before.Addr || r.EventType != before.EventType || r.InBand != before.InBand {
		st.once.Reset()
		st.inBand = nil
		if r.InBand {
			st.inBand = new(inBand)
		}
	}
	st.speak(r.Codec)
	st.connected, st.remote = true, r
	st.hears.quiet, st.hears.told = 0, false // what was negotiated anew gets its time anew
	return nil
}

// speak changes the codec.
func (st *stream) speak(c media.Codec) {
	if c == st.remote.Codec {
		return
	}
	if st.connected && c.AudioRate() != st.remote.Codec.AudioRate() {
		st.ear = mix.Listener{} // its voices have the other rate
	}
	st.samples = c.FrameSamples()
	st.intake.Kind, st.intake.Payload = rtpio.NoFrame, nil // what came last is of the other codec
	if !c.Stateless() {
		st.widened()
	}
	if w := st.wide; w != nil {
		w.came, w.out = past{}, writer{}
	}
	for i := range st.silence {
		st.silence[i] = c.Silence()
	}
	st.codec.Store(uint32(c))
}

func (st *stream) Play(p media.Play) media.PlayID {
	id := media.PlayID(st.plays.Add(1))
	p.Prompts = slices.Clone(p.Prompts)
	st.prepare(p.Prompts)
	st.do(func() {
		st.player.stop(st, st.session.next)
		st.player = player{Play: p, id: id, active: true, fresh: true}
	})
	return id
}

// prepare encodes prompts here rather than on the worker.
func (st *stream) prepare(prompts []*media.Prompt) {
	codecs := st.options.Codecs
	if c := media.Codec(st.codec.Load()); c.Valid() {
		codecs = []media.Codec{c}
	} else if len(codecs) == 0 {
		codecs = media.Codecs()
	}
	for _, p := range prompts {
		for _, c := range codecs {
			p.Prepare(c)
		}
		if st.options.Activity { // which looks at what is sent
			p.Prepare(media.PCMU)
		}
	}
}

func (st *stream) Stop() {
	st.do(func() { st.player.stop(st, st.session.next) })
}

// Pause implements media.Pauser.
func (st *stream) Pause() {
	st.do(func() { st.player.wait(st, st.session.next, pause{held: true}) })
}

// Resume implements media.Pauser.
func (st *stream) Resume() { st.do(func() { st.player.goOn() }) }

func (st *stream) SendDigits(digits string) error {
	if err := dtmf.Check(digits); err != nil {
		return err
	}
	err := fmt.Errorf("send digits: %w", media.ErrClosed)
	st.do(func() { err = st.press(digits) })
	return err
}

func (st *stream) Stats() media.Stats {
	s := st.endpoint.Stats()
	var w media.Stats
	if !st.session.worker.do(func() { w = st.stats }) {
		w = st.stats // the worker has stopped and does not write any more
	}
	s.FirstMedia, s.LastMedia = w.FirstMedia, w.LastMedia
	s.EventsDropped = w.EventsDropped
	s.FramesTapped, s.TapMissed, s.Talk = w.FramesTapped, w.TapMissed, w.Talk
	return s
}

func (st *stream) Close() error {
	st.do(st.end)
	return nil
}

// end runs on the worker, once.
func (st *stream) end() {
	st.player.stop(st, st.session.next)
	st.hushed()
	st.breakOff()
	st.unbridge()
	st.endpoint.Report(time.Now(), st.timestamp(st.session.next), true)
	if st.keyed != nil {
		st.keyed.leave()
	}
	st.endpoint.Close()
	st.session.streams = slices.DeleteFunc(st.session.streams, func(o *stream) bool { return o == st })
	st.session.engine.closed(st)
	st.closed = true
	close(st.events)
}

// unbridge leaves a stream alone: it hears nobody, and nobody hears it.
func (st *stream) unbridge() {
	st.speakers, st.overheard = st.speakers[:0], st.overheard[:0]
	is := func(s *stream) bool { return s == st }
	for _, o := range st.session.streams {
		o.speakers, o.overheard = slices.DeleteFunc(o.speakers, is), slices.DeleteFunc(o.overheard, is)
	}
}

// with reports whether two legs hear each other.
func (st *stream) with(o *stream) bool {
	return slices.Contains(st.speakers, o) && slices.Contains(o.speakers, st)
}

// emit never blocks: what a slow reader has no room for is counted.
func (st *stream) emit(ev media.StreamEvent) {
	select {
	case st.events <- ev:
	default:
		st.stats.EventsDropped++
	}
}
