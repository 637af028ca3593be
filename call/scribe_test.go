package call

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/routing"
	"github.com/ivrd/ivrd/transcript"
)

// writer is a dictation engine of the test's own: it says at the end of a session what
// it was told to, and tells of the sound that it was given.
type writer struct {
	mu       sync.Mutex
	sessions []*writing
	fail     error // of Open
}

func (w *writer) Name() string       { return "writer" }
func (w *writer) Traits() asr.Traits { return asr.Traits{Dictation: true, Interim: true, Times: true} }

func (w *writer) Open(_ context.Context, o asr.Options) (asr.Session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return nil, w.fail
	}
	s := &writing{options: o, out: make(chan asr.Segment, 16)}
	w.sessions = append(w.sessions, s)
	return s, nil
}

// session is the newest but n.
func (w *writer) session(n int) *writing {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sessions[len(w.sessions)-1-n]
}

func (w *writer) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.sessions)
}

type writing struct {
	options asr.Options
	out     chan asr.Segment
	once    sync.Once
	err     error

	mu   sync.Mutex
	pcm  []int16
	from media.Time
}

func (s *writing) Write(f asr.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pcm) == 0 {
		s.from = f.At
	}
	s.pcm = append(s.pcm, f.PCM...)
}

func (s *writing) Segments() <-chan asr.Segment { return s.out }
func (s *writing) Finish(context.Context) error { s.end(nil); return nil }
func (s *writing) Close() error                 { s.end(nil); return nil }
func (s *writing) Err() error                   { return s.err }
func (s *writing) Stats() asr.Stats             { return asr.Stats{} }
func (s *writing) end(err error)                { s.once.Do(func() { s.err = err; close(s.out) }) }

func (s *writing) say(text string, final bool, from, to time.Duration) {
	s.out <- asr.Segment{Engine: "writer", Text: text, Final: final, Start: media.TimeOf(from), End: media.TimeOf(to), Timed: true}
	synctest.Wait()
}

// sound is what it was given.
func (s *writing) sound() []int16 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int16(nil), s.pcm...)
}

// talkTogether brings a caller and alice together.
func talkTogether(s *stage) (caller, alice *party) {
	s.t.Helper()
	caller = s.call("1000", 400)
	time.Sleep(time.Second)
	s.wish("alice", routing.Ready)
	alice = s.rings("alice")
	alice.pickUp()
	time.Sleep(time.Second)
	return caller, alice
}

const toQueue = `
flow: f
start: q
languages: [en]
nodes:
  q: {enqueue: {queue: support, timeout: 1h}, on: {answered: end, timeout: end, error: end}}
`

