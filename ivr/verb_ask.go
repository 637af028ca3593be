package ivr

import (
	"context"
	"slices"

	"github.com/expr-lang/expr/types"
	"go.yaml.in/yaml/v3"

	"github.com/ivrd/ivrd/ivr/internal/strict"
)

// askVerb asks what the caller wants, in their own words, and branches on the intent.
type askVerb struct {
	turns
	intents options
	options options // beside the intents, as of a menu
	confirm bool    // always ask back
	below   float64 // the probability below which the caller is asked back
	into    map[string]string
}

const (
	// surely is the probability from which an intent is acted on without asking back.
	surely = 0.75
	// mostPhrases are offered to an engine without dictation at most; see asr.MaxPhrases.
	mostPhrases = 500
)

// openKinds are the kinds of entities that anybody may see, secretKinds those that may not.
func openKinds() []string   { return []string{"amount", "date", "time", "order"} }
func secretKinds() []string { return []string{"phone", "card", "id", "number"} }

func (l *loader) ask(n *node, value *yaml.Node) verb {
	m := l.report.Map(value, "ask", turnKeys("intents", "options", "confirm", "confirm_below", "into")...)
	if m == nil {
		return nil
	}
	v := &askVerb{turns: l.turns(n, m, 0), below: surely}
	v.intents = l.options(l.report.Need(m, "intents", "ask "+n.name), "intents", false)
	v.options = l.options(m.Get("options"), "options", true)
	for _, o := range v.options {
		if slices.Contains(v.intents.names(), o.name) {
			l.report.Add(o.at, msgOptionTwice, o.name)
		}
	}
	l.conflicts(v.all(), v.finish)
	l.confirmable(n.at)
	v.confirm = l.report.Bool(m.Get("confirm"), "confirm")
	if below := m.Get("confirm_below"); below != nil {
		if err := below.Decode(&v.below); err != nil || !(v.below >= 0 && v.below <= 1) {
			l.report.Add(below, msgProbability, below.Value)
		}
	}
	if into := m.Get("into"); into != nil {
		v.into = l.entities(into)
	}
	return v
}

// entities reads into which variables what the caller names is put.
func (l *loader) entities(n *yaml.Node) map[string]string {
	m := l.report.Map(n, "into", slices.Concat(openKinds(), secretKinds())...)
	if m == nil {
		return nil
	}
	into := map[string]string{}
	for _, e := range m.Entries {
		into[e.Name] = l.entity(e)
	}
	return into
}

func (l *loader) entity(e strict.Entry) string {
	return l.declare(e.Value, slices.Contains(secretKinds(), e.Name), types.String, "", nil)
}

func (v *askVerb) all() options { return slices.Concat(v.intents, v.options) }

func (v *askVerb) outcomes() []string {
	return append([]string{"noinput", "nomatch"}, v.all().names()...)
}

func (v *askVerb) says() []prompts { return append(v.turns.says(), v.all().says()...) }

func (v *askVerb) run(ctx context.Context, r *Run, n *node) (string, error) {
	turn := v.all().turn(v.finish)
	turn.Free = r.ports.Understander != nil
	r.offer(&turn, func(language string) []string { return v.phrases(r, language) })
	wish := &wish{ask: v, run: r, node: n}
	outcome, err := v.listen(ctx, r, turn, func(heard Heard) (string, error) { return wish.heard(ctx, heard) })
	if wish.chosen != nil {
		v.keep(r, wish.named)
	}
	return r.choose(ctx, wish.chosen, outcome, err)
}

// phrases are what an engine without dictation hears: those of the flow, and examples
// of each intent in turn, so that none comes short.
func (v *askVerb) phrases(r *Run, language string) []string {
	out := v.all().phrases(language)
	if r.ports.Understander == nil {
		return out
	}
	var examples [][]string
	for _, o := range v.intents {
		examples = append(examples, r.ports.Understander.Examples(o.name, language))
	}
	for i, more := 0, true; more; i++ {
		more = false
		for _, e := range examples {
			if i < len(e) && len(out) < mostPhrases {
				out, more = append(out, e[i]), true
			}
		}
	}
	return out
}

