package engine

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/memnet"
	"github.com/ivrd/ivrd/media"
)

func TestSessionsAreSpreadOverSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := startEngine(t, 1)
		defer e.Close()
		for range 2 * slots {
			if _, err := e.NewSession(""); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Millisecond)
		}
		e.workers[0].do(func() {
			for i, sessions := range e.workers[0].wheel {
				if len(sessions) != 2 {
					t.Errorf("slot %d has %d sessions", i, len(sessions))
				}
			}
		})
	})
}

// A worker that was held up runs what it missed, up to a bound; beyond it,
// ticks are left out and the session's clock still agrees with time.
func TestLateWorkerCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := startEngine(t, 1)
		defer e.Close()
		s, err := e.NewSession("")
		if err != nil {
			t.Fatal(err)
		}
		w := e.workers[0]
		stall := func(d time.Duration) (lag time.Duration) {
			began, before := time.Now(), s.Now()
			w.do(func() { time.Sleep(d) })
			time.Sleep(time.Second)
			return time.Since(began) - (s.Now() - before).Duration()
		}
		for _, c := range []struct {
			stall   time.Duration
			leftOut bool
		}{{150 * time.Millisecond, false}, {900 * time.Millisecond, true}} {
			before := e.Stats().SlotsLeftOut
			if lag := stall(c.stall); lag < -media.FrameDuration || lag > media.FrameDuration {
				t.Errorf("after %v the clock lags by %v", c.stall, lag)
			}
			if left := e.Stats().SlotsLeftOut - before; (left > 0) != c.leftOut {
				t.Errorf("after %v %d slots were left out", c.stall, left)
			}
		}
		if late := e.Lateness(); late.Max < 150*time.Millisecond || late.Max > 200*time.Millisecond {
			t.Errorf("lateness %+v", late)
		}
	})
}

// Commands of many goroutines at once, closing among them, neither race nor
// hang.
func TestCommandsFromEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := startEngine(t, 2)
		prompt := media.NewPrompt("p", media.Silence(time.Second))
		var all sync.WaitGroup
		for range 20 {
			s, err := e.NewSession("")
			if err != nil {
				t.Fatal(err)
			}
			a, _ := s.Open(media.StreamOptions{})
			b, _ := s.Open(media.StreamOptions{})
			for i := range 4 {
				all.Go(func() {
					for range 50 {
						before := s.Now()
						at, err := s.Bridge(a, b)
						if err == nil && at < before {
							t.Errorf("bridged at %d, before %d", at, before)
						}
						a.Play(media.Play{Prompts: []*media.Prompt{prompt}})
						_, _, _ = b.Stats(), e.Stats(), e.Lateness()
						s.Unbridge(b)
						s.SetTap(nil)
						time.Sleep(time.Duration(i) * time.Millisecond)
					}
					if i == 3 {
						_ = b.Close()
						_ = s.Close()
					}
				})
			}
		}
		time.Sleep(100 * time.Millisecond)
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		all.Wait()
	})
}

func startEngine(t *testing.T, workers int) *Engine {
	t.Helper()
	host := memnet.New(1).Host("10.0.0.1")
	e, err := New(Config{Network: host, Address: host.Addr(), Workers: workers, FirstPort: 20000, LastPort: 20999})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	return e
}
