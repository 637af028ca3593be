// Package flowtest runs scenario tests of flows: conversations written down
// as steps, run in virtual time against a scripted caller and scripted data,
// without a telephone. docs/flows.md describes the files.
package flowtest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ivrd/ivrd/ivr"
)

// Options are what every scenario of a file may use unless it says otherwise.
type Options struct {
	Env    map[string]string
	Config map[string]any
	// Understander understands what is said to an ask; nil: phrases only.
	Understander ivr.Understander
}

// Visit is one node that a scenario went through.
type Visit struct{ Flow, Node string }

// Result is what became of one scenario.
type Result struct {
	Name string
	File string
	Line int
	// Failures say what was expected and what came; none means passed.
	Failures []ivr.Fault
	Path     []Visit
	End      ivr.End
}

// Passed reports whether all was as the scenario says.
func (r Result) Passed() bool { return len(r.Failures) == 0 }

// RunFile runs the scenarios of a file, one a YAML document. What is wrong
// with the file itself is a failure of its first scenario.
func RunFile(ctx context.Context, flows *ivr.Flows, name string, data []byte, o Options) []Result {
	tests, faults := read(name, data)
	if len(faults) > 0 {
		return []Result{{Name: name, File: name, Line: faults[0].Line, Failures: faults}}
	}
	var results []Result
	for _, t := range tests {
		results = append(results, t.run(ctx, flows, o))
	}
	return results
}

// Uncovered lists the ways from node to node that no result has gone.
func Uncovered(flows *ivr.Flows, results []Result) []ivr.Edge {
	gone := map[[3]string]bool{}
	for _, r := range results {
		for i, v := range r.Path {
			to := "end"
			if i+1 < len(r.Path) && r.Path[i+1].Flow == v.Flow {
				to = r.Path[i+1].Node
			}
			gone[[3]string{v.Flow, v.Node, to}] = true
		}
	}
	return slices.DeleteFunc(flows.Edges(), func(e ivr.Edge) bool { return gone[[3]string{e.Flow, e.Node, e.To}] })
}

func (t *test) run(ctx context.Context, flows *ivr.Flows, o Options) Result {
	result := Result{Name: t.name, File: t.report.File, Line: t.line}
	t.report.Faults = nil
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := &player{test: t, steps: t.steps, now: t.at, stop: cancel, served: map[string]int{}}
	options := ivr.Options{From: t.from, To: t.to, Trusted: t.trusted, Language: t.language, Env: o.Env, Config: o.Config}
	if t.env != nil {
		options.Env = t.env
	}
	run, err := ivr.NewRun(flows, t.flow, ivr.Ports{Caller: p, Fetcher: p, Clock: p, Understander: o.Understander}, options)
	if err != nil {
		t.fail(t.node, "%s", err)
	} else {
		result.End, err = run.Run(ctx)
		p.finish(result.End, err)
	}
	result.Path, result.Failures = p.path, t.report.Faults
	return result
}

// finish compares what was with what the scenario expects.
func (p *player) finish(end ivr.End, err error) {
	if p.failed {
		return
	}
	t := p.test
	p.hear()
	if s := p.next(); s != nil {
		if s.kind == stepHear {
			t.fail(s.at, "expected to hear %q; heard %s", s.value, p.lately())
		} else {
			t.fail(s.at, "the call was over (%s at node %s) before this step", end.Reason, end.Node)
		}
		return
	}
	if path := p.names(); t.path != nil && !slices.Equal(path, t.path) {
		t.fail(t.pathAt, "expected the path %s; it was %s", arrow(t.path), arrow(path))
	}
	if t.end != "" && t.end != string(end.Reason) {
		detail := ""
		if err != nil {
			detail = " (" + err.Error() + ")"
		}
		t.fail(t.endAt, "expected the end %s; it was %s%s", t.end, end.Reason, detail)
	}
	if t.recording != "" && t.recording != onOff(p.recording) {
		t.fail(t.recordingAt, "expected recording to be %s at the end; it was %s", t.recording, onOff(p.recording))
	}
	if err != nil && t.end == "" {
		t.fail(t.node, "%s", err)
	}
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func arrow(path []string) string { return strings.Join(path, " → ") }

// names writes the path as scenarios do: nodes of other flows than the first
// with the flow's name before them.
func (p *player) names() []string {
	var names []string
	for _, v := range p.path {
		name := v.Node
		if v.Flow != p.test.flow {
			name = v.Flow + "." + v.Node
		}
		names = append(names, name)
	}
	return names
}

// Summary is one line about a result, and one for each failure.
func (r Result) Summary() string {
	if r.Passed() {
		return fmt.Sprintf("ok    %s:%d %s", r.File, r.Line, r.Name)
	}
	lines := []string{fmt.Sprintf("FAIL  %s:%d %s", r.File, r.Line, r.Name)}
	for _, f := range r.Failures {
		lines = append(lines, "      "+f.Error())
	}
	return strings.Join(lines, "\n")
}
