package call

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/asr/emotion"
	"github.com/ivrd/ivrd/internal/testkit/speech"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/transcript"
)

// judge is a model of the test's own: it thinks for a while, and says what it was told to.
type judge struct {
	takes  time.Duration
	answer transcript.Scores
	fail   error

	mu    sync.Mutex
	heard [][]int16
}

func (j *judge) Judge(ctx context.Context, pcm []int16) (transcript.Emotion, error) {
	j.mu.Lock()
	j.heard = append(j.heard, slices.Clone(pcm))
	takes, answer, fail := j.takes, j.answer, j.fail
	j.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return transcript.Emotion{}, ctx.Err()
	}
	if fail != nil {
		return transcript.Emotion{}, fail
	}
	return emotion.FromScores("m1", answer)
}

func (j *judge) asked() [][]int16 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.heard
}

var furious = transcript.Scores{transcript.Anger: 0.9, transcript.Neutral: 0.1}

// judged is a conversation that a writer writes down and a model judges.
func judged(s *stage, j *judge, voice []int16) (caller *party, words *writer) {
	s.t.Helper()
	words = &writer{}
	s.con.deps.Dictation, s.con.deps.EmotionModel, s.con.cfg.Emotion = words, j, true
	caller, _ = talkTogether(s)
	caller.phone.SendPCM(caller.stream.Local(), media.PCMU, voice)
	time.Sleep(3 * time.Second)
	return caller, words
}

// said is the last of the caller's segments, as it is shown.
func (s *stage) said() transcript.Segment {
	s.t.Helper()
	all, _ := s.con.Words(s.con.Live()[0], 0)
	for _, g := range slices.Backward(all) {
		if g.Speaker == transcript.Caller {
			return g
		}
	}
	s.t.Fatal("the caller has said nothing")
	return transcript.Segment{}
}

// now is where the call's clock stands.
func (s *stage) now() time.Duration {
	return s.con.live(s.con.Live()[0]).session.Now().Duration()
}

// TestModelJudgesAfterTheRules: the rules' judgement is there at once, the model's takes
// its place in words, status, escalation and record when it comes.
func TestModelJudgesAfterTheRules(t *testing.T) {
	voice := speech.Voices()[1].Say(t, media.SampleRate)
	play(t, toQueue, func(s *stage) {
		j := &judge{takes: time.Second, answer: furious}
		caller, words := judged(s, j, voice)
		for range 3 {
			at := s.now()
			words.session(1).say("I am so happy", true, at-2*time.Second, at)
			if e := s.said().Emotion; e == nil || e.Method != transcript.MethodRules || e.Valence.Confidence == 0 {
				t.Fatalf("at once: %+v", e)
			}
			time.Sleep(1100 * time.Millisecond)
			if e := s.said().Emotion; e == nil || e.Label != transcript.Anger || e.Method != transcript.MethodModel || e.Model != "m1" || e.Valence.Confidence == 0 {
				t.Fatalf("after the model: %+v", e)
			}
			time.Sleep(2 * time.Second)
		}
		if st := s.con.Statuses()[0]; st.Emotion.Label != transcript.Anger || !st.Escalate {
			t.Errorf("shown: %+v, escalate %v", st.Emotion, st.Escalate)
		}
		id := s.con.Live()[0]
		caller.End(leg.CallerHangup)
		c := s.record()
		if m := c.Emotion; m == nil || m.Label != transcript.Anger || m.Method != transcript.MethodModel || !m.Escalated || math.Abs(m.Confidence-0.9) > 1e-6 {
			t.Errorf("the record says %+v", m)
		}
		all, err := s.vault.Transcript(context.Background(), id)
		if err != nil || len(all) != 3 || all[0].Emotion.Method != transcript.MethodModel {
			t.Errorf("kept: %+v, %v", all, err)
		}
		for _, pcm := range j.asked() {
			if len(pcm) != 2*media.SampleRate {
				t.Errorf("%d samples of two seconds were sent", len(pcm))
			}
		}
	})
}

// TestSilentModel: a model that fails, or that still thinks at the end of a call, leaves
// the rules' judgement, and the call ends in time.
func TestSilentModel(t *testing.T) {
	voice := speech.Voices()[1].Say(t, media.SampleRate)
	for name, j := range map[string]*judge{"fails": {fail: errors.New("down")}, "hangs": {takes: time.Hour}} {
		t.Run(name, func(t *testing.T) {
			play(t, toQueue, func(s *stage) {
				caller, words := judged(s, j, voice)
				at := s.now()
				words.session(1).say("I am so happy", true, at-2*time.Second, at)
				time.Sleep(time.Second)
				id, hungUp := s.con.Live()[0], time.Now()
				caller.End(leg.CallerHangup)
				c := s.record()
				if took := time.Since(hungUp); took > lastWordsLimit+time.Second {
					t.Errorf("the call ended %v after its end", took)
				}
				all, err := s.vault.Transcript(context.Background(), id)
				if err != nil || len(all) != 1 || all[0].Emotion.Method != transcript.MethodRules || c.Emotion.Label != transcript.Happiness {
					t.Errorf("kept: %+v, %+v, %v", all, c.Emotion, err)
				}
				if len(j.asked()) != 1 {
					t.Errorf("asked %d times", len(j.asked()))
				}
			})
		})
	}
}

