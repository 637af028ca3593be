package transcript

import (
	"slices"
	"strings"
)

// turns looks at digits that one says right after those of another, as a number may be
// begun by the one and ended by the other, or repeated piece by piece.
func (m *Masker) turns(all []chain) {
	echo := false // the one before was
	for i := 1; i < len(m.recent); i++ {
		again := echo
		echo = false
		p, u := m.recent[i-1], m.recent[i]
		n := u.leading()
		if n == 0 || len(p.atoms) == 0 || p.speaker == u.speaker || !p.tail.joins() || p.speaker == IVR || u.speaker == IVR {
			continue
		}
		if strings.HasSuffix(p.digits(len(p.atoms)), u.digits(n)) {
			u.echo(p, n)
			echo = true
			continue
		}
		if refs := upTo(all, p); refs != nil && !again && !strings.Contains(digits(refs), u.digits(n)) {
			u.end(refs, n)
		}
	}
}

// echo hides the first n atoms if the last ones of p, which they repeat, are hidden. A whole
// number is shown as in p.
func (u *utterance) echo(p *utterance, n int) {
	of := p.verdicts[len(p.verdicts)-1].of
	if of == nil || u.verdicts[0].of != nil && of.digits == u.digits(n) && u.verdicts[0].of.digits == of.digits {
		return
	}
	for i := range n {
		u.verdicts[i] = verdict{text: dots(u.atoms[i]), of: &number{}, done: u.verdicts[i].done}
	}
}

// end hides what refs, which alone are nothing whole, and the first n atoms are together.
func (u *utterance) end(refs []ref, n int) {
	if slices.ContainsFunc(candidates(refs), func(c candidate) bool { return c.to == len(refs) }) {
		return
	}
	refs = slices.Clip(refs)
	for i := range n {
		refs = append(refs, ref{u, i, strong, true})
	}
	for i, v := range judge(refs) {
		if own := &refs[i].u.verdicts[refs[i].at]; v.of != nil && (own.of == nil || !own.done || own.fresh) {
			*own = verdict{text: dots(refs[i].atom()), of: &number{}, done: true}
		}
	}
}

// upTo are the refs of the chain that has the last digits of an utterance, up to these.
func upTo(all []chain, u *utterance) []ref {
	for _, c := range all {
		for i, r := range c.refs {
			if r.u == u && r.at == len(u.atoms)-1 {
				return c.refs[:i+1]
			}
		}
	}
	return nil
}

// leading is how many atoms an utterance begins with, with nothing else between.
func (u *utterance) leading() int {
	n := 0
	for n < len(u.atoms) && u.atoms[n].gap.joins() && (n > 0 || !u.atoms[n].lone) {
		n++
	}
	return n
}

// digits are those of the first n atoms.
func (u *utterance) digits(n int) string {
	var b strings.Builder
	for _, a := range u.atoms[:n] {
		b.WriteString(a.Text)
	}
	return b.String()
}
