package transcript

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestDialogues measures the masker on generated dialogues. A leak is a digit that Mask
// would hide, seen in any version of any segment that was given out. Recall is the share
// of numbers that are masked in the end, precision that of innocent ones among all that
// are masked.
func TestDialogues(t *testing.T) {
	const dialogues = 500 // of each set and language
	for _, set := range []struct {
		name  string
		words []words
		seed  uint64
	}{{"first", tunedWords(), 20261105}, {"second", laterWords(), 20261105}, {"third", thirdWords(), 20261105}, {"fourth", heldOutWords(), 20261105}, {"fifth", fifthWords(), 20261127}, {"sixth", sixthWords(), 20261128}} {
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
			if m.leaks > 0 {
				t.Errorf("%s, %s: %d leaks", set.name, w.language, m.leaks)
			}
			if m.recall() < 0.99 || m.precision() < 0.95 || m.readable() < 0.95 {
				t.Errorf("%s, %s: below what is asked", set.name, w.language)
			}
		}
	}
}

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

// decode reads digits and dots in any notation of the dialogues. It shares nothing with
// the masker.
func decode(text string) string {
	text = strings.ToLower(strings.Map(func(c rune) rune {
		if c >= '！' && c <= '～' {
			return c - '！' + '!'
		}
		return c
	}, text))
	text = phrases.ReplaceAllString(text, " ")
	text = nothing.ReplaceAllString(text, "0")
	text = times.ReplaceAllStringFunc(text, func(s string) string {
		m := times.FindStringSubmatch(s)
		return strings.Repeat(m[1]+" ", map[string]int{"twice": 2, "three times": 3}[m[2]])
	})
	text = inARow.ReplaceAllStringFunc(text, func(s string) string {
		r := []rune(s)
		return strings.Repeat(string(r[1]), map[rune]int{'俩': 2, '孖': 2, '双': 2, '仨': 3}[r[0]])
	})
	text = cardinal.ReplaceAllStringFunc(text, func(s string) string {
		m := cardinal.FindStringSubmatch(s)
		return m[1] + " " + m[2] + " " + m[3]
	})
	text = cardinalZh.ReplaceAllString(text, "$1$2")
	text = rounds.ReplaceAllStringFunc(text, func(s string) string {
		m := rounds.FindStringSubmatch(s)
		return m[1] + map[string]string{"hundred": "00", "thousand": "000", "百": "00", "千": "000"}[m[2]]
	})
	text = many.ReplaceAllStringFunc(text, func(s string) string {
		m := many.FindStringSubmatch(s)
		return strings.Repeat(m[2]+" ", map[string]int{"three": 3, "four": 4}[m[1]])
	})
	text = doubles.ReplaceAllStringFunc(text, func(s string) string {
		how, what, _ := strings.Cut(s, " ")
		return strings.Repeat(what+" ", map[string]int{"double": 2, "triple": 3, "treble": 3, "quadruple": 4}[how])
	})
	text = countedZh.ReplaceAllStringFunc(text, func(s string) string {
		r := []rune(s)
		return strings.Repeat(string(r[2]), map[rune]int{'两': 2, '兩': 2, '俩': 2, '2': 2, '三': 3, '3': 3, '四': 4, '4': 4}[r[0]])
	})
	return symbolsOnly.ReplaceAllString(decoder().Replace(text), "")
}

var (
	symbolsOnly = regexp.MustCompile(`[^0-9X•]+`)
	doubles     = regexp.MustCompile(`(double|triple|treble|quadruple) (\w+)`)
	countedZh   = regexp.MustCompile(`[两兩俩三四234][个個](.)`)
	// Numerals that count digits or moments, and so are none of the number.
	phrases = regexp.MustCompile(`(first|last|next|final|middle|other) (two|three|four|five|six|seven|eight|nine|ten|•+)\b|followed by|and then|(one|•) (second|moment)|` +
		`[前后後中间間尾最末]+[两二三四五六八•]+[位个個碼]|接下来|等[一•]下|[看想][一•]下|空[一•]格|最后[一•]位|[两兩俩三四234][个個]$|next|as in x-ray|for x-ray|[一•]个`)
	homophone  = regexp.MustCompile(`\b(for|to|too|ate|won)\b`)
	nothing    = regexp.MustCompile(`\b(o|nought)\b`)
	times      = regexp.MustCompile(`(\w+) (twice|three times)`)
	inARow     = regexp.MustCompile(`[俩孖双仨]([^个個])`)
	digitEn    = `(zero|oh|o|nought|one|two|three|four|five|six|seven|eight|nine)`
	many       = regexp.MustCompile(`\b(three|four) (zero|nought|one|two|three|four|five|six|seven|eight|nine)(?:s|es)\b`)
	cardinal   = regexp.MustCompile(`\b(?:` + digitEn + ` thousand )?` + digitEn + ` hundred and ([a-z-]+)`)
	rounds     = regexp.MustCompile(digitEn[:len(digitEn)-1] + `|[一二三四五六七八九两1-9])(?: |)(hundred|thousand|百|千)`)
	cardinalZh = regexp.MustCompile(`([一二三四五六七八九])百([一二三四五六七八九])十`)
)

// heard reads a text in which an engine took words for digits.
func heard(text string) string {
	return decode(homophone.ReplaceAllStringFunc(text, func(s string) string {
		return map[byte]string{'f': "4", 't': "2", 'a': "8", 'w': "1"}[s[0]]
	}))
}

var decoder = sync.OnceValue(func() *strings.Replacer {
	var pairs []string
	for i, w := range strings.Fields("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen") {
		pairs = append(pairs, w, fmt.Sprint(10+i))
	}
	for i, w := range strings.Fields("twenty thirty forty fifty sixty seventy eighty ninety") {
		for j, u := range enDigits[1:] {
			pairs = append(pairs, w+"-"+u, fmt.Sprint(10*(i+2)+j+1))
		}
		pairs = append(pairs, w, fmt.Sprint(10*(i+2)))
	}
	for _, forms := range [][]string{enDigits, ohDigits, zhDigits, yaoDigits, zeroDigits, dongDigits, bankDigits, liangDigits, pilotDigits, nilDigits, traditional, heardDigits} {
		for i, w := range forms {
			pairs = append(pairs, w, fmt.Sprint(i))
		}
	}
	return strings.NewReplacer(append(pairs, "x", "X", "叉", "X", "艾克斯", "X", "两", "2")...)
})
