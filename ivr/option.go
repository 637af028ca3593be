package ivr

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ivrd/ivrd/ivr/internal/strict"
)

// option is one thing that can be chosen, by its keys or by one of its phrases.
type option struct {
	name      string
	keys      string     // "" for none
	at, key   *yaml.Node // of the keys, else of the name; of the name
	phrases   map[string][]string
	sets      []assignment
	recording string
	confirm   bool    // ask back when it was chosen by speech
	statement prompts // what the question to confirm says it is; empty: what was heard
}

type options []option

var optionKeys = regexp.MustCompile(`^[0-9*#]{1,4}$`)

// option reads one; keyed: it must have a digit.
func (l *loader) option(e strict.Entry, keyed bool) option {
	o := option{name: e.Name, at: e.Key, key: e.Key, phrases: map[string][]string{}}
	l.name(e.Key, "option")
	if slices.Contains(commonOutcomes(), e.Name) {
		l.report.Add(e.Key, msgOptionName, e.Name)
	}
	if !keyed && strict.IsNull(e.Value) {
		return o
	}
	m := l.report.Map(e.Value, "option "+e.Name, "digit", "phrases", "set", "recording", "confirm", "confirmation")
	if m == nil {
		return o
	}
	digit := m.Get("digit")
	if keyed {
		digit = l.report.Need(m, "digit", "option "+e.Name)
	}
	if digit != nil {
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
	l.confirm(&o, m)
	return o
}

// options reads a map of them; none where there is no node. keyed: each must have a digit.
func (l *loader) options(n *yaml.Node, what string, keyed bool) (all options) {
	if n == nil {
		return nil
	}
	m := l.report.Map(n, what)
	if m == nil {
		return nil
	}
	for _, e := range m.Entries {
		all = append(all, l.option(e, keyed))
	}
	return all
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
func (l *loader) conflicts(all options, finish byte) {
	taken := map[string]string{}
	for _, o := range all {
		if o.keys == "" {
			continue
		}
		if other, ok := taken[o.keys]; ok {
			l.report.Add(o.at, msgDigitTwice, o.keys, other, o.name)
		}
		taken[o.keys] = o.name
		if finish != 0 && strings.IndexByte(o.keys, finish) >= 0 {
			l.report.Add(o.at, msgDigitFinish, o.keys, o.name, string(finish))
		}
	}
}

func (all options) names() []string {
	var names []string
	for _, o := range all {
		names = append(names, o.name)
	}
	return names
}

func (all options) says() []prompts {
	var out []prompts
	for _, o := range all {
		if !o.statement.empty() {
			out = append(out, o.statement)
		}
	}
	return out
}

// turn takes the keys that choose an option.
func (all options) turn(finish byte) Listen {
	longest := 1
	for _, o := range all {
		longest = max(longest, len(o.keys))
	}
	return Listen{Min: 1, Max: longest, Single: all.single(finish)}
}

// single are the keys that choose an option at once, because no other option
// goes on after them, and the keys that begin no option at all.
func (all options) single(finish byte) string {
	var keys []byte
	for _, key := range []byte("0123456789*#") {
		longer := slices.ContainsFunc(all, func(o option) bool { return len(o.keys) > 1 && o.keys[0] == key })
		if !longer && key != finish {
			keys = append(keys, key)
		}
	}
	return string(keys)
}

// phrases are what may be said in a language.
func (all options) phrases(language string) []string {
	var out []string
	for _, o := range all {
		out = append(out, o.phrases[language]...)
	}
	return out
}

// meant is the option that was chosen by its keys, or by one of its phrases in any
// language: those of the caller's were offered. nil for none.
func (all options) meant(heard Heard) *option {
	i := slices.IndexFunc(all, func(o option) bool {
		switch heard.Kind {
		case HeardKeys:
			return o.keys != "" && o.keys == string(heard.Keys.Reveal())
		case HeardPhrase:
			return o.has(func(phrase string) bool { return phrase == heard.Phrase })
		default:
			return false
		}
	})
	if i < 0 {
		return nil
	}
	return &all[i]
}

func (o *option) has(match func(phrase string) bool) bool {
	for _, phrases := range o.phrases {
		if slices.ContainsFunc(phrases, match) {
			return true
		}
	}
	return false
}

// offer lets a turn be answered in words, in the caller's language; while that is not
// known, in each of the flow's.
func (r *Run) offer(turn *Listen, phrases func(language string) []string) {
	if slices.Contains(r.top().flow.Languages, r.language) {
		turn.Phrases, turn.Language = phrases(r.language), r.language
		return
	}
	for _, language := range r.top().flow.Languages {
		if p := phrases(language); len(p) > 0 {
			turn.Tongues = append(turn.Tongues, Tongue{language, p})
		}
	}
}

// choose does what a chosen option says; nil when none was chosen.
func (r *Run) choose(ctx context.Context, chosen *option, outcome string, err error) (string, error) {
	if err != nil || chosen == nil {
		return outcome, err
	}
	if err := r.assign(chosen.sets); err != nil {
		return "", err
	}
	return outcome, r.record(ctx, chosen.recording)
}
