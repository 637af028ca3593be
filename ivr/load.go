package ivr

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr/types"
	"go.yaml.in/yaml/v3"

	"github.com/ivrd/ivrd/ivr/internal/strict"
)

// loader reads one file into one flow.
type loader struct {
	report      *strict.Report
	flow        *Flow
	flows       *Flows
	expressions []*expression
	declared    []declaration
}

// declaration is one place where a variable gets a value.
type declaration struct {
	name   string
	at     *yaml.Node
	secret bool
}

// Load reads flows, one a file, by file name; scenario tests (*.test.yaml) are
// passed over. It returns every fault it finds; flows that have one do not run.
func Load(files map[string][]byte) (*Flows, []Fault) {
	flows := &Flows{flows: map[string]*Flow{}, vars: map[string]*variable{}}
	var loaders []*loader
	for _, name := range sortedKeys(files) {
		if strings.HasSuffix(name, ".test.yaml") {
			continue
		}
		l := &loader{report: &strict.Report{File: name}, flows: flows}
		l.file(files[name])
		loaders = append(loaders, l)
	}
	flows.compile(loaders)
	var faults []Fault
	for _, l := range loaders {
		faults = append(faults, l.report.Faults...)
	}
	for _, name := range flows.Names() {
		flows.flows[name].Version = flows.version(name)
	}
	flows.sound = len(faults) == 0
	return flows, strict.Sort(faults)
}

func (l *loader) file(data []byte) {
	docs := l.report.Parse(data)
	if len(docs) == 0 {
		return
	}
	if len(docs) > 1 {
		l.report.Add(docs[1], msgSecondFlow)
	}
	m := l.report.Map(docs[0], "the flow", "flow", "languages", "start", "timezone", "defaults", "on_error", "hours", "nodes")
	if m == nil {
		return
	}
	l.flow = &Flow{File: l.report.File, at: docs[0], zone: time.UTC, hours: map[string]*hours{}, byName: map[string]*node{}}
	l.head(m)
	l.body(m)
	l.register(m)
}

// head reads what the nodes depend on.
func (l *loader) head(m *strict.Map) {
	f := l.flow
	f.Name = l.name(l.report.Need(m, "flow", "the flow"), "flow")
	languages := l.report.Need(m, "languages", "the flow")
	for _, n := range l.report.List(languages) {
		l.language(n)
	}
	if n := m.Get("timezone"); n != nil {
		f.zone = l.zone(n)
	}
	f.defaults.listening = listening{
		timeout: 5 * time.Second, keyTimeout: 3 * time.Second,
		speechTimeout: 10 * time.Second, decision: time.Second, retries: 2, bargeIn: true,
	}
	if n := m.Get("defaults"); n != nil {
		l.defaults(n)
	}
	if n := m.Get("hours"); n != nil {
		l.hours(n)
	}
}

func (l *loader) body(m *strict.Map) {
	f := l.flow
	f.start = l.target(l.report.Need(m, "start", "the flow"), "start")
	if n := m.Get("on_error"); n != nil {
		f.onError = l.target(n, "on_error")
	}
	nodes := l.report.Need(m, "nodes", "the flow")
	if nodes == nil {
		return
	}
	entries := l.report.Map(nodes, "nodes")
	if entries == nil {
		return
	}
	for _, e := range entries.Entries {
		if l.name(e.Key, "node") == "" {
			continue
		}
		n := l.node(e)
		f.nodes = append(f.nodes, n)
		f.byName[n.name] = n
	}
}

func (l *loader) register(m *strict.Map) {
	f := l.flow
	if f.Name == "" {
		return
	}
	if other := l.flows.flows[f.Name]; other != nil {
		l.report.Add(m.Get("flow"), msgTwoFlows, f.Name, other.File)
		return
	}
	f.canon = canonical(nil, f.at)
	l.flows.flows[f.Name] = f
}

var (
	namePattern     = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	languagePattern = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
)

func (l *loader) name(n *yaml.Node, what string) string {
	name, ok := l.report.String(n, what)
	if !ok {
		return ""
	}
	if !namePattern.MatchString(name) || len(name) > 40 || name == end {
		l.report.Add(n, msgName, name, what)
		return ""
	}
	return name
}

func (l *loader) language(n *yaml.Node) {
	name, ok := l.report.String(n, "a language")
	switch {
	case !ok:
	case !languagePattern.MatchString(name):
		l.report.Add(n, msgLanguage, name)
	case slices.Contains(l.flow.Languages, name):
		l.report.Add(n, msgLanguageTwice, name)
	default:
		l.flow.Languages = append(l.flow.Languages, name)
	}
}

func (l *loader) target(n *yaml.Node, what string) target {
	name, ok := l.report.String(n, what)
	if !ok {
		return target{}
	}
	return target{node: name, at: n}
}

func (l *loader) defaults(n *yaml.Node) {
	m := l.report.Map(n, "defaults", append(listeningKeys(), "on")...)
	if m == nil {
		return
	}
	d := &l.flow.defaults
	l.listening(m, &d.listening)
	on := m.Get("on")
	if on == nil {
		return
	}
	d.on = map[string]target{}
	ways := l.report.Map(on, "on of defaults", commonOutcomes()...)
	if ways == nil {
		return
	}
	for _, e := range ways.Entries {
		d.on[e.Name] = l.target(e.Value, e.Name+" of defaults")
	}
}

