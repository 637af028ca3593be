package ivr

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ivrd/ivrd/ivr/internal/strict"
	"github.com/ivrd/ivrd/tts/ssml"
)

// Fault is one thing wrong in a flow's file, with its place and, where one
// can be given, a hint.
type Fault = strict.Fault //nolint:errname // what is wrong with a file is called a fault throughout

type message = strict.Message

// end is the target that leaves a flow: it returns to the flow that called it,
// or hangs up.
const end = "end"

// Flows is a set of flows that may call each other. It never changes: a new
// set is loaded instead, and calls finish on the set that they began with.
type Flows struct {
	flows map[string]*Flow
	vars  map[string]*variable
	sound bool // loaded without fault, fit to run
}

// Flow returns a flow by name, or nil.
func (f *Flows) Flow(name string) *Flow { return f.flows[name] }

// Names lists the flows in order.
func (f *Flows) Names() []string { return sortedKeys(f.flows) }

// Flow is one flow as loaded.
type Flow struct {
	Name      string
	File      string
	Languages []string // the first is the default
	// Version is the SHA-256, in hex, 12 digits, of what the flow says and of
	// the flows that it calls. Comments and layout do not change it.
	Version string

	at          *yaml.Node
	start       target
	onError     target // zero when there is none
	zone        *time.Location
	defaults    defaults
	hours       map[string]*hours
	nodes       []*node // in the file's order
	byName      map[string]*node
	canon       []byte
	expressions []*expression
}

// defaults hold for every node that listens, unless it says otherwise.
type defaults struct {
	listening

	on map[string]target
}

// listening is how long and how often a node listens: see Listen.
type listening struct {
	timeout, keyTimeout, speechTimeout, decision time.Duration
	retries                                      int
	bargeIn                                      bool
}

// node is one step of a flow.
type node struct {
	name      string
	at        *yaml.Node
	word      string // its verb's name
	verb      verb
	on        map[string]target
	recording string // "", "start" or "stop"
}

// target is where an outcome leads.
type target struct {
	node string
	at   *yaml.Node
}

// verb is what a node does.
type verb interface {
	// outcomes lists every outcome that can happen.
	outcomes() []string
	// says lists what the node can say.
	says() []prompts
	// run does it and returns the outcome. An error is ErrHangup, the
	// context's, or a fault of the house.
	run(ctx context.Context, r *Run, n *node) (string, error)
}

// resolve finds where an outcome of n leads: the node's own word, else the
// flow's defaults, else for errors its on_error.
func (f *Flow) resolve(n *node, outcome string) (target, bool) {
	if t, ok := n.on[outcome]; ok {
		return t, true
	}
	if t, ok := f.defaults.on[outcome]; ok {
		return t, true
	}
	if outcome == "error" && f.onError.node != "" {
		return f.onError, true
	}
	return target{}, false
}

// Edge is one way out of a node.
type Edge struct {
	Flow, Node, Outcome, To string
}

// Edges lists every way out of every node, for reports of what scenario tests
// have covered.
func (f *Flows) Edges() []Edge {
	var edges []Edge
	for _, name := range f.Names() {
		flow := f.flows[name]
		for _, n := range flow.nodes {
			for _, outcome := range flow.outcomes(n) {
				if t, ok := flow.resolve(n, outcome); ok {
					edges = append(edges, Edge{name, n.name, outcome, t.node})
				}
			}
		}
	}
	return edges
}

// outcomes are the verb's and those that the node handles beyond them.
func (f *Flow) outcomes(n *node) []string {
	if n.verb == nil {
		return nil
	}
	all := n.verb.outcomes()
	for _, extra := range sortedKeys(n.on) {
		if !slices.Contains(all, extra) {
			all = append(all, extra)
		}
	}
	return all
}

// Prompts lists the prompt files that the flows play.
func (f *Flows) Prompts() []string {
	var names []string
	for _, flow := range f.flows {
		for _, n := range flow.nodes {
			for _, p := range n.says() {
				for _, file := range p.files {
					names = append(names, file.name)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Text is something that the flows always say in the same words.
type Text struct {
	Language string
	Speech   ssml.Speech
}

// Texts lists what the flows say in fixed words, once each, so that it can be
// made ready before the first caller comes.
func (f *Flows) Texts() []Text {
	seen := map[string]bool{}
	var out []Text
	for _, name := range f.Names() {
		for _, n := range f.flows[name].nodes {
			for _, p := range n.says() {
				for _, language := range sortedKeys(p.say) {
					t := p.say[language]
					if !t.fixed() {
						continue
					}
					speech, err := t.spoken(nil, language, f.flows[name].zone)
					if key := fmt.Sprint(language, speech); err == nil && len(speech) > 0 && !seen[key] {
						seen[key] = true
						out = append(out, Text{language, speech})
					}
				}
			}
		}
	}
	return out
}

func (n *node) says() []prompts {
	if n.verb == nil {
		return nil
	}
	return n.verb.says()
}

// Asks reports whether any of the flows asks callers what they want in their own words.
func (f *Flows) Asks() bool {
	for _, flow := range f.flows {
		if slices.ContainsFunc(flow.nodes, func(n *node) bool { return n.word == "ask" }) {
			return true
		}
	}
	return false
}

// Files reads the YAML files in the root of a file system, for Load.
func Files(fsys fs.FS) (map[string][]byte, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if e.IsDir() || path.Ext(e.Name()) != ".yaml" {
			continue
		}
		if files[e.Name()], err = fs.ReadFile(fsys, e.Name()); err != nil {
			return nil, err
		}
	}
	return files, nil
}
