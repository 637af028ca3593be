package call

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/transcript"
)

// scribe writes down one call: what the house says and is answered; what the parties
// say to each other, where an engine writes conversation down; how the caller seems to
// feel. Its fields below "own" belong to the goroutine of run; the call's actor posts
// to it and never waits.
type scribe struct {
	c     *Call
	words words
	ears  ears
	inbox chan func()
	quit  chan struct{}
	done  chan struct{}
	// writers are the sessions of the dictation.
	writers sync.WaitGroup

	// own
	mask   transcript.Masker
	seq    int
	recent []*line // which may still change, oldest first
	prompt int     // the number of that which is being said; 0: none
	dictation
	feelings
}

// line is a segment as it is shown now, and its words, which are shown while nothing
// is masked in it.
type line struct {
	transcript.Segment

	words []transcript.Word
}

const (
	scribeInbox = 64
	// recentKept is how many segments may still be changed: by emotion, by what was
	// understood, by what comes after.
	recentKept = 32
	// lastWordsLimit is how long the last results, and what a model says of the last
	// utterances, may take after the end of a call.
	lastWordsLimit = 3 * time.Second
)

func newScribe(c *Call) *scribe {
	s := &scribe{
		c: c, inbox: make(chan func(), scribeInbox), quit: make(chan struct{}), done: make(chan struct{}),
	}
	if c.con.cfg.Emotion {
		s.feelings = newFeelings(c.con.deps.EmotionModel)
		s.ears.caller.sound = &sound{}
	}
	coverage := transcript.CoverageNone
	if c.con.deps.Recognizer != nil {
		coverage = transcript.CoverageMenus
	}
	s.covers(coverage)
	go s.run()
	return s
}

func (s *scribe) run() {
	defer close(s.done)
	var tick <-chan time.Time
	if s.analyser != nil {
		t := time.NewTicker(feelEvery)
		defer t.Stop()
		tick = t.C
	}
	for {
		select {
		case f := <-s.inbox:
			f()
		case <-tick:
			s.drain()
		case <-s.quit:
			for {
				select {
				case f := <-s.inbox:
					f()
				default:
					s.publish(s.mask.Flush())
					return
				}
			}
		}
	}
}

// post is for the actor: what finds no room is lost.
func (s *scribe) post(f func()) {
	select {
	case s.inbox <- f:
	default:
		s.c.log.Warn("the transcript is behind: something is not written down")
	}
}

// wait is post for those who may wait.
func (s *scribe) wait(f func()) {
	select {
	case s.inbox <- f:
	case <-s.done:
	}
}

// close waits for the last words; the actor lets nothing more be heard.
func (s *scribe) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastWordsLimit)
	defer cancel()
	over := make(chan struct{})
	s.wait(func() {
		s.endDictation(ctx)
		go func() { s.writers.Wait(); close(over) }()
	})
	select {
	case <-over:
	case <-ctx.Done():
	}
	s.endOpinions(ctx)
	close(s.quit)
	<-s.done
}

// covers shows how much is written down from now on.
func (s *scribe) covers(c transcript.Coverage) {
	s.c.visit.Update(func(r *recordings.Call) {
		if r.Transcript.Coverage != transcript.CoverageConversation { // of a part of the call at least
			r.Transcript.Coverage = c
		}
	})
	s.c.show(func(st *Status) { st.Transcribed = c })
}

// add writes a final segment down: its text is masked here, and what it tells of
// earlier ones.
func (s *scribe) add(g transcript.Segment) *line {
	g.Seq = s.number(g.Seq)
	kept := s.find(g.Seq)
	if kept == nil {
		if len(s.recent) == recentKept {
			s.recent = s.recent[1:]
		}
		kept = &line{}
		s.recent = append(s.recent, kept)
	}
	kept.Segment, kept.words = g, g.Words
	if g.Kind == transcript.Keys || g.Kind == transcript.Choice { // the menu's own, and no part of a number
		s.put(kept)
		return kept
	}
	s.publish(s.mask.Add(g.Seq, g.Speaker, g.Text))
	return kept
}

