package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ivrd/ivrd/internal/spelling"
)

// decoder walks a YAML tree and a Go value side by side. It is stricter than
// yaml.v3's own decoding (unknown keys, duplicate keys, wrong kinds), goes on
// after a fault, and knows where each value came from.
type decoder struct {
	source  string
	env     []string              // NAME=value, for values that name a variable
	sources map[*yaml.Node]string // values that did not come from the file
	lines   map[string]place      // key path -> place, for faults found later
	faults  Faults
}

type place struct {
	source string
	line   int
}

func (d *decoder) fault(n *yaml.Node, key, hint, format string, args ...any) {
	p := d.place(n)
	d.faults = append(d.faults, Fault{Source: p.source, Line: p.line, Key: key, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (d *decoder) place(n *yaml.Node) place {
	if s, ok := d.sources[n]; ok {
		return place{source: s}
	}
	return place{source: d.source, line: n.Line}
}

// value decodes n into v.
func (d *decoder) value(n *yaml.Node, v reflect.Value, key string) {
	d.lines[key] = d.place(n)
	if n.Kind == yaml.AliasNode {
		d.fault(n, key, "write the value out", "aliases are not allowed")
		return
	}
	if n.Kind == yaml.ScalarNode && d.text(n, v, key) {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(n, v, key)
	case reflect.Map:
		d.dict(n, v, key)
	case reflect.Slice:
		d.list(n, v, key)
	default:
		d.scalar(n, v, key)
	}
}

// text decodes a scalar through encoding.TextUnmarshaler.
func (d *decoder) text(n *yaml.Node, v reflect.Value, key string) bool {
	u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr())
	if !ok {
		return false
	}
	if err := u.UnmarshalText([]byte(n.Value)); err != nil {
		d.fault(n, key, "", "%v", err)
	}
	return true
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, key string) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fault(n, key, "", "wants a mapping of keys to values")
		return
	}
	fields := fieldsOf(v.Type())
	for name, val := range d.pairs(n, key) {
		f, ok := fields[name.Value]
		if !ok {
			d.fault(name, join(key, name.Value), nearest(name.Value, fields), "unknown key")
			continue
		}
		d.value(val, v.Field(f), join(key, name.Value))
	}
}

func (d *decoder) dict(n *yaml.Node, v reflect.Value, key string) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fault(n, key, "", "wants a mapping of names to values")
		return
	}
	m := reflect.MakeMap(v.Type()) // a map in the file replaces the default one
	for name, val := range d.pairs(n, key) {
		e := reflect.New(v.Type().Elem()).Elem()
		d.value(val, e, join(key, name.Value))
		m.SetMapIndex(reflect.ValueOf(name.Value), e)
	}
	v.Set(m)
}

// pairs yields the keys and values of a mapping once each and reports the
// duplicates.
func (d *decoder) pairs(n *yaml.Node, key string) func(yield func(k, v *yaml.Node) bool) {
	return func(yield func(k, v *yaml.Node) bool) {
		seen := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k, v := n.Content[i], n.Content[i+1]
			if first, dup := seen[k.Value]; dup {
				d.fault(k, join(key, k.Value), "", "duplicate key, first on line %d", first)
				continue
			}
			seen[k.Value] = k.Line
			if !yield(k, v) {
				return
			}
		}
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, key string) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.fault(n, key, "write it as [a, b] or as lines that begin with a dash", "wants a list")
		return
	}
	s := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		d.value(c, s.Index(i), fmt.Sprintf("%s[%d]", key, i))
	}
	v.Set(s)
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, key string) {
	if n.Kind != yaml.ScalarNode {
		d.fault(n, key, "", "wants a single value")
		return
	}
	if v.Type() == reflect.TypeFor[time.Duration]() {
		dur, err := time.ParseDuration(n.Value)
		if err != nil || dur < 0 {
			d.fault(n, key, "such as 20ms, 5s, 2m or 1h", "wants a duration, got %q", n.Value)
			return
		}
		v.SetInt(int64(dur))
		return
	}
	switch v.Kind() {
	case reflect.String:
		if !isNull(n) {
			v.SetString(n.Value)
		}
	case reflect.Bool:
		b, err := strconv.ParseBool(n.Value)
		if err != nil {
			d.fault(n, key, "", "wants true or false, got %q", n.Value)
			return
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil {
			d.fault(n, key, "", "wants a whole number, got %q", n.Value)
			return
		}
		v.SetInt(i)
	default:
		panic("config: no decoding for " + v.Type().String()) // a mistake in File, found by its first test
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

// fieldsOf maps the yaml names of a struct to its field numbers.
func fieldsOf(t reflect.Type) map[string]int {
	m := map[string]int{}
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("yaml"); name != "" && name != "-" {
			m[name] = i
		}
	}
	return m
}

// nearest is a hint for a misspelt key.
func nearest(name string, fields map[string]int) string {
	best, bestDist := "", 3
	names := make([]string, 0, len(fields))
	for f := range fields {
		names = append(names, f)
	}
	slices.Sort(names)
	for _, f := range names {
		if dist := spelling.Distance(name, f); dist < bestDist {
			best, bestDist = f, dist
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "known keys: " + strings.Join(names, ", ")
}
