package ivr

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ivrd/ivrd/tts/ssml"
)

// markup takes the tags out of the text's literals. What stands in ${…} and {…}
// is never looked at: a value is words, whatever it holds.
func (l *loader) markup(t *text) {
	if !slices.ContainsFunc(t.pieces, func(p piece) bool { return ssml.Marked(p.literal) }) {
		return
	}
	var pieces []piece
	var nest ssml.Nest
	for _, p := range t.pieces {
		if p.expr != nil {
			if p.format.name != "" && nest.Open() == ssml.SayAs {
				l.report.Add(t.at, msgMarkupFormat, p.format.name)
			}
			pieces = append(pieces, p)
			continue
		}
		more, err := tagged(p.literal, &nest)
		if err != nil {
			what, hint, _ := strings.Cut(strings.TrimSuffix(err.Error(), ")"), " (hint: ")
			l.report.Add(t.at, msgMarkup, what, hint)
			return
		}
		pieces = append(pieces, more...)
	}
	if open := nest.Open(); open != "" {
		l.report.Add(t.at, msgMarkupOpen, open)
	}
	t.pieces = pieces
}

// tagged is a literal as text and tags.
func tagged(literal string, nest *ssml.Nest) ([]piece, error) {
	items, err := ssml.Scan(literal)
	if err != nil {
		return nil, err
	}
	var pieces []piece
	for _, i := range items {
		if i.Tag != nil {
			if err := nest.Take(*i.Tag); err != nil {
				return nil, err
			}
		}
		pieces = append(pieces, piece{literal: i.Text, tag: i.Tag})
	}
	return pieces, nil
}

// checkReadings finds fixed words that cannot be read as their say-as asks.
func (l *loader) checkReadings(t *text, language string) {
	for i := 1; i < len(t.pieces); i++ {
		tag, p := t.pieces[i-1].tag, t.pieces[i]
		alone := i+1 < len(t.pieces) && t.pieces[i+1].tag != nil
		if tag == nil || tag.As == "" || p.literal == "" || !alone {
			continue
		}
		if _, err := readAs(tag.As, p.literal, language, l.flow.zone); err != nil {
			l.report.Add(t.at, msgReading, p.literal, tag.As, err)
		}
	}
}

// spoken fills in what is to be said. Without markup it is words alone.
func (t *text) spoken(env map[string]any, language string, zone *time.Location) (ssml.Speech, error) {
	s := speaking{language: language, zone: zone}
	for _, p := range t.pieces {
		words := p.literal
		if p.expr != nil {
			value, err := p.expr.eval(env)
			if err != nil {
				return nil, err
			}
			if words, err = speak(value, p.format, language, zone); err != nil {
				return nil, fmt.Errorf("say %q: %w", p.expr.source, err)
			}
		}
		if p.tag == nil {
			s.say(words)
			continue
		}
		if err := s.take(*p.tag); err != nil {
			return nil, err
		}
	}
	return s.speech, nil
}

// speaking is a text on its way to speech. Its tags are nested well: that was
// checked when the flow was loaded.
type speaking struct {
	language string
	zone     *time.Location
	speech   ssml.Speech
	manner   []ssml.Prosody // of the elements around, the innermost last
	as       string         // of the say-as around
	reading  strings.Builder
}

func (s *speaking) prosody() ssml.Prosody {
	if len(s.manner) == 0 {
		return ssml.Prosody{}
	}
	return s.manner[len(s.manner)-1]
}

func (s *speaking) say(words string) {
	if s.as != "" {
		s.reading.WriteString(words)
		return
	}
	s.speech = s.speech.Say(words, s.prosody())
}

func (s *speaking) take(t ssml.Tag) error {
	switch {
	case t.Name == ssml.Break:
		s.speech = s.speech.Wait(t.Pause)
	case t.Name == ssml.Manner && t.Ends:
		s.manner = s.manner[:len(s.manner)-1]
	case t.Name == ssml.Manner:
		s.manner = append(s.manner, t.Prosody.Within(s.prosody()))
	case t.Name == ssml.SayAs && t.Ends:
		words, err := readAs(s.as, s.reading.String(), s.language, s.zone)
		if err != nil {
			return fmt.Errorf("read as %s: %w", s.as, err)
		}
		s.as = ""
		s.reading.Reset()
		s.say(words)
	case t.Name == ssml.SayAs:
		s.as = t.As
	}
	return nil
}

// promptOf is speech as a prompt.
func promptOf(s ssml.Speech, language string) Prompt {
	p := Prompt{Text: s.Words(), Language: language}
	if !s.IsPlain() {
		p.Marked = s
	}
	return p
}
