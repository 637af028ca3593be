package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
)

// The tones of the parties, in Hz. The house's own are below 2000.
const (
	callerTone = 2300
	movedTone  = 2500 // the caller's, at another address
	agentTone  = 2700
)

// soon is how long anything may take that takes no time on an idle machine.
const soon = 20 * time.Second

// together runs subtests at the same time, whatever -parallel says: they wait
// far more than they work.
func together(t *testing.T, tests map[string]func(*testing.T)) {
	t.Helper()
	var all sync.WaitGroup
	for name, test := range tests {
		all.Go(func() { t.Run(name, test) })
	}
	all.Wait()
}

// overBoth runs a test over UDP, then over TCP; its transport is SIPp's -t.
func overBoth(t *testing.T, test func(t *testing.T, transport string)) {
	t.Helper()
	t.Run("udp", func(t *testing.T) { test(t, "u1") })
	t.Run("tcp", func(t *testing.T) { test(t, "t1") })
}

// networkOf is the network of a transport of SIPp's.
func networkOf(transport string) string {
	return map[string]string{"u1": "udp", "t1": "tcp"}[transport]
}

// dialSIPp reaches a SIPp, which may only be about to listen.
func dialSIPp(t *testing.T, transport string, port int) (conn net.Conn) {
	t.Helper()
	testkit.Eventually(t, soon, "SIPp to listen", func() (done bool) {
		var err error
		conn, err = net.Dial(networkOf(transport), fmt.Sprintf("127.0.0.1:%d", port))
		return err == nil
	})
	t.Cleanup(func() { conn.Close() })
	return conn
}

// each looks less often than it is asked: what costs time is not worth it each
// time, and keeps the other calls from theirs.
func each(d time.Duration, done func() bool) func() bool {
	var last time.Time
	return func() bool {
		if time.Since(last) < d {
			return false
		}
		last = time.Now()
		return done()
	}
}

// in is the same house for a subtest: its faults are that one's.
func (h *house) in(t *testing.T) *house {
	own := *h
	own.t = t
	return &own
}

