package call

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/ivr"
)

// hearer hears the answer to one turn with the best that there is: what may be said
// freely is written down by the dictation, where it knows the language; else one of the
// phrases is heard. While the caller's language is not known it listens in all of them.
type hearer struct {
	tongues [][]way // the ways to hear a language, best first
}

// way is an engine, and what it is to listen for.
type way struct {
	asr.Recognizer

	phrases  []string
	language string
	extra    map[string]any // asr.Options.Extra
}

// hearer is who hears the answer to a turn; nil when nobody does.
func (c *Call) hearer(l ivr.Listen) asr.Recognizer {
	tongues := l.Tongues
	if len(tongues) == 0 {
		tongues = []ivr.Tongue{{Language: l.Language, Phrases: l.Phrases}}
	}
	deps := c.con.deps
	extra := map[string]any{}
	if l.Free { // the phrases are examples: what cannot be heard of them is left out
		extra["examples"] = true
	}
	if l.Strict {
		extra["strict"] = true
	}
	h := &hearer{}
	for _, t := range tongues {
		var ways []way
		if l.Free && deps.Dictation != nil {
			ways = append(ways, way{Recognizer: deps.Dictation, language: t.Language})
		}
		if len(t.Phrases) > 0 && deps.Recognizer != nil {
			ways = append(ways, way{deps.Recognizer, t.Phrases, t.Language, extra})
		}
		if len(ways) > 0 {
			h.tongues = append(h.tongues, ways)
		}
	}
	if len(h.tongues) == 0 {
		return nil
	}
	return h
}

// Name implements asr.Recognizer.
func (h *hearer) Name() string { return h.tongues[0][0].Name() }

// Traits implements asr.Recognizer.
func (h *hearer) Traits() asr.Traits { return h.tongues[0][0].Traits() }

// Open implements asr.Recognizer. Languages that no engine knows are left out; it fails
// when none is left.
func (h *hearer) Open(ctx context.Context, o asr.Options) (asr.Session, error) {
	var open []asr.Session
	var faults []error
	for _, ways := range h.tongues {
		s, err := first(ctx, ways, o)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		open = append(open, s)
	}
	switch len(open) {
	case 0:
		return nil, errors.Join(faults...)
	case 1:
		return open[0], nil
	default:
		return newJury(open), nil
	}
}

// first opens the best way that there is.
func first(ctx context.Context, ways []way, o asr.Options) (s asr.Session, err error) {
	for _, w := range ways {
		o.Phrases, o.Language, o.Extra = w.phrases, w.language, w.extra
		if s, err = w.Recognizer.Open(ctx, o); err == nil {
			return s, nil
		}
	}
	return nil, err
}

// meant is what was heard: one of the phrases, or words where anything may be said.
func meant(l ivr.Listen, got spoken) ivr.Heard {
	offered := slices.Contains(l.Phrases, got.text) || slices.ContainsFunc(l.Tongues, func(t ivr.Tongue) bool { return slices.Contains(t.Phrases, got.text) })
	if l.Free && !offered {
		return ivr.Heard{Kind: ivr.HeardWords, Words: ivr.NewSecret([]byte(got.text))}
	}
	return ivr.Heard{Kind: ivr.HeardPhrase, Phrase: got.phrase}
}

// jury is several sessions that hear the same in different languages, as one session
// that tells at its end what the surest of them has heard. An engine without confidence
// is the least sure: it may take whatever is said for one of its phrases. Of equals the
// flow's first language counts.
type jury struct {
	sessions []asr.Session
	segments chan asr.Segment

	mu  sync.Mutex
	err error // of one of them, unless another has heard something
}

func newJury(sessions []asr.Session) *jury {
	j := &jury{sessions: sessions, segments: make(chan asr.Segment, 1)}
	go j.judge()
	return j
}

// juryPatience is how long the others may take when one of a jury has heard something:
// the caller waits.
const juryPatience = time.Second

// judge waits for all of them, or not much longer than for the first that has heard
// something.
func (j *jury) judge() {
	defer close(j.segments)
	heard := make([]spoken, len(j.sessions))
	over := make(chan int, len(j.sessions))
	for i, s := range j.sessions {
		go func() {
			heard[i] = result(s, func(string) {})
			over <- i
		}()
	}
	var done []int
	var late <-chan time.Time
	for waits := true; waits && len(done) < len(heard); {
		select {
		case i := <-over:
			if done = append(done, i); late == nil && heard[i].segment.Text != "" {
				late = time.After(juryPatience)
			}
		case <-late:
			waits = false
		}
	}
	slices.Sort(done)
	var best *spoken
	for _, i := range done {
		if h := &heard[i]; h.segment.Text != "" && (best == nil || h.sure() > best.sure()) {
			best = h
		}
	}
	if best != nil {
		s := best.segment
		s.Text = best.text
		j.segments <- s
		return
	}
	j.fail(heard)
}

// fail keeps why nothing was heard; who has heard nothing has at least listened.
func (j *jury) fail(heard []spoken) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, h := range heard {
		if j.err = h.err; h.err == nil {
			return
		}
	}
}

// Write implements asr.Session.
func (j *jury) Write(f asr.Frame) {
	for _, s := range j.sessions {
		s.Write(f)
	}
}

// Segments implements asr.Session.
func (j *jury) Segments() <-chan asr.Segment { return j.segments }

// Finish implements asr.Session.
func (j *jury) Finish(ctx context.Context) error {
	j.each(func(s asr.Session) { _ = s.Finish(ctx) }) // each error is that of its session
	return j.Err()
}

// Close implements asr.Session.
func (j *jury) Close() error {
	j.each(func(s asr.Session) { _ = s.Close() })
	return nil
}

func (j *jury) each(f func(asr.Session)) {
	var all sync.WaitGroup
	for _, s := range j.sessions {
		all.Go(func() { f(s) })
	}
	all.Wait()
}

// Err implements asr.Session.
func (j *jury) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// Stats implements asr.Session: those of the worst of them.
func (j *jury) Stats() asr.Stats {
	worst := j.sessions[0].Stats()
	for _, s := range j.sessions[1:] {
		if st := s.Stats(); st.Behind > worst.Behind {
			worst = st
		}
	}
	return worst
}

// sure is how sure the engine is, or of the words on average; 0 where it does not say.
func (s *spoken) sure() float64 {
	if s.segment.Confidence != nil {
		return *s.segment.Confidence
	}
	sum := 0.0
	for _, w := range s.segment.Words {
		if w.Confidence != nil {
			sum += *w.Confidence
		}
	}
	return sum / float64(max(1, len(s.segment.Words)))
}
