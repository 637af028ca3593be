package ivr

import (
	"context"

	"go.yaml.in/yaml/v3"

	"github.com/ivrd/ivrd/ivr/internal/strict"
)

// speakVerb is play and say.
type speakVerb struct{ prompts prompts }

func (l *loader) play(n *node, value *yaml.Node) verb {
	return &speakVerb{l.prompts(value, value, nil, "node "+n.name)}
}

func (l *loader) say(n *node, value *yaml.Node) verb {
	return &speakVerb{l.prompts(value, nil, value, "node "+n.name)}
}

func (*speakVerb) outcomes() []string { return []string{"next"} }

func (v *speakVerb) says() []prompts { return []prompts{v.prompts} }

func (v *speakVerb) run(ctx context.Context, r *Run, _ *node) (string, error) {
	return "next", r.speak(ctx, v.prompts)
}

// hangupVerb says last words and ends the call.
type hangupVerb struct{ prompts prompts }

func (l *loader) hangup(n *node, value *yaml.Node) verb {
	if strict.IsNull(value) {
		return &hangupVerb{}
	}
	m := l.report.Map(value, "hangup", "play", "say")
	if m == nil {
		return nil
	}
	return &hangupVerb{l.prompts(value, m.Get("play"), m.Get("say"), "node "+n.name)}
}

func (*hangupVerb) outcomes() []string { return nil }

func (v *hangupVerb) says() []prompts { return []prompts{v.prompts} }

func (v *hangupVerb) run(ctx context.Context, r *Run, _ *node) (string, error) {
	if err := r.speak(ctx, v.prompts); err != nil {
		return "", err
	}
	return "", errDone
}
