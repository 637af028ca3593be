package ivr

import (
	"context"
	"errors"
	"regexp"
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
func (t *turns) listen(ctx context.Context, r *Run, turn Listen, accept func(Heard) string) (string, error) {
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
		turn.Finish, turn.Timeout, turn.KeyTimeout, turn.BargeIn = t.finish, t.timeout, t.keyTimeout, t.bargeIn
		turn.SpeechTimeout, turn.Decision = t.speechTimeout, t.decision
		heard, err := r.ports.Caller.Listen(ctx, turn)
		if err != nil {
			return "", err
		}
		if outcome = "noinput"; heard.Kind == HeardNothing {
			continue
		}
		if accepted := accept(heard); accepted != "" {
			return accepted, nil
		}
		heard.Keys.Wipe()
		outcome = "nomatch"
	}
	return outcome, nil
}

// menuVerb offers options.
type menuVerb struct {
	turns
	options []option
}

type option struct {
	name      string
	keys      string
	at        *yaml.Node // of the keys
	phrases   map[string][]string
	sets      []assignment
	recording string
}

func (l *loader) menu(n *node, value *yaml.Node) verb {
	m := l.report.Map(value, "menu", turnKeys("options")...)
	if m == nil {
		return nil
	}
	v := &menuVerb{turns: l.turns(n, m, 0)}
	options := l.report.Need(m, "options", "menu "+n.name)
	if options == nil {
		return v
	}
	om := l.report.Map(options, "options")
	if om == nil {
		return v
	}
	for _, e := range om.Entries {
		v.options = append(v.options, l.option(e))
	}
	l.conflicts(v)
	return v
}

var optionKeys = regexp.MustCompile(`^[0-9*#]{1,4}$`)

func (l *loader) option(e strict.Entry) option {
	o := option{name: e.Name, at: e.Key, phrases: map[string][]string{}}
	l.name(e.Key, "option")
	if slices.Contains(commonOutcomes(), e.Name) {
		l.report.Add(e.Key, msgOptionName, e.Name)
	}
	m := l.report.Map(e.Value, "option "+e.Name, "digit", "phrases", "set", "recording")
	if m == nil {
		return o
	}
	if digit := l.report.Need(m, "digit", "option "+e.Name); digit != nil {
		o.keys, o.at = digit.Value, digit
		if !optionKeys.MatchString(o.keys) {
			l.report.Add(digit, msgDigit, o.keys)
			o.keys = ""
		}
	}
	if phrases := m.Get("phrases"); phrases != nil {
		l.phrases(o, phrases)
	}
	if set := m.Get("set"); set != nil {
		o.sets = l.assignments(set)
	}
	l.recording(m.Get("recording"), &o.recording)
	return o
}

func (l *loader) phrases(o option, n *yaml.Node) {
	m := l.report.Map(n, "phrases of option "+o.name, l.flow.Languages...)
	if m == nil {
		return
	}
	for _, e := range m.Entries {
		for _, item := range l.report.List(e.Value) {
			if phrase, ok := l.report.String(item, "a phrase"); ok {
				o.phrases[e.Name] = append(o.phrases[e.Name], phrase)
			}
		}
	}
}

// conflicts finds keys that choose two options or end the input.
func (l *loader) conflicts(v *menuVerb) {
	taken := map[string]string{}
	for _, o := range v.options {
		if o.keys == "" {
			continue
		}
		if other, ok := taken[o.keys]; ok {
			l.report.Add(o.at, msgDigitTwice, o.keys, other, o.name)
		}
		taken[o.keys] = o.name
		if v.finish != 0 && strings.IndexByte(o.keys, v.finish) >= 0 {
			l.report.Add(o.at, msgDigitFinish, o.keys, o.name, string(v.finish))
		}
	}
}

func (v *menuVerb) outcomes() []string {
	all := []string{"noinput", "nomatch"}
	for _, o := range v.options {
		all = append(all, o.name)
	}
	return all
}

// single are the keys that choose an option at once, because no other option
// goes on after them, and the keys that begin no option at all.
func (v *menuVerb) single() string {
	var keys []byte
	for _, key := range []byte("0123456789*#") {
		longer := slices.ContainsFunc(v.options, func(o option) bool { return len(o.keys) > 1 && o.keys[0] == key })
		if !longer && key != v.finish {
			keys = append(keys, key)
		}
	}
	return string(keys)
}

func (v *menuVerb) run(ctx context.Context, r *Run, _ *node) (string, error) {
	longest := 1
	for _, o := range v.options {
		longest = max(longest, len(o.keys))
	}
	turn := Listen{Min: 1, Max: longest, Single: v.single()}
	turn.Phrases, turn.Language = v.phrases(r.language), r.language
	var chosen *option
	outcome, err := v.listen(ctx, r, turn, func(heard Heard) string {
		i := slices.IndexFunc(v.options, func(o option) bool { return o.means(heard, r.language) })
		if i < 0 {
			return ""
		}
		chosen = &v.options[i]
		return chosen.name
	})
	if err != nil || chosen == nil {
		return outcome, err
	}
	if err := r.assign(chosen.sets); err != nil {
		return "", err
	}
	return outcome, r.record(ctx, chosen.recording)
}

// means reports whether an option is what was heard.
func (o *option) means(heard Heard, language string) bool {
	switch heard.Kind {
	case HeardKeys:
		return o.keys == string(heard.Keys.Reveal())
	case HeardPhrase:
		return slices.Contains(o.phrases[language], heard.Phrase)
	default:
		return false
	}
}

// phrases are what may be said in a language. While the caller's is not known
// nothing may: an engine listens for one language.
func (v *menuVerb) phrases(language string) (all []string) {
	for _, o := range v.options {
		all = append(all, o.phrases[language]...)
	}
	return all
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
	return v.listen(ctx, r, turn, func(heard Heard) string {
		keys := heard.Keys
		if keys.Len() < v.low || keys.Len() > v.high || !onlyDigits(keys.Reveal()) {
			return ""
		}
		if v.secret {
			r.keep(v.into, keys)
			return "ok"
		}
		r.vars[v.into] = string(keys.Reveal())
		keys.Wipe()
		return "ok"
	})
}

func onlyDigits(keys []byte) bool {
	return !slices.ContainsFunc(keys, func(k byte) bool { return k < '0' || k > '9' })
}
