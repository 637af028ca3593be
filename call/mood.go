package call

import (
	"cmp"
	"slices"

	"github.com/ivrd/ivrd/asr/emotion"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/transcript"
)

// mood is what the caller's emotions come to in a call. It belongs to the scribe's
// goroutine.
type mood struct {
	heard      int // utterances
	recent     []judgement
	escalation emotion.Escalation
	sum        transcript.Scores
	labelled   int
	escalated  bool
	method     string
}

// judgement is how an utterance was felt, which may still be replaced.
type judgement struct {
	n       int // of the utterance
	at      media.Time
	emotion *transcript.Emotion
	before  emotion.Escalation
}

// judge enters how an utterance was felt, in place of what was thought of it before, and
// returns whether the call has escalated now, and whether nothing later is known.
func (m *mood) judge(u utterance) (raised, latest bool) {
	i, again := slices.BinarySearchFunc(m.recent, u.n, func(j judgement, n int) int { return cmp.Compare(j.n, n) })
	j := judgement{n: u.n, at: u.to, emotion: u.emotion, before: m.escalation}
	if i < len(m.recent) {
		j.before = m.recent[i].before
	}
	if again {
		m.count(m.recent[i].emotion, -1)
		m.recent[i] = j
	} else {
		m.recent = slices.Insert(m.recent, i, j)
	}
	m.count(j.emotion, 1)
	m.escalation = j.before
	since := m.recent[i:]
	for k := range since {
		since[k].before = m.escalation
		raised = m.escalation.Add(since[k].at, *since[k].emotion).Raised
	}
	m.escalated = m.escalated || raised
	latest = i == len(m.recent)-1
	m.recent = m.recent[max(0, len(m.recent)-recentKept):]
	return raised, latest
}

// count adds an emotion to the sum, or takes it away.
func (m *mood) count(e *transcript.Emotion, sign int) {
	if e.Label == transcript.Unknown {
		return
	}
	m.labelled += sign
	for f, v := range e.Scores {
		m.sum[f] += float64(sign) * v
	}
	if sign > 0 {
		m.method = e.Method
	}
}

// told is the mood as the record tells it.
func (m *mood) told() *recordings.Mood {
	out := &recordings.Mood{Escalated: m.escalated, Method: m.method}
	if m.labelled == 0 {
		return out
	}
	out.Label, out.Confidence = m.sum.Best()
	out.Confidence /= float64(m.labelled)
	return out
}

// felt adds an utterance to what the call shows and the record says, or puts right what
// they say of it.
func (s *scribe) felt(u utterance) {
	if u.emotion == nil {
		return
	}
	raised, latest := s.mood.judge(u)
	s.c.show(func(st *Status) {
		if st.Escalate = raised; latest {
			st.Emotion = u.emotion
		}
	})
	told := s.mood.told()
	s.c.visit.Update(func(r *recordings.Call) { r.Emotion = told })
}

// haste is how much the caller's emotion asks for now, 0 to 100. It waits for what the
// rules are judging.
func (s *scribe) haste() float64 {
	if s.analyser == nil {
		return 0
	}
	got, at := make(chan float64, 1), s.c.session.Now()
	s.wait(func() { got <- 100 * s.mood.escalation.At(at).Level })
	select {
	case l := <-got:
		return l
	case <-s.done:
		return 0
	}
}
