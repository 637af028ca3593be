package call

import (
	"context"
	"slices"
	"time"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/asr/emotion"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/transcript"
)

// dictation is what an engine writes down while people talk to each other. Its fields
// belong to the scribe's goroutine.
type dictation struct {
	language string
	talking  bool
	parties  []*talker
}

// talker is somebody whose words are written down.
type talker struct {
	speaker transcript.Speaker
	who     string
	ear     *ear
	session asr.Session // nil: the engines have failed, and are tried again
	draft   int         // the number of what is being said; 0: nothing is
	interim asr.Segment // as it was heard last
}

// dictateAgain is when engines are asked again that could not go on.
const dictateAgain = 5 * time.Second

// talks says that caller and another party talk from now on. who is a person of the
// house, "" for somebody outside.
func (s *scribe) talks(who, language string) {
	if s.c.con.deps.Dictation == nil {
		return
	}
	other := transcript.Other
	if who != "" {
		other = transcript.Agent
	}
	s.post(func() {
		s.talking, s.language = true, language
		s.dictate(&talker{speaker: transcript.Caller, ear: &s.ears.caller})
		s.dictate(&talker{speaker: other, who: who, ear: &s.ears.agent})
	})
}

// joins says that a supervisor is heard by the caller.
func (s *scribe) joins(who string) {
	s.post(func() {
		if s.talking {
			s.dictate(&talker{speaker: transcript.Supervisor, who: who, ear: &s.ears.supervisor})
		}
	})
}

// parts says that the talk is over.
func (s *scribe) parts() {
	s.post(func() { s.endDictation(context.Background()) })
}

// dictate begins to write somebody down; who was heard by the same ear has gone.
func (s *scribe) dictate(p *talker) {
	if i := slices.IndexFunc(s.parties, func(old *talker) bool { return old.ear == p.ear }); i >= 0 {
		if s.parties[i].who == p.who {
			return
		}
		s.finish(context.Background(), s.parties[i])
		s.parties = slices.Delete(s.parties, i, i+1)
	}
	s.parties = append(s.parties, p)
	s.open(p)
}

func (s *scribe) open(p *talker) {
	engine := s.c.con.deps.Dictation
	if !engine.Traits().Understands(s.language) {
		s.c.log.Info("conversation is not transcribed: no recognizer understands the language", "language", s.language)
		return
	}
	session, err := engine.Open(context.Background(), asr.Options{ // finish or close ends it
		Language: s.language, Interim: engine.Traits().Interim, Log: s.c.log,
	})
	if err != nil {
		s.c.log.Warn("conversation is not transcribed", "party", p.speaker, "err", err)
		s.openLater(p)
		return
	}
	p.session = session
	p.ear.listen(session)
	s.covers(transcript.CoverageConversation)
	s.writers.Go(func() {
		for g := range session.Segments() {
			s.wait(func() { s.dictated(p, g) })
		}
		s.wait(func() {
			s.settle(p)
			s.failed(p, session)
		})
	})
}

// settle keeps words of which the engine, which has ended, did not tell that they were the
// last: better those than none.
func (s *scribe) settle(p *talker) {
	if p.draft != 0 {
		p.interim.Final = true
		s.dictated(p, p.interim)
	}
}

// failed looks why a session is over, and begins another one later.
func (s *scribe) failed(p *talker, session asr.Session) {
	if p.session != session {
		return // finished
	}
	p.ear.listen(nil)
	p.session = nil
	s.c.log.Warn("transcription has stopped", "party", p.speaker, "err", session.Err())
	s.covers(transcript.CoverageMenus)
	s.openLater(p)
}

func (s *scribe) openLater(p *talker) {
	time.AfterFunc(dictateAgain, func() {
		s.wait(func() {
			if s.talking && p.session == nil && slices.Contains(s.parties, p) {
				s.open(p)
			}
		})
	})
}

func (s *scribe) endDictation(ctx context.Context) {
	s.talking = false
	for _, p := range s.parties {
		s.finish(ctx, p)
	}
	s.parties = nil
}

// finish lets a session give its last words; they come meanwhile.
func (s *scribe) finish(ctx context.Context, p *talker) {
	p.ear.listen(nil)
	session := p.session
	if p.session = nil; session == nil {
		return
	}
	s.writers.Go(func() {
		if err := session.Finish(ctx); err != nil {
			s.c.log.Info("the last words are missing", "party", p.speaker, "err", err)
		}
	})
}

// dictated takes what an engine has heard.
func (s *scribe) dictated(p *talker, heard asr.Segment) {
	text, tag, tagged := emotion.TakeTags(heard.Text)
	if text == "" && (p.draft == 0 || !heard.Final) {
		return
	}
	g := transcript.Segment{
		Seq: p.draft, Speaker: p.speaker, Who: p.who, StartMS: ms(heard.Start), EndMS: ms(heard.End),
		Kind: transcript.Spoken, Text: text, Final: heard.Final,
		Engine: heard.Engine, Language: heard.Language, Confidence: heard.Confidence,
	}
	if !heard.Final {
		g.Seq = s.number(g.Seq)
		p.draft, p.interim = g.Seq, heard
		g.Text = s.mask.Interim(p.speaker, text)
		s.show(g)
		return
	}
	p.draft = 0
	if text == "" { // it was nothing
		s.show(g)
		return
	}
	g.Words = timed(heard.Words)
	if p.speaker != transcript.Caller {
		s.add(g)
		return
	}
	u := s.feel(heard.Start, heard.End, text)
	if tagged {
		u.emotion = &tag
	}
	s.felt(u)
	g.Emotion = u.emotion
	u.seq = s.add(g).Seq
	s.understand(u.seq, text, g.Language)
	s.askModel(u)
}

func timed(words []asr.Word) []transcript.Word {
	var out []transcript.Word
	for _, w := range words {
		out = append(out, transcript.Word{Text: w.Text, StartMS: ms(w.Start), EndMS: ms(w.End)})
	}
	return out
}

func ms(t media.Time) int64 { return t.Duration().Milliseconds() }
