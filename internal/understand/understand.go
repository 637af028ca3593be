// Package understand joins flows with the classifier of intents: neither knows the
// other.
package understand

import (
	"context"
	"slices"
	"sync"

	"github.com/ivrd/ivrd/asr/intent"
	"github.com/ivrd/ivrd/asr/intent/remote"
	"github.com/ivrd/ivrd/ivr"
)

// Options of an Understander.
type Options struct {
	// Outside is an engine elsewhere, behind which the embedded classifier stands; nil
	// for that alone.
	Outside *remote.Config
	// Answered is told which engine has understood an utterance; nil: nobody is.
	Answered func(engine string)
}

// Understander implements ivr.Understander by the intents of a set. It does not change
// after New.
type Understander struct {
	set      intent.Set
	finder   *intent.Finder
	rater    *intent.Rater
	embedded func() *intent.Classifier
	engine   intent.Engine
	answered func(string)
}

var _ ivr.Understander = (*Understander)(nil)

// New makes an Understander. The classifier learns when it is first needed, see Learn.
func New(set intent.Set, o Options) (*Understander, error) {
	finder, err := intent.NewFinder(set.Order)
	if err != nil {
		return nil, err
	}
	u := &Understander{
		set: set, finder: finder, rater: intent.NewRater(), answered: o.Answered,
		embedded: sync.OnceValue(func() *intent.Classifier { return intent.Train(set) }),
	}
	if u.answered == nil {
		u.answered = func(string) {}
	}
	u.engine = late{u}
	if o.Outside != nil {
		if u.engine, err = remote.New(*o.Outside, set, late{u}); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// late is the embedded classifier, which may still have to learn.
type late struct{ *Understander }

func (l late) Understand(ctx context.Context, text, language string) (intent.Result, error) {
	return l.embedded().Understand(ctx, text, language)
}

// Learn lets the classifier learn now, half a second of a core for the demo's intents,
// so that no caller waits for it.
func (u *Understander) Learn() { u.embedded() }

// Interpret implements ivr.Understander.
func (u *Understander) Interpret(ctx context.Context, said ivr.Utterance) (ivr.Understanding, error) {
	result := u.set.Resolve(intent.Result{P: 1}, said.Chosen)
	if said.Chosen == "" && said.Text != "" {
		var err error
		if result, err = u.engine.Understand(ctx, said.Text, said.Language); err != nil {
			return ivr.Understanding{}, err
		}
		u.answered(result.Engine)
	}
	entities := u.finder.Find(said.Text, said.Now)
	d := u.rater.Rate(said.Text, result, entities, intent.Visit{Repeated: said.Tries + times(said.Before, result.Intent), Failures: said.Failures})
	out := ivr.Understanding{
		Text: u.finder.Mask(said.Text), Intent: result.Intent, P: result.P, Confirm: result.Confirm, Difficulty: d.Total,
	}
	for _, t := range d.Terms {
		out.Terms = append(out.Terms, ivr.Term(t))
	}
	for _, e := range entities {
		out.Entities = append(out.Entities, entity(e))
	}
	return out, nil
}

// times is how often a caller wanted an intent before.
func times(before []string, intent string) int {
	n := 0
	for _, b := range before {
		if b == intent {
			n++
		}
	}
	return n
}

func entity(e intent.Entity) ivr.Entity {
	out := ivr.Entity{Kind: string(e.Kind), Value: e.Value}
	if e.Personal() {
		out.Private = ivr.NewSecret([]byte(e.Private.Reveal()))
	}
	return out
}

// Examples implements ivr.Understander.
func (u *Understander) Examples(name, language string) []string {
	i := slices.IndexFunc(u.set.Intents, func(i intent.Intent) bool { return i.Name == name })
	if i < 0 {
		return nil
	}
	var out []string
	for _, e := range u.set.Intents[i].Examples[language] {
		out = append(out, e.Text)
	}
	return out
}
