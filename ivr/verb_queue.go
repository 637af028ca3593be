package ivr

import (
	"context"
	"math"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ivrd/ivrd/ivr/internal/strict"
)

// neutral is the user value and the difficulty of a caller of whom nothing is
// known.
const neutral = 50

// enqueueVerb lets the caller wait in a queue and talk to an agent.
type enqueueVerb struct {
	queue      string
	at         *yaml.Node
	skills     map[string]int
	value      number
	difficulty *number // nil: that of what was asked last
	timeout    time.Duration
	hold       prompts
	every      time.Duration // 0: no news
	news       prompts
}

// number is a literal, or an expression that gives one.
type number struct {
	literal float64
	expr    *expression
}

// enqueueKeys are what every node knows that lets the caller wait.
func enqueueKeys(more ...string) []string {
	return append([]string{"queue", "skills", "value", "difficulty", "timeout", "while", "news"}, more...)
}

func (l *loader) enqueue(n *node, value *yaml.Node) verb {
	if value.Kind != yaml.MappingNode {
		return l.waiting(n, nil, value)
	}
	m := l.report.Map(value, "enqueue", enqueueKeys()...)
	return l.waiting(n, m, l.report.Need(m, "queue", "enqueue "+n.name))
}

// waiting reads how the caller waits in the queue that is named; m may be nil
// where nothing but the name is written.
func (l *loader) waiting(n *node, m *strict.Map, name *yaml.Node) *enqueueVerb {
	v := &enqueueVerb{value: number{literal: neutral}, timeout: 10 * time.Minute}
	if name != nil {
		v.queue, v.at = l.name(name, "queue"), name
	}
	if m == nil {
		return v
	}
	if skills := m.Get("skills"); skills != nil {
		v.skills = l.skills(skills)
	}
	l.number(m.Get("value"), "value", &v.value)
	if difficulty := m.Get("difficulty"); difficulty != nil {
		v.difficulty = &number{}
		l.number(difficulty, "difficulty", v.difficulty)
	}
	l.duration(m, "timeout", &v.timeout, time.Second, 24*time.Hour)
	if hold := m.Get("while"); hold != nil {
		v.hold = prompts{at: hold, files: l.files(hold, "while of node "+n.name)}
	}
	if news := m.Get("news"); news != nil {
		l.news(n, v, news)
	}
	return v
}

func (l *loader) skills(n *yaml.Node) map[string]int {
	m := l.report.Map(n, "skills")
	if m == nil {
		return nil
	}
	skills := map[string]int{}
	for _, e := range m.Entries {
		if least, ok := l.report.Int(e.Value, "skill "+e.Name, 1, 5); ok && l.name(e.Key, "skill") != "" {
			skills[e.Name] = least
		}
	}
	return skills
}

// number reads 90 or ${…}.
func (l *loader) number(n *yaml.Node, what string, to *number) {
	if n == nil {
		return
	}
	if n.ShortTag() == "!!str" {
		if t := l.parseText(n, what, false); t.whole() != nil {
			t.whole().kind = numberKind
			to.expr = t.whole()
			return
		}
	}
	if err := n.Decode(&to.literal); err != nil || !(to.literal >= 0 && to.literal <= 100) {
		l.report.Add(n, msgHundred, what, n.Value)
	}
}

func (l *loader) news(n *node, v *enqueueVerb, at *yaml.Node) {
	m := l.report.Map(at, "news", "every", "play", "say")
	if m == nil {
		return
	}
	v.every = 45 * time.Second
	l.duration(m, "every", &v.every, 10*time.Second, 10*time.Minute)
	v.news = l.prompts(at, m.Get("play"), m.Get("say"), "news of node "+n.name)
	if v.news.empty() {
		l.report.Add(at, msgNoNews, n.name)
	}
}

func (*enqueueVerb) outcomes() []string { return []string{"answered", "timeout", "error"} }

func (v *enqueueVerb) says() []prompts { return []prompts{v.hold, v.news} }

func (v *enqueueVerb) run(ctx context.Context, r *Run, _ *node) (string, error) {
	result, err := v.wait(ctx, r)
	return string(result), err
}

func (v *enqueueVerb) wait(ctx context.Context, r *Run) (EnqueueResult, error) {
	request := Enqueue{Queue: v.queue, Skills: v.skills, Language: r.language, Timeout: v.timeout}
	var err error
	if request.Hold, err = r.prompts(v.hold); err != nil {
		return "", err
	}
	if request.Value, err = v.value.eval(r); err != nil {
		return "", err
	}
	if v.difficulty == nil {
		request.Difficulty, request.Terms = float64(r.asked.difficulty()), r.asked.terms()
	} else if request.Difficulty, err = v.difficulty.eval(r); err != nil {
		return "", err
	}
	if v.every > 0 {
		request.Every = v.every
		request.News = func(position int, wait time.Duration) ([]Prompt, error) {
			r.position, r.wait = position, wait
			return r.prompts(v.news)
		}
	}
	return r.ports.Caller.Enqueue(ctx, request)
}

func (n number) eval(r *Run) (float64, error) {
	if n.expr == nil {
		return n.literal, nil
	}
	v, err := n.expr.eval(r.env())
	if err != nil {
		return 0, err
	}
	f, _ := v.(float64) // the compiler has seen to it
	return f, nil
}

// queueValue is what expressions see of the caller's place; zeros outside of
// news.
func queueValue(position int, wait time.Duration) map[string]any {
	return map[string]any{"position": position, "minutes": int(math.Ceil(wait.Minutes()))}
}
