package transcript

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// utterance is a segment that may still change.
type utterance struct {
	seq      int
	speaker  Speaker
	text     string
	atoms    []atom
	verdicts []verdict // of the atoms
	tail     gap       // after the last atom
	before   about     // what those before it say of a number
	torn     bool      // the one before it is forgotten, and was not done
	rendered bool
	shown    string
}

// longestText is what is read as speech, in bytes: five minutes of it.
const longestText = 4096

func newUtterance(seq int, speaker Speaker, text string) *utterance {
	u := &utterance{seq: seq, speaker: speaker, text: text}
	if len(text) > longestText {
		u.tail, u.shown, u.rendered = gap{stop: true}, withoutDigits(text), true
		return u
	}
	u.atoms, u.tail = scan(text)
	u.verdicts = make([]verdict, len(u.atoms))
	return u
}

// put adds an utterance, or replaces the one of its number.
func (m *Masker) put(u *utterance) {
	at := slices.IndexFunc(m.recent, func(o *utterance) bool { return o.seq == u.seq })
	if at >= 0 {
		m.recent[at] = u
	} else {
		if len(m.recent) == recentSegments {
			m.forget()
		}
		at = len(m.recent)
		m.recent = append(m.recent, u)
	}
	const asked = 2 // segments before it
	for i := at - 1; i >= 0 && i >= at-asked && u.before == unknown; i-- {
		u.before = m.recent[i].asks(u, i == at-1)
	}
}

// asks is what an utterance says that the number in a later one is. Only a question right
// before it asks for another thing than a personal number.
func (u *utterance) asks(later *utterance, next bool) about {
	about := aboutNext(u.text)
	if about == somethingElse && (len(u.atoms) > 0 || u.speaker == later.speaker || !next) {
		return unknown
	}
	return about
}

// forget drops the oldest utterance. What was hidden in it stays hidden, and so does
// what is linked to that.
func (m *Masker) forget() {
	old := m.recent[0]
	undone := slices.ContainsFunc(old.verdicts, func(v verdict) bool { return !v.done })
	m.recent = m.recent[1:]
	if !undone {
		return
	}
	for _, u := range m.recent {
		if u.speaker == old.speaker && len(u.atoms) > 0 {
			u.torn = true
			return
		}
	}
}

// content is how much is said in an utterance beside digits.
func (u *utterance) content() int {
	n := u.tail.content
	for _, a := range u.atoms {
		n += a.gap.content
	}
	return n
}

func (u *utterance) masked() Masked { return Masked{u.seq, u.shown, u.shown != u.text} }

// render masks the recent utterances, and returns those that look different now.
func (m *Masker) render() []*utterance {
	var changed []*utterance
	for _, u := range m.recent {
		if u.rendered && len(u.atoms) == 0 {
			continue
		}
		if text := u.render(); !u.rendered || text != u.shown {
			u.shown, u.rendered = text, true
			changed = append(changed, u)
		}
	}
	return changed
}

func (u *utterance) render() string {
	var spans []span
	for i, v := range u.verdicts {
		a := u.atoms[i]
		if v.of == nil {
			continue
		}
		if n := len(spans) - 1; i > 0 && u.verdicts[i-1].of == v.of && a.gap.joins() {
			spans[n].text += v.text
			spans[n].end = a.End
			continue
		}
		spans = append(spans, span{a.Start, a.End, v.text})
	}
	// What a mask shows is left as it was said.
	spans = slices.DeleteFunc(spans, func(s span) bool { return !strings.Contains(s.text, hidden) })
	return Mask(replaced(u.text, spans))
}

// withoutDigits hides all digits of a text.
func withoutDigits(text string) string {
	var spans []span
	atoms, _ := scan(text)
	for _, a := range atoms {
		spans = append(spans, span{a.Start, a.End, dots(a)})
	}
	return Mask(doubtfulDigits(replaced(text, spans)))
}

// soundsEN are digits in a number only.
const soundsEN = " oh o won tree ate "

// doubtfulDigits hides what is a digit only in a number that goes on: oh, 洞, 一百四十一.
func doubtfulDigits(text string) string {
	var spans []span
	for i, r := range text {
		if n := len(spans); n > 0 && i < spans[n-1].end {
			continue
		}
		end := numeralZH(text, i)
		if _, radio := radioDigit(r); radio {
			end = i + utf8.RuneLen(r)
		}
		if r == '要' && (i+utf8.RuneLen(r) == len(text) || digitBeside(text, atom{Digits: Digits{Start: i, End: i + utf8.RuneLen(r)}})) {
			end = i + utf8.RuneLen(r)
		}
		if word, after := nextWord(text, i); in(soundsEN, word) && (i == 0 || !isWord(rune(text[i-1]))) {
			end = after
		}
		if end > i {
			spans = append(spans, span{i, end, hidden})
		}
	}
	return replaced(text, spans)
}

// span is a piece of a text with what is shown in its place.
type span struct {
	start, end int
	text       string
}

func replaced(text string, spans []span) string {
	var b strings.Builder
	done := 0
	for _, s := range spans {
		b.WriteString(text[done:s.start])
		b.WriteString(s.text)
		done = s.end
	}
	b.WriteString(text[done:])
	return b.String()
}

func dots(a atom) string { return strings.Repeat(hidden, len(a.Text)) }
