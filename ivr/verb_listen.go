package ivr

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/types"
	"go.yaml.in/yaml/v3"

	"github.com/ivrd/ivrd/ivr/internal/strict"
)

// turns is how a node listens.
type turns struct {
	listening

	prompts, reprompt prompts
	finish            byte // 0: none
}

func turnKeys(more ...string) []string {
	return append(append([]string{"play", "say", "reprompt", "finish"}, listeningKeys()...), more...)
}

func (l *loader) turns(n *node, m *strict.Map, finish byte) turns {
	t := turns{listening: l.flow.defaults.listening, finish: finish}
	l.listening(m, &t.listening)
	t.prompts = l.prompts(m.Node, m.Get("play"), m.Get("say"), "node "+n.name)
	if t.prompts.empty() {
		l.report.Add(m.Node, msgSilent, n.word, n.name)
	}
	if again := m.Get("reprompt"); again != nil {
		if rm := l.report.Map(again, "reprompt", "play", "say"); rm != nil {
			t.reprompt = l.prompts(again, rm.Get("play"), rm.Get("say"), "reprompt of node "+n.name)
		}
	}
	if f := m.Get("finish"); f != nil {
		t.finish = l.finish(f)
	}
	return t
}

func (l *loader) finish(n *yaml.Node) byte {
	switch n.Value {
	case "#", "*":
		return n.Value[0]
	case "none":
	default:
		l.report.Add(n, msgFinish, n.Value)
	}
	return 0
}

func (t *turns) says() []prompts { return []prompts{t.prompts, t.reprompt} }

// listen asks until what is heard is accepted or the retries are used up. accept
// returns the outcome, or "" for what means nothing here.
func (t *turns) listen(ctx context.Context, r *Run, turn Listen, accept func(Heard) (string, error)) (string, error) {
	outcome := ""
	for try := range t.retries + 1 {
		spoken := t.prompts
		if try > 0 && !t.reprompt.empty() {
			spoken = t.reprompt
		}
		var err error
		if turn.Prompts, err = r.prompts(spoken); err != nil {
			return "", err
		}
		turn.Finish = t.finish
		heard, err := t.hear(ctx, r, turn)
		if err != nil {
			return "", err
		}
		if outcome = "noinput"; heard.Kind == HeardNothing {
			continue
		}
		if accepted, err := accept(heard); accepted != "" || err != nil {
			return accepted, err
		}
		heard.Keys.Wipe()
		outcome = "nomatch"
	}
	return outcome, nil
}

// hear takes one turn, at the node's pace.
func (t *turns) hear(ctx context.Context, r *Run, turn Listen) (Heard, error) {
	turn.Timeout, turn.KeyTimeout, turn.BargeIn = t.timeout, t.keyTimeout, t.bargeIn
	turn.SpeechTimeout, turn.Decision = t.speechTimeout, t.decision
	return r.ports.Caller.Listen(ctx, turn)
}

// menuVerb offers options.
type menuVerb struct {
	turns
	options options
}

func (l *loader) menu(n *node, value *yaml.Node) verb {
	m := l.report.Map(value, "menu", turnKeys("options")...)
	if m == nil {
		return nil
	}
	v := &menuVerb{turns: l.turns(n, m, 0)}
	v.options = l.options(l.report.Need(m, "options", "menu "+n.name), "options", true)
	l.conflicts(v.options, v.finish)
	return v
}

func (v *menuVerb) outcomes() []string {
	return append([]string{"noinput", "nomatch"}, v.options.names()...)
}

func (v *menuVerb) says() []prompts { return append(v.turns.says(), v.options.says()...) }

func (v *menuVerb) run(ctx context.Context, r *Run, _ *node) (string, error) {
	turn := v.options.turn(v.finish)
	r.offer(&turn, v.options.phrases)
	var chosen *option
	outcome, err := v.listen(ctx, r, turn, func(heard Heard) (string, error) {
		o := v.options.meant(heard)
		if o == nil {
			return "", nil
		}
		if o.confirm && heard.Kind != HeardKeys {
			if sure, err := v.sure(ctx, r, o, heard.Phrase); !sure || err != nil {
				return "", err
			}
		}
		chosen = o
		return o.name, nil
	})
	return r.choose(ctx, chosen, outcome, err)
}

// collectVerb takes keys into a variable.
type collectVerb struct {
	turns
	low, high int
	secret    bool
	into      string
}

const maxCollect = 64

func (l *loader) collect(n *node, value *yaml.Node) verb {
	m := l.report.Map(value, "collect", turnKeys("digits", "secret", "into")...)
	if m == nil {
		return nil
	}
	v := &collectVerb{secret: l.report.Bool(m.Get("secret"), "secret")}
	finish := byte(0)
	if digits := l.report.Need(m, "digits", "collect "+n.name); digits != nil {
		if v.low, v.high = l.digits(digits); v.low != v.high {
			finish = '#'
		}
	}
	v.turns = l.turns(n, m, finish)
	if into := l.report.Need(m, "into", "collect "+n.name); into != nil {
		v.into = l.declare(into, v.secret, types.String, "", nil)
	}
	return v
}

// digits reads 4 or 6-12.
func (l *loader) digits(n *yaml.Node) (low, high int) {
	first, last, isRange := strings.Cut(n.Value, "-")
	if !isRange {
		last = first
	}
	low, errLow := strconv.Atoi(first)
	high, errHigh := strconv.Atoi(last)
	if errors.Join(errLow, errHigh) != nil || low < 1 || high < low || high > maxCollect {
		l.report.Add(n, msgDigits, n.Value, maxCollect)
		return 1, 1
	}
	return low, high
}

func (*collectVerb) outcomes() []string { return []string{"ok", "noinput", "nomatch"} }

func (v *collectVerb) run(ctx context.Context, r *Run, _ *node) (string, error) {
	turn := Listen{Min: v.low, Max: v.high, Secret: v.secret}
	return v.listen(ctx, r, turn, func(heard Heard) (string, error) {
		keys := heard.Keys
		if keys.Len() < v.low || keys.Len() > v.high || !onlyDigits(keys.Reveal()) {
			return "", nil
		}
		if v.secret {
			r.keep(v.into, keys)
			return "ok", nil
		}
		r.vars[v.into] = string(keys.Reveal())
		keys.Wipe()
		return "ok", nil
	})
}

func onlyDigits(keys []byte) bool {
	return !slices.ContainsFunc(keys, func(k byte) bool { return k < '0' || k > '9' })
}
