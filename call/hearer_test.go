package call

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/tts/ssml"
)

const askingFlow = `
flow: f
languages: [en, zh]
start: language
nodes:
  language:
    menu: {play: t500, timeout: 5s, retries: 0, options: {en: {digit: 1, phrases: {en: [english]}, set: {language: en}}, zh: {digit: 2, phrases: {zh: [中文]}, set: {language: zh}}}}
    on: {en: wish, zh: wish, noinput: bye, nomatch: confused}
  wish:
    ask: {play: long, timeout: 5s, retries: 0, intents: {card: {confirm: true, confirmation: {play: t700}}, bill: {digit: 1}}, options: {again: {digit: 9, phrases: {en: [once more]}}}}
    on: {card: blocked, bill: found, again: bye, noinput: bye, nomatch: confused}
  blocked: {play: t1100, next: end}
  found: {play: t1900, next: end}
  confused: {play: t900, next: end}
  bye: {play: t1500, next: end}
`

// polyglot hears what its caller says in each language, in turn; a language that it has
// not got it does not know.
type polyglot struct {
	listening

	traits     asr.Traits
	confidence map[string]float64
	hears      map[string][]string
}

func (p *polyglot) Traits() asr.Traits { return p.traits }
func (p *polyglot) Open(_ context.Context, o asr.Options) (asr.Session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, o)
	if len(p.hears[o.Language]) == 0 {
		return nil, &asr.Error{Engine: "test", Kind: asr.ErrRefused}
	}
	h := &heeding{say: p.hears[o.Language][0], segments: make(chan asr.Segment, 1), from: -1}
	p.hears[o.Language], p.sessions = p.hears[o.Language][1:], append(p.sessions, h)
	return &sure{h, p.confidence[o.Language]}, nil
}

// sure is a session that knows how sure it is; 0: it does not.
type sure struct {
	*heeding

	confidence float64
}

func (s *sure) Finish(ctx context.Context) error {
	if s.confidence == 0 || s.say == "" {
		return s.heeding.Finish(ctx)
	}
	s.end(nil, asr.Segment{Final: true, Text: s.say, Confidence: &s.confidence})
	return nil
}

// wishes understands whoever speaks of a card or of a bill.
type wishes struct{}

func (wishes) Interpret(_ context.Context, u ivr.Utterance) (ivr.Understanding, error) {
	out := ivr.Understanding{Text: "masked", P: 1}
	for word, intent := range map[string]string{"card": "card", "卡": "card", "bill": "bill"} {
		if strings.Contains(u.Text, word) {
			out.Intent = intent
		}
	}
	return out, nil
}

func (wishes) Examples(intent, language string) []string { return []string{intent + " in " + language} }

// saying speaks text, too: half a second of 1300 Hz.
type saying struct{ tones }

func (saying) Say(context.Context, string, ssml.Speech) ([]*media.Prompt, error) {
	return []*media.Prompt{media.NewPrompt("said", media.Tone(1300, -20, 500*time.Millisecond))}, nil
}

// TestAskInWords: who may say anything is written down where somebody takes dictation in
// their language, and offered examples where nobody does. What cannot be undone is asked
// back. The first menu is answered in the language that somebody has surely heard.
func TestAskInWords(t *testing.T) {
	voice := said(t)
	heard := func(words ...string) []string { return words }
	for _, c := range []struct {
		name       string
		phrases    map[string][]string // that the recognizer hears, by language
		dictation  map[string][]string
		confidence map[string]float64
		turns      int // in which the caller speaks
		last       string
		asked      string // in which language and for what
	}{
		{
			"anything",
			map[string][]string{"en": heard("english", "yes"), "zh": heard("")},
			map[string][]string{"en": heard("I have lost my card")},
			nil, 3, "blocked", "en [] map[]",
		},
		{
			"an example",
			map[string][]string{"en": heard("english", "bill in en"), "zh": heard("")},
			map[string][]string{"zh": heard("无")},
			nil, 2, "found", "en [once more card in en bill in en] map[examples:true]",
		},
		{
			"no dictation at all",
			map[string][]string{"en": heard("english", "card in en", "no")},
			nil,
			nil, 3, "confused", "en [once more card in en bill in en] map[examples:true]",
		},
		{
			"the surer language",
			map[string][]string{"en": heard("english"), "zh": heard("中文", "是的")},
			map[string][]string{"zh": heard("我的卡丢了")},
			map[string]float64{"zh": 0.4},
			3, "blocked", "zh [] map[]",
		},
		{"no language", map[string][]string{"en": heard(""), "zh": heard("")}, nil, nil, 1, "confused", ""},
		{"the engine of one language fails", map[string][]string{"en": heard("!"), "zh": heard("中文")}, nil, nil, 1, "wish", ""},
	} {
		play(t, askingFlow, func(s *stage) {
			menus := &polyglot{hears: c.phrases, confidence: c.confidence}
			s.con.deps.Recognizer = menus
			free := &polyglot{hears: c.dictation, traits: asr.Traits{Dictation: true}}
			if c.dictation != nil {
				s.con.deps.Dictation = free
			}
			s.script.Understander, s.script.Speaker = wishes{}, saying{}
			p := s.call("1000", 300)
			after(time.Second)
			p.says(nil)
			after(2 * time.Second)
			for range c.turns {
				p.says(voice)
				after(3 * time.Second)
			}
			p.End(leg.CallerHangup)
			r := s.record()
			if r.Path[len(r.Path)-1].Node != c.last {
				t.Errorf("%s: path %+v", c.name, r.Path)
			}
			var asked []string
			for _, o := range append(menus.asked, free.asked...) {
				asked = append(asked, fmt.Sprint(o.Language, " ", o.Phrases, " ", o.Extra))
			}
			if c.asked != "" && !slices.Contains(asked, c.asked) {
				t.Errorf("%s: asked for %q", c.name, asked)
			}
			backed := slices.ContainsFunc(menus.asked, func(o asr.Options) bool { return o.Extra["strict"] != nil })
			if c.last == "blocked" && !backed {
				t.Errorf("%s: a yes need not be surer than others: %q", c.name, asked)
			}
			if c.last == "blocked" && r.Intent != "card" {
				t.Errorf("%s: the record has the intent %q", c.name, r.Intent)
			}
		})
	}
}

// TestTagsAreNoWords: what an engine tells of a voice beside the words is not part of them.
func TestTagsAreNoWords(t *testing.T) {
	h := &heeding{segments: make(chan asr.Segment, 4)}
	h.end(nil, asr.Segment{Text: "<|en|><|ANGRY|>where is", Final: true}, asr.Segment{Text: "<|en|><|ANGRY|>my order", Final: true})
	if got := result(h, func(string) {}); got.text != "where is my order" {
		t.Errorf("said was %q", got.text)
	}
}

// TestJuryDoesNotWaitForTheLate: who has heard something is not kept from saying so by an
// engine that hangs.
func TestJuryDoesNotWaitForTheLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quick, slow := &heeding{segments: make(chan asr.Segment, 4)}, &heeding{segments: make(chan asr.Segment, 4)}
		j := newJury([]asr.Session{slow, quick})
		began := time.Now()
		quick.end(nil, asr.Segment{Text: "中文", Final: true})
		got := result(j, func(string) {})
		if took := time.Since(began); got.text != "中文" || took > juryPatience {
			t.Errorf("%q is heard after %v", got.text, took)
		}
		slow.end(nil, asr.Segment{Text: "german", Final: true})
	})
}
