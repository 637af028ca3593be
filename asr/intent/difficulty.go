package intent

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// Term is one part of a Difficulty. Points of all terms add up to its Total.
type Term struct {
	Name   string `json:"name"`
	Points int    `json:"points"`
	// Why, for whoever reads the ledger: counts and words of our own lists, never
	// more of what the caller said.
	Why string `json:"why,omitempty"`
}

// Difficulty of a caller's problem, 0–100, and what it is made of.
type Difficulty struct {
	Total int    `json:"difficulty"`
	Terms []Term `json:"terms"`
}

// Visit is what went before in the caller's visit.
type Visit struct {
	// Repeated is how often the caller has said the same before: the same intent,
	// or once more after it was not understood.
	Repeated int
	// Failures are steps that failed: not understood, self-service in vain, an
	// earlier call about the same.
	Failures int
}

// What is added to the weight of the intent, at most.
const (
	unclear      = 25 // the weight of what is none of the intents: somebody has to find out
	perEntity    = 3  // beyond the first
	mostEntities = 12
	perClause    = 3 // beyond the second
	mostClauses  = 15
	mostRisk     = 50
	perRepeat    = 8
	mostRepeats  = 24
	perFailure   = 8
	mostFailures = 24
)

//go:embed risk.txt
var riskList string

// Rater rates difficulty. It does not change after NewRater.
type Rater struct{ risks []risk }

type risk struct {
	name   string
	points int
	words  []string // folded, with the spaces around words
}

// NewRater reads the lists of risk words.
func NewRater() *Rater {
	r := &Rater{}
	for line := range strings.Lines(riskList) {
		head, words, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || line[0] == '#' {
			continue
		}
		var k risk
		if _, err := fmt.Sscan(head, &k.name, &k.points); err != nil {
			continue // found by a test of the list
		}
		for word := range strings.SplitSeq(words, ", ") {
			k.words = append(k.words, pattern(word))
		}
		r.risks = append(r.risks, k)
	}
	return r
}

// pattern is the folded form of a word that is looked for: Latin words whole,
// unless a star stands for any ending.
func pattern(word string) string {
	word, open := strings.CutSuffix(word, "*")
	folded := string(fold(nil, word))
	if r := []rune(folded)[1]; han(r) {
		return strings.TrimSpace(folded)
	}
	if open {
		return strings.TrimSuffix(folded, " ")
	}
	return folded
}

// Rate says how difficult what was said is. A Result of the engine gives the
// weight of the intent.
func (r *Rater) Rate(text string, result Result, entities []Entity, v Visit) Difficulty {
	var d Difficulty
	if result.Intent == "" {
		d.add("intent", unclear, "none of these")
	} else {
		d.add("intent", result.Difficulty, result.Intent)
	}
	folded := string(fold(nil, text))
	d.risks(r.risks, folded)
	d.count("entities", len(entities), 1, perEntity, mostEntities)
	d.count("clauses", clauses(text), 2, perClause, mostClauses)
	d.count("repeated", v.Repeated, 0, perRepeat, mostRepeats)
	d.count("failures", v.Failures, 0, perFailure, mostFailures)
	if over := d.Total - 100; over > 0 {
		d.add("limit", -over, "100 at most")
	}
	return d
}

func (d *Difficulty) add(name string, points int, why string) {
	d.Terms = append(d.Terms, Term{name, points, why})
	d.Total += points
}

// count adds points for each beyond what is free.
func (d *Difficulty) count(name string, n, free, each, most int) {
	if beyond := min(n, 1000) - free; beyond > 0 {
		d.add(name, min(beyond*each, most), fmt.Sprint(n))
	}
}

// risks adds each kind of risk that is spoken of once, dearest first, up to the
// most.
func (d *Difficulty) risks(risks []risk, folded string) {
	left := mostRisk
	for _, k := range risks {
		i := slices.IndexFunc(k.words, func(w string) bool { return strings.Contains(folded, w) })
		if i < 0 || left == 0 {
			continue
		}
		points := min(k.points, left)
		left -= points
		d.add("risk: "+k.name, points, strings.TrimSpace(k.words[i]))
	}
}

// clauses counts the clauses of a text by punctuation and, as recognizers give
// none, by the words that join clauses.
func clauses(text string) int {
	n := 0
	for piece := range strings.FieldsFuncSeq(clipBytes(text, longestText), func(r rune) bool { return strings.ContainsRune(",.;!?，。；！？、", r) }) {
		folded := string(fold(nil, piece))
		if strings.TrimSpace(folded) == "" {
			continue
		}
		n++
		for _, w := range [...]string{" but ", " because ", " and then ", " although ", " so ", " when ", " after ", " and i ", "但是", "可是", "因为", "然后", "虽然", "所以", "而且", "结果", "后来"} {
			n += strings.Count(folded, w)
			if strings.HasPrefix(folded, w) || strings.HasPrefix(folded[1:], w) {
				n-- // it opens the clause that is counted already
			}
		}
	}
	return n
}
