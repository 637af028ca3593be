package call

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/internal/seal"
	"github.com/ivrd/ivrd/internal/testkit/memnet"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/engine"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/recordings/sqlitestore"
	"github.com/ivrd/ivrd/routing"
	"github.com/ivrd/ivrd/routing/memstore"
	"github.com/ivrd/ivrd/sip"
	"github.com/ivrd/ivrd/tts/ssml"
)

// stage is a whole house without signalling, in memory and virtual time: real
// flows, engine and archive; legs that the test plays.
type stage struct {
	t       *testing.T
	net     *memnet.Network
	con     *Conductor
	desk    *routing.Dispatcher // the queues support and fraud; alice and, for both, bob, who are offline
	vault   *recordings.Vault
	fetch   func(context.Context, ivr.Request) (ivr.Response, error)
	dialled chan *party // outgoing legs, as they are made
	dialErr error
	ended   chan recordings.Call
	closes  []func()
	mu      sync.Mutex // of closes and hosts
	hosts   int
	log     logged
	script  Script // of new calls
	// pages: whoever is rung is a page; unregistered: none is there.
	pages        bool
	unregistered atomic.Bool
}

const ours = "10.0.0.1"

// newStage builds the house with one flow.
func newStage(t *testing.T, flow string) *stage {
	t.Helper()
	s := &stage{t: t, net: memnet.New(1), dialled: make(chan *party, 8), ended: make(chan recordings.Call, 64)}
	flows, faults := ivr.CheckFiles(map[string][]byte{"f.yaml": []byte(flow)}, ivr.CheckOptions{})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	eng, err := engine.New(engine.Config{Workers: 1, Network: s.net.Host(ours), Address: netip.MustParseAddr(ours)})
	if err != nil {
		t.Fatal(err)
	}
	if err := eng.Start(); err != nil {
		t.Fatal(err)
	}
	s.script = Script{Flows: flows, Speaker: tones{}}
	s.openVault()
	s.openDesk()
	s.con = New(Config{Numbers: map[string]Target{"1000": {Flow: "f"}, "echo": {Echo: true}}, MaxCalls: 100, Activity: true}, Deps{
		Media: eng, Archive: s.vault, Dialer: dialer{s}, Queues: s.desk, Fetcher: fetcher{s},
		Script: func() Script { return s.script }, Log: slog.New(slog.NewTextHandler(&s.log, nil)),
		Ended: func(c recordings.Call) { s.ended <- c },
	})
	s.closes = append(s.closes, func() {
		s.con.Drain(canceled())
		if err := eng.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *stage) openDesk() {
	s.t.Helper()
	s.desk = routing.New(routing.Config{
		Policy: routing.DefaultPolicy(),
		Queues: []routing.Queue{{Name: "support", Ring: 10 * time.Second, WrapUp: 5 * time.Second, Handle: 3 * time.Minute}, {Name: "fraud", Ring: 10 * time.Second, WrapUp: 5 * time.Second}},
	}, memstore.New())
	for name, queues := range map[string][]string{"alice": {"support"}, "bob": {"support", "fraud"}} {
		if err := s.desk.SetAgent(context.Background(), routing.Agent{Name: name, Queues: queues}); err != nil {
			s.t.Fatal(err)
		}
	}
	s.desk.Start()
	s.closes = append(s.closes, s.desk.Close)
}

// logged is what the conductor has logged, line by line.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(line))
	return len(line), nil
}

// errors are the lines of level error.
func (l *logged) errors() []string { return l.all("level=ERROR") }

// all are the lines that have something in them.
func (l *logged) all(of string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, line := range l.lines {
		if strings.Contains(line, of) {
			all = append(all, line)
		}
	}
	return all
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func (s *stage) openVault() {
	s.t.Helper()
	dir := s.t.TempDir()
	log := slog.New(slog.DiscardHandler)
	keys, err := seal.CreateRootFile(dir+"/root", log)
	if err != nil {
		s.t.Fatal(err)
	}
	store, err := sqlitestore.Open(context.Background(), dir+"/db")
	if err != nil {
		s.t.Fatal(err)
	}
	s.vault, err = recordings.Open(context.Background(), recordings.Config{Dir: dir, Node: "test"}, recordings.Deps{Store: store, Keys: keys, Log: log})
	if err != nil {
		s.t.Fatal(err)
	}
	s.closes = append(s.closes, func() {
		if err := errors.Join(s.vault.Close(), store.Close()); err != nil {
			s.t.Error(err)
		}
	})
}

// close ends the house; nothing may be left in the bubble.
func (s *stage) close() {
	for _, v := range slices.Backward(s.closes) {
		v()
	}
}

// play runs a test in virtual time.
func play(t *testing.T, flow string, test func(s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, flow)
		defer s.close()
		test(s)
	})
}

// call calls a number; the caller's phone sends a tone.
func (s *stage) call(number string, freq float64) *party {
	s.t.Helper()
	p := s.party(freq)
	p.info = leg.Info{Direction: leg.Incoming, From: "+8613800138000", To: number}
	go s.con.serve(context.Background(), p)
	return p
}

