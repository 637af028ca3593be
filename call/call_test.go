package call

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

const head = `
flow: f
languages: [en]
start: start
defaults: {timeout: 2s, retries: 0, barge_in: true}
nodes:
`

const menu = head + `
  start: {play: t500, recording: start, next: top}
  top:
    menu:
      play: long
      options: {pin: {digit: 1}, talk: {digit: 2}, leave: {digit: 3}, ask: {digit: 4}, bye: {digit: 9}}
    on: {pin: pin, talk: talk, leave: leave, ask: ask, bye: bye, noinput: bye, nomatch: bye}
  pin:
    collect: {play: t900, digits: 4, secret: true, into: pin}
    on: {ok: done, noinput: bye, nomatch: bye}
  done: {play: t1100, next: top}
  talk:
    connect: {to: alice, timeout: 10s}
    on: {ok: done, busy: leave, noanswer: leave, error: leave}
  leave:
    record: {play: t1500, beep: false, max: 10s, silence: 2s, min: 200ms, finish: "#"}
    on: {ok: bye, noinput: bye}
  ask:
    http: {get: "http://x/", timeout: 1s, into: reply}
    on: {ok: done, error: bye}
  bye: {play: t1900, next: end}
`

func after(d time.Duration) { time.Sleep(d); synctest.Wait() } // virtual

func TestKeyStopsThePromptAtOnce(t *testing.T) {
	play(t, menu, func(s *stage) {
		p := s.call("1000", 300)
		after(2 * time.Second)
		if got := p.hears(time.Second, 300, 600, 900); got != "600" {
			t.Fatalf("in the menu the caller hears %q", got)
		}
		p.press("1")
		after(300 * time.Millisecond)
		if got := p.hears(100*time.Millisecond, 300, 600, 900); got != "900" {
			t.Errorf("after the key the caller hears %q", got)
		}
		p.End(leg.CallerHangup)
		if r := s.record(); r.End != leg.CallerHangup || len(r.Path) != 3 || r.Path[2].Node != "pin" {
			t.Errorf("record %+v", r)
		}
	})
}

func TestSecretIsAGapInTheRecording(t *testing.T) {
	play(t, menu, func(s *stage) {
		p := s.call("1000", 300)
		after(2 * time.Second)
		p.press("1")
		after(time.Second)
		p.press("4711")
		after(4 * time.Second)
		p.End(leg.CallerHangup)
		r := s.record()
		if len(r.Recording.Gaps) != 1 || r.Recording.Gaps[0].Cause != pausedSecret {
			t.Fatalf("gaps %+v", r.Recording.Gaps)
		}
		gap := r.Recording.Gaps[0]
		caller := s.track(r.ID, media.TrackCaller)
		inside := caller[gap.FromMS*8 : gap.ToMS*8]
		if power := tone.Power(inside); power > -90 {
			t.Errorf("the secret stretch holds sound: %.0f dBov", power)
		}
		if got := tone.Heard(caller[(gap.ToMS+100)*8:], 30, 300, 600, 1100); len(got) != 1 || got[0] != 300 {
			t.Errorf("after the secret the caller's track holds %v", got)
		}
		prompts := s.track(r.ID, media.TrackPrompts)
		if got := tone.Heard(prompts[8000:12000], 30, 300, 600); len(got) != 1 || got[0] != 600 {
			t.Errorf("the prompts' track holds %v", got)
		}
	})
}

func TestConnectedPartiesHearEachOther(t *testing.T) {
	play(t, menu, func(s *stage) {
		p := s.call("1000", 300)
		after(2 * time.Second)
		p.press("2")
		alice := <-s.dialled
		after(1500 * time.Millisecond)
		if got := p.hears(400*time.Millisecond, 300, 425, 1400); got != "425" && got != "" {
			t.Errorf("while it rings the caller hears %q", got)
		}
		alice.pickUp()
		after(time.Second)
		if got := p.hears(500*time.Millisecond, 300, 600, 1400); got != "1400" {
			t.Errorf("the caller hears %q", got)
		}
		if got := alice.hears(500*time.Millisecond, 300, 600, 1400); got != "300" {
			t.Errorf("alice hears %q", got)
		}
		after(4 * time.Second)
		alice.End(leg.AgentHangup)
		after(300 * time.Millisecond)
		if got := p.hears(100*time.Millisecond, 300, 1100, 1400); got != "1100" {
			t.Errorf("after alice has hung up the caller hears %q", got)
		}
		p.End(leg.CallerHangup)
		r := s.record()
		if r.Agent != "alice" || r.TalkMS < 4900 || r.TalkMS > 5200 || r.WaitMS < 1400 {
			t.Errorf("record: agent %q talk %d wait %d", r.Agent, r.TalkMS, r.WaitMS)
		}
		agent := s.track(r.ID, media.TrackAgent)
		if got := tone.Heard(agent, 30, 300, 600, 1400); len(got) != 1 || got[0] != 1400 {
			t.Errorf("the agent's track holds %v", got)
		}
	})
}

