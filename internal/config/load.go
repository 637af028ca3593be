// Package config loads and checks the configuration file: strictly, with the
// place and a hint for every fault, all faults in one pass.
package config

import (
	"encoding"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// envPrefix begins the names of overriding environment variables:
// IVRD_SECTION__KEY.
const envPrefix = "IVRD_"

// notOurs are beginnings of names that are no keys: what ivrd call and the
// tests read, and what Kubernetes sets for a service that is called ivrd.
var notOurs = []string{"IVRD_SIP_SECRET", "IVRD_TEST_", "IVRD_SOAK", "IVRD_DRILL", "IVRD_SCREENS", "IVRD_SERVICE_", "IVRD_PORT"}

// Source is what a configuration is made from.
type Source struct {
	// Path of the file; empty means the defaults.
	Path string
	// Env are NAME=value pairs, of which those with IVRD_ override, a double
	// underscore between section and key; Sets are key=value pairs, which override both.
	Env, Sets []string
}

// Load reads, overrides, decodes and checks. The error is Faults when the
// user can mend it.
func Load(src Source) (File, error) {
	f := Default()
	d := &decoder{source: src.Path, env: src.Env, sources: map[*yaml.Node]string{}, lines: map[string]place{}}
	root := &yaml.Node{Kind: yaml.MappingNode}
	if src.Path != "" {
		data, err := os.ReadFile(src.Path)
		if err != nil {
			return f, fmt.Errorf("read configuration: %w", err)
		}
		if root, err = parse(src.Path, data); err != nil {
			return f, err
		}
	}
	if err := d.override(root, src); err != nil {
		return f, err
	}
	if scalarAt(root, "mode") == ModeProduction {
		f.leaveDemo()
	}
	d.value(root, reflect.ValueOf(&f).Elem(), "")
	d.check(&f)
	f.lines = d.lines
	if len(d.faults) > 0 {
		slices.SortStableFunc(d.faults, func(a, b Fault) int { return a.Line - b.Line })
		return f, d.faults
	}
	return f, nil
}

func parse(path string, data []byte) (*yaml.Node, error) {
	var doc yaml.Node
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return &yaml.Node{Kind: yaml.MappingNode}, nil
		}
		return nil, Faults{yamlFault(path, err)}
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, Faults{{Source: path, Message: "more than one document", Hint: "remove the line ---"}}
	}
	return doc.Content[0], nil
}

// yamlFault takes the line out of yaml's own message.
func yamlFault(path string, err error) Fault {
	f := Fault{Source: path, Message: strings.TrimPrefix(err.Error(), "yaml: ")}
	var rest string
	if n, _ := fmt.Sscanf(f.Message, "line %d: %s", &f.Line, &rest); n == 2 {
		_, f.Message, _ = strings.Cut(f.Message, ": ")
	}
	return f
}

