package transcript

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// words are what one half of the dialogues in one language is made of.
type words struct {
	language  string
	carriers  map[string][]string // by kind of number
	questions map[string][]string
	acks      []string // of the other between two parts of a number
	stalls    []string // of the speaker there
	chatter   []string
	innocent  []string // with {kind} of what must stay readable
	fill      map[string]filler
	notations map[string]notation
	splits    map[string]splitter
	twice     bool // numbers are said again, or read back by the agent

	number func(r *rand.Rand, kind string) (p planted, groups []string) // nil for those of China
	plus   []string                                                     // what stands before a country code
	onFile []string                                                     // the agent says the number first
	asides [][2]string                                                  // a question in the middle of a number, and its answer
	echoes []string                                                     // the other repeats a part
}

// filler makes something innocent.
type filler func(r *rand.Rand) string

// oneOf picks a form and replaces %nK by K digits.
func oneOf(forms ...string) filler {
	slot := regexp.MustCompile(`%n\d+`)
	return func(r *rand.Rand) string {
		return slot.ReplaceAllStringFunc(forms[r.IntN(len(forms))], func(s string) string {
			n := 0
			fmt.Sscanf(s, "%%n%d", &n)
			return someDigits(r, n)
		})
	}
}

func someDigits(r *rand.Rand, n int) string {
	b := []byte{byte('1' + r.IntN(9))}
	for len(b) < n {
		b = append(b, byte('0'+r.IntN(10)))
	}
	return string(b)
}

// piece of a number as it is said: some of its digits, with what stands before them
// when they are not the first of a segment.
type piece struct {
	text, sep string
	n         int
	border    bool // the first of a group

	// at are the digits that the text shows, counted from the piece's first, where these
	// are not its n digits in order; -1 is none of the number.
	at []int
}

// digitsFrom are the digits of the number that the piece shows.
func (p piece) digitsFrom(first int) []int {
	var all []int
	if p.at == nil {
		for i := range p.n {
			all = append(all, first+i)
		}
	}
	for _, i := range p.at {
		if i < 0 {
			all = append(all, -1)
		} else {
			all = append(all, first+i)
		}
	}
	return all
}

// notation says a number whose digits are in groups.
type notation func(r *rand.Rand, groups []string) []piece

// speller says the digits of one group.
type speller func(group string) []piece

func each(group string, forms []string, x string) []piece {
	var ps []piece
	for _, d := range group {
		if d == 'X' {
			ps = append(ps, piece{text: x, n: 1})
			continue
		}
		ps = append(ps, piece{text: forms[d-'0'], n: 1})
	}
	return ps
}

var (
	enDigits   = strings.Fields("zero one two three four five six seven eight nine")
	ohDigits   = strings.Fields("oh one two three four five six seven eight nine")
	zhDigits   = strings.Split("零一二三四五六七八九", "")
	yaoDigits  = strings.Split("零幺二三四五六七八九", "")
	zeroDigits = strings.Split("〇一二三四五六七八九", "")
)

func english(g string) []piece       { return each(g, enDigits, "X") }
func englishOh(g string) []piece     { return each(g, ohDigits, "X") }
func chinese(g string) []piece       { return each(g, zhDigits, "X") }
func chineseYao(g string) []piece    { return each(g, yaoDigits, "叉") }
func chineseCircle(g string) []piece { return each(g, zeroDigits, "X") }

func capital(s speller) speller {
	return func(g string) []piece {
		ps := s(g)
		ps[0].text = strings.ToUpper(ps[0].text[:1]) + ps[0].text[1:]
		return ps
	}
}

// again says n like digits in a row at once.
func again(s speller, word map[int]string) speller {
	return func(g string) []piece {
		var ps []piece
		for i := 0; i < len(g); {
			n := 1
			for i+n < len(g) && g[i+n] == g[i] && word[n+1] != "" {
				n++
			}
			p := s(g[i : i+1])[0]
			if w := word[n]; w != "" {
				p.text, p.n = w+p.text, n
			} else {
				n = 1
			}
			ps = append(ps, p)
			i += n
		}
		return ps
	}
}

