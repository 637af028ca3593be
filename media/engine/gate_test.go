package engine

import (
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/memnet"
)

// shippedLimit is that of configs/ivrd.yaml.
const shippedLimit = 5 * time.Millisecond

// gated is an engine with a gate and a crowd of sessions, in virtual time.
type gated struct {
	*Engine
	log strings.Builder
}

func behindGate(t *testing.T, sessions int, test func(g *gated)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := &gated{}
		var err error
		g.Engine, err = New(Config{
			Workers: 1, Network: memnet.New(1).Host("10.0.0.1"), Address: netip.MustParseAddr("10.0.0.1"),
			LatenessLimit: shippedLimit, Log: slog.New(slog.NewTextHandler(&g.log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Start(); err != nil {
			t.Fatal(err)
		}
		for range sessions {
			if _, err := g.NewSession(""); err != nil {
				t.Fatal(err)
			}
		}
		test(g)
		if err := g.Close(); err != nil { // nothing writes to the log any more
			t.Fatal(err)
		}
	})
}

// stall holds the worker up.
func (g *gated) stall(d time.Duration) { g.workers[0].do(func() { time.Sleep(d) }) }

// late has the worker stand still for a while of each second; it reports
// whether the gate was ever shut.
func (g *gated) late(seconds int, stall time.Duration) (shut bool) {
	for range seconds {
		g.stall(stall)
		time.Sleep(time.Second - stall)
		shut = shut || g.Overloaded()
	}
	return shut
}

// A machine that stands still once, and once more some seconds later, refuses nobody, although its 99th percentile is far above the limit.
func TestSingleStallsDoNotShutTheGate(t *testing.T) {
	for _, stall := range []time.Duration{100 * time.Millisecond, 900 * time.Millisecond} {
		behindGate(t, crowd, func(g *gated) {
			for range 3 {
				g.stall(stall)
				for range 60 {
					time.Sleep(100 * time.Millisecond)
					if g.Overloaded() {
						t.Fatalf("a stall of %v shut the gate", stall)
					}
				}
			}
			g.stall(stall)
			time.Sleep(time.Second) // and what was missed is made up for
			if p99 := g.Lateness().P99; p99 < shippedLimit {
				t.Errorf("p99 is only %v: the test proves nothing", p99)
			}
		})
	}
}

func TestLastingLatenessShutsTheGateUntilItIsOver(t *testing.T) {
	behindGate(t, crowd, func(g *gated) {
		began := time.Now()
		for !g.Overloaded() {
			if time.Since(began) > 6*time.Second {
				t.Fatal("the gate is open")
			}
			g.late(1, 30*time.Millisecond)
		}
		g.late(10, 30*time.Millisecond)
		if !g.Overloaded() {
			t.Error("the gate opened while media was late")
		}
		began = time.Now()
		for g.Overloaded() && time.Since(began) < time.Minute {
			time.Sleep(gateInterval)
		}
		if d := time.Since(began); d < 3*time.Second || d > 6*time.Second {
			t.Errorf("the gate opened after %v", d)
		}
		time.Sleep(10 * time.Second)
		if g.Overloaded() {
			t.Error("the gate shut while media was in time")
		}
		if lines := strings.Count(g.log.String(), "\n"); lines != 2 {
			t.Errorf("logged:\n%s", g.log.String())
		}
	})
}

// Another's load is no reason to refuse the few who call.
func TestFewSessionsDoNotShutTheGate(t *testing.T) {
	behindGate(t, crowd-1, func(g *gated) {
		if g.late(8, 30*time.Millisecond) {
			t.Error("the gate was shut")
		}
		if _, err := g.NewSession(""); err != nil {
			t.Fatal(err)
		}
		if !g.late(6, 30*time.Millisecond) {
			t.Error("the gate stayed open for one more")
		}
	})
}

func TestNoLimitNoGate(t *testing.T) {
	behindGate(t, crowd, func(g *gated) {
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		g.config.LatenessLimit = 0
		free, err := New(g.config)
		if err != nil {
			t.Fatal(err)
		}
		if err := free.Start(); err != nil {
			t.Fatal(err)
		}
		defer free.Close()
		g.Engine = free
		for range crowd {
			if _, err := free.NewSession(""); err != nil {
				t.Fatal(err)
			}
		}
		if g.late(10, 30*time.Millisecond) {
			t.Error("refused without a limit")
		}
	})
}

// Between the two limits the gate stays as it is.
func TestGateHasHysteresis(t *testing.T) {
	p := func(sessions int, each time.Duration, seconds ...time.Duration) recent {
		r := recent{window: each, sessions: sessions}
		for i := range r.seconds {
			r.seconds[i] = each
		}
		copy(r.seconds[:], seconds)
		return r
	}
	ms := time.Millisecond
	for _, c := range []struct {
		name      string
		shut      bool
		recent    recent
		wantsShut bool
	}{
		{"between, open", false, p(100, 4*ms), false},
		{"between, shut", true, p(100, 4*ms), true},
		{"at the limit, open", false, p(100, 5*ms), false},
		{"above", false, p(100, 6*ms), true},
		{"two late seconds", false, p(100, 6*ms, 1*ms, 1*ms, 1*ms), false},
		{"three late seconds", false, p(100, 6*ms, 1*ms, 1*ms), true},
		{"late seconds in a good window", false, recent{window: 4 * ms, seconds: p(100, 6*ms).seconds, sessions: 100}, false},
		{"one stall while shut", true, p(100, 1*ms, 80*ms), false},
		{"two late seconds while shut", true, p(100, 1*ms, 80*ms, 80*ms), true},
		{"fewer sessions while shut", true, p(crowd-1, 9*ms), true},
		{"hardly any while shut", true, p(crowd/2-1, 9*ms), false},
	} {
		g := gate{limit: shippedLimit, shut: c.shut}
		if moved := g.judge(c.recent); g.shut != c.wantsShut || moved != (c.shut != c.wantsShut) {
			t.Errorf("%s: shut %t, moved %t", c.name, g.shut, moved)
		}
	}
}
