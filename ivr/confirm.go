package ivr

import (
	"context"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ivrd/ivrd/ivr/internal/strict"
)

// keyYes answers a question to confirm; any other key is a no.
const keyYes = "1"

// consent is how a language asks back.
type consent struct {
	question    string // after what was understood
	heard, stop string // around what was heard, where the flow does not say what it is
	space       string // between sentences
	// What may be said. Of the words in which both are found, no is taken: it comes first.
	no, yes []string
}

// consents are the languages in which something can be confirmed.
func consents() map[string]consent {
	return map[string]consent{
		"en": {
			"Is that right? Say yes, or press one. Say no, or press two.", "I heard: ", ".", " ",
			[]string{"no", "no thank you", "no that's wrong", "that's wrong", "wrong", "that's not right", "not right", "nope"},
			[]string{"yes", "yes please", "yes that's right", "that's right", "right", "correct", "yeah", "okay"},
		},
		"zh": {
			"对吗？对，请说对，或按一。不对，请说不对，或按二。", "我听到的是：", "。", "",
			[]string{"不对", "不是", "不是的", "错了", "不要", "不"},
			[]string{"对", "对的", "是", "是的", "没错", "正确", "好", "好的"},
		},
	}
}

// confirm reads how an option is confirmed.
func (l *loader) confirm(o *option, m *strict.Map) {
	if n := m.Get("confirm"); n != nil {
		o.confirm = l.report.Bool(n, "confirm")
		l.confirmable(n)
	}
	n := m.Get("confirmation")
	if n == nil {
		return
	}
	l.confirmable(n)
	if cm := l.report.Map(n, "confirmation of option "+o.name, "play", "say"); cm != nil {
		o.statement = l.prompts(n, cm.Get("play"), cm.Get("say"), "confirmation of option "+o.name).asking(l.flow.Languages)
	}
}

// confirmable refuses languages in which nobody can be asked back.
func (l *loader) confirmable(n *yaml.Node) {
	for _, language := range l.flow.Languages {
		if _, ok := consents()[language]; !ok {
			l.report.Add(n, msgConfirm, language, strings.Join(sortedKeys(consents()), ", "))
		}
	}
}

// asking adds the question to what a statement says.
func (p prompts) asking(languages []string) prompts {
	if p.empty() {
		return p
	}
	say := speech{}
	for _, language := range languages {
		c := consents()[language]
		t := &text{at: p.at}
		if stated := p.say[language]; stated != nil {
			t.pieces = slices.Clone(stated.pieces)
			t.literal(c.space)
		}
		t.literal(c.question)
		say[language] = t
	}
	p.say = say
	return p
}

// mostHeard is how much of what was heard is said again, in characters.
const mostHeard = 120

// saying is the question where the flow does not say what is asked: with what was heard.
func saying(heard string, languages []string) prompts {
	words := []rune(strings.TrimSpace(heard))
	if len(words) > mostHeard {
		words = words[:mostHeard]
	}
	p := prompts{say: speech{}}
	for _, language := range languages {
		c := consents()[language]
		t := &text{}
		if len(words) > 0 {
			t.literal(c.heard + string(words) + c.stop + c.space)
		}
		t.literal(c.question)
		p.say[language] = t
	}
	return p
}

// sure asks the caller whether an option is what they want; heard is what they said,
// without personal numbers.
func (t *turns) sure(ctx context.Context, r *Run, o *option, heard string) (bool, error) {
	question := o.statement
	if question.empty() {
		question = saying(heard, r.top().flow.Languages)
	}
	turn := Listen{Min: 1, Max: 1, Single: "0123456789*#", Strict: true}
	r.offer(&turn, func(language string) []string {
		c := consents()[language]
		return slices.Concat(c.no, c.yes)
	})
	var err error
	if turn.Prompts, err = r.prompts(question); err != nil {
		return false, err
	}
	answer, err := t.hear(ctx, r, turn)
	if err != nil {
		return false, err
	}
	if answer.Kind == HeardKeys {
		return string(answer.Keys.Reveal()) == keyYes, nil
	}
	return answer.Kind == HeardPhrase && affirms(answer.Phrase), nil
}

// affirms reports whether a phrase is a yes in any language.
func affirms(phrase string) bool {
	for _, c := range consents() {
		if slices.Contains(c.yes, phrase) {
			return true
		}
	}
	return false
}