// scenario reads a scenario of testdata/sipp.
func scenario(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "sipp", name+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sink is a phone of the test's own on 127.0.0.1, to which SDP points. It
// listens block by block, so that nothing passes it by while it waits its turn.
type sink struct {
	*tone.Phone

	t       *testing.T
	started time.Time
	next    time.Duration // the block to listen to
}

// newSink makes a sink that sends a tone to whoever sends to it first.
func newSink(t *testing.T, freqHz float64) *sink {
	t.Helper()
	s := &sink{t: t, started: time.Now()}
	var err error
	if s.Phone, err = tone.NewUDPPhone(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	s.Send(netip.AddrPort{}, media.PCMU, freqHz)
	return s
}

const (
	// block is the resolution of hearing: tones that are 100 Hz apart are told
	// apart in it.
	block = 40 * time.Millisecond
	// moment is how many blocks a tone must sound to be taken for one.
	moment = 5
	// lately is how late a packet may be to be heard in its place.
	lately = 200 * time.Millisecond
)

// hears waits for a tone, after the last that it has waited for.
func (s *sink) hears(freqHz float64) {
	s.t.Helper()
	count := 0
	testkit.Eventually(s.t, soon, fmt.Sprintf("%v Hz", freqHz), func() bool {
		for count < moment && time.Since(s.started) > s.next+block+lately {
			count++
			if loudest(s.Between(s.next, s.next+block)) != freqHz {
				count = 0
			}
			s.next += block
		}
		return count == moment
	})
}

// forget lets hears begin with what is heard from now on.
func (s *sink) forget() { s.next = time.Since(s.started) }

// silent waits until nothing has been heard for a while.
func (s *sink) silent(d time.Duration) {
	s.t.Helper()
	testkit.Eventually(s.t, soon, "silence", each(block, func() bool { return tone.Power(s.Between(-d, 0)) < -60 }))
}

// listens waits for so much more sound: packets come each 20 ms.
func (s *sink) listens(d time.Duration) {
	s.t.Helper()
	want := s.Counts().Packets + int(d/media.FrameDuration)
	testkit.Eventually(s.t, d+soon, fmt.Sprintf("%v of sound", d), func() bool { return s.Counts().Packets >= want })
}

func (s *sink) press(keys string) {
	s.t.Helper()
	if err := s.Press(keys, 3); err != nil {
		s.t.Fatal(err)
	}
}

// description is the SDP of a phone.
func description(p *sink) string {
	return fmt.Sprintf("v=0\no=sipp 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n"+
		"m=audio %d RTP/AVP 0 101\na=rtpmap:0 PCMU/8000\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-16\n", p.Addr().Port())
}

// caller is SIPp as the signalling and a tone.Phone as the sound of a party
// that calls the house.
type caller struct {
	*sink

	number, callID, transport string
	run                       *testkit.SIPpRun
	cues                      int
}

// sipp starts a call by a scenario of testdata/sipp; keys are added to those
// that every scenario knows: number, sdp and rtp.
func (h *house) sipp(name, transport, service string, keys map[string]string) *caller {
	h.t.Helper()
	return h.sippFrom("127.0.0.1", name, transport, service, keys)
}

func (h *house) sippFrom(local, name, transport, service string, keys map[string]string) *caller {
	h.t.Helper()
	c := &caller{
		sink: newSink(h.t, callerTone), transport: transport,
		number: fmt.Sprintf("555%07d", rand.IntN(1e7)), callID: fmt.Sprintf("%s-%08x@test", name, rand.Uint32()),
	}
	all := map[string]string{"number": c.number, "sdp": description(c.sink), "rtp": fmt.Sprint(c.Addr().Port())}
	maps.Copy(all, keys)
	c.run = testkit.SIPp{
		Scenario: scenario(h.t, name), Remote: h.sip, Local: local, Transport: transport, Service: service, Keys: all,
		Limit: 2 * time.Minute, Args: []string{"-cid_str", c.callID},
	}.Start(h.t)
	return c
}

// cue lets the scenario go on that waits for an INFO.
func (c *caller) cue() {
	c.t.Helper()
	c.forget()
	c.cues++
	cue(c.t, c.transport, c.run.Port, c.callID, c.cues)
}

// cue sends an INFO of a call to a SIPp on 127.0.0.1. Nobody answers it.
func cue(t *testing.T, transport string, port int, callID string, seq int) {
	t.Helper()
	conn := dialSIPp(t, transport, port)
	_, err := fmt.Fprintf(conn, "INFO sip:cue@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/%s 127.0.0.1:9;branch=z9hG4bKcue%d\r\n"+
		"From: <sip:cue@127.0.0.1>;tag=cue\r\nTo: <sip:sipp@127.0.0.1>\r\nCall-ID: %s\r\nCSeq: %d INFO\r\nContent-Length: 0\r\n\r\n",
		strings.ToUpper(networkOf(transport)), seq, callID, seq)
	if err != nil {
		t.Fatal(err)
	}
}

// done waits for the end of the scenario, which must have gone as written.
func (c *caller) done() testkit.SIPpResult {
	c.t.Helper()
	return went(c.t, c.run)
}

func went(t *testing.T, run *testkit.SIPpRun) testkit.SIPpResult {
	t.Helper()
	r := run.Wait()
	if r.Status != 0 || r.Successful != 1 || r.Failed != 0 {
		t.Errorf("SIPp: status %d, %d successful, %d failed\n%s\n%s", r.Status, r.Successful, r.Failed, r.Errors, r.Messages)
	}
	return r
}

// record waits for the one record that a call has left when it is over.
func (h *house) record(c *caller) recordings.Call {
	h.t.Helper()
	var calls []recordings.Call
	testkit.Eventually(h.t, soon, "the record of the call", each(5*block, func() bool {
		calls = h.calls("state=ended&from=" + url.QueryEscape(c.number))
		return len(calls) > 0
	}))
	if all := h.calls("from=" + url.QueryEscape(c.number)); len(all) != 1 {
		h.t.Errorf("one call left %d records", len(all))
	}
	return calls[0]
}

// path are the nodes that a call came through.
func path(r recordings.Call) string {
	var nodes []string
	for _, s := range r.Path {
		nodes = append(nodes, s.Node)
	}
	return strings.Join(nodes, " ")
}

// allTones are those that the house and the parties make: ringback, prompts,
// beep, caller, agent.
func allTones() []float64 {
	out := []float64{425, 600, 1000, callerTone, movedTone, agentTone}
	for f := 500.0; f <= 1900; f += 200 {
		out = append(out, f)
	}
	return out
}

// note is a tone that was heard for a while.
type note struct {
	freqHz float64
	from   time.Duration
	length time.Duration
}

// rest is how long a silence must be to be heard as one: longer than a key, or
// what a busy machine loses, shorter than the time-out of a node.
const rest = 1200 * time.Millisecond

// melody are the tones of a sound in order, those of at least three blocks.
func melody(pcm []int16) []note {
	var out []note
	n := int(media.TimeOf(block))
	for at := 0; at+n <= len(pcm); at += n {
		f := loudest(pcm[at : at+n])
		if last := len(out) - 1; last >= 0 && out[last].freqHz == f {
			out[last].length += block
			continue
		}
		out = append(out, note{freqHz: f, from: media.Time(at).Duration(), length: block})
	}
	out = slices.DeleteFunc(out, func(x note) bool { return x.freqHz == 0 && x.length < rest || x.length < 3*block })
	return slices.DeleteFunc(joined(out), func(x note) bool { return x.freqHz == 0 })
}

// joined makes one note of two that only a click kept apart.
func joined(notes []note) []note {
	var out []note
	for _, x := range notes {
		last := len(out) - 1
		if last >= 0 && out[last].freqHz == x.freqHz {
			out[last].length = x.from + x.length - out[last].from
			continue
		}
		out = append(out, x)
	}
	return out
}

func loudest(pcm []int16) float64 {
	best, level := 0.0, -45.0
	for _, f := range allTones() {
		if l := tone.Level(pcm, f); l > level {
			best, level = f, l
		}
	}
	return best
}

func freqs(notes []note) []float64 {
	var out []float64
	for _, x := range notes {
		out = append(out, x.freqHz)
	}
	return out
}

// wantMelody fails unless exactly these tones were heard, in this order.
func wantMelody(t *testing.T, what string, pcm []int16, want ...float64) []note {
	t.Helper()
	notes := melody(pcm)
	if got := freqs(notes); !slices.Equal(got, want) {
		t.Errorf("%s: tones %v, want %v", what, got, want)
	}
	return notes
}

// within takes a span of a sound, cut at its ends.
func within(pcm []int16, fromMS, toMS int64) []int16 {
	const samplesPerMS = media.SampleRate / 1000
	to := min(int(toMS)*samplesPerMS, len(pcm))
	return pcm[min(int(fromMS)*samplesPerMS, to):to]
}

// unbroken fails when a sound has a gap that can be heard. A busy machine
// leaves out a few frames at most.
func unbroken(t *testing.T, what string, pcm []int16) {
	t.Helper()
	if gaps := tone.Gaps(pcm, -50, 120*time.Millisecond); len(gaps) > 0 {
		t.Errorf("%s has gaps: %v", what, gaps)
	}
}

// mostly fails unless a tone of the test's own is in three quarters of a sound:
// on a busy machine the sink that sends it comes late.
func mostly(t *testing.T, what string, pcm []int16, freqHz float64) {
	t.Helper()
	blocks, found := 0, 0
	for part := range slices.Chunk(pcm, int(media.TimeOf(block))) {
		if blocks++; loudest(part) == freqHz {
			found++
		}
	}
	if 4*found < 3*blocks {
		t.Errorf("%s: %v Hz is in %d of %d blocks", what, freqHz, found, blocks)
	}
}
