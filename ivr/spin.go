package ivr

import (
	"slices"

	"github.com/ivrd/ivrd/ivr/internal/strict"
)

// spinner looks for cycles of nodes, also across flows that call each other,
// in which nothing listens, waits or fetches: they would go round as fast as
// the machine can.
type spinner struct {
	flows *Flows
	home  map[*node]*Flow
	quick map[string]bool // flows that can be passed through without waiting
	state map[*node]visit
	path  []*node
}

type visit uint8

const (
	unseen visit = iota
	onPath
	finished
)

func spins(flows *Flows) []Fault {
	s := &spinner{flows: flows, home: map[*node]*Flow{}, quick: map[string]bool{}, state: map[*node]visit{}}
	for _, f := range flows.flows {
		for _, n := range f.nodes {
			s.home[n] = f
		}
	}
	s.findQuick()
	var faults []Fault
	for _, name := range flows.Names() {
		for _, n := range flows.flows[name].nodes {
			if cycle := s.visit(n); cycle != nil {
				report := strict.Report{File: s.home[cycle[0]].File}
				report.Add(cycle[0].at, msgSpin, list(cycle))
				faults = append(faults, report.Faults...)
			}
		}
	}
	return faults
}

// findQuick goes round until no flow changes.
func (s *spinner) findQuick() {
	for changed := true; changed; {
		changed = false
		for _, name := range s.flows.Names() {
			f := s.flows.flows[name]
			if !s.quick[name] && s.passes(f, f.byName[f.start.node], map[*node]bool{}) {
				s.quick[name], changed = true, true
			}
		}
	}
}

// passes reports whether a way leads from n to the end of f without waiting.
func (s *spinner) passes(f *Flow, n *node, seen map[*node]bool) bool {
	if n == nil || seen[n] || waits(n) {
		return false
	}
	seen[n] = true
	if call, ok := n.verb.(*callVerb); ok && !s.quick[call.flow] {
		return false
	}
	to, leaves := f.leads(n)
	if leaves && n.word != "hangup" {
		return true
	}
	return slices.ContainsFunc(to, func(next *node) bool { return s.passes(f, next, seen) })
}

func waits(n *node) bool {
	w, ok := wordNamed(n.word)
	return !ok || w.waits
}

// next lists where n leads at once.
func (s *spinner) next(n *node) []*node {
	to, _ := s.home[n].leads(n)
	call, ok := n.verb.(*callVerb)
	if !ok {
		return to
	}
	f := s.flows.flows[call.flow]
	if f == nil {
		return nil
	}
	if !s.quick[call.flow] {
		to = nil
	}
	if start := f.byName[f.start.node]; start != nil {
		to = append(to, start)
	}
	return to
}

// visit walks depth first and returns the first cycle it closes.
func (s *spinner) visit(n *node) []*node {
	if waits(n) || s.state[n] == finished {
		return nil
	}
	if s.state[n] == onPath {
		return slices.Clone(s.path[slices.Index(s.path, n):])
	}
	s.state[n] = onPath
	s.path = append(s.path, n)
	var cycle []*node
	for _, next := range s.next(n) {
		if found := s.visit(next); found != nil && cycle == nil {
			cycle = found
		}
	}
	s.path = s.path[:len(s.path)-1]
	s.state[n] = finished
	return cycle
}
