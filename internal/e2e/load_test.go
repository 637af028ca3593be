package e2e

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/secret"
	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/engine"
	"github.com/ivrd/ivrd/sip"
)

const (
	loadCalls  = 200
	loadSpan   = 26 * time.Second // over which they begin
	loadTalk   = 2500 * time.Millisecond
	loadAtOnce = 30
	// loadRest is how long a SIP transaction is remembered over UDP after its
	// end, for retransmissions (64*T1, RFC 3261 §17), and a little.
	loadRest = 38 * time.Second
)

// TestLoad sends 200 callers, 30 of them at once: none is lost, each hears its
// greeting and gets what its keys ask for, and nothing is left behind.
func TestLoad(t *testing.T) {
	h := open(t) // before the parallel tests: it is the measure of a load
	x := newExchange(t)
	if err := x.loadCall(h, 0); err != nil { // what is made once is made now
		t.Fatal(err)
	}
	h.ended(1)
	before := h.settled()

	errs := x.load(h)
	calls := h.ended(loadCalls + 1)
	for _, err := range errs {
		t.Error(err)
	}
	for _, c := range calls {
		if c.Recording.State != "complete" || len(c.Recording.Chain) == 0 || c.End.Class != leg.Success {
			t.Errorf("call %s ended as %s, its recording is %s (%s)", c.ID, c.End, c.Recording.State, c.Recording.Cause)
		}
	}
	h.nothingLeft(before)
	h.verify()
}

// load makes the calls and returns what went wrong with them.
func (x *exchange) load(h *house) []error {
	x.t.Helper()
	results := make(chan error, loadCalls)
	pace := time.NewTicker(loadSpan / loadCalls)
	defer pace.Stop()
	most := 0
	for i := range loadCalls {
		go func() { results <- x.loadCall(h, i) }()
		most = max(most, x.busy())
		<-pace.C
	}
	var errs []error
	for range loadCalls {
		if err := <-results; err != nil {
			errs = append(errs, err)
		}
	}
	x.t.Logf("%d calls at once", most)
	if most < loadAtOnce {
		x.t.Errorf("only %d calls were at once", most)
	}
	return errs
}

// loadCall is one caller: every second one listens and hangs up, the others
// leave a message and are hung up on.
func (x *exchange) loadCall(h *house, i int) error {
	err := func() error {
		c, err := x.dial("sip:1000@" + h.sip)
		if err != nil {
			return err
		}
		defer c.close()
		c.say(440)
		if err := c.waits(500, 700); err != nil {
			return err
		}
		if i%2 == 0 {
			return c.listens()
		}
		return c.leavesMessage()
	}()
	if err != nil {
		return fmt.Errorf("call %d: %w", i, err)
	}
	return nil
}

func (c *telephone) listens() error {
	if err := c.leg.Stream().SendDigits("5"); err != nil {
		return err
	}
	if err := c.waits(600); err != nil {
		return err
	}
	<-time.After(loadTalk)
	c.leg.End(leg.CallerHangup)
	return c.waitsEnd(leg.CallerHangup)
}

func (c *telephone) leavesMessage() error {
	if err := c.leg.Stream().SendDigits("3"); err != nil {
		return err
	}
	if err := c.waits(1500, 1000); err != nil {
		return err
	}
	<-time.After(loadTalk)
	if err := c.leg.Stream().SendDigits("#"); err != nil {
		return err
	}
	if err := c.waits(1900); err != nil {
		return err
	}
	return c.waitsEnd(leg.AgentHangup)
}

// usage is what a server holds.
type usage struct{ goroutines, files, ports, resting, calls, heap float64 }

func (h *house) usage() usage {
	m := h.metrics()
	return usage{
		goroutines: m["go_goroutines"], files: m["process_open_fds"], ports: m["ivrd_media_ports_free"],
		resting: m["ivrd_media_ports_resting"], calls: m["ivrd_calls_active"], heap: m["go_memstats_heap_inuse_bytes"],
	}
}

// settled waits until no call and no resting port is left.
func (h *house) settled() usage {
	h.t.Helper()
	var u usage
	testkit.Eventually(h.t, 30*time.Second, "the end of all calls and the rest of their ports", func() bool {
		u = h.usage()
		return u.calls == 0 && u.resting == 0
	})
	return u
}

// heapSlack is what the heap may have grown by: buffers that are kept for the
// next calls (8 MB), and garbage not yet collected.
const heapSlack = 48 << 20

// slack of goroutines and files: the connections of this test's own requests
// and of the database's readers come and go.
const slack = 3

