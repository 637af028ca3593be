package config

import (
	"fmt"
	"strings"
)

// Fault is one mistake in a configuration, at the place where it was made.
type Fault struct {
	// Source is the file, environment variable or --set that the value came
	// from; Line is 0 when it has no lines.
	Source string
	Line   int
	// Key is the path of the value: "sip.trunks[0].server".
	Key     string
	Message string
	Hint    string
}

// String renders the fault as file:line: key: message (hint: …).
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.Source)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
	}
	b.WriteString(": ")
	if f.Key != "" {
		b.WriteString(f.Key + ": ")
	}
	b.WriteString(f.Message)
	if f.Hint != "" {
		b.WriteString(" (hint: " + f.Hint + ")")
	}
	return b.String()
}

// Faults is every fault of a configuration, as an error.
type Faults []Fault

func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}
