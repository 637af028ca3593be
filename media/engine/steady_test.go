package engine

import (
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/rtpio"
)

// rig is one session over real sockets whose ticks the test itself runs.
type rig struct {
	session *session
	legs    [2]*stream
	far     [2]rtpio.PacketConn
	packet  [2]rtpio.Packet
	buf     [2][]byte
	slot    int64
	sent    uint64
	polled  bool         // what was sent waits for the tick
	pause   *time.Ticker // blocking lets the network be polled; it does not allocate
}

// readers are the two ways to read: at the tick, or by a goroutine a socket.
var readers = []struct {
	name    string
	network rtpio.Network
}{{"polled", rtpio.System()}, {"goroutines", rtpio.UDP{}}}

// newRig bridges two legs of the given codecs.
func newRig(tb testing.TB, network rtpio.Network, codecs [2]media.Codec) *rig {
	tb.Helper()
	local := netip.MustParseAddr("127.0.0.1")
	e, err := New(Config{Address: local, Workers: 1, Network: network})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = e.Close() })
	_, polled := network.(rtpio.PolledNetwork)
	r := &rig{session: &session{engine: e, worker: e.workers[0]}, polled: polled, pause: time.NewTicker(100 * time.Microsecond)}
	tb.Cleanup(r.pause.Stop)
	for i := range r.legs {
		endpoint, err := rtpio.Open(e.ports, e.guard, 0)
		if err != nil {
			tb.Fatal(err)
		}
		if r.far[i], err = (rtpio.UDP{}).Listen(netip.AddrPortFrom(local, 0)); err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = r.far[i].Close() })
		st := newStream(r.session, media.StreamOptions{Track: media.TrackCaller}, endpoint, nil)
		if err := st.connect(media.Remote{Addr: r.far[i].LocalAddr(), Codec: codecs[i], PayloadType: codecs[i].PayloadType()}); err != nil {
			tb.Fatal(err)
		}
		r.legs[i], r.session.streams = st, append(r.session.streams, st)
		r.packet[i] = rtpio.Packet{PayloadType: codecs[i].PayloadType(), SSRC: uint32(i), Payload: make([]byte, media.FrameSamples)}
	}
	return r
}

// send sends a packet from each far end.
func (r *rig) send() {
	for i := range r.far {
		p := &r.packet[i]
		p.Sequence++
		p.Timestamp += media.FrameSamples
		r.buf[i] = p.Append(r.buf[i][:0])
		_ = r.far[i].WriteTo(r.buf[i], r.legs[i].Local())
	}
	r.sent++
}

// arrived waits until the readers have taken what was sent.
func (r *rig) arrived() {
	if r.polled {
		return
	}
	for _, st := range r.legs {
		for st.endpoint.Stats().Received < r.sent {
			<-r.pause.C
		}
	}
}

func (r *rig) tick() {
	r.session.tick(r.slot, time.Now())
	r.slot += slots
}

// frame is 20 ms of the call: two packets are read, buffered, taken, tapped
// and sent on.
func (r *rig) frame() {
	r.send()
	r.arrived()
	r.tick()
}

type nullTap struct{}

func (nullTap) Frame(media.Track, media.Time, media.Codec, []byte) {}

var steady = []struct {
	name     string
	codecs   [2]media.Codec
	speakers int // whom each hears: nobody but a prompt, the other, both
	activity bool
}{
	{"same codec", [2]media.Codec{media.PCMU, media.PCMU}, 1, false},
	{"transcoded", [2]media.Codec{media.PCMU, media.PCMA}, 1, false},
	{"mixed", [2]media.Codec{media.PCMU, media.PCMA}, 2, false},
	{"prompt", [2]media.Codec{media.PCMU, media.PCMA}, 0, false},
	{"wideband", [2]media.Codec{media.G722, media.G722}, 1, false},
	{"wideband transcoded", [2]media.Codec{media.PCMU, media.G722}, 1, false},
	{"wideband mixed", [2]media.Codec{media.PCMU, media.G722}, 2, false},
	{"wideband prompt", [2]media.Codec{media.G722, media.PCMA}, 0, false},
	{"activity", [2]media.Codec{media.PCMU, media.PCMU}, 1, true},
	{"activity prompt", [2]media.Codec{media.PCMU, media.PCMA}, 0, true},
	{"wideband activity", [2]media.Codec{media.G722, media.G722}, 1, true},
}

