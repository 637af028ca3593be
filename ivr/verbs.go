package ivr

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ivrd/ivrd/ivr/internal/strict"
)

// word is a verb of the language.
type word struct {
	name     string
	outcomes []string // those that every node of the verb has
	more     string   // what else can come out, in words, for the reference
	does     string
	waits    bool // listens to the caller, waits for a party, or fetches
	read     func(l *loader, n *node, value *yaml.Node) verb
}

// words are the verbs of this version. docs/flows.md shows the same table, and
// a test compares the two.
func words() []word {
	return []word{
		{"play", []string{"next"}, "", "plays prompt files", false, (*loader).play},
		{"say", []string{"next"}, "", "speaks text", false, (*loader).say},
		{"menu", []string{"noinput", "nomatch"}, "the name of each option", "offers options by key or phrase", true, (*loader).menu},
		{"ask", []string{"noinput", "nomatch"}, "the name of each intent and option", "asks what the caller wants, in their own words", true, (*loader).ask},
		{"collect", []string{"ok", "noinput", "nomatch"}, "", "takes a number of keys", true, (*loader).collect},
		{"branch", nil, "the `then` of each line, `else`", "chooses a way by conditions", false, (*loader).branch},
		{"set", []string{"next"}, "", "gives variables values", false, (*loader).set},
		{"http", []string{"ok", "error"}, "any status, such as `403`", "fetches data as JSON", true, (*loader).http},
		{"connect", []string{"ok", "busy", "noanswer", "error"}, "", "rings somebody and lets both talk", true, (*loader).connect},
		{"enqueue", []string{"answered", "timeout", "error"}, "", "waits in a queue and talks to an agent", true, (*loader).enqueue},
		{"transfer", []string{"busy", "noanswer", "failed", "timeout"}, "else the call ends", "hands the caller over to a queue or a number", true, (*loader).transfer},
		{"record", []string{"ok", "noinput"}, "", "takes a message", true, (*loader).record},
		{"voicemail", []string{"ok", "empty"}, "", "takes a message for a mailbox", true, (*loader).voicemail},
		{"call", []string{"next"}, "", "runs another flow and returns", false, (*loader).call},
		{"hangup", nil, "none: the call ends", "says last words and ends the call", false, (*loader).hangup},
	}
}

// laterWords are verbs of the language that this version does not run.
func laterWords() []string {
	return []string{"survey", "otp"}
}

// commonOutcomes are those that a flow's defaults can handle for all nodes.
func commonOutcomes() []string { return []string{"noinput", "nomatch", "error", "busy", "noanswer"} }

func wordNamed(name string) (word, bool) {
	all := words()
	i := slices.IndexFunc(all, func(w word) bool { return w.name == name })
	if i < 0 {
		return word{}, false
	}
	return all[i], true
}

func wordNames() []string {
	var names []string
	for _, w := range words() {
		names = append(names, w.name)
	}
	return names
}

// node reads one node. One without a usable verb is kept, so that what leads
// to it is no second fault.
func (l *loader) node(e strict.Entry) *node {
	n := &node{name: e.Name, at: e.Key, on: map[string]target{}}
	what := "node " + e.Name
	known := append(append(wordNames(), laterWords()...), "next", "on", "recording")
	m := l.report.Map(e.Value, what, known...)
	if m == nil {
		return n
	}
	value, ok := l.verb(n, m)
	if !ok {
		return n
	}
	w, _ := wordNamed(n.word)
	if n.verb = w.read(l, n, value); n.verb == nil {
		return n
	}
	l.recording(m.Get("recording"), &n.recording)
	l.ways(n, m)
	return n
}

// verb finds the one key of a node that is its verb.
func (l *loader) verb(n *node, m *strict.Map) (*yaml.Node, bool) {
	var value *yaml.Node
	ok := true
	for _, e := range m.Entries {
		if slices.Contains(laterWords(), e.Name) {
			l.report.Add(e.Key, msgLater, e.Name)
			ok = false
		}
		if _, known := wordNamed(e.Name); !known {
			continue
		}
		if value != nil {
			l.report.Add(e.Key, msgTwoVerbs, n.name, n.word, e.Name)
			return nil, false
		}
		n.word, value = e.Name, e.Value
	}
	allKnown := len(m.Entries) == len(m.Node.Content)/2
	if value == nil && ok && allKnown {
		l.report.Add(n.at, msgNoVerb, n.name, strings.Join(wordNames(), ", "))
	}
	return value, ok && value != nil
}

func (l *loader) recording(n *yaml.Node, to *string) {
	if n == nil {
		return
	}
	if n.Value != "start" && n.Value != "stop" {
		l.report.Add(n, msgRecording, n.Value)
		return
	}
	*to = n.Value
}

// ways reads where a node goes: next where there is one way out, on where
// there are several.
func (l *loader) ways(n *node, m *strict.Map) {
	next, on := m.Get("next"), m.Get("on")
	outcomes := n.verb.outcomes()
	switch {
	case n.word == "branch" || n.word == "hangup":
		for _, extra := range []*yaml.Node{next, on} {
			if extra != nil {
				l.report.Add(extra, msgNoWays, n.word)
			}
		}
		return
	case slices.Equal(outcomes, []string{"next"}):
		if on != nil {
			l.report.Add(on, msgWantsNext, n.word)
		}
		if next != nil {
			n.on["next"] = l.target(next, "next of "+n.name)
		}
		return
	}
	if next != nil {
		l.report.Add(next, msgWantsOn, n.word)
	}
	if on != nil {
		l.outcomes(n, on, outcomes)
	}
}

func (l *loader) outcomes(n *node, on *yaml.Node, outcomes []string) {
	m := l.report.Map(on, "on of node "+n.name)
	if m == nil {
		return
	}
	for _, e := range m.Entries {
		possible := slices.Contains(outcomes, e.Name) || n.word == "http" && isStatus(e.Name)
		if !possible {
			l.report.Add(e.Key, msgOutcome, n.word, n.name, e.Name, strict.Suggest(e.Name, outcomes))
			continue
		}
		n.on[e.Name] = l.target(e.Value, e.Name+" of node "+n.name)
	}
}

// isStatus reports whether s is the status of an HTTP answer.
func isStatus(s string) bool {
	return len(s) == 3 && s[0] >= '1' && s[0] <= '5' && strings.Trim(s, "0123456789") == ""
}
