package flowtest_test

import (
	"strings"
	"testing"

	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/ivr/flowtest"
)

const flow = `flow: main
languages: [en]
start: hello
nodes:
  hello: {play: hello, next: top}
  top:
    menu: {play: top, options: {ring: {digit: 1, phrases: {en: [ring]}}, fetch: {digit: 2}, tell: {digit: 3}, wait: {digit: 4}}}
    on: {ring: ring, fetch: fetch, tell: tell, wait: wait, noinput: end, nomatch: end}
  ring: {connect: {to: alice, hold: hold}, on: {ok: end, busy: end, noanswer: tell, error: end}}
  fetch: {http: {get: "http://b/x"}, on: {ok: end, error: end}}
  wait: {enqueue: {queue: q, while: hold, timeout: 1m}, on: {answered: end, timeout: tell, error: end}}
  tell: {record: {say: Speak now.}, on: {ok: end, noinput: end}}
`

// TestFailures: what goes wrong is said with the step's line, what was
// expected and what came.
func TestFailures(t *testing.T) {
	flows, faults := ivr.CheckFiles(map[string][]byte{"f": []byte(flow)}, ivr.CheckOptions{})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for _, c := range []struct{ scenario, want string }{
		{"test: t\nsteps:\n  - hear: goodbye\n  - press: 1\n", `t.yaml:3:5: expected to hear "goodbye" before node top listens; heard en/hello, en/top`},
		{"test: t\nsteps:\n  - hear: top\n  - hear: hello\n  - press: 1\n", `t.yaml:4:5: expected to hear "hello" before node top listens; heard nothing more`},
		{"test: t\nsteps:\n  - hear: hello\n", `t.yaml:1:1: no step is left, but node top listens`},
		{"test: t\nsteps:\n  - press: 1\n  - press: 2\n", `t.yaml:4:5: node ring rings alice; expected a step agent: answers, busy, noanswer or fails`},
		{"test: t\nsteps:\n  - agent: busy\n", `t.yaml:3:5: node top listens for keys; this step does not fit`},
		{"test: t\nsteps:\n  - say: rung\n", `t.yaml:3:5: node top has no option with the phrase "rung"`},
		{"test: t\nsteps:\n  - press: 2\n", `t.yaml:1:1: node fetch fetches GET http://b/x, for which http: has no reply`},
		{"test: t\nsteps:\n  - press: 3\n  - hear: Speak later.\n", `t.yaml:4:5: expected to hear "Speak later." before node tell takes a message; heard "Speak now."`},
		{"test: t\nsteps:\n  - press: 3\n  - press: 1\n", `t.yaml:4:5: node tell takes a message; expected a step leaves message: or silence`},
		{"test: t\nsteps:\n  - say: ring\n  - agent: answers\n  - press: 1\n", `t.yaml:5:5: the call was over (flow-hangup at node ring) before this step`},
		{"test: t\nsteps:\n  - say: ring\n  - agent: answers\n  - hear: bye\n", `t.yaml:5:5: expected to hear "bye"; heard nothing more`},
		{"test: t\nsteps: [press: 1, agent: busy]\nexpect:\n  path: [hello, top]\n", `t.yaml:4:9: expected the path hello → top; it was hello → top → ring`},
		{"test: t\nsteps: [hang up]\nexpect:\n  end: flow-hangup\n", `t.yaml:4:8: expected the end flow-hangup; it was caller-hangup`},
		{"test: t\nsteps: [hang up]\nexpect:\n  recording: 'on'\n", `t.yaml:4:14: expected recording to be on at the end; it was off`},
		{"test: t\nflow: other\nsteps: [hang up]\n", `t.yaml:1:1: run flow: there is no flow "other"`},
		{"test: t\nsteps:\n  - press: 4\n  - agent: busy\n", `t.yaml:4:5: node wait waits in queue q; expected a step agent: answers, noanswer or fails`},
		{"test: t\nsteps:\n  - press: 4\n  - hear: hold\n  - agent: answers\n  - hear: x\n", `t.yaml:6:5: expected to hear "x"; heard nothing more`},
		{"test: t\nsteps:\n  - press: 4\n  - agent: noanswer\n", `t.yaml:1:1: no step is left, but node tell takes a message`},
		{"test: t\nsteps: [hang upp]\n", `t.yaml:2:9: "hang upp" is not a step (did you mean hang up?)`},
		{"test: t\nsteps: [{press: 1, wait: 2s}]\n", `t.yaml:2:20: a step does one thing (begin another with -)`},
		{"test: t\nsteps: [agent: sleeps]\n", `t.yaml:2:16: agent cannot do "sleeps" (write answers, busy, noanswer or fails)`},
		{"test: t\nat: noon\nsteps: [hang up]\n", `t.yaml:2:5: at is not a time (write it like 2026-11-20T10:00:00+08:00)`},
		{"test: t\nsteps: [hang up]\nexpects: {}\n", `t.yaml:3:1: unknown key "expects" in the scenario (did you mean expect?)`},
		{"test: t\n", `t.yaml:1:1: the scenario has no steps`},
		{"test: t\nhttp: {GET /x: {json: .nan}}\nsteps: [hang up]\n", `t.yaml:2:23: this has no form in JSON`},
		{"[", `t.yaml:1:1: not YAML: did not find expected node content`},
	} {
		results := flowtest.RunFile(t.Context(), flows, "t.yaml", []byte(c.scenario), flowtest.Options{})
		if len(results) != 1 || len(results[0].Failures) != 1 || results[0].Failures[0].Error() != c.want {
			t.Errorf("%s\ngot  %v\nwant %s", c.scenario, results, c.want)
			continue
		}
		if !strings.Contains(results[0].Summary(), c.want) {
			t.Errorf("summary %q", results[0].Summary())
		}
	}
}