// override puts environment and --set values into the tree, so that they are
// decoded and checked as if they stood in the file.
func (d *decoder) override(root *yaml.Node, src Source) error {
	if fill(root); root.Kind != yaml.MappingNode {
		return nil // a fault of the file, which decoding names
	}
	for _, kv := range src.Env {
		name, value, _ := strings.Cut(kv, "=")
		if err := d.putEnv(root, name, value); err != nil {
			return err
		}
	}
	for _, kv := range src.Sets {
		key, value, ok := strings.Cut(kv, "=")
		if !ok {
			return Faults{{Source: "--set", Key: kv, Message: "wants key=value", Hint: "such as --set http.listen=127.0.0.1:9090"}}
		}
		if err := d.put(root, targetOf(key, "."), value, "--set"); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) putEnv(root *yaml.Node, name, value string) error {
	path, ok := strings.CutPrefix(name, envPrefix)
	if !ok || slices.ContainsFunc(notOurs, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
		return nil
	}
	t := targetOf(path, "__")
	if t.typ == nil && len(t.path) == 1 {
		d.faults = append(d.faults, Fault{
			Source: name, Message: "names no key",
			Hint: "two underscores stand between section and key, such as IVRD_LOG__LEVEL",
		})
		return nil
	}
	return d.put(root, t, value, name)
}

// target is the place that an override names. The type is nil when there is
// none such.
type target struct {
	path []string
	typ  reflect.Type
}

// targetOf follows the parts of a key through File. Keys are in lower case
// whatever an environment variable does, but the names in a map are the
// user's: they stay as they are, whole.
func targetOf(key, sep string) target {
	t := target{typ: reflect.TypeFor[File]()}
	parts := strings.Split(key, sep)
	for i, part := range parts {
		if t.typ != nil && t.typ.Kind() == reflect.Map {
			return target{path: append(t.path, strings.Join(parts[i:], sep)), typ: t.typ.Elem()}
		}
		if sep == "__" {
			part = strings.ToLower(part)
		}
		t.path, t.typ = append(t.path, part), fieldType(t.typ, part)
	}
	return t
}

// fieldType is nil where there is no such field.
func fieldType(t reflect.Type, name string) reflect.Type {
	if !composed(t) || t.Kind() != reflect.Struct {
		return nil
	}
	if i, ok := fieldsOf(t)[name]; ok {
		return t.Field(i).Type
	}
	return nil
}

// composed says that a value of the type is written with YAML's marks. All
// others are text as it stands, in which a # begins no comment.
func composed(t reflect.Type) bool {
	if t == nil || reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return false
	}
	return slices.Contains([]reflect.Kind{reflect.Struct, reflect.Map, reflect.Slice}, t.Kind())
}

// node is an overriding value as it would stand in the file.
func (t target) node(source, value string) *yaml.Node {
	if composed(t.typ) && value != "" {
		if doc, err := parse(source, []byte(value)); err == nil {
			return doc
		}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

func (d *decoder) put(root *yaml.Node, t target, value, source string) error {
	doc := t.node(source, value)
	d.mark(doc, source)
	n := root
	for i, p := range t.path {
		at := slices.IndexFunc(evens(n.Content), func(k *yaml.Node) bool { return k.Value == p })
		last := i == len(t.path)-1
		switch {
		case at >= 0 && last:
			n.Content[2*at+1] = doc
		case at >= 0:
			n = n.Content[2*at+1]
			if fill(n); n.Kind != yaml.MappingNode {
				return Faults{{Source: source, Key: strings.Join(t.path, "."), Message: "a value stands where a section is wanted"}}
			}
		default:
			k := &yaml.Node{Kind: yaml.ScalarNode, Value: p}
			v := doc
			if !last {
				v = &yaml.Node{Kind: yaml.MappingNode}
				d.mark(v, source)
			}
			d.mark(k, source)
			n.Content = append(n.Content, k, v)
			n = v
		}
	}
	return nil
}

// fill makes a mapping of a section that stands there empty.
func fill(n *yaml.Node) {
	if isNull(n) {
		n.Kind, n.Tag, n.Value = yaml.MappingNode, "!!map", ""
	}
}

// scalarAt is the value of a key at the top, "" where there is none.
func scalarAt(root *yaml.Node, key string) string {
	at := slices.IndexFunc(evens(root.Content), func(k *yaml.Node) bool { return k.Value == key })
	if at < 0 || root.Kind != yaml.MappingNode {
		return ""
	}
	return root.Content[2*at+1].Value
}

func (d *decoder) mark(n *yaml.Node, source string) {
	d.sources[n] = source
	for _, c := range n.Content {
		d.mark(c, source)
	}
}

func evens(nodes []*yaml.Node) []*yaml.Node {
	out := make([]*yaml.Node, 0, len(nodes)/2)
	for i := 0; i < len(nodes); i += 2 {
		out = append(out, nodes[i])
	}
	return out
}
