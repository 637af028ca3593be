package ivr

import (
	"os"
	"strings"
	"testing"
)

func reference(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../docs/flows.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestReferenceOutcomes compares the table of docs/flows.md with the verbs.
func TestReferenceOutcomes(t *testing.T) {
	_, rest, _ := strings.Cut(reference(t), "<!-- outcomes")
	_, rest, _ = strings.Cut(rest, "-->\n")
	got, _, _ := strings.Cut(rest, "<!-- end -->")
	var want strings.Builder
	want.WriteString("| verb | does | outcomes |\n|---|---|---|\n")
	for _, w := range words() {
		var outcomes []string
		for _, o := range w.outcomes {
			outcomes = append(outcomes, "`"+o+"`")
		}
		if w.more != "" {
			outcomes = append(outcomes, w.more)
		}
		want.WriteString("| `" + w.name + "` | " + w.does + " | " + strings.Join(outcomes, ", ") + " |\n")
	}
	if got != want.String() {
		t.Errorf("docs/flows.md has\n%s\nthe code has\n%s", got, want.String())
	}
}

// TestWordsTellTheTruth: the table of verbs lists what their nodes say.
func TestWordsTellTheTruth(t *testing.T) {
	nodes := map[string]verb{
		"play": &speakVerb{}, "say": &speakVerb{}, "menu": &menuVerb{}, "ask": &askVerb{}, "collect": &collectVerb{}, "branch": &branchVerb{},
		"set": &setVerb{}, "http": &httpVerb{}, "connect": &connectVerb{}, "record": &recordVerb{}, "enqueue": &enqueueVerb{}, "transfer": &transferVerb{}, "voicemail": &voicemailVerb{}, "call": &callVerb{}, "hangup": &hangupVerb{},
	}
	for _, w := range words() {
		got := strings.Join(nodes[w.name].outcomes(), " ")
		want := strings.Join(w.outcomes, " ")
		if w.name == "branch" {
			want = "else"
		}
		if got != want {
			t.Errorf("%s: its nodes say %q, the table %q", w.name, got, want)
		}
	}
}

// TestReferenceNamesEverything: what the language has is in its reference.
func TestReferenceNamesEverything(t *testing.T) {
	text := reference(t)
	for _, names := range [][]string{formatNames(), currencyCodes(), builtins(), laterWords(), weekdays()[:1], {"hours(", "holiday("}} {
		for _, name := range names {
			if !strings.Contains(text, name) {
				t.Errorf("docs/flows.md does not name %s", name)
			}
		}
	}
}