func listeningKeys() []string {
	return []string{"timeout", "key_timeout", "speech_timeout", "decision", "retries", "barge_in"}
}

// listening reads the keys that say how long and how often a node listens.
func (l *loader) listening(m *strict.Map, h *listening) {
	l.duration(m, "timeout", &h.timeout, time.Second, time.Minute)
	l.duration(m, "key_timeout", &h.keyTimeout, 500*time.Millisecond, 30*time.Second)
	l.duration(m, "speech_timeout", &h.speechTimeout, 2*time.Second, time.Minute)
	l.duration(m, "decision", &h.decision, 300*time.Millisecond, 5*time.Second)
	if v, ok := l.report.Int(m.Get("retries"), "retries", 0, 10); ok {
		h.retries = v
	}
	if n := m.Get("barge_in"); n != nil {
		h.bargeIn = l.report.Bool(n, "barge_in")
	}
}

func (l *loader) duration(m *strict.Map, key string, d *time.Duration, low, high time.Duration) {
	if v, ok := l.report.Duration(m.Get(key), key, low, high); ok {
		*d = v
	}
}

// declare notes that a variable is given a value at n.
func (l *loader) declare(n *yaml.Node, secret bool, typ types.Type, zero any, set *expression) string {
	name := l.name(n, "variable")
	if name == "" {
		return ""
	}
	if slices.Contains(reserved(), name) {
		l.report.Add(n, msgReserved, name)
		return ""
	}
	v := l.flows.vars[name]
	if v == nil {
		if len(l.flows.vars) >= maxVariables {
			l.report.Add(n, msgTooManyVariables, maxVariables)
			return ""
		}
		v = &variable{typ: typ, zero: zero}
		l.flows.vars[name] = v
	} else if typ != nil {
		v.join(typ, zero)
	}
	if set != nil {
		v.sets = append(v.sets, set)
	}
	v.secret = v.secret || secret
	l.declared = append(l.declared, declaration{name, n, secret})
	return name
}

// join widens the variable's type to hold values of typ as well.
func (v *variable) join(typ types.Type, zero any) {
	switch {
	case v.typ == nil:
		v.typ, v.zero = typ, zero
	case v.typ != typ:
		v.typ, v.zero = types.Any, nil
	}
}

// compile infers the types of variables that expressions set, then checks and
// compiles every expression against them.
func (f *Flows) compile(loaders []*loader) {
	home := map[*expression]*Flow{}
	for _, l := range loaders {
		for _, e := range l.expressions {
			home[e] = l.flow
			l.flow.expressions = append(l.flow.expressions, e)
		}
		l.mixedSecrets()
	}
	f.infer(home)
	for _, l := range loaders {
		for _, e := range l.expressions {
			e.compile(l.flow, f.vars, l.report.Add)
		}
	}
}

// infer goes round until no type changes; each only ever widens.
func (f *Flows) infer(home map[*expression]*Flow) {
	names := sortedKeys(f.vars)
	for range 3 {
		for _, name := range names {
			v := f.vars[name]
			for _, e := range v.sets {
				typ, zero := typeOf(e.compile(home[e], f.vars, nil))
				v.join(typ, zero)
			}
		}
	}
}

func typeOf(t reflect.Type) (types.Type, any) {
	if t == nil {
		return types.Any, nil
	}
	switch t.Kind() {
	case reflect.String:
		return types.String, ""
	case reflect.Bool:
		return types.Bool, false
	case reflect.Int:
		return types.Int, 0
	case reflect.Float64:
		return types.Float64, 0.0
	default:
		return types.Any, nil
	}
}

// mixedSecrets refuses a variable that is secret here and open there.
func (l *loader) mixedSecrets() {
	for _, d := range l.declared {
		if !d.secret && l.flows.vars[d.name].secret {
			l.report.Add(d.at, msgMixedSecret, d.name)
		}
	}
}

// version hashes what the flow and the flows that it calls say.
func (f *Flows) version(name string) string {
	called := map[string]bool{}
	f.called(name, called)
	hash := sha256.New()
	for _, name := range sortedKeys(called) {
		hash.Write(f.flows[name].canon)
	}
	return hex.EncodeToString(hash.Sum(nil))[:12]
}

func (f *Flows) called(name string, seen map[string]bool) {
	flow := f.flows[name]
	if flow == nil || seen[name] {
		return
	}
	seen[name] = true
	for _, n := range flow.nodes {
		if call, ok := n.verb.(*callVerb); ok {
			f.called(call.flow, seen)
		}
	}
}

// canonical writes the tree without comments, layout and quoting.
func canonical(b []byte, n *yaml.Node) []byte {
	b = fmt.Appendf(b, "%d %s %s", n.Kind, n.ShortTag(), strconv.Quote(n.Value))
	for _, child := range n.Content {
		b = canonical(append(b, '('), child)
		b = append(b, ')')
	}
	return b
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
