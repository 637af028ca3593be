package quality

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
)

func newMeter() *Meter {
	m := new(Meter)
	m.Codec(media.PCMU)
	return m
}

// TestBurst: frames lost in a Gilbert model with p from good to bad and q back
// have the ratio p/(p+q) and BurstR 1/(p+q) (G.107 §7.1.3).
func TestBurst(t *testing.T) {
	for _, c := range []struct{ p, q float64 }{{0.02, 0.98}, {0.02, 0.5}, {0.01, 0.25}} {
		random := rand.New(rand.NewPCG(1, 2))
		var l Losses
		bad := false
		for range 500_000 {
			if bad {
				bad = random.Float64() >= c.q
			} else {
				bad = random.Float64() < c.p
			}
			l.Add(bad)
		}
		near(t, "loss", l.Ratio(), c.p/(c.p+c.q), 0.002)
		near(t, "burst ratio", l.Burst(), 1/(c.p+c.q), 0.05)
	}
	var every Losses
	for i := range 1000 {
		every.Add(i%2 == 0)
	}
	if every.Burst() != 1 {
		t.Errorf("losses more regular than chance have burst ratio %f", every.Burst())
	}
	if (&Losses{}).Burst() != 1 || (&Losses{Frames: 10, Lost: 10, Runs: 1}).Burst() != 1 {
		t.Error("nothing, or all, has a burst ratio")
	}
}

func TestMeterOfACleanLine(t *testing.T) {
	m := newMeter()
	if m.Quality().Known() {
		t.Error("a line without a frame has a quality")
	}
	for range 1000 {
		m.Frame(Heard, 0, 60*time.Millisecond)
	}
	q := m.Quality()
	near(t, "MOS", q.MOS, 4.38, 0.03) // R 93.2 less 1.4 for 60 ms
	near(t, "worst", q.Worst, q.MOS, 1e-9)
	near(t, "recent", q.Recent, q.MOS, 1e-9)
	near(t, "listening", q.Listening, 4.41, 0.005)
	if q.Loss != 0 || q.Burst != 1 || q.Delay != 60*time.Millisecond {
		t.Errorf("%+v", q)
	}
}

// TestMeterTellsWorstFromMean: one bad interval of four.
func TestMeterTellsWorstFromMean(t *testing.T) {
	m := newMeter()
	missing := int64(0)
	for i := range 4 * Interval {
		o := Heard
		if i/Interval == 2 && i%5 == 0 {
			o = Lost
			missing++
		}
		m.Frame(o, missing, 0)
	}
	q := m.Quality()
	bad := Path{Impairment: G711(), Loss: 0.2, Burst: 1}.R()
	near(t, "worst", q.Worst, MOS(bad), 1e-9)
	near(t, "R", q.R, (3*Path{}.R()+bad)/4, 1e-9)
	near(t, "recent", q.Recent, MOS(Path{}.R()), 1e-9)
	near(t, "loss", q.Loss, 0.05, 1e-9)
}

// TestSilenceIsNoLoss: ticks without a packet count once packets are found to be
// missing from them, and not where the peer has sent none.
func TestSilenceIsNoLoss(t *testing.T) {
	for _, c := range []struct {
		name    string
		missing int64 // found when sound is back
		want    uint64
	}{
		{"not sent", 0, 0},
		{"all lost", 30, 30},
		{"some lost", 12, 12},
		{"more lost than could be heard", 70, 30},
	} {
		m := newMeter()
		for range 70 {
			m.Frame(Heard, 3, 0)
		}
		for range 30 {
			m.Frame(Silent, 3, 0)
		}
		for range 100 {
			m.Frame(Heard, 3+c.missing, 0)
		}
		if got := m.now.Lost; got != c.want || m.now.Frames != 170+c.want {
			t.Errorf("%s: %d of %d frames lost, want %d", c.name, got, m.now.Frames, c.want)
		}
	}
}

// TestALossThatIsSeenAtOnceCountsOnce: the same packet is a lost frame and one
// that is missing.
func TestALossThatIsSeenAtOnceCountsOnce(t *testing.T) {
	m := newMeter()
	for i := range int64(100) {
		m.Frame(Heard, i, 0)
		m.Frame(Lost, i+1, 0)
	}
	m.Frame(Silent, 100, 0)
	m.Frame(Heard, 100, 0)
	if m.now.Lost != 100 || m.now.Frames != 201 {
		t.Errorf("%d of %d", m.now.Lost, m.now.Frames)
	}
}

func TestMeterAllocatesNothing(t *testing.T) {
	m := newMeter()
	var q media.Quality
	n := int64(0)
	if allocs := testing.AllocsPerRun(2000, func() {
		n++
		m.Frame(Outcome(n%3), n/3, 50*time.Millisecond)
		q = m.Quality()
	}); allocs != 0 || !q.Known() {
		t.Errorf("%f allocations a frame", allocs)
	}
}

func TestPeer(t *testing.T) {
	var p Peer
	p.Codec(media.PCMA)
	if p.Quality().Known() {
		t.Error("a peer that reports nothing has a quality")
	}
	p.Report(Block{Fraction: 128, Highest: 70_000, Lost: 125}) // half of what is taken for an interval
	p.Report(Block{Highest: 70_250, Lost: 125, RTT: 80 * time.Millisecond})
	p.Report(Block{Fraction: 26, Highest: 70_500, Lost: 150, RTT: 80 * time.Millisecond})
	p.Report(Block{Fraction: 26, Highest: 70_500, Lost: 150}) // nothing new
	q := p.Quality()
	near(t, "loss", q.Loss, 150.0/750, 0.001)
	near(t, "worst", q.Worst, MOS(Path{Impairment: G711(), Loss: 0.5, Burst: 1, Delay: PeerDelay}.R()), 0.01)
	near(t, "recent", q.Recent, MOS(Path{Impairment: G711(), Loss: 0.1, Burst: 1, Delay: 100 * time.Millisecond}.R()), 0.01)
	near(t, "delay", q.Delay.Seconds(), (0.06+0.1+0.1)/3, 0.0001)
}

// FuzzPeer: whatever a peer reports, what comes of it is a quality.
func FuzzPeer(f *testing.F) {
	f.Add(uint8(0), int32(0), uint32(0), uint8(255), int32(-5), uint32(1<<31), int64(time.Hour))
	f.Add(uint8(9), int32(8), uint32(500), uint8(10), int32(1<<22), uint32(600), int64(-1))
	f.Fuzz(func(t *testing.T, fraction uint8, lost int32, highest uint32, fraction2 uint8, lost2 int32, highest2 uint32, rtt int64) {
		var p Peer
		p.Codec(media.PCMU)
		p.Report(Block{fraction, lost, highest, 0})
		p.Report(Block{fraction2, lost2, highest2, time.Duration(rtt)})
		p.Report(Block{fraction, lost, highest, time.Duration(rtt)})
		q := p.Quality()
		in := func(v, low, high float64) bool { return v >= low && v <= high }
		if !in(q.MOS, 1, 4.5) || !in(q.Worst, 1, q.MOS) || !in(q.Loss, 0, 1) || !in(q.R, 0, 100) {
			t.Errorf("%+v", q)
		}
	})
}

func BenchmarkFrame(b *testing.B) {
	m := newMeter()
	n := int64(0)
	for b.Loop() {
		n++
		m.Frame(Heard, n/100, 50*time.Millisecond)
	}
}