func TestHoldByTheOtherParty(t *testing.T) {
	play(t, menu, func(s *stage) {
		p := s.call("1000", 300)
		after(2 * time.Second)
		p.press("2")
		alice := <-s.dialled
		alice.pickUp()
		after(time.Second)
		alice.events <- leg.Event{Kind: leg.Held}
		after(700 * time.Millisecond)
		if got := p.hears(300*time.Millisecond, 300, 425, 1400); got != "425" {
			t.Errorf("on hold the caller hears %q", got)
		}
		if got := alice.hears(300*time.Millisecond, 300, 425); got != "" {
			t.Errorf("alice, holding, hears %q", got)
		}
		alice.events <- leg.Event{Kind: leg.Resumed}
		after(time.Second)
		if got := p.hears(500*time.Millisecond, 300, 425, 1400); got != "1400" {
			t.Errorf("afterwards the caller hears %q", got)
		}
		p.End(leg.CallerHangup)
		<-alice.over
		if alice.reason != leg.CallerHangup {
			t.Errorf("alice's leg ended by %v", alice.reason)
		}
		s.record()
	})
}

func TestCallerLeavesWhileItRings(t *testing.T) {
	play(t, menu, func(s *stage) {
		p := s.call("1000", 300)
		after(time.Second)
		p.press("2")
		alice := <-s.dialled
		after(time.Second)
		p.End(leg.CallerHangup)
		<-alice.over
		if r := s.record(); r.End != leg.CallerHangup || r.Agent != "" || r.TalkMS != 0 {
			t.Errorf("record %+v", r)
		}
	})
}

func TestConnectOutcomes(t *testing.T) {
	for _, tt := range []struct {
		reason leg.EndReason
		node   string
	}{{leg.Busy, "leave"}, {leg.Refused, "leave"}, {leg.NoAnswer, "leave"}, {leg.Unreachable, "leave"}} {
		play(t, menu, func(s *stage) {
			p := s.call("1000", 300)
			after(time.Second)
			p.press("2")
			alice := <-s.dialled
			alice.End(tt.reason)
			after(300 * time.Millisecond)
			if got := p.hears(100*time.Millisecond, 425, 1500); got != "1500" {
				t.Errorf("%v: the caller hears %q", tt.reason, got)
			}
			p.End(leg.CallerHangup)
			s.record()
		})
	}
}

func TestMessage(t *testing.T) {
	for _, tt := range []struct {
		name   string
		end    func(p *party)
		reason leg.EndReason
		least  int64
	}{
		{"ended by a key", func(p *party) { p.press("#") }, leg.FlowHangup, 2900},
		{"ended by silence", func(p *party) { p.phone.Mute() }, leg.FlowHangup, 2900},
		{"ended by hanging up", func(p *party) { p.End(leg.CallerHangup) }, leg.CallerHangup, 2900},
		{"ended by its length", func(*party) {}, leg.FlowHangup, 9900},
	} {
		t.Run(tt.name, func(t *testing.T) {
			play(t, menu, func(s *stage) {
				p := s.call("1000", 300)
				after(time.Second)
				p.press("3")
				after(3700 * time.Millisecond)
				tt.end(p)
				r := s.record()
				if r.End != tt.reason || len(r.Messages) != 1 {
					t.Fatalf("end %v, messages %+v", r.End, r.Messages)
				}
				m := r.Messages[0]
				if length := m.ToMS - m.FromMS; length < tt.least || length > tt.least+2500 || m.Tag != "leave" {
					t.Errorf("message %+v", m)
				}
				sound := s.track(r.ID, media.TrackCaller)[m.FromMS*8+800:][:16000]
				if got := tone.Heard(sound, 30, 300, 1500); len(got) != 1 || got[0] != 300 {
					t.Errorf("the message holds %v", got)
				}
			})
		})
	}
}

func TestNothingSaidIsNoMessage(t *testing.T) {
	play(t, menu, func(s *stage) {
		p := s.call("1000", 0)
		after(time.Second)
		p.press("3")
		if r := s.record(); r.End != leg.FlowHangup || len(r.Messages) != 0 {
			t.Errorf("end %v, messages %+v", r.End, r.Messages)
		}
	})
}

func TestKeysPressedAheadAreKept(t *testing.T) {
	play(t, menu, func(s *stage) {
		p := s.call("1000", 300)
		after(200 * time.Millisecond) // in the first prompt, which takes no keys
		p.press("1")
		after(600 * time.Millisecond)
		p.press("4711")
		after(2200 * time.Millisecond)
		p.End(leg.CallerHangup)
		r := s.record()
		var path []string
		for _, step := range r.Path {
			path = append(path, step.Node)
		}
		if len(path) < 4 || path[2] != "pin" || path[3] != "done" {
			t.Errorf("path %v", path)
		}
	})
}

func TestHangupInAFetchEndsIt(t *testing.T) {
	play(t, menu, func(s *stage) {
		gone := make(chan error, 1)
		s.fetch = func(ctx context.Context, _ ivr.Request) (ivr.Response, error) {
			<-ctx.Done()
			gone <- context.Cause(ctx)
			return ivr.Response{}, ctx.Err()
		}
		p := s.call("1000", 300)
		after(time.Second)
		p.press("4")
		after(100 * time.Millisecond)
		p.End(leg.CallerHangup)
		if r := s.record(); r.End != leg.CallerHangup {
			t.Errorf("end %v", r.End)
		}
		<-gone
	})
}