// keep puts what the caller named into the variables of the flow, the first of each
// kind; what was not named this time is empty.
func (v *askVerb) keep(r *Run, named []Entity) {
	for _, kind := range sortedKeys(v.into) {
		var e Entity
		if i := slices.IndexFunc(named, func(e Entity) bool { return e.Kind == kind }); i >= 0 {
			e = named[i]
		}
		if slices.Contains(secretKinds(), kind) {
			r.keep(v.into[kind], e.Private)
		} else {
			r.vars[v.into[kind]] = e.Value
		}
	}
}

// wish is one passage of a caller through an ask.
type wish struct {
	ask    *askVerb
	run    *Run
	node   *node
	tries  int      // that were not understood
	named  []Entity // in what was said last
	chosen *option
}

// heard returns the outcome of a turn, or "" where it must be asked again.
func (w *wish) heard(ctx context.Context, heard Heard) (string, error) {
	defer heard.Words.Wipe()
	o, err := w.meant(ctx, heard)
	if err != nil {
		return "", err
	}
	if o == nil {
		w.tries++
		return "", nil
	}
	w.chosen = o
	if w.ask.intents.named(o.name) != nil {
		w.run.before = append(w.run.before, o.name)
	}
	return o.name, nil
}

// meant is the option that was chosen: by a key, by one of its phrases, or by words
// that mean it; nil for none.
func (w *wish) meant(ctx context.Context, heard Heard) (*option, error) {
	if heard.Kind == HeardWords {
		text := string(heard.Words.Reveal())
		phrase := w.ask.all().said(text, w.run.language)
		if phrase == "" {
			return w.free(ctx, text)
		}
		heard = Heard{Kind: HeardPhrase, Phrase: phrase}
	}
	o := w.ask.all().meant(heard)
	if o == nil && heard.Kind == HeardPhrase {
		return w.free(ctx, heard.Phrase) // it is an example of an intent
	}
	if o == nil || w.ask.intents.named(o.name) == nil && heard.Kind == HeardKeys {
		return o, nil
	}
	u, err := w.interpret(ctx, heard.Phrase, o.name)
	if err != nil || heard.Kind == HeardKeys {
		return o, err
	}
	return w.confirmed(ctx, o, heard.Phrase, o.confirm || u.Confirm)
}

// free is the intent that words mean.
func (w *wish) free(ctx context.Context, text string) (*option, error) {
	u, err := w.interpret(ctx, text, "")
	if err != nil {
		return nil, err
	}
	o := w.ask.intents.named(u.Intent)
	if o == nil {
		return nil, nil
	}
	return w.confirmed(ctx, o, u.Text, o.confirm || u.Confirm || u.P < w.ask.below)
}

// confirmed asks back where it must be; heard holds no personal number.
func (w *wish) confirmed(ctx context.Context, o *option, heard string, must bool) (*option, error) {
	if !must && !w.ask.confirm {
		return o, nil
	}
	if sure, err := w.ask.sure(ctx, w.run, o, heard); !sure {
		w.run.asked.deny()
		return nil, err
	}
	return o, nil
}

// interpret finds what words mean, whose intent is known where an option was chosen,
// and keeps it for the call.
func (w *wish) interpret(ctx context.Context, text, chosen string) (Understanding, error) {
	r := w.run
	w.named = nil
	if r.ports.Understander == nil || chosen != "" && w.ask.intents.named(chosen) == nil {
		return Understanding{}, nil
	}
	u, err := r.ports.Understander.Interpret(ctx, Utterance{
		Text: text, Language: r.language, Chosen: chosen, Now: r.ports.Clock.Now().In(r.top().flow.zone),
		Before: r.before, Tries: w.tries, Failures: r.failures,
	})
	if ctx.Err() != nil {
		return u, context.Cause(ctx)
	}
	if err != nil {
		r.note("nobody understands", w.node, "err", err)
		return Understanding{}, nil
	}
	r.asked.last, w.named = &u, u.Entities
	if text != "" {
		r.ports.Caller.Understood(u.open())
	}
	return u, nil
}

// open leaves out what is nobody's to keep.
func (u Understanding) open() Understanding {
	u.Entities = slices.Clone(u.Entities)
	for i := range u.Entities {
		u.Entities[i].Private = Secret{}
	}
	return u
}

// named is the option of a name, nil for none.
func (all options) named(name string) *option {
	i := slices.IndexFunc(all, func(o option) bool { return o.name == name })
	if i < 0 {
		return nil
	}
	return &all[i]
}
