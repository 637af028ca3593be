package transcript

import (
	"slices"
)

const (
	// fewestUnnamed digits in a row are masked even though nothing is known of them:
	// what was misheard has no check digit that holds.
	fewestUnnamed = 7
	// fewestLoose is the same with other words between.
	fewestLoose = 9
	// longestPhone is what is masked as one where nothing is known of it.
	longestPhone = 12
	// mostKnown numbers of a call are known again when they are repeated.
	mostKnown = 16
	// fewestRepeated digits of a known number are known again: one fewer of a number
	// of the last segments.
	fewestRepeated = 4
	lately         = 8
)

// number is one that was masked, and what is shown for each of its digits.
type number struct {
	digits string
	shown  []string
	at     int // how many segments there were
}

// mask says what is shown for each digit of a number of a kind, as Mask does.
func mask(k kind, d string, plus bool) number {
	n := number{digits: d}
	from := 0
	if k == phone {
		from = len(countryCode(d))
		plus = plus && from == 0
	}
	head, tail := k.shown(len(d) - from)
	for i := range d {
		switch {
		case i < from:
			n.shown = append(n.shown, "")
		case i < from+head || i >= len(d)-tail:
			n.shown = append(n.shown, d[i:i+1])
		default:
			n.shown = append(n.shown, hidden)
		}
	}
	if plus {
		n.shown[0] = "+" + n.shown[0]
	}
	return n
}

// verdict is what is shown for an atom: a number's, or as it was said.
type verdict struct {
	text string
	of   *number
	// done ones do not change by what is said next.
	done bool
	// fresh ones are done since the last segment.
	fresh bool
}

// candidate is a sequence of refs that is a number by its form and check digit.
type candidate struct {
	from, to int
	k        kind
}

// with is c and a later one that overlaps it.
func (c candidate) with(o candidate) candidate {
	switch {
	case o.from == c.from && o.k == c.k:
		return o
	case o.to == c.to && c.k == phone && o.k == phone: // 86 138 0013 8000
		return c
	}
	return candidate{c.from, max(c.to, o.to), blank}
}

// candidates finds all of them, in order.
func candidates(refs []ref) []candidate {
	var all []candidate
	for i := range refs {
		if borderAt(refs, i) {
			all = appendForms(all, refs, i)
		}
	}
	return certain(refs, all)
}

// certain leaves out what has a part of a number that is a whole run of digits, with
// other words before and after it, unless that part is segments.
func certain(refs []ref, all []candidate) []candidate {
	var runs []candidate
	for _, c := range all {
		if refs[c.from].link != strong && (c.to == len(refs) || refs[c.to].link != strong) && allStrong(refs[c.from+1:c.to]) {
			runs = append(runs, c)
		}
	}
	cuts := func(at int, r candidate) bool { return at > r.from && at < r.to && refs[at].at > 0 }
	return slices.DeleteFunc(all, func(c candidate) bool {
		return slices.ContainsFunc(runs, func(r candidate) bool { return cuts(c.from, r) || cuts(c.to, r) })
	})
}

func allStrong(refs []ref) bool {
	return !slices.ContainsFunc(refs, func(r ref) bool { return r.link != strong })
}

// appendForms finds the numbers that begin with ref i.
func appendForms(all []candidate, refs []ref, i int) []candidate {
	other := refs[i].atom().named == somethingElse
	plus := refs[i].atom().Plus
	across := false // other words
	var d []byte
	for n := i; n < len(refs); n++ {
		if r := refs[n]; n > i {
			if r.link == none || r.link == weak && len(d) < fewestJoined || other && (r.link == weak || r.u != refs[i].u) {
				break
			}
			across = across || r.link == weak
		}
		if d = append(d, refs[n].atom().Text...); len(d) > mostDigits {
			break
		}
		if len(d) < fewestDigits || n+1 < len(refs) && !borderAt(refs, n+1) && !refs[n+1].atom().isX() {
			continue
		}
		if across && !inFull(len(d)) {
			continue
		}
		k := form(d, plus && !across)
		if across && k == card {
			k = pick(blank, len(d) >= 15) // one in ten has the check digit by chance
		}
		if k != plain {
			all = append(all, candidate{i, n + 1, k})
		}
	}
	return all
}

// inFull reports whether what is said in pieces, across other words, is as long as
// numbers of people mostly are. More lengths would find more in what is none.
func inFull(n int) bool { return n == 11 || n == 13 || n == 15 || n == 16 || n >= 18 }

// borderAt reports whether a number can begin with ref i: not in the middle of digits
// that are spoken one after another.
func borderAt(refs []ref, i int) bool {
	if i == 0 {
		return true
	}
	a, before := refs[i].atom(), refs[i-1].atom()
	return !a.isX() && (refs[i].link == weak || refs[i].pause || a.Plus || !a.Spoken || !before.Spoken)
}

// form says what digits are by their form and check digit.
func form(d []byte, plus bool) kind {
	if i := slices.Index(d, 'X'); i >= 0 {
		return pick(identity, i == 17 && isIdentity(d))
	}
	switch {
	case isIdentity(d):
		return identity
	case isCard(d):
		return card
	case plus && len(d) >= 8 && len(d) <= 15 && d[0] != '0':
		return phone
	}
	return pick(phone, isMobile(trimChina(d)))
}

// doubtful says how a run of digits is masked that has no form: when it is long, or was
// asked for or named as something of a person's, and not named as something else.
func doubtful(run []ref) kind {
	d := digits(run)
	if len(d) < fewestDigits || run[0].atom().quantity {
		return plain
	}
	what := run[0].about()
	isDay := len(run) == 1 && len(d) >= 8 && len(d) <= 14 && isDate([]byte(d))
	switch {
	case what == somethingElse && len(d) <= mostDigits, what == unknown && isDay:
		return plain
	case what != somebodys && len(d) < fewestUnnamed:
		return plain
	case len(run) > 1 || run[0].atom().Spoken:
		return blank // it may have been heard wrongly, or go on
	case len(d) > longestPhone:
		return long
	}
	return phone
}
