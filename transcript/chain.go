package transcript

import "slices"

// link says how digits belong to those that the same speaker has said before.
type link uint8

const (
	none   link = iota
	weak        // something else was said in between, a little
	strong      // nothing was
)

// ref is an atom of an utterance in the chain of its speaker.
type ref struct {
	u     *utterance
	at    int // of u.atoms
	link  link
	pause bool
}

func (r ref) atom() atom { return r.u.atoms[r.at] }

// about is what was said of the digits before them.
func (r ref) about() about {
	if a := r.atom(); a.named != unknown {
		return a.named
	}
	return r.u.before
}

// chain is what a speaker has said of digits with links between them. Open says that
// what is said next may belong to it.
type chain struct {
	refs []ref
	open bool
}

// digits are the digits of refs, with an X for a check digit.
func digits(refs []ref) string {
	if len(refs) == 1 {
		return refs[0].atom().Text
	}
	var b []byte
	for _, r := range refs {
		b = append(b, r.atom().Text...)
	}
	return string(b)
}

// stretch is what was said since the last digits of a speaker.
type stretch struct {
	gap
	others, own int  // segments
	asked       bool // others have said more than mm-hm
}

func (s *stretch) heard(u *utterance) {
	s.others++
	s.asked = s.asked || u.content() > ackContent
}

// link says how digits are linked that follow those of the ref before.
func (s *stretch) link(before *ref) link {
	limit := weakContent
	if before != nil && (before.atom().named == somebodys || before.u.before == somebodys) {
		limit = namedContent
	}
	switch {
	case s.stop || s.content > limit || s.others > othersBetween || s.own > ownBetween:
		return none
	case s.content > 0 || s.asked:
		return weak
	}
	return strong
}

// chains are those of one speaker, in order.
func (m *Masker) chains(speaker Speaker) []chain {
	var all []chain
	total := 0      // digits of the last chain
	var before *ref // the last one
	since := stretch{gap: gap{stop: true}}
	for _, u := range m.recent {
		if u.speaker != speaker {
			since.heard(u)
			continue
		}
		for i, a := range u.atoms {
			since.gap = since.gap.and(a.gap)
			l := since.link(before)
			if a.lone && l != strong {
				since.content += 2
				continue
			}
			if l == weak && total < fewestJoined {
				l = none
			}
			if l == none {
				all, total = append(all, chain{}), 0
			}
			last := &all[len(all)-1]
			last.refs = append(last.refs, ref{u, i, l, since.pause || i == 0})
			before = &last.refs[len(last.refs)-1]
			total += len(a.Text)
			since = stretch{}
		}
		if since.gap = since.gap.and(u.tail); len(u.atoms) == 0 {
			since.own++
		}
		since.stop = since.stop || speaker == IVR // the house says a number whole
	}
	if n := len(all) - 1; n >= 0 && !m.over {
		l := since.link(before)
		all[n].open = l == strong || l == weak && total >= fewestJoined
	}
	return all
}

// speakers are those who are heard in the recent segments.
func (m *Masker) speakers() []Speaker {
	var all []Speaker
	for _, u := range m.recent {
		if !slices.Contains(all, u.speaker) {
			all = append(all, u.speaker)
		}
	}
	return all
}
