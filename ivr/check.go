package ivr

import (
	"slices"
	"strings"

	"github.com/ivrd/ivrd/ivr/internal/strict"
)

// CheckOptions are what a flow is checked against besides itself.
type CheckOptions struct {
	// Prompt reports whether a prompt file exists; nil means do not ask.
	Prompt func(language, name string) bool
	// Env holds the names that ${env.NAME} may use; nil means do not ask.
	Env map[string]string
	// Queues are those that callers can wait in; nil means do not ask.
	Queues []string
	// Phrase says why nobody would understand a phrase of a menu, and what to do; "" when
	// somebody would. nil means do not ask.
	Phrase func(language, phrase string) (problem, hint string)
	// Intents are those that callers can be understood to have; nil means do not ask.
	Intents []string
}

// CheckFiles loads flows and returns every fault of loading and checking in
// one pass, in the order of files and lines.
func CheckFiles(files map[string][]byte, o CheckOptions) (*Flows, []Fault) {
	flows, faults := Load(files)
	return flows, strict.Sort(append(faults, Check(flows, o)...))
}

// Check finds what is wrong with flows beyond their grammar: ways that lead
// nowhere, nodes that are never reached, loops that never end, prompts and
// names that do not exist.
func Check(flows *Flows, o CheckOptions) []Fault {
	var faults []Fault
	for _, name := range flows.Names() {
		c := &checker{report: strict.Report{File: flows.flows[name].File}, flows: flows, flow: flows.flows[name], options: o}
		c.targets()
		c.handled()
		c.reached()
		c.exits()
		c.prompts()
		c.phrases()
		c.env()
		c.queues()
		c.intents()
		faults = append(faults, c.report.Faults...)
	}
	faults = append(faults, spins(flows)...)
	return strict.Sort(faults)
}

// checker checks one flow.
type checker struct {
	report  strict.Report
	flows   *Flows
	flow    *Flow
	options CheckOptions
}

func (c *checker) targets() {
	f := c.flow
	if f.start.node == end {
		c.report.Add(f.start.at, msgStartIsNoNode)
	} else {
		c.target(f.start)
	}
	c.target(f.onError)
	for _, outcome := range sortedKeys(f.defaults.on) {
		c.target(f.defaults.on[outcome])
	}
	for _, n := range f.nodes {
		for _, outcome := range sortedKeys(n.on) {
			c.target(n.on[outcome])
		}
		if call, ok := n.verb.(*callVerb); ok && call.flow != "" && c.flows.flows[call.flow] == nil {
			c.report.Add(call.at, msgUnknownFlow, call.flow, strict.Suggest(call.flow, c.flows.Names()))
		}
	}
}

func (c *checker) target(t target) {
	if t.node == "" || t.node == end || c.flow.byName[t.node] != nil {
		return
	}
	names := append(sortedKeys(c.flow.byName), end)
	c.report.Add(t.at, msgUnknownNode, t.node, strict.Suggest(t.node, names))
}

// handled insists that every outcome that can happen leads somewhere.
func (c *checker) handled() {
	for _, n := range c.flow.nodes {
		if n.verb == nil || n.word == "branch" || n.word == "transfer" { // what a transfer does not handle ends the call
			continue
		}
		for _, outcome := range n.verb.outcomes() {
			if _, ok := c.flow.resolve(n, outcome); ok {
				continue
			}
			also := ""
			switch {
			case outcome == "error":
				also = ", in defaults or by on_error"
			case slices.Contains(commonOutcomes(), outcome):
				also = " or in defaults"
			}
			c.report.Add(n.at, msgUnhandled, n.name, outcome, also)
		}
	}
}

// leads lists the nodes that n can lead to, and whether it can leave the flow.
// A node with a fault of its own is taken to leave it.
func (f *Flow) leads(n *node) (to []*node, leaves bool) {
	if n.verb == nil || n.word == "hangup" {
		return nil, true
	}
	leaves = n.word == "transfer"
	for _, outcome := range f.outcomes(n) {
		t, ok := f.resolve(n, outcome)
		next := f.byName[t.node]
		if !ok || next == nil {
			leaves = true
			continue
		}
		to = append(to, next)
	}
	return to, leaves
}

