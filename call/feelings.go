package call

import (
	"context"
	"slices"
	"time"

	"github.com/ivrd/ivrd/asr/emotion"
	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/transcript"
)

// feelEvery is how often the analysis takes what was heard.
const feelEvery = 200 * time.Millisecond

// feelings follow how the caller seems to feel. They belong to the scribe's goroutine.
type feelings struct {
	analyser   *emotion.Analyser // nil: it is not wanted
	room       *sound
	escalation emotion.Escalation
	began      media.Time // the caller speaks since; -1 while not
	sum        transcript.Scores
	labelled   int
	escalated  bool
	method     string
}

func newFeelings() feelings {
	return feelings{analyser: emotion.New(emotion.Config{}), room: &sound{}, began: -1}
}

func (s *scribe) drain() { s.ears.caller.drain(s.analyser, s.room) }

// speaks is told that the caller begins to speak, or has ended.
func (s *scribe) speaks(ev media.StreamEvent) {
	if s.ears.caller.sound == nil {
		return
	}
	s.post(func() {
		switch {
		case ev.Kind == media.EventSpeechBegan:
			s.began = ev.At
		case ev.Kind == media.EventSpeechEnded && s.began >= 0:
			from := s.began
			s.began = -1
			s.voiced(from, ev.At)
		}
	})
}

// voiced judges an utterance that nobody writes down by its sound alone: as that of a
// choice which is known already, or by itself.
func (s *scribe) voiced(from, to media.Time) {
	if s.writtenDown(transcript.Caller) {
		return // dictated does it, with the words
	}
	e := s.feel(from, to, "")
	if e == nil {
		return
	}
	s.felt(to, e)
	if last := s.lastOf(transcript.Caller); last != nil && last.Kind == transcript.Choice && last.EndMS >= ms(from) {
		last.Emotion = e
		s.put(last)
		return
	}
	s.add(transcript.Segment{
		Speaker: transcript.Caller, Kind: transcript.Voice, StartMS: ms(from), EndMS: ms(to), Final: true, Emotion: e,
	})
}

func (s *scribe) writtenDown(who transcript.Speaker) bool {
	return slices.ContainsFunc(s.parties, func(p *talker) bool { return p.speaker == who && p.session != nil })
}

// feel judges an utterance; nil where nothing can be said of it.
func (s *scribe) feel(from, to media.Time, text string) *transcript.Emotion {
	if s.analyser == nil {
		return nil
	}
	s.drain()
	e := s.analyser.Utterance(from, to, text).Emotion
	if e.Label == transcript.Unknown && e.Arousal.Confidence == 0 && e.Valence.Confidence == 0 {
		return nil
	}
	return &e
}

// felt adds an utterance to what the call shows and the record says.
func (s *scribe) felt(at media.Time, e *transcript.Emotion) {
	if e == nil {
		return
	}
	raised := s.escalation.Add(at, *e).Raised
	s.c.show(func(st *Status) { st.Emotion, st.Escalate = e, raised })
	s.escalated = s.escalated || raised
	if e.Label != transcript.Unknown {
		s.labelled++
		s.method = e.Method
		for i, v := range e.Scores {
			s.sum[i] += v
		}
	}
	m := s.mood()
	s.c.visit.Update(func(r *recordings.Call) { r.Emotion = m })
}

func (s *scribe) mood() *recordings.Mood {
	m := &recordings.Mood{Escalated: s.escalated, Method: s.method}
	if s.labelled == 0 {
		return m
	}
	m.Label, m.Confidence = s.sum.Best()
	m.Confidence /= float64(s.labelled)
	return m
}

// haste is how much the caller's emotion asks for now, 0 to 100. It waits for what is
// being judged.
func (s *scribe) haste() float64 {
	if s.analyser == nil {
		return 0
	}
	got, at := make(chan float64, 1), s.c.session.Now()
	s.wait(func() { got <- 100 * s.escalation.At(at).Level })
	select {
	case l := <-got:
		return l
	case <-s.done:
		return 0
	}
}

// understandLimit is how long it may take to be shown beside the words.
const understandLimit = 3 * time.Second

// understand adds to a segment what its words mean, when that is known.
func (s *scribe) understand(seq int, text, language string) {
	understander := s.c.script.Understander
	if understander == nil {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), understandLimit)
		defer cancel()
		u, err := understander.Interpret(ctx, ivr.Utterance{Text: text, Language: language, Now: s.c.con.deps.Clock.Now()})
		if err != nil {
			return // only the end of ctx
		}
		for _, e := range u.Entities {
			e.Private.Wipe()
		}
		s.wait(func() { s.understood(seq, u) })
	}()
}

// meant adds to what the caller has said last what a flow understood it to mean.
func (s *scribe) meant(u ivr.Understanding) {
	s.wait(func() {
		if g := s.lastOf(transcript.Caller); g != nil && (g.Kind == transcript.Choice || g.Kind == transcript.Spoken) {
			s.understood(g.Seq, u)
		}
	})
}

func (s *scribe) understood(seq int, u ivr.Understanding) {
	g := s.find(seq)
	if g == nil || u.Intent == "" && len(u.Entities) == 0 {
		return
	}
	g.Intent, g.Entities = nil, nil
	for _, e := range u.Entities {
		g.Entities = append(g.Entities, transcript.Entity{Kind: e.Kind, Value: e.Value})
	}
	if u.Intent != "" {
		g.Intent = &transcript.Intent{Name: u.Intent, P: u.P}
		s.c.show(func(st *Status) { st.Intent = u.Intent })
		s.c.visit.Update(func(r *recordings.Call) { r.Intent = u.Intent })
	}
	s.put(g)
}
