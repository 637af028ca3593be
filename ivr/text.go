package ivr

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ivrd/ivrd/tts/ssml"
)

// text is a string of a flow with its ${…} and {value|format} taken apart.
type text struct {
	at     *yaml.Node
	pieces []piece
}

// piece is literal text, a tag of markup, or an expression with how it is spoken.
type piece struct {
	literal string
	tag     *ssml.Tag
	expr    *expression
	format  format
}

// fixed reports whether nothing in the text depends on the call.
func (t *text) fixed() bool {
	return !slices.ContainsFunc(t.pieces, func(p piece) bool { return p.expr != nil })
}

// whole returns the expression when the text is nothing but ${…}: its value
// then keeps its type.
func (t *text) whole() *expression {
	if len(t.pieces) == 1 {
		return t.pieces[0].expr
	}
	return nil
}

// constant returns the text when it holds no expression.
func (t *text) constant() (string, bool) {
	var b strings.Builder
	for _, p := range t.pieces {
		if p.expr != nil {
			return "", false
		}
		b.WriteString(p.literal)
	}
	return b.String(), true
}

// parseText takes the string at n apart. With spoken, {value|format} is known
// too; elsewhere (a URL, JSON) only ${…} is.
func (l *loader) parseText(n *yaml.Node, what string, spoken bool) *text {
	source, ok := l.report.String(n, what)
	if !ok {
		return &text{at: n}
	}
	if len(source) > maxText {
		l.report.Add(n, msgTextTooLong, what, maxText)
		return &text{at: n}
	}
	t := &text{at: n}
	for source != "" {
		start, open := nextValue(source, spoken)
		if start < 0 {
			break
		}
		t.literal(source[:start])
		body, rest, closed := cutBrace(source[start+len(open):])
		if !closed {
			l.report.Add(n, msgUnclosed, open, what)
			return t
		}
		l.value(t, body, spoken && open == "{")
		source = rest
	}
	t.literal(source)
	if spoken {
		l.markup(t)
	}
	return t
}

func (t *text) literal(s string) {
	if s != "" {
		t.pieces = append(t.pieces, piece{literal: s})
	}
}

// value adds the expression between two braces.
func (l *loader) value(t *text, body string, formatted bool) {
	var f format
	if bar := lastBar(body); formatted && bar >= 0 {
		name := strings.TrimSpace(body[bar+1:])
		var ok bool
		if f, ok = parseFormat(name); !ok {
			l.report.Add(t.at, msgFormat, name, strings.Join(formatNames(), ", "), strings.Join(currencyCodes(), ", "))
		}
		body = body[:bar]
	}
	t.pieces = append(t.pieces, piece{expr: l.expression(t.at, body, anyKind), format: f})
}

func nextValue(s string, spoken bool) (start int, open string) {
	i := strings.IndexByte(s, '{')
	for i >= 0 {
		if i > 0 && s[i-1] == '$' {
			return i - 1, "${"
		}
		if spoken {
			return i, "{"
		}
		next := strings.IndexByte(s[i+1:], '{')
		if next < 0 {
			return -1, ""
		}
		i += 1 + next
	}
	return -1, ""
}

// cutBrace cuts s at the brace that closes it, which is not one within
// quotes or within braces of its own.
func cutBrace(s string) (body, rest string, ok bool) {
	depth, quote := 0, byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			switch c {
			case '\\':
				i++
			case quote:
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		case c == '}':
			return s[:i], s[i+1:], true
		}
	}
	return "", "", false
}

// lastBar finds the bar before a format: the last that is not part of || and
// has no quote or bracket behind it.
func lastBar(s string) int {
	i := strings.LastIndexByte(s, '|')
	if i < 0 || i > 0 && s[i-1] == '|' || strings.ContainsAny(s[i:], "\"'()[]") {
		return -1
	}
	return i
}

func parseFormat(s string) (format, bool) {
	name, argument, has := strings.Cut(s, ":")
	if name == "money" {
		_, known := currencyOf(argument)
		return format{name: name, currency: argument}, known
	}
	return format{name: name}, !has && (s == "" || slices.Contains(formatNames(), name))
}

// speech is a text for each language.
type speech map[string]*text

// prompts are what a node says: files first, then text.
type prompts struct {
	at    *yaml.Node
	files []promptFile
	say   speech
}

type promptFile struct {
	name string
	at   *yaml.Node
}

func (p prompts) empty() bool { return len(p.files) == 0 && p.say == nil }

var promptName = regexp.MustCompile(`^[a-z0-9]+([_-][a-z0-9]+)*$`)

// prompts reads the keys play and say of a mapping.
func (l *loader) prompts(at, play, say *yaml.Node, what string) prompts {
	p := prompts{at: at}
	if play != nil {
		p.files = l.files(play, "play of "+what)
	}
	if say != nil {
		p.say = l.speech(say, "say of "+what)
	}
	return p
}

func (l *loader) files(n *yaml.Node, what string) []promptFile {
	var files []promptFile
	for _, item := range l.report.List(n) {
		name, ok := l.report.String(item, what)
		if ok && !promptName.MatchString(name) {
			l.report.Add(item, msgPromptName, name)
			ok = false
		}
		if ok {
			files = append(files, promptFile{name: name, at: item})
		}
	}
	return files
}

// speech reads {en: …, zh: …}; with one language the text alone will do.
func (l *loader) speech(n *yaml.Node, what string) speech {
	languages := l.flow.Languages
	if n.Kind == yaml.ScalarNode && len(languages) == 1 {
		t := l.parseText(n, what, true)
		l.checkFormats(t, languages[0])
		return speech{languages[0]: t}
	}
	s := speech{}
	m := l.report.Map(n, what, languages...)
	if m == nil {
		return s
	}
	for _, e := range m.Entries {
		s[e.Name] = l.parseText(e.Value, what, true)
	}
	for _, language := range languages {
		if t := s[language]; t == nil {
			l.report.Add(n, msgNoTranslation, what, language)
		} else {
			l.checkFormats(t, language)
		}
	}
	return s
}

func (l *loader) checkFormats(t *text, language string) {
	for _, p := range t.pieces {
		name := p.format.name
		if p.tag != nil {
			name = p.tag.As
		}
		if _, known := speakers()[language]; name != "" && !known {
			l.report.Add(t.at, msgFormatLanguage, name, language)
			return
		}
	}
	l.checkReadings(t, language)
}
