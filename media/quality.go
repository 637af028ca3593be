package media

import "time"

// Quality is how well one voice came over a line, estimated by the E-model
// (ITU-T G.107, of G.722 by G.107.1). The zero value says that nothing is known. MOS
// are from 1 to 4.5: of a telephone by those who are used to one, of G.722 by those
// who are used to wide-band sound. So the two do not compare; no listener was asked.
type Quality struct {
	// R is the transmission rating, 0 to 100, of G.722 0 to 129: the mean over the
	// call.
	R float64
	// MOS is what R means for a conversation (MOS-CQE), Listening the same
	// without the delay (MOS-LQE).
	MOS, Listening float64
	// Worst and Recent are the MOS of the worst and of the latest 5 s.
	Worst, Recent float64
	// Loss is the share of the frames that did not come, or too late; 0 to 1.
	Loss float64
	// Burst is the mean length of a run of lost frames, in units of what it would
	// be if they were lost at random (G.107 §7.1, BurstR); 1 where it is not known.
	Burst float64
	// Delay is from mouth to ear: half the round trip, packets, jitter buffer.
	Delay time.Duration
}

// Known reports whether there is anything to say.
func (q Quality) Known() bool { return q.MOS > 0 }

// Grade is a quality in a word, for people.
type Grade string

// The grades, by the limits of G.107 Annex B (of G.722, of R/1.29): most users are
// satisfied, some are not, nearly all are not.
const (
	GradeUnknown Grade = ""
	Good         Grade = "good" // R of 80 and more
	Fair         Grade = "fair" // R of 60 and more
	Poor         Grade = "poor"
)

// GradeOf names a MOS; 0 is not known.
func GradeOf(mos float64) Grade {
	switch {
	case mos <= 0:
		return GradeUnknown
	case mos >= 4.02:
		return Good
	case mos >= 3.10:
		return Fair
	default:
		return Poor
	}
}
