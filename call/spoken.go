package call

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/ivrd/ivrd/internal/spelling"
	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/media"
)

// answer is what a turn hears in words. The worker pauses the prompts when the caller
// seems to speak, and lets them go on when that was a cough. When speech begins:
//
//	heeding ──words (an engine that hears nothing but words)──► prompts stop
//	   │  └────longer than the decision takes──► prompts stop
//	   └──a phrase──► heard; none, and the prompts have not stopped──► they go on
type answer struct {
	*listener

	begun    bool
	from, to media.Time // of the speech
	whole    bool       // it seems to be a phrase that goes no further
}

// listenFor lets a turn be answered in words, if there are any and somebody who
// understands them.
func (t *turn) listenFor(c *Call) {
	recognizer := c.hearer(t.Listen)
	if recognizer == nil || t.Secret {
		return
	}
	t.speech = &answer{listener: newListener(recognizer, t.Phrases, t.Language)}
	c.sound.listener = t.speech.listener
	c.retap()
}

// patience is how long the prompts wait for words of who seems to speak.
func (t *turn) patience() time.Duration {
	if t.speech == nil || !t.BargeIn {
		return 0
	}
	return cmp.Or(t.Decision, defaultDecision)
}

// speaks is told that the caller begins to speak, pauses, or has ended.
func (t *turn) speaks(c *Call, ev media.StreamEvent) {
	a := t.speech
	switch {
	case a == nil || len(t.keys) > 0 || !t.over && !t.BargeIn:
	case ev.Kind == media.EventSpeechBegan && !a.begun:
		t.answers(c, ev.At)
	case ev.Kind == media.EventSpeechPaused && a.begun && a.whole, ev.Kind == media.EventSpeechEnded && a.begun:
		a.to = ev.At
		t.answered()
	}
}

// answers begins to listen.
func (t *turn) answers(c *Call, at media.Time) {
	session, err := t.speech.begin(at)
	if err != nil {
		t.deaf(c, err)
		return
	}
	mine := t.speech
	mine.begun, mine.from = true, at
	if !t.over && !mine.provesWords() {
		t.hold(c, true)
	}
	c.after(t.longest())
	tell := func(f func()) {
		_ = c.post(func() { // fails when the call is over
			if c.doing == activity(t) && t.speech == mine {
				f()
			}
		})
	}
	go func() {
		got := result(session, func(text string) { tell(func() { t.seems(c, text) }) })
		tell(func() { t.understood(c, got) })
	}()
}

// longest is how long an answer may take.
func (t *turn) longest() time.Duration {
	d := cmp.Or(t.SpeechTimeout, defaultSpeechTimeout)
	if t.Free {
		return max(d, longestWish)
	}
	return d
}

// provesWords reports whether what the engine tells meanwhile says that there are
// words: one that knows phrases only makes them of any sound. Of several engines any may
// be the one that hears.
func (a *answer) provesWords() bool {
	t := a.recognizer.Traits()
	return t.Interim && !t.Grammar
}

// hold lets the prompts wait, or go on where they stopped.
func (t *turn) hold(c *Call, on bool) {
	p, ok := c.caller.Stream().(media.Pauser)
	switch {
	case !ok:
	case on:
		p.Pause()
	default:
		p.Resume()
	}
}

// seems is told what seems to be said so far.
func (t *turn) seems(c *Call, text string) {
	t.speech.whole = whole(text, t.Phrases)
	if !t.over && t.speech.provesWords() {
		t.over = true
		c.caller.Stream().Stop()
	}
}

// whole reports whether a text is one of the phrases, and no other goes on from it.
func whole(text string, phrases []string) bool {
	said := spelling.Words(text)
	is := false
	for _, p := range phrases {
		words := spelling.Words(p)
		switch {
		case slices.Equal(words, said):
			is = true
		case len(words) > len(said) && slices.Equal(words[:len(said)], said):
			return false
		}
	}
	return is
}

// answered says that nothing more comes; what was said follows.
func (t *turn) answered() {
	session := t.speech.end()
	go func() { _ = session.Finish(context.Background()) }() // its error is the session's, which result tells
}

func (t *turn) understood(c *Call, got spoken) {
	switch {
	case got.err != nil && got.phrase == "":
		t.deaf(c, got.err)
	case got.phrase != "":
		t.said = got.segment
		t.heard(c, meant(t.Listen, got))
	case !t.over && t.speech.fleeting(t.patience()):
		t.goOn(c)
	default:
		t.heard(c, ivr.Heard{Kind: ivr.HeardSpeech})
	}
}

// fleeting reports whether what was said, and not understood, asks for nothing: who
// talks for longer means an answer, unless the engine would have told of words.
func (a *answer) fleeting(decision time.Duration) bool {
	return a.provesWords() || (a.to-a.from).Duration() < decision
}

// goOn listens anew, and the prompts go on: that was no answer.
func (t *turn) goOn(c *Call) {
	t.hearNoMore(c)
	c.timer.Stop()
	t.listenFor(c)
	t.hold(c, false)
}

// tooLong ends an answer that takes longer than it may.
func (t *turn) tooLong(c *Call) {
	if !t.over && t.speech.provesWords() { // nothing but noise
		t.goOn(c)
		return
	}
	if t.Free { // so long a story is understood by its beginning
		t.answered()
		return
	}
	t.heard(c, ivr.Heard{Kind: ivr.HeardSpeech}) // who goes on for so long means no phrase
}

// deaf goes on with keys alone: the recognizer does not answer.
func (t *turn) deaf(c *Call, err error) {
	t.hearNoMore(c)
	c.log.Warn("no speech recognition: keys only", "err", err)
	switch {
	case !t.over:
		c.timer.Stop()
		t.hold(c, false)
	case len(t.keys) == 0:
		c.after(t.Timeout)
	}
}

// hearNoMore ends listening: a key was quicker, or the turn is over.
func (t *turn) hearNoMore(c *Call) {
	if t.speech == nil {
		return
	}
	session := t.speech.end()
	t.speech, c.sound.listener = nil, nil
	c.retap()
	if session != nil {
		go func() { _ = session.Close() }() // it waits for its goroutines
	}
}
