package recordings

import (
	"math"
	"time"

	"github.com/ivrd/ivrd/media"
)

// The parties of a call whose lines are in its record.
const (
	PartyCaller     = "caller"
	PartyAgent      = "agent"      // or another person of the house
	PartySupervisor = "supervisor" // who monitored; shown to those who may
	PartyOther      = "other"      // a number that the flow or an agent has connected
)

// Leg is how good the line of one party was: figures only. Who is a person of
// the house, as Call.Agent is.
type Leg struct {
	Party string `json:"party"`
	Who   string `json:"who,omitempty"`
	Codec string `json:"codec,omitempty"`
	// RTTMS is the round trip as RTCP last told; 0: it never did.
	RTTMS float64 `json:"rtt_ms,omitempty"`
	// TalkMS is how long the party has spoken, without pauses; 0 also where nobody
	// listened for it.
	TalkMS int64 `json:"talk_ms,omitempty"`
	// Heard is the party's voice as it came to us; PeerHeard is ours as it came
	// to the party, by its RTCP, nil without any.
	Heard     *Voice `json:"heard,omitempty"`
	PeerHeard *Voice `json:"peer_heard,omitempty"`
}

// Voice is how well one voice came over; see media.Quality. MOS are 1 to 4.5 and
// estimated, LossPercent is of all frames, lost or late.
type Voice struct {
	MOS         float64 `json:"mos"`
	WorstMOS    float64 `json:"worst_mos"` // of 5 s
	Listening   float64 `json:"listening_mos"`
	R           float64 `json:"r"`
	LossPercent float64 `json:"loss_percent"`
	Burst       float64 `json:"burst_ratio"`
	DelayMS     int64   `json:"delay_ms"`
	JitterMS    float64 `json:"jitter_ms"`
	// Packets that came, were lost on the way, or came too late: of Heard all
	// three, of PeerHeard Lost only.
	Packets uint64 `json:"packets,omitempty"`
	Lost    uint64 `json:"lost"`
	Late    uint64 `json:"late,omitempty"`
}

// LegOf makes a leg of its stream's figures. It reports false for one on which
// nothing was ever heard.
func LegOf(party, who string, s media.Stats) (Leg, bool) {
	l := Leg{Party: party, Who: who, RTTMS: round(float64(s.RTT)/float64(time.Millisecond), 10), TalkMS: s.Talk.Milliseconds()}
	if s.Codec.Valid() {
		l.Codec = s.Codec.Name()
	}
	if l.Heard = voiceOf(s.Heard, s.Jitter); l.Heard != nil {
		l.Heard.Packets, l.Heard.Lost, l.Heard.Late = s.Received, s.Lost, s.Late
	}
	if l.PeerHeard = voiceOf(s.PeerHeard, s.RemoteJitter); l.PeerHeard != nil {
		l.PeerHeard.Lost = uint64(s.RemoteLost)
	}
	return l, l.Heard != nil || l.PeerHeard != nil
}

func voiceOf(q media.Quality, jitter time.Duration) *Voice {
	if !q.Known() {
		return nil
	}
	return &Voice{
		MOS: round(q.MOS, 100), WorstMOS: round(q.Worst, 100), Listening: round(q.Listening, 100), R: round(q.R, 10),
		LossPercent: round(100*q.Loss, 100), Burst: round(q.Burst, 100),
		DelayMS: q.Delay.Milliseconds(), JitterMS: round(float64(jitter)/float64(time.Millisecond), 10),
	}
}

func round(x, parts float64) float64 { return math.Round(x*parts) / parts }
