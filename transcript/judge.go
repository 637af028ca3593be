package transcript

import (
	"slices"
	"strings"
)

// judge says what is shown of a chain as if it were complete.
func judge(refs []ref) []verdict {
	vs := make([]verdict, len(refs))
	takeAll(refs, vs, candidates(refs))
	eachSpan(refs, func(i, n int) {
		if unsure(refs[i:i+n], vs[i:i+n]) {
			take(refs[i:i+n], vs[i:i+n], blank)
		}
	})
	eachRun(refs, vs, func(i, n int) {
		if k := doubtful(refs[i : i+n]); k != plain {
			take(refs[i:i+n], vs[i:i+n], k)
		}
	})
	return vs
}

// eachSpan calls f for the longest spans of refs that go on.
func eachSpan(refs []ref, f func(i, n int)) {
	for i := 0; i < len(refs); {
		n := 1
		for i+n < len(refs) && refs[i+n].goesOn(refs[i+n-1]) {
			n++
		}
		f(i, n)
		i += n
	}
}

// goesOn reports whether a ref may be a later piece of a number than the one before, with
// other words between: few in the same sentence, and none where sentences begin and end.
func (r ref) goesOn(before ref) bool {
	const few = 2 // content: a word
	switch {
	case r.other() || before.other():
		return false
	case r.link == weak && r.u == before.u:
		return r.atom().gap.content <= few
	case r.link == weak:
		return r.atom().gap.content == 0 && before.u.tail.content == 0
	}
	return r.link == strong
}

// other reports whether a ref is named as something else than a personal number.
func (r ref) other() bool { return r.atom().quantity || r.atom().named == somethingElse }

// unsure reports whether a span of digits has a number in it, and a correction or other
// digits, so that nobody knows which belong to the number; or is one that comes in pieces
// and has no form.
func unsure(span []ref, vs []verdict) bool {
	found, free, loose, corrected, words, digits := false, false, false, false, 0, 0
	for i, r := range span {
		digits += len(r.atom().Text)
		found = found || vs[i].of != nil
		free = free || vs[i].of == nil
		switch {
		case i == 0 || r.link == strong:
		case r.u == span[i-1].u:
			words++
		default:
			loose = true
		}
		corrected = corrected || i > 0 && r.atom().gap.corrects
	}
	least, series := fewestLoose, 2 // words in between
	if span[0].about() == somebodys {
		least, series = fewestDigits, 1
	}
	switch {
	case span[0].other():
		return false
	case found:
		return free || corrected
	}
	return (loose || words >= series) && digits >= least
}

// take gives refs the verdict of a number.
func take(refs []ref, vs []verdict, k kind) {
	if slices.ContainsFunc(refs, func(r ref) bool { return r.atom().vague }) {
		k = blank
	}
	d := digits(refs)
	if k == card && len(refs) > 1 && len(d) < 15 {
		k = blank // old, short and rare: rather two numbers
	}
	if againFrom(d) > 0 {
		k = blank // a short number, said twice
	}
	masked := mask(k, d, refs[0].atom().Plus)
	at := 0
	for i, r := range refs {
		size := len(r.atom().Text)
		vs[i] = verdict{text: strings.Join(masked.shown[at:at+size], ""), of: &masked}
		at += size
	}
}

// againFrom is the digit from which a number may begin again, 0 for none.
func againFrom(d string) int {
	for at := fewestDigits; at+fewestRepeated <= len(d); at++ {
		if strings.HasPrefix(d, d[at:]) {
			return at
		}
	}
	return 0
}

// takeAll takes candidates in order. Where they overlap, and none has the others as its
// beginning, nobody knows which is the number, and all is hidden.
func takeAll(refs []ref, vs []verdict, found []candidate) {
	for len(found) > 0 {
		c, n := found[0], 1
		for n < len(found) && found[n].from < c.to {
			c = c.with(found[n])
			n++
		}
		take(refs[c.from:c.to], vs[c.from:c.to], c.k)
		found = found[n:]
	}
}

// eachRun calls f for the runs of refs with strong links that no verdict takes.
func eachRun(refs []ref, vs []verdict, f func(i, n int)) {
	for i := 0; i < len(refs); {
		n := 1
		for i+n < len(refs) && refs[i+n].link == strong && refs[i+n].goesOn(refs[i+n-1]) && vs[i+n].of == nil {
			n++
		}
		if vs[i].of != nil {
			i++
			continue
		}
		f(i, n)
		i += n
	}
}
