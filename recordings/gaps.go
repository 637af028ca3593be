package recordings

import (
	"cmp"
	"slices"

	"github.com/ivrd/ivrd/internal/seal"
	"github.com/ivrd/ivrd/media"
)

// The states of a recording.
const (
	stateNone     = "none"
	stateLive     = "live"
	stateComplete = "complete"
	stateCrashed  = "crashed"
	statePartial  = "partial"
	stateDamaged  = "damaged"
)

// The causes of a gap, as a record names them.
const (
	gapSecret    = "secret"
	gapOff       = "off"
	gapLost      = "lost"
	gapRecovered = "recovered"
)

// causeOf translates the cause of a pause. One that is unknown counts as off:
// whatever the reason, nothing is kept.
func causeOf(cause string) seal.Cause {
	if cause == gapSecret {
		return seal.CauseSecret
	}
	return seal.CauseOff
}

// gapName names a cause for the record; "" for what happens on any line and
// is told by the parts alone.
func gapName(c seal.Cause) string {
	switch c {
	case seal.CauseLost:
		return gapLost
	case seal.CauseSecret:
		return gapSecret
	case seal.CauseOff:
		return gapOff
	case seal.CauseRecovered:
		return gapRecovered
	default:
		return ""
	}
}

// span is a stretch of a call without sound, before it is sealed.
type span struct {
	track    media.Track // TrackNone: of the whole call
	from, to media.Time
	cause    seal.Cause
}

// maxGaps bounds the gaps that a record lists; the parts hold them all.
const maxGaps = 1000

// gapList gathers the gaps of a recording's parts for its record. However
// the parts were ordered, the same gaps give the same list.
type gapList struct{ list []Gap }

func (l *gapList) add(p *seal.Part) {
	for _, g := range p.Gaps {
		cause := gapName(g.Cause)
		if cause == "" {
			continue
		}
		l.list = append(l.list, Gap{
			Cause:  cause,
			FromMS: ms(media.Time(p.First) + media.Time(g.From)), ToMS: ms(media.Time(p.First) + media.Time(g.To)),
		})
	}
	if len(l.list) > 4*maxGaps {
		l.merge()
	}
}

func (l *gapList) merge() {
	slices.SortFunc(l.list, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(a.Cause, b.Cause), cmp.Compare(a.FromMS, b.FromMS))
	})
	merged := l.list[:0]
	for _, g := range l.list {
		if n := len(merged); n > 0 && merged[n-1].Cause == g.Cause && g.FromMS <= merged[n-1].ToMS {
			merged[n-1].ToMS = max(merged[n-1].ToMS, g.ToMS)
			continue
		}
		merged = append(merged, g)
	}
	l.list = merged
}

// gaps are the merged gaps in order of time, at most maxGaps.
func (l *gapList) gaps() []Gap {
	l.merge()
	list := slices.Clone(l.list)
	slices.SortStableFunc(list, func(a, b Gap) int { return cmp.Compare(a.FromMS, b.FromMS) })
	return list[:min(len(list), maxGaps)]
}

// gapsOf gathers the gaps of a whole file.
func gapsOf(ix *seal.Index) []Gap {
	var l gapList
	for i := range ix.Parts {
		l.add(&ix.Parts[i].Part)
	}
	return l.gaps()
}

func ms(t media.Time) int64 { return int64(t) * 1000 / media.SampleRate }
