// Package examples reads the file in which an operator writes what callers may
// want (docs/intents.md).
package examples

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ivrd/ivrd/asr/intent"
)

// maxBytes of a file, and the most that is written in one: training must stay
// short.
const (
	maxBytes    = 1 << 20
	maxIntents  = 100
	maxExamples = 20_000
	maxText     = 500 // bytes
)

type file struct {
	Languages []string               `yaml:"languages"`
	Threshold float64                `yaml:"threshold"`
	Order     string                 `yaml:"order_number"`
	Intents   map[string]entry       `yaml:"intents"`
	None      map[string][]yaml.Node `yaml:"none"`
}

type entry struct {
	Difficulty int                    `yaml:"difficulty"`
	Confirm    bool                   `yaml:"confirm"`
	Examples   map[string][]yaml.Node `yaml:"examples"`
}

var name = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// Read reads a set. Unknown and duplicate keys are errors; the error names the
// line and, joined, everything that was found.
func Read(data []byte) (intent.Set, error) {
	if len(data) > maxBytes {
		return intent.Set{}, fmt.Errorf("read intents: the file is larger than %d bytes", maxBytes)
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	var f file
	if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return intent.Set{}, fmt.Errorf("read intents: %w", err)
	}
	r := reader{set: intent.Set{Languages: f.Languages, Threshold: f.Threshold, Order: f.Order}}
	r.head(f)
	for _, n := range slices.Sorted(maps.Keys(f.Intents)) {
		r.intent(n, f.Intents[n])
	}
	r.set.None = r.texts("none", f.None)
	return r.set, errors.Join(r.faults...)
}

type reader struct {
	set    intent.Set
	count  int
	faults []error
}

func (r *reader) fault(format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf(format, args...))
}

func (r *reader) head(f file) {
	if len(f.Languages) == 0 {
		r.fault("languages: name at least one (hint: languages: [en, zh])")
	}
	if !(f.Threshold >= 0 && f.Threshold < 1) {
		r.fault("threshold: %v is not from 0 to 1", f.Threshold)
	}
	if _, err := regexp.Compile(f.Order); err != nil {
		r.fault("order_number: %w", err)
	}
	if len(f.Intents) > maxIntents {
		r.fault("intents: more than %d", maxIntents)
	}
}

func (r *reader) intent(n string, e entry) {
	if !name.MatchString(n) {
		r.fault("intents.%s: a name has lower-case letters, digits and _", n)
	}
	if e.Difficulty < 0 || e.Difficulty > 100 {
		r.fault("intents.%s.difficulty: %d is not from 0 to 100", n, e.Difficulty)
	}
	r.set.Intents = append(r.set.Intents, intent.Intent{
		Name: n, Difficulty: e.Difficulty, Confirm: e.Confirm, Examples: r.texts("intents."+n+".examples", e.Examples),
	})
}

// texts reads phrases by language.
func (r *reader) texts(key string, by map[string][]yaml.Node) map[string][]intent.Example {
	out := map[string][]intent.Example{}
	for _, language := range slices.Sorted(maps.Keys(by)) {
		if !slices.Contains(r.set.Languages, language) {
			r.fault("%s.%s: this language is not among the file's languages", key, language)
		}
		for _, n := range by[language] {
			text := strings.TrimSpace(n.Value)
			switch {
			case n.Kind != yaml.ScalarNode || text == "":
				r.fault("line %d: %s.%s: an example is a text", n.Line, key, language)
				continue
			case len(text) > maxText:
				r.fault("line %d: %s.%s: an example is longer than %d bytes", n.Line, key, language, maxText)
				continue
			}
			if r.count++; r.count == maxExamples+1 {
				r.fault("line %d: more than %d examples", n.Line, maxExamples)
			}
			out[language] = append(out[language], intent.Example{Text: text, Line: n.Line})
		}
	}
	return out
}
