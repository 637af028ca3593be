package call

import (
	"context"
	"testing"
	"time"

	"github.com/ivrd/ivrd/leg"
)

// heardBy is what the caller, alice, sue and tom hear.
type heardBy [4]string

// roles says who hears whom of a caller (300 Hz), alice (1400 Hz) and two
// supervisors, sue (2300 Hz) and tom (3100 Hz): in a talk, with the caller on hold
// (music of 600 Hz), and while alice's phone holds us, which takes her out. On hold
// the caller hears the music only, also when somebody barges in.
func roles() []struct {
	sue, tom         Mode
	talk, held, away heardBy
} {
	return []struct {
		sue, tom         Mode
		talk, held, away heardBy
	}{
		{
			Listen, Listen,
			heardBy{"1400", "300", "300 1400", "300 1400"},
			heardBy{"600", "", "300 600 1400", "300 600 1400"},
			heardBy{"600", "", "300 600", "300 600"},
		},
		{
			Whisper, Listen,
			heardBy{"1400", "300 2300", "300 1400", "300 1400"},
			heardBy{"600", "2300", "300 600 1400", "300 600 1400"},
			heardBy{"600", "", "300 600", "300 600"},
		},
		{
			Barge, Listen,
			heardBy{"1400 2300", "300 2300", "300 1400", "300 1400 2300"},
			heardBy{"600", "2300", "300 600 1400", "300 600 1400 2300"},
			heardBy{"600", "", "300 600", "300 600 2300"},
		},
		{
			Whisper, Whisper,
			heardBy{"1400", "300 2300 3100", "300 1400", "300 1400"},
			heardBy{"600", "2300 3100", "300 600 1400", "300 600 1400"},
			heardBy{"600", "", "300 600", "300 600"},
		},
		{
			Barge, Whisper,
			heardBy{"1400 2300", "300 2300 3100", "300 1400", "300 1400 2300"},
			heardBy{"600", "2300 3100", "300 600 1400", "300 600 1400 2300"},
			heardBy{"600", "", "300 600", "300 600 2300"},
		},
		{ // a conference of four
			Barge, Barge,
			heardBy{"1400 2300 3100", "300 2300 3100", "300 1400 3100", "300 1400 2300"},
			heardBy{"600", "2300 3100", "300 600 1400 3100", "300 600 1400 2300"},
			heardBy{"600", "", "300 600 3100", "300 600 2300"},
		},
	}
}

// TestRoles goes through the matrix, 60 ms after each change.
func TestRoles(t *testing.T) {
	talking(t, func(s *scene) {
		s.monitors(Listen)
		r := &rolesScene{scene: s}
		r.mode("tom", Listen)
		r.tom = s.rings("tom")
		r.tom.freq = 3100
		r.tom.pickUp()
		after(100 * time.Millisecond)
		for _, row := range roles() {
			r.mode("sue", row.sue)
			r.mode("tom", row.tom)
			what := string(row.sue) + " and " + string(row.tom)
			r.all(what, row.talk)
			s.holds("alice", true)
			r.all(what+", on hold", row.held)
			s.holds("alice", false)
			r.all(what+", back", row.talk)
			s.alice.events <- leg.Event{Kind: leg.Held}
			r.all(what+", phone holds", row.away)
			s.alice.events <- leg.Event{Kind: leg.Resumed}
			r.all(what+", phone is back", row.talk)
		}
		r.mode("tom", Listen)
		r.mode("sue", Takeover)
		<-s.alice.over
		r.all("taken over", heardBy{"2300", "", "300", "300 2300"})
		r.mode("tom", Whisper)
		r.all("a whisper to who has taken over", heardBy{"2300", "", "300 3100", "300 2300"})
		r.mode("tom", Barge)
		r.all("barge after the takeover", heardBy{"2300 3100", "", "300 3100", "300 2300"})
		s.caller.End(leg.CallerHangup)
		s.record()
	})
}

type rolesScene struct {
	*scene

	tom *party
}

func (s *rolesScene) mode(who string, m Mode) {
	s.t.Helper()
	if err := s.con.Monitor(context.Background(), s.id, who, m); err != nil {
		s.t.Fatal(err)
	}
}

// all checks what the four hear, from 60 ms after a change on.
func (s *rolesScene) all(what string, want heardBy) {
	s.t.Helper()
	after(60*time.Millisecond + 200*time.Millisecond)
	for i, p := range []*party{s.caller, s.alice, s.sue, s.tom} {
		if got := p.hears(200*time.Millisecond, 300, 600, 1400, 2300, 3100); got != want[i] {
			s.t.Errorf("%s: the %s hears %q, want %q", what, [...]string{"caller", "agent", "supervisor", "other supervisor"}[i], got, want[i])
		}
	}
}
