package intent

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// None is how "none of the intents" is written in tables.
const None = "(none)"

// Confusion counts what utterances were understood to mean, against what they
// mean. In it the name of no intent is None.
type Confusion struct {
	Intents []string
	// Counts by what was meant, then by what was understood.
	Counts map[string]map[string]int
	// Mistakes are utterances that were understood as something else.
	Mistakes []Mistake

	bins       [10]bin
	byLanguage map[string]*tally
}

// Mistake is an utterance that was understood as something else.
type Mistake struct {
	Example
	Meant, Understood string
	P                 float64
}

// bin holds answers of about the same probability.
type bin struct {
	n, right int
	p        float64
}

type tally struct{ right, all int }

// CrossValidate judges a set by itself: each example by a classifier that was
// trained without it, in five rounds.
func CrossValidate(set Set) *Confusion {
	c := newCorpus(set)
	scores := c.crossValidate()
	k := &Classifier{set: set, calibration: c.calibrate(scores), threshold: set.Least()}
	out := newConfusion(set)
	for i, e := range set.examples() {
		k.calibration.probabilities(scores[i])
		out.add(e, k.result(scores[i]))
	}
	return out
}

// Judge counts what the classifier makes of another set's examples; intents that
// it does not know count as none of its own.
func (k *Classifier) Judge(held Set) *Confusion {
	out := newConfusion(k.set)
	for _, e := range held.examples() {
		if !slices.Contains(out.Intents, e.intent) {
			e.intent = ""
		}
		out.add(e, k.Classify(e.Text))
	}
	return out
}

func newConfusion(set Set) *Confusion {
	c := &Confusion{Counts: map[string]map[string]int{}, byLanguage: map[string]*tally{}}
	for _, i := range set.Intents {
		c.Intents = append(c.Intents, i.Name)
	}
	return c
}

func (c *Confusion) add(e labelled, r Result) {
	meant, understood := orNone(e.intent), orNone(r.Intent)
	if c.Counts[meant] == nil {
		c.Counts[meant] = map[string]int{}
	}
	c.Counts[meant][understood]++
	if meant != understood {
		c.Mistakes = append(c.Mistakes, Mistake{e.Example, meant, understood, r.P})
	}
	if meant == None {
		return
	}
	if c.byLanguage[e.language] == nil {
		c.byLanguage[e.language] = &tally{}
	}
	l := c.byLanguage[e.language]
	l.all++
	if meant == understood {
		l.right++
	}
	b := &c.bins[min(int(r.P*10), 9)]
	b.n++
	b.p += r.P
	if len(r.Alternatives) > 0 && r.Alternatives[0].Intent == meant {
		b.right++
	}
}

func orNone(intent string) string {
	if intent == "" {
		return None
	}
	return intent
}

// Accuracy is the share of utterances that have an intent and were understood as
// it, with how many there are: not to be sure counts as wrong.
func (c *Confusion) Accuracy() (share float64, of int) {
	right := 0
	for _, l := range c.byLanguage {
		right += l.right
		of += l.all
	}
	return float64(right) / float64(max(of, 1)), of
}

// Likeliest is the share of utterances with an intent whose likeliest intent was
// theirs, sure or not: what asking back ("do you mean …?") can reach.
func (c *Confusion) Likeliest() float64 {
	n, right := 0, 0
	for _, b := range c.bins {
		n += b.n
		right += b.right
	}
	return float64(right) / float64(max(n, 1))
}

// Misled is the share of utterances with an intent that were understood as
// another one: what a confirmation has to catch.
func (c *Confusion) Misled() float64 {
	wrong, all := 0, 0
	for meant, row := range c.Counts {
		for understood, n := range row {
			if meant == None {
				continue
			}
			all += n
			if understood != meant && understood != None {
				wrong += n
			}
		}
	}
	return float64(wrong) / float64(max(all, 1))
}

// Accepted is the share of utterances without an intent that were understood as
// one, with how many there are.
func (c *Confusion) Accepted() (share float64, of int) {
	accepted := 0
	for understood, n := range c.Counts[None] {
		of += n
		if understood != None {
			accepted += n
		}
	}
	return float64(accepted) / float64(max(of, 1)), of
}

