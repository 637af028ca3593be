package transcript

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestDialogues measures the masker on generated dialogues. A leak is a digit that Mask
// would hide, seen in any version of any segment that was given out. Recall is the share
// of numbers that are masked in the end, precision that of innocent ones among all that
// are masked.
func TestDialogues(t *testing.T) {
	const dialogues = 170 // of each set and language
	for _, set := range []struct {
		name  string
		words []words
		seed  uint64
		asked asked
	}{
		{"first", tunedWords(), 20261105, inFullOf},
		{"second", laterWords(), 20261105, inFullOf},
		{"third", thirdWords(), 20261105, inFullOf},
		{"fourth", heldOutWords(), 20261105, inFullOf},
		{"fifth", fifthWords(), 20261127, inFullOf},
		{"sixth", sixthWords(), 20261128, partOf},
	} {
		for i, w := range set.words {
			var m measure
			r := rand.New(rand.NewPCG(set.seed, uint64(i)))
			for range dialogues {
				m.dialogue(dialogue(r, w))
			}
			t.Logf("%s, %s: %s", set.name, w.language, &m)
			for _, how := range slices.Sorted(maps.Keys(m.missed)) {
				t.Logf("  %d missed of %s, such as %q", m.missed[how].n, how, m.missed[how].example)
			}
			for _, text := range slices.Sorted(maps.Keys(m.hurt)) {
				t.Logf("  hidden for nothing: %q", text)
			}
			if float64(m.leaks) > set.asked.leaks*float64(m.numbers) {
				t.Errorf("%s, %s: %d leaks", set.name, w.language, m.leaks)
			}
			if m.recall() < set.asked.recall || m.precision() < set.asked.precision || m.readable() < 0.95 {
				t.Errorf("%s, %s: below what is asked", set.name, w.language)
			}
		}
	}
}

// asked is what a set must come to; leaks are by number said.
type asked struct{ leaks, recall, precision float64 }

// Of the last set not all is learnt: docs/benchmarks.md says what is left.
var (
	inFullOf = asked{0, 0.99, 0.95}
	partOf   = asked{0.05, 0.98, 0.9}
)

// measure counts over dialogues.
type measure struct {
	segments, numbers, masked, innocent, hidden, leaks int
	missed                                             map[string]miss
	hurt                                               map[string]bool
}

type miss struct {
	n       int
	example []string
}

func (m *measure) recall() float64    { return float64(m.masked) / float64(m.numbers) }
func (m *measure) precision() float64 { return float64(m.masked) / float64(m.masked+m.hidden) }
func (m *measure) readable() float64  { return 1 - float64(m.hidden)/float64(m.innocent) }

func (m *measure) String() string {
	return fmt.Sprintf("%d segments, %d numbers, %d innocent; %d leaks, recall %.2f %%, precision %.2f %%, %.2f %% of the innocent readable",
		m.segments, m.numbers, m.innocent, m.leaks, 100*m.recall(), 100*m.precision(), 100*m.readable())
}

// dialogue runs one through a masker.
func (m *measure) dialogue(lines []line) {
	var masker Masker
	versions := make([][]string, len(lines))
	take := func(all []Masked) {
		for _, v := range all {
			versions[v.Seq-1] = append(versions[v.Seq-1], v.Text)
		}
	}
	for i, l := range lines {
		m.interims(&masker, l)
		for _, draft := range l.drafts {
			take(masker.Add(i+1, l.speaker, draft))
		}
		take(masker.Add(i+1, l.speaker, l.text))
	}
	take(masker.Flush())
	m.count(lines, versions)
}

// interims gives out what an engine might have heard on the way.
func (m *measure) interims(masker *Masker, l line) {
	for _, i := range l.cuts {
		body := strings.TrimPrefix(masker.Interim(l.speaker, l.text[:i]), l.before)
		if strings.ContainsAny(decode(body), "0123456789") {
			m.leaks++
			m.miss("interim", []string{l.text[:i] + " → " + body})
		}
	}
}

func (m *measure) count(lines []line, versions [][]string) {
	m.segments += len(lines)
	type state struct {
		seen, final map[int]bool
		texts       []string
	}
	states := map[*planted]*state{}
	numbers := map[string]map[int]bool{} // digits → seen in any saying
	for i, l := range lines {
		if l.number == nil {
			m.harmless(l, versions[i])
			continue
		}
		s := states[l.number]
		if s == nil {
			s = &state{seen: map[int]bool{}, final: map[int]bool{}}
			states[l.number] = s
		}
		if numbers[l.number.digits] == nil {
			numbers[l.number.digits] = map[int]bool{}
		}
		for n, v := range versions[i] {
			for _, at := range l.seen(v) {
				s.seen[at] = true
				numbers[l.number.digits][at] = true
				if n == len(versions[i])-1 {
					s.final[at] = true
				}
			}
		}
		s.texts = append(s.texts, l.text+" → "+strings.Join(versions[i], " → "))
	}
	for p, s := range states {
		m.numbers++
		if p.within(s.final) {
			m.masked++
		}
		if p.within(numbers[p.digits]) {
			continue
		}
		m.leaks++
		if p.within(s.seen) {
			m.miss("together with another saying", nil)
		} else {
			m.miss(p.how, s.texts)
		}
	}
}

func (m *measure) miss(how string, example []string) {
	if m.missed == nil {
		m.missed = map[string]miss{}
	}
	m.missed[how] = miss{m.missed[how].n + 1, example}
}

// within reports whether no digit is seen that must not be.
func (p *planted) within(seen map[int]bool) bool {
	head, tail := p.shown()
	for at := range seen {
		if at >= head && at < len(p.digits)-tail {
			return false
		}
	}
	return true
}

// harmless counts what is still hidden in the end.
func (m *measure) harmless(l line, versions []string) {
	final := versions[len(versions)-1]
	for _, s := range l.innocent {
		m.innocent++
		if strings.Contains(final, s) {
			continue
		}
		m.hidden++
		if m.hurt == nil {
			m.hurt = map[string]bool{}
		}
		if len(m.hurt) < 12 {
			m.hurt[l.text+" → "+final] = true
		}
	}
}

// seen are the digits of the number that a version of the line shows. Where it has other
// symbols than the line and its drafts, nobody knows which: it shows all.
func (l line) seen(version string) []int {
	before, behind := len(heard(l.before)), len(heard(l.behind)) // such as a debit one
	symbols := heard(version)
	said := 0
	for _, as := range append(l.drafts, l.text) {
		if len(heard(as)) == len([]rune(symbols)) {
			said = len(heard(as)) - before
		}
	}
	at := l.at
	switch said {
	case len(at) + behind:
		said = len(at)
	case 0: // a mask leaves out the country code
		at = l.national()
		said = len([]rune(symbols)) - before - behind
	}
	if said != len(at) && (said == 0 || said > len(at) || len(at) < len(l.at)) {
		version = strings.TrimSuffix(strings.TrimPrefix(version, l.before), l.behind)
		if strings.ContainsAny(heard(version), "0123456789X") {
			return l.at
		}
		return nil
	}
	var seen []int
	for i, c := range []rune(symbols)[before : before+said] {
		if c != '•' && at[i] >= 0 {
			seen = append(seen, at[i])
		}
	}
	return seen
}

// national are the digits that are said, without those of a country code.
func (l line) national() []int {
	i := 0
	for i < len(l.at) && l.at[i] < l.number.country {
		i++
	}
	return l.at[i:]
}
