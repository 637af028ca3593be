package ivr

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// faultCase is one case of testdata/faults.txt.
type faultCase struct{ name, source, want string }

func faultCases(t *testing.T) []faultCase {
	t.Helper()
	data, err := os.ReadFile("testdata/faults.txt")
	if err != nil {
		t.Fatal(err)
	}
	var cases []faultCase
	for _, block := range strings.Split(string(data), "=== ")[1:] {
		name, rest, _ := strings.Cut(block, "\n")
		i := max(strings.LastIndex("\n"+rest, "\n---\n"), 0)
		cases = append(cases, faultCase{name, rest[:i], rest[i+len("---\n"):]})
	}
	return cases
}

// checkOne checks a flow where every prompt but one exists, and one name of
// the environment is given.
func checkOne(source string) []Fault {
	_, faults := CheckFiles(map[string][]byte{"f.yaml": []byte(source)}, CheckOptions{
		Prompt: func(_, name string) bool { return name != "missing" },
		Env:    map[string]string{"BACKEND": "http://back.end"},
		Queues: []string{"fraud", "payments"}, Intents: []string{"balance", "fraud"},
		Phrase: func(language, phrase string) (string, string) {
			if language == "en" && phrase == "bilings" {
				return "there is no such word", "billing is one"
			}
			return "", ""
		},
	})
	return faults
}

// TestFaults compares the faults of bad flows, word for word.
func TestFaults(t *testing.T) {
	for _, c := range faultCases(t) {
		var got strings.Builder
		for _, f := range checkOne(c.source) {
			fmt.Fprintln(&got, f)
		}
		if got.String() != c.want {
			t.Errorf("%s:\n%s\ngot:\n%s\nwant:\n%s", c.name, c.source, got.String(), c.want)
		}
		if c.want == "" {
			t.Errorf("%s: the case has no fault", c.name)
		}
	}
}

// TestTwoFilesOneFlow is the fault that a single file cannot have.
func TestTwoFilesOneFlow(t *testing.T) {
	flow := []byte("flow: f\nlanguages: [en]\nstart: a\nnodes:\n  a: {hangup: }\n")
	_, faults := CheckFiles(map[string][]byte{"a.yaml": flow, "b.yaml": flow}, CheckOptions{})
	if len(faults) != 1 || faults[0].Error() != `b.yaml:1:7: flow "f" is already in a.yaml` {
		t.Errorf("got %v", faults)
	}
}

func TestTooLargeFile(t *testing.T) {
	faults := checkOne(strings.Repeat("#", 1<<20+1))
	if len(faults) != 1 || faults[0].Error() != "f.yaml:1:1: the file is larger than 1048576 bytes" {
		t.Errorf("got %v", faults)
	}
}

func TestTooManyVariables(t *testing.T) {
	var source strings.Builder
	source.WriteString("flow: f\nlanguages: [en]\nstart: a\nnodes:\n  a:\n    next: end\n    set:\n")
	for i := range maxVariables + 1 {
		fmt.Fprintf(&source, "      v%d: 1\n", i)
	}
	faults := checkOne(source.String())
	if len(faults) != 1 || faults[0].Error() != "f.yaml:508:7: the flows have more than 500 variables" {
		t.Errorf("got %v", faults)
	}
}

// TestEveryMessageHasItsCase reads the messages from the source and finds
// each of them in the expected faults.
func TestEveryMessageHasItsCase(t *testing.T) {
	data, err := os.ReadFile("testdata/faults.txt")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := map[string]bool{"msgTwoFlows": true, "msgTooLarge": true, "msgTooManyVariables": true} // the tests above
	count := 0
	for _, file := range []string{"messages.go", "internal/strict/messages.go"} {
		for name, format := range messages(t, file) {
			count++
			if !elsewhere[name] && !pattern(format).Match(data) {
				t.Errorf("%s (%q) is in no case of testdata/faults.txt", name, format)
			}
		}
	}
	if count < 60 {
		t.Errorf("found %d messages: are they still constants of the two files?", count)
	}
}

func messages(t *testing.T, file string) map[string]string {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	ast.Inspect(tree, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		found[spec.Names[0].Name] = value
		return true
	})
	return found
}

// pattern matches the first line of a message, whatever its values are.
func pattern(format string) *regexp.Regexp {
	first, _, _ := strings.Cut(format, "\n")
	quoted := regexp.QuoteMeta(first)
	for _, verb := range []string{"%q", "%s", "%d"} {
		quoted = strings.ReplaceAll(quoted, verb, ".*")
	}
	return regexp.MustCompile(`(?m)^f\.yaml:\d+:\d+: ` + quoted + `( \(|$)`)
}