func (r *rig) begin(speakers int, active bool) {
	for _, st := range r.legs {
		if active {
			st.activity = new(activity)
		}
	}
	r.session.tap = nullTap{}
	switch speakers {
	case 1:
		r.legs[0].speakers, r.legs[1].speakers = []*stream{r.legs[1]}, []*stream{r.legs[0]}
	case 2:
		r.legs[0].speakers, r.legs[1].speakers = r.legs[:], r.legs[:]
	default:
		p := media.NewPrompt("tone", media.Tone(400, -20, time.Second))
		for _, st := range r.legs {
			st.player = player{Play: media.Play{Loop: true, Prompts: []*media.Prompt{p}}, active: true}
		}
	}
	for range 50 {
		r.frame()
	}
}

func TestSteadyPathDoesNotAllocate(t *testing.T) {
	for _, reader := range readers {
		for _, c := range steady {
			t.Run(reader.name+"/"+c.name, func(t *testing.T) {
				r := newRig(t, reader.network, c.codecs)
				r.begin(c.speakers, c.activity)
				r.session.streams[0].report, r.session.streams[1].report = 1<<60, 1<<60 // RTCP is rare, and may
				if n := testing.AllocsPerRun(500, r.frame); n != 0 {
					t.Errorf("%v allocations for two packets", n)
				}
				for _, st := range r.legs {
					s := st.endpoint.Stats()
					if s.Lost != 0 || s.Late != 0 || s.Received != r.sent || s.Sent < 540 || r.legs[0].stats.TapMissed > 10 {
						t.Errorf("not the steady path: %+v", s)
					}
				}
			})
		}
	}
}

// BenchmarkSteady is the price of a packet in and a packet out, in CPU time of
// the whole process: read, buffered, taken, tapped and sent. The far ends'
// sends, which are the same again in the kernel, are in it as well.
func BenchmarkSteady(b *testing.B) {
	const calls = 500 // as many do not fit into a processor's caches
	for _, reader := range readers {
		for _, c := range steady {
			b.Run(reader.name+"/"+c.name, func(b *testing.B) {
				var rigs [calls]*rig
				var sessions []*session
				for i := range rigs {
					rigs[i] = newRig(b, reader.network, c.codecs)
					rigs[i].begin(c.speakers, c.activity)
					sessions = append(sessions, rigs[i].session)
				}
				slot := rigs[0].slot
				b.ReportAllocs()
				before := cpuTime()
				for b.Loop() {
					for _, r := range rigs {
						r.send()
					}
					for _, r := range rigs {
						r.arrived()
					}
					run(sessions, slot)
					slot += slots
				}
				b.ReportMetric(float64(cpuTime()-before)/float64(b.N)/calls/2, "cpu-ns/packet")
			})
		}
	}
}

// cpuTime of the process so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkTick is the worker's part alone: take, tap and send, without
// packets coming in.
func BenchmarkTick(b *testing.B) {
	r := newRig(b, rtpio.System(), [2]media.Codec{media.PCMU, media.PCMA})
	r.begin(0, false)
	b.ReportAllocs()
	for b.Loop() {
		r.session.tick(r.slot, time.Now())
		r.slot += slots
	}
}

// BenchmarkSound is what a leg hears alone, without sockets: of the other as it
// came, of the other by the table, and of two, one of whom was decoded for it.
func BenchmarkSound(b *testing.B) {
	for _, c := range steady[:3] {
		b.Run(c.name, func(b *testing.B) {
			r := newRig(b, rtpio.System(), c.codecs)
			r.begin(c.speakers, c.activity)
			st, at := r.legs[0], r.session.next
			for _, o := range r.legs {
				o.intake.Kind = rtpio.Sound
				o.intake.Payload = make([]byte, media.FrameSamples)
				o.remote.Codec.Encode(o.intake.Payload, media.Tone(410, -20, media.FrameDuration))
			}
			b.ReportAllocs()
			for b.Loop() {
				st.sound(at)
				at += media.FrameSamples
			}
		})
	}
}
