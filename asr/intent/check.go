package intent

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// fewestExamples of an intent in a language, below which it is hardly learnt.
const fewestExamples = 5

// Warning is something in a set that will be understood badly.
type Warning struct {
	Line    int // in the file, 0 for none
	Message string
	Hint    string
}

func (w Warning) String() string {
	s := w.Message
	if w.Line > 0 {
		s = fmt.Sprintf("line %d: %s", w.Line, s)
	}
	if w.Hint != "" {
		s += " (hint: " + w.Hint + ")"
	}
	return s
}

// Check finds intents with too few examples, languages without any, and
// examples that say two things.
func (s Set) Check() []Warning {
	var out []Warning
	if len(s.Intents) < 2 {
		out = append(out, Warning{0, fmt.Sprintf("there are %d intents", len(s.Intents)), "one can be told from another only where there are two"})
	}
	for _, i := range s.Intents {
		for _, language := range s.Languages {
			switch n := len(i.Examples[language]); {
			case n == 0:
				out = append(out, Warning{0, fmt.Sprintf("%s has no example in %s", i.Name, language), "callers who speak it are not understood"})
			case n < fewestExamples:
				out = append(out, Warning{
					i.Examples[language][0].Line, fmt.Sprintf("%s has %d examples in %s", i.Name, n, language),
					fmt.Sprintf("%d at least, 20 are good; as callers say it, not as a menu does", fewestExamples),
				})
			}
		}
	}
	return append(out, s.twice()...)
}

// twice finds texts that are there twice, folded as the classifier sees them.
func (s Set) twice() []Warning {
	var out []Warning
	first := map[string]labelled{}
	for _, e := range s.examples() {
		text := strings.TrimSpace(string(fold(nil, e.Text)))
		before, seen := first[text]
		switch {
		case text == "":
			out = append(out, Warning{e.Line, fmt.Sprintf("%q has no letter", clip(e.Text, 40)), ""})
		case !seen:
			first[text] = e
		case before.intent != e.intent:
			out = append(out, Warning{
				e.Line, fmt.Sprintf("%q means %s here and %s on line %d", clip(e.Text, 40), orNone(e.intent), orNone(before.intent), before.Line),
				"the classifier cannot tell them apart: keep one",
			})
		default:
			out = append(out, Warning{e.Line, fmt.Sprintf("%q is on line %d, too", clip(e.Text, 40), before.Line), ""})
		}
	}
	slices.SortStableFunc(out, func(a, b Warning) int { return cmp.Compare(a.Line, b.Line) })
	return out
}
