package tts

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/tts/ssml"
)

// When a text is played before all of it is there. An engine that has finished by
// wholeWithin is played as a whole, which sounds better; of one that has not, headStart
// must be there, which is what its sound may come late by.
const (
	wholeWithin = 150 * time.Millisecond
	headStart   = 150 * time.Millisecond
)

// jobMax bounds one text, whatever the engine does.
const jobMax = 10 * time.Minute

// job is a text that is being spoken, for all who have asked for it.
type job struct {
	rendering *rendering
	ready     chan struct{} // closed when there is something to play, or never will be

	mu     sync.Mutex
	began  time.Time   // who speaks now
	timer  *time.Timer // offers what there is when it is time
	prompt *media.Prompt
	err    error
	public bool // prompt and err are what they will be
}

// job is the one that speaks a text, begun when there is none.
func (c *Cache) job(ctx context.Context, key, language string, text ssml.Speech) *job {
	c.mu.Lock()
	defer c.mu.Unlock()
	if j := c.running[key]; j != nil {
		return j
	}
	j := &job{rendering: newRendering(c.gain(c.engine, language), &c.counts.starved), ready: make(chan struct{}), began: time.Now()}
	c.running[key] = j
	// Whoever gives up leaves; the work goes on for the others.
	go c.run(context.WithoutCancel(ctx), j, key, language, text)
	return j
}

// gain that the engine's voice needed the last time; 1 at first. The caller holds mu.
func (c *Cache) gain(e Engine, language string) float64 {
	if g := c.gains[e.Name()+"\x00"+language]; g > 0 {
		return g
	}
	return 1
}

// wait for something to play.
func (j *job) wait(ctx context.Context) (*media.Prompt, error) {
	select {
	case <-j.ready:
		return j.prompt, j.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// publish says what is played, the first time.
func (j *job) publish(p *media.Prompt, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.settle(p, err)
}

func (j *job) settle(p *media.Prompt, err error) {
	if !j.public {
		j.prompt, j.err, j.public = p, err, true
		close(j.ready)
	}
}

// offer lets be played what there is, when it is time and there is enough.
func (j *job) offer() {
	j.mu.Lock()
	defer j.mu.Unlock()
	p := j.rendering.growing().Prompt()
	if time.Since(j.began) >= wholeWithin && p.Duration() >= headStart {
		j.settle(p, nil)
	}
}

// restart forgets what was spoken, and reports whether nobody can have heard it.
func (j *job) restart(gain float64) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.public {
		return false
	}
	j.rendering.restart(gain)
	j.began = time.Now()
	j.timer.Reset(wholeWithin)
	return true
}

// run speaks the text.
func (c *Cache) run(ctx context.Context, j *job, key, language string, text ssml.Speech) {
	ctx, cancel := context.WithTimeout(ctx, jobMax)
	defer cancel()
	j.timer = time.AfterFunc(wholeWithin, j.offer)
	defer j.timer.Stop()
	p, by, err := c.speak(ctx, j, language, text)
	if by != nil && err == nil {
		var pcm []int16
		if p, pcm, err = c.finish(j.rendering, by, language); err == nil {
			c.hold(c.key(by, language, text), p, 2*len(pcm))
		}
	}
	j.rendering.growing().End()
	c.mu.Lock()
	delete(c.running, key) // first: who asks from now on must not get a failure
	c.mu.Unlock()
	j.publish(p, err)
}

// speak tries the engine, then the fall-back. Who has spoken all of it is returned;
// nobody when two have. A prompt is returned when it was there already.
func (c *Cache) speak(ctx context.Context, j *job, language string, text ssml.Speech) (*media.Prompt, Engine, error) {
	first := speakContext{ctx, listened{c.engine, j}, language}
	done, err := c.ask(first, j.rendering, text)
	if err == nil {
		return nil, c.engine, nil
	}
	if c.fallback == nil {
		return nil, nil, err
	}
	c.counts.fallbacks.Add(1)
	if !errors.Is(err, ErrResting) {
		c.log.Warn("speech engine failed: the fall-back speaks", "language", language, "err", err)
	}
	second := speakContext{ctx, listened{c.fallback, j}, language}
	c.mu.Lock()
	gain := c.gain(c.fallback, language)
	c.mu.Unlock()
	if !j.restart(gain) {
		c.counts.syntheses.Add(1)
		j.rendering.add(part{pause: stopPause})
		_, err = j.rendering.speak(second, text[done:])
		return j.rendering.growing().Prompt(), nil, err
	}
	if p := c.find(c.key(c.fallback, language, text)); p != nil {
		return p, nil, nil
	}
	c.counts.syntheses.Add(1)
	_, err = j.rendering.speak(second, text)
	return nil, c.fallback, err
}

// ask lets the engine speak, unless it rests.
func (c *Cache) ask(ctx speakContext, r *rendering, text ssml.Speech) (done int, err error) {
	if !c.breaker.Allow() {
		return 0, ErrResting
	}
	c.counts.syntheses.Add(1)
	done, err = r.speak(ctx, text)
	switch {
	case err == nil:
		c.breaker.Succeeded()
		return done, nil
	case errors.Is(err, ErrNoVoice), errors.Is(err, ErrTooLong): // it is well
		c.breaker.Undecided()
	default:
		c.breaker.Failed()
	}
	c.counts.failures.Add(1)
	return done, err
}

// finish makes the whole sound a prompt, and remembers how loud the voice is.
func (c *Cache) finish(r *rendering, by Engine, language string) (*media.Prompt, []int16, error) {
	pcm, gain := r.whole()
	if len(pcm) == 0 {
		return nil, nil, ErrSilent
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if gain > 0 {
		c.gains[by.Name()+"\x00"+language] = gain
	}
	return media.NewPrompt("speech", pcm), pcm, nil
}

// listened is an engine whose sound is offered as it comes.
type listened struct {
	Engine

	job *job
}

func (l listened) Speak(ctx context.Context, u Utterance, hear Hear) error {
	return l.Engine.Speak(ctx, u, func(pcm []int16, rate int) error {
		if err := hear(pcm, rate); err != nil {
			return err
		}
		l.job.offer()
		return nil
	})
}