func doubled(s speller) speller { return again(s, map[int]string{2: "double "}) }
func tripled(s speller) speller { return again(s, map[int]string{2: "double ", 3: "triple "}) }
func counted(s speller) speller { return again(s, map[int]string{2: "两个", 3: "三个"}) }

func spoken(s speller, sep, groupSep string) notation {
	return func(_ *rand.Rand, groups []string) []piece {
		var all []piece
		for i, g := range groups {
			for j, p := range s(g) {
				p.sep = sep
				if j == 0 {
					p.border = i > 0
					p.sep = groupSep
				}
				all = append(all, p)
			}
		}
		return all
	}
}

// written writes figures: "wide" ones of full width, "single" ones with sep between
// all, or groups with sep between them.
func written(style, sep string) notation {
	return func(r *rand.Rand, groups []string) []piece {
		ps := spoken(func(g string) []piece { return each(g, strings.Split("0123456789", ""), "X") }, "", sep)(r, groups)
		for i := range ps {
			switch style {
			case "wide":
				ps[i].text = strings.Map(func(c rune) rune { return c - '!' + '！' }, ps[i].text)
			case "single":
				ps[i].sep = sep
			}
		}
		return ps
	}
}

// mixed alternates between figures and words.
func mixed(s speller, sep string) notation {
	return func(r *rand.Rand, groups []string) []piece {
		var all []piece
		figures := r.IntN(2)
		for i, g := range groups {
			how := spoken(s, sep, " ")
			if i%2 == figures {
				how = written("", "")
			}
			ps := how(r, []string{g})
			ps[0].border, ps[0].sep = i > 0, " "
			all = append(all, ps...)
		}
		return all
	}
}

