package call

import (
	"math"
	"slices"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
)

const (
	// linesEvery is how often a call looks at its lines for those who watch: as
	// often as there is another judgement of them.
	linesEvery = 5 * time.Second
	// maxAttendees bounds the legs of one record: a page may come back very often.
	maxAttendees = 32
)

// Line is how good a party's line is at the moment. MOS are rounded to tenths, so
// that a steady line is no news; 0 is not known.
type Line struct {
	Party string // as in recordings.Leg, but never a supervisor: who has taken over is the agent
	// Heard is the party's voice as it comes to us, PeerHeard ours as it comes to
	// them. Grade is that of the worse of the two.
	Heard, PeerHeard float64
	Grade            media.Grade
}

func lineOf(party string, s media.Stats) Line {
	heard, told := s.Heard.Recent, s.PeerHeard.Recent
	worse := heard
	if told > 0 && (worse == 0 || told < worse) {
		worse = told
	}
	return Line{party, tenths(heard), tenths(told), media.GradeOf(worse)}
}

func tenths(mos float64) float64 { return math.Round(mos*10) / 10 }

// attendee is a leg whose line the record tells of.
type attendee struct {
	leg   leg.Leg
	party string
	who   string
}

// partyOf is what whoever talks to the caller is, and who of the house. A flow's
// number is nobody of the house, nor is "".
func partyOf(with string) (party, who string) {
	if with == "" || isNumber(with) {
		return recordings.PartyOther, ""
	}
	return recordings.PartyAgent, with
}

// enlist keeps a leg for the record; one that is answered twice is one.
func (c *Call) enlist(l leg.Leg, party, who string) {
	known := slices.ContainsFunc(c.attendees, func(a attendee) bool { return a.leg == l })
	if !known && len(c.attendees) < maxAttendees {
		c.attendees = append(c.attendees, attendee{l, party, who})
	}
}

// measured are the legs of the record.
func (c *Call) measured() []recordings.Leg {
	var legs []recordings.Leg
	for _, a := range c.attendees {
		if l, ok := recordings.LegOf(a.party, a.who, a.leg.Stream().Stats()); ok {
			legs = append(legs, l)
		}
	}
	return legs
}

// showLines shows the lines of those who talk now.
func (c *Call) showLines() {
	lines := appendLine(nil, recordings.PartyCaller, c.caller)
	if other := c.partner(); other != nil { // also one who was a supervisor
		party, _ := partyOf(c.talk().agent)
		lines = appendLine(lines, party, other)
	}
	c.show(func(s *Status) { s.Lines = lines })
}

// appendLine adds a party's line, if anything is known of it.
func appendLine(lines []Line, party string, l leg.Leg) []Line {
	if line := lineOf(party, l.Stream().Stats()); line.Grade != media.GradeUnknown {
		return append(lines, line)
	}
	return lines
}

// ofCaller are the lines that stay when whom they talk to has gone.
func ofCaller(lines []Line) []Line {
	var out []Line
	for _, l := range lines {
		if l.Party == recordings.PartyCaller {
			out = append(out, l)
		}
	}
	return out
}
