package engine_test

import (
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/ivrd/ivrd/internal/testkit/memnet"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/engine"
	"github.com/ivrd/ivrd/media/rtpio"
)

// lab is an engine with a network and phones around it.
type lab struct {
	*testing.T

	engine *engine.Engine
	net    *memnet.Network // nil over real sockets
	hosts  byte
	phones []*tone.Phone
}

const serverHost = "10.0.0.1"

// inMemory runs a test in virtual time, on sockets that are polled.
func inMemory(t *testing.T, c engine.Config, test func(*lab)) {
	t.Helper()
	inMemoryBy(t, func(h *memnet.Host) rtpio.Network { return h.Polled() }, c, test)
}

// inMemoryBy reads in the way that the network lets.
func inMemoryBy(t *testing.T, reads func(*memnet.Host) rtpio.Network, c engine.Config, test func(*lab)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &lab{T: t, net: memnet.New(1), hosts: 1}
		host := l.net.Host(serverHost)
		c.Network, c.Address = reads(host), host.Addr()
		if c.Workers == 0 {
			c.Workers = 2
		}
		l.run(c, test)
		if open := l.net.Open(); open != 0 {
			t.Errorf("%d sockets are left open", open)
		}
	})
}

// overUDP runs a test on the machine's loopback, in real time.
func overUDP(t *testing.T, n rtpio.Network, test func(*lab)) {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t, goleak.IgnoreCurrent()) })
	l := &lab{T: t}
	l.run(engine.Config{Address: netip.MustParseAddr("127.0.0.1"), Workers: 2, Network: n}, test)
}

func (l *lab) run(c engine.Config, test func(*lab)) {
	e, err := engine.New(c)
	if err != nil {
		l.Fatal(err)
	}
	if err := e.Start(); err != nil {
		l.Fatal(err)
	}
	l.engine = e
	defer l.end()
	test(l)
}

// other is a second engine, on a host of its own, that the test closes.
func (l *lab) other(addr string) *engine.Engine {
	l.Helper()
	host := l.net.Host(addr)
	e, err := engine.New(engine.Config{Network: host, Address: host.Addr(), Workers: 1})
	if err != nil {
		l.Fatal(err)
	}
	if err := e.Start(); err != nil {
		l.Fatal(err)
	}
	return e
}

// end closes the engine, twice, and the phones; Fatal comes by here, too.
func (l *lab) end() {
	for range 2 {
		if err := l.engine.Close(); err != nil {
			l.Error(err)
		}
	}
	for _, p := range l.phones {
		_ = p.Close()
	}
}

// virtual reports whether time is.
func (l *lab) virtual() bool { return l.net != nil }

// pass lets time go by.
func (l *lab) pass(d time.Duration) {
	if l.virtual() {
		time.Sleep(d)
		return
	}
	<-time.After(d)
}

func (l *lab) phone() *tone.Phone {
	l.Helper()
	var network rtpio.Network = rtpio.UDP{}
	addr := netip.MustParseAddr("127.0.0.1")
	if l.net != nil {
		l.hosts++
		addr = netip.AddrFrom4([4]byte{10, 0, 0, l.hosts})
		network = l.net.Host(addr.String())
	}
	p, err := tone.NewPhone(network, addr)
	if err != nil {
		l.Fatal(err)
	}
	l.phones = append(l.phones, p)
	return p
}

func (l *lab) session() media.Session {
	l.Helper()
	s, err := l.engine.NewSession("test")
	if err != nil {
		l.Fatal(err)
	}
	return s
}

// leg is a phone with its stream, and the stream's events as they come.
type leg struct {
	media.Stream

	phone *tone.Phone
	mu    sync.Mutex
	log   []media.StreamEvent
}

// connect opens a stream to a new phone that sends a tone.
func (l *lab) connect(s media.Session, o media.StreamOptions, c media.Codec, freqHz float64) *leg {
	l.Helper()
	g := l.open(s, o)
	if err := g.Connect(remote(g.phone, c)); err != nil {
		l.Fatal(err)
	}
	g.phone.Send(g.Local(), c, freqHz)
	return g
}

func (l *lab) open(s media.Session, o media.StreamOptions) *leg {
	l.Helper()
	st, err := s.Open(o)
	if err != nil {
		l.Fatal(err)
	}
	g := &leg{Stream: st, phone: l.phone()}
	go func() {
		for ev := range st.Events() {
			g.mu.Lock()
			g.log = append(g.log, ev)
			g.mu.Unlock()
		}
	}()
	return g
}

func remote(p *tone.Phone, c media.Codec) media.Remote {
	return media.Remote{
		Addr: p.Addr(), Signalling: p.Addr().Addr(),
		Codec: c, PayloadType: c.PayloadType(), EventType: tone.EventType,
	}
}

// events of one kind so far.
func (g *leg) events(kind media.EventKind) []media.StreamEvent {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []media.StreamEvent
	for _, ev := range g.log {
		if ev.Kind == kind {
			out = append(out, ev)
		}
	}
	return out
}

func (g *leg) digits() string {
	var out []byte
	for _, ev := range g.events(media.EventDigit) {
		out = append(out, ev.Digit)
	}
	return string(out)
}

// hears checks which tones a leg's phone has heard in the last 300 ms.
func (l *lab) hears(g *leg, want ...float64) {
	l.Helper()
	got := g.phone.Tones(-300*time.Millisecond, 0, tones...)
	if !slices.Equal(got, want) {
		l.Errorf("heard %v Hz, want %v", got, want)
	}
}

// tones of the parties, in this order.
var tones = []float64{400, 700, 1100, 1700, 2300}

// tap keeps what it is given.
type tap struct {
	mu       sync.Mutex
	frames   map[media.Track][]tapped
	decoders map[media.Track]*media.Decoder
}

type tapped struct {
	at  media.Time
	pcm []int16 // nil was lost
}

func (t *tap) Frame(track media.Track, at media.Time, c media.Codec, payload []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.frames == nil {
		t.frames, t.decoders = map[media.Track][]tapped{}, map[media.Track]*media.Decoder{}
	}
	f := tapped{at: at}
	if payload != nil {
		f.pcm = t.decode(track, c, payload)
	}
	t.frames[track] = append(t.frames[track], f)
}

func (t *tap) decode(track media.Track, c media.Codec, payload []byte) []int16 {
	d := t.decoders[track]
	if d == nil || d.Codec() != c {
		d = new(media.Decoder)
		_ = d.Reset(c, media.SampleRate) // what is tapped has a codec
		t.decoders[track] = d
	}
	pcm := make([]int16, d.Samples(len(payload)))
	return pcm[:d.Decode(pcm, payload)]
}

// pcm of a track from a time on, lost frames silent.
func (t *tap) pcm(track media.Track, from media.Time) (pcm []int16, frames int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.frames[track] {
		if f.at < from {
			continue
		}
		frames++
		if f.pcm == nil {
			f.pcm = make([]int16, media.FrameSamples)
		}
		pcm = append(pcm, f.pcm...)
	}
	return pcm, frames
}