// pairs says two digits at a time: thirteen eighty oh one thirty-eight.
func pairs() notation {
	teens := strings.Fields("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
	tens := strings.Fields("- - twenty thirty forty fifty sixty seventy eighty ninety")
	pair := func(a, b byte) []piece {
		switch {
		case a == '0' || b == 'X':
			return englishOh(string([]byte{a, b}))
		case a == '1':
			return []piece{{text: teens[b-'0'], n: 2}}
		case b == '0':
			return []piece{{text: tens[a-'0'], n: 2}}
		}
		return []piece{{text: tens[a-'0'] + "-" + enDigits[b-'0'], n: 2}}
	}
	return spoken(func(g string) []piece {
		var ps []piece
		if len(g)%2 == 1 {
			ps, g = englishOh(g[:1]), g[1:]
		}
		for ; g != ""; g = g[2:] {
			ps = append(ps, pair(g[0], g[1])...)
		}
		return ps
	}, " ", " ")
}

// lastly says something before the last group.
func lastly(how notation, phrase string) notation {
	return func(r *rand.Rand, groups []string) []piece {
		ps := how(r, groups)
		for i := len(ps) - 1; i > 0; i-- {
			if ps[i].border {
				ps[i].sep = phrase
				break
			}
		}
		return ps
	}
}

// parts are a number over several segments, and what comes between two of them.
type parts struct {
	of     [][]piece
	others int  // segments of the other
	stall  bool // one of the speaker
	aside  bool // a question and its answer
	echo   bool // the other repeats what was said
	ended  bool // the last part is said by the other
	drafts bool // the engine thinks better of what it heard
}

type splitter func(r *rand.Rand, ps []piece) parts

func wholly(_ *rand.Rand, ps []piece) parts { return parts{of: [][]piece{ps}} }

func cut(ps []piece, at func(i int) bool) [][]piece {
	var all [][]piece
	from := 0
	for i := 1; i < len(ps); i++ {
		if at(i) {
			all = append(all, ps[from:i])
			from = i
		}
	}
	return append(all, ps[from:])
}

func atBorders(ps []piece) [][]piece {
	return cut(ps, func(i int) bool { return ps[i].border })
}

func byGroup(r *rand.Rand, ps []piece) parts { return parts{of: atBorders(ps), others: r.IntN(2)} }

func halves(r *rand.Rand, ps []piece) parts {
	done := false
	return parts{of: cut(ps, func(i int) bool {
		if done || !ps[i].border || i < len(ps)/2 {
			return false
		}
		done = true
		return true
	}), others: r.IntN(2)}
}

func anywhere(r *rand.Rand, ps []piece) parts {
	at := map[int]bool{}
	for range 1 + r.IntN(3) {
		at[1+r.IntN(len(ps)-1)] = true
	}
	return parts{of: cut(ps, func(i int) bool { return at[i] }), others: r.IntN(2)}
}

func stalled(r *rand.Rand, ps []piece) parts {
	p := halves(r, ps)
	p.stall = true
	return p
}

func patient(r *rand.Rand, ps []piece) parts {
	p := halves(r, ps)
	p.others = 3
	return p
}

// crumbs are one or two pieces at a time.
func crumbs(r *rand.Rand, ps []piece) parts {
	last := 0
	return parts{of: cut(ps, func(i int) bool {
		if i-last > r.IntN(2) {
			last = i
			return true
		}
		return false
	})}
}

func veryPatient(r *rand.Rand, ps []piece) parts {
	p := halves(r, ps)
	p.others = 6
	return p
}

// planted is a number in a dialogue.
type planted struct {
	kind, digits   string
	how            string // language, notation, split
	country        int    // digits of a country code
	prefix, suffix string // letters of an identity number
}

// shown is how many digits may be seen at either end. Of a short number so many that
// three are hidden.
func (p *planted) shown() (head, tail int) {
	if p.kind == "card" {
		return 6, 4
	}
	return p.country + min(3, len(p.digits)-p.country-7), 4
}

// line is one segment.
type line struct {
	speaker        Speaker
	text           string
	number         *planted
	at             []int // digits of the number that are said
	before, behind string
	cuts           []int // where an engine may have heard half of it
	drafts         []string
	innocent       []string
}

// dialogue makes one.
func dialogue(r *rand.Rand, w words) []line {
	lines := []line{{speaker: Agent, text: pick1(r, w.chatter)}}
	for range 5 + r.IntN(5) {
		switch r.IntN(4) {
		case 0:
			lines = append(lines, line{speaker: pick1(r, []Speaker{Caller, Agent}), text: pick1(r, w.chatter)})
		case 1, 2:
			lines = append(lines, harmless(r, w))
		default:
			lines = append(lines, tell(r, w)...)
		}
	}
	return lines
}

func harmless(r *rand.Rand, w words) line {
	l := line{speaker: Caller}
	l.text = regexp.MustCompile(`\{\w+\}`).ReplaceAllStringFunc(pick1(r, w.innocent), func(s string) string {
		v := w.fill[strings.Trim(s, "{}")](r)
		l.innocent = append(l.innocent, v)
		return v
	})
	return l
}

// tell asks for a number, says it, and perhaps says it again.
func tell(r *rand.Rand, w words) []line {
	number := w.number
	if number == nil {
		number = func(r *rand.Rand, kind string) (planted, []string) {
			digits, groups := personalNumber(r, kind)
			return planted{kind: kind, digits: digits}, groups
		}
	}
	kind := pick1(r, []string{"phone", "card", "id"})
	p, groups := number(r, kind)
	if w.onFile != nil && r.IntN(5) == 0 {
		return say(r, w, &p, groups, Agent, pick1(r, w.onFile))
	}
	lines := []line{{speaker: Agent, text: pick1(r, w.questions[kind])}}
	lines = append(lines, say(r, w, &p, groups, Caller, pick1(r, w.carriers[kind]))...)
	if w.twice && r.IntN(3) == 0 {
		lines = append(lines, say(r, w, &p, groups, pick1(r, []Speaker{Caller, Agent}), "%s")...)
	}
	return lines
}

func personalNumber(r *rand.Rand, kind string) (digits string, groups []string) {
	switch kind {
	case "phone":
		d := fmt.Sprintf("1%d%09d", 3+r.IntN(7), r.IntN(1_000_000_000))
		if r.IntN(2) == 0 {
			return d, []string{d[:3], d[3:7], d[7:]}
		}
		return d, []string{d[:3], d[3:6], d[6:8], d[8:]}
	case "card":
		d := pick1(r, []string{"4", "51", "6222", "6217"})
		for len(d) < 15 {
			d += fmt.Sprint(r.IntN(10))
		}
		d += string(luhnDigit([]byte(d)))
		return d, []string{d[:4], d[4:8], d[8:12], d[12:]}
	}
	d := []byte(fmt.Sprintf("%d%04d%d%02d%02d%03d", pick1(r, []int{11, 31, 44, 51}), r.IntN(10000),
		1940+r.IntN(80), 1+r.IntN(12), 1+r.IntN(28), r.IntN(1000)))
	for _, c := range []byte("0123456789X") {
		if isIdentity(append(d[:17:17], c)) {
			id := string(append(d, c))
			return id, []string{id[:6], id[6:10], id[10:14], id[14:]}
		}
	}
	panic("no check digit")
}

func say(r *rand.Rand, w words, p *planted, groups []string, who Speaker, carrier string) []line {
	notation, split := pickKey(r, w.notations), pickKey(r, w.splits)
	said := *p
	said.how = w.language + ", " + notation + ", " + split
	pieces := dress(r, w, p, w.notations[notation](r, groups))
	of := w.splits[split](r, pieces)
	before, behind, _ := strings.Cut(carrier, "%s")
	var lines []line
	done := 0
	for i, ps := range of.of {
		l := line{speaker: who, number: &said}
		last := i == len(of.of)-1
		if i == 0 {
			l.before = before
		} else if strings.ContainsFunc(ps[0].sep, unicode.IsLetter) {
			l.before = strings.TrimLeft(ps[0].sep, " ,，")
		}
		if last {
			l.behind = behind
		}
		if last && i > 0 && of.ended {
			l.speaker = other(who)
		}
		done = l.add(ps, done)
		if of.drafts {
			l.drafts = append(l.drafts, l.text[:pick1(r, l.cuts)])
		}
		l.text += l.behind
		lines = append(lines, l)
		if !last {
			lines = append(lines, interlude(r, w, l, of)...)
		}
	}
	return lines
}

// dress puts before and behind the digits what belongs to the number.
func dress(r *rand.Rand, w words, p *planted, ps []piece) []piece {
	if p.country > 0 {
		plus, all := pick1(r, w.plus), []int{}
		for range decode(plus) {
			all = append(all, -1)
		}
		ps[0].at = append(all, ps[0].digitsFrom(0)...)
		ps[0].text = plus + ps[0].text
	}
	ps[0].text = p.prefix + ps[0].text
	ps[len(ps)-1].text += p.suffix
	return ps
}

// add says pieces, the first of which begins with a digit of the number.
func (l *line) add(ps []piece, digit int) (next int) {
	l.text = l.before
	for j, p := range ps {
		if j > 0 {
			l.text += p.sep
		}
		l.text += p.text
		l.at = append(l.at, p.digitsFrom(digit)...)
		l.cuts = append(l.cuts, len(l.text))
		digit += p.n
	}
	return digit
}

func other(s Speaker) Speaker {
	if s == Agent {
		return Caller
	}
	return Agent
}

// interlude is what comes after a part of a number.
func interlude(r *rand.Rand, w words, part line, of parts) []line {
	who := part.speaker
	var lines []line
	if of.echo {
		l := part
		l.speaker, l.drafts, l.cuts = other(who), nil, nil
		l.before, l.behind, _ = strings.Cut(pick1(r, w.echoes), "%s")
		l.text = l.before + strings.TrimPrefix(part.text, part.before) + l.behind
		lines = append(lines, l)
	}
	for range of.others {
		lines = append(lines, line{speaker: other(who), text: pick1(r, w.acks)})
	}
	if of.aside {
		a := pick1(r, w.asides)
		lines = append(lines, line{speaker: other(who), text: a[0]}, line{speaker: who, text: a[1]})
	}
	if of.stall {
		lines = append(lines, line{speaker: who, text: pick1(r, w.stalls)})
	}
	return lines
}

func pick1[T any](r *rand.Rand, all []T) T { return all[r.IntN(len(all))] }

func pickKey[T any](r *rand.Rand, all map[string]T) string {
	var names []string
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return pick1(r, names)
}