func (c *checker) reached() {
	seen := map[*node]bool{}
	var visit func(*node)
	visit = func(n *node) {
		if n == nil || seen[n] {
			return
		}
		seen[n] = true
		to, _ := c.flow.leads(n)
		for _, next := range to {
			visit(next)
		}
	}
	start := c.flow.byName[c.flow.start.node]
	if start == nil {
		return
	}
	visit(start)
	visit(c.flow.byName[c.flow.onError.node])
	for _, n := range c.flow.nodes {
		if !seen[n] {
			c.report.Add(n.at, msgUnreachable, n.name)
		}
	}
}

// exits finds the nodes from which no way leads to an end.
func (c *checker) exits() {
	out := map[*node]bool{}
	for changed := true; changed; {
		changed = false
		for _, n := range c.flow.nodes {
			if out[n] {
				continue
			}
			to, leaves := c.flow.leads(n)
			if leaves || slices.ContainsFunc(to, func(next *node) bool { return out[next] }) {
				out[n], changed = true, true
			}
		}
	}
	var stuck []*node
	for _, n := range c.flow.nodes {
		if !out[n] {
			stuck = append(stuck, n)
		}
	}
	if len(stuck) > 0 {
		c.report.Add(stuck[0].at, msgNoExit, list(stuck))
	}
}

func list(nodes []*node) string {
	var names []string
	for _, n := range nodes {
		names = append(names, n.name)
	}
	return strings.Join(names, ", ")
}

func (c *checker) prompts() {
	if c.options.Prompt == nil {
		return
	}
	for _, n := range c.flow.nodes {
		for _, p := range n.says() {
			for _, file := range p.files {
				c.promptFile(file)
			}
		}
	}
}

func (c *checker) promptFile(file promptFile) {
	for _, language := range c.flow.Languages {
		if !c.options.Prompt(language, file.name) {
			c.report.Add(file.at, msgNoPromptFile, file.name, language, language, file.name)
		}
	}
}

func (c *checker) phrases() {
	if c.options.Phrase == nil {
		return
	}
	for _, n := range c.flow.nodes {
		var all options
		switch v := n.verb.(type) {
		case *menuVerb:
			all = v.options
		case *askVerb:
			all = v.all()
		}
		for _, o := range all {
			c.optionPhrases(o)
		}
	}
}

func (c *checker) optionPhrases(o option) {
	for _, language := range sortedKeys(o.phrases) {
		for _, phrase := range o.phrases[language] {
			if problem, hint := c.options.Phrase(language, phrase); problem != "" {
				c.report.Add(o.at, msgPhrase, phrase, language, o.name, problem, hint)
			}
		}
	}
}

func (c *checker) env() {
	if c.options.Env == nil {
		return
	}
	for _, e := range c.flow.expressions {
		for _, name := range e.env {
			if _, given := c.options.Env[name]; !given {
				c.report.Add(e.at, msgEnv, name)
			}
		}
	}
}

func (c *checker) queues() {
	if c.options.Queues == nil {
		return
	}
	for _, n := range c.flow.nodes {
		v := n.waits()
		if v != nil && v.queue != "" && !slices.Contains(c.options.Queues, v.queue) {
			c.report.Add(v.at, msgUnknownQueue, v.queue, strict.Suggest(v.queue, c.options.Queues))
		}
	}
}

func (c *checker) intents() {
	if c.options.Intents == nil {
		return
	}
	for _, n := range c.flow.nodes {
		ask, ok := n.verb.(*askVerb)
		if !ok {
			continue
		}
		for _, o := range ask.intents {
			if !slices.Contains(c.options.Intents, o.name) {
				c.report.Add(o.key, msgUnknownIntent, o.name, strict.Suggest(o.name, c.options.Intents))
			}
		}
	}
}
