// Package strict reads YAML that people write by hand: unknown and duplicate
// keys, wrong kinds of value and aliases are faults, each with its place and,
// where one can be given, a hint. It reads on after a fault, so that one pass
// finds them all.
package strict

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ivrd/ivrd/internal/spelling"
)

const (
	maxBytes = 1 << 20
	maxDepth = 40
)

// Message is what a fault says: a format whose first line is the message and
// whose second, if there is one, is the hint.
type Message string

// Fault is one thing wrong in a file, with its place.
type Fault struct { //nolint:errname // what is wrong with a file is called a fault throughout
	File         string
	Line, Column int
	Message      string
	Hint         string
}

func (f Fault) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Message)
	if f.Hint != "" {
		s += " (" + f.Hint + ")"
	}
	return s
}

// Sort orders faults as a reader meets them and drops repetitions.
func Sort(faults []Fault) []Fault {
	slices.SortFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(faults)
}

// Report collects the faults of one file.
type Report struct {
	File   string
	Faults []Fault
}

// Add notes a fault at n; a nil n means the file as a whole.
func (r *Report) Add(n *yaml.Node, m Message, args ...any) {
	line, column := 1, 1
	if n != nil && n.Line > 0 {
		line, column = n.Line, n.Column
	}
	r.add(line, column, m, args...)
}

func (r *Report) add(line, column int, m Message, args ...any) {
	message, hint, _ := strings.Cut(fmt.Sprintf(string(m), args...), "\n")
	r.Faults = append(r.Faults, Fault{File: r.File, Line: line, Column: column, Message: message, Hint: hint})
}

var lineOf = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// Parse reads the documents of a file. A document that cannot be used is a
// fault and left out.
func (r *Report) Parse(data []byte) []*yaml.Node {
	if len(data) > maxBytes {
		r.Add(nil, msgTooLarge, maxBytes)
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var docs []*yaml.Node
	for {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.syntax(err)
			break
		}
		if len(doc.Content) == 1 && r.plain(doc.Content[0], 0) {
			docs = append(docs, doc.Content[0])
		}
	}
	if len(docs) == 0 && len(r.Faults) == 0 {
		r.Add(nil, msgEmpty)
	}
	return docs
}

func (r *Report) syntax(err error) {
	line, text := 1, err.Error()
	if m := lineOf.FindStringSubmatch(text); m != nil {
		line = max(1, atoi(m[1]))
		text = m[2]
	}
	r.add(line, 1, msgSyntax, text)
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// plain refuses aliases (they hide what is said, and can grow without bound)
// and nesting deeper than any real file has.
func (r *Report) plain(n *yaml.Node, depth int) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		r.Add(n, msgAlias)
		return false
	}
	if depth > maxDepth {
		r.Add(n, msgDepth, maxDepth)
		return false
	}
	for _, child := range n.Content {
		if !r.plain(child, depth+1) {
			return false
		}
	}
	return true
}

// Entry is one key of a mapping with its value.
type Entry struct {
	Name       string
	Key, Value *yaml.Node
}

// Map is a mapping without duplicate keys.
type Map struct {
	Node    *yaml.Node
	Entries []Entry
}

// Map reads a mapping. With known names given, any other key is a fault.
// A nil result means that n is no mapping, which has been noted.
func (r *Report) Map(n *yaml.Node, what string, known ...string) *Map {
	if n.Kind != yaml.MappingNode {
		r.Add(n, msgNotMapping, what)
		return nil
	}
	m := &Map{Node: n}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			r.Add(key, msgKey, what)
		case m.Get(key.Value) != nil:
			r.Add(key, msgDuplicate, key.Value, what)
		case len(known) > 0 && !slices.Contains(known, key.Value):
			r.Unknown(key, key.Value, what, known)
		default:
			m.Entries = append(m.Entries, Entry{Name: key.Value, Key: key, Value: value})
		}
	}
	return m
}

// Unknown notes a key that is not among the known ones.
func (r *Report) Unknown(key *yaml.Node, name, what string, known []string) {
	r.Add(key, msgUnknownKey, name, what, Suggest(name, known))
}

// Get returns the value of a key, or nil.
func (m *Map) Get(name string) *yaml.Node {
	if m == nil {
		return nil
	}
	for _, e := range m.Entries {
		if e.Name == name {
			return e.Value
		}
	}
	return nil
}

// Need returns the value of a key; that it is missing is a fault.
func (r *Report) Need(m *Map, name, what string) *yaml.Node {
	n := m.Get(name)
	if n == nil {
		r.Add(m.Node, msgMissing, what, name)
	}
	return n
}

// IsNull reports whether n is an empty value.
func IsNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

// String reads a scalar as it is written, whatever its YAML type.
func (r *Report) String(n *yaml.Node, what string) (string, bool) {
	if n == nil {
		return "", false
	}
	if n.Kind != yaml.ScalarNode || IsNull(n) || n.Value == "" {
		r.Add(n, msgNotString, what)
		return "", false
	}
	return n.Value, true
}

// Bool reads true or false.
func (r *Report) Bool(n *yaml.Node, what string) bool {
	if n == nil {
		return false
	}
	if n.Tag != "!!bool" {
		r.Add(n, msgNotBool, what)
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

// Int reads a whole number between low and high.
func (r *Report) Int(n *yaml.Node, what string, low, high int) (int, bool) {
	if n == nil {
		return 0, false
	}
	v, err := strconv.Atoi(n.Value)
	if err != nil || n.Tag != "!!int" || v < low || v > high {
		r.Add(n, msgNotInt, what, low, high)
		return 0, false
	}
	return v, true
}

// Duration reads a length of time between low and high.
func (r *Report) Duration(n *yaml.Node, what string, low, high time.Duration) (time.Duration, bool) {
	if n == nil {
		return 0, false
	}
	d, err := time.ParseDuration(n.Value)
	if err != nil || n.Kind != yaml.ScalarNode {
		r.Add(n, msgNotDuration, what)
		return 0, false
	}
	if d < low || d > high {
		r.Add(n, msgDurationRange, what, n.Value, short(low), short(high))
		return 0, false
	}
	return d, true
}

// short writes 2m0s as 2m.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	return s
}

// List reads one value or a list of values as a list.
func (r *Report) List(n *yaml.Node) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return []*yaml.Node{n}
}

// longestName is of names that are compared, in bytes.
const longestName = 64

// Suggest is a hint that names the known word nearest to name, or, when none
// is near, all of them.
func Suggest(name string, known []string) string {
	best, distance := "", 3
	for _, k := range known {
		if len(name) > longestName || len(k) > longestName {
			continue // it is no slip
		}
		if d := spelling.Distance(name, k); d < distance && d < len(k) {
			best, distance = k, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	if len(known) == 0 {
		return ""
	}
	sorted := slices.Clone(known)
	slices.Sort(sorted)
	return "known here: " + strings.Join(sorted, ", ")
}