// CalibrationError is the expected calibration error over utterances with an
// intent: by how much, on average, the likeliest intent's probability differs
// from how often it is right, in ten bins of equal width (Naeini et al. 2015).
func (c *Confusion) CalibrationError() float64 {
	n, sum := 0, 0.0
	for _, b := range c.bins {
		n += b.n
		sum += math.Abs(float64(b.right) - b.p)
	}
	return sum / float64(max(n, 1))
}

// Interval is the 95 % confidence interval of a share of n (Wilson 1927).
func Interval(share float64, n int) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	const z = 1.959963984540054
	N := float64(n)
	middle := (share + z*z/(2*N)) / (1 + z*z/N)
	half := z / (1 + z*z/N) * math.Sqrt(share*(1-share)/N+z*z/(4*N*N))
	return max(0, middle-half), min(1, middle+half)
}

// Write prints the table: a row for what was meant, a column for what was
// understood, then the figures.
func (c *Confusion) Write(w io.Writer) error {
	names := slices.Clone(c.Intents)
	names = append(names, None)
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprint(t, "meant \\ understood\t")
	for i := range names {
		_, _ = fmt.Fprint(t, label(i), "\t")
	}
	_, _ = fmt.Fprint(t, "right\t\n")
	for i, meant := range names {
		row := c.Counts[meant]
		all := 0
		for _, n := range row {
			all += n
		}
		if all == 0 {
			continue
		}
		_, _ = fmt.Fprint(t, meant, " ", label(i), "\t")
		for _, understood := range names {
			_, _ = fmt.Fprint(t, dot(row[understood]), "\t")
		}
		_, _ = fmt.Fprint(t, share(row[meant], all), "\t\n")
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, c.summary())
	return err
}

// label names a column: a, b, … z, aa.
func label(i int) string {
	if i >= 26 {
		return label(i/26-1) + label(i%26)
	}
	return string(rune('a' + i))
}

func dot(n int) string {
	if n == 0 {
		return "."
	}
	return fmt.Sprint(n)
}

func share(n, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(n)/float64(of))
}

func (c *Confusion) summary() string {
	var b strings.Builder
	right, n := c.Accuracy()
	low, high := Interval(right, n)
	if n > 0 {
		_, _ = fmt.Fprintf(&b, "\nunderstood: %.1f %% of %d (95 %%: %.1f to %.1f), as something else: %.1f %%\n",
			100*right, n, 100*low, 100*high, 100*c.Misled())
		low, high = Interval(c.Likeliest(), n)
		_, _ = fmt.Fprintf(&b, "the likeliest intent is right: %.1f %% (95 %%: %.1f to %.1f), calibration error %.3f\n",
			100*c.Likeliest(), 100*low, 100*high, c.CalibrationError())
	}
	for _, l := range slices.Sorted(maps.Keys(c.byLanguage)) {
		r := c.byLanguage[l]
		_, _ = fmt.Fprintf(&b, "  %s: %s of %d\n", l, share(r.right, r.all), r.all)
	}
	if accepted, of := c.Accepted(); of > 0 {
		low, high := Interval(accepted, of)
		_, _ = fmt.Fprintf(&b, "none of these, yet understood as something: %.1f %% of %d (95 %%: %.1f to %.1f)\n", 100*accepted, of, 100*low, 100*high)
	}
	return b.String()
}

// WriteMistakes lists what was misunderstood, by what was meant.
func (c *Confusion) WriteMistakes(w io.Writer) error {
	for _, m := range c.Mistakes {
		line := ""
		if m.Line > 0 {
			line = fmt.Sprintf(" (line %d)", m.Line)
		}
		if _, err := fmt.Fprintf(w, "%s, not %s, %.2f: %s%s\n", m.Understood, m.Meant, m.P, clip(m.Text, 80), line); err != nil {
			return err
		}
	}
	return nil
}

// clip shortens a text to n runes.
func clip(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}
