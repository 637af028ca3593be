package transcript

import (
	"slices"
	"strings"
)

// settle decides what is shown of the recent utterances.
func (m *Masker) settle() {
	var all []chain
	for _, s := range m.speakers() {
		all = append(all, m.chains(s)...)
	}
	var pending []string
	for _, c := range all {
		if p := m.decide(c); p != "" {
			pending = append(pending, p)
		}
	}
	for _, c := range all {
		m.recognise(c, pending)
	}
	m.turns(all)
}

// decide judges a chain. What may still become part of a number is hidden; its digits
// are returned.
func (m *Masker) decide(c chain) (pending string) {
	vs := judge(c.refs)
	from := len(c.refs)
	if c.open {
		from = openFrom(c.refs, vs)
	}
	torn := c.refs[0].u.torn && c.refs[0].at == 0
	n := 0
	for i, r := range c.refs {
		torn = torn && (n < mostDigits || r.link == strong)
		a := r.atom()
		n += len(a.Text)
		switch old := &r.u.verdicts[r.at]; {
		case old.done:
			old.fresh = false
		case i >= from || torn:
			*old = verdict{text: dots(a), of: &number{}}
		default:
			*old = vs[i]
			old.done, old.fresh = true, true
			m.learn(vs[i].of)
		}
	}
	return digits(c.refs[from:])
}

// openFrom is the first ref of an open chain to which more may be joined.
func openFrom(refs []ref, vs []verdict) int {
	from, n := len(refs), 0
	for from > 0 && n < mostDigits {
		from--
		n += len(refs[from].atom().Text)
	}
	for from > 0 && vs[from].of != nil && vs[from].of == vs[from-1].of {
		from--
	}
	return from
}

// learn keeps a number that was masked, so as to know it again.
func (m *Masker) learn(n *number) {
	if n == nil || slices.ContainsFunc(m.known, func(k *number) bool { return k.digits == n.digits }) {
		return
	}
	if len(m.known) == mostKnown {
		m.known = m.known[1:]
	}
	n.at = m.segments
	m.known = append(m.known, n)
}

// recognise masks what repeats a part of a number, and hides what repeats a part of what
// may become one.
func (m *Masker) recognise(c chain, pending []string) {
	vs := make([]verdict, len(c.refs))
	for i, r := range c.refs {
		vs[i] = r.u.verdicts[r.at]
	}
	eachRun(c.refs, vs, func(i, n int) {
		run := c.refs[i : i+n]
		d := digits(run)
		if len(d) < fewestRepeated-1 || run[0].atom().quantity {
			return
		}
		for _, k := range m.known {
			if at := strings.Index(k.digits, d); at >= 0 && (len(d) >= fewestRepeated || m.segments <= k.at+lately) {
				k.cover(run, at)
				return
			}
		}
		if first := run[0]; !first.u.verdicts[first.at].fresh {
			return // it has been seen
		}
		if slices.ContainsFunc(pending, func(p string) bool { return strings.Contains(p, d) }) {
			for _, r := range run {
				r.u.verdicts[r.at] = verdict{text: dots(r.atom()), of: &number{}}
			}
		}
	})
}

// cover masks a run that is the number's from digit at on.
func (n *number) cover(run []ref, at int) {
	part := &number{digits: n.digits}
	for _, r := range run {
		size := len(r.atom().Text)
		r.u.verdicts[r.at] = verdict{text: strings.Join(n.shown[at:at+size], ""), of: part, done: true}
		at += size
	}
}