func TestSeveralScenarios(t *testing.T) {
	flows, _ := ivr.CheckFiles(map[string][]byte{"f": []byte(flow)}, ivr.CheckOptions{})
	results := flowtest.RunFile(t.Context(), flows, "t.yaml", []byte(`test: one
steps: [wait: 2s, wait: 13s, hear: top]
---
test: two
http: {GET /x: {error: timeout}}
steps: [press: "2"]
---
test: three
steps: [press: "3", leaves message: 2s]
expect: {end: flow-hangup}
`), flowtest.Options{})
	if len(results) != 3 || results[0].Passed() || !results[1].Passed() || !results[2].Passed() {
		t.Fatalf("got %+v", results)
	}
	if results[2].Line != 8 || results[2].Summary() != "ok    t.yaml:8 three" {
		t.Errorf("got %q", results[2].Summary())
	}
	left := flowtest.Uncovered(flows, results)
	if len(left) == 0 || left[0].To != "ring" {
		t.Errorf("uncovered %v", left)
	}
}

// The finish key after an entry that its length has ended is no key of the next
// node; a second one is.
func TestLateFinishKey(t *testing.T) {
	flows, faults := ivr.CheckFiles(map[string][]byte{"f": []byte(`flow: main
languages: [en]
start: account
defaults: {retries: 0, on: {noinput: end, nomatch: lost}}
nodes:
  account: {collect: {play: account, digits: 2-4, into: account}, on: {ok: top}}
  top: {menu: {play: top, options: {a: {digit: 1}, b: {digit: "22"}}}, on: {a: found, b: bottom}}
  bottom: {menu: {play: bottom, options: {c: {digit: "1"}}}, on: {c: found}}
  found: {hangup: }
  lost: {hangup: }
`)}, ivr.CheckOptions{})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for steps, path := range map[string]string{
		`press: "1234#1"`:                       "[account, top, found]",
		`press: "1234", press: "#", press: "1"`: "[account, top, found]",
		`press: "1234#", hear: top, press: "1"`: "[account, top, found]",
		`press: "123#1"`:                        "[account, top, found]",
		`press: "123#", press: "#"`:             "[account, top, lost]",
		`press: "1234##"`:                       "[account, top, lost]",
		`press: "1234#22#1"`:                    "[account, top, bottom, found]",
		`press: "1234", hear: top, press: "1"`:  "[account, top, found]",
		`press: "1234#1#"`:                      "[account, top, found]",
	} {
		scenario := "test: t\nsteps: [" + steps + "]\nexpect: {path: " + path + "}\n"
		for _, r := range flowtest.RunFile(t.Context(), flows, "t.yaml", []byte(scenario), flowtest.Options{}) {
			if !r.Passed() {
				t.Errorf("%s: %v", steps, r.Failures)
			}
		}
	}
}

// FuzzScenario: reading and running any scenario file never panics, and a
// failure always has a place.
func FuzzScenario(f *testing.F) {
	flows, _ := ivr.CheckFiles(map[string][]byte{"f": []byte(flow)}, ivr.CheckOptions{})
	f.Add([]byte("test: t\nhttp: {GET /x: [{status: 500}, {json: 1}]}\nsteps: [hear: hello, press: \"2\"]\nexpect: {path: [hello, top, fetch]}\n"))
	f.Add([]byte("test: t\nat: 2026-01-01T00:00:00Z\nsteps: [say: ring, agent: {answers: 3s}, hang up]\n---\ntest: u\nsteps: [silence, wait: 3s, leaves message: 2s]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, r := range flowtest.RunFile(t.Context(), flows, "t", data, flowtest.Options{}) {
			for _, failure := range r.Failures {
				if failure.Line < 1 || failure.Message == "" || strings.Contains(failure.Message, "%!") {
					t.Fatalf("%+v", failure)
				}
			}
		}
	})
}