func (h *house) nothingLeft(before usage) {
	h.t.Helper()
	var after usage
	whole := func() bool {
		after = h.settled()
		return after.goroutines <= before.goroutines+slack && after.files <= before.files+slack &&
			after.ports == before.ports && after.heap <= before.heap+heapSlack
	}
	for end := time.Now().Add(loadRest); time.Now().Before(end); <-time.After(time.Second) {
		if whole() {
			return
		}
	}
	h.t.Errorf("before %+v, after %+v", before, after)
}

// metrics reads those without labels.
func (h *house) metrics() map[string]float64 {
	h.t.Helper()
	status, body := h.api("/metrics")
	if status != http.StatusOK {
		h.t.Fatalf("metrics: %d", status)
	}
	out := map[string]float64{}
	for line := range strings.Lines(string(body)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			out[name] = v
		}
	}
	return out
}

// exchange is the telephones of a test, all in the test's own process: one SIP
// user agent and one media engine for all of them.
type exchange struct {
	t       *testing.T
	ua      *sip.Server
	engine  *engine.Engine
	handler *answering
}

// newExchange starts the telephones. By a trunk one of them may register
// somewhere.
func newExchange(t *testing.T, trunks ...sip.Trunk) *exchange {
	t.Helper()
	eng, err := engine.New(engine.Config{Workers: 1, Address: netip.MustParseAddr("127.0.0.1"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := eng.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = eng.Close() })
	x := &exchange{t: t, engine: eng}
	x.handler = &answering{x: x, calls: make(chan *telephone, 16)}
	cfg := sip.Config{UDP: "127.0.0.1:0", TCP: "127.0.0.1:0", Trunks: trunks}
	if x.ua, err = sip.New(cfg, sip.Deps{Handler: x.handler, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	if err := x.ua.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.ua.Close)
	return x
}

// agent starts a telephone that is registered as somebody and speaks a tone
// to whoever calls it.
func (h *house) agent(name string, freqHz float64) *exchange {
	h.t.Helper()
	x := newExchange(h.t, sip.Trunk{
		Name: "house", Match: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Server: h.sip, Transport: "udp",
		Username: secret.New(name), Password: secret.New(h.sipSecret(name)), Register: true,
	})
	x.handler.freq = freqHz
	testkit.Eventually(h.t, 10*time.Second, "the registration of "+name, func() bool { return x.ua.TrunkStates()[0].Registered })
	return x
}

// sipSecret makes a new secret for a person's phone.
func (h *house) sipSecret(name string) string {
	h.t.Helper()
	out, err := h.command("user", "sip-secret", name).Output()
	if err != nil {
		h.t.Fatalf("make SIP secret: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// busy is how many telephones are in a call.
func (x *exchange) busy() int { return x.ua.Counters().Legs }

// call calls and waits for the answer.
func (x *exchange) call(uri string) *telephone {
	x.t.Helper()
	c, err := x.dial(uri)
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(c.close)
	return c
}

// dial is call for any goroutine.
func (x *exchange) dial(uri string) (*telephone, error) {
	c, err := x.begin(uri)
	if err != nil {
		return nil, err
	}
	select {
	case <-c.answered:
		return c, nil
	case <-c.over:
		err = fmt.Errorf("it ended before the answer: %s %d", c.reason, c.reason.Status)
	case <-time.After(20 * time.Second):
		err = errors.New("no answer in 20 s")
	}
	c.close()
	return nil, err
}

// begin sends the INVITE.
func (x *exchange) begin(uri string) (*telephone, error) {
	session, err := x.engine.NewSession("telephone")
	if err != nil {
		return nil, err
	}
	c := newTelephone(session)
	c.leg, err = x.ua.Dial(context.Background(), session, sip.DialRequest{
		URI: uri, AllowURI: true, From: "caller", Timeout: 30 * time.Second,
		Options: media.StreamOptions{Name: "telephone", Track: media.TrackAgent},
	})
	if err != nil {
		return nil, errors.Join(err, session.Close())
	}
	go c.follow()
	return c, nil
}

// answering takes the calls that come to an exchange.
type answering struct {
	x     *exchange
	freq  float64
	rings time.Duration // before the answer
	calls chan *telephone
}

func (*answering) Known(string) bool   { return true }
func (*answering) Full() time.Duration { return 0 }

func (a *answering) Incoming(ctx context.Context, in *sip.Incoming) {
	session, err := a.x.engine.NewSession("telephone")
	if err != nil {
		return
	}
	defer session.Close()
	c := newTelephone(session)
	c.leg, err = in.Accept(session, media.StreamOptions{Name: "telephone", Track: media.TrackAgent})
	if err != nil {
		return
	}
	if a.rings > 0 {
		_ = c.leg.Ring(false) // it fails where the answer does
		<-time.After(a.rings)
	}
	if c.leg.Answer(ctx) != nil {
		return
	}
	c.say(a.freq)
	a.calls <- c
	c.follow()
}

// telephone is one call as its caller has it.
type telephone struct {
	session  media.Session
	leg      leg.Leg
	ear      ear
	answered chan struct{}
	over     chan struct{}
	reason   leg.EndReason // valid once over is closed
	at       int           // what was heard before this sample has been judged
}

func newTelephone(session media.Session) *telephone {
	c := &telephone{session: session, answered: make(chan struct{}), over: make(chan struct{})}
	session.SetTap(&c.ear)
	return c
}

// follow reads the leg's events to their end.
func (c *telephone) follow() {
	defer close(c.over)
	up := sync.OnceFunc(func() { close(c.answered) })
	for ev := range c.leg.Events() {
		switch ev.Kind {
		case leg.Answered:
			up()
		case leg.Ended:
			c.reason = ev.Reason
		}
	}
}

func (c *telephone) close() {
	c.leg.End(leg.CallerHangup)
	<-c.over
	_ = c.session.Close()
}

// say sends a tone until the end.
func (c *telephone) say(freqHz float64) {
	c.leg.Stream().Play(media.Play{Loop: true, Prompts: []*media.Prompt{media.NewPrompt("tone", media.Tone(freqHz, -20, time.Second))}})
}

// patience is how long a tone or an end is waited for.
const patience = 20 * time.Second

// waits hears these tones, one after the other.
func (c *telephone) waits(freqs ...float64) error {
	for _, f := range freqs {
		limit := time.Now().Add(patience)
		for !c.heard(f) {
			select {
			case <-c.over:
				return fmt.Errorf("the call ended (%s) before %v Hz was heard, but %s; %+v", c.reason, f, c.ear.story(), c.leg.Stream().Stats())
			case <-time.After(media.FrameDuration):
			}
			if time.Now().After(limit) {
				return fmt.Errorf("%v Hz was not heard within %v, but %s; %+v", f, patience, c.ear.story(), c.leg.Stream().Stats())
			}
		}
	}
	return nil
}

// heard looks for a tone in what came since the last one.
func (c *telephone) heard(freqHz float64) (found bool) {
	c.at, found = find(c.ear.sound(), c.at, freqHz)
	return found
}

// find looks for 100 ms of a tone, and nothing else, from a sample on. It
// returns where that is, or where to go on when there is more.
func find(pcm []int16, at int, freqHz float64) (int, bool) {
	const window = media.SampleRate / 10
	for ; at+window <= len(pcm); at += window / 2 {
		w := pcm[at : at+window]
		if level := tone.Level(w, freqHz); level > -40 && tone.Power(w)-level < 3 {
			return at, true
		}
	}
	return at, false
}

// hears is waits for the test's own goroutine.
func (c *telephone) hears(t *testing.T, freqs ...float64) {
	t.Helper()
	if err := c.waits(freqs...); err != nil {
		t.Fatal(err)
	}
}

// press sends keys and returns when they are under way.
func (c *telephone) press(t *testing.T, keys string) {
	t.Helper()
	if err := c.leg.Stream().SendDigits(keys); err != nil {
		t.Fatal(err)
	}
}

// waitsEnd waits until the call is over, for this reason.
func (c *telephone) waitsEnd(want leg.EndReason) error {
	select {
	case <-c.over:
	case <-time.After(patience):
		return fmt.Errorf("it has not ended within %v", patience)
	}
	if c.reason.Slug != want.Slug {
		return fmt.Errorf("it ended as %s, want %s", c.reason, want)
	}
	return nil
}

// ear is a tap that keeps what was heard, silence where nothing came.
type ear struct {
	mu      sync.Mutex
	pcm     []int16
	decoder media.Decoder
}

// Frame implements media.PacketTap.
func (e *ear) Frame(_ media.Track, at media.Time, codec media.Codec, payload []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	end := int(at) + len(payload)
	for len(e.pcm) < end {
		e.pcm = append(e.pcm, 0)
	}
	if e.decoder.Codec() != codec && e.decoder.Reset(codec, media.SampleRate) != nil {
		return
	}
	e.decoder.Decode(e.pcm[at:end], payload)
}

// sound is what was heard so far. What is there does not change any more.
func (e *ear) sound() []int16 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clip(e.pcm)
}

// story tells what was heard, for a test that fails: the loudest frequency of
// each tenth of a second.
func (e *ear) story() string {
	var b strings.Builder
	pcm, last := e.sound(), -1.0
	const block = media.SampleRate / 10
	for i := 0; i+block <= len(pcm); i += block {
		freq := 0.0
		if f, level := tone.Dominant(pcm[i : i+block]); level > -45 {
			freq = f
		}
		if freq != last {
			fmt.Fprintf(&b, "%.1f s: %v Hz, ", float64(i)/media.SampleRate, freq)
			last = freq
		}
	}
	return fmt.Sprintf("%s%.1f s: end", b.String(), float64(len(pcm))/media.SampleRate)
}
