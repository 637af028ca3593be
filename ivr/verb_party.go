package ivr

import (
	"context"
	"time"

	"github.com/expr-lang/expr/types"
	"go.yaml.in/yaml/v3"

	"github.com/ivrd/ivrd/ivr/internal/strict"
)

// connectVerb rings parties, one after the other, until one answers.
type connectVerb struct {
	to       []*text
	timeout  time.Duration // for each
	hold     prompts
	callerID *text
}

func (l *loader) connect(n *node, value *yaml.Node) verb {
	v := &connectVerb{timeout: 20 * time.Second}
	what := "connect of node " + n.name
	if value.Kind != yaml.MappingNode {
		v.parties(l, value, what)
		return v
	}
	m := l.report.Map(value, "connect", "to", "timeout", "hold", "caller_id")
	if to := l.report.Need(m, "to", what); to != nil {
		v.parties(l, to, what)
	}
	l.duration(m, "timeout", &v.timeout, time.Second, 3*time.Minute)
	if hold := m.Get("hold"); hold != nil {
		v.hold = prompts{at: hold, files: l.files(hold, "hold of node "+n.name)}
	}
	if id := m.Get("caller_id"); id != nil {
		v.callerID = l.parseText(id, "caller_id of node "+n.name, false)
	}
	return v
}

func (v *connectVerb) parties(l *loader, n *yaml.Node, what string) {
	for _, item := range l.report.List(n) {
		v.to = append(v.to, l.parseText(item, what, false))
	}
	if len(v.to) == 0 {
		l.report.Add(n, msgNobody, what)
	}
}

func (*connectVerb) outcomes() []string { return []string{"ok", "busy", "noanswer", "error"} }

func (v *connectVerb) says() []prompts { return []prompts{v.hold} }

func (v *connectVerb) run(ctx context.Context, r *Run, _ *node) (string, error) {
	hold, err := r.prompts(v.hold)
	if err != nil {
		return "", err
	}
	request := Connect{Timeout: v.timeout, Hold: hold, Language: r.language}
	if v.callerID != nil {
		if request.CallerID, err = v.callerID.plain(r.env()); err != nil {
			return "", err
		}
	}
	result := ConnectFailed
	for _, to := range v.to {
		if request.Target, err = to.plain(r.env()); err != nil {
			return "", err
		}
		if result, err = r.ports.Caller.Connect(ctx, request); err != nil || result == ConnectEnded {
			break
		}
	}
	return string(result), err
}

// recordVerb takes a message.
type recordVerb struct {
	prompts          prompts
	longest, silence time.Duration
	least            time.Duration
	finish           string
	beep             bool
	into             string
}

// recordKeys are what every node knows that takes a message.
func recordKeys(more ...string) []string {
	return append([]string{"play", "say", "max", "silence", "min", "finish", "beep", "into"}, more...)
}

func (l *loader) record(n *node, value *yaml.Node) verb {
	m := l.report.Map(value, "record", recordKeys()...)
	if m == nil {
		return nil
	}
	return l.taking(n, m)
}

func (l *loader) taking(n *node, m *strict.Map) *recordVerb {
	v := &recordVerb{longest: time.Minute, silence: 4 * time.Second, least: time.Second, finish: "#", beep: true}
	v.prompts = l.prompts(m.Node, m.Get("play"), m.Get("say"), "node "+n.name)
	l.duration(m, "max", &v.longest, time.Second, 10*time.Minute)
	l.duration(m, "silence", &v.silence, time.Second, time.Minute)
	l.duration(m, "min", &v.least, 0, time.Minute)
	if beep := m.Get("beep"); beep != nil {
		v.beep = l.report.Bool(beep, "beep")
	}
	if finish := m.Get("finish"); finish != nil {
		if v.finish = ""; finish.Value != "any" {
			if key := l.finish(finish); key != 0 {
				v.finish = string(key)
			}
		} else {
			v.finish = "0123456789*#"
		}
	}
	if into := m.Get("into"); into != nil {
		v.into = l.declare(into, false, types.Int, 0, nil)
	}
	return v
}

func (*recordVerb) outcomes() []string { return []string{"ok", "noinput"} }

func (v *recordVerb) says() []prompts { return []prompts{v.prompts} }

func (v *recordVerb) run(ctx context.Context, r *Run, n *node) (string, error) {
	return v.take(ctx, r, Record{MessageTag: n.name}, "noinput")
}

// take takes the message that is asked for; none is the outcome where nothing
// was said.
func (v *recordVerb) take(ctx context.Context, r *Run, ask Record, none string) (string, error) {
	var err error
	if ask.Prompts, err = r.prompts(v.prompts); err != nil {
		return "", err
	}
	ask.Max, ask.Silence, ask.Finish, ask.Beep, ask.MinSpeech = v.longest, v.silence, v.finish, v.beep, v.least
	got, err := r.ports.Caller.Record(ctx, ask)
	if err != nil {
		return "", err
	}
	if v.into != "" {
		r.vars[v.into] = int(got.Duration / time.Second)
	}
	if got.Duration == 0 {
		return none, nil
	}
	return "ok", nil
}

// callVerb runs another flow.
type callVerb struct {
	flow string
	at   *yaml.Node
}

func (l *loader) call(_ *node, value *yaml.Node) verb {
	return &callVerb{l.name(value, "call"), value}
}

func (*callVerb) outcomes() []string { return []string{"next"} }

func (*callVerb) says() []prompts { return nil }

func (v *callVerb) run(_ context.Context, r *Run, _ *node) (string, error) {
	return "", r.enter(v.flow)
}