func (s *stage) words(id string) []string {
	s.t.Helper()
	all, err := s.vault.Transcript(context.Background(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	var out []string
	for _, g := range all {
		out = append(out, fmt.Sprintf("%s %s: %s", g.Speaker, g.Kind, g.Text))
	}
	return out
}

// TestConversationIsWrittenDown: each party has a session that hears that party alone;
// what is final is kept, in order, with who said it, and what is not is only shown.
func TestConversationIsWrittenDown(t *testing.T) {
	play(t, toQueue, func(s *stage) {
		w := &writer{}
		s.con.deps.Dictation = w
		caller, alice := talkTogether(s)
		if w.count() != 2 {
			t.Fatalf("%d sessions", w.count())
		}
		time.Sleep(time.Second)
		agents, callers := w.session(0), w.session(1)
		for name, c := range map[string]struct {
			s    *writing
			freq float64
		}{"caller": {callers, caller.freq}, "agent": {agents, alice.freq}} {
			if got, _ := tone.Dominant(c.s.sound()); math.Abs(got-c.freq) > 20 {
				t.Errorf("the session of the %s hears %v Hz", name, got)
			}
		}
		id := s.con.Live()[0]
		callers.say("my card", false, 2*time.Second, 3*time.Second)
		shown, revision := s.con.Words(id, 0)
		if last := shown[len(shown)-1]; last.Final || last.Text != "my card" || last.Speaker != transcript.Caller {
			t.Errorf("shown meanwhile: %+v", last)
		}
		callers.say("my card is 4111 1111 1111 1111", true, 2*time.Second, 4*time.Second)
		agents.say("thank you", true, 4*time.Second, 5*time.Second)
		news, _ := s.con.Words(id, revision)
		if len(news) != 2 || news[0].Seq != shown[len(shown)-1].Seq || news[1].Who != "alice" {
			t.Errorf("news: %+v", news)
		}
		callers.out <- asr.Segment{Engine: "writer", Text: "goodbye", Final: true, Start: media.TimeOf(6 * time.Second), End: media.TimeOf(7 * time.Second)}
		caller.End(leg.CallerHangup)
		c := s.record()
		want := []string{"caller words: my card is 411111••••••1111", "agent words: thank you", "caller words: goodbye"}
		if got := s.words(c.ID); !reflect.DeepEqual(got, want) {
			t.Errorf("kept: %q", got)
		}
		if c.Transcript.Coverage != transcript.CoverageConversation || !reflect.DeepEqual(c.Transcript.Engines, []string{"writer"}) {
			t.Errorf("the record says %+v", c.Transcript)
		}
		for _, line := range s.log.all("") {
			if strings.Contains(line, "1111") || strings.Contains(line, "goodbye") {
				t.Errorf("words in the log: %s", line)
			}
		}
	})
}

// TestNumberAcrossSegments: a number that comes in two pieces is masked in both, live and
// kept; what turned out to be none comes back with its words.
func TestNumberAcrossSegments(t *testing.T) {
	play(t, toQueue, func(s *stage) {
		w := &writer{}
		s.con.deps.Dictation = w
		caller, _ := talkTogether(s)
		id := s.con.Live()[0]
		say := func(text string, at time.Duration) {
			w.session(1).out <- asr.Segment{Engine: "writer", Text: text, Final: true, Start: media.TimeOf(at), End: media.TimeOf(at + time.Second), Words: []asr.Word{{Text: text}}}
			synctest.Wait()
		}
		say("my number is 138 0013", 2*time.Second)
		say("8000", 4*time.Second)
		say("I bought 250", 6*time.Second)
		say("apples of them yesterday", 8*time.Second)
		caller.End(leg.CallerHangup)
		s.record()
		all, err := s.vault.Transcript(context.Background(), id)
		if err != nil || len(all) != 4 {
			t.Fatalf("%d segments, %v", len(all), err)
		}
		if told := all[0].Text + all[1].Text; strings.Contains(told, "0013") || all[0].Words != nil {
			t.Errorf("the number is kept as %q, %v", told, all[0].Words)
		}
		if all[2].Text != "I bought 250" || len(all[2].Words) != 1 {
			t.Errorf("what was no number is kept as %q, %v", all[2].Text, all[2].Words)
		}
	})
}

// TestDictationComesBack: an engine that fails is no loss of the call; it is said, and
// tried again.
func TestDictationComesBack(t *testing.T) {
	play(t, toQueue, func(s *stage) {
		w := &writer{fail: errors.New("gone")}
		s.con.deps.Dictation = w
		caller, alice := talkTogether(s)
		id := s.con.Live()[0]
		covered := func() transcript.Coverage { return s.con.Statuses()[0].Transcribed }
		if covered() == transcript.CoverageConversation {
			t.Error("it is said to be written down")
		}
		w.mu.Lock()
		w.fail = nil
		w.mu.Unlock()
		time.Sleep(dictateAgain + time.Second)
		if covered() != transcript.CoverageConversation || w.count() != 2 {
			t.Fatalf("it was not tried again: %d sessions", w.count())
		}
		w.session(0).say("a cough", false, 0, time.Second)
		synctest.Wait()
		w.session(0).say("", true, 0, time.Second)
		synctest.Wait()
		if said, _ := s.con.Words(id, 0); !said[len(said)-1].Final || said[len(said)-1].Text != "" {
			t.Errorf("what was no word is shown as %+v", said[len(said)-1])
		}
		w.session(0).say("I was about to", false, 0, time.Second)
		w.session(0).end(errors.New("lost"))
		synctest.Wait()
		if covered() == transcript.CoverageConversation {
			t.Error("after a failure it is said to be written down")
		}
		time.Sleep(dictateAgain + time.Second)
		w.session(0).say("again", true, 0, time.Second)
		if w.count() != 3 {
			t.Errorf("%d sessions", w.count())
		}
		if got := alice.hears(time.Second, 400); got != "400" {
			t.Errorf("alice hears %q meanwhile", got)
		}
		caller.End(leg.CallerHangup)
		s.record()
		if got := s.words(id); len(got) != 2 || !strings.Contains(got[0], "I was about to") || !strings.Contains(got[1], "again") {
			t.Errorf("kept: %q", got)
		}
	})
}

// TestSecretsAreNotWrittenDown: while nothing may be kept, nobody listens.
func TestSecretsAreNotWrittenDown(t *testing.T) {
	play(t, toQueue, func(s *stage) {
		w := &writer{}
		s.con.deps.Dictation = w
		caller, _ := talkTogether(s)
		c := s.con.live(s.con.Live()[0])
		_ = c.ask(func() error { c.pause(pausedSecret); return nil })
		time.Sleep(100 * time.Millisecond)
		before := len(w.session(1).sound())
		time.Sleep(time.Second)
		if after := len(w.session(1).sound()); after != before {
			t.Errorf("%d samples of a secret were heard", after-before)
		}
		_ = c.ask(func() error { c.unpause(pausedSecret); return nil })
		time.Sleep(time.Second)
		if after := len(w.session(1).sound()); after <= before {
			t.Error("nothing is heard after a secret")
		}
		caller.End(leg.CallerHangup)
		s.record()
	})
}

// TestKeysAndPromptsAreWrittenDown: a menu is read back as what was said and chosen; a
// long entry only as so many keys, a secret not at all.
func TestKeysAndPromptsAreWrittenDown(t *testing.T) {
	play(t, `
flow: f
start: m
languages: [en]
nodes:
  m: {menu: {play: t700, timeout: 5s, options: {a: {digit: "1"}}}, on: {a: n, noinput: end, nomatch: end}}
  n: {collect: {play: t800, digits: 6, into: number, timeout: 5s}, on: {ok: p, noinput: end, nomatch: end}}
  p: {collect: {play: t900, digits: 4, secret: true, into: pin, timeout: 5s}, on: {ok: end, noinput: end, nomatch: end}}
`, func(s *stage) {
		s.script.Words = func(_, name string) string { return "words of " + name }
		caller := s.call("1000", 0)
		for _, keys := range []string{"1", "654321", "9876"} {
			time.Sleep(2 * time.Second)
			caller.press(keys)
		}
		c := s.record()
		want := []string{"ivr prompt: words of t700", "caller keys: 1", "ivr prompt: words of t800", "caller keys: ••••••", "ivr prompt: words of t900"}
		if got := s.words(c.ID); !reflect.DeepEqual(got, want) {
			t.Errorf("kept: %q", got)
		}
	})
}

// TestEmotionMovesPriority: whose engine says again and again that they are angry is shown so,
// and has a place in the next queue that is better by a bounded amount.
func TestEmotionMovesPriority(t *testing.T) {
	play(t, toQueue, func(s *stage) {
		w := &writer{}
		s.con.deps.Dictation, s.con.cfg.Emotion = w, true
		caller, _ := talkTogether(s)
		for i := range 5 {
			at := time.Duration(2+2*i) * time.Second
			time.Sleep(2 * time.Second)
			w.session(1).say("<|en|><|ANGRY|>this is outrageous", true, at, at+time.Second)
		}
		st := s.con.Statuses()[0]
		if st.Emotion == nil || st.Emotion.Label != transcript.Anger || !st.Escalate {
			t.Fatalf("shown: %+v, escalate %v", st.Emotion, st.Escalate)
		}
		if err := s.con.Transfer(context.Background(), st.ID, "alice", Destination{Queue: "fraud"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		caller.End(leg.CallerHangup)
		c := s.record()
		last := c.Priority.Terms[len(c.Priority.Terms)-1]
		if last.Name != "emotion" || last.Value < 50 || c.Priority.Total > 60 {
			t.Errorf("priority: %+v", c.Priority)
		}
		if c.Emotion == nil || c.Emotion.Label != transcript.Anger || !c.Emotion.Escalated {
			t.Errorf("the record says %+v", c.Emotion)
		}
	})
}