func TestSilentLineEndsTheCall(t *testing.T) {
	play(t, menu, func(s *stage) {
		p := s.call("1000", 300)
		after(5 * time.Second)
		p.phone.Mute()
		start := time.Now()
		if r := s.record(); r.End != leg.NoMedia {
			t.Errorf("end %v", r.End)
		}
		if d := time.Since(start); d < 29*time.Second || d > 32*time.Second {
			t.Errorf("after %v", d)
		}
	})
}

func TestEcho(t *testing.T) {
	play(t, menu, func(s *stage) {
		p := s.call("echo", 300)
		after(time.Second)
		if got := p.hears(500*time.Millisecond, 300, 600); got != "300" {
			t.Errorf("the caller hears %q", got)
		}
		p.End(leg.CallerHangup)
		s.record()
	})
}

func TestPromptThatCannotBeSaidEndsTheCall(t *testing.T) {
	play(t, head+"  start: {say: {en: hello}, next: end}\n", func(s *stage) {
		s.call("1000", 300)
		if r := s.record(); r.End != leg.FlowFault {
			t.Errorf("end %v", r.End)
		}
	})
}

// Who is refused is told to come again, not all at once; who is there stays.
func TestOverloadRefusesNewCallsOnly(t *testing.T) {
	play(t, menu, func(s *stage) {
		overloaded := false
		s.con.deps.Overloaded = func() bool { return overloaded }
		p := s.call("1000", 300)
		after(time.Second)
		if s.con.Full() != 0 {
			t.Error("refused without load")
		}
		overloaded = true
		waits := map[time.Duration]bool{}
		for range 100 {
			wait := s.con.Full().Round(time.Second)
			if wait < 3*time.Second || wait > 10*time.Second {
				t.Fatalf("told to come again after %v", wait)
			}
			waits[wait] = true
		}
		if len(waits) < 5 {
			t.Errorf("all are told to come again after %v", waits)
		}
		if s.con.Closed() {
			t.Error("overload is no end of the house")
		}
		after(time.Second)
		if len(s.con.Live()) != 1 {
			t.Error("the running call has ended")
		}
		overloaded = false
		if s.con.Full() != 0 {
			t.Error("refused after the load")
		}
		p.End(leg.CallerHangup)
		s.record()
	})
}

func TestDrain(t *testing.T) {
	play(t, menu, func(s *stage) {
		p := s.call("1000", 300)
		after(time.Second)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		start := time.Now()
		done := make(chan struct{})
		go func() { s.con.Drain(ctx); close(done) }()
		after(time.Second)
		if s.con.Full() == 0 {
			t.Error("a draining house takes calls")
		}
		<-done
		if d := time.Since(start); d < 19*time.Second {
			t.Errorf("the running call was cut after %v", d)
		}
		if r := s.record(); r.End != leg.Shutdown {
			t.Errorf("end %v", r.End)
		}
		<-p.over
	})
}

func TestNoCallWithoutItsRecord(t *testing.T) {
	play(t, menu, func(s *stage) {
		if err := s.vault.Close(); err != nil {
			t.Fatal(err)
		}
		p := s.call("1000", 300)
		if r := <-p.rejected; r != leg.NoStorage {
			t.Errorf("rejected by %v", r)
		}
	})
}

func TestManyCallsLeaveNothingBehind(t *testing.T) {
	play(t, menu, func(s *stage) {
		var callers sync.WaitGroup
		for i := range 20 {
			p := s.call("1000", 300)
			callers.Go(func() {
				time.Sleep(time.Second + time.Duration(i*37)*time.Millisecond)
				p.press("1")
				time.Sleep(time.Duration(i*91) * time.Millisecond)
				p.End(leg.CallerHangup)
			})
		}
		callers.Wait()
		for range 20 {
			s.record()
		}
		synctest.Wait() // a call is forgotten just after it was told of
		if live := s.con.Live(); len(live) != 0 {
			t.Errorf("still live: %v", live)
		}
	})
}

// A call ends when it has taken as long as it may, whatever it does.
func TestLongestCall(t *testing.T) {
	for _, number := range []string{"1000", "echo"} {
		play(t, menu, func(s *stage) {
			s.con.cfg.Longest = 20 * time.Second
			p := s.call(number, 300)
			from := time.Now()
			after(2 * time.Second)
			if number == "1000" {
				p.press("2")
				alice := <-s.dialled
				alice.pickUp()
			}
			after(17 * time.Second)
			if len(s.con.Live()) != 1 {
				t.Errorf("%s: the call has ended early", number)
			}
			if r := s.record(); r.End != leg.TooLong || p.reason != leg.TooLong {
				t.Errorf("%s: ended by %v", number, r.End)
			}
			if d := time.Since(from); d > 22*time.Second {
				t.Errorf("%s: it took %v", number, d)
			}
		})
	}
}
