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
	analyser *emotion.Analyser // nil: it is not wanted
	room     *sound
	began    media.Time // the caller speaks since; -1 while not
	mood     mood
	opinions opinions
}

func newFeelings(model emotion.Model) feelings {
	return feelings{analyser: emotion.New(emotion.Config{}), room: &sound{}, began: -1, opinions: newOpinions(model)}
}

func (s *scribe) drain() {
	s.ears.caller.drain(s.room)
	for i := range s.room.frames[:s.room.n] {
		f := s.room.frames[i].frame()
		s.analyser.Frame(f.At, f.PCM, f.Lost)
		if s.opinions.model != nil {
			s.opinions.kept.Frame(f.At, f.PCM, f.Lost)
		}
	}
}

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

// voiced judges an utterance that nobody writes down by its sound alone.
func (s *scribe) voiced(from, to media.Time) {
	if s.writtenDown(transcript.Caller) {
		return // dictated does it, with the words
	}
	u := s.feel(from, to, "")
	s.felt(u)
	if u.emotion != nil {
		u.seq = s.voice(u)
	}
	s.askModel(u)
}

// voice notes an utterance without words: at a choice which is known already, or by
// itself. It returns the number of the segment.
func (s *scribe) voice(u utterance) int {
	if last := s.lastOf(transcript.Caller); last != nil && last.Kind == transcript.Choice && last.EndMS >= ms(u.from) && last.StartMS <= ms(u.to) {
		last.Emotion = u.emotion
		s.put(last)
		return last.Seq
	}
	return s.add(transcript.Segment{
		Speaker: transcript.Caller, Kind: transcript.Voice, StartMS: ms(u.from), EndMS: ms(u.to), Final: true, Emotion: u.emotion,
	}).Seq
}

func (s *scribe) writtenDown(who transcript.Speaker) bool {
	return slices.ContainsFunc(s.parties, func(p *talker) bool { return p.speaker == who && p.session != nil })
}

// utterance is what the caller has said at a time, and how that seems to be felt.
type utterance struct {
	n        int // of the caller's
	seq      int // of its segment; 0: it has none
	from, to media.Time
	voiced   bool                // enough of it for a judgement by sound
	emotion  *transcript.Emotion // nil where nothing can be said
}

// feel judges an utterance by the rules.
func (s *scribe) feel(from, to media.Time, text string) utterance {
	s.mood.heard++
	u := utterance{n: s.mood.heard, from: from, to: to}
	if s.analyser == nil {
		return u
	}
	s.drain()
	r := s.analyser.Utterance(from, to, text)
	u.voiced = r.Features.Voiced >= media.TimeOf(emotion.DefaultMinVoiced)
	if tells(r.Emotion) {
		u.emotion = &r.Emotion
	}
	return u
}

// tells reports whether anything is known.
func tells(e transcript.Emotion) bool {
	return e.Label != transcript.Unknown || e.Arousal.Confidence > 0 || e.Valence.Confidence > 0
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