// TestLastOpinion: a question that is open at the end of the call is waited for, also when
// it is about words that come only then.
func TestLastOpinion(t *testing.T) {
	voice := speech.Voices()[1].Say(t, media.SampleRate)
	play(t, toQueue, func(s *stage) {
		j := &judge{takes: time.Second, answer: furious}
		caller, words := judged(s, j, voice)
		id, at := s.con.Live()[0], s.now()
		words.session(1).out <- asr.Segment{Engine: "writer", Text: "goodbye", Final: true, Start: media.TimeOf(at - 2*time.Second), End: media.TimeOf(at)}
		caller.End(leg.CallerHangup)
		c := s.record()
		all, err := s.vault.Transcript(context.Background(), id)
		if err != nil || len(all) != 1 || all[0].Emotion == nil || all[0].Emotion.Label != transcript.Anger || c.Emotion.Method != transcript.MethodModel {
			t.Errorf("kept: %+v, %+v, %v", all, c.Emotion, err)
		}
	})
}

// TestSecretsAreNotJudged: of an utterance that goes on while a secret is entered, that part
// is silent for the model; one within it is no question.
func TestSecretsAreNotJudged(t *testing.T) {
	voice := speech.Voices()[1].Say(t, media.SampleRate)
	play(t, toQueue, func(s *stage) {
		j := &judge{answer: furious}
		caller, words := judged(s, j, voice)
		c := s.con.live(s.con.Live()[0])
		_ = c.ask(func() error { c.pause(pausedSecret); return nil })
		from := s.now()
		time.Sleep(2 * time.Second)
		to := s.now()
		words.session(1).say("one two three four", true, from+100*time.Millisecond, to)
		if len(j.asked()) != 0 {
			t.Fatal("a secret was sent")
		}
		_ = c.ask(func() error { c.unpause(pausedSecret); return nil })
		time.Sleep(2 * time.Second)
		words.session(1).say("my number is that", true, from-2*time.Second, s.now())
		if len(j.asked()) != 1 {
			t.Fatalf("asked %d times", len(j.asked()))
		}
		pcm := j.asked()[0]
		loud := func(from, to time.Duration) bool {
			return slices.ContainsFunc(pcm[media.TimeOf(from):media.TimeOf(to)], func(x int16) bool { return x != 0 })
		}
		if loud(2100*time.Millisecond, 4*time.Second) {
			t.Error("the sound of a secret was sent")
		}
		if !loud(0, 1900*time.Millisecond) || !loud(4100*time.Millisecond, 5*time.Second) {
			t.Error("what is no secret was not sent")
		}
		caller.End(leg.CallerHangup)
		s.record()
	})
}

// TestVoiceIsJudgedByTheModelAlone: where the rules know nothing yet, and nobody writes down,
// the model's judgement is noted by itself.
func TestVoiceIsJudgedByTheModelAlone(t *testing.T) {
	voice := speech.Voices()[1].Say(t, media.SampleRate)
	play(t, toQueue, func(s *stage) {
		s.con.deps.EmotionModel, s.con.cfg.Emotion = &judge{takes: time.Second, answer: furious}, true
		caller := s.call("1000", 400)
		after(time.Second)
		caller.phone.SendPCM(caller.stream.Local(), media.PCMU, voice)
		after(2 * time.Second)
		id := s.con.Live()[0]
		c, at := s.con.live(id), media.TimeOf(s.now())
		c.scribe.speaks(media.StreamEvent{Kind: media.EventSpeechBegan, At: at - media.TimeOf(time.Second)})
		c.scribe.speaks(media.StreamEvent{Kind: media.EventSpeechEnded, At: at})
		synctest.Wait()
		if got := s.words(id); len(got) != 0 {
			t.Errorf("at once: %q", got)
		}
		time.Sleep(1100 * time.Millisecond)
		if g := s.said(); g.Kind != transcript.Voice || g.Emotion.Label != transcript.Anger {
			t.Errorf("after the model: %+v", g)
		}
		caller.End(leg.CallerHangup)
		s.record()
	})
}

// TestLateJudgement: whatever the order in which the judgements of utterances come, escalation
// and mood are as if the last word on each had come at once.
func TestLateJudgement(t *testing.T) {
	of := func(f transcript.Feeling, method string) *transcript.Emotion {
		e := &transcript.Emotion{Label: f, Confidence: 0.8, Method: method}
		e.Scores[f] = 0.8
		return e
	}
	utter := func(n int, e *transcript.Emotion) utterance {
		return utterance{n: n, to: media.TimeOf(time.Duration(n) * 5 * time.Second), emotion: e}
	}
	var want, got mood
	for n, f := range []transcript.Feeling{transcript.Anger, transcript.Neutral, transcript.Anger, transcript.Fear} {
		want.judge(utter(n, of(f, transcript.MethodModel)))
	}
	got.judge(utter(0, of(transcript.Happiness, transcript.MethodRules)))
	got.judge(utter(1, of(transcript.Sadness, transcript.MethodRules)))
	got.judge(utter(3, of(transcript.Unknown, transcript.MethodRules)))
	for _, late := range []struct {
		n      int
		f      transcript.Feeling
		latest bool
	}{{3, transcript.Fear, true}, {0, transcript.Anger, false}, {2, transcript.Anger, false}, {1, transcript.Neutral, false}} {
		if _, latest := got.judge(utter(late.n, of(late.f, transcript.MethodModel))); latest != late.latest {
			t.Errorf("utterance %d is the latest: %v", late.n, latest)
		}
	}
	end := media.TimeOf(time.Minute)
	if a, b := got.escalation.At(end), want.escalation.At(end); math.Abs(a.Level-b.Level) > 1e-9 || b.Level == 0 {
		t.Errorf("escalation %+v, want %+v", a, b)
	}
	a, b := got.told(), want.told()
	if a.Label != b.Label || a.Method != b.Method || math.Abs(a.Confidence-b.Confidence) > 1e-9 || got.labelled != 4 {
		t.Errorf("mood %+v of %d, want %+v", a, got.labelled, b)
	}
}