// number is that of a segment, the next one for a segment that has none yet.
func (s *scribe) number(seq int) int {
	if seq == 0 {
		s.seq++
		seq = s.seq
	}
	return seq
}

// publish shows and keeps segments whose text is what it is now.
func (s *scribe) publish(all []transcript.Masked) {
	for _, m := range all {
		g := s.find(m.Seq)
		if g == nil {
			continue
		}
		if g.Text, g.Words = m.Text, g.words; m.Hidden {
			g.Words = nil
		}
		s.put(g)
	}
}

// put shows and keeps a segment as it is.
func (s *scribe) put(g *line) {
	if g.Final {
		s.c.visit.Say(g.Segment)
	}
	s.show(g.Segment)
}

func (s *scribe) show(g transcript.Segment) {
	revision := s.words.tell(g)
	s.c.show(func(st *Status) { st.Words = revision })
}

func (s *scribe) find(seq int) *line {
	for _, g := range s.recent {
		if g.Seq == seq {
			return g
		}
	}
	return nil
}

// prompted writes down what the house begins to say.
func (s *scribe) prompted(at media.Time, prompts []ivr.Prompt) {
	text, language := s.c.texts(prompts)
	if text == "" {
		return
	}
	s.post(func() {
		s.prompt = s.add(transcript.Segment{
			Speaker: transcript.IVR, Kind: transcript.Prompt, StartMS: ms(at), EndMS: ms(at), Text: text, Language: language, Final: true,
		}).Seq
	})
}

// hushed says that the house has come to the end of it, or was interrupted.
func (s *scribe) hushed(at media.Time) {
	s.post(func() {
		if g := s.find(s.prompt); g != nil {
			g.EndMS = ms(at)
			s.put(g)
		}
		s.prompt = 0
	})
}

// texts are the words of prompts, and their language.
func (c *Call) texts(prompts []ivr.Prompt) (text, language string) {
	var all []string
	for _, p := range prompts {
		language = p.Language
		switch {
		case p.File == "":
			all = append(all, p.Text)
		case c.script.Words != nil:
			all = append(all, c.script.Words(p.Language, p.File))
		}
	}
	return strings.TrimSpace(strings.Join(all, " ")), language
}

// answered writes down how a turn was answered. Keys of a secret never come here, and
// of an entry their number only.
func (s *scribe) answered(at media.Time, h ivr.Heard, heard asr.Segment) {
	g := transcript.Segment{Speaker: transcript.Caller, StartMS: ms(at), EndMS: ms(at), Final: true}
	switch h.Kind {
	case ivr.HeardKeys:
		g.Kind, g.Text = transcript.Keys, shownKeys(h.Keys)
	case ivr.HeardPhrase:
		g.Kind, g.Text = transcript.Choice, h.Phrase
	case ivr.HeardWords:
		g.Kind, g.Text = transcript.Spoken, string(h.Words.Reveal())
	default:
		return
	}
	if g.Kind != transcript.Keys {
		g.StartMS, g.EndMS = ms(heard.Start), ms(heard.End)
		g.Engine, g.Confidence, g.Language = heard.Engine, heard.Confidence, heard.Language
	}
	if g.Text != "" {
		s.post(func() { s.answer(g) })
	}
}

// answer joins what was said with what was felt meanwhile.
func (s *scribe) answer(g transcript.Segment) {
	if v := s.lastOf(transcript.Caller); v != nil && v.Kind == transcript.Voice && g.Kind != transcript.Keys && v.EndMS >= g.StartMS {
		g.Seq, g.StartMS, g.EndMS, g.Emotion = v.Seq, v.StartMS, v.EndMS, v.Emotion
	}
	s.add(g)
}

func (s *scribe) lastOf(who transcript.Speaker) *line {
	for _, g := range slices.Backward(s.recent) {
		if g.Speaker == who {
			return g
		}
	}
	return nil
}

// shownKeys are the keys of a choice; an entry may be a number that is nobody's to
// see, and is shown as so many dots.
func shownKeys(keys ivr.Secret) string {
	const choice = 2
	text := []rune(string(keys.Reveal()))
	for i := range text {
		if len(text) > choice {
			text[i] = '•'
		}
	}
	return string(text)
}
