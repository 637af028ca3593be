// Package config loads and checks the configuration file: strictly, with the
// place and a hint for every fault, all faults in one pass.
package config

import (
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

// Source is what a configuration is made from.
type Source struct {
	// Path of the file; empty means the defaults.
	Path string
	// Env are NAME=value pairs, of which those with IVRD_ and a double
	// underscore override; Sets are key=value pairs, which override both.
	Env, Sets []string
}

// Load reads, overrides, decodes and checks. The error is Faults when the
// user can mend it.
func Load(src Source) (File, error) {
	f := Default()
	d := &decoder{source: src.Path, sources: map[*yaml.Node]string{}, lines: map[string]place{}}
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
	d.value(root, reflect.ValueOf(&f).Elem(), "")
	d.check(&f)
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
	for _, kv := range src.Env {
		name, value, _ := strings.Cut(kv, "=")
		path, ok := strings.CutPrefix(name, envPrefix)
		if !ok || !strings.Contains(path, "__") {
			continue
		}
		key := strings.ToLower(strings.ReplaceAll(path, "__", "."))
		if err := d.put(root, key, value, name); err != nil {
			return err
		}
	}
	for _, kv := range src.Sets {
		key, value, ok := strings.Cut(kv, "=")
		if !ok {
			return Faults{{Source: "--set", Key: kv, Message: "wants key=value", Hint: "such as --set http.listen=127.0.0.1:9090"}}
		}
		if err := d.put(root, key, value, "--set"); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) put(root *yaml.Node, key, value, source string) error {
	doc, err := parse(source, []byte(value))
	if err != nil {
		// Not YAML (say, a value with a colon): it is taken as it stands.
		doc = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
	}
	if value == "" {
		doc = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str"}
	}
	d.mark(doc, source)
	n := root
	parts := strings.Split(key, ".")
	for i, p := range parts {
		at := slices.IndexFunc(evens(n.Content), func(k *yaml.Node) bool { return k.Value == p })
		last := i == len(parts)-1
		switch {
		case at >= 0 && last:
			n.Content[2*at+1] = doc
		case at >= 0 && n.Content[2*at+1].Kind != yaml.MappingNode:
			return Faults{{Source: source, Key: key, Message: "a value stands where a section is wanted"}}
		case at >= 0:
			n = n.Content[2*at+1]
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
