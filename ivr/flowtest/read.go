package flowtest

import (
	"encoding/json"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/ivr/internal/strict"
)

// test is one scenario as read.
type test struct {
	report   *strict.Report
	node     *yaml.Node
	line     int
	name     string
	flow     string
	from, to string
	trusted  bool
	language string
	at       time.Time
	env      map[string]string
	http     map[string][]reply
	steps    []step

	path        []string
	pathAt      *yaml.Node
	end         string
	endAt       *yaml.Node
	recording   string
	recordingAt *yaml.Node
}

// reply is a scripted answer to a fetch.
type reply struct {
	status int
	body   []byte
	err    string // instead of an answer
}

type stepKind string

const (
	stepHear    stepKind = "hear"
	stepPress   stepKind = "press"
	stepSay     stepKind = "say"
	stepWait    stepKind = "wait"
	stepSilence stepKind = "silence"
	stepHangup  stepKind = "hang up"
	stepAgent   stepKind = "agent"
	stepMessage stepKind = "leaves message"
)

type step struct {
	kind  stepKind
	at    *yaml.Node
	value string
	time  time.Duration
}

func stepNames() []string {
	return []string{"hear", "press", "say", "wait", "silence", "hang up", "agent", "leaves message"}
}

// fail notes a failure at a place in the scenario's file.
func (t *test) fail(at *yaml.Node, m strict.Message, args ...any) { t.report.Add(at, m, args...) }

// monday is the time of a scenario that names none.
func monday() time.Time { return time.Date(2026, time.January, 5, 10, 0, 0, 0, time.UTC) }

func read(name string, data []byte) ([]*test, []ivr.Fault) {
	r := &strict.Report{File: name}
	var tests []*test
	for _, doc := range r.Parse(data) {
		t := &test{report: &strict.Report{File: name}, node: doc, line: doc.Line, flow: "main", at: monday(), http: map[string][]reply{}}
		t.read()
		r.Faults = append(r.Faults, t.report.Faults...)
		tests = append(tests, t)
	}
	return tests, strict.Sort(r.Faults)
}

func (t *test) read() {
	r := t.report
	m := r.Map(t.node, "the scenario", "test", "flow", "caller", "language", "at", "env", "http", "steps", "expect")
	if m == nil {
		return
	}
	t.name, _ = r.String(r.Need(m, "test", "the scenario"), "test")
	t.text(m, "flow", &t.flow)
	t.text(m, "language", &t.language)
	if at := m.Get("at"); at != nil {
		var err error
		if t.at, err = time.Parse(time.RFC3339, at.Value); err != nil {
			t.fail(at, "at is not a time\nwrite it like 2026-11-20T10:00:00+08:00")
		}
	}
	t.caller(m.Get("caller"))
	t.environment(m.Get("env"))
	t.replies(m.Get("http"))
	if steps := r.Need(m, "steps", "the scenario"); steps != nil {
		for _, n := range r.List(steps) {
			t.step(n)
		}
	}
	t.expect(m.Get("expect"))
}

func (t *test) text(m *strict.Map, key string, to *string) *yaml.Node {
	n := m.Get(key)
	if s, ok := t.report.String(n, key); ok {
		*to = s
	}
	return n
}

func (t *test) caller(n *yaml.Node) {
	if n == nil {
		return
	}
	if m := t.report.Map(n, "caller", "from", "to", "trusted"); m != nil {
		t.text(m, "from", &t.from)
		t.text(m, "to", &t.to)
		t.trusted = t.report.Bool(m.Get("trusted"), "trusted")
	}
}

func (t *test) environment(n *yaml.Node) {
	if n == nil {
		return
	}
	if m := t.report.Map(n, "env"); m != nil {
		t.env = map[string]string{}
		for _, e := range m.Entries {
			t.env[e.Name] = e.Value.Value
		}
	}
}

func (t *test) replies(n *yaml.Node) {
	if n == nil {
		return
	}
	m := t.report.Map(n, "http")
	if m == nil {
		return
	}
	for _, e := range m.Entries {
		for _, item := range t.report.List(e.Value) {
			t.http[e.Name] = append(t.http[e.Name], t.reply(item))
		}
	}
}

func (t *test) reply(n *yaml.Node) reply {
	out := reply{status: 200}
	m := t.report.Map(n, "a reply", "status", "json", "text", "error")
	if m == nil {
		return out
	}
	if status, ok := t.report.Int(m.Get("status"), "status", 100, 599); ok {
		out.status = status
	}
	if body := m.Get("json"); body != nil {
		var v any
		err := body.Decode(&v)
		if err == nil {
			out.body, err = json.Marshal(v)
		}
		if err != nil {
			t.fail(body, "this has no form in JSON")
		}
	}
	if text := m.Get("text"); text != nil {
		out.body = []byte(text.Value)
	}
	t.text(m, "error", &out.err)
	return out
}

func (t *test) step(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		if kind := stepKind(n.Value); kind == stepHangup || kind == stepSilence {
			t.steps = append(t.steps, step{kind: kind, at: n})
			return
		}
		t.fail(n, "%q is not a step\n%s", n.Value, strict.Suggest(n.Value, stepNames()))
		return
	}
	m := t.report.Map(n, "a step", stepNames()...)
	if m == nil || len(m.Entries) == 0 {
		return
	}
	if len(m.Entries) > 1 {
		t.fail(m.Entries[1].Key, "a step does one thing\nbegin another with -")
	}
	e := m.Entries[0]
	s := step{kind: stepKind(e.Name), at: e.Key}
	switch s.kind {
	case stepWait, stepMessage:
		s.time, _ = t.report.Duration(e.Value, e.Name, 0, time.Hour)
	case stepAgent:
		t.agent(&s, e.Value)
	default:
		s.value, _ = t.report.String(e.Value, e.Name)
	}
	t.steps = append(t.steps, s)
}

// agent reads answers, busy, noanswer, fails, or {answers: 30s}.
func (t *test) agent(s *step, n *yaml.Node) {
	s.value, s.time = n.Value, time.Minute
	if n.Kind == yaml.MappingNode {
		if m := t.report.Map(n, "agent", "answers"); m.Get("answers") != nil {
			s.value = "answers"
			s.time, _ = t.report.Duration(m.Get("answers"), "answers", 0, time.Hour)
		}
	}
	if _, ok := results()[s.value]; !ok {
		t.fail(n, "agent cannot do %q\nwrite answers, busy, noanswer or fails", s.value)
	}
}

func results() map[string]ivr.ConnectResult {
	return map[string]ivr.ConnectResult{
		"answers": ivr.ConnectEnded, "busy": ivr.ConnectBusy,
		"noanswer": ivr.ConnectNoAnswer, "fails": ivr.ConnectFailed,
	}
}

func (t *test) expect(n *yaml.Node) {
	if n == nil {
		return
	}
	m := t.report.Map(n, "expect", "path", "end", "recording")
	if m == nil {
		return
	}
	t.pathAt = m.Get("path")
	for _, item := range t.report.List(t.pathAt) {
		t.path = append(t.path, item.Value)
	}
	t.endAt = t.text(m, "end", &t.end)
	t.recordingAt = t.text(m, "recording", &t.recording)
}
