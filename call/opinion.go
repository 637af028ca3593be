package call

import (
	"context"
	"sync"
	"time"

	"github.com/ivrd/ivrd/asr/emotion"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/transcript"
)

const (
	// soundAsked is the most that a model is asked about: the end of an utterance.
	soundAsked = 15 * time.Second
	// soundKept is more, as words come later than their sound.
	soundKept = soundAsked + 5*time.Second
)

// opinions are what a model thinks of utterances that the rules have judged. The fields
// belong to the scribe's goroutine; that of each open question only posts to it.
type opinions struct {
	model  emotion.Model // nil: none is asked
	kept   *emotion.Sound
	open   *sync.WaitGroup
	asking context.Context //nolint:containedctx // the call's, for what nobody waits for any more
	cancel context.CancelFunc
	last   bool // nothing more is asked
}

func newOpinions(model emotion.Model) opinions {
	if model == nil {
		return opinions{}
	}
	o := opinions{model: model, kept: emotion.NewSound(soundKept), open: &sync.WaitGroup{}}
	o.asking, o.cancel = context.WithCancel(context.Background())
	return o
}

// askModel asks about the sound of an utterance; what the model says of it then stands in
// place of the rules' judgement. The model has its own limit, counts and log.
func (s *scribe) askModel(u utterance) {
	o := &s.opinions
	if o.model == nil || !u.voiced || o.last {
		return
	}
	pcm := o.kept.Append(nil, max(u.from, u.to-media.TimeOf(soundAsked)), u.to)
	var rules transcript.Emotion
	if u.emotion != nil {
		rules = *u.emotion
	}
	o.open.Go(func() {
		e, err := emotion.Ask(o.asking, o.model, pcm, rules)
		if err != nil {
			return
		}
		u.emotion = &e
		s.wait(func() { s.opined(u) })
	})
}

// opined takes what the model says.
func (s *scribe) opined(u utterance) {
	if u.seq == 0 && !tells(*u.emotion) {
		return
	}
	s.felt(u)
	if u.seq == 0 {
		s.voice(u)
		return
	}
	if g := s.find(u.seq); g != nil {
		g.Emotion = u.emotion
		s.put(g)
	}
}

// endOpinions waits for the questions that are open, to the end of ctx.
func (s *scribe) endOpinions(ctx context.Context) {
	o := &s.opinions
	if o.model == nil {
		return
	}
	defer o.cancel()
	over := make(chan struct{})
	s.wait(func() {
		o.last = true
		go func() { o.open.Wait(); close(over) }()
	})
	select {
	case <-over:
	case <-ctx.Done():
	}
}
