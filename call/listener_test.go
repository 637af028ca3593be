package call

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/internal/testkit/speech"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

const spokenMenu = head + `
  start:
    menu:
      play: long
      reprompt: {play: long}
      timeout: 5s
      retries: 1
      options:
        bill: {digit: 1, phrases: {en: [billing, my bill]}}
        help: {digit: 2, phrases: {en: [help]}}
    on: {bill: found, help: helped, noinput: bye, nomatch: confused}
  found: {play: t1100, next: end}
  helped: {play: t700, next: end}
  confused: {play: t900, next: end}
  bye: {play: t1900, next: end}
`

// listening is a recognizer that says what the test wants, and notes what it was
// given.
type listening struct {
	says   []string // to one session after the other; "" is none of the phrases, "!" a failure
	seems  string   // told of each session after 300 ms of speech, if anything
	traits asr.Traits

	mu       sync.Mutex
	asked    []asr.Options
	sessions []*heeding
}

type heeding struct {
	say      string
	seems    string
	segments chan asr.Segment
	once     sync.Once

	mu     sync.Mutex
	from   media.Time // of the first frame
	to     media.Time // of the last
	loud   int        // frames
	closed bool
	err    error
}

func (l *listening) Name() string       { return "test" }
func (l *listening) Traits() asr.Traits { return l.traits }
func (l *listening) Open(_ context.Context, o asr.Options) (asr.Session, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := &heeding{say: l.says[len(l.sessions)], seems: l.seems, segments: make(chan asr.Segment, 4), from: -1}
	l.asked, l.sessions = append(l.asked, o), append(l.sessions, h)
	return h, nil
}

func (h *heeding) Write(f asr.Frame) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.from < 0 {
		h.from = f.At
	}
	h.to = f.At
	if len(f.PCM) > 0 && tone.Power(f.PCM) > -40 {
		h.loud++
	}
	if h.seems != "" && h.loud == 15 {
		h.segments <- asr.Segment{Text: h.seems}
		h.seems = ""
	}
}

func (h *heeding) end(err error, last ...asr.Segment) {
	h.once.Do(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.err = err
		for _, s := range last {
			h.segments <- s
		}
		close(h.segments)
	})
}

func (h *heeding) Finish(context.Context) error {
	if h.say == "!" {
		h.end(&asr.Error{Engine: "test", Kind: asr.ErrLate})
	} else {
		h.end(nil, asr.Segment{Final: true, Text: h.say, NoMatch: h.say == ""})
	}
	return h.Err()
}

func (h *heeding) Close() error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.end(nil)
	return nil
}

func (h *heeding) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

func (h *heeding) Segments() <-chan asr.Segment { return h.segments }
func (h *heeding) Stats() asr.Stats             { return asr.Stats{} }

// said is 1.2 s of somebody who speaks.
func said(t *testing.T) []int16 {
	return speech.Voice{Name: "en-us", Text: "I have a question about my bill."}.Say(t, media.SampleRate)[:6*media.SampleRate/5]
}

// TestSpokenMenu: words choose as keys do; who says none of the phrases is asked
// again, who is not understood presses keys, and a key is quicker.
func TestSpokenMenu(t *testing.T) {
	voice := said(t)
	for _, c := range []struct {
		name  string
		says  []string
		key   string // after the second word
		speak int    // times
		last  string
	}{
		{"a phrase", []string{"my bill"}, "", 1, "found"},
		{"then another", []string{"", "help"}, "", 2, "helped"},
		{"no phrase twice", []string{"", ""}, "", 2, "confused"},
		{"the recognizer fails", []string{"!"}, "2", 1, "helped"},
		{"and nobody presses a key", []string{"!", "!"}, "", 1, "bye"},
	} {
		play(t, spokenMenu, func(s *stage) {
			r := &listening{says: append(c.says, "!", "!"), traits: asr.Traits{Grammar: true}}
			s.con.deps.Recognizer = r
			p := s.call("1000", 300)
			after(time.Second)
			p.says(nil)
			after(2 * time.Second)
			for range c.speak {
				p.says(voice)
				after(800 * time.Millisecond)
				if got := p.hears(50*time.Millisecond, 600); got != "" {
					t.Errorf("%s: while speaking the caller hears %q", c.name, got)
				}
				after(2200 * time.Millisecond)
			}
			if c.key != "" {
				p.press(c.key)
			}
			after(400 * time.Millisecond)
			if c.last != "bye" {
				p.End(leg.CallerHangup)
			}
			if got := s.record().Path; got[len(got)-1].Node != c.last {
				t.Errorf("%s: path %+v", c.name, got)
			}
			if len(r.sessions) < c.speak {
				t.Fatalf("%s: %d sessions", c.name, len(r.sessions))
			}
			if o := r.asked[0]; len(o.Phrases) != 3 || o.Language != "en" || !o.Single {
				t.Errorf("%s: asked for %+v", c.name, o)
			}
			if h := r.sessions[0]; h.loud < 35 || h.loud > 65 {
				t.Errorf("%s: %d frames of speech were given, of 60", c.name, h.loud)
			}
		})
	}
}