// party makes somebody with a phone on a host of their own.
func (s *stage) party(freq float64) *party {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosts++
	host := s.net.Host(fmt.Sprintf("10.0.1.%d", s.hosts))
	ph, err := tone.NewPhone(host, host.Addr())
	if err != nil {
		s.t.Fatal(err)
	}
	p := &party{s: s, phone: ph, freq: freq, events: make(chan leg.Event, 16), rejected: make(chan leg.EndReason, 1), over: make(chan struct{})}
	s.closes = append(s.closes, func() { _ = ph.Close() })
	return p
}

// record waits for the next call that has ended.
func (s *stage) record() recordings.Call {
	s.t.Helper()
	select {
	case c := <-s.ended:
		return c
	case <-time.After(10 * time.Minute):
		s.t.Fatal("no call has ended")
		return recordings.Call{}
	}
}

// track is the sealed sound of a call.
func (s *stage) track(id string, tr media.Track) []int16 {
	s.t.Helper()
	pb, err := s.vault.Play(context.Background(), id, tr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer pb.Close()
	pcm, _, err := media.ReadWAV(pb)
	if err != nil {
		s.t.Fatal(err)
	}
	return pcm
}

// party is a leg that the test plays: as an invitation, as a leg, as a person.
type party struct {
	s        *stage
	info     leg.Info
	asked    sip.DialRequest // outgoing
	phone    *tone.Phone
	freq     float64
	stream   media.Stream
	events   chan leg.Event
	rejected chan leg.EndReason
	over     chan struct{}
	once     sync.Once
	reason   leg.EndReason
}

func (p *party) ID() string               { return "leg" }
func (p *party) Info() leg.Info           { return p.info }
func (p *party) Events() <-chan leg.Event { return p.events }
func (p *party) Ring(bool) error          { return nil }
func (p *party) Stream() media.Stream     { return p.stream }
func (p *party) Reject(r leg.EndReason)   { p.rejected <- r }

func (p *party) Accept(session media.Session, o media.StreamOptions) (leg.Leg, error) {
	st, err := session.Open(o)
	p.stream = st
	return p, err
}

func (p *party) Answer(context.Context) error {
	p.connect()
	return nil
}

// connect joins phone and stream.
func (p *party) connect() {
	p.phone.Send(p.stream.Local(), media.PCMU, p.freq)
	err := p.stream.Connect(media.Remote{Addr: p.phone.Addr(), Signalling: p.phone.Addr().Addr(), Codec: media.PCMU, EventType: tone.EventType})
	if err != nil {
		p.s.t.Error(err)
	}
}

// End is our side hanging up; the first end counts.
func (p *party) End(r leg.EndReason) {
	p.once.Do(func() {
		p.reason = r
		_ = p.stream.Close()
		p.events <- leg.Event{Kind: leg.Ended, Reason: r}
		close(p.events)
		close(p.over)
	})
}

// pickUp answers an outgoing call.
func (p *party) pickUp() {
	p.connect()
	p.events <- leg.Event{Kind: leg.Answered}
}

// hears returns which of the tones the party has heard in the last while.
func (p *party) hears(last time.Duration, freqs ...float64) string {
	p.s.t.Helper()
	var out []string
	for _, f := range p.phone.Tones(-last, 0, freqs...) {
		out = append(out, strconv.Itoa(int(f)))
	}
	return strings.Join(out, " ")
}

func (p *party) press(keys string) {
	p.s.t.Helper()
	if err := p.phone.Press(keys, 1); err != nil {
		p.s.t.Fatal(err)
	}
}

type dialer struct{ s *stage }

func (d dialer) Dial(_ context.Context, session media.Session, r sip.DialRequest) (leg.Leg, error) {
	if d.s.dialErr != nil {
		return nil, d.s.dialErr
	}
	p := d.s.party(1400)
	p.info, p.asked = leg.Info{Direction: leg.Outgoing, To: r.User + r.Number}, r
	if d.s.pages {
		p.info.Transport = "ws"
	}
	st, err := session.Open(r.Options)
	if err != nil {
		return nil, err
	}
	p.stream = st
	d.s.dialled <- p
	return p, nil
}

func (d dialer) Registered(string) bool { return !d.s.unregistered.Load() }

type fetcher struct{ s *stage }

func (f fetcher) Fetch(ctx context.Context, r ivr.Request) (ivr.Response, error) {
	return f.s.fetch(ctx, r)
}

// tones speaks in tones: the prompt t700 is half a second of 700 Hz, long is
// a minute of 600 Hz; text cannot be spoken.
type tones struct{}

var errSpeechless = errors.New("no speech here")

func (tones) File(_, name string) (*media.Prompt, error) {
	freq, d := 600.0, time.Minute
	if name != "long" {
		f, err := strconv.Atoi(strings.TrimPrefix(name, "t"))
		if err != nil {
			return nil, err
		}
		freq, d = float64(f), 500*time.Millisecond
	}
	return media.NewPrompt(name, media.Tone(freq, -20, d)), nil
}

func (tones) Say(context.Context, string, ssml.Speech) ([]*media.Prompt, error) {
	return nil, errSpeechless
}
