package call

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/memnet"
	"github.com/ivrd/ivrd/internal/testkit/speech"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
)

// spoils makes the line from a party to us lose packets.
func (s *stage) spoils(p *party, loss float64) {
	s.net.Impair(p.phone.Addr().Addr(), p.stream.Local().Addr(), memnet.Line{Delay: 20 * time.Millisecond, Loss: loss, Burst: 3})
}

// parties of the record, in a row.
func parties(c recordings.Call) string {
	var all []string
	for _, l := range c.Legs {
		all = append(all, strings.TrimSpace(l.Party+" "+l.Who))
	}
	return strings.Join(all, ", ")
}

// TestLinesInTheRecord: each party's line, the bad one as bad.
func TestLinesInTheRecord(t *testing.T) {
	talking(t, func(s *scene) {
		s.spoils(s.caller, 0.15)
		s.monitors(Listen)
		after(40 * time.Second)
		s.caller.End(leg.CallerHangup)
		c := s.record()
		if got := parties(c); got != "caller, agent alice, supervisor sue" {
			t.Fatalf("the record has the lines of %s", got)
		}
		for _, l := range c.Legs {
			if l.Codec != "PCMU" || l.Heard == nil || l.Heard.Packets < 1000 || l.PeerHeard != nil {
				t.Fatalf("%s: %+v %+v", l.Party, l, l.Heard)
			}
			bad := l.Party == recordings.PartyCaller
			if h := l.Heard; (media.GradeOf(h.MOS) != media.Good) != bad || (h.LossPercent > 5) != bad || (h.Lost > 100) != bad || (h.WorstMOS < 3.5) != bad {
				t.Errorf("%s: %+v", l.Party, *h)
			}
		}
	})
}

// TestTalkInTheRecord: how long each party has spoken; tones are no talk.
func TestTalkInTheRecord(t *testing.T) {
	said := speech.Voices()[1].Say(t, media.SampleRate)[:4*media.SampleRate]
	talking(t, func(s *scene) {
		s.monitors(Barge)
		s.caller.phone.SendPCM(s.caller.stream.Local(), media.PCMU, append(said, media.Silence(4*time.Second)...))
		after(8 * time.Second)
		s.caller.End(leg.CallerHangup)
		for _, l := range s.record().Legs {
			if spoke := l.Party == recordings.PartyCaller; spoke != (l.TalkMS > 3000) || spoke != (l.TalkMS > 0) || l.TalkMS > 4500 {
				t.Errorf("%s has spoken for %d ms", l.Party, l.TalkMS)
			}
		}
	})
}

// TestLinesAreShown: of caller and agent, at most once in 5 s, and only of who is
// there.
func TestLinesAreShown(t *testing.T) {
	talking(t, func(s *scene) {
		after(6 * time.Second)
		want := []Line{{"caller", 4.4, 0, media.Good}, {"agent", 4.4, 0, media.Good}}
		if got := s.status().Lines; !slices.Equal(got, want) {
			t.Errorf("lines %+v", got)
		}
		s.spoils(s.alice, 0.3)
		told := 0
		s.con.deps.Changed = func() { told++ } // only the actor of this call tells
		after(30 * time.Second)
		if told == 0 || told > 6 {
			t.Errorf("told of %d changes in 30 s", told)
		}
		lines := s.status().Lines
		if len(lines) != 2 || lines[0] != want[0] || lines[1].Grade != media.Poor || lines[1].Heard > 3 {
			t.Errorf("lines %+v", lines)
		}
		s.con.deps.Changed = func() {}
		s.alice.End(leg.AgentHangup)
		after(100 * time.Millisecond)
		if got := s.status().Lines; !slices.Equal(got, want[:1]) {
			t.Errorf("without alice: %+v", got)
		}
		s.caller.End(leg.CallerHangup)
		s.record()
	})
}

// TestLinesOfAPageThatComesBack: each of its legs is in the record, but not
// without end.
func TestLinesOfAPageThatComesBack(t *testing.T) {
	paged(t, func(s *scene) {
		for range maxAttendees + 2 {
			s.vanish()
			s.back()
			after(2 * time.Second)
		}
		s.caller.End(leg.CallerHangup)
		c := s.record()
		if n := len(c.Legs); n != maxAttendees || !strings.HasPrefix(parties(c), "caller, agent alice, agent alice, ") {
			t.Errorf("%d legs: %s", n, parties(c))
		}
	})
}

// TestLinesAfterATakeover: a supervisor who has taken over is the agent.
func TestLinesAfterATakeover(t *testing.T) {
	talking(t, func(s *scene) {
		s.monitors(Listen)
		after(6 * time.Second)
		s.monitors(Takeover)
		<-s.alice.over
		want := []Line{{"caller", 4.4, 0, media.Good}, {"agent", 4.4, 0, media.Good}}
		if got := s.status().Lines; !slices.Equal(got, want[:1]) {
			t.Errorf("when alice has gone: %+v", got)
		}
		after(6 * time.Second)
		if got := s.status().Lines; !slices.Equal(got, want) {
			t.Errorf("taken over: %+v", got)
		}
		s.caller.End(leg.CallerHangup)
		if got := parties(s.record()); got != "caller, agent alice, supervisor sue" {
			t.Errorf("the record has the lines of %s", got)
		}
	})
}

// TestLineOfANumber: whom a flow has connected by number is nobody of the house,
// and the number, which is kept sealed, is not told with the line.
func TestLineOfANumber(t *testing.T) {
	const flow = head + `
  start:
    connect: {to: "+861012345678", timeout: 10s}
    on: {ok: end, busy: end, noanswer: end, error: end}
`
	play(t, flow, func(s *stage) {
		caller := s.call("1000", 300)
		out := <-s.dialled
		out.pickUp()
		after(6 * time.Second)
		if got, want := s.status().Lines, []Line{{"caller", 4.4, 0, media.Good}, {"other", 4.4, 0, media.Good}}; !slices.Equal(got, want) {
			t.Errorf("lines %+v", got)
		}
		caller.End(leg.CallerHangup)
		if got := parties(s.record()); got != "caller, other" {
			t.Errorf("the record has the lines of %s", got)
		}
	})
}

func TestGradeOfALine(t *testing.T) {
	for _, c := range []struct {
		heard, told float64
		want        Line
	}{
		{0, 0, Line{Party: "caller"}},
		{4.38, 0, Line{"caller", 4.4, 0, media.Good}},
		{4.38, 3.33, Line{"caller", 4.4, 3.3, media.Fair}},
		{2.04, 4.4, Line{"caller", 2, 4.4, media.Poor}},
		{0, 4.03, Line{"caller", 0, 4, media.Good}},
	} {
		s := media.Stats{Heard: media.Quality{Recent: c.heard}, PeerHeard: media.Quality{Recent: c.told}}
		if got := lineOf("caller", s); got != c.want {
			t.Errorf("%.2f and %.2f are %+v, want %+v", c.heard, c.told, got, c.want)
		}
	}
}
